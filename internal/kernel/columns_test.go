package kernel

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

func TestKeysOrderLikeFloats(t *testing.T) {
	ascending := []float32{-math.MaxFloat32, -1, -math.SmallestNonzeroFloat32, float32(math.Copysign(0, -1)), 0, math.SmallestNonzeroFloat32, 0.5, 1, math.MaxFloat32}
	for _, on := range cpu.Available() {
		for _, n := range []int{0, 1, 15, 16, 17, 100} {
			rng := rand.New(rand.NewPCG(uint64(n), 1))
			src := append(slices.Clone(ascending[:min(n, len(ascending))]), wild(rng, max(0, n-len(ascending)))...)
			dst := make([]int32, n)
			keysOn(on, dst, src)
			for i, w := range src {
				if back := FromKey(dst[i]); math.Float32bits(back) != math.Float32bits(w) {
					t.Errorf("%v: %v comes back as %v", on, w, back)
				}
				if i > 0 && i < len(ascending) && dst[i-1] >= dst[i] {
					t.Errorf("%v: the key of %v is not below that of %v", on, src[i-1], w)
				}
			}
		}
	}
}

func TestExchange(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{2, 3, 17} {
		rows := make([]int32, n*Columns)
		for i := range rows {
			rows[i] = int32(rng.Uint32())
		}
		var network [][2]int32
		for range 40 {
			a, b := int32(rng.IntN(n)), int32(rng.IntN(n))
			if a != b {
				network = append(network, [2]int32{a, b})
			}
		}
		want := slices.Clone(rows)
		for _, c := range network {
			for k := range Columns {
				a, b := &want[int(c[0])*Columns+k], &want[int(c[1])*Columns+k]
				if *a > *b {
					*a, *b = *b, *a
				}
			}
		}
		for _, on := range cpu.Available() {
			got := slices.Clone(rows)
			exchangeOn(on, got, network)
			if !slices.Equal(got, want) {
				t.Errorf("%v: %d rows differ", on, n)
			}
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("a comparator of a row that is not there was run")
		}
	}()
	Exchange(make([]int32, 2*Columns), [][2]int32{{0, 2}})
}

func TestSumKeys(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for _, n := range []int{0, 1, 2, 17, 300} {
		numbers := ordinary(rng, n*Columns)
		for i := range numbers {
			numbers[i] *= float32(rng.IntN(3)) * 1e12 // some of them ±0, none alike in size
		}
		rows := make([]int32, n*Columns)
		Keys(rows, numbers)
		var want [Columns]float64
		for i, x := range numbers {
			want[i%Columns] += float64(x)
		}
		for _, on := range cpu.Available() {
			got := [Columns]float64{3: 9}
			sumKeysOn(on, &got, rows)
			for k := range got {
				if math.Float64bits(got[k]) != math.Float64bits(want[k]) {
					t.Errorf("%v, %d rows, column %d: %v, want %v", on, n, k, got[k], want[k])
				}
			}
		}
	}
}

func TestSquaredDistances4(t *testing.T) {
	for _, size := range lengths() {
		if size == 0 {
			continue
		}
		for _, rows := range []int{0, 1, 2, 5, 130} {
			rng := rand.New(rand.NewPCG(uint64(size), 8))
			x, y := wild(rng, rows*size), append(wild(rng, 2*size), ordinary(rng, 2*size)...)
			for _, stride := range []int{4, 7} {
				for _, on := range cpu.Available() {
					got := make([]float64, rows*stride)
					for i := range got {
						got[i] = float64(i)
					}
					squaredDistances4On(on, got, stride, x, y, size)
					for i := range got {
						want := float64(i)
						if r, k := i/stride, i%stride; k < 4 {
							want += float64(SquaredDistance(x[r*size:(r+1)*size], y[k*size:(k+1)*size]))
						}
						if got[i] != want && !(math.IsNaN(got[i]) && math.IsNaN(want)) {
							t.Fatalf("%v, %d rows of %d, stride %d, sum %d: %v, want %v", on, rows, size, stride, i, got[i], want)
						}
					}
				}
			}
		}
	}
}
