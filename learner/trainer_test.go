package learner

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/federation"
)

var spec = federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: 1, Probe: 10}

// clusters returns n samples of each class around random centres.
func clusters(seed uint64, classes []int, n, width int) Samples {
	var s Samples
	noise := rand.New(rand.NewPCG(seed, 0))
	for _, c := range classes {
		centre := rand.New(rand.NewPCG(99, uint64(c)))
		middle := make([]float64, width)
		for j := range middle {
			middle[j] = centre.NormFloat64()
		}
		for range n {
			s.Labels = append(s.Labels, c)
			for _, m := range middle {
				s.Features = append(s.Features, float32(m+0.5*noise.NormFloat64()))
			}
		}
	}
	return s
}

// slowTrainer is the node loop (docs/bristle.md, a1) in float64, written from
// the formulas.
type slowTrainer struct {
	cw, tw, m, v [][]float64
	step         int
}

func (t *slowTrainer) minibatch(x [][]float64, labels []int, lr, l2 float64) {
	t.step++
	grad := make([][]float64, len(t.tw))
	for c := range grad {
		grad[c] = make([]float64, len(t.tw[c]))
	}
	for i := range x {
		z := make([]float64, len(t.tw))
		var sum float64
		for c := range z {
			for j := range x[i] {
				z[c] += t.tw[c][j] * x[i][j]
			}
			z[c] = math.Exp(z[c])
			sum += z[c]
		}
		for c := range z {
			p := z[c] / sum
			if c == labels[i] {
				p--
			}
			for j := range x[i] {
				grad[c][j] += p * x[i][j] / float64(len(x))
			}
		}
	}
	for c := range grad {
		for j, g := range grad[c] {
			g += l2 * t.tw[c][j]
			t.m[c][j] = .9*t.m[c][j] + .1*g
			t.v[c][j] = .999*t.v[c][j] + .001*g*g
			mh := t.m[c][j] / (1 - math.Pow(.9, float64(t.step)))
			vh := t.v[c][j] / (1 - math.Pow(.999, float64(t.step)))
			t.tw[c][j] -= lr * mh / (math.Sqrt(vh) + 1e-8)
		}
	}
}

func matrix(n, m int) [][]float64 {
	out := make([][]float64, n)
	for i := range out {
		out[i] = make([]float64, m)
	}
	return out
}

func TestTrainerFollowsTheSlowOne(t *testing.T) {
	const classes, width = 4, 37
	s := clusters(1, []int{0, 2}, 6, width)
	fast := NewTrainer(spec, classes, width, false, 7)
	if err := fast.SetSamples(s); err != nil {
		t.Fatal(err)
	}
	slow := &slowTrainer{cw: matrix(classes, width), tw: matrix(classes, width), m: matrix(classes, width), v: matrix(classes, width)}
	for round := range 40 {
		// An aggregation that moves every row.
		h := fast.Consolidated().Clone()
		for i := range h.Weights {
			h.Weights[i] += float32(i%7) * 1e-4
			slow.cw[i/width][i%width] = float64(h.Weights[i])
		}
		fast.Adopt(h)
		for c := range slow.cw {
			copy(slow.tw[c], slow.cw[c])
		}
		for range 3 {
			var x [][]float64
			var labels []int
			for i := range spec.Batch {
				k := fast.sample(uint64(slow.step*spec.Batch + i))
				row := make([]float64, width)
				for j := range row {
					row[j] = float64(s.Features[k*width+j])
				}
				x, labels = append(x, row), append(labels, s.Labels[k])
			}
			slow.minibatch(x, labels, spec.LearningRate, spec.L2)
		}
		fast.Train(3)
		for _, c := range []int{0, 2} {
			copy(slow.cw[c], slow.tw[c])
		}
		for i, w := range fast.Consolidated().Weights {
			if want := slow.cw[i/width][i%width]; math.Abs(float64(w)-want) > 2e-5 {
				t.Fatalf("round %d, weight %d: %v, the slow trainer has %v", round, i, w, want)
			}
		}
	}
}

func TestForeignRowsKeepTheirValue(t *testing.T) {
	tr := NewTrainer(spec, 5, 16, false, 1)
	if err := tr.SetSamples(clusters(1, []int{1, 3}, 8, 16)); err != nil {
		t.Fatal(err)
	}
	h := federation.NewHead(5, 16)
	for i := range h.Weights {
		h.Weights[i] = float32(i)
	}
	tr.Adopt(h)
	tr.Train(5)
	for c := range 5 {
		same := slices.Equal(tr.Consolidated().Row(c), h.Row(c))
		if familiar := c == 1 || c == 3; same == familiar {
			t.Errorf("class %d: row unchanged is %v, familiar is %v", c, same, familiar)
		}
	}
	all := NewTrainer(spec, 5, 16, true, 1)
	if err := all.SetSamples(clusters(1, []int{1, 3}, 8, 16)); err != nil {
		t.Fatal(err)
	}
	all.Adopt(h)
	all.Train(5)
	for c := range 5 {
		if slices.Equal(all.Consolidated().Row(c), h.Row(c)) {
			t.Errorf("class %d: not taken back where all rows are", c)
		}
	}
	if got := tr.Familiar(); !slices.Equal(got, []int{1, 3}) {
		t.Errorf("familiar classes are %v", got)
	}
}

func TestEverySampleOncePerEpoch(t *testing.T) {
	tr := NewTrainer(spec, 3, 4, false, 5)
	if err := tr.SetSamples(clusters(1, []int{0, 1, 2}, 7, 4)); err != nil {
		t.Fatal(err)
	}
	var epochs [2][]int
	for k := range 42 {
		epochs[k/21] = append(epochs[k/21], tr.sample(uint64(k)))
	}
	if slices.Equal(epochs[0], epochs[1]) {
		t.Error("two epochs have the same order")
	}
	for _, e := range epochs {
		slices.Sort(e)
		for i, k := range e {
			if i != k {
				t.Fatalf("an epoch took %v", e)
			}
		}
	}
}

func TestRestoredTrainerGoesOnAlike(t *testing.T) {
	s := clusters(3, []int{0, 1}, 9, 20)
	whole, first, second := NewTrainer(spec, 3, 20, false, 4), NewTrainer(spec, 3, 20, false, 4), NewTrainer(spec, 3, 20, false, 4)
	for _, tr := range []*Trainer{whole, first, second} {
		if err := tr.SetSamples(s); err != nil {
			t.Fatal(err)
		}
	}
	for range 30 {
		whole.Train(1)
	}
	for range 13 {
		first.Train(1)
	}
	if err := second.Restore(first.State()); err != nil {
		t.Fatal(err)
	}
	for range 17 {
		second.Train(1)
	}
	if diff := cmp.Diff(whole.State(), second.State()); diff != "" {
		t.Errorf("a restored trainer differs from one that went on (-whole +restored):\n%s", diff)
	}
	if err := second.Restore(NewTrainer(spec, 4, 20, false, 1).State()); err == nil {
		t.Error("a state of another shape was taken")
	}
}

func TestTrainerRefusesBadSamples(t *testing.T) {
	tr := NewTrainer(spec, 3, 4, false, 5)
	for name, s := range map[string]Samples{
		"label too high":  {Features: make([]float32, 4), Labels: []int{3}},
		"negative label":  {Features: make([]float32, 4), Labels: []int{-1}},
		"too few numbers": {Features: make([]float32, 7), Labels: []int{0, 1}},
	} {
		if tr.SetSamples(s) == nil {
			t.Errorf("%s: no error", name)
		}
	}
	tr.Train(1) // without samples: nothing happens
	for _, w := range tr.Consolidated().Weights {
		if w != 0 {
			t.Fatal("training without samples moved a weight")
		}
	}
}

func TestTrainDoesNotAllocate(t *testing.T) {
	tr := NewTrainer(spec, 10, 800, false, 1)
	if err := tr.SetSamples(clusters(1, []int{0, 1, 2, 3}, 10, 800)); err != nil {
		t.Fatal(err)
	}
	tr.Train(1)
	// A new shuffle every eighth step makes a random generator.
	if n := testing.AllocsPerRun(100, func() { tr.Train(1) }); n > 1 {
		t.Errorf("a minibatch allocates %v times", n)
	}
}

func BenchmarkMinibatch(b *testing.B) {
	tr := NewTrainer(spec, 10, 800, false, 1)
	if err := tr.SetSamples(clusters(1, []int{0, 1, 2, 3}, 10, 800)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		tr.Train(1)
	}
}
