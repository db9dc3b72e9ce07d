package robust

import "math"

// smea is smallest maximum eigenvalue averaging: the mean of the n-f vectors
// whose covariance has the least greatest eigenvalue. It tries all subsets, so it
// refuses more than mostSubsets of them.
type smea struct {
	dist   *distances
	mix    mixer
	f      int
	top    spectrum
	chosen []float64
	best   []float64
	out    []int
}

// mostSubsets bounds smea: some seconds on one core for 30 vectors.
const mostSubsets = 200_000

var smeaEntry = RuleEntry{Info{
	Name: "smea", Summary: "mean of the n-f with the least greatest variance in any direction",
	Source:    "Allouah, Guerraoui, Gupta, Pinot and Stephan, ICML 2023 (smallest maximum eigenvalue averaging); exact; refuses more than 200,000 subsets",
	Breakdown: "f < n/2",
	Constants: []Constant{liars("vectors to leave out")},
}, func(v Values, workers int) Rule {
	return &smea{dist: newDistances(workers), mix: newMixer(workers), f: v.Whole("f")}
}}

func (r *smea) Least() int { return 2*r.f + 1 }

// Most returns the greatest n with few enough subsets; it is below Least where
// even that has too many, from f = 10 on.
func (r *smea) Most() int {
	n := 2 * r.f
	for n < 1000 && subsets(n+1, r.f, mostSubsets) <= mostSubsets {
		n++
	}
	return n
}

// subsets returns n over f, or a number above limit.
func subsets(n, f, limit int) int {
	c := int64(1)
	for i := range f {
		if c = c * int64(n-i) / int64(i+1); c > int64(limit) {
			return limit + 1
		}
	}
	return int(c)
}

func (r *smea) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.best = ones(r.best, n)
	least := math.Inf(1)
	// out are the vectors left out, ascending; the next subset counts up the
	// last of them that can be.
	r.out = grow(r.out, r.f)
	for i := range r.out {
		r.out[i] = n - r.f + i // the last ones first: the own vector is kept when nothing decides
	}
	for {
		r.chosen = ones(r.chosen, n)
		for _, i := range r.out {
			r.chosen[i] = 0
		}
		if e, _ := r.top.leading(r.dist, r.chosen); e < least {
			least = e
			copy(r.best, r.chosen)
		}
		if !previous(r.out) {
			break
		}
	}
	for i := range r.best {
		r.best[i] /= float64(n - r.f)
	}
	r.mix.sum(dst, r.best, in.Vectors)
	return r.best
}

// previous changes an ascending choice of numbers to the one before it in
// lexicographic order from behind, and reports false at the first, 0, 1, 2, ….
func previous(out []int) bool {
	for i := range out {
		if out[i] > i {
			out[i]--
			for j := range i {
				out[j] = out[i] - i + j
			}
			return true
		}
	}
	return false
}
