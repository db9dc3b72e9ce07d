package robust

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// TestMDAOfCraftedVectors: sixty triangles in planes at right angles, so that at
// most one corner of each fits with the rest, and no shorter argument than trying
// them says that one more does not. The search must end, and with a result no worse
// than leaving out the wrong ones.
func TestMDAOfCraftedVectors(t *testing.T) {
	const triangles, honest = 60, 60
	var vectors [][]float32
	for range honest {
		vectors = append(vectors, make([]float32, 2*triangles))
	}
	for i := range triangles {
		for corner := range 3 {
			v := make([]float32, 2*triangles)
			v[2*i] = []float32{1, -.5, -.5}[corner]
			v[2*i+1] = []float32{0, float32(math.Sqrt(.75)), -float32(math.Sqrt(.75))}[corner]
			vectors = append(vectors, v)
		}
	}
	for f, diameter := range map[int]float64{2*triangles - 1: math.Sqrt(3), 2 * triangles: math.Sqrt(2)} {
		with := vectors
		if f == 2*triangles {
			with = append(with, vectors[0]) // n = 2f+1
		}
		start := time.Now()
		shares := build(t, "mda", 1, Values{"f": float64(f)}).Aggregate(make([]float32, 2*triangles), input(with, 1))
		if d := diameterOf(with, shares); math.Abs(d-diameter) > 1e-6 {
			t.Errorf("without %d, the diameter is %v, want %v", f, d, diameter)
		}
		if took := time.Since(start); took > 20*time.Second {
			t.Errorf("without %d, it took %v", f, took)
		}
	}
}

func diameterOf(vectors [][]float32, shares []float64) (diameter float64) {
	for i, x := range vectors {
		for j, y := range vectors[:i] {
			if shares[i] > 0 && shares[j] > 0 {
				diameter = max(diameter, distance(x, y))
			}
		}
	}
	return diameter
}

// TestMDAOfRandomVectors: nobody else can find what a search of all 10^28 subsets
// would; but the search must do what no greedy one does, and fast.
func TestMDAOfRandomVectors(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	vectors := draw(rng, 100, 300, 0)
	rule := build(t, "mda", 1, Values{"f": 40}).(*mda)
	got := diameterOf(vectors, rule.Aggregate(make([]float32, 300), input(vectors, 1)))
	if rule.tries < 0 {
		t.Errorf("the search was cut short")
	}
	shares := build(t, "multi-krum", 1, Values{"f": 40}).Aggregate(make([]float32, 300), input(vectors, 1))
	if krum := diameterOf(vectors, shares); got > krum {
		t.Errorf("the diameter is %v, and that of multi-krum's choice %v", got, krum)
	}
}

// TestSMEARefusesTooManySubsets: for every f the greatest n has few enough of them.
func TestSMEARefusesTooManySubsets(t *testing.T) {
	for f, want := range map[int]int{0: 1000, 1: 1000, 4: 48, 8: 20, 9: 20, 10: 20, 15: 30, 65536: 131072} {
		rule := build(t, "smea", 1, Values{"f": float64(f)})
		got := rule.(Limited).Most()
		if got != want {
			t.Errorf("f=%d: at most %d vectors, want %d", f, got, want)
		}
		if got >= rule.Least() && subsets(got, f, mostSubsets) > mostSubsets {
			t.Errorf("f=%d: %d vectors have more than %d subsets", f, got, mostSubsets)
		}
	}
}
