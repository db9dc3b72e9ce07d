package f32

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// Activations compute dst from x, which has the same length and may be the
// same slice. NaN gives NaN, except where noted.

// HardSwish is x*HardSigmoid(x) with these parameters.
const (
	hardSwishAlpha = 1.0 / 6
	hardSwishBeta  = 0.5
)

// Relu computes max(x, 0).
func Relu(dst, x []float32) { vecUnary("Relu", opClip, dst, x, 0, float32(math.Inf(1))) }

// Clip computes x between lo and hi, lo <= hi; either may be infinite.
func Clip(dst, x []float32, lo, hi float32) { vecUnary("Clip", opClip, dst, x, lo, hi) }

// LeakyRelu computes x where x > 0 and alpha*x elsewhere.
func LeakyRelu(dst, x []float32, alpha float32) { vecUnary("LeakyRelu", opLeakyRelu, dst, x, alpha, 0) }

// Sigmoid computes 1/(1+e^-x) with a relative error below 3e-7; below -89 it
// is 0.
func Sigmoid(dst, x []float32) { vecUnary("Sigmoid", opSigmoid, dst, x, 0, 0) }

// Tanh computes the hyperbolic tangent with a relative error below 3e-7.
func Tanh(dst, x []float32) { vecUnary("Tanh", opTanh, dst, x, 0, 0) }

// Exp computes e^x with a relative error below 1.5e-7. It is less precise than
// the Exp of the package above, and quicker.
func Exp(dst, x []float32) { vecUnary("Exp", opExp, dst, x, 0, 0) }

// Log computes the natural logarithm of x to half a unit in the last place;
// it is -Inf at 0 and NaN below.
func Log(dst, x []float32) {
	vecMust("Log", "operand", len(x), len(dst))
	for i, v := range x {
		dst[i] = kernel.Log(v)
	}
}

// Sqrt computes the square root of x, rounded once; it is NaN below 0.
func Sqrt(dst, x []float32) { vecUnary("Sqrt", opSqrt, dst, x, 0, 0) }

// Erf computes the error function with an absolute error below 1.2e-7.
func Erf(dst, x []float32) { vecUnary("Erf", opErf, dst, x, 0, 0) }

// Gelu computes x/2*(1+erf(x/sqrt(2))).
func Gelu(dst, x []float32) { vecUnary("Gelu", opGelu, dst, x, 0, 0) }

// Silu computes x times its [Sigmoid].
func Silu(dst, x []float32) { vecUnary("Silu", opSilu, dst, x, 0, 0) }

// HardSigmoid computes alpha*x+beta between 0 and 1.
func HardSigmoid(dst, x []float32, alpha, beta float32) {
	vecUnary("HardSigmoid", opHardSigmoid, dst, x, alpha, beta)
}

// HardSwish computes x times its [HardSigmoid] with alpha 1/6 and beta 1/2.
func HardSwish(dst, x []float32) {
	vecUnary("HardSwish", opHardSwish, dst, x, hardSwishAlpha, hardSwishBeta)
}

// Abs computes |x|.
func Abs(dst, x []float32) { vecUnary("Abs", opAbs, dst, x, 0, 0) }

// Neg computes -x.
func Neg(dst, x []float32) { vecUnary("Neg", opMulScalar, dst, x, -1, 0) }

// Reciprocal computes 1/x, rounded once.
func Reciprocal(dst, x []float32) { vecUnary("Reciprocal", opReciprocal, dst, x, 0, 0) }
