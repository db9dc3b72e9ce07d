package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The generators below use nothing but bits of the source and exact
// operations, so that every architecture tests with the same values.

// ordinary returns n numbers in [-2, 2).
func ordinary(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(int32(rng.Uint32())>>8) / (1 << 22)
	}
	return x
}

// wild returns n finite numbers of very different sizes, among them zeros of
// both signs and subnormal numbers. Products of three and sums of many of
// them are finite.
func wild(rng *rand.Rand, n int) []float32 {
	x := ordinary(rng, n)
	for i := range x {
		switch rng.Uint32() % 8 {
		case 0:
			x[i] = float32(math.Copysign(0, float64(x[i])))
		case 1:
			x[i] = math.Float32frombits(math.Float32bits(x[i]) & 0x807fffff)
		case 2:
			x[i] = math.Float32frombits(math.Float32bits(x[i])&0x80ffffff | 0x0c000000)
		case 3:
			x[i] *= 1 << 30
		}
	}
	return x
}

// special is wild with infinities and NaN among the numbers.
func special(rng *rand.Rand, n int) []float32 {
	x := wild(rng, n)
	for i := range x {
		switch rng.Uint32() % 32 {
		case 0:
			x[i] = float32(math.Inf(1))
		case 1:
			x[i] = float32(math.Inf(-1))
		case 2:
			x[i] = float32(math.NaN())
		}
	}
	return x
}

// sources are the generators by name.
var sources = []struct {
	name string
	make func(rng *rand.Rand, n int) []float32
}{{"ordinary", ordinary}, {"wild", wild}, {"special", special}}

// same reports whether x and y are equal bit by bit. Any two NaN are the
// same: which one an operation makes is not defined.
func same(x, y float32) bool {
	return math.Float32bits(x) == math.Float32bits(y) || x != x && y != y
}

func mustBeSame(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: length %d, want %d", what, len(got), len(want))
	}
	for i := range got {
		if !same(got[i], want[i]) {
			t.Fatalf("%s: element %d is %g (%08x), want %g (%08x)", what, i,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
		}
	}
}
