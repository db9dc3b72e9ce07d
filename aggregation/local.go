package aggregation

// local takes nothing from anybody: what a peer reaches alone.
type local struct{ inbox }

func localInfo() Info {
	return Info{Name: "local", Summary: "every peer for itself: what arrives is ignored"}
}

func newLocal(string, values) Rule { return &local{} }

func (r *local) Name() string       { return "local" }
func (r *local) WholeHead() bool    { return false }
func (r *local) Consolidates() bool { return false }

func (r *local) Integrate(in Input) (Result, error) {
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.dropAll(LocalOnly)
	return r.result(), nil
}
