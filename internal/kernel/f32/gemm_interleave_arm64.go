package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// interleaveTo writes dst[at+q*ldd+r] = src[r*lds+q] for r < rows, q < cols.
// ldd may be negative.
func interleaveTo(on cpu.Path, rows, cols int, src []float32, lds int, dst []float32, at, ldd int) {
	wholeRows, wholeCols := rows&^3, cols&^3
	if on == cpu.Generic || wholeRows == 0 || wholeCols == 0 {
		interleaveGeneric(rows, cols, src, lds, dst, at, ldd)
		return
	}
	// The assembly stays within what these reach.
	end := at + (cols-1)*ldd
	_, _ = src[(rows-1)*lds+cols-1], dst[max(at, end)+rows-1]
	_ = dst[min(at, end)]
	const most = 1 << 13 // of columns, because a call cannot be preempted
	for q := 0; q < wholeCols; q += most {
		n := min(most, wholeCols-q)
		for r := 0; r < wholeRows; r += 4 {
			interleaveNEON(n, &src[r*lds+q], 4*lds, &dst[at+q*ldd+r], 4*ldd)
		}
	}
	if wholeRows < rows {
		interleaveGeneric(rows-wholeRows, wholeCols, src[wholeRows*lds:], lds, dst, at+wholeRows, ldd)
	}
	if wholeCols < cols {
		interleaveGeneric(rows, cols-wholeCols, src[wholeCols:], lds, dst, at+wholeCols*ldd, ldd)
	}
}

// interleaveNEON transposes four rows of a positive multiple of four columns.
// Strides are in bytes.
//
//go:noescape
func interleaveNEON(cols int, src *float32, lds int, dst *float32, ldd int)
