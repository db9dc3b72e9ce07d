package robust

import (
	"math"
	"slices"
)

// geometricMedian is the point with the least sum of distances to all vectors,
// by Weiszfeld's iteration: each step goes from a point z to the mean of the vectors
// x_j with shares in proportion to
//
//	1 / max(|x_j - z|, smoothing · m)
//
// where m is the median of the |x_j - z|, the greater of the two middle ones if n is
// even. While liars are the minority, that is at most the distance of an honest
// vector, so they cannot raise it. The iteration starts at the own vector, which they
// cannot move either; for the first step smoothing is 1, or else the own vector, at
// distance 0, would outweigh all others. It ends after the given number of steps, or
// earlier when no share moves by more than tolerance.
//
// Distances are measured from the point itself: what the squared distances of all
// pairs say about the honest is lost where a liar's are a million times greater.
type geometricMedian struct {
	dist      *toOne
	mix       mixer
	steps     int
	smoothing float64
	tolerance float64
	shares    []float64
	sorted    []float64
}

var geometricMedianEntry = RuleEntry{Info{
	Name: "geometric-median", Summary: "the point with the least sum of distances to all",
	Source:    "Chen, Su and Xu, 2017; smoothed Weiszfeld as in RFA (Pillutla, Kakade and Harchaoui, 2022)",
	Breakdown: "f < n/2",
	Constants: []Constant{
		{Name: "steps", Default: 32, Min: 1, Max: 10000, Whole: true, Doc: "Weiszfeld steps at most"},
		{Name: "smoothing", Default: 0.001, Min: 1e-6, Max: 1,
			Doc: "least distance in a step, in median distances of the vectors from its point"},
		{Name: "tolerance", Default: 1e-6, Min: 0, Max: 1, Doc: "the iteration ends when no share moves by more"},
	},
}, func(v Values, workers int) Rule {
	return &geometricMedian{
		dist: newToOne(workers), mix: newMixer(workers),
		steps: v.Whole("steps"), smoothing: v["smoothing"], tolerance: v["tolerance"],
	}
}}

func (r *geometricMedian) Least() int { return 1 }

func (r *geometricMedian) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.shares = grow(r.shares, n)
	clear(r.shares)
	r.shares[0] = 1
	point, smoothing := in.Vectors[0], 1.0
	for range r.steps {
		far := r.dist.measure(in.Vectors, point)
		r.sorted = append(r.sorted[:0], far...)
		slices.Sort(r.sorted)
		// Where half of the vectors lie at the point they are all that counts, and
		// squares that float32 cannot hold count as very far.
		floor := max(smoothing*smoothing*r.sorted[n/2], math.SmallestNonzeroFloat64)
		sum := 0.0
		for j, f := range far {
			far[j] = 1 / math.Sqrt(min(max(f, floor), math.MaxFloat64))
			sum += far[j]
		}
		moved := 0.0
		for j, f := range far {
			moved = max(moved, math.Abs(f/sum-r.shares[j]))
			r.shares[j] = f / sum
		}
		r.mix.sum(dst, r.shares, in.Vectors)
		if moved <= r.tolerance {
			break
		}
		point, smoothing = dst, r.smoothing
	}
	return r.shares
}
