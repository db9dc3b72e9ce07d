package f32

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Element by element. Unlike matrix products, everything in the files
// vector, activation, softmax, layernorm, pooling, reduce and optim gives the
// same bits on every path: products are rounded before they are summed, and
// sums have one order. Any two NaN count as the same.

// Add computes dst = a+b. The slices have the same length; dst may be a or b.
func Add(dst, a, b []float32) { vecBinary("Add", opAdd, dst, a, b) }

// Sub computes dst = a-b. The slices have the same length; dst may be a or b.
func Sub(dst, a, b []float32) { vecBinary("Sub", opSub, dst, a, b) }

// Mul computes dst = a*b. The slices have the same length; dst may be a or b.
func Mul(dst, a, b []float32) { vecBinary("Mul", opMul, dst, a, b) }

// Div computes dst = a/b. The slices have the same length; dst may be a or b.
func Div(dst, a, b []float32) { vecBinary("Div", opDiv, dst, a, b) }

// AddScalar computes dst = x+s. The slices have the same length and may be
// the same.
func AddScalar(dst, x []float32, s float32) { vecUnary("AddScalar", opAddScalar, dst, x, s, 0) }

// MulScalar computes dst = x*s. The slices have the same length and may be
// the same.
func MulScalar(dst, x []float32, s float32) { vecUnary("MulScalar", opMulScalar, dst, x, s, 0) }

// DivScalar computes dst = x/s. The slices have the same length and may be
// the same.
func DivScalar(dst, x []float32, s float32) { vecUnary("DivScalar", opDivScalar, dst, x, s, 0) }

// vecUnary runs an operation that reads one vector.
func vecUnary(function string, o vecOp, dst, x []float32, p, q float32) {
	vecMust(function, "operand", len(x), len(dst))
	elementwise(cpu.Active(), o, dst, x, x, p, q)
}

// vecBinary runs an operation that reads two vectors.
func vecBinary(function string, o vecOp, dst, a, b []float32) {
	vecGradient(function, o, dst, a, b, 0, 0)
}

// vecGradient runs an operation that reads two vectors and has parameters.
func vecGradient(function string, o vecOp, dst, a, b []float32, p, q float32) {
	vecMust(function, "first operand", len(a), len(dst))
	vecMust(function, "second operand", len(b), len(dst))
	elementwise(cpu.Active(), o, dst, a, b, p, q)
}

// vecMust panics unless a slice has the length that it should.
func vecMust(function, what string, got, want int) {
	if got != want {
		panic(fmt.Sprintf("f32: %s: the %s has %d elements instead of %d", function, what, got, want))
	}
}

// vecLanes is the number of partial sums of a sum over a row, and the number
// of elements that most routines in assembly take a multiple of.
const vecLanes = 16

// vecStretch is the largest piece of a vector that one call of an assembly
// routine gets. Such a call cannot be preempted, and a garbage collection
// would wait for it.
const vecStretch = 1 << 14

// elementwise computes dst from a and b, which have its length.
func elementwise(on cpu.Path, o vecOp, dst, a, b []float32, p, q float32) {
	for len(dst) > vecStretch {
		vecMap(on, o, dst[:vecStretch], a[:vecStretch], b[:vecStretch], p, q)
		dst, a, b = dst[vecStretch:], a[vecStretch:], b[vecStretch:]
	}
	vecMap(on, o, dst, a, b, p, q)
}
