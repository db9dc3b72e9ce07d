package f32

import "math"

// vecOp is an operation on every element of one or two vectors. Its operands
// are called a and b, its parameters p and q. Gradients take the gradient of
// the result as a and the operand or the result of the forward pass as b.
type vecOp uint8

const (
	opAdd             vecOp = iota // a+b
	opSub                          // a-b
	opMul                          // a*b
	opDiv                          // a/b
	opAddScalar                    // a+p
	opMulScalar                    // a*p
	opDivScalar                    // a/p
	opClip                         // a between p and q
	opLeakyRelu                    // a, or a*p unless a > 0
	opHardSigmoid                  // a*p+q between 0 and 1
	opHardSwish                    // a times the above
	opAbs                          // |a|
	opReciprocal                   // 1/a
	opSqrt                         // root of a
	opReluGrad                     // a where b > 0, else 0
	opClipGrad                     // a where p < b < q, else 0
	opLeakyReluGrad                // a where b > 0, else a*p
	opHardSigmoidGrad              // a*p where 0 < b*p+q < 1, else 0
	opHardSwishGrad
	opAbsGrad        // a, -a or 0 by the sign of b
	opReciprocalGrad // -a*b*b, b the result
	opSqrtGrad       // a/(2b), b the result
	opSigmoidGrad    // a*b*(1-b), b the result
	opTanhGrad       // a*(1-b*b), b the result
	opSoftmaxGrad    // b*(a-p), b the result
	opDescend        // b-p*(a+q*b)

	// From here on: exponentials and the error function, limited by arithmetic.
	opExp
	opSigmoid
	opSilu
	opTanh
	opErf
	opGelu
	opErfGrad
	opGeluGrad
	opSiluGrad
	opLogSoftmaxGrad // a-e^b*p, b the result
	opCount
)

// elementwiseGeneric is the definition of every operation. The conversions
// around products are load-bearing: without them the compiler may fuse
// x*y+z into one rounding where the architecture has such an instruction.
// Comparisons are written so that NaN passes through, as in the minimum and
// maximum instructions of amd64.
func elementwiseGeneric(o vecOp, dst, a, b []float32, p, q float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	switch o {
	case opAdd:
		for i, x := range a {
			dst[i] = x + b[i]
		}
	case opSub:
		for i, x := range a {
			dst[i] = x - b[i]
		}
	case opMul:
		for i, x := range a {
			dst[i] = x * b[i]
		}
	case opDiv:
		for i, x := range a {
			dst[i] = x / b[i]
		}
	case opAddScalar:
		for i, x := range a {
			dst[i] = x + p
		}
	case opMulScalar:
		for i, x := range a {
			dst[i] = x * p
		}
	case opDivScalar:
		for i, x := range a {
			dst[i] = x / p
		}
	case opClip:
		for i, x := range a {
			dst[i] = vecClip(x, p, q)
		}
	case opLeakyRelu:
		for i, x := range a {
			if !(x > 0) {
				x *= p
			}
			dst[i] = x
		}
	case opHardSigmoid:
		for i, x := range a {
			dst[i] = vecClip(float32(x*p)+q, 0, 1)
		}
	case opHardSwish:
		for i, x := range a {
			dst[i] = x * vecClip(float32(x*p)+q, 0, 1)
		}
	case opAbs:
		for i, x := range a {
			dst[i] = magnitude(x)
		}
	case opReciprocal:
		for i, x := range a {
			dst[i] = 1 / x
		}
	case opSqrt:
		for i, x := range a {
			dst[i] = float32(math.Sqrt(float64(x)))
		}
	case opExp:
		for i, x := range a {
			dst[i] = expOf(x)
		}
	case opSigmoid:
		for i, x := range a {
			dst[i] = sigmoidOf(x)
		}
	case opSilu:
		for i, x := range a {
			dst[i] = x * sigmoidOf(x)
		}
	case opTanh:
		for i, x := range a {
			dst[i] = tanhOf(x)
		}
	case opErf:
		for i, x := range a {
			dst[i] = erfOf(x)
		}
	case opGelu:
		for i, x := range a {
			dst[i] = float32(0.5*x) * (1 + erfOf(x*sqrtHalf))
		}
	default:
		gradientGeneric(o, dst, a, b, p, q)
	}
}

// gradientGeneric is elementwiseGeneric for gradients.
func gradientGeneric(o vecOp, dx, dy, x []float32, p, q float32) {
	for i, g := range dy {
		v := x[i]
		switch o {
		case opReluGrad:
			if !(v > 0) {
				g = 0
			}
		case opClipGrad:
			if !(v > p && v < q) {
				g = 0
			}
		case opLeakyReluGrad:
			if !(v > 0) {
				g *= p
			}
		case opHardSigmoidGrad:
			if h := float32(v*p) + q; h > 0 && h < 1 {
				g *= p
			} else {
				g = 0
			}
		case opHardSwishGrad:
			// The derivative of v*h(v) is h(v)+v*h'(v).
			product := float32(v * p)
			h := product + q
			if !(h > 0 && h < 1) {
				product = 0
			}
			g *= vecClip(h, 0, 1) + product
		case opAbsGrad:
			switch {
			case v < 0:
				g = -g
			case !(v > 0):
				g = 0
			}
		case opReciprocalGrad:
			g = -(float32(v*v) * g)
		case opSqrtGrad:
			g /= v + v
		case opSigmoidGrad:
			g *= float32(v * (1 - v))
		case opTanhGrad:
			g *= 1 - float32(v*v)
		case opErfGrad:
			g *= float32(twoBySqrtPi * expOf(-float32(v*v)))
		case opGeluGrad:
			// The derivative of v*C(v) is C(v)+v*D(v), where C and D are the
			// normal distribution and its density.
			cumulative := float32(0.5 * (1 + erfOf(v*sqrtHalf)))
			density := float32(invSqrtTwoPi * expOf(float32(-0.5*float32(v*v))))
			g *= cumulative + float32(v*density)
		case opSiluGrad:
			s := sigmoidOf(v)
			g *= float32(s * (1 + float32(v*(1-s))))
		case opDescend:
			g = v - float32(p*(g+float32(q*v)))
		case opSoftmaxGrad:
			g = v * (g - p)
		case opLogSoftmaxGrad:
			g -= float32(expOf(v) * p)
		}
		dx[i] = g
	}
}

// vecClip returns x between lo and hi, and NaN for NaN.
func vecClip(x, lo, hi float32) float32 {
	if lo > x {
		x = lo
	}
	if hi < x {
		x = hi
	}
	return x
}

func magnitude(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ signBit)
}
