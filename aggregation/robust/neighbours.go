package robust

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// nearOwn is what the rules of this file share: they measure distances from the
// own vector and average some of the others.
type nearOwn struct {
	mix    mixer
	dist   *toOne
	order  []int
	kept   []int
	shares []float64
}

func newNearOwn(workers int) nearOwn {
	return nearOwn{mix: newMixer(workers), dist: newToOne(workers)}
}

// nearest returns the k others that are nearest to the own vector.
func (r *nearOwn) nearest(in Input, k int) []int {
	d := r.dist.measure(in.Vectors, in.Vectors[0])
	d[0] = -1 // first, whatever else lies on it
	r.order = ascending(r.order, d)
	return r.order[1 : 1+k]
}

// blend writes own times the own vector plus the rest shared equally by those
// kept, or the own vector if none are.
func (r *nearOwn) blend(dst []float32, in Input, own float64) []float64 {
	r.shares = equal(r.shares, len(in.Vectors), r.kept)
	if len(r.kept) == 0 {
		own = 1
	}
	for i := range r.shares {
		r.shares[i] = float64(r.shares[i] * (1 - own))
	}
	r.shares[0] += own
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// monna is MoNNA's nearest-neighbour averaging: the mean of the own vector and
// the n-f-1 nearest to it.
type monna struct {
	nearOwn
	f int
}

var monnaEntry = RuleEntry{Info{
	Name: "monna", Summary: "mean of the own vector and the n-f-1 nearest to it",
	Source: "Farhadkhani et al., Robust collaborative learning with linear gradient overhead, ICML 2023", Breakdown: "f < n/2 for the rule; the paper proves it for fewer",
	Constants: []Constant{liars("vectors to leave out")},
}, func(v Values, workers int) Rule { return &monna{newNearOwn(workers), v.Whole("f")} }}

func (r *monna) Least() int { return 2*r.f + 1 }

func (r *monna) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.kept = append(r.kept[:0], r.nearest(in, n-r.f-1)...)
	return r.blend(dst, in, 1/float64(n-r.f))
}

// mozi is Mozi as the author of Bristle compares with it: of the nearest share
// rho of the others, those whose loss on own samples is not above the own one are
// averaged; the result is half that and half the own vector.
type mozi struct {
	nearOwn
	rho, alpha float64
	best       bool // without any, take the one with the least loss
}

var moziEntry = RuleEntry{Info{
	Name: "mozi", Tests: true, Summary: "half the own, half the mean of those near it whose loss on own samples is no higher; the own if there are none",
	Source:    "the code of Bristle's author (docs/bristle.md, c), after Guo et al., Towards Byzantine-resilient learning in decentralized systems, 2020",
	Breakdown: "the share 1-rho of the others in the first stage",
	Constants: []Constant{{Name: "rho", Default: .5, Min: .001, Max: 1, Doc: "share of the others that are near enough, rounded up"}},
}, func(v Values, workers int) Rule {
	return &mozi{nearOwn: newNearOwn(workers), rho: v["rho"], alpha: .5}
}}

var ubarEntry = RuleEntry{Info{
	Name: "ubar", Tests: true, Summary: "as mozi, but without any that are good enough the best of those near is taken",
	Source:    "Guo et al., Byzantine-resilient decentralized stochastic gradient descent, IEEE TCSVT 2021 (UBAR)",
	Breakdown: "the share 1-rho of the others",
	Constants: []Constant{
		{Name: "rho", Default: .4, Min: .001, Max: 1, Doc: "share of the others that are near enough, rounded up: that of the honest ones"},
		{Name: "alpha", Default: .5, Min: 0, Max: 1, Doc: "share of the own vector in the result"},
	},
}, func(v Values, workers int) Rule {
	return &mozi{nearOwn: newNearOwn(workers), rho: v["rho"], alpha: v["alpha"], best: true}
}}

func (r *mozi) Least() int { return 2 }

func (r *mozi) Aggregate(dst []float32, in Input) []float64 {
	own, least := in.Loss(in.Vectors[0]), math.Inf(1)
	best := -1
	r.kept = r.kept[:0]
	// The subtraction keeps .55 of 100 from being rounded up to 56.
	near := int(math.Ceil(float64(r.rho*float64(len(in.Vectors)-1)) - 1e-9))
	for _, i := range r.nearest(in, near) {
		loss := in.Loss(in.Vectors[i])
		if loss <= own {
			r.kept = append(r.kept, i)
		}
		if loss < least {
			least, best = loss, i
		}
	}
	if len(r.kept) == 0 && r.best && best >= 0 {
		r.kept = append(r.kept, best)
	}
	return r.blend(dst, in, r.alpha)
}

// balance accepts what is near the own vector, and less and less of it:
//
//	|x_i - x_0| <= gamma · e^(-kappa·t/T) · |x_0|
//
// The result is alpha times the own vector plus 1-alpha times the mean of those
// accepted.
type balance struct {
	nearOwn
	gamma, kappa, alpha, rounds float64
}

var balanceEntry = RuleEntry{Info{
	Name: "balance", Summary: "mean with those near the own vector, the radius shrinking with time",
	Source:    "Fang et al., Byzantine-robust decentralized federated learning, CCS 2024 (BALANCE)",
	Breakdown: "none stated: what is near is accepted",
	Constants: []Constant{
		{Name: "gamma", Default: .3, Min: 1e-6, Max: 1e6, Doc: "radius at first, in lengths of the own vector"},
		{Name: "kappa", Default: 1, Min: 0, Max: 100, Doc: "how fast the radius shrinks: by e^-kappa in the given rounds"},
		{Name: "rounds", Default: 300, Min: 1, Max: 1e9, Whole: true, Doc: "T, the number of rounds planned"},
		{Name: "alpha", Default: .5, Min: 0, Max: 1, Doc: "share of the own vector in the result"},
	},
}, func(v Values, workers int) Rule {
	return &balance{newNearOwn(workers), v["gamma"], v["kappa"], v["alpha"], v["rounds"]}
}}

func (r *balance) Least() int { return 1 }

func (r *balance) Aggregate(dst []float32, in Input) []float64 {
	own := math.Sqrt(r.dist.measure(in.Vectors[:1], nil)[0])
	radius := r.gamma * kernel.Exp64(-r.kappa*(float64(in.Round)/r.rounds)) * own
	r.kept = r.kept[:0]
	for i, d := range r.dist.measure(in.Vectors, in.Vectors[0]) {
		if i > 0 && math.Sqrt(d) <= radius {
			r.kept = append(r.kept, i)
		}
	}
	return r.blend(dst, in, r.alpha)
}

// wfagg averages the others that pass two filters: n-f-1 are nearest to the
// coordinate-wise median, and n-f-1 have the smallest angle with it. At least
// n-2f-1 are among both.
//
// The paper has a third filter, which compares a sender with its own past, and
// accepts what passes two of the three. Vectors without names have no past, so the
// third is left out and the two others must agree.
type wfagg struct {
	nearOwn
	f      int
	alpha  float64
	median *median
	middle []float32
	score  []float64
	passed []int
	inner  *toOne
}

var wfaggEntry = RuleEntry{Info{
	Name: "wfagg", Summary: "mean of those that pass two filters, distance and angle to the median, mixed with the own vector",
	Source:    "Cajaraville-Aboy et al., Byzantine-robust aggregation for securing decentralized federated learning, 2024 (WFAgg), without its temporal filter",
	Breakdown: "f < n/2",
	Constants: []Constant{
		liars("vectors that each filter leaves out"),
		{Name: "alpha", Default: .8, Min: 0, Max: 1, Doc: "share of what others sent in the result"},
	},
}, func(v Values, workers int) Rule {
	m := medianEntry.New(nil, workers).(*median)
	return &wfagg{nearOwn: newNearOwn(workers), f: v.Whole("f"), alpha: v["alpha"], median: m, inner: newToOne(workers)}
}}

func (r *wfagg) Least() int { return 2*r.f + 2 }

func (r *wfagg) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.middle = grow(r.middle, len(dst))
	r.median.Aggregate(r.middle, in)
	r.score, r.passed = grow(r.score, n), grow(r.passed, n)
	clear(r.passed)
	distance := r.dist.measure(in.Vectors, r.middle)
	length := r.inner.measure(in.Vectors, nil)
	middle := 0.0
	for from := 0; from < len(r.middle); from += chunk {
		m := r.middle[from:min(len(r.middle), from+chunk)]
		middle += float64(kernel.Dot(m, m))
	}
	// -cos = (D - |x|² - |m|²) / 2|x||m|
	for i, d := range distance {
		r.score[i] = 1
		if product := length[i] * middle; product > 0 {
			r.score[i] = (d - length[i] - middle) / (2 * math.Sqrt(product))
		}
	}
	for _, filter := range [][]float64{distance, r.score} {
		filter[0] = math.Inf(1) // the own vector is not filtered
		r.order = ascending(r.order, filter)
		for _, i := range r.order[:n-r.f-1] {
			r.passed[i]++
		}
	}
	r.kept = r.kept[:0]
	for i, filters := range r.passed {
		if filters == 2 {
			r.kept = append(r.kept, i)
		}
	}
	return r.blend(dst, in, 1-r.alpha)
}
