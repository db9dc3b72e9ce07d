package f32

import (
	"runtime/debug"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// TestVectorsStayInside runs the routines of every path on slices that lie
// against a forbidden page.
func TestVectorsStayInside(t *testing.T) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	for _, atStart := range []bool{false, true} {
		var f [6]fenced
		for i := range f {
			f[i] = newFenced(t, 1<<14, atStart)
		}
		for _, on := range cpu.Available() {
			for n := 1; n <= 150; n++ {
				v := func(i int) []float32 { return f[i].take(n) }
				for o := range opCount {
					elementwise(on, o, v(0), v(1), v(2), 1, 1)
				}
				matrix, other := f[4].take(3*n), f[5].take(3*n)
				overRows(on, rowAffine, matrix, other, v(0), v(1), 3)
				columnSumsOn(on, v(0), matrix, 3)
				columnDotsOn(on, v(0), matrix, other, 3)
				softmaxOn(on, matrix, other, 3, n)
				layerNormOn(on, matrix, other, v(0), v(1), 3, n, 1, f[2].take(3), f[3].take(3))
				layerNormGradOn(on, matrix, v(0), v(1), matrix, other, v(2), f[2].take(3), f[3].take(3), 3, n)
				sgdOn(on, v(0), v(1), v(2), SGDStep{Nesterov: true})
				sgdOn(on, v(0), v(1), v(2), SGDStep{})
				permuteOn(on, f[4].take(n*9), f[5].take(n*9), []int{n, 9}, []int{1, 0})
				permuteOn(on, f[4].take(n*9), f[5].take(n*9), []int{9, n}, []int{1, 0})
				g := Geometry{Batch: 1, InH: 3, InW: 3, InC: n, OutH: 2, OutW: 2, OutC: n, KernelH: 2, KernelW: 2,
					StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1}
				x, dx, y, dy := f[0].take(9*n), f[1].take(9*n), f[2].take(4*n), f[3].take(4*n)
				maxPoolOn(on, y, x, &g, 0, 2)
				maxPoolGradOn(on, dx, dy, x, y, &g, 0, 1)
				averagePoolOn(on, y, x, &g, true, 0, 2)
				averagePoolGradOn(on, dx, dy, &g, true, 0, 1)
			}
		}
	}
}
