package aggregation

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestColumnSorter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s columnSorter
		n := rapid.IntRange(1, 40).Draw(t, "n")
		low := rapid.IntRange(0, n-1).Draw(t, "low")
		high := rapid.IntRange(low+1, n).Draw(t, "high")
		rng := random(rapid.Uint64().Draw(t, "seed"))
		heads := make([][]float32, n)
		for i := range heads {
			heads[i] = make([]float32, blockColumns+5)
			noise(rng, heads[i], 1)
		}
		s.prepare(n, low, high)
		for _, from := range []int{0, blockColumns} {
			width := s.sort(heads, from)
			if want := min(blockColumns, len(heads[0])-from); width != want {
				t.Fatalf("%d columns from %d, want %d", width, from, want)
			}
			for k := range width {
				var column []float64
				for _, h := range heads {
					column = append(column, float64(h[from+k]))
				}
				slices.Sort(column)
				for i := low; i < high; i++ {
					if got := value(s.keys[i][k]); got != column[i] {
						t.Fatalf("n=%d [%d, %d): position %d of column %d is %v, want %v", n, low, high, i, from+k, got, column[i])
					}
				}
			}
		}
	})
}

func TestKeysOrderLikeFloats(t *testing.T) {
	ascending := []float32{-math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), 0, math.SmallestNonzeroFloat32, 0.5, 1, math.MaxFloat32}
	for i, w := range ascending {
		if back := float32(value(key(w))); math.Float32bits(back) != math.Float32bits(w) {
			t.Errorf("%v comes back as %v", w, back)
		}
		if i > 0 && key(ascending[i-1]) >= key(w) {
			t.Errorf("the key of %v is not below that of %v", ascending[i-1], w)
		}
	}
}
