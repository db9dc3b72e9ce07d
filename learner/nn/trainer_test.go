package nn

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// smallNet is a network of 3 classes for pictures of 12 x 12.
func smallNet(t testing.TB) *graph.Graph {
	t.Helper()
	g, err := zoo.New("cifar_resnet20", zoo.Options{Classes: 3, Height: 12, Width: 12, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func smallOptions() TrainOptions {
	return TrainOptions{Options: Options{Workers: 1, Exact: true}, Batch: 6, Loss: CrossEntropy{},
		Optimizer: Optimizer{Kind: AdamW, LearningRate: 3e-3, WeightDecay: 1e-3}}
}

// train makes some steps on pictures whose class is the channel that is
// brightest, and returns the losses.
func train(t testing.TB, tr *Trainer, steps, rows int) []float64 {
	t.Helper()
	rng := rand.New(rand.NewPCG(5, 5))
	var losses []float64
	for range steps {
		x, labels := normal(rng, rows*3*144), make([]int, rows)
		for i := range labels {
			labels[i] = rng.IntN(3)
			for j := range 144 {
				x[i*432+labels[i]*144+j] += 1.5
			}
		}
		targets := make([]float32, rows*3)
		if err := OneHot(targets, labels, 3, 0); err != nil {
			t.Fatal(err)
		}
		loss, err := tr.Step(x, targets)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	return losses
}

func weightsOf(g *graph.Graph) map[string][]float32 {
	all := map[string][]float32{}
	for name, c := range g.Consts {
		all[name] = slices.Clone(c.F32)
	}
	return all
}

func TestTrainerLearns(t *testing.T) {
	tr, err := NewTrainer(smallNet(t), smallOptions())
	if err != nil {
		t.Fatal(err)
	}
	losses := train(t, tr, 40, 6)
	if first, last := losses[0], losses[39]; first < .5 || last > first/2 {
		t.Errorf("the loss went from %v to %v", first, last)
	}
}

// TestTrainerIsDeterministic: with exact products, any number of workers
// trains the same weights.
func TestTrainerIsDeterministic(t *testing.T) {
	var want map[string][]float32
	for _, workers := range []int{1, 3} {
		g, o := smallNet(t), smallOptions()
		o.Workers, o.Dropout, o.Seed = workers, .2, 9
		tr, err := NewTrainer(g, o)
		if err != nil {
			t.Fatal(err)
		}
		train(t, tr, 4, 6)
		got := weightsOf(g)
		if want == nil {
			want = got
		}
		for name := range want {
			if !slices.Equal(got[name], want[name]) {
				t.Fatalf("%d workers train another %s", workers, name)
			}
		}
	}
}

func TestFreezeLine(t *testing.T) {
	g := smallNet(t)
	tr, err := NewTrainer(g, smallOptions())
	if err != nil {
		t.Fatal(err)
	}
	static, err := graph.Specialize(g, map[string][]int{"input": {6, 3, 12, 12}}, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cuts := graph.CutPoints(static)
	line := cuts[len(cuts)/2]
	if err := tr.Freeze(line.Value); err != nil {
		t.Fatal(err)
	}
	frozen, err := above(g, line.Value)
	if err != nil {
		t.Fatal(err)
	}
	before := weightsOf(g)
	train(t, tr, 2, 6)
	moved, kept := 0, 0
	for _, p := range tr.Params() {
		switch same := slices.Equal(before[p.Name], p.Data); {
		case frozen[p.Name] && (!same || p.Grad != nil):
			t.Errorf("%s lies below the line and was trained", p.Name)
		case frozen[p.Name]:
			kept++
		case p.Grad != nil && !same:
			moved++
		}
	}
	if moved == 0 || kept == 0 {
		t.Errorf("%d parameters were trained, %d are below the line", moved, kept)
	}
	// The line moves down, and everything is trained.
	if err := tr.Freeze(""); err != nil {
		t.Fatal(err)
	}
	train(t, tr, 1, 6)
	for _, p := range tr.Params() {
		if p.Grad != nil && slices.Equal(before[p.Name], p.Data) && slices.Max(p.Grad) != 0 {
			t.Errorf("%s was not trained without a line", p.Name)
		}
	}
	if err := tr.Freeze("no such value"); err == nil {
		t.Error("a line that is not there is accepted")
	}
}

// TestPartOfABatch: samples that a full batch would have beyond those given
// change nothing.
func TestPartOfABatch(t *testing.T) {
	var want map[string][]float32
	for _, batch := range []int{4, 6} {
		g, o := smallNet(t), smallOptions()
		o.Batch = batch
		tr, err := NewTrainer(g, o)
		if err != nil {
			t.Fatal(err)
		}
		train(t, tr, 1, 4)
		got := weightsOf(g)
		if want == nil {
			want = got
		}
		for name := range want {
			for i, v := range got[name] {
				if math.Abs(float64(v-want[name][i])) > 1e-6 {
					t.Fatalf("a batch of %d gives %s[%d] = %v, not %v", batch, name, i, v, want[name][i])
				}
			}
		}
	}
}

func TestDivergenceChangesNothing(t *testing.T) {
	g := smallNet(t)
	tr, err := NewTrainer(g, smallOptions())
	if err != nil {
		t.Fatal(err)
	}
	before := weightsOf(g)
	x, targets := make([]float32, 6*432), make([]float32, 18)
	x[7] = float32(math.Inf(1))
	if err := OneHot(targets, make([]int, 6), 3, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.Step(x, targets); !errors.Is(err, ErrDiverged) {
		t.Errorf("an infinite pixel gives the error %v", err)
	}
	for name, w := range weightsOf(g) {
		if !slices.Equal(w, before[name]) {
			t.Errorf("%s has changed", name)
		}
	}
	if _, err := tr.Step(x[1:], targets); err == nil {
		t.Error("a batch of the wrong length is accepted")
	}
}

// TestDropout: a seed decides what is dropped, the rest is scaled up, and
// running the network drops nothing.
func TestDropout(t *testing.T) {
	o := newDropout(.25, 1, 10000)
	s := &step{x: [][]float32{slices.Repeat([]float32{1}, 10000)}, y: make([]float32, 10000)}
	o.forward(s, nil)
	var sum float64
	dropped := 0
	for _, v := range s.y {
		sum += float64(v)
		if v == 0 {
			dropped++
		}
	}
	if math.Abs(sum/10000-1) > .03 || dropped < 2300 || dropped > 2700 {
		t.Errorf("%d of 10000 are dropped, the mean is %v", dropped, sum/10000)
	}
	again, other := newDropout(.25, 1, 10000), newDropout(.25, 2, 10000)
	first := slices.Clone(s.y)
	again.forward(s, nil)
	if !slices.Equal(s.y, first) {
		t.Error("one seed drops differently")
	}
	other.forward(s, nil)
	if slices.Equal(s.y, first) {
		t.Error("two seeds drop the same")
	}
}
