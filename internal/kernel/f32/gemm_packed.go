package f32

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Packed is a matrix B [K x N] laid out for the micro-kernel of the path in
// use: panels of as many columns as a register tile has, one row after
// another, the last panel filled up with zeros.
type Packed struct {
	K, N int
	on   cpu.Path
	nr   int
	data []float32
}

// Pack takes in a matrix of k rows and n columns whose element (p, j) is
// b[p*brow+j*bcol]. It reuses the memory of a former matrix if that is large
// enough. It panics if a size or a stride is negative or b is too short.
func (q *Packed) Pack(k, n int, b []float32, brow, bcol int) {
	q.reset(cpu.Active(), k, n)
	mustReach("B", k, n, b, brow, bcol)
	for j := 0; j < n; j += q.nr {
		q.pack(j, b, brow, bcol)
	}
}

// reset sets the size and makes room.
func (q *Packed) reset(on cpu.Path, k, n int) {
	if k < 0 || n < 0 {
		panic(fmt.Sprintf("f32: packing a matrix of %d x %d", k, n))
	}
	q.on, q.nr, q.K, q.N = on, panelWidth(on), k, n
	size := q.panels() * q.nr * k
	if cap(q.data) < size {
		q.data = make([]float32, size)
	}
	q.data = q.data[:size]
}

func (q *Packed) panels() int { return (q.N + q.nr - 1) / q.nr }

// panel returns the rows from k on of the panel that begins at column j.
func (q *Packed) panel(j, k int) []float32 { return q.data[j*q.K+k*q.nr:] }

// pack fills the panel that begins at column j.
func (q *Packed) pack(j int, b []float32, brow, bcol int) {
	if q.K > 0 {
		packPanel(q.on, q.panel(j, 0), q.nr, q.K, min(q.nr, q.N-j), b[j*bcol:], brow, bcol)
	}
}

// packPanel writes k rows of n columns as rows of nr, zeros beyond n.
func packPanel(on cpu.Path, dst []float32, nr, k, n int, b []float32, brow, bcol int) {
	if n < nr {
		clear(dst[:k*nr])
	}
	if bcol == 1 {
		if n == 32 {
			for p := range k {
				*(*[32]float32)(dst[p*32:]) = [32]float32(b[p*brow:])
			}
			return
		}
		for p := range k {
			copy(dst[p*nr:p*nr+n], b[p*brow:])
		}
		return
	}
	if brow == 1 {
		interleave(on, n, k, b, bcol, dst, nr)
		return
	}
	for p := range k {
		for j := range n {
			dst[p*nr+j] = b[p*brow+j*bcol]
		}
	}
}

// mustReach panics unless x holds element (rows-1, cols-1) of a matrix whose
// element (i, j) is x[i*row+j*col].
func mustReach(name string, rows, cols int, x []float32, row, col int) {
	if rows == 0 || cols == 0 {
		return
	}
	if row < 0 || col < 0 {
		panic(fmt.Sprintf("f32: matrix %s has negative strides %d and %d", name, row, col))
	}
	// Divisions, because the products may overflow.
	last := len(x) - 1
	if last < 0 || row > 0 && rows-1 > last/row || col > 0 && cols-1 > (last-(rows-1)*row)/col {
		panic(fmt.Sprintf("f32: matrix %s is %d x %d with strides %d and %d but its slice has only %d elements",
			name, rows, cols, row, col, len(x)))
	}
}
