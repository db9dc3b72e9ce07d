package robust

import (
	"math"
	"slices"
)

// signGuard trusts those whose difference from the own vector has an ordinary
// length and an ordinary share of positive, negative and zero signs on random
// coordinates: the largest cluster of these shares. The result is the own vector
// plus the mean of the trusted differences, clipped to the median length.
//
// It was made for gradients, which differences from the own vector stand for here.
// Clusters are those of mean shift with a flat kernel; modes within its width are
// one. The width is the mean, over the points, of the distance within which half of
// the points lie, itself included: while the honest are the majority, it is below
// half their distance from any liars that keep together. In three things this is
// not the authors' code: every k-th coordinate from a random
// start is looked at instead of a random run of neighbours, because a head's rows
// follow one another; the shares are not divided by the greatest of their kind,
// because a handful of zeros among weights would then count like all the other
// signs; and what has an extraordinary length is not clustered with the rest.
type signGuard struct {
	mix         mixer
	dist        *toOne
	low, high   float64
	coordinates float64
	length      []float64
	sorted      []float64
	points      [][3]float64
	modes       [][3]float64
	members     []int
	trusted     []int
	shares      []float64
}

var signGuardEntry = RuleEntry{Info{
	Name: "signguard", Draws: true, Summary: "own plus the mean of differences of ordinary length and ordinary signs",
	Source:    "Xu, Huang, Song and Lan, Byzantine-robust federated learning through collaborative malicious gradient filtering, ICDCS 2022 (SignGuard)",
	Breakdown: "f < (n-1)/2: fewer than half of the others",
	Constants: []Constant{
		{Name: "low", Default: .1, Min: 0, Max: 1, Doc: "least length, in median lengths"},
		{Name: "high", Default: 3, Min: 1, Max: 1e6, Doc: "greatest length, in median lengths"},
		{Name: "sample", Default: .1, Min: .001, Max: 1, Doc: "share of the coordinates whose signs are counted"},
	},
}, func(v Values, workers int) Rule {
	return &signGuard{mix: newMixer(workers), dist: newToOne(workers), low: v["low"], high: v["high"], coordinates: v["sample"]}
}}

func (r *signGuard) Least() int { return 3 }

func (r *signGuard) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	own := in.Vectors[0]
	r.length = append(r.length[:0], r.dist.measure(in.Vectors, own)...)
	r.sorted = r.sorted[:0]
	for i := 1; i < n; i++ {
		r.length[i] = math.Sqrt(r.length[i])
		r.sorted = append(r.sorted, r.length[i])
	}
	slices.Sort(r.sorted)
	middle := r.sorted[len(r.sorted)/2]
	step := max(1, int(1/r.coordinates))
	offset := 0
	if step > 1 {
		offset = in.Rand.IntN(step)
	}
	r.points, r.members = r.points[:0], r.members[:0]
	for i := 1; i < n; i++ {
		if l := r.length[i]; l < r.low*middle || l > r.high*middle {
			continue
		}
		var signs [3]float64
		count := 0.0
		for k := offset; k < len(own); k += step {
			switch x := in.Vectors[i][k]; {
			case x > own[k]:
				signs[0]++
			case x < own[k]:
				signs[1]++
			default:
				signs[2]++
			}
			count++
		}
		for s := range signs {
			signs[s] /= max(1, count)
		}
		r.points, r.members = append(r.points, signs), append(r.members, i)
	}
	r.trusted = r.largestCluster(r.trusted[:0])
	r.shares = grow(r.shares, n)
	clear(r.shares)
	r.shares[0] = 1
	for _, i := range r.trusted {
		r.shares[i] = min(1, middle/max(r.length[i], math.SmallestNonzeroFloat64)) / float64(len(r.trusted))
		r.shares[0] -= r.shares[i]
	}
	r.shares[0] = max(0, r.shares[0])
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// largestCluster appends the members of the largest cluster of points, the
// first of equals.
func (r *signGuard) largestCluster(to []int) []int {
	width := r.width()
	r.modes = append(r.modes[:0], r.points...)
	for i := range r.modes {
		for range 50 {
			var sum [3]float64
			near := 0.0
			for _, p := range r.points {
				if apart(p, r.modes[i]) <= width {
					near++
					for s := range sum {
						sum[s] += p[s]
					}
				}
			}
			for s := range sum {
				sum[s] /= max(1, near)
			}
			if sum == r.modes[i] || near == 0 {
				break
			}
			r.modes[i] = sum
		}
	}
	most, best := 0, -1
	for i, m := range r.modes {
		count := 0
		for _, other := range r.modes {
			if apart(m, other) <= width {
				count++
			}
		}
		if count > most {
			most, best = count, i
		}
	}
	for i, m := range r.modes {
		if best >= 0 && apart(m, r.modes[best]) <= width {
			to = append(to, r.members[i])
		}
	}
	return to
}

// width returns the squared width of the kernel.
func (r *signGuard) width() float64 {
	sum := 0.0
	for _, p := range r.points {
		r.sorted = r.sorted[:0]
		for _, q := range r.points {
			r.sorted = append(r.sorted, apart(p, q))
		}
		slices.Sort(r.sorted)
		sum += math.Sqrt(r.sorted[(len(r.sorted)-1)/2])
	}
	mean := sum / max(1, float64(len(r.points)))
	return mean * mean
}

// apart returns the squared distance of two points.
func apart(p, q [3]float64) float64 {
	sum := 0.0
	for s := range p {
		sum += float64((p[s] - q[s]) * (p[s] - q[s]))
	}
	return sum
}
