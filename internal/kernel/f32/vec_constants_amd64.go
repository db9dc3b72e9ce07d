package f32

import "math"

// vecConstants is the constants of vector_exp.go for the assembly, eight
// copies of each; vec_exp_amd64.h names their places.
//
//nolint:unused // the assembly reads it
var vecConstants = func() (table [31][8]float32) {
	for i, c := range [31]float32{
		log2E, roundMagic, ln2Upper, ln2Lower, exp0, exp1, exp2, exp3, exp4, expLow, expHigh,
		tanh0, tanh1, tanh2, tanh3, tanh4, tanhSmall, tanhHigh,
		erfHigh, erfInverseStep, erfStep, sqrtHalf, twoBySqrtPi, invSqrtTwoPi,
		0.5, 1, 2, -0.5,
		28: math.Float32frombits(signBit),
		29: math.Float32frombits(signBit - 1),
		30: math.Float32frombits(127), // the bias of an exponent, an integer
	} {
		for l := range table[i] {
			table[i][l] = c
		}
	}
	return table
}()
