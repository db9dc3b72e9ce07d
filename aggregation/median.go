package aggregation

// median is the coordinate-wise median of all heads, the own one included; the
// mean of the two middle values when their number is even. With n heads, up to
// (n-1)/2 liars, rounded down, leave every weight within the range of the
// honest ones.
type median struct {
	inbox
	columnSorter
	heads [][]float32
}

func medianInfo() Info {
	return Info{Name: "median", Summary: "coordinate-wise median of all heads"}
}

func newMedian(string, values) Rule { return &median{} }

func (r *median) Name() string       { return "median" }
func (r *median) WholeHead() bool    { return true }
func (r *median) Consolidates() bool { return false }

func (r *median) Integrate(in Input) (Result, error) {
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.screenHeads()
	r.considerAll()
	r.weighAll()
	r.heads = r.gather(r.heads)
	n := len(r.heads)
	low, high := (n-1)/2, n/2
	r.prepare(n, low, high+1)
	for from := 0; from < len(r.head.Weights); from += blockColumns {
		width := r.sort(r.heads, from)
		out, a, b := r.head.Weights[from:], &r.keys[low], &r.keys[high]
		for k := range width {
			out[k] = float32((value(a[k]) + value(b[k])) / 2)
		}
	}
	return r.result(), nil
}
