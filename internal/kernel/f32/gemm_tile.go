package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// tile is one call of a micro-kernel: m rows and n columns of
//
//	C = epilogue(sum over segments s and steps q < k of A(i, s, q) * B(s, q, j))
//
// with every sum in ascending order of (s, q), one rounding per step where
// the path fuses. Strides and offsets count elements.
//
// The rows of A come in pairs of seven: row i lies at
//
//	i/14*a14 + (i%14)*ars              if i%14 < 7
//	i/14*a14 + a7 + (i%14-7)*ars       otherwise
//
// which lets two rows of a seven pixels wide image fill one register tile.
// Where a7 is 7*ars and a14 is 14*ars, the rows are evenly spaced; the paths
// that do not say [pairsRows] need that.
//
// B is read in whole registers, up to the width of a panel, whatever n is;
// what it holds beyond n columns is of no consequence.
type tile struct {
	m, n     int
	k, segs  int
	a        []float32
	ars, acs int // from row to row, from step to step
	a7, a14  int
	aseg     int // from the first step of a segment to that of the next
	b        []float32
	ldb      int // from step to step; columns are adjacent
	bseg     int
	c        []float32
	ldc      int
	add      bool // whether the sums start from C instead of 0

	bias     []float32 // from the first column, or nil
	residual []float32 // from the first element, strides as C, or nil
	clip     bool
	lo, hi   float32
}

// even spaces the rows of A evenly.
func (t *tile) even(ars int) {
	t.ars, t.a7, t.a14 = ars, 7*ars, 14*ars
}

// row returns the offset of row i of A.
func (t *tile) row(i int) int {
	at := i / 14 * t.a14
	i %= 14
	if i >= 7 {
		return at + t.a7 + (i-7)*t.ars
	}
	return at + i*t.ars
}

// finish sets the epilogue of the columns from j and the elements from at.
func (t *tile) finish(e *Epilogue, j, at int) {
	t.bias, t.residual = nil, nil
	if e.Bias != nil {
		t.bias = e.Bias[j:]
	}
	if e.Residual != nil {
		t.residual = e.Residual[at:]
	}
	t.clip, t.lo, t.hi = e.Clip, e.Lo, e.Hi
}

// bare removes the epilogue.
func (t *tile) bare() {
	t.bias, t.residual, t.clip = nil, nil, false
}

// panelWidth returns the columns of a micro-kernel's widest tile.
func panelWidth(on cpu.Path) int {
	switch on {
	case cpu.VNNI:
		return 32
	case cpu.AVX2:
		return 16
	}
	return 8
}

// pairsRows reports whether the path takes rows of A that are not evenly
// spaced, and works on 14 rows at a time.
func pairsRows(on cpu.Path) bool { return on == cpu.VNNI }

// mostWork bounds the multiplications per column of one call of assembly,
// which cannot be preempted: about 50 microseconds.
const mostWork = 1 << 16

// rowsPerCall returns how many rows one call may have if it takes depth
// steps per element: a multiple of 14, or of 7 or 1 if these are too many.
func rowsPerCall(depth int) int {
	rows := mostWork / max(depth, 1)
	switch {
	case rows >= 14:
		return rows / 14 * 14
	case rows >= 7:
		return 7
	}
	return max(rows, 1)
}

// mostDepth is the most steps of one call.
const mostDepth = 6144
