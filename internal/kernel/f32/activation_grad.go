package f32

// Gradients of activations compute dx from dy, the gradient of the result,
// and from the operand x or the result y of the forward pass. All slices have
// the same length; dx may be any of them.

// ReluGrad is the gradient of [Relu]: dy where y > 0, else 0. x will do for y.
func ReluGrad(dx, dy, y []float32) { vecGradient("ReluGrad", opReluGrad, dx, dy, y, 0, 0) }

// ClipGrad is the gradient of [Clip]: dy where lo < x < hi, else 0. y will do
// for x.
func ClipGrad(dx, dy, x []float32, lo, hi float32) {
	vecGradient("ClipGrad", opClipGrad, dx, dy, x, lo, hi)
}

// LeakyReluGrad is the gradient of [LeakyRelu]: dy where x > 0, else alpha*dy.
func LeakyReluGrad(dx, dy, x []float32, alpha float32) {
	vecGradient("LeakyReluGrad", opLeakyReluGrad, dx, dy, x, alpha, 0)
}

// SigmoidGrad is the gradient of [Sigmoid], given its result y.
func SigmoidGrad(dx, dy, y []float32) { vecGradient("SigmoidGrad", opSigmoidGrad, dx, dy, y, 0, 0) }

// TanhGrad is the gradient of [Tanh], given its result y.
func TanhGrad(dx, dy, y []float32) { vecGradient("TanhGrad", opTanhGrad, dx, dy, y, 0, 0) }

// ExpGrad is the gradient of [Exp], given its result y.
func ExpGrad(dx, dy, y []float32) { vecGradient("ExpGrad", opMul, dx, dy, y, 0, 0) }

// LogGrad is the gradient of [Log], given its operand x.
func LogGrad(dx, dy, x []float32) { vecGradient("LogGrad", opDiv, dx, dy, x, 0, 0) }

// SqrtGrad is the gradient of [Sqrt], given its result y.
func SqrtGrad(dx, dy, y []float32) { vecGradient("SqrtGrad", opSqrtGrad, dx, dy, y, 0, 0) }

// ErfGrad is the gradient of [Erf], given its operand x.
func ErfGrad(dx, dy, x []float32) { vecGradient("ErfGrad", opErfGrad, dx, dy, x, 0, 0) }

// GeluGrad is the gradient of [Gelu], given its operand x.
func GeluGrad(dx, dy, x []float32) { vecGradient("GeluGrad", opGeluGrad, dx, dy, x, 0, 0) }

// SiluGrad is the gradient of [Silu], given its operand x.
func SiluGrad(dx, dy, x []float32) { vecGradient("SiluGrad", opSiluGrad, dx, dy, x, 0, 0) }

// HardSigmoidGrad is the gradient of [HardSigmoid], given its operand x: 0
// outside of the slope and at its ends.
func HardSigmoidGrad(dx, dy, x []float32, alpha, beta float32) {
	vecGradient("HardSigmoidGrad", opHardSigmoidGrad, dx, dy, x, alpha, beta)
}

// HardSwishGrad is the gradient of [HardSwish], given its operand x.
func HardSwishGrad(dx, dy, x []float32) {
	vecGradient("HardSwishGrad", opHardSwishGrad, dx, dy, x, hardSwishAlpha, hardSwishBeta)
}

// AbsGrad is the gradient of [Abs], given its operand x: 0 at 0.
func AbsGrad(dx, dy, x []float32) { vecGradient("AbsGrad", opAbsGrad, dx, dy, x, 0, 0) }

// NegGrad is the gradient of [Neg].
func NegGrad(dx, dy []float32) { vecUnary("NegGrad", opMulScalar, dx, dy, -1, 0) }

// ReciprocalGrad is the gradient of [Reciprocal], given its result y.
func ReciprocalGrad(dx, dy, y []float32) {
	vecGradient("ReciprocalGrad", opReciprocalGrad, dx, dy, y, 0, 0)
}
