package kernel

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Columns is how many columns [Exchange] sorts side by side.
const Columns = 64

// Keys writes to dst integers of the same order as the finite numbers in src,
// with -0 below +0: a total order, so that equal inputs in another order give
// equal bits. The slices have the same length.
func Keys(dst []int32, src []float32) { keysOn(cpu.Active(), dst, src) }

func keysOn(on cpu.Path, dst []int32, src []float32) {
	mustMatch("Keys", len(dst), len(src))
	keys(on, dst, src)
}

func keysGeneric(dst []int32, src []float32) {
	for i, w := range src {
		dst[i] = flip(int32(math.Float32bits(w)))
	}
}

// FromKey is the inverse of [Keys].
func FromKey(key int32) float32 { return math.Float32frombits(uint32(flip(key))) }

// flip inverts all bits but the sign of a negative number. It is its own
// inverse.
func flip(x int32) int32 { return x ^ int32(uint32(x>>31)>>1) }

// Exchange runs the comparators of a sorting network over rows of [Columns]
// keys: each puts the lesser of every two keys that stand below each other into
// its first row and the greater into its second. It panics if a comparator names
// a row that is not there.
func Exchange(rows []int32, network [][2]int32) { exchangeOn(cpu.Active(), rows, network) }

func exchangeOn(on cpu.Path, rows []int32, network [][2]int32) {
	n := int32(len(rows) / Columns)
	for _, c := range network {
		if c[0] < 0 || c[1] < 0 || c[0] >= n || c[1] >= n {
			panic(fmt.Sprintf("kernel: Exchange: comparator %v of %d rows", c, n))
		}
	}
	if len(network) > 0 {
		exchange(on, rows, network)
	}
}

func exchangeGeneric(rows []int32, network [][2]int32) {
	for _, c := range network {
		x, y := (*[Columns]int32)(rows[c[0]*Columns:]), (*[Columns]int32)(rows[c[1]*Columns:])
		for k := range x {
			a, b := x[k], y[k]
			x[k], y[k] = min(a, b), max(a, b)
		}
	}
}

// SumKeys sets sums to the sums, column by column, of the numbers whose keys
// ([Keys]) stand in rows of [Columns]: from +0, the first row first, in float64.
func SumKeys(sums *[Columns]float64, rows []int32) { sumKeysOn(cpu.Active(), sums, rows) }

func sumKeysOn(on cpu.Path, sums *[Columns]float64, rows []int32) {
	clear(sums[:])
	if n := len(rows) / Columns; n > 0 {
		sumKeys(on, sums, rows[:n*Columns])
	}
}

func sumKeysGeneric(sums *[Columns]float64, rows []int32) {
	for ; len(rows) >= Columns; rows = rows[Columns:] {
		for k, x := range (*[Columns]int32)(rows) {
			sums[k] += float64(FromKey(x))
		}
	}
}
