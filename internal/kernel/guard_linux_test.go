package kernel

import (
	"runtime/debug"
	"syscall"
	"testing"
	"unsafe"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// guarded returns a slice of n numbers that ends, or if atStart is set
// begins, at a page that nobody may read or write.
func guarded(t *testing.T, n int, atStart bool) []float32 {
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
	first := page
	if !atStart {
		first += inner - n*4
	}
	return unsafe.Slice((*float32)(unsafe.Pointer(&memory[first])), n)
}

// TestNothingOutsideIsTouched runs every path on slices that lie against a
// forbidden page, so that a load or a store beyond them is a fault.
func TestNothingOutsideIsTouched(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	const most = 40 * 70
	for _, atStart := range []bool{false, true} {
		var whole [4][]float32
		for i := range whole {
			whole[i] = guarded(t, most, atStart)
		}
		take := func(i, n int) []float32 {
			if atStart {
				return whole[i][:n:n]
			}
			return whole[i][most-n:]
		}
		for _, on := range cpu.Available() {
			for rows := 2; rows <= 10; rows++ {
				keys, n := ints(take(0, rows*Columns)), int32(rows)
				exchangeOn(on, keys, [][2]int32{{0, n - 1}, {n - 2, n - 1}})
				sumKeysOn(on, new([Columns]float64), keys)
			}
			for n := 1; n <= 70; n++ {
				keysOn(on, ints(take(0, n)), take(1, n))
				sums := unsafe.Slice((*float64)(unsafe.Pointer(&take(2, 16)[0])), 8)
				squaredDistances4On(on, sums, 4, take(0, 2*n), take(1, 4*n), n)
				dotOn(on, take(0, n), take(1, n))
				squaredDistanceOn(on, take(0, n), take(1, n))
				axpyOn(on, 1, take(0, n), take(1, n))
				adamOn(on, take(0, n), take(1, n), take(2, n), take(3, n), AdamStep{})
				for m := 1; m <= 13; m++ {
					for _, k := range []int{1, 2, 4, 9, 40} {
						a, b, c := take(0, m*k), take(1, k*n), take(2, m*n)
						gemmBlocks(on, m, n, k, a, k, 1, b, n, c, n)
						gemmNT(on, m, n, k, a, k, b, k, c, n)
						gemmBlocks(on, m, n, k, a, 1, m, b, n, c, n)
					}
				}
			}
		}
	}
}

// ints returns the same memory as integers.
func ints(x []float32) []int32 { return unsafe.Slice((*int32)(unsafe.Pointer(&x[0])), len(x)) }
