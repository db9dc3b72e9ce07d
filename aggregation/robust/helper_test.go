package robust

import (
	"math"
	"math/rand/v2"
	"testing"
)

// build makes a rule with its defaults, some of them replaced.
func build(t testing.TB, name string, workers int, changes Values) Rule {
	t.Helper()
	for _, e := range Rules() {
		if e.Name == name {
			return e.New(complete(t, e.Info, changes), workers)
		}
	}
	t.Fatalf("no rule %s", name)
	return nil
}

func buildFilter(t testing.TB, name string, changes Values) Filter {
	t.Helper()
	for _, e := range Filters() {
		if e.Name == name {
			return e.New(complete(t, e.Info, changes), 1)
		}
	}
	t.Fatalf("no filter %s", name)
	return nil
}

func complete(t testing.TB, info Info, changes Values) Values {
	v := Values{}
	for _, c := range info.Constants {
		v[c.Name] = c.Default
	}
	for name, x := range changes {
		if _, ok := v[name]; ok {
			v[name] = x
		}
	}
	return v
}

// draw returns n vectors: honest ones around a point, the last f of them liars
// of some kind.
func draw(rng *rand.Rand, n, d, f int) [][]float32 {
	centre := make([]float32, d)
	for j := range centre {
		centre[j] = 4 * (rng.Float32() - .5)
	}
	vectors := make([][]float32, n)
	for i := range vectors {
		vectors[i] = make([]float32, d)
		for j, c := range centre {
			vectors[i][j] = c + rng.Float32() - .5
			if i >= n-f {
				vectors[i][j] = float32(-3*c) + float32(float32(i)*rng.Float32())
			}
		}
	}
	return vectors
}

// input is a round on vectors, with a loss that a rule may ask for.
func input(vectors [][]float32, seed uint64) Input {
	return Input{Vectors: vectors, Round: 30, Rand: rand.New(rand.NewPCG(seed, 1)), Loss: func(v []float32) float64 {
		sum := 0.0
		for j, x := range v {
			target := float64(vectors[0][j]) + .1
			sum += math.Abs(float64(x) - target)
		}
		return sum
	}}
}

// Slow arithmetic in float64, apart from the code under test.

func distance(x, y []float32) float64 {
	sum := 0.0
	for j := range x {
		d := float64(x[j]) - float64(y[j])
		sum += d * d
	}
	return math.Sqrt(sum)
}

func meanOf(vectors [][]float32, of []int) []float64 {
	out := make([]float64, len(vectors[0]))
	for _, i := range of {
		for j, x := range vectors[i] {
			out[j] += float64(x) / float64(len(of))
		}
	}
	return out
}

func float64s(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
