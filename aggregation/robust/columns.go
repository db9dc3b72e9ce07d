package robust

import (
	"math/bits"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// sorter sorts the values that n vectors have in each coordinate, as far as
// the sorted positions from low up to high are concerned, and hands them on in
// blocks. It uses Batcher's merge exchange network without the comparators that no
// such position depends on: no branch, and 64 columns side by side.
type sorter struct {
	team
	task    func(from, to, worker int)
	network [][2]int32
	n       int
	low     int
	high    int
	vectors [][]float32
	dst     []float32
	// reduce makes len(dst) <= 64 results of sorted keys: row i of rows has the
	// i-th least values.
	reduce func(dst []float32, rows []int32)
}

func newSorter(workers int, reduce func(dst []float32, rows []int32)) *sorter {
	c := &sorter{team: newTeam(workers), reduce: reduce}
	c.task = c.chunk
	return c
}

// sort sorts and reduces all columns.
func (c *sorter) sort(dst []float32, vectors [][]float32, low, high int) {
	if n := len(vectors); n != c.n || low != c.low || high != c.high {
		c.n, c.low, c.high = n, low, high
		c.network = prune(batcher(n), n, low, high)
	}
	c.dst, c.vectors = dst, vectors
	c.columns(len(dst), c.task)
	c.dst, c.vectors = nil, nil
}

func (c *sorter) chunk(first, last, worker int) {
	rows := c.pool.Ints(worker, c.n*kernel.Columns)
	for from := first; from < last; from += kernel.Columns {
		to := min(last, from+kernel.Columns)
		for i, v := range c.vectors {
			kernel.Keys(rows[i*kernel.Columns:i*kernel.Columns+to-from], v[from:to])
		}
		kernel.Exchange(rows, c.network)
		c.reduce(c.dst[from:to], rows)
	}
}

// batcher returns the comparators of merge exchange sort (Knuth, The Art of
// Computer Programming, vol. 3, 5.2.2, algorithm M).
func batcher(n int) [][2]int32 {
	var network [][2]int32
	if n < 2 {
		return network
	}
	top := 1 << (bits.Len(uint(n-1)) - 1)
	for p := top; p > 0; p /= 2 {
		for q, r, d := top, 0, p; ; q, r, d = q/2, p, q-p {
			for i := range n - d {
				if i&p == r {
					network = append(network, [2]int32{int32(i), int32(i + d)})
				}
			}
			if q == p {
				break
			}
		}
	}
	return network
}

// prune drops the comparators that no position from low up to high depends on.
func prune(network [][2]int32, n, low, high int) [][2]int32 {
	needed := make([]bool, n)
	for i := low; i < high; i++ {
		needed[i] = true
	}
	kept := len(network)
	for at := len(network) - 1; at >= 0; at-- {
		if i, j := network[at][0], network[at][1]; needed[i] || needed[j] {
			needed[i], needed[j] = true, true
			kept--
			network[kept] = network[at]
		}
	}
	return network[kept:]
}

// value returns the number of a key.
func value(key int32) float64 { return float64(kernel.FromKey(key)) }
