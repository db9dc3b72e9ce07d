package robust

import (
	"math"
	"slices"
)

// centeredClipping moves a point, the own vector at first, by the mean of the
// clipped differences to all vectors, some times over:
//
//	v ← v + 1/n Σ (x_i - v) · min(1, tau / |x_i - v|)
type centeredClipping struct {
	mix    mixer
	dist   *toOne
	tau    float64
	steps  int
	point  []float32
	shares []float64
	total  []float64
}

var centeredClippingEntry = RuleEntry{Info{
	Name: "centered-clipping", Summary: "the own vector plus the mean of the differences to all, each clipped to a length",
	Source: "Karimireddy, He and Jaggi, ICML 2021, started from the own vector", Breakdown: "no fixed f: each liar moves the result by tau/n a step",
	Constants: []Constant{
		{Name: "tau", Default: 1, Min: 1e-9, Max: 1e9, Doc: "length that differences are clipped to"},
		{Name: "steps", Default: 1, Min: 1, Max: 1000, Whole: true, Doc: "how many times the point is moved"},
	},
}, func(v Values, workers int) Rule {
	return &centeredClipping{mix: newMixer(workers), dist: newToOne(workers), tau: v["tau"], steps: v.Whole("steps")}
}}

func (r *centeredClipping) Least() int { return 1 }

func (r *centeredClipping) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	// The point is a mean of the vectors with shares total, so it is made anew
	// from them in each step and nothing is lost on the way.
	r.total, r.shares = grow(r.total, n), grow(r.shares, n)
	clear(r.total)
	r.total[0] = 1
	point := in.Vectors[0]
	for step := range r.steps {
		moved := 0.0
		for i, d := range r.dist.measure(in.Vectors, point) {
			r.shares[i] = clip(d, r.tau) / float64(n)
			moved += r.shares[i]
		}
		for i, s := range r.shares {
			r.total[i] = float64(r.total[i]*(1-moved)) + s
		}
		r.mix.sum(dst, r.total, in.Vectors)
		if step < r.steps-1 {
			r.point = grow(r.point, len(dst))
			copy(r.point, dst)
			point = r.point
		}
	}
	return r.total
}

// clip returns min(1, tau/d) for a squared distance.
func clip(squared, tau float64) float64 {
	if squared <= tau*tau {
		return 1
	}
	return tau / math.Sqrt(squared)
}

// scClip is self-centred clipping: centered clipping in one step around the own
// vector, without a server. With tau 0 the length is chosen from the distances:
// that of the last honest one when the f furthest are taken for liars, so it is
// never above that of the furthest honest one. The authors' code does the same
// with f = 1.
type scClip struct {
	mix    mixer
	dist   *toOne
	tau    float64
	f      int
	shares []float64
	sorted []float64
}

var scClipEntry = RuleEntry{Info{
	Name: "scclip", Summary: "self-centred clipping: differences to the own vector, clipped, are averaged",
	Source:    "He, Karimireddy and Jaggi, Byzantine-robust decentralized learning via ClippedGossip, 2022, with equal mixing weights; tau 0 takes the distance of the (n-f)-th nearest where the paper's theory wants the unknown variance of the honest",
	Breakdown: "each liar moves the result by at most tau/n, and tau 0 is never above the furthest honest distance",
	Constants: []Constant{
		{Name: "tau", Default: 0, Min: 0, Max: 1e9, Doc: "length that differences are clipped to; 0: the distance of the (n-f)-th nearest"},
		liars("number of liars that tau 0 allows for"),
	},
}, func(v Values, workers int) Rule {
	return &scClip{mix: newMixer(workers), dist: newToOne(workers), tau: v["tau"], f: v.Whole("f")}
}}

func (r *scClip) Least() int {
	if r.tau > 0 {
		return 1
	}
	return r.f + 2
}

func (r *scClip) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	d := r.dist.measure(in.Vectors, in.Vectors[0])
	tau := r.tau
	if tau == 0 {
		r.sorted = append(r.sorted[:0], d...)
		slices.Sort(r.sorted)
		tau = math.Sqrt(r.sorted[n-r.f-1])
	}
	r.shares = grow(r.shares, n)
	r.shares[0] = 1
	for i := 1; i < n; i++ {
		r.shares[i] = clip(d[i], tau) / float64(n)
		r.shares[0] -= r.shares[i]
	}
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}
