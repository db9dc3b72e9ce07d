package robust

import "math"

// caf is the covariance-bound agnostic filter. All vectors weigh 1 at first.
// While more than n-2f of the weight is left, those that lie far out in the
// direction of the greatest variance lose weight,
//
//	c_i ← c_i · (1 - t_i / max_j t_j),  t_i = <x_i - mu, v>²
//
// and the result is the weighted mean with the least greatest variance on the
// way. Unlike in ByzFL, which takes one step of the power method from a random
// start, the direction is found to the end, so nothing is drawn.
type caf struct {
	dist    *distances
	mix     mixer
	f       int
	top     spectrum
	weights []float64
	shares  []float64
}

var cafEntry = RuleEntry{Info{
	Name: "caf", Summary: "weighted mean after taking weight from what lies far out where the variance is greatest",
	Source: "Allouah, Guerraoui and Stephan, Towards trustworthy federated learning with untrusted participants, ICML 2025", Breakdown: "f < n/2",
	Constants: []Constant{liars("number of liars to withstand")},
}, func(v Values, workers int) Rule {
	return &caf{dist: newDistances(workers), mix: newMixer(workers), f: v.Whole("f")}
}}

func (r *caf) Least() int { return 2*r.f + 1 }

func (r *caf) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.weights, r.shares = ones(r.weights, n), grow(r.shares, n)
	least, total := math.Inf(1), float64(n)
	for first := true; first || total > float64(n-2*r.f); first = false {
		variance, t := r.top.leading(r.dist, r.weights)
		if variance < least {
			least = variance
			for i, w := range r.weights {
				r.shares[i] = w / total
			}
		}
		most := 0.0
		for i, x := range t {
			if r.weights[i] > 0 {
				most = max(most, x)
			}
		}
		if most == 0 {
			break // what has weight is all the same
		}
		total = 0
		for i, x := range t {
			r.weights[i] = float64(r.weights[i] * max(0, 1-x/most))
			total += r.weights[i]
		}
		if total <= 0 {
			break
		}
	}
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}
