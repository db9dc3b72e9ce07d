package nn

import (
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// allocatesNothing fails if a second call of f allocates.
func allocatesNothing(t *testing.T, what string, f func()) {
	t.Helper()
	f()
	if n := testing.AllocsPerRun(3, f); n > 0 {
		t.Errorf("%s: %v allocations", what, n)
	}
}

// TestPassesAllocateNothing runs every operator, in numbers forward and
// backward and in integers.
func TestPassesAllocateNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range opCases() {
		p := tapeOf(t, c.graph(rng), c.in, Options{Workers: 1})
		x := normal(rng, graph.Size(c.in))
		allocatesNothing(t, c.name, func() {
			p.Forward(x)
			p.backward()
		})
	}
	for _, c := range quantizedCases() {
		g, in := c.graph(rng, false, 0)
		p, err := Compile(g, in, Options{Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		x := normal(rng, graph.Size(in))
		allocatesNothing(t, c.name+" of bytes", func() { p.Forward(x) })
	}
}

// small18 is a ResNet-18 for small pictures.
func small18(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := zoo.New("resnet18", zoo.Options{Classes: 10, Height: 64, Width: 64, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestTrainingAllocatesNothing makes steps of every optimizer, on a full batch
// and on a smaller one.
func TestTrainingAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	g := small18(t)
	for _, exact := range []bool{false, true} {
		tr, err := NewTrainer(g, TrainOptions{Options: Options{Workers: 1, Exact: exact}, Batch: 2, Loss: CrossEntropy{},
			Optimizer: Optimizer{Kind: AdamW, LearningRate: 1e-4}, Freeze: "layer4.0", Dropout: .1})
		if err != nil {
			t.Fatal(err)
		}
		x, targets := normal(rng, 2*3*64*64), make([]float32, 2*10)
		if err := OneHot(targets, []int{3, 7}, 10, .1); err != nil {
			t.Fatal(err)
		}
		step := func() {
			for rows := 1; rows <= 2; rows++ {
				if _, err := tr.Step(x[:rows*3*64*64], targets[:rows*10]); err != nil {
					t.Fatal(err)
				}
			}
		}
		allocatesNothing(t, "training", step)
	}
}

// TestFrozenTrainingTakesLittleMemory: a step that trains the head alone needs
// hardly more memory than a pass forward, one that trains the last block
// little more, and both less than one that trains everything.
func TestFrozenTrainingTakesLittleMemory(t *testing.T) {
	g := small18(t)
	const batch = 4
	forward, err := Compile(g, []int{batch, 3, 64, 64}, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	trainer := func(freeze string) int {
		tr, err := NewTrainer(g, TrainOptions{Options: Options{Workers: 1}, Batch: batch, Loss: CrossEntropy{},
			Optimizer: Optimizer{LearningRate: .1}, Freeze: freeze})
		if err != nil {
			t.Fatal(err)
		}
		return tr.Memory()
	}
	whole := trainer("")
	for _, line := range []string{"layer4.1", "layer4.0"} {
		if m := trainer(line); float64(m) > 1.3*float64(forward.Memory()) || 2*m > whole {
			t.Errorf("frozen up to %s, a step takes %d bytes, a pass %d and a step of everything %d", line, m, forward.Memory(), whole)
		}
	}
	t.Logf("a pass takes %d bytes, a step of everything %d", forward.Memory(), whole)
}
