package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// tileGeneric is the micro-kernel in portable Go: pairs of rows by four
// columns in registers.
func tileGeneric(t *tile) {
	for i := 0; i < t.m; i += 2 {
		i1 := min(i+1, t.m-1) // the last odd row is computed twice
		j := 0
		for ; j+4 <= t.n; j += 4 {
			t.block4(i, i1, j)
		}
		for ; j < t.n; j++ {
			t.block1(i, i1, j)
		}
	}
}

func (t *tile) block4(i0, i1, j int) {
	var c00, c01, c02, c03, c10, c11, c12, c13 float32
	y0, y1 := t.c[i0*t.ldc+j:][:4], t.c[i1*t.ldc+j:][:4]
	if t.add {
		c00, c01, c02, c03 = y0[0], y0[1], y0[2], y0[3]
		c10, c11, c12, c13 = y1[0], y1[1], y1[2], y1[3]
	}
	for s := range t.segs {
		a0, a1 := t.row(i0)+s*t.aseg, t.row(i1)+s*t.aseg
		at := s*t.bseg + j
		for range t.k {
			b := t.b[at : at+4 : at+4]
			x0, x1 := t.a[a0], t.a[a1]
			c00 += x0 * b[0]
			c01 += x0 * b[1]
			c02 += x0 * b[2]
			c03 += x0 * b[3]
			c10 += x1 * b[0]
			c11 += x1 * b[1]
			c12 += x1 * b[2]
			c13 += x1 * b[3]
			a0 += t.acs
			a1 += t.acs
			at += t.ldb
		}
	}
	y0[0], y0[1], y0[2], y0[3] = c00, c01, c02, c03
	t.end(i0, j, y0)
	if i1 != i0 {
		y1[0], y1[1], y1[2], y1[3] = c10, c11, c12, c13
		t.end(i1, j, y1)
	}
}

func (t *tile) block1(i0, i1, j int) {
	var c0, c1 float32
	y0, y1 := t.c[i0*t.ldc+j:][:1], t.c[i1*t.ldc+j:][:1]
	if t.add {
		c0, c1 = y0[0], y1[0]
	}
	for s := range t.segs {
		a0, a1 := t.row(i0)+s*t.aseg, t.row(i1)+s*t.aseg
		at := s*t.bseg + j
		for range t.k {
			b := t.b[at]
			c0 += t.a[a0] * b
			c1 += t.a[a1] * b
			a0 += t.acs
			a1 += t.acs
			at += t.ldb
		}
	}
	y0[0] = c0
	t.end(i0, j, y0)
	if i1 != i0 {
		y1[0] = c1
		t.end(i1, j, y1)
	}
}

// end applies the epilogue to elements of row i from column j.
func (t *tile) end(i, j int, y []float32) {
	if t.bias != nil {
		for l, b := range t.bias[j : j+len(y)] {
			y[l] += b
		}
	}
	if t.residual != nil {
		for l, r := range t.residual[i*t.ldc+j:][:len(y)] {
			y[l] += r
		}
	}
	if t.clip {
		clipRow(y, t.lo, t.hi)
	}
}

// clipRow limits y to [lo, hi] and lets NaN through.
func clipRow(y []float32, lo, hi float32) {
	for i, v := range y {
		if v < lo {
			y[i] = lo
		} else if v > hi {
			y[i] = hi
		}
	}
}

// interleaveGeneric writes dst[at+q*ldd+r] = src[r*lds+q] for r < rows, q < cols;
// a few columns at a time, so that what is read and written stays in the
// first-level cache.
func interleaveGeneric(rows, cols int, src []float32, lds int, dst []float32, at, ldd int) {
	const block = 16
	for q0 := 0; q0 < cols; q0 += block {
		n := min(block, cols-q0)
		for r := range rows {
			to := at + q0*ldd + r
			for _, v := range src[r*lds+q0:][:n] {
				dst[to] = v
				to += ldd
			}
		}
	}
}

// interleave writes dst[q*ldd+r] = src[r*lds+q] for r < rows, q < cols.
func interleave(on cpu.Path, rows, cols int, src []float32, lds int, dst []float32, ldd int) {
	interleaveTo(on, rows, cols, src, lds, dst, 0, ldd)
}
