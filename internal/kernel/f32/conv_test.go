package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"pgregory.net/rapid"
)

// filled returns n numbers that are no result, to see that all are written.
func filled(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(math.NaN())
	}
	return x
}

func TestConvNearTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawGeometry(t)
		g.Exact = rapid.IntRange(0, 4).Draw(t, "exact") == 0
		rng := drawRand(t)
		workers := rapid.IntRange(1, 3).Draw(t, "workers")
		c := newConv(cpu.Generic, g)
		x, w, dy := numbers(rng, c.inSize()), numbers(rng, c.weightsSize()), numbers(rng, c.outSize())
		e := drawEpilogue(t, rng, g.OutC, c.outSize())

		y, dx, dw := newSums(c.outSize()), newSums(c.inSize()), newSums(c.weightsSize())
		visit(g, func(i, j, k int) {
			y.add(k, float64(x[i])*float64(w[j]))
			dx.add(i, float64(dy[k])*float64(w[j]))
			dw.add(j, float64(dy[k])*float64(x[i]))
		})
		y.finish(e, g.OutC)
		for _, on := range cpu.Available() {
			c, p := newConv(on, g), pool.New(workers)
			got := filled(c.outSize())
			c.Pack(w)
			c.Forward(p, got, x, e)
			y.mustBeNear(t, fmt.Sprint(on, " y"), got)
			got = filled(c.inSize())
			c.BackwardInput(p, got, dy, w)
			dx.mustBeNear(t, fmt.Sprint(on, " dx"), got)
			got = filled(c.weightsSize())
			c.BackwardWeights(p, got, x, dy)
			dw.mustBeNear(t, fmt.Sprint(on, " dw"), got)
			// The packed weights are still there.
			got = filled(c.outSize())
			c.Forward(p, got, x, e)
			y.mustBeNear(t, fmt.Sprint(on, " y again"), got)
		}
	})
}

// layers are geometries large enough to be shared among workers.
var layers = []Geometry{
	{Batch: 2, InH: 20, InW: 21, InC: 24, OutH: 20, OutW: 21, OutC: 70, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1},
	{Batch: 1, InH: 30, InW: 30, InC: 3, OutH: 15, OutW: 15, OutC: 64, KernelH: 7, KernelW: 7, StrideH: 2, StrideW: 2, PadTop: 3, PadLeft: 3, DilationH: 1, DilationW: 1, Groups: 1},
	{Batch: 1, InH: 7, InW: 7, InC: 130, OutH: 7, OutW: 7, OutC: 140, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 1},
	{Batch: 2, InH: 14, InW: 14, InC: 512, OutH: 7, OutW: 7, OutC: 70, KernelH: 1, KernelW: 1, StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1, Groups: 1},
	{Batch: 1, InH: 14, InW: 14, InC: 128, OutH: 14, OutW: 14, OutC: 96, KernelH: 1, KernelW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1},
	{Batch: 2, InH: 14, InW: 15, InC: 80, OutH: 14, OutW: 15, OutC: 80, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 80},
	{Batch: 1, InH: 15, InW: 14, InC: 40, OutH: 8, OutW: 7, OutC: 40, KernelH: 3, KernelW: 3, StrideH: 2, StrideW: 2, PadTop: 1, PadLeft: 1, DilationH: 1, DilationW: 1, Groups: 40},
	{Batch: 1, InH: 14, InW: 14, InC: 64, OutH: 14, OutW: 14, OutC: 64, KernelH: 3, KernelW: 3, StrideH: 1, StrideW: 1, PadTop: 2, PadLeft: 2, DilationH: 2, DilationW: 2, Groups: 4},
}

// results are y, dx and dw of one geometry.
func results(on cpu.Path, g Geometry, workers int) [3][]float32 {
	rng := rand.New(rand.NewPCG(5, 6))
	c, p := newConv(on, g), pool.New(workers)
	x, w, dy := numbers(rng, c.inSize()), numbers(rng, c.weightsSize()), numbers(rng, c.outSize())
	e := ReLU(numbers(rng, g.OutC))
	r := [3][]float32{filled(c.outSize()), filled(c.inSize()), filled(c.weightsSize())}
	c.Pack(w)
	c.Forward(p, r[0], x, e)
	c.BackwardInput(p, r[1], dy, w)
	c.BackwardWeights(p, r[2], x, dy)
	return r
}

func TestConvWorkers(t *testing.T) {
	for i, g := range layers {
		for _, on := range cpu.Available() {
			want := results(on, g, 1)
			for _, workers := range []int{2, 3, 7} {
				for j, got := range results(on, g, workers) {
					mustBeSameBits(t, fmt.Sprintf("layer %d on %v with %d workers, result %d", i, on, workers, j), got, want[j])
				}
			}
		}
	}
}

func TestConvExact(t *testing.T) {
	want := [...]uint32{
		0x508b13fc, 0xfb7bc14a, 0x0ed410a7, 0x3439a92c,
		0x5f239af8, 0x79862d48, 0xc9043946, 0xf76fe414,
	}
	for i, g := range layers {
		g.Exact = true
		for _, on := range cpu.Available() {
			r := results(on, g, 1)
			sum := checksum(r[0], r[1], r[2])
			if sum != want[i] {
				t.Errorf("layer %d on %v: checksum %#08x instead of %#08x", i, on, sum, want[i])
			}
		}
	}
}

func TestConvAllocations(t *testing.T) {
	for _, exact := range []bool{false, true} {
		for i, g := range layers {
			g.Exact = exact
			for _, workers := range []int{1, 2} {
				c, p := NewConv(g), pool.New(workers)
				x, w, y := make([]float32, c.inSize()), make([]float32, c.weightsSize()), make([]float32, c.outSize())
				bias := make([]float32, g.OutC)
				n := testing.AllocsPerRun(5, func() {
					c.Pack(w)
					c.Forward(p, y, x, ReLU(bias))
					c.BackwardInput(p, x, y, w)
					c.BackwardWeights(p, w, x, y)
				})
				// The runtime may need memory for a goroutine, now and then.
				if n >= 1 || n > 0 && workers == 1 {
					t.Errorf("layer %d with %d workers (exact: %v) allocates %g times", i, workers, exact, n)
				}
			}
		}
	}
}

func TestConvPanics(t *testing.T) {
	good := layers[0]
	for name, change := range map[string]func(*Geometry){
		"no batch":          func(g *Geometry) { g.Batch = 0 },
		"no input":          func(g *Geometry) { g.InH = 0 },
		"no output":         func(g *Geometry) { g.OutW = -1 },
		"stride":            func(g *Geometry) { g.StrideH = 0 },
		"padding":           func(g *Geometry) { g.PadTop = -1 },
		"dilation":          func(g *Geometry) { g.DilationW = 0 },
		"groups":            func(g *Geometry) { g.Groups = 5 },
		"too many elements": func(g *Geometry) { g.InH, g.InW = math.MaxInt/2, math.MaxInt/2 },
		"too large kernel":  func(g *Geometry) { g.DilationH = math.MaxInt },
	} {
		g := good
		change(&g)
		mustPanic(t, name, func() { NewConv(g) })
	}
	c, p := NewConv(good), pool.New(1)
	x, w, y := make([]float32, c.inSize()), make([]float32, c.weightsSize()), make([]float32, c.outSize())
	mustPanic(t, "weights not packed", func() { c.Forward(p, y, x, Epilogue{}) })
	mustPanic(t, "short weights", func() { c.Pack(w[1:]) })
	c.Pack(w)
	mustPanic(t, "short x", func() { c.Forward(p, y, x[1:], Epilogue{}) })
	mustPanic(t, "short y", func() { c.Forward(p, y[1:], x, Epilogue{}) })
	mustPanic(t, "short bias", func() { c.Forward(p, y, x, Epilogue{Bias: make([]float32, 3)}) })
	mustPanic(t, "short residual", func() { c.Forward(p, y, x, Epilogue{Residual: y[1:]}) })
	mustPanic(t, "short dx", func() { c.BackwardInput(p, x[1:], y, w) })
	mustPanic(t, "short dw", func() { c.BackwardWeights(p, w[1:], x, y) })
}

func mustPanic(t *testing.T, what string, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Errorf("%s: no panic", what)
		}
	}()
	f()
}
