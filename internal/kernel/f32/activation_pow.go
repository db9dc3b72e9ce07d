package f32

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Pow computes x to a constant exponent. The exponents 1, 2, 3, 1/2 and -1 are
// x, x*x, (x*x)*x, the square root and 1/x; others go through exponential and
// logarithm, to half a unit in the last place. A negative x to a fraction is
// NaN, 0 to a negative exponent is infinite, and anything to 0 is 1.
func Pow(dst, x []float32, exponent float32) {
	vecMust("Pow", "operand", len(x), len(dst))
	powOn(cpu.Active(), dst, x, exponent)
}

func powOn(on cpu.Path, dst, x []float32, exponent float32) {
	switch exponent {
	case 1:
		copy(dst, x)
	case 2:
		elementwise(on, opMul, dst, x, x, 0, 0)
	case 0.5:
		elementwise(on, opSqrt, dst, x, x, 0, 0)
	case -1:
		elementwise(on, opReciprocal, dst, x, x, 0, 0)
	default:
		for i, v := range x {
			dst[i] = powOf(v, exponent)
		}
	}
}

// PowGrad is the gradient of [Pow], given its operand x:
// (exponent*x^(exponent-1))*dy.
func PowGrad(dx, dy, x []float32, exponent float32) {
	vecMust("PowGrad", "first operand", len(dy), len(dx))
	vecMust("PowGrad", "second operand", len(x), len(dx))
	for i, g := range dy {
		var slope float32
		switch v := x[i]; exponent {
		case 0:
		case 2:
			slope = v + v
		default:
			slope = exponent * powOf(v, exponent-1)
		}
		dx[i] = slope * g
	}
}

// powOf returns x to the power p.
func powOf(x, p float32) float32 {
	switch p {
	case 0:
		return 1
	case 1:
		return x
	case 2:
		return x * x
	case 3:
		return float32(x*x) * x
	}
	if x != x || p != p {
		return float32(math.NaN())
	}
	// From 2^24 on, every float32 is an even integer.
	whole := float32(math.Trunc(float64(p))) == p
	odd := whole && magnitude(p) < 1<<24 && int32(p)%2 != 0
	a := float64(magnitude(x))
	var y float64
	switch inf := math.Inf(1); {
	case a == 1:
		y = 1
	case (a == 0) == (p > 0) && (a == 0 || a == inf), math.Abs(float64(p)) == inf && (a > 1) != (p > 0):
		y = 0
	case a == 0 || a == inf || math.Abs(float64(p)) == inf:
		y = inf
	default:
		y = exp64(float64(float64(p) * log64(a)))
	}
	switch {
	case !math.Signbit(float64(x)):
		return float32(y)
	case odd:
		return -float32(y)
	case whole || x == 0 || math.IsInf(float64(x), -1):
		return float32(y)
	}
	return float32(math.NaN())
}

// The two functions below work in float64, in which roundings are 2^29 times
// finer than the float32 that is made of the result. Those of package math
// have other bits on other architectures.

// exp64 returns e^d with a relative error below 1e-13, or what becomes 0 or
// infinity as a float32.
func exp64(d float64) float64 {
	d = min(max(d, -150), 150)
	n := math.Floor(float64(d*math.Log2E) + 0.5)
	const upper = 0x1.62e42fep-1 // 28 bits, so that the product with n is exact
	r := (d - float64(n*upper)) - float64(n*(math.Ln2-upper))
	// The Taylor series, the last terms first.
	e := 1.0
	for k := 12; k > 0; k-- {
		e = 1 + float64(float64(e*r)/float64(k))
	}
	return math.Ldexp(e, int(n))
}

// log64 returns the natural logarithm of a positive finite number that is not
// subnormal, with a relative error below 1e-14.
func log64(d float64) float64 {
	f, n := math.Frexp(d)
	if f < math.Sqrt2/2 {
		f, n = f+f, n-1
	}
	// log f = 2*atanh(s) with |s| < 0.172.
	s := (f - 1) / (f + 1)
	s2 := float64(s * s)
	sum := 0.0
	for k := 19; k > 0; k -= 2 {
		sum = float64(sum*s2) + 2/float64(k)
	}
	return float64(sum*s) + float64(float64(n)*math.Ln2)
}
