package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// windowChannels returns how many of the channels of a window the assembly
// takes, and how many of them in one call. A window too large for that is left
// to the portable form, which can be preempted.
func windowChannels(on cpu.Path, channels int, w poolWindow) (whole, step int) {
	pixels := w.rows * w.cols
	if on == cpu.Generic || pixels > vecStretch/8 {
		return 0, 0
	}
	return channels &^ 7, max(vecStretch/pixels&^31, 8)
}

func vecMaxWindow(on cpu.Path, y, x []float32, w poolWindow) {
	whole, step := windowChannels(on, len(y), w)
	for c := 0; c < whole; c += step {
		vecMaxWindowAVX2(&y[c], &x[c], min(step, whole-c), w.rows, w.cols, w.rowStride, w.colStride)
	}
	if whole < len(y) {
		maxWindowGeneric(y[whole:], x[whole:], w)
	}
}

func vecMaxWindowGrad(on cpu.Path, dx, dy, x, y []float32, w poolWindow) {
	whole, step := windowChannels(on, len(y), w)
	for c := 0; c < whole; c += step {
		vecMaxWindowGradAVX2(&dx[c], &dy[c], &x[c], &y[c], min(step, whole-c), w.rows, w.cols, w.rowStride, w.colStride)
	}
	if whole < len(y) {
		maxWindowGradGeneric(dx[whole:], dy[whole:], x[whole:], y[whole:], w)
	}
}

func vecMeanWindow(on cpu.Path, y, x []float32, w poolWindow, count float32) {
	whole, step := windowChannels(on, len(y), w)
	for c := 0; c < whole; c += step {
		vecMeanWindowAVX2(&y[c], &x[c], min(step, whole-c), w.rows, w.cols, w.rowStride, w.colStride, count)
	}
	if whole < len(y) {
		meanWindowGeneric(y[whole:], x[whole:], w, count)
	}
}

func vecSpreadWindow(on cpu.Path, dx, g []float32, w poolWindow, count float32) {
	whole, step := windowChannels(on, len(g), w)
	for c := 0; c < whole; c += step {
		vecSpreadWindowAVX2(&dx[c], &g[c], min(step, whole-c), w.rows, w.cols, w.rowStride, w.colStride, count)
	}
	if whole < len(g) {
		spreadWindowGeneric(dx[whole:], g[whole:], w, count)
	}
}

func vecTranspose(on cpu.Path, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	done := 0
	if whole := cols &^ 3; on != cpu.Generic && whole > 0 {
		for ; done+8 <= rows; done += 8 {
			vecTransposeAVX2(&dst[done], ldd, &src[done*lds], lds, whole)
			if whole < cols {
				transposeGeneric(dst[whole*ldd+done:], ldd, src[done*lds+whole:], lds, 8, cols-whole)
			}
		}
	}
	if done < rows {
		transposeGeneric(dst[done:], ldd, src[done*lds:], lds, rows-done, cols)
	}
}
