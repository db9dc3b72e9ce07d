package f32

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Softmax computes dst[r][c] = e^(x[r][c]-m) / s with the maximum m of row r
// and the sum s of its exponentials, which is taken in the order of [RowSums];
// the division is a product with 1/s. dst may be x. A row whose largest
// element is infinite, or that has a NaN, becomes NaN.
func Softmax(dst, x []float32, rows, cols int) {
	mustBeRows("Softmax", dst, x, rows, cols)
	softmaxOn(cpu.Active(), dst, x, rows, cols)
}

func softmaxOn(on cpu.Path, dst, x []float32, rows, cols int) {
	if rows > 0 && cols > 0 {
		vecSoftmax(on, dst, x, rows, cols)
	}
}

// softmaxRows is [Softmax] in steps.
func softmaxRows(on cpu.Path, dst, x []float32, rows, cols int) {
	for r := range rows {
		from, to := x[r*cols:][:cols], dst[r*cols:][:cols]
		s := expRow(on, to, from, rowMax(on, from))
		elementwise(on, opMulScalar, to, to, to, 1/s, 0)
	}
}

// LogSoftmax computes dst[r][c] = (x[r][c]-m)-log(s), m and s as in [Softmax].
// dst may be x only if scratch is another slice; scratch has at least cols
// elements and is overwritten.
func LogSoftmax(dst, x, scratch []float32, rows, cols int) {
	mustBeRows("LogSoftmax", dst, x, rows, cols)
	logSoftmaxOn(cpu.Active(), dst, x, scratch[:cols], rows, cols)
}

func logSoftmaxOn(on cpu.Path, dst, x, scratch []float32, rows, cols int) {
	for r := range rows {
		from, to := x[r*cols:][:cols], dst[r*cols:][:cols]
		m := rowMax(on, from)
		s := expRow(on, scratch, from, m)
		elementwise(on, opAddScalar, to, from, from, -m, 0)
		elementwise(on, opAddScalar, to, to, to, -kernel.Log(s), 0)
	}
}

// SoftmaxGrad is the gradient of [Softmax], given its result y:
// dx[r][c] = y[r][c]*(dy[r][c]-d) with the inner product d of the rows r of
// dy and y. dx may be dy or y.
func SoftmaxGrad(dx, dy, y []float32, rows, cols int) {
	mustBeRows("SoftmaxGrad", dx, dy, rows, cols)
	vecMust("SoftmaxGrad", "result of the forward pass", len(y), rows*cols)
	softmaxGradOn(cpu.Active(), dx, dy, y, rows, cols)
}

func softmaxGradOn(on cpu.Path, dx, dy, y []float32, rows, cols int) {
	for r := range rows {
		g, p, to := dy[r*cols:][:cols], y[r*cols:][:cols], dx[r*cols:][:cols]
		d := kernel.Dot(g, p)
		elementwise(on, opSoftmaxGrad, to, g, p, d, 0)
	}
}

// LogSoftmaxGrad is the gradient of [LogSoftmax], given its result y:
// dx[r][c] = dy[r][c]-e^y[r][c]*s with the sum s of row r of dy. dx may be dy
// or y.
func LogSoftmaxGrad(dx, dy, y []float32, rows, cols int) {
	mustBeRows("LogSoftmaxGrad", dx, dy, rows, cols)
	vecMust("LogSoftmaxGrad", "result of the forward pass", len(y), rows*cols)
	for r := range rows {
		g, l, to := dy[r*cols:][:cols], y[r*cols:][:cols], dx[r*cols:][:cols]
		s := rowSum(cpu.Active(), g)
		elementwise(cpu.Active(), opLogSoftmaxGrad, to, g, l, s, 0)
	}
}

// rowMax returns the largest element of a row, ignoring NaN, and -Inf if
// there is none.
func rowMax(on cpu.Path, x []float32) float32 {
	m := float32(math.Inf(-1))
	for len(x) > vecStretch {
		m = vecMax(on, m, x[:vecStretch])
		x = x[vecStretch:]
	}
	return vecMax(on, m, x)
}

func maxGeneric(m float32, x []float32) float32 {
	for _, v := range x {
		if v > m {
			m = v
		}
	}
	return m
}

// expRow computes dst = e^(x-m) and returns the sum in the order of
// [RowSums].
func expRow(on cpu.Path, dst, x []float32, m float32) float32 {
	var lanes rowLanes
	for len(x) > vecStretch {
		vecExpSum(on, &lanes, dst[:vecStretch], x[:vecStretch], m)
		dst, x = dst[vecStretch:], x[vecStretch:]
	}
	vecExpSum(on, &lanes, dst, x, m)
	return lanes.fold()
}

func expSumGeneric(lanes *rowLanes, dst, x []float32, m float32) {
	for i, v := range x {
		e := expOf(v - m)
		dst[i] = e
		lanes[i%vecLanes] += e
	}
}
