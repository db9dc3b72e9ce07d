package robust

import "math"

// geometricMedian is the point with the least sum of distances to all vectors,
// by Weiszfeld's iteration from their mean. The vectors are read twice: for their
// pairwise squared distances D and for the result. The centre after each step is a
// mean of the vectors with shares a, and its squared distance from vector j is
//
//	(D a)_j - ½ aᵀ D a
//
// The iteration ends after the given number of steps, or earlier when no share
// moves by more than tolerance.
type geometricMedian struct {
	dist      *distances
	mix       mixer
	steps     int
	smoothing float64
	tolerance float64
	shares    []float64
	far       []float64
}

var geometricMedianEntry = RuleEntry{Info{
	Name: "geometric-median", Summary: "the point with the least sum of distances to all",
	Source:    "Chen, Su and Xu, 2017; smoothed Weiszfeld as in RFA (Pillutla, Kakade and Harchaoui, 2022)",
	Breakdown: "f < n/2",
	Constants: []Constant{
		{Name: "steps", Default: 32, Min: 1, Max: 10000, Whole: true, Doc: "Weiszfeld steps at most"},
		{Name: "smoothing", Default: 0.001, Min: 1e-6, Max: 1,
			Doc: "least distance in a step, in root mean square distances of the vectors from their mean"},
		{Name: "tolerance", Default: 1e-6, Min: 0, Max: 1, Doc: "the iteration ends when no share moves by more"},
	},
}, func(v Values, workers int) Rule {
	return &geometricMedian{
		dist: newDistances(workers), mix: newMixer(workers),
		steps: v.Whole("steps"), smoothing: v["smoothing"], tolerance: v["tolerance"],
	}
}}

func (r *geometricMedian) Least() int { return 1 }

func (r *geometricMedian) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.shares, r.far = grow(r.shares, n), grow(r.far, n)
	for i := range r.shares {
		r.shares[i] = 1 / float64(n)
	}
	floor := 0.0
	for step := range r.steps {
		half := 0.0
		for j := range n {
			r.far[j] = 0
			for k, d := range r.dist.row(j) {
				r.far[j] += float64(r.shares[k] * d)
			}
			half += float64(r.shares[j] * r.far[j])
		}
		half /= 2
		if step == 0 {
			floor = r.smoothing * r.smoothing * half
		}
		if half == 0 {
			break // all the same
		}
		sum := 0.0
		for j, f := range r.far {
			r.far[j] = 1 / math.Sqrt(max(f-half, floor))
			sum += r.far[j]
		}
		moved := 0.0
		for j, f := range r.far {
			moved = max(moved, math.Abs(f/sum-r.shares[j]))
			r.shares[j] = f / sum
		}
		if moved <= r.tolerance {
			break
		}
	}
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}
