package f32

import (
	"math/rand/v2"
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// fenced is memory between two pages that nobody may touch.
type fenced struct {
	all     []float32
	atStart bool
}

func newFenced(t *testing.T, n int, atStart bool) fenced {
	t.Helper()
	page := syscall.Getpagesize()
	inner := (n*4 + page - 1) / page * page
	memory, err := syscall.Mmap(-1, 0, inner+2*page, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(memory); err != nil {
			t.Error(err)
		}
	})
	for _, guard := range [][]byte{memory[:page], memory[page+inner:]} {
		if err := syscall.Mprotect(guard, syscall.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return fenced{unsafe.Slice((*float32)(unsafe.Pointer(&memory[page])), inner/4), atStart}
}

// take returns n numbers that begin or end at a forbidden page.
func (f fenced) take(n int) []float32 {
	if f.atStart {
		return f.all[:n:n]
	}
	return f.all[len(f.all)-n:]
}

// TestNothingOutsideIsTouched runs the micro-kernels of every path on slices
// that lie against a forbidden page, so that a load or a store beyond them is
// a fault.
func TestNothingOutsideIsTouched(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, atStart := range []bool{false, true} {
		var f [6]fenced
		for i := range f {
			f[i] = newFenced(t, 1<<14, atStart)
		}
		for _, on := range cpu.Available() {
			guardTiles(on, f)
			guardStrips(on, f)
			for rows := 1; rows <= 33; rows++ {
				for cols := 1; cols <= 33; cols++ {
					interleave(on, rows, cols, f[0].take((rows-1)*40+cols), 40, f[1].take((cols-1)*35+rows), 35)
				}
			}
		}
	}
}

func guardTiles(on cpu.Path, f [6]fenced) {
	nr := panelWidth(on)
	for m := 1; m <= 29; m++ {
		for n := 1; n <= nr; n++ {
			const k, segs = 3, 2
			t := tile{m: m, n: n, k: k, segs: segs, acs: 1, aseg: 4, ldb: nr, bseg: k * nr, ldc: n + 1}
			t.even(9)
			t.a = f[0].take((m-1)*9 + 4 + k)
			t.b = f[1].take(segs * k * nr)
			t.c = f[2].take((m-1)*t.ldc + n)
			t.bias, t.residual = f[3].take(n), f[4].take(len(t.c))
			t.clip, t.lo, t.hi = true, -1, 1
			runTile(on, &t)
			t.add = true
			t.acs, t.ars = m, 1
			t.even(1)
			t.aseg = k * m
			t.a = f[0].take(segs * k * m)
			runTile(on, &t)
		}
	}
}

func guardStrips(on cpu.Path, f [6]fenced) {
	for m := 1; m <= 17; m++ {
		for n := 1; n <= 70; n++ {
			s := strip{m: m, n: n, rows: 2, cols: 3, xm: n, xrow: (m + 2) * n, xcol: n, wrow: 3 * n, wcol: n, ym: n}
			s.x = f[0].take(2 * (m + 2) * n)
			s.w = f[1].take(6 * n)
			s.y = f[2].take(m * n)
			s.bias, s.residual = f[3].take(n), f[4].take(m*n)
			s.clip, s.lo, s.hi = true, -1, 1
			runStrip(on, false, &s)
			s.add = true
			s.x0, s.xrow, s.xcol = len(s.x)-m*n, -s.xrow, -s.xcol
			runStrip(on, false, &s)
		}
	}
}

// TestConvStaysInside runs whole convolutions between forbidden pages.
func TestConvStaysInside(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	rng := rand.New(rand.NewPCG(3, 4))
	for _, atStart := range []bool{false, true} {
		for _, g := range layers {
			for _, on := range cpu.Available() {
				c, p := newConv(on, g), pool.New(1)
				x, w, y := newFenced(t, c.inSize(), atStart).take(c.inSize()), newFenced(t, c.weightsSize(), atStart).take(c.weightsSize()), newFenced(t, c.outSize(), atStart).take(c.outSize())
				bias := newFenced(t, g.OutC, atStart).take(g.OutC)
				copy(x, numbers(rng, len(x)))
				c.Pack(w)
				c.Forward(p, y, x, Epilogue{Bias: bias, Residual: numbers(rng, len(y))})
				c.BackwardInput(p, x, y, w)
				c.BackwardWeights(p, w, x, y)
			}
		}
	}
}
