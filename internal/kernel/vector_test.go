package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// sumOf is the definition of the lanes and their folding.
func sumOf(terms []float32) float32 {
	var l [16]float32
	for i, term := range terms {
		l[i%16] += term
	}
	for i := range 8 {
		l[i] += l[i+8]
	}
	for i := range 4 {
		l[i] += l[i+4]
	}
	l[0], l[1] = l[0]+l[2], l[1]+l[3]
	return l[0] + l[1]
}

func productsOf(a, b []float32) []float32 {
	terms := make([]float32, len(a))
	for i := range a {
		terms[i] = float32(a[i] * b[i])
	}
	return terms
}

func squaresOf(a, b []float32) []float32 {
	terms := make([]float32, len(a))
	for i := range a {
		d := a[i] - b[i]
		terms[i] = float32(d * d)
	}
	return terms
}

// adamOf is the definition of a step, one operation after the other.
func adamOf(w, g, m, v []float32, s AdamStep) {
	rest1, rest2 := 1-s.Beta1, 1-s.Beta2
	for i := range w {
		decay := float32(s.L2 * w[i])
		gradient := g[i] + decay
		old1, new1 := float32(s.Beta1*m[i]), float32(rest1*gradient)
		m[i] = old1 + new1
		new2 := float32(rest2 * gradient)
		old2, square := float32(s.Beta2*v[i]), float32(new2*gradient)
		v[i] = old2 + square
		mean, variance := m[i]/s.Correction1, v[i]/s.Correction2
		root := float32(math.Sqrt(float64(variance)))
		divisor := root + s.Epsilon
		scaled := float32(s.LearningRate * mean)
		w[i] -= scaled / divisor
	}
}

// lengths are those of the vectors under test: every tail, and more than
// one stretch.
func lengths() []int {
	var n []int
	for i := range 71 {
		n = append(n, i)
	}
	return append(n, 800, 1000, stretch-1, stretch, 2*stretch+21)
}

// onEachPath compares the result of a vector routine on every path with the
// definition.
func onEachPath(t *testing.T, vectors int, want func(x [][]float32) []float32, do func(on cpu.Path, x [][]float32) []float32) {
	t.Helper()
	rng := rand.New(rand.NewPCG(15, 16))
	for _, n := range lengths() {
		for _, source := range sources {
			x := make([][]float32, vectors)
			for i := range x {
				// Off the alignment of the allocator.
				x[i] = source.make(rng, n+i)[i:]
			}
			clone := func() [][]float32 {
				y := make([][]float32, vectors)
				for i := range x {
					y[i] = slices.Clone(x[i])
				}
				return y
			}
			expected := want(clone())
			for _, on := range cpu.Available() {
				mustBeSame(t, fmt.Sprintf("%d %s numbers on %v", n, source.name, on), do(on, clone()), expected)
			}
		}
	}
}

func TestDot(t *testing.T) {
	onEachPath(t, 2, func(x [][]float32) []float32 {
		return []float32{sumOf(productsOf(x[0], x[1]))}
	}, func(on cpu.Path, x [][]float32) []float32 {
		return []float32{dotOn(on, x[0], x[1])}
	})
}

func TestSquaredDistance(t *testing.T) {
	onEachPath(t, 2, func(x [][]float32) []float32 {
		return []float32{sumOf(squaresOf(x[0], x[1]))}
	}, func(on cpu.Path, x [][]float32) []float32 {
		return []float32{squaredDistanceOn(on, x[0], x[1])}
	})
}

func TestAxpy(t *testing.T) {
	for _, alpha := range []float32{0, 1, -0.3, 1e-20} {
		onEachPath(t, 2, func(x [][]float32) []float32 {
			for i := range x[0] {
				x[1][i] += float32(alpha * x[0][i])
			}
			return x[1]
		}, func(on cpu.Path, x [][]float32) []float32 {
			axpyOn(on, alpha, x[0], x[1])
			return x[1]
		})
	}
}

func TestAdam(t *testing.T) {
	for _, step := range []AdamStep{
		{LearningRate: 1e-3, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Correction1: 0.1, Correction2: 0.001},
		{LearningRate: 1e-2, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, L2: 1e-3, Correction1: 0.65, Correction2: 0.01},
		{LearningRate: 1, Correction1: 1, Correction2: 1},
	} {
		positive := func(x [][]float32) {
			for i, v := range x[3] {
				x[3][i] = float32(math.Abs(float64(v)))
			}
		}
		onEachPath(t, 4, func(x [][]float32) []float32 {
			positive(x)
			adamOf(x[0], x[1], x[2], x[3], step)
			return slices.Concat(x...)
		}, func(on cpu.Path, x [][]float32) []float32 {
			positive(x)
			adamOn(on, x[0], x[1], x[2], x[3], step)
			return slices.Concat(x...)
		})
	}
}

// TestAdamDescends checks the definition itself: a step of size close to the
// learning rate against the sign of the gradient at first, and the minimum of
// a parabola in the end.
func TestAdamDescends(t *testing.T) {
	w, g, m, v := []float32{3, -4}, make([]float32, 2), make([]float32, 2), make([]float32, 2)
	power1, power2 := 1.0, 1.0
	for i := range 2000 {
		g[0], g[1] = 2*(w[0]-1), 20*(w[1]-2)
		power1 *= 0.9
		power2 *= 0.999
		Adam(w, g, m, v, AdamStep{LearningRate: 0.05, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8,
			Correction1: float32(1 - power1), Correction2: float32(1 - power2)})
		if i == 0 && (math.Abs(float64(w[0])-2.95) > 1e-4 || math.Abs(float64(w[1])+3.95) > 1e-4) {
			t.Fatalf("first step leads to %v, want about [2.95 -3.95]", w)
		}
	}
	if math.Abs(float64(w[0])-1) > 1e-2 || math.Abs(float64(w[1])-2) > 1e-2 {
		t.Errorf("ends at %v, want about [1 2]", w)
	}
}

func TestVectorsOfKnownResult(t *testing.T) {
	a, b := []float32{1, 2, 3}, []float32{4, -5, 6}
	if got := Dot(a, b); got != 12 {
		t.Errorf("Dot = %g, want 12", got)
	}
	if got := SquaredDistance(a, b); got != 9+49+9 {
		t.Errorf("SquaredDistance = %g, want 67", got)
	}
	Axpy(2, a, b)
	mustBeSame(t, "Axpy", b, []float32{6, -1, 12})
}

func TestVectorPanics(t *testing.T) {
	x, y := make([]float32, 3), make([]float32, 2)
	for name, call := range map[string]func(){
		"Dot":             func() { Dot(x, y) },
		"SquaredDistance": func() { SquaredDistance(y, x) },
		"Axpy":            func() { Axpy(1, x, y) },
		"Adam":            func() { Adam(x, x, x, y, AdamStep{}) },
	} {
		func() {
			defer func() {
				got := fmt.Sprint(recover())
				if want := "kernel: " + name + " of slices of different lengths"; !strings.Contains(got, want) {
					t.Errorf("panic %q, want one with %q", got, want)
				}
			}()
			call()
		}()
	}
	sums := make([]float64, 8)
	for name, call := range map[string]func(){
		"no size":     func() { SquaredDistances4(sums, 4, x, nil, 0) },
		"half a row":  func() { SquaredDistances4(sums, 4, x, make([]float32, 8), 2) },
		"five of y":   func() { SquaredDistances4(sums, 4, x, make([]float32, 5), 1) },
		"a short sum": func() { SquaredDistances4(sums, 4, x, make([]float32, 4), 1) },
		"overflow":    func() { SquaredDistances4(sums, math.MaxInt, x, make([]float32, 4), 1) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, "kernel: ") {
					t.Errorf("%s: panic %q", name, got)
				}
			}()
			call()
		}()
	}
}
