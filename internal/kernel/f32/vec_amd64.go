package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// This file and its like for other architectures are all that know which path
// has which routine. Slices have the lengths that they should.

// vecMap is [elementwise] for at most vecStretch elements. What memory limits
// is the same on all paths with assembly.
func vecMap(on cpu.Path, o vecOp, dst, a, b []float32, p, q float32) {
	n := len(dst)
	switch {
	case on == cpu.Generic:
		elementwiseGeneric(o, dst, a, b, p, q)
		return
	case n == 0:
		return
	case on == cpu.VNNI && o >= opExp:
		mapAVX512(o, &dst[0], &a[0], &b[0], n, p, q)
		return
	}
	whole := n &^ (vecLanes - 1)
	if whole > 0 {
		mapAVX2(o, &dst[0], &a[0], &b[0], whole, p, q)
	}
	if whole < n {
		var x, y [vecLanes]float32
		copy(x[:], a[whole:])
		copy(y[:], b[whole:])
		mapAVX2(o, &x[0], &x[0], &y[0], vecLanes, p, q)
		copy(dst[whole:], x[:])
	}
}

func mapAVX2(o vecOp, dst, a, b *float32, n int, p, q float32) {
	switch o {
	case opAdd:
		vecAddAVX2(dst, a, b, n, p, q)
	case opSub:
		vecSubAVX2(dst, a, b, n, p, q)
	case opMul:
		vecMulAVX2(dst, a, b, n, p, q)
	case opDiv:
		vecDivAVX2(dst, a, b, n, p, q)
	case opAddScalar:
		vecAddScalarAVX2(dst, a, b, n, p, q)
	case opMulScalar:
		vecMulScalarAVX2(dst, a, b, n, p, q)
	case opDivScalar:
		vecDivScalarAVX2(dst, a, b, n, p, q)
	case opClip:
		vecClipAVX2(dst, a, b, n, p, q)
	case opLeakyRelu:
		vecLeakyReluAVX2(dst, a, b, n, p, q)
	case opHardSigmoid:
		vecHardSigmoidAVX2(dst, a, b, n, p, q)
	case opHardSwish:
		vecHardSwishAVX2(dst, a, b, n, p, q)
	case opAbs:
		vecAbsAVX2(dst, a, b, n, p, q)
	case opReciprocal:
		vecReciprocalAVX2(dst, a, b, n, p, q)
	case opSqrt:
		vecSqrtAVX2(dst, a, b, n, p, q)
	case opReluGrad:
		vecReluGradAVX2(dst, a, b, n, p, q)
	case opClipGrad:
		vecClipGradAVX2(dst, a, b, n, p, q)
	case opLeakyReluGrad:
		vecLeakyReluGradAVX2(dst, a, b, n, p, q)
	case opHardSigmoidGrad:
		vecHardSigmoidGradAVX2(dst, a, b, n, p, q)
	case opHardSwishGrad:
		vecHardSwishGradAVX2(dst, a, b, n, p, q)
	case opAbsGrad:
		vecAbsGradAVX2(dst, a, b, n, p, q)
	case opReciprocalGrad:
		vecReciprocalGradAVX2(dst, a, b, n, p, q)
	case opSqrtGrad:
		vecSqrtGradAVX2(dst, a, b, n, p, q)
	case opSigmoidGrad:
		vecSigmoidGradAVX2(dst, a, b, n, p, q)
	case opTanhGrad:
		vecTanhGradAVX2(dst, a, b, n, p, q)
	case opSoftmaxGrad:
		vecSoftmaxGradAVX2(dst, a, b, n, p, q)
	case opDescend:
		vecDescendAVX2(dst, a, b, n, p, q)
	case opExp:
		vecExpAVX2(dst, a, b, n, p, q)
	case opSigmoid:
		vecSigmoidAVX2(dst, a, b, n, p, q)
	case opSilu:
		vecSiluAVX2(dst, a, b, n, p, q)
	case opTanh:
		vecTanhAVX2(dst, a, b, n, p, q)
	case opErf:
		vecErfAVX2(dst, a, b, n, p, q)
	case opGelu:
		vecGeluAVX2(dst, a, b, n, p, q)
	case opErfGrad:
		vecErfGradAVX2(dst, a, b, n, p, q)
	case opGeluGrad:
		vecGeluGradAVX2(dst, a, b, n, p, q)
	case opSiluGrad:
		vecSiluGradAVX2(dst, a, b, n, p, q)
	case opLogSoftmaxGrad:
		vecLogSoftmaxGradAVX2(dst, a, b, n, p, q)
	}
}

func mapAVX512(o vecOp, dst, a, b *float32, n int, p, q float32) {
	switch o {
	case opExp:
		vecExpAVX512(dst, a, b, n, p, q)
	case opSigmoid:
		vecSigmoidAVX512(dst, a, b, n, p, q)
	case opSilu:
		vecSiluAVX512(dst, a, b, n, p, q)
	case opTanh:
		vecTanhAVX512(dst, a, b, n, p, q)
	case opErf:
		vecErfAVX512(dst, a, b, n, p, q)
	case opGelu:
		vecGeluAVX512(dst, a, b, n, p, q)
	case opErfGrad:
		vecErfGradAVX512(dst, a, b, n, p, q)
	case opGeluGrad:
		vecGeluGradAVX512(dst, a, b, n, p, q)
	case opSiluGrad:
		vecSiluGradAVX512(dst, a, b, n, p, q)
	case opLogSoftmaxGrad:
		vecLogSoftmaxGradAVX512(dst, a, b, n, p, q)
	}
}

func vecOverRows(on cpu.Path, o rowOp, dst, x, scale, shift []float32, rows, cols, stride int) {
	if on == cpu.Generic {
		overRowsGeneric(o, dst, x, scale, shift, rows, cols, stride)
		return
	}
	switch o {
	case rowMul:
		vecMulRowsAVX2(&dst[0], &x[0], &scale[0], &shift[0], rows, cols, stride)
	case rowAdd:
		vecAddRowsAVX2(&dst[0], &x[0], &scale[0], &shift[0], rows, cols, stride)
	case rowAffine:
		vecAffineRowsAVX2(&dst[0], &x[0], &scale[0], &shift[0], rows, cols, stride)
	}
}

func vecColumnSums(on cpu.Path, dst, x []float32, rows, cols, stride int) {
	if on == cpu.Generic {
		columnSumsGeneric(dst, x, rows, cols, stride)
		return
	}
	vecColumnSumsAVX2(&dst[0], &x[0], rows, cols, stride)
}

func vecColumnDots(on cpu.Path, dst, x, y []float32, rows, cols, stride int) {
	if on == cpu.Generic {
		columnDotsGeneric(dst, x, y, rows, cols, stride)
		return
	}
	vecColumnDotsAVX2(&dst[0], &x[0], &y[0], rows, cols, stride)
}

// vecWhole returns how many of n elements the assembly of AVX2 takes.
func vecWhole(on cpu.Path, n int) int {
	if on == cpu.Generic {
		return 0
	}
	return n &^ (vecLanes - 1)
}

func vecSum(on cpu.Path, lanes *rowLanes, x []float32) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecSumAVX2(lanes, &x[0], n)
	}
	sumGeneric(lanes, x[n:])
}

func vecMax(on cpu.Path, m float32, x []float32) float32 {
	n := vecWhole(on, len(x))
	if n > 0 {
		var lanes rowLanes
		for l := range lanes {
			lanes[l] = m
		}
		vecMaxAVX2(&lanes, &x[0], n)
		m = maxGeneric(m, lanes[:])
	}
	return maxGeneric(m, x[n:])
}

func vecExpSum(on cpu.Path, lanes *rowLanes, dst, x []float32, m float32) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecExpSumAVX2(lanes, &dst[0], &x[0], n, m)
	}
	expSumGeneric(lanes, dst[n:], x[n:], m)
}

// vecSoftmax is [softmaxRows] for rows and cols of at least 1.
func vecSoftmax(on cpu.Path, dst, x []float32, rows, cols int) {
	if on != cpu.VNNI || cols > vecStretch {
		softmaxRows(on, dst, x, rows, cols)
		return
	}
	for most := vecStretch / cols; rows > 0; rows -= most {
		vecSoftmaxAVX512(&dst[0], &x[0], min(most, rows), cols)
		if rows > most {
			dst, x = dst[most*cols:], x[most*cols:]
		}
	}
}

func vecSquares(on cpu.Path, lanes *rowLanes, x []float32, m float32) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecSquaresAVX2(lanes, &x[0], n, m)
	}
	squaresGeneric(lanes, x[n:], m)
}

func vecStandardize(on cpu.Path, y, x, gamma, beta []float32, m, d float32) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecStandardizeAVX2(&y[0], &x[0], &gamma[0], &beta[0], n, m, d)
	}
	standardizeGeneric(y[n:], x[n:], gamma[n:], beta[n:], m, d)
}

func vecNormParams(on cpu.Path, dgamma, dbeta, dy, x []float32, row *normRow) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecNormParamsAVX2(&dgamma[0], &dbeta[0], &dy[0], &x[0], n, row)
	}
	normParamsGeneric(dgamma[n:], dbeta[n:], dy[n:], x[n:], row)
}

func vecNormSums(on cpu.Path, sum, dot *rowLanes, dy, x, gamma []float32, row *normRow) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecNormSumsAVX2(sum, dot, &dy[0], &x[0], &gamma[0], n, row)
	}
	normSumsGeneric(sum, dot, dy[n:], x[n:], gamma[n:], row)
}

func vecNormInput(on cpu.Path, dx, dy, x, gamma []float32, row *normRow) {
	n := vecWhole(on, len(x))
	if n > 0 {
		vecNormInputAVX2(&dx[0], &dy[0], &x[0], &gamma[0], n, row)
	}
	normInputGeneric(dx[n:], dy[n:], x[n:], gamma[n:], row)
}

func vecSGD(on cpu.Path, w, g, v []float32, step *SGDStep) {
	n := vecWhole(on, len(w))
	switch {
	case n > 0 && step.Nesterov:
		vecNesterovAVX2(&w[0], &g[0], &v[0], n, step.LearningRate, step.Momentum, step.WeightDecay)
	case n > 0:
		vecSGDAVX2(&w[0], &g[0], &v[0], n, step.LearningRate, step.Momentum, step.WeightDecay)
	}
	sgdGeneric(w[n:], g[n:], v[n:], step)
}
