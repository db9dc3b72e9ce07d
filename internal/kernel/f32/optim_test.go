package f32

import (
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

var adamStep = kernel.AdamStep{LearningRate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Correction1: 0.1, Correction2: 0.001}

func TestSGD(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, step := range []SGDStep{
		{LearningRate: 0.1},
		{LearningRate: 0.1, WeightDecay: 0.01},
		{LearningRate: 0.1, Momentum: 0.9},
		{LearningRate: 0.05, Momentum: 0.9, WeightDecay: 0.001, Nesterov: true},
	} {
		for _, n := range vecLengths() {
			w, g, v := mixed(rng, n), mixed(rng, n), mixed(rng, n)
			samePaths(t, "SGD", func(on cpu.Path, x [][]float32) { sgdOn(on, x[0], x[1], x[2], step) }, w, g, v)
			samePaths(t, "SGD without velocity", func(on cpu.Path, x [][]float32) { sgdOn(on, x[0], x[1], nil, step) }, w, g)
		}
	}
	w, v := []float32{1}, []float32{0}
	step := SGDStep{LearningRate: 0.5, Momentum: 0.5, WeightDecay: 0.25}
	SGD(w, []float32{1}, v, step) // g' = 1.25
	if w[0] != 0.375 || v[0] != 1.25 {
		t.Errorf("the first step leads to %g with velocity %g, want 0.375 with 1.25", w[0], v[0])
	}
	step.Nesterov = true
	SGD(w, []float32{0.90625}, v, step) // g' = 1, v = 1.625, step of 1.8125
	if w[0] != 0.375-0.90625 || v[0] != 1.625 {
		t.Errorf("the step ahead leads to %g with velocity %g, want -0.53125 with 1.625", w[0], v[0])
	}
	plain := []float32{1}
	SGD(plain, []float32{1}, nil, SGDStep{LearningRate: 0.5, WeightDecay: 0.25})
	if plain[0] != 0.375 {
		t.Errorf("the plain step leads to %g, want 0.375", plain[0])
	}
}

// TestAdamW holds decoupled decay to its definition: other weights, the same
// moments.
func TestAdamW(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	const n = vecStretch + 77
	w, g, m, v := numbers(rng, n), numbers(rng, n), make([]float32, n), make([]float32, n)
	decayed, m2, v2 := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range w {
		decayed[i] = w[i] * (1 - float32(0.01*0.5))
	}
	AdamW(w, g, m, v, adamStep, 0.5)
	kernel.Adam(decayed, g, m2, v2, adamStep)
	mustBeSame(t, "AdamW", cpu.Active(), w, decayed)
	mustBeSame(t, "first moment of AdamW", cpu.Active(), m, m2)
	mustBeSame(t, "second moment of AdamW", cpu.Active(), v, v2)
}
