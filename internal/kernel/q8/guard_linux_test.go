package q8

import (
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// guarded returns n elements that end, or if atStart is set begin, at a page
// that nobody may read or write.
func guarded[E any](t *testing.T, n int, atStart bool) []E {
	t.Helper()
	var e E
	page, size := syscall.Getpagesize(), n*int(unsafe.Sizeof(e))
	inner := (size + page - 1) / page * page
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
	first := page
	if !atStart {
		first += inner - size
	}
	return unsafe.Slice((*E)(unsafe.Pointer(&memory[first])), n)
}

// TestNothingOutsideIsTouched runs every path on slices that lie against a
// forbidden page, so that a load or a store beyond them is a fault.
func TestNothingOutsideIsTouched(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	const most = 20 * 160
	for _, atStart := range []bool{false, true} {
		a, b, y := guarded[uint8](t, most, atStart), guarded[uint8](t, most, atStart), guarded[uint8](t, most, atStart)
		w, sums := guarded[int8](t, 4*5*panel*4, atStart), guarded[int32](t, 20*panel, atStart)
		x := guarded[float32](t, 300, atStart)
		bytes := func(s []uint8, n int) []uint8 { return edge(s, n, atStart) }
		for _, on := range cpu.Available() {
			for m := 1; m <= 17; m++ {
				for n := 1; n <= panel; n++ {
					c := tile{m: m, n: n, segs: 2, steps: 3, ars: 24, aseg: 12, ldy: n, q: new(panelRequant),
						a: bytes(a, 24*m), b: edge(w, 2*3*panel*4, atStart), y: bytes(y, m*n)}
					runTile(on, &c)
					c.sums = edge(sums, m*panel, atStart)
					runTile(on, &c)
				}
			}
			one := Affine{1, 3}
			sum, err := newSum(on, one, one, one, 0, 255)
			if err != nil {
				t.Fatal(err)
			}
			times, err := newTimes(on, one, one, one, 0, 255)
			if err != nil {
				t.Fatal(err)
			}
			for n := 1; n <= 200; n++ {
				sum.Run(bytes(y, n), bytes(a, n), bytes(b, n))
				times.Run(bytes(y, 3*n), bytes(a, 3*n), bytes(b, n))
				maxBytes(on, bytes(y, n), bytes(a, n))
				lookupOn(on, bytes(y, n), bytes(a, n), new([256]uint8))
				quantizeOn(on, bytes(y, n), edge(x, n, atStart), 1, 3)
				dequantizeOn(on, edge(x, n, atStart), bytes(a, n), 1, 3)
			}
			// The input of a depthwise convolution is a copy with slack, as
			// in a band; the output is not.
			for channels := 2; channels <= 150; channels++ {
				g := Geometry{1, 3, 3, channels, 1, 3, channels, 3, 1, 1, 1, 0, 0, 1, 1, channels}
				s := sampleOf(g, newRand(uint64(channels)))
				d := newDepthwise(on, &g, s.w, &s.r)
				if len(d.blocks) > 0 {
					runDeep(d, bytes(y, g.output()), bytes(a, g.input()+slack)[:g.input()], g.OutW, g.StrideW)
				}
			}
		}
	}
}

// edge returns the n elements of s that lie at its guarded end.
func edge[E any](s []E, n int, atStart bool) []E {
	if atStart {
		return s[:n:n]
	}
	return s[len(s)-n:]
}
