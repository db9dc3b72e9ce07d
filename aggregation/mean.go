package aggregation

import "github.com/bristle-fl/bristled/internal/kernel"

// mean is the unweighted mean of all heads, the own one included: federated
// averaging without a server. One update can move it anywhere.
type mean struct{ inbox }

func meanInfo() Info {
	return Info{Name: "mean", Summary: "unweighted mean of all heads; one liar can move it anywhere"}
}

func newMean(string, values) Rule { return &mean{} }

func (r *mean) Name() string       { return "mean" }
func (r *mean) WholeHead() bool    { return true }
func (r *mean) Consolidates() bool { return false }

func (r *mean) Integrate(in Input) (Result, error) {
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.screenHeads()
	r.considerAll()
	r.weighAll()
	if len(r.live) == 0 {
		return r.result(), nil
	}
	share := float32(1 / float64(1+len(r.live)))
	clear(r.head.Weights)
	kernel.Axpy(share, r.own.Weights, r.head.Weights)
	for _, i := range r.live {
		kernel.Axpy(share, r.updates[i].Rows.Weights, r.head.Weights)
	}
	return r.result(), nil
}
