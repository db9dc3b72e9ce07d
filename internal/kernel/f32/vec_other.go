//go:build !amd64

package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// The portable forms are all there is.

func vecMap(_ cpu.Path, o vecOp, dst, a, b []float32, p, q float32) {
	elementwiseGeneric(o, dst, a, b, p, q)
}

func vecOverRows(_ cpu.Path, o rowOp, dst, x, scale, shift []float32, rows, cols, stride int) {
	overRowsGeneric(o, dst, x, scale, shift, rows, cols, stride)
}

func vecColumnSums(_ cpu.Path, dst, x []float32, rows, cols, stride int) {
	columnSumsGeneric(dst, x, rows, cols, stride)
}

func vecColumnDots(_ cpu.Path, dst, x, y []float32, rows, cols, stride int) {
	columnDotsGeneric(dst, x, y, rows, cols, stride)
}

func vecSum(_ cpu.Path, lanes *rowLanes, x []float32) { sumGeneric(lanes, x) }

func vecMax(_ cpu.Path, m float32, x []float32) float32 { return maxGeneric(m, x) }

func vecExpSum(_ cpu.Path, lanes *rowLanes, dst, x []float32, m float32) {
	expSumGeneric(lanes, dst, x, m)
}

func vecSoftmax(on cpu.Path, dst, x []float32, rows, cols int) { softmaxRows(on, dst, x, rows, cols) }

func vecSquares(_ cpu.Path, lanes *rowLanes, x []float32, m float32) { squaresGeneric(lanes, x, m) }

func vecStandardize(_ cpu.Path, y, x, gamma, beta []float32, m, d float32) {
	standardizeGeneric(y, x, gamma, beta, m, d)
}

func vecNormParams(_ cpu.Path, dgamma, dbeta, dy, x []float32, row *normRow) {
	normParamsGeneric(dgamma, dbeta, dy, x, row)
}

func vecNormSums(_ cpu.Path, sum, dot *rowLanes, dy, x, gamma []float32, row *normRow) {
	normSumsGeneric(sum, dot, dy, x, gamma, row)
}

func vecNormInput(_ cpu.Path, dx, dy, x, gamma []float32, row *normRow) {
	normInputGeneric(dx, dy, x, gamma, row)
}

func vecMaxWindow(_ cpu.Path, y, x []float32, w poolWindow) { maxWindowGeneric(y, x, w) }

func vecMaxWindowGrad(_ cpu.Path, dx, dy, x, y []float32, w poolWindow) {
	maxWindowGradGeneric(dx, dy, x, y, w)
}

func vecMeanWindow(_ cpu.Path, y, x []float32, w poolWindow, count float32) {
	meanWindowGeneric(y, x, w, count)
}

func vecSpreadWindow(_ cpu.Path, dx, g []float32, w poolWindow, count float32) {
	spreadWindowGeneric(dx, g, w, count)
}

func vecTranspose(_ cpu.Path, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	transposeGeneric(dst, ldd, src, lds, rows, cols)
}

func vecSGD(_ cpu.Path, w, g, v []float32, step *SGDStep) { sgdGeneric(w, g, v, step) }
