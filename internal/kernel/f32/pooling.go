package f32

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// MaxPool computes the rows [lo, hi) of the pooled images y, counted over the
// batch: 0 <= lo <= hi <= Batch*OutH. Every element is the largest of its
// window in x; what lies outside of the image counts as minus infinity, and
// NaN is ignored. OutC equals InC. Groups and Exact do not matter.
func MaxPool(y, x []float32, g Geometry, lo, hi int) {
	g.mustPool("MaxPool", len(y), len(x))
	mustBeRange("MaxPool", lo, hi, g.Batch*g.OutH)
	maxPoolOn(cpu.Active(), y, x, &g, lo, hi)
}

func maxPoolOn(on cpu.Path, y, x []float32, g *Geometry, lo, hi int) {
	g.eachWindow(lo, hi, func(out, in int, w poolWindow) {
		pixel := y[out:][:g.InC]
		if w.rows > 0 {
			vecMaxWindow(on, pixel, x[in:], w)
		} else {
			maxWindowGeneric(pixel, nil, w)
		}
	})
}

// MaxPoolGrad is the gradient of [MaxPool] for the images [lo, hi), given its
// operand x and its result y. It overwrites these images of dx. An element's
// gradient goes to the first element of its window, row by row, that equals
// it.
func MaxPoolGrad(dx, dy, x, y []float32, g Geometry, lo, hi int) {
	g.mustPool("MaxPoolGrad", len(y), len(x))
	g.mustPool("MaxPoolGrad", len(dy), len(dx))
	mustBeRange("MaxPoolGrad", lo, hi, g.Batch)
	maxPoolGradOn(cpu.Active(), dx, dy, x, y, &g, lo, hi)
}

func maxPoolGradOn(on cpu.Path, dx, dy, x, y []float32, g *Geometry, lo, hi int) {
	image := g.InH * g.InW * g.InC
	clear(dx[lo*image : hi*image])
	g.eachWindow(lo*g.OutH, hi*g.OutH, func(out, in int, w poolWindow) {
		if w.rows > 0 {
			vecMaxWindowGrad(on, dx[in:], dy[out:][:g.InC], x[in:], y[out:][:g.InC], w)
		}
	})
}

// AveragePool computes the rows [lo, hi) of the pooled images y, counted over
// the batch: 0 <= lo <= hi <= Batch*OutH. Every element is the mean of its
// window in x: the sum, row by row, divided by the number of elements inside
// of the image or, if countPad is set, by the size of the whole window. A
// window without elements gives 0. OutC equals InC.
func AveragePool(y, x []float32, g Geometry, countPad bool, lo, hi int) {
	g.mustPool("AveragePool", len(y), len(x))
	mustBeRange("AveragePool", lo, hi, g.Batch*g.OutH)
	averagePoolOn(cpu.Active(), y, x, &g, countPad, lo, hi)
}

func averagePoolOn(on cpu.Path, y, x []float32, g *Geometry, countPad bool, lo, hi int) {
	g.eachWindow(lo, hi, func(out, in int, w poolWindow) {
		pixel := y[out:][:g.InC]
		if w.rows > 0 {
			vecMeanWindow(on, pixel, x[in:], w, g.divisor(w, countPad))
		} else {
			clear(pixel)
		}
	})
}

// AveragePoolGrad is the gradient of [AveragePool] for the images [lo, hi).
// It overwrites these images of dx.
func AveragePoolGrad(dx, dy []float32, g Geometry, countPad bool, lo, hi int) {
	g.mustPool("AveragePoolGrad", len(dy), len(dx))
	mustBeRange("AveragePoolGrad", lo, hi, g.Batch)
	averagePoolGradOn(cpu.Active(), dx, dy, &g, countPad, lo, hi)
}

func averagePoolGradOn(on cpu.Path, dx, dy []float32, g *Geometry, countPad bool, lo, hi int) {
	image := g.InH * g.InW * g.InC
	clear(dx[lo*image : hi*image])
	g.eachWindow(lo*g.OutH, hi*g.OutH, func(out, in int, w poolWindow) {
		if w.rows > 0 {
			vecSpreadWindow(on, dx[in:], dy[out:][:g.InC], w, g.divisor(w, countPad))
		}
	})
}

func (g *Geometry) divisor(w poolWindow, countPad bool) float32 {
	if countPad {
		return float32(g.KernelH * g.KernelW)
	}
	return float32(w.rows * w.cols)
}

// poolWindow is the part of a window that lies inside of the image: rows x
// cols pixels and the distances between them in elements. rows is 0 if there
// is none.
type poolWindow struct{ rows, cols, rowStride, colStride int }

// eachWindow calls f for every output pixel of the rows [lo, hi) with the
// places of the pixel and of the first element of its window.
func (g *Geometry) eachWindow(lo, hi int, f func(out, in int, w poolWindow)) {
	for row := lo; row < hi; row++ {
		image, oh := row/g.OutH, row%g.OutH
		ih, rows := windowSpan(oh*g.StrideH-g.PadTop, g.KernelH, g.DilationH, g.InH)
		for ow := range g.OutW {
			iw, cols := windowSpan(ow*g.StrideW-g.PadLeft, g.KernelW, g.DilationW, g.InW)
			w := poolWindow{rows, cols, g.DilationH * g.InW * g.InC, g.DilationW * g.InC}
			in := ((image*g.InH+ih)*g.InW + iw) * g.InC
			if rows == 0 || cols == 0 {
				w.rows, w.cols, in = 0, 0, 0
			}
			f((row*g.OutW+ow)*g.OutC, in, w)
		}
	}
}

// windowSpan returns the first place of a window inside of [0, size) and how
// many of its places are there, for one axis.
func windowSpan(start, kernel, dilation, size int) (first, n int) {
	from, to := 0, kernel
	if start < 0 {
		from = (-start + dilation - 1) / dilation
	}
	if beyond := size - start; beyond <= 0 {
		to = 0
	} else if most := (beyond + dilation - 1) / dilation; most < to {
		to = most
	}
	return start + from*dilation, max(to-from, 0)
}

func (g *Geometry) mustPool(function string, outs, ins int) {
	for _, n := range []int{g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.DilationH, g.DilationW} {
		if n < 1 {
			panic(fmt.Sprintf("f32: %s with a window, stride or dilation of %d", function, n))
		}
	}
	vecMust(function, "row of output channels", g.OutC, g.InC)
	vecMust(function, "input", ins, g.Batch*g.InH*g.InW*g.InC)
	vecMust(function, "output", outs, g.Batch*g.OutH*g.OutW*g.OutC)
}

func mustBeRange(function string, lo, hi, most int) {
	if lo < 0 || lo > hi || hi > most {
		panic(fmt.Sprintf("f32: %s of the range [%d, %d) of %d", function, lo, hi, most))
	}
}

// maxWindowGeneric sets y to the largest elements of a window of x.
func maxWindowGeneric(y, x []float32, w poolWindow) {
	lowest := float32(math.Inf(-1))
	for c := range y {
		y[c] = lowest
	}
	for r := range w.rows {
		for k := range w.cols {
			for c, v := range x[r*w.rowStride+k*w.colStride:][:len(y)] {
				if v > y[c] {
					y[c] = v
				}
			}
		}
	}
}

// maxWindowGradGeneric adds dy to the elements of dx at the first element of
// the window of x that equals y.
func maxWindowGradGeneric(dx, dy, x, y []float32, w poolWindow) {
channels:
	for c, v := range y {
		for r := range w.rows {
			for k := range w.cols {
				if at := r*w.rowStride + k*w.colStride + c; x[at] == v {
					dx[at] += dy[c]
					continue channels
				}
			}
		}
	}
}

// meanWindowGeneric sets y to the sum of a window of x divided by count.
func meanWindowGeneric(y, x []float32, w poolWindow, count float32) {
	clear(y)
	for r := range w.rows {
		for k := range w.cols {
			for c, v := range x[r*w.rowStride+k*w.colStride:][:len(y)] {
				y[c] += v
			}
		}
	}
	for c := range y {
		y[c] /= count
	}
}

// spreadWindowGeneric adds g/count to every element of a window of dx.
func spreadWindowGeneric(dx, g []float32, w poolWindow, count float32) {
	for r := range w.rows {
		for k := range w.cols {
			at := r*w.rowStride + k*w.colStride
			for c, v := range g {
				dx[at+c] += v / count
			}
		}
	}
}
