package kernel

import (
	"math"
	"math/rand/v2"
)

// math.Exp, math.Log and math.Pow are assembly on some architectures and Go on
// others, and do not give the same bits everywhere. All products that a sum follows are
// wrapped in a conversion, which forbids the compiler to fuse the two.

// ln2 in two parts. The upper one has 33 bits, so that its product with an
// exponent is exact.
const (
	ln2High = 0x1.62e42feep-01
	ln2Low  = 0x1.a39ef35793c76p-33
)

// Exp64 returns e^x within 1 unit in the last place (2 for subnormal results).
// It is +Inf above 709.8 and 0 below -745.2.
func Exp64(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	// x = n*ln2 + r with |r| <= ln2/2 and a little; e^x = 2^n * e^r.
	n := math.Floor(float64(x*(1/math.Ln2)) + 0.5)
	r := x - float64(n*ln2High)
	r -= float64(n * ln2Low)
	// The Taylor series to degree 13: the rest is below 2^-57.
	p := 1.0 / 6227020800
	for _, c := range &expSeries {
		p = float64(p*r) + c
	}
	return math.Ldexp(p, int(n))
}

// expSeries are 1/12!, 1/11!, ..., 1/0!.
var expSeries = [13]float64{
	1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
	1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
}

// Log64 returns the natural logarithm of a positive, finite x within 2 units in
// the last place.
func Log64(x float64) float64 {
	// x = 2^n * f with f in [sqrt(1/2), sqrt(2)).
	f, n := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f *= 2
		n--
	}
	// log f = 2*atanh(s) with s = (f-1)/(f+1), |s| < 0.172. The series to
	// s^21 leaves a relative rest below 2^-60.
	s := (f - 1) / (f + 1)
	q := float64(s * s)
	p := 2.0 / 21
	for k := 19.0; k >= 1; k -= 2 {
		p = float64(p*q) + 2/k
	}
	lower := float64(p*s) + float64(float64(n)*ln2Low)
	return float64(float64(n)*ln2High) + lower
}

// Pow64 returns x^y for x >= 0, y > 0 and a result that does not overflow.
func Pow64(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return Exp64(float64(y * Log64(x)))
}

// Normal draws from the standard normal distribution by Marsaglia's polar
// method, with the same bits for one seed everywhere; those of rand.NormFloat64
// depend on math.Exp.
func Normal(rng *rand.Rand) float64 {
	for {
		x, y := 2*rng.Float64()-1, 2*rng.Float64()-1
		if s := float64(x*x) + float64(y*y); s > 0 && s < 1 {
			return x * math.Sqrt(-2*Log64(s)/s)
		}
	}
}
