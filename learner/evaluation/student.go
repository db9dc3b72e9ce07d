package evaluation

import "math"

// studentTwoSided returns the probability that Student's t with the given
// degrees of freedom, at least 1, is at least so far from 0 (DLMF 8.17, with
// x = df/(df+t²)).
func studentTwoSided(t, df float64) float64 {
	if math.IsInf(t, 0) {
		return 0
	}
	square := float64(t * t)
	return betaIncomplete(df/2, .5, df/(df+square), square/(df+square))
}

// betaIncomplete returns the regularized incomplete beta function I_x(a, b) for
// positive a and b, where y = 1-x is given too because it may be much smaller
// than x.
func betaIncomplete(a, b, x, y float64) float64 {
	if x == 0 || y == 0 {
		return float64(1 - is(x == 0))
	}
	if x > (a+1)/(a+b+2) { // where the fraction would converge slowly
		return 1 - betaIncomplete(b, a, y, x)
	}
	lnA, _ := math.Lgamma(a)
	lnB, _ := math.Lgamma(b)
	lnAB, _ := math.Lgamma(a + b)
	front := math.Exp(lnAB-lnA-lnB+float64(a*math.Log(x))+float64(b*math.Log(y))) / a
	return front * betaFraction(a, b, x)
}

// betaFraction evaluates the continued fraction of DLMF 8.17.22 from its head
// on, as the product of the ratios of its convergents (Lentz, Generating Bessel
// Functions in Mie Scattering Calculations, Applied Optics 15, 1976).
func betaFraction(a, b, x float64) float64 {
	const precision, most = 1e-15, 10_000
	value, c, d := 1.0, 1.0, 1.0
	for k := range most {
		m := float64(k / 2)
		term := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		if k%2 == 1 {
			m++
			term = m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		}
		if k > 0 {
			d = 1 / (1 + float64(term*d))
		}
		c = 1 + term/c
		value *= c * d
		if math.Abs(c*d-1) < precision {
			break
		}
	}
	return 1 / value
}
