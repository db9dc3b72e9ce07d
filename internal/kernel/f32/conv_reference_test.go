package f32

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// numbers returns n ordinary numbers, some of them zero.
func numbers(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		if rng.IntN(16) > 0 {
			x[i] = 2*rng.Float32() - 1
		}
	}
	return x
}

// visit calls f for every product of a convolution with the indices of its
// factors in x and w and of its sum in y.
func visit(g Geometry, f func(x, w, y int)) {
	ic, oc := g.InC/g.Groups, g.OutC/g.Groups
	for b := range g.Batch {
		for oy := range g.OutH {
			for ox := range g.OutW {
				for o := range g.OutC {
					y := ((b*g.OutH+oy)*g.OutW+ox)*g.OutC + o
					for i := range ic {
						for ky := range g.KernelH {
							for kx := range g.KernelW {
								iy := oy*g.StrideH - g.PadTop + ky*g.DilationH
								ix := ox*g.StrideW - g.PadLeft + kx*g.DilationW
								if iy < 0 || iy >= g.InH || ix < 0 || ix >= g.InW {
									continue
								}
								x := ((b*g.InH+iy)*g.InW+ix)*g.InC + o/oc*ic + i
								f(x, ((o*ic+i)*g.KernelH+ky)*g.KernelW+kx, y)
							}
						}
					}
				}
			}
		}
	}
}

// sums is a slow result: each element, and the sum of the absolute values of
// its terms, which bounds the rounding.
type sums struct{ value, size []float64 }

func newSums(n int) sums { return sums{make([]float64, n), make([]float64, n)} }

func (s sums) add(i int, v float64) {
	s.value[i] += v
	s.size[i] += math.Abs(v)
}

// mustBeNear fails unless got is within rounding of the slow result.
func (s sums) mustBeNear(t rapid.TB, what string, got []float32) {
	t.Helper()
	for i, v := range s.value {
		if d := math.Abs(float64(got[i]) - v); !(d <= 2e-6*s.size[i]+1e-30) {
			t.Fatalf("%s: element %d is %g instead of %g", what, i, got[i], v)
		}
	}
}

// finish applies an epilogue.
func (s sums) finish(e Epilogue, n int) {
	for i := range s.value {
		if e.Bias != nil {
			s.add(i, float64(e.Bias[i%n]))
		}
		if e.Residual != nil {
			s.add(i, float64(e.Residual[i]))
		}
		if e.Clip {
			s.value[i] = min(max(s.value[i], float64(e.Lo)), float64(e.Hi))
		}
	}
}

// drawGeometry draws one of the kinds of convolution that there are.
func drawGeometry(t *rapid.T) Geometry {
	draw := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	g := Geometry{
		Batch: draw("batch", 1, 3),
		InH:   draw("inH", 1, 12), InW: draw("inW", 1, 33),
		KernelH: draw("kernelH", 1, 4), KernelW: draw("kernelW", 1, 4),
		StrideH: draw("strideH", 1, 3), StrideW: draw("strideW", 1, 3),
		PadTop: draw("padTop", 0, 3), PadLeft: draw("padLeft", 0, 3),
		DilationH: 1, DilationW: 1, Groups: 1,
	}
	switch draw("kind", 0, 6) {
	case 0: // pointwise
		g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.PadTop, g.PadLeft = 1, 1, 1, 1, 0, 0
		g.OutH, g.OutW = g.InH, g.InW
	case 1:
		g.DilationH, g.DilationW = draw("dilationH", 1, 3), draw("dilationW", 1, 3)
	case 2: // stride 1, whatever the rest
		g.StrideH, g.StrideW = 1, 1
	case 3:
		g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.PadTop, g.PadLeft = 3, 3, 1, 1, 1, 1
		g.InW = 7 * draw("sevens", 1, 4)
		g.OutH, g.OutW = g.InH, g.InW
	}
	if g.OutH == 0 {
		// As much padding at the other end as there may be at this one.
		g.OutH = max(1, (g.InH+g.PadTop+draw("padBottom", 0, 3)-(g.KernelH-1)*g.DilationH-1)/g.StrideH+1)
		g.OutW = max(1, (g.InW+g.PadLeft+draw("padRight", 0, 3)-(g.KernelW-1)*g.DilationW-1)/g.StrideW+1)
	}
	switch draw("channels", 0, 3) {
	case 0: // depthwise
		g.InC = draw("inC", 1, 70)
		g.OutC, g.Groups = g.InC, g.InC
	case 1:
		g.Groups = draw("groups", 2, 4)
		g.InC, g.OutC = g.Groups*draw("inC", 1, 9), g.Groups*draw("outC", 1, 35)
	case 2:
		g.InC, g.OutC = draw("inC", 1, 40), draw("outC", 1, 33)
	case 3:
		g.InC, g.OutC = draw("inC", 1, 5), draw("outC", 33, 70)
	}
	return g
}

// drawEpilogue draws an epilogue of a result of rows x n.
func drawEpilogue(t *rapid.T, rng *rand.Rand, n, size int) Epilogue {
	var e Epilogue
	if rapid.Bool().Draw(t, "bias") {
		e.Bias = numbers(rng, n)
	}
	if rapid.Bool().Draw(t, "residual") {
		e.Residual = numbers(rng, size)
	}
	if rapid.Bool().Draw(t, "clip") {
		e.Clip, e.Lo, e.Hi = true, -0.5, 1.5
	}
	return e
}

func drawRand(t *rapid.T) *rand.Rand {
	return rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
}

func mustBeSameBits(t testing.TB, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %g instead of %g", what, i, got[i], want[i])
		}
	}
}
