package f32

import (
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// A matrix below has rows of as many columns as the row beside it has: for
// channels-last images, a row is a pixel. dst may be x.

// rowOp is an operation with a row on every row of a matrix.
type rowOp uint8

const (
	rowMul    rowOp = iota // x*scale
	rowAdd                 // x+shift
	rowAffine              // x*scale+shift
)

// MulRow computes dst[r][c] = x[r][c]*row[c].
func MulRow(dst, x, row []float32, rows int) {
	mustBeRows("MulRow", dst, x, rows, len(row))
	overRows(cpu.Active(), rowMul, dst, x, row, row, rows)
}

// AddRow computes dst[r][c] = x[r][c]+row[c].
func AddRow(dst, x, row []float32, rows int) {
	mustBeRows("AddRow", dst, x, rows, len(row))
	overRows(cpu.Active(), rowAdd, dst, x, row, row, rows)
}

// Affine computes dst[r][c] = x[r][c]*scale[c]+shift[c]: the product is
// rounded, then the sum.
func Affine(dst, x, scale, shift []float32, rows int) {
	mustBeRows("Affine", dst, x, rows, len(scale))
	vecMust("Affine", "shift", len(shift), len(scale))
	overRows(cpu.Active(), rowAffine, dst, x, scale, shift, rows)
}

// ColumnSums overwrites dst[c] with the sum of x[r][c] over the rows, from
// the first to the last, beginning with +0.
func ColumnSums(dst, x []float32, rows int) {
	vecMust("ColumnSums", "matrix", len(x), rows*len(dst))
	columnSumsOn(cpu.Active(), dst, x, rows)
}

// ColumnDots overwrites dst[c] with the sum of x[r][c]*y[r][c] over the rows,
// from the first to the last, beginning with +0.
func ColumnDots(dst, x, y []float32, rows int) {
	vecMust("ColumnDots", "first matrix", len(x), rows*len(dst))
	vecMust("ColumnDots", "second matrix", len(y), rows*len(dst))
	columnDotsOn(cpu.Active(), dst, x, y, rows)
}

func mustBeRows(function string, dst, x []float32, rows, cols int) {
	vecMust(function, "operand", len(x), rows*cols)
	vecMust(function, "result", len(dst), rows*cols)
}

// vecColumns is the largest number of columns that one call of an assembly
// routine gets: so few that a row stays in the cache.
const vecColumns = 2048

// inBlocks calls f with blocks of a matrix, at most vecColumns wide and
// vecStretch large: the first row and column, and the numbers of both. The
// blocks of the same columns come from the first row to the last.
func inBlocks(rows, cols int, f func(row, col, rows, cols int)) {
	for col := 0; col < cols; col += vecColumns {
		width := min(vecColumns, cols-col)
		most := vecStretch / width
		for row := 0; row < rows; row += most {
			f(row, col, min(most, rows-row), width)
		}
	}
}

func overRows(on cpu.Path, o rowOp, dst, x, scale, shift []float32, rows int) {
	cols := len(scale)
	inBlocks(rows, cols, func(row, col, rows, width int) {
		at := row*cols + col
		vecOverRows(on, o, dst[at:], x[at:], scale[col:], shift[col:], rows, width, cols)
	})
}

func columnSumsOn(on cpu.Path, dst, x []float32, rows int) {
	clear(dst)
	cols := len(dst)
	inBlocks(rows, cols, func(row, col, rows, width int) {
		vecColumnSums(on, dst[col:], x[row*cols+col:], rows, width, cols)
	})
}

func columnDotsOn(on cpu.Path, dst, x, y []float32, rows int) {
	clear(dst)
	cols := len(dst)
	inBlocks(rows, cols, func(row, col, rows, width int) {
		at := row*cols + col
		vecColumnDots(on, dst[col:], x[at:], y[at:], rows, width, cols)
	})
}

// In the portable forms below, stride is the distance of two rows.

func overRowsGeneric(o rowOp, dst, x, scale, shift []float32, rows, cols, stride int) {
	scale, shift = scale[:cols], shift[:cols]
	for r := range rows {
		to, from := dst[r*stride:][:cols], x[r*stride:][:cols]
		switch o {
		case rowMul:
			for c, s := range scale {
				to[c] = from[c] * s
			}
		case rowAdd:
			for c, s := range shift {
				to[c] = from[c] + s
			}
		case rowAffine:
			for c, s := range scale {
				to[c] = float32(from[c]*s) + shift[c]
			}
		}
	}
}

func columnSumsGeneric(dst, x []float32, rows, cols, stride int) {
	dst = dst[:cols]
	for r := range rows {
		for c, v := range x[r*stride:][:cols] {
			dst[c] += v
		}
	}
}

func columnDotsGeneric(dst, x, y []float32, rows, cols, stride int) {
	dst = dst[:cols]
	for r := range rows {
		a, b := x[r*stride:][:cols], y[r*stride:][:cols]
		for c, v := range a {
			dst[c] += float32(v * b[c])
		}
	}
}

// RowSums computes dst[r], the sum of row r of x, for as many rows as dst has
// elements. The elements i of a row are added in ascending order to lane i%16;
// then lane l takes in lane l+8 for l < 8, then l+4, l+2 and l+1.
func RowSums(dst, x []float32, cols int) {
	vecMust("RowSums", "matrix", len(x), len(dst)*cols)
	for r := range dst {
		dst[r] = rowSum(cpu.Active(), x[r*cols:][:cols])
	}
}
