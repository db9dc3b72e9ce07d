//go:build !amd64

package kernel

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

func gemm(_ cpu.Path, m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	gemmGeneric(m, n, k, a, ars, acs, b, ldb, c, ldc)
}

func transpose(_ cpu.Path, rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	transposeGeneric(rows, cols, src, lds, dst, ldd)
}

func dot(_ cpu.Path, acc *[lanes]float32, a, b []float32) { dotGeneric(acc, a, b) }

func squaredDistance(_ cpu.Path, acc *[lanes]float32, a, b []float32) {
	squaredDistanceGeneric(acc, a, b)
}

func axpy(_ cpu.Path, alpha float32, x, y []float32) { axpyGeneric(alpha, x, y) }

func adam(_ cpu.Path, w, g, m, v []float32, s *adamConstants) { adamGeneric(w, g, m, v, s) }

func keys(_ cpu.Path, dst []int32, src []float32) { keysGeneric(dst, src) }

func sumKeys(_ cpu.Path, sums *[Columns]float64, rows []int32) { sumKeysGeneric(sums, rows) }

func exchange(_ cpu.Path, rows []int32, network [][2]int32) { exchangeGeneric(rows, network) }

func squaredDistances4(on cpu.Path, sums []float64, stride int, x, y []float32, size int) {
	squaredDistances4Generic(on, sums, stride, x, y, size)
}
