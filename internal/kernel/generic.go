package kernel

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// The portable kernels. They define the bits that every other path must
// give. The explicit float32 conversions around products are load-bearing:
// without them the compiler may fuse x*y+z into one rounding where the
// architecture has such an instruction.

// gemmGeneric is the portable form of gemm; see there for the arguments.
// Tiles of 2 x 4 keep their sums in registers while k runs.
func gemmGeneric(m, n, k int, a []float32, ars, acs int, b []float32, ldb int, c []float32, ldc int) {
	i := 0
	for ; i+2 <= m; i += 2 {
		a0, a1 := a[i*ars:], a[(i+1)*ars:]
		c0, c1 := c[i*ldc:i*ldc+n], c[(i+1)*ldc:(i+1)*ldc+n]
		j := 0
		for ; j+4 <= n; j += 4 {
			r0, r1 := c0[j:j+4:j+4], c1[j:j+4:j+4]
			s00, s01, s02, s03 := r0[0], r0[1], r0[2], r0[3]
			s10, s11, s12, s13 := r1[0], r1[1], r1[2], r1[3]
			ai, bi := 0, j
			for range k {
				x, y, t := a0[ai], a1[ai], b[bi:bi+4:bi+4]
				s00 += float32(x * t[0])
				s01 += float32(x * t[1])
				s02 += float32(x * t[2])
				s03 += float32(x * t[3])
				s10 += float32(y * t[0])
				s11 += float32(y * t[1])
				s12 += float32(y * t[2])
				s13 += float32(y * t[3])
				ai += acs
				bi += ldb
			}
			r0[0], r0[1], r0[2], r0[3] = s00, s01, s02, s03
			r1[0], r1[1], r1[2], r1[3] = s10, s11, s12, s13
		}
		for ; j < n; j++ {
			s0, s1 := c0[j], c1[j]
			ai, bi := 0, j
			for range k {
				t := b[bi]
				s0 += float32(a0[ai] * t)
				s1 += float32(a1[ai] * t)
				ai += acs
				bi += ldb
			}
			c0[j], c1[j] = s0, s1
		}
	}
	if i < m {
		a0, c0 := a[i*ars:], c[i*ldc:i*ldc+n]
		for p := range k {
			axpyGeneric(a0[p*acs], b[p*ldb:p*ldb+n], c0)
		}
	}
}

// transposeGeneric writes dst[q*ldd+r] = src[r*lds+q] for r < rows, q < cols.
func transposeGeneric(rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	for r := range rows {
		row := src[r*lds : r*lds+cols]
		for q, v := range row {
			dst[q*ldd+r] = v
		}
	}
}

// dotGeneric adds the products of a and b to the lanes: element i to lane
// i%16. b is at least as long as a. Four lanes at a time are kept in
// registers.
func dotGeneric(acc *[lanes]float32, a, b []float32) {
	b = b[:len(a)]
	even := len(a) &^ (lanes - 1)
	for l := 0; l < lanes; l += 4 {
		s0, s1, s2, s3 := acc[l], acc[l+1], acc[l+2], acc[l+3]
		for i := l; i < even; i += lanes {
			x, y := a[i:i+4:i+4], b[i:i+4:i+4]
			s0 += float32(x[0] * y[0])
			s1 += float32(x[1] * y[1])
			s2 += float32(x[2] * y[2])
			s3 += float32(x[3] * y[3])
		}
		acc[l], acc[l+1], acc[l+2], acc[l+3] = s0, s1, s2, s3
	}
	for i := even; i < len(a); i++ {
		acc[i-even] += float32(a[i] * b[i])
	}
}

// squaredDistanceGeneric adds the squared differences of a and b to the
// lanes, like dotGeneric.
func squaredDistanceGeneric(acc *[lanes]float32, a, b []float32) {
	b = b[:len(a)]
	even := len(a) &^ (lanes - 1)
	for l := 0; l < lanes; l += 4 {
		s0, s1, s2, s3 := acc[l], acc[l+1], acc[l+2], acc[l+3]
		for i := l; i < even; i += lanes {
			x, y := a[i:i+4:i+4], b[i:i+4:i+4]
			d0, d1, d2, d3 := x[0]-y[0], x[1]-y[1], x[2]-y[2], x[3]-y[3]
			s0 += float32(d0 * d0)
			s1 += float32(d1 * d1)
			s2 += float32(d2 * d2)
			s3 += float32(d3 * d3)
		}
		acc[l], acc[l+1], acc[l+2], acc[l+3] = s0, s1, s2, s3
	}
	for i := even; i < len(a); i++ {
		d := a[i] - b[i]
		acc[i-even] += float32(d * d)
	}
}

// squaredDistances4Generic does rows one by one; each of them may use what on has.
func squaredDistances4Generic(on cpu.Path, sums []float64, stride int, x, y []float32, size int) {
	for i := range len(x) / size {
		for k := range 4 {
			sums[i*stride+k] += float64(squaredDistanceOn(on, x[i*size:(i+1)*size], y[k*size:(k+1)*size]))
		}
	}
}

func axpyGeneric(alpha float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += float32(alpha * v)
	}
}

func adamGeneric(w, g, m, v []float32, s *adamConstants) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	for i, wi := range w {
		gi := g[i] + float32(s.l2*wi)
		mi := float32(s.beta1*m[i]) + float32(s.rest1*gi)
		vi := float32(s.beta2*v[i]) + float32(float32(s.rest2*gi)*gi)
		root := float32(math.Sqrt(float64(vi / s.correction2)))
		m[i], v[i] = mi, vi
		w[i] = wi - float32(s.rate*(mi/s.correction1))/(root+s.epsilon)
	}
}
