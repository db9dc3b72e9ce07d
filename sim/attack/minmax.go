package attack

import "math"

// The directions of Shejwalkar and Houmansadr (NDSS 2021, section IV): the inverse
// standard deviation, the inverse unit vector and the inverse sign of the mean.
var perturbations = []string{"std", "unit", "sign"}

// spread is the attacks of that paper that know no rule: mean + gamma*p for a
// direction p, with the largest gamma that keeps the lie within the spread of the
// honest vectors x_i. For min-max its distance to any of them is at most the
// largest between two of them; for min-sum the sum of its squared distances to them
// is at most the largest such sum of one of them. Both conditions are quadratic in
// gamma and solved as such; the paper finds the same number by bisection.
type spread struct {
	Honest
	direction string
	sum       bool
}

func (a spread) Forge(s *Scene) bool {
	rows, all := vectors(s)
	for i := range all {
		v := &all[i]
		m := v.mean()
		p := a.perturbation(v, m)
		v.set(m, a.gamma(v, m, p), p)
	}
	return s.send(rows)
}

func (a spread) perturbation(v *vector, m []float64) []float64 {
	p := make([]float64, len(m))
	switch a.direction {
	case "std":
		for i, d := range v.deviation(m) {
			p[i] = -d
		}
	case "unit":
		square := 0.0
		for _, w := range m {
			square += float64(w * w)
		}
		if norm := math.Sqrt(square); norm > 0 {
			for i, w := range m {
				p[i] = -w / norm
			}
		}
	case "sign":
		for i, w := range m {
			switch {
			case w > 0:
				p[i] = -1
			case w < 0:
				p[i] = 1
			}
		}
	}
	return p
}

// gamma returns the largest factor. With x_i the honest vectors it solves, for each
// i, |m - x_i|^2 + 2 gamma <p, m - x_i> + gamma^2 |p|^2 = the largest allowed, or
// the same summed over i.
func (a spread) gamma(v *vector, m, p []float64) float64 {
	n := len(v.honest)
	square := 0.0
	for _, w := range p {
		square += float64(w * w)
	}
	if square == 0 {
		return 0
	}
	constant, linear := make([]float64, n), make([]float64, n) // |m-x_i|^2, <p, m-x_i>
	most, mostSum := 0.0, 0.0
	for i, x := range v.honest {
		for k, w := range x {
			e := m[k] - float64(w)
			constant[i] += float64(e * e)
			linear[i] += float64(p[k] * e)
		}
		sum := 0.0
		for _, y := range v.honest {
			d := 0.0
			for k, w := range x {
				e := float64(w) - float64(y[k])
				d += float64(e * e)
			}
			most, sum = max(most, d), sum+d
		}
		mostSum = max(mostSum, sum)
	}
	if a.sum {
		c, l := 0.0, 0.0
		for i := range constant {
			c, l = c+constant[i], l+linear[i]
		}
		return root(float64(n)*square, l, c-mostSum)
	}
	least := math.Inf(1)
	for i := range constant {
		least = min(least, root(square, linear[i], constant[i]-most))
	}
	return least
}

// root returns the larger root of a g^2 + 2 b g + c, 0 if that is negative. The
// honest mean is within the spread, so that c is at most 0 but for rounding.
func root(a, b, c float64) float64 {
	return max(0, (math.Sqrt(max(0, float64(b*b)-float64(a*c)))-b)/a)
}
