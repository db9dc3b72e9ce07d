package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// runTile computes a tile on a path.
func runTile(on cpu.Path, t *tile) {
	switch {
	case t.m == 0 || t.n == 0:
	case t.k == 0 || t.segs == 0 || on == cpu.Generic:
		tileGeneric(t)
	case on == cpu.VNNI:
		tileAVX512(t)
	case t.n%8 == 0:
		tileAVX2(t)
	default:
		tileByCopy(t)
	}
}

// tileByCopy computes a tile whose last register of columns is not whole, by
// way of a copy with whole registers: stores of some lanes only are slow on
// many processors that have no wider registers.
func tileByCopy(t *tile) {
	const rows, width = 24, 16
	var c [rows * width]float32
	whole := *t
	whole.n = (t.n + 7) &^ 7
	whole.c, whole.ldc = c[:], width
	whole.bare()
	for i := 0; i < t.m; i += rows {
		whole.m = min(rows, t.m-i)
		whole.a = t.a[t.row(i):]
		if t.add {
			for r := range whole.m {
				copy(c[r*width:][:t.n], t.c[(i+r)*t.ldc:])
			}
		}
		tileAVX2(&whole)
		for r := range whole.m {
			y := t.c[(i+r)*t.ldc:][:t.n]
			copy(y, c[r*width:])
			t.end(i+r, 0, y)
		}
	}
}

// runStrip computes a strip on a path, exactly with portable Go.
func runStrip(on cpu.Path, exact bool, s *strip) {
	switch {
	case s.m == 0 || s.n == 0:
	case exact || on == cpu.Generic:
		stripGeneric(s, exact)
	case on == cpu.VNNI:
		stripAVX512(s)
	default:
		part := *s
		part.n = s.n &^ 15
		if part.n > 0 {
			stripAVX2(&part)
		}
		part.skip(part.n)
		if s.n&8 != 0 {
			part.n = 8
			stripAVX2(&part)
			part.skip(8)
		}
		part.n = s.n & 7
		stripGeneric(&part, false)
	}
}

// skip goes on by n channels.
func (s *strip) skip(n int) {
	s.x0 += n
	s.w, s.y = s.w[n:], s.y[n:]
	if s.bias != nil {
		s.bias = s.bias[n:]
	}
	if s.residual != nil {
		s.residual = s.residual[n:]
	}
}

// interleaveTo writes dst[at+q*ldd+r] = src[r*lds+q] for r < rows, q < cols.
// ldd may be negative.
func interleaveTo(on cpu.Path, rows, cols int, src []float32, lds int, dst []float32, at, ldd int) {
	if on == cpu.Generic || rows == 0 || cols == 0 {
		interleaveGeneric(rows, cols, src, lds, dst, at, ldd)
		return
	}
	// The assembly stays within what these reach.
	end := at + (cols-1)*ldd
	_, _ = src[(rows-1)*lds+cols-1], dst[max(at, end)+rows-1]
	_ = dst[min(at, end)]
	const most = 1 << 14 // of columns, because a call cannot be preempted
	for q := 0; q < cols; q += most {
		n := min(most, cols-q)
		r := 0
		if on == cpu.VNNI {
			for ; r < rows; r += 16 {
				interleaveAVX512(min(16, rows-r), n, &src[r*lds+q], lds, &dst[at+q*ldd+r], ldd)
			}
			continue
		}
		for ; r+8 <= rows; r += 8 {
			interleaveAVX2(n, &src[r*lds+q], lds, &dst[at+q*ldd+r], ldd, &interleaveMasks)
		}
		if r < rows {
			interleaveGeneric(rows-r, n, src[r*lds+q:], lds, dst, at+q*ldd+r, ldd)
		}
	}
}

// interleaveMasks holds at index 8-r the mask of the first r of eight lanes.
var interleaveMasks = [16]int32{-1, -1, -1, -1, -1, -1, -1, -1}

// tileAVX512 computes a tile of up to 32 columns. No extent may be 0.
//
//go:noescape
func tileAVX512(t *tile)

// tileAVX2 computes a tile of 8 or 16 columns, the rows of A evenly spaced.
// No extent may be 0.
//
//go:noescape
func tileAVX2(t *tile)

// stripAVX512 computes a strip. Neither m nor n may be 0.
//
//go:noescape
func stripAVX512(s *strip)

// stripAVX2 computes a strip of 8 channels or of a multiple of 16. m may not
// be 0.
//
//go:noescape
func stripAVX2(s *strip)

// interleaveAVX512 transposes up to 16 rows. Neither extent may be 0.
//
//go:noescape
func interleaveAVX512(rows, cols int, src *float32, lds int, dst *float32, ldd int)

// interleaveAVX2 transposes 8 rows. cols may not be 0.
//
//go:noescape
func interleaveAVX2(cols int, src *float32, lds int, dst *float32, ldd int, masks *[16]int32)
