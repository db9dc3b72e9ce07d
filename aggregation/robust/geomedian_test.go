package robust

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func slowWeiszfeld(in Input) []float64 {
	z := float64s(in.Vectors[0])
	away := func(v []float32) float64 {
		sum := 0.0
		for j, x := range v {
			sum += (float64(x) - z[j]) * (float64(x) - z[j])
		}
		return math.Sqrt(sum)
	}
	for step := range 32 {
		var all []float64
		for _, v := range in.Vectors {
			all = append(all, away(v))
		}
		slices.Sort(all)
		floor := all[len(all)/2]
		if step > 0 {
			floor *= .001
		}
		next, total := make([]float64, len(z)), 0.0
		for _, v := range in.Vectors {
			w := 1 / max(away(v), floor)
			total += w
			for j, x := range v {
				next[j] += w * float64(x)
			}
		}
		for j := range z {
			z[j] = next[j] / total
		}
	}
	return z
}

// TestGeometricMedianWithstandsLiars: 4 liars of 14, as far away as they like, leave
// the result nearer to the mean of the honest than the furthest honest vector is,
// and three steps are enough for that.
func TestGeometricMedianWithstandsLiars(t *testing.T) {
	const honest, all, d = 10, 14, 50
	for _, away := range []float64{10, 1e3, 1e6, 1e9, 1e12, 1e30} {
		for seed := range uint64(20) {
			rng := rand.New(rand.NewPCG(seed, 4))
			vectors := draw(rng, all, d, 0)
			for i := honest; i < all; i++ {
				for j := range vectors[i] {
					vectors[i][j] += float32(away)
					if seed%2 == 1 { // each in a direction of its own
						vectors[i][j] += float32(away * 4 * (rng.Float64() - .5))
					}
				}
			}
			middle := make([]float32, d)
			for j, x := range meanOf(vectors, upTo(honest)) {
				middle[j] = float32(x)
			}
			furthest := 0.0
			for _, v := range vectors[:honest] {
				furthest = max(furthest, distance(v, middle))
			}
			for _, steps := range []float64{3, 32} {
				dst := make([]float32, d)
				shares := build(t, "geometric-median", 2, Values{"steps": steps}).Aggregate(dst, input(vectors, seed))
				if far := distance(dst, middle); far >= furthest || far != far {
					t.Errorf("liars at %v, seed %d, %v steps: the result is %v away, the honest at most %v", away, seed, steps, far, furthest)
				}
				if away >= 1e3 && slices.Max(shares[honest:]) > slices.Min(shares[:honest])/100 {
					t.Errorf("liars at %v, seed %d, %v steps: the shares are %v", away, seed, steps, shares)
				}
			}
		}
	}
}

// TestGeometricMedianOfFew: with two vectors it is half way, and where most are the
// same it is these.
func TestGeometricMedianOfFew(t *testing.T) {
	for _, c := range []struct {
		vectors [][]float32
		want    float32
	}{
		{[][]float32{{1}}, 1},
		{[][]float32{{1}, {3}}, 2},
		{[][]float32{{9}, {3}, {3}}, 3},
		{[][]float32{{3}, {3}, {1e30}}, 3},
		{[][]float32{{3}, {5}, {1e38}, {5}, {-3e38}}, 5},
	} {
		dst := make([]float32, 1)
		build(t, "geometric-median", 1, nil).Aggregate(dst, input(c.vectors, 1))
		if math.Abs(float64(dst[0]-c.want)) > 1e-3 {
			t.Errorf("of %v it is %v, want %v", c.vectors, dst[0], c.want)
		}
	}
}
