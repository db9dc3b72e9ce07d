package f32

import "math"

// The functions below use nothing but float32 arithmetic in a fixed order,
// one rounding per operation, so that a vector of them costs little and has
// the same bits on every path. Polynomials are summed in pairs rather than by
// Horner's rule: the chain of operations that wait for each other is half as
// long.

const (
	signBit = 1 << 31

	// roundMagic, 1.5*2^23, added to a small number rounds it to the nearest
	// integer, ties to even; the integer is in the low bits of the sum.
	roundMagic = 1.5 * (1 << 23)

	log2E = 1.44269504
	// ln2 in two parts; the upper one has 9 bits, so that its product with an
	// exponent is exact.
	ln2Upper = 0.693359375
	ln2Lower = -0.000212194440

	// Beyond these bounds the exponential is infinity and 0.
	expLow, expHigh = -104, 89

	// (e^r-1-r)/r^2 for |r| < ln2/2 with an error of 7e-8, which makes one of
	// 8e-9 in e^r.
	exp0 = 0.5
	exp1 = 0.166665763
	exp2 = 0.0416665561
	exp3 = 0.00836319011
	exp4 = 0.0013926198

	// (tanh(x)/x-1)/x^2 as a polynomial of x^2 for |x| < tanhSmall; from
	// tanhHigh on, tanh is 1.
	tanhSmall, tanhHigh = 0.6, 10
	tanh0               = -0.333333313
	tanh1               = 0.133329153
	tanh2               = -0.0538739488
	tanh3               = 0.0211109538
	tanh4               = -0.00626911363

	// The error function is a polynomial on each of 16 pieces; see erfTable.
	erfHigh        = 4
	erfStep        = 17.0 / 64
	erfInverseStep = 64.0 / 17

	sqrtHalf     = 0.70710678118654752
	twoBySqrtPi  = 1.12837916709551257
	invSqrtTwoPi = 0.39894228040143268
)

// erfTable holds the coefficients of erf(k*erfStep+f) for |f| <= erfStep/2 as
// a polynomial of f: that of f^d in erfTable[d][k]. The errors are below
// 3e-8. Piece 0 is odd, so that small numbers keep their relative precision.
var erfTable = [6][16]float32{
	{0, 0.292823225, 0.547528446, 0.740236998, 0.867058277, 0.939653337, 0.975797713, 0.99145031,
		0.997345984, 0.999277413, 0.999827683, 0.999964058, 0.999993443, 0.999998987, 0.999999881, 1},
	{1.12837911, 1.05150831, 0.850913882, 0.59796232, 0.364902884, 0.193373099, 0.088987723, 0.0355614461,
		0.0123408204, 0.00371898082, 0.000973238202, 0.000221171766, 4.36471237e-05, 7.4799209e-06, 1.11315046e-06, 1.43855445e-07},
	{0, -0.279299527, -0.45203954, -0.476497591, -0.387711167, -0.256827533, -0.141826943, -0.0661228895,
		-0.0262239315, -0.00889014825, -0.0025847964, -0.000646064698, -0.000139063835, -2.58115251e-05, -4.13540374e-06, -5.72370027e-07},
	{-0.37612161, -0.301039577, -0.123538993, 0.053817194, 0.152990952, 0.162938178, 0.121026665, 0.0701108873,
		0.0330377333, 0.0129298419, 0.00425336184, 0.00118500658, 0.000281054119, 5.69546028e-05, 9.8880937e-06, 1.47379365e-06},
	{0, 0.131972045, 0.182216361, 0.136841759, 0.0482386723, -0.0220043454, -0.0487513281, -0.043015819,
		-0.0264083054, -0.012573339, -0.00484293932, -0.00154180813, -0.000410858425, -9.23918269e-05, -1.76317408e-05, -2.86710065e-06},
	{0.112122752, 0.0757784992, -0.00172592036, -0.0594385974, -0.0659492463, -0.036870148, -0.00512107089, 0.0109173069,
		0.0124458633, 0.00807118136, 0.00382864824, 0.00142883428, 0.000433422392, 0.00010879706, 2.28520967e-05, 4.04650882e-06},
}

// expOf returns e^x with a relative error below 1.5e-7 where the result is a
// normal number.
func expOf(x float32) float32 {
	x = vecClip(x, expLow, expHigh)
	// x = n*ln2+r with |r| <= ln2/2 and a little; e^x = 2^n * e^r.
	shifted := float32(x*log2E) + roundMagic
	n := shifted - roundMagic
	r := x - float32(n*ln2Upper)
	r -= float32(n * ln2Lower)
	r2 := float32(r * r)
	low := exp0 + float32(exp1*r)
	high := (exp2 + float32(exp3*r)) + float32(exp4*r2)
	e := 1 + (r + float32(r2*(low+float32(high*r2))))
	// In two steps, because 2^n may be too large or too small for a number
	// while the result is not. The first step is exact.
	exponent := int32(math.Float32bits(shifted) - math.Float32bits(roundMagic))
	half := exponent >> 1
	return float32(e*powerOfTwo(half)) * powerOfTwo(exponent-half)
}

// powerOfTwo returns 2^n for -127 < n < 128.
func powerOfTwo(n int32) float32 { return math.Float32frombits(uint32(n+127) << 23) }

// sigmoidOf returns 1/(1+e^-x) with a relative error below 3e-7 where e^-x is
// finite; else it returns 0.
func sigmoidOf(x float32) float32 { return 1 / (1 + expOf(-x)) }

// tanhOf returns the hyperbolic tangent with a relative error below 3e-7.
func tanhOf(x float32) float32 {
	a := magnitude(x)
	if tanhHigh < a {
		a = tanhHigh
	}
	var y float32
	if a < tanhSmall {
		z := float32(a * a)
		z2 := float32(z * z)
		low := tanh0 + float32(tanh1*z)
		high := (tanh2 + float32(tanh3*z)) + float32(tanh4*z2)
		y = a + float32(float32(a*z)*(low+float32(high*z2)))
	} else {
		y = 1 - 2/(1+expOf(a+a))
	}
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&signBit)
}

// erfOf returns the error function with an absolute error below 1.2e-7.
func erfOf(x float32) float32 {
	a := magnitude(x)
	if erfHigh < a {
		a = erfHigh
	}
	shifted := float32(a*erfInverseStep) + roundMagic
	k := math.Float32bits(shifted) % 16
	f := a - float32((shifted-roundMagic)*erfStep)
	f2 := float32(f * f)
	high := (erfTable[2][k] + float32(erfTable[3][k]*f)) + float32(f2*(erfTable[4][k]+float32(erfTable[5][k]*f)))
	y := erfTable[0][k] + (float32(erfTable[1][k]*f) + float32(f2*high))
	return math.Float32frombits(math.Float32bits(y) | math.Float32bits(x)&signBit)
}
