package kernel

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// gemm computes C += A*B where the element (i, p) of A is a[i*ars+p*acs].
// No size is 0 and the slices hold their matrices.
func gemm(on cpu.Path, m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	switch on {
	case cpu.VNNI:
		for j := 0; j < n; j += 48 {
			width := min(48, n-j)
			mask := uint32(0xffff) >> (-width & 15)
			switch {
			case width > 32:
				gemm3AVX512(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc, mask)
			case width > 16:
				gemm2AVX512(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc, mask)
			default:
				gemm1AVX512(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc, mask)
			}
		}
	case cpu.AVX2:
		for j := 0; j < n; j += 16 {
			width := min(16, n-j)
			mask := &laneMasks[-width&7]
			switch {
			case width == 16:
				gemm2AVX2(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc)
			case width > 8:
				gemm2MaskedAVX2(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc, mask)
			default:
				gemm1MaskedAVX2(m, k, &a[0], ars, acs, &b[j], ldb, &c[j], ldc, mask)
			}
		}
	default:
		gemmGeneric(m, n, k, a, ars, acs, b, ldb, c, ldc)
	}
}

// laneMasks holds at index 8-r the mask of the first r of eight lanes.
var laneMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// transpose writes dst[q*ldd+r] = src[r*lds+q] for r < rows, q < cols.
func transpose(on cpu.Path, rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	done := 0
	if on != cpu.Generic && cols >= 4 {
		whole := cols &^ 3
		for ; done+8 <= rows; done += 8 {
			transpose8AVX(whole, &src[done*lds], lds, &dst[done], ldd)
			if whole < cols {
				transposeGeneric(8, cols-whole, src[done*lds+whole:], lds, dst[whole*ldd+done:], ldd)
			}
		}
	}
	if done < rows {
		transposeGeneric(rows-done, cols, src[done*lds:], lds, dst[done:], ldd)
	}
}

// The vector routines below give the assembly as many elements as fill all
// lanes and leave the rest to the portable code. The VNNI path shares those
// of AVX2: two sums of 256 bits side by side are no slower than one of 512,
// because a chain of sums is limited by latency, Axpy by memory and Adam by
// the divider.

func whole(on cpu.Path, n int) int {
	if on == cpu.Generic {
		return 0
	}
	return n &^ (lanes - 1)
}

func dot(on cpu.Path, acc *[lanes]float32, a, b []float32) {
	n := whole(on, len(a))
	if n > 0 {
		dotAVX2(acc, &a[0], &b[0], n)
	}
	dotGeneric(acc, a[n:], b[n:])
}

func squaredDistance(on cpu.Path, acc *[lanes]float32, a, b []float32) {
	n := whole(on, len(a))
	if n > 0 {
		squaredDistanceAVX2(acc, &a[0], &b[0], n)
	}
	squaredDistanceGeneric(acc, a[n:], b[n:])
}

func axpy(on cpu.Path, alpha float32, x, y []float32) {
	n := whole(on, len(x))
	if n > 0 {
		axpyAVX2(alpha, &x[0], &y[0], n)
	}
	axpyGeneric(alpha, x[n:], y[n:])
}

func adam(on cpu.Path, w, g, m, v []float32, s *adamConstants) {
	n := whole(on, len(w))
	if n > 0 {
		adamAVX2(&w[0], &g[0], &m[0], &v[0], n, s)
	}
	adamGeneric(w[n:], g[n:], m[n:], v[n:], s)
}

// In what follows strides count elements, sizes are at least 1, and n is a
// positive multiple of 16.

// gemm3AVX512 computes m rows of C += A*B, 33 to 48 columns wide; mask has a
// bit for each column of the last sixteen. gemm2AVX512 is the same for 17 to
// 32 columns and gemm1AVX512 for 1 to 16.
//
//go:noescape
func gemm3AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)

//go:noescape
func gemm2AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)

//go:noescape
func gemm1AVX512(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask uint32)

// gemm2AVX2 computes m rows of C += A*B, 16 columns wide.
//
//go:noescape
func gemm2AVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int)

// gemm2MaskedAVX2 is gemm2AVX2 for 9 to 16 columns and gemm1MaskedAVX2 for 1
// to 8; mask points at eight lanes, -1 for each column of the last eight.
//
//go:noescape
func gemm2MaskedAVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask *int32)

//go:noescape
func gemm1MaskedAVX2(m, k int, a *float32, ars, acs int, b *float32, ldb int, c *float32, ldc int, mask *int32)

// transpose8AVX writes the 8 x cols matrix src as cols x 8; cols is a
// multiple of 4.
//
//go:noescape
func transpose8AVX(cols int, src *float32, lds int, dst *float32, ldd int)

//go:noescape
func dotAVX2(acc *[lanes]float32, a, b *float32, n int)

//go:noescape
func squaredDistanceAVX2(acc *[lanes]float32, a, b *float32, n int)

//go:noescape
func axpyAVX2(alpha float32, x, y *float32, n int)

//go:noescape
func adamAVX2(w, grad, m, v *float32, n int, s *adamConstants)

func keys(on cpu.Path, dst []int32, src []float32) {
	n := whole(on, len(src))
	if n > 0 {
		keysAVX2(&dst[0], &src[0], n)
	}
	keysGeneric(dst[n:], src[n:])
}

func exchange(on cpu.Path, rows []int32, network [][2]int32) {
	if on == cpu.Generic {
		exchangeGeneric(rows, network)
		return
	}
	exchangeAVX2(&rows[0], &network[0], len(network))
}

//go:noescape
func keysAVX2(dst *int32, src *float32, n int)

//go:noescape
func exchangeAVX2(rows *int32, network *[2]int32, n int)

func sumKeys(on cpu.Path, sums *[Columns]float64, rows []int32) {
	if on == cpu.Generic {
		sumKeysGeneric(sums, rows)
		return
	}
	sumKeysAVX2(sums, &rows[0], len(rows)/Columns)
}

// sumKeysAVX2 adds n rows of keys; n is at least 1.
//
//go:noescape
func sumKeysAVX2(sums *[Columns]float64, rows *int32, n int)

func squaredDistances4(on cpu.Path, sums []float64, stride int, x, y []float32, size int) {
	if whole(on, size) != size {
		squaredDistances4Generic(on, sums, stride, x, y, size)
		return
	}
	squaredDistances4AVX2(&sums[0], stride, &x[0], len(x)/size, &y[0], size)
}

//go:noescape
func squaredDistances4AVX2(sums *float64, stride int, x *float32, rows int, y *float32, size int)
