package f32

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// drawPooling draws a geometry with windows that may hang over any edge.
func drawPooling(t *rapid.T) Geometry {
	draw := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	g := Geometry{
		Batch: draw("batch", 1, 3),
		InH:   draw("inH", 1, 9), InW: draw("inW", 1, 9), InC: draw("channels", 1, 75),
		KernelH: draw("kernelH", 1, 4), KernelW: draw("kernelW", 1, 4),
		StrideH: draw("strideH", 1, 3), StrideW: draw("strideW", 1, 3),
		PadTop: draw("padTop", 0, 3), PadLeft: draw("padLeft", 0, 3),
		DilationH: draw("dilationH", 1, 3), DilationW: draw("dilationW", 1, 3), Groups: 1,
		OutH: draw("outH", 1, 6), OutW: draw("outW", 1, 6),
	}
	g.OutC = g.InC
	return g
}

// visitWindows calls f for every output element with the places of the
// elements of its window, row by row.
func visitWindows(g Geometry, f func(y int, window []int)) {
	for b := range g.Batch {
		for oy := range g.OutH {
			for ox := range g.OutW {
				for c := range g.InC {
					var window []int
					for ky := range g.KernelH {
						for kx := range g.KernelW {
							iy := oy*g.StrideH - g.PadTop + ky*g.DilationH
							ix := ox*g.StrideW - g.PadLeft + kx*g.DilationW
							if iy >= 0 && iy < g.InH && ix >= 0 && ix < g.InW {
								window = append(window, ((b*g.InH+iy)*g.InW+ix)*g.InC+c)
							}
						}
					}
					f(((b*g.OutH+oy)*g.OutW+ox)*g.OutC+c, window)
				}
			}
		}
	}
}

// few returns n numbers of few values, so that maxima are often ties.
func few(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.IntN(5) - 2)
	}
	return x
}

func TestMaxPool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, rng := drawPooling(t), drawRand(t)
		ins, outs := g.Batch*g.InH*g.InW*g.InC, g.Batch*g.OutH*g.OutW*g.OutC
		x, dy := few(rng, ins), numbers(rng, outs)
		want, wantGrad := make([]float32, outs), make([]float32, ins)
		visitWindows(g, func(y int, window []int) {
			want[y] = float32(math.Inf(-1))
			at := -1
			for _, i := range window {
				if x[i] > want[y] {
					want[y], at = x[i], i
				}
			}
			if at >= 0 {
				wantGrad[at] += dy[y]
			}
		})
		for _, on := range cpu.Available() {
			y, dx := numbers(rng, outs), numbers(rng, ins)
			half := g.Batch * g.OutH / 2
			maxPoolOn(on, y, x, &g, 0, half)
			maxPoolOn(on, y, x, &g, half, g.Batch*g.OutH)
			mustBeSame(t, "MaxPool", on, y, want)
			maxPoolGradOn(on, dx, dy, x, y, &g, 0, g.Batch/2)
			maxPoolGradOn(on, dx, dy, x, y, &g, g.Batch/2, g.Batch)
			mustBeSame(t, "MaxPoolGrad", on, dx, wantGrad)
		}
		samePaths(t, "MaxPool", func(on cpu.Path, v [][]float32) { maxPoolOn(on, v[0], v[1], &g, 0, g.Batch*g.OutH) },
			make([]float32, outs), mixed(rng, ins))
	})
}

func TestAveragePool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g, rng := drawPooling(t), drawRand(t)
		countPad := rapid.Bool().Draw(t, "countPad")
		ins, outs := g.Batch*g.InH*g.InW*g.InC, g.Batch*g.OutH*g.OutW*g.OutC
		x, dy := numbers(rng, ins), numbers(rng, outs)
		want, wantGrad := make([]float32, outs), make([]float32, ins)
		visitWindows(g, func(y int, window []int) {
			count := float32(len(window))
			if countPad {
				count = float32(g.KernelH * g.KernelW)
			}
			for _, i := range window {
				want[y] += x[i]
				wantGrad[i] += dy[y] / count
			}
			if len(window) > 0 {
				want[y] /= count
			}
		})
		for _, on := range cpu.Available() {
			y, dx := numbers(rng, outs), numbers(rng, ins)
			half := g.Batch * g.OutH / 2
			averagePoolOn(on, y, x, &g, countPad, 0, half)
			averagePoolOn(on, y, x, &g, countPad, half, g.Batch*g.OutH)
			mustBeSame(t, "AveragePool", on, y, want)
			averagePoolGradOn(on, dx, dy, &g, countPad, 0, g.Batch/2)
			averagePoolGradOn(on, dx, dy, &g, countPad, g.Batch/2, g.Batch)
			mustBeSame(t, "AveragePoolGrad", on, dx, wantGrad)
		}
	})
}

// TestLargeWindows has windows that the assembly gets in pieces or not at all.
func TestLargeWindows(t *testing.T) {
	rng := rand.New(rand.NewPCG(25, 26))
	for _, side := range []int{30, 50} {
		g := Geometry{Batch: 1, InH: side, InW: side, InC: 70, OutH: 1, OutW: 1, OutC: 70, KernelH: side, KernelW: side,
			StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
		n := side * side * 70
		x, y := few(rng, n), make([]float32, 70)
		samePaths(t, "MaxPool", func(on cpu.Path, v [][]float32) { maxPoolOn(on, v[0], v[1], &g, 0, 1) }, y, x)
		samePaths(t, "AveragePool", func(on cpu.Path, v [][]float32) { averagePoolOn(on, v[0], v[1], &g, false, 0, 1) }, y, x)
		samePaths(t, "AveragePoolGrad", func(on cpu.Path, v [][]float32) { averagePoolGradOn(on, v[1], v[0], &g, false, 0, 1) }, numbers(rng, 70), x)
		MaxPool(y, x, g, 0, 1)
		samePaths(t, "MaxPoolGrad", func(on cpu.Path, v [][]float32) { maxPoolGradOn(on, v[0], v[1], v[2], v[3], &g, 0, 1) },
			make([]float32, n), numbers(rng, 70), x, y)
	}
}

func TestPoolingPanics(t *testing.T) {
	g := Geometry{Batch: 2, InH: 2, InW: 2, InC: 3, OutH: 1, OutW: 1, OutC: 3, KernelH: 2, KernelW: 2,
		StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	x, y := make([]float32, 24), make([]float32, 6)
	MaxPool(y, x, g, 0, 2)
	for name, call := range map[string]func(){
		"short y":           func() { MaxPool(y[1:], x, g, 0, 2) },
		"short x":           func() { MaxPool(y, x[1:], g, 0, 2) },
		"range":             func() { MaxPool(y, x, g, 0, 3) },
		"reversed range":    func() { AveragePool(y, x, g, true, 2, 1) },
		"short dx":          func() { MaxPoolGrad(x[1:], y, x, y, g, 0, 1) },
		"negative":          func() { AveragePoolGrad(x, y, g, true, -1, 1) },
		"no stride":         func() { h := g; h.StrideW = 0; MaxPool(y, x, h, 0, 2) },
		"unequal channels":  func() { h := g; h.OutC = 4; MaxPool(y, x, h, 0, 2) },
		"range of gradient": func() { MaxPoolGrad(x, y, x, y, g, 0, 3) },
	} {
		mustPanic(t, name, call)
	}
}
