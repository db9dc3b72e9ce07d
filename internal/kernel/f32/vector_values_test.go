package f32

import (
	"math"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// edges are numbers that arithmetic treats in a special way.
var edges = []float32{
	0, float32(math.Copysign(0, -1)), 1, -1, 0.5, -0.5, 3, -3, 6,
	math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, -0x1p-126, 0x1.fffffep-127,
	math.MaxFloat32, -math.MaxFloat32, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()),
	88.72283, 88.72284, 89, 90, -87.33654, -87.4, -103.9, -104, -105, 1e-20, -1e-20, 1e20, -1e20,
	0.6, 0.59999996, 10, 9.0, 3.9, 4, 4.1, 0.1328125, 0.13281251, 3.984375, 65536.5, 1 << 24,
}

// mixed returns n numbers of many sizes, one in four of them an edge.
func mixed(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		switch rng.IntN(8) {
		case 0, 1:
			x[i] = edges[rng.IntN(len(edges))]
		case 2:
			x[i] = math.Float32frombits(rng.Uint32())
		case 3, 4:
			x[i] = 200 * (rng.Float32() - 0.5)
		default:
			x[i] = 10 * (rng.Float32() - 0.5)
		}
	}
	return x
}

// mustBeSame fails unless got and want are equal bit by bit; any two NaN are.
func mustBeSame(t rapid.TB, what string, on cpu.Path, got, want []float32) {
	t.Helper()
	for i, w := range want {
		g := got[i]
		if math.Float32bits(g) != math.Float32bits(w) && (g == g || w == w) {
			t.Fatalf("%s of %d on %v: element %d is %g (%08x) instead of %g (%08x)",
				what, len(want), on, i, g, math.Float32bits(g), w, math.Float32bits(w))
		}
	}
}

// samePaths compares a routine on every path with the portable one. It runs
// it on copies of the vectors, of which it may change any.
func samePaths(t rapid.TB, what string, f func(on cpu.Path, x [][]float32), x ...[]float32) {
	t.Helper()
	var want []float32
	for _, on := range cpu.Available() {
		y := make([][]float32, len(x))
		for i := range x {
			// Off the alignment of the allocator.
			y[i] = slices.Concat(make([]float32, i+1), x[i])[i+1:]
		}
		f(on, y)
		got := slices.Concat(y...)
		if on == cpu.Generic {
			want = got
		}
		mustBeSame(t, what, on, got, want)
	}
}

// vecLengths are those of vectors under test: every tail of every routine, and
// more than one stretch.
func vecLengths() []int {
	var n []int
	for i := range 150 {
		n = append(n, i)
	}
	return append(n, 800, vecStretch-1, vecStretch, 2*vecStretch+21)
}
