package attack

import (
	"math"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// deviate sends base + factor*direction of the honest vectors' mean and standard
// deviation: inner product manipulation and A Little Is Enough, with a factor that
// is given or searched for.
type deviate struct {
	Honest
	// from returns the base and the direction in which to go.
	from func(v *vector) (base, direction []float64)
	// factor returns how far to go.
	factor func(s *Scene) float64
	search bool
}

// ipm is inner product manipulation (Xie, Koyejo and Gupta, Fall of Empires, UAI
// 2020): -epsilon times the mean of the honest vectors.
func ipm(v *vector) (base, direction []float64) {
	m := v.mean()
	for i := range m {
		m[i] = -m[i]
	}
	return make([]float64, len(m)), m
}

// alie is A Little Is Enough (Baruch, Baruch and Goldberg, NeurIPS 2019,
// algorithm 3): mean - z * standard deviation, per coordinate.
func alie(v *vector) (base, direction []float64) {
	m := v.mean()
	d := v.deviation(m)
	for i := range d {
		d[i] = -d[i]
	}
	return m, d
}

// largestZ is z_max of A Little Is Enough for n peers, f of them liars: the z with
// Phi(z) = (n-f-s)/(n-f), where s = floor(n/2+1)-f honest peers have to be farther
// from the mean than the liars. It is 0 where the formula gives less, and 4 where
// liars need no supporters.
func largestZ(n, f int) float64 {
	return quantile(float64(n-(n/2+1)) / float64(n-f))
}

// quantile returns the z in [0, 4] whose standard normal distribution function is
// nearest to p, by bisection to 2^-38.
func quantile(p float64) float64 {
	low, high := 0.0, 4.0
	for range 40 {
		if z := (low + high) / 2; phi(z) < p {
			low = z
		} else {
			high = z
		}
	}
	return high
}

// phi is the standard normal distribution function, for |x| of a few units, by the
// series x + x^3/3 + x^5/15 + ... of Marsaglia (Journal of Statistical Software 11,
// 2004).
func phi(x float64) float64 {
	term, sum := x, x
	for k := 3.0; math.Abs(term) > 1e-18; k += 2 {
		term = float64(term * (x * x / k))
		sum += term
	}
	return 0.5 + float64(sum*kernel.Exp64(-x*x/2))/math.Sqrt(2*math.Pi)
}

func (a deviate) Forge(s *Scene) bool {
	if len(s.Inbox) == 0 {
		return true
	}
	if !a.search {
		rows, _ := a.plan(s)
		return s.send(rows(a.factor(s)))
	}
	return s.agree(func() federation.Rows {
		rows, harm := a.plan(s)
		return rows(furthest(a.factor(s), harm))
	})
}

// plan returns what is sent with a factor, valid until the next call, and how much
// harm that does: the squared distance of the victim's outcome from the mean of
// the honest vectors.
func (a deviate) plan(s *Scene) (rows func(factor float64) federation.Rows, harm func(factor float64) float64) {
	truth, middle := vectors(s)
	lie, all := vectors(s)
	bases, directions := make([][]float64, len(all)), make([][]float64, len(all))
	for i := range all {
		bases[i], directions[i] = a.from(&all[i])
		middle[i].set(middle[i].mean(), 0, directions[i])
	}
	rows = func(factor float64) federation.Rows {
		for i := range all {
			all[i].set(bases[i], factor, directions[i])
		}
		return lie
	}
	harm = func(factor float64) float64 {
		return harmTo(s.Outcome(s.Update.Claims, rows(factor)), truth)
	}
	return rows, harm
}

// harmTo is the squared distance of a head from the truth.
func harmTo(head federation.Head, truth federation.Rows) float64 {
	sum := 0.0
	for i, c := range truth.Classes {
		sum += float64(kernel.SquaredDistance(head.Row(c), truth.Row(i)))
	}
	return sum
}

// evaluations is how often furthest asks, as often as the line search of ByzFL.
const evaluations = 16

// furthest searches for the factor of greatest harm by expansion and contraction:
// from the one given it goes on in doubled steps while that helps, then tries steps
// of half the size to either side (El Mhamdi, Guerraoui and Rouault, Distributed
// Momentum, ICLR 2021). The result is never less harmful than the one given.
func furthest(start float64, harm func(factor float64) float64) float64 {
	best, most := start, harm(start)
	step, expand := start, true
	if step == 0 {
		step = 1
	}
	for left := evaluations - 1; left > 0; left-- {
		if !expand {
			step /= 2
		}
		if h := harm(best + step); h > most {
			best, most = best+step, h
			if expand {
				step *= 2
			}
			continue
		}
		if expand {
			expand = false
			continue
		}
		if left--; best-step >= 0 && left > 0 {
			if h := harm(best - step); h > most {
				best, most = best-step, h
			}
		}
	}
	return best
}
