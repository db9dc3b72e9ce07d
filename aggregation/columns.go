package aggregation

import (
	"math"
	"math/bits"
)

// blockColumns coordinates are sorted side by side, so that the keys of 31
// heads stay in the first-level cache and the loop over them has no
// unpredictable branch.
const blockColumns = 64

// columnSorter sorts the values that n heads have in each coordinate, as far
// as the sorted positions from low up to high are concerned. It uses Batcher's
// merge exchange network without the comparators that no such position
// depends on.
type columnSorter struct {
	n       int
	network [][2]int32
	keys    [][blockColumns]int32
}

// prepare builds the network, if it is not the one of the last round. The
// rules need positions that depend on n alone.
func (s *columnSorter) prepare(n, low, high int) {
	if n == s.n {
		return
	}
	s.n = n
	s.keys = grow(s.keys, n)
	s.network = prune(batcher(n), n, low, high)
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

// sort loads up to blockColumns coordinates of the heads, from the given one
// on, and sorts them: keys[i][k] is then the i-th least value of coordinate
// from+k, for low <= i < high. It returns the number of coordinates.
func (s *columnSorter) sort(heads [][]float32, from int) int {
	width := min(blockColumns, len(heads[0])-from)
	for i, head := range heads {
		keys := &s.keys[i]
		for k, w := range head[from : from+width] {
			keys[k] = key(w)
		}
	}
	for _, pair := range s.network {
		x, y := &s.keys[pair[0]], &s.keys[pair[1]]
		for k := range x {
			a, b := x[k], y[k]
			x[k], y[k] = min(a, b), max(a, b)
		}
	}
	return width
}

// key maps a finite float32 to an integer of the same order, with -0 below
// +0: a total order, so that equal inputs in another order give equal bits.
func key(w float32) int32 { return flip(int32(math.Float32bits(w))) }

// value is the inverse of key.
func value(key int32) float64 { return float64(math.Float32frombits(uint32(flip(key)))) }

// flip inverts all bits but the sign of a negative number. It is its own
// inverse.
func flip(x int32) int32 { return x ^ int32(uint32(x>>31)>>1) }
