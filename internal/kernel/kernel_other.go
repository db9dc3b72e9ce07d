//go:build !amd64

package kernel

func available() []path { return []path{pathGeneric} }

func gemm(_ path, m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	gemmGeneric(m, n, k, a, ars, acs, b, ldb, c, ldc)
}

func transpose(_ path, rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	transposeGeneric(rows, cols, src, lds, dst, ldd)
}

func dot(_ path, acc *[lanes]float32, a, b []float32) { dotGeneric(acc, a, b) }

func squaredDistance(_ path, acc *[lanes]float32, a, b []float32) { squaredDistanceGeneric(acc, a, b) }

func axpy(_ path, alpha float32, x, y []float32) { axpyGeneric(alpha, x, y) }

func adam(_ path, w, g, m, v []float32, s *adamConstants) { adamGeneric(w, g, m, v, s) }
