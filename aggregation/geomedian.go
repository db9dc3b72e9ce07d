package aggregation

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// geoMedian computes weighted geometric medians of rows by Weiszfeld's
// iteration. It never touches a row after measuring the pairwise distances:
// the centre after each step is a mean of the rows with shares a, a sum of 1,
// and its squared distance to row j is
//
//	(D a)_j - ½ aᵀ D a
//
// with the squared distances D, which equals G_jj - 2 (G a)_j + aᵀ G a on the
// Gram matrix G (docs/bristle.md, e). D loses no digits when the rows are long
// and close to each other, as they are once peers agree; G does.
type geoMedian struct {
	steps int
	// smoothing, times the root mean square distance of the rows to their
	// mean, is the least distance that a step divides by. Without it the
	// first step that lands on a row would never leave it, and would divide
	// by 0. It is above what float32 rounding makes of a distance of 0.
	smoothing float64

	rows   [][]float32
	votes  []float64
	shares []float64
	far    []float64 // D a
	d      []float64 // D, rows x rows
}

// reset empties the list of rows and starts it with one.
func (g *geoMedian) reset(row []float32, vote float64) {
	g.rows, g.votes = append(g.rows[:0], row), append(g.votes[:0], vote)
}

// add adds a row with a positive vote.
func (g *geoMedian) add(row []float32, vote float64) {
	g.rows, g.votes = append(g.rows, row), append(g.votes, vote)
}

// solve sets shares: what each row contributes to the median. It reports
// false if all rows are the same, when there is nothing to solve.
func (g *geoMedian) solve() bool {
	n := len(g.rows)
	g.d = pairwise(g.d, g.rows)
	g.shares = append(g.shares[:0], g.votes...)
	normalise(g.shares)
	g.far = grow(g.far, n)
	floor := 0.0
	for step := range g.steps {
		// half is ½ aᵀ D a, the mean squared distance from the centre.
		half := 0.0
		clear(g.far)
		for k, a := range g.shares {
			for j, d := range cut(g.d, k, n) {
				g.far[j] += float64(a * d)
			}
		}
		for j, a := range g.shares {
			half += float64(a * g.far[j])
		}
		half /= 2
		if step == 0 {
			if half == 0 {
				return false
			}
			floor = g.smoothing * g.smoothing * half
		}
		for j, f := range g.far {
			g.shares[j] = g.votes[j] / math.Sqrt(max(f-half, floor))
		}
		normalise(g.shares)
	}
	return true
}

// write sets row to the median.
func (g *geoMedian) write(row []float32) {
	clear(row)
	for j, a := range g.shares {
		kernel.Axpy(float32(a), g.rows[j], row)
	}
}

func normalise(x []float64) {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	for i := range x {
		x[i] /= sum
	}
}

// pairwise fills d with the squared distances of all pairs of rows.
func pairwise(d []float64, rows [][]float32) []float64 {
	n := len(rows)
	d = grow(d, n*n)
	for j, x := range rows {
		d[j*n+j] = 0
		for k, y := range rows[:j] {
			s := squaredDistance(x, y)
			d[j*n+k], d[k*n+j] = s, s
		}
	}
	return d
}
