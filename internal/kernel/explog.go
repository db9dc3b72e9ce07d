package kernel

import "math"

// Exp and Log work in float64, in which the roundings of +, * and / are
// 2^29 times finer than the float32 that is returned. Each operation is
// wrapped in a conversion so that no compiler fuses two of them.

// ln2 in two parts; the upper one has 28 bits, so that its product with an
// exponent is exact.
const (
	ln2Upper = 0x1.62e42fep-1
	ln2Lower = math.Ln2 - ln2Upper
)

// nan is the NaN that Exp and Log return on every architecture.
var nan = math.Float32frombits(0x7fc00000)

// Exp returns e^x with an error of at most 0.51 units in the last place. It
// overflows to +Inf above 88.72, passes through the subnormal numbers below
// -87.33 and is 0 below -103.97. Exp(NaN) is the NaN with bits 7fc00000.
func Exp(x float32) float32 {
	switch {
	case x != x:
		return nan
	case x > 89:
		return float32(math.Inf(1))
	case x < -104:
		return 0
	}
	return float32(expInner(float64(x)))
}

// expInner is Exp before the last rounding, for -104 <= d <= 89.
func expInner(d float64) float64 {
	// d = n*ln2 + r with |r| <= ln2/2 and a little; e^d = 2^n * e^r.
	half := 0.5
	if d < 0 {
		half = -0.5
	}
	n := int(float64(d*(1/math.Ln2)) + half)
	r := d - float64(float64(n)*ln2Upper)
	r -= float64(float64(n) * ln2Lower)
	// The Taylor series to degree 11: the rest is below 2^-48.
	p := 1.0 / 39916800
	p = float64(p*r) + 1.0/3628800
	p = float64(p*r) + 1.0/362880
	p = float64(p*r) + 1.0/40320
	p = float64(p*r) + 1.0/5040
	p = float64(p*r) + 1.0/720
	p = float64(p*r) + 1.0/120
	p = float64(p*r) + 1.0/24
	p = float64(p*r) + 1.0/6
	p = float64(p*r) + 1.0/2
	p = float64(p*r) + 1
	p = float64(p*r) + 1
	return p * math.Float64frombits(uint64(n+1023)<<52)
}

// Log returns the natural logarithm of x with an error of at most 0.51 units
// in the last place. Log(0) is -Inf for both zeros, Log(+Inf) is +Inf, and
// the logarithm of a negative number or of NaN is the NaN with bits 7fc00000.
func Log(x float32) float32 {
	switch {
	case x != x || x < 0:
		return nan
	case x == 0:
		return float32(math.Inf(-1))
	case x > math.MaxFloat32:
		return x
	}
	// No float32 is subnormal as a float64.
	return float32(logInner(float64(x)))
}

// logInner is Log before the last rounding, for a normal d > 0.
func logInner(d float64) float64 {
	// d = 2^n * f with f in [sqrt(1/2), sqrt(2)).
	bits := math.Float64bits(d)
	const sqrtHalf = 0x3fe6a09e667f3bcd
	n := int64(bits-sqrtHalf) >> 52
	f := math.Float64frombits(bits - uint64(n)<<52)
	// log f = 2*atanh(s) with s = (f-1)/(f+1), |s| < 0.172; the series to
	// s^17 leaves a relative rest below 2^-49.
	s := (f - 1) / (f + 1)
	q := float64(s * s)
	p := 2.0 / 17
	p = float64(p*q) + 2.0/15
	p = float64(p*q) + 2.0/13
	p = float64(p*q) + 2.0/11
	p = float64(p*q) + 2.0/9
	p = float64(p*q) + 2.0/7
	p = float64(p*q) + 2.0/5
	p = float64(p*q) + 2.0/3
	p = float64(p*q) + 2
	lower := float64(p*s) + float64(float64(n)*ln2Lower)
	return float64(float64(n)*ln2Upper) + lower
}
