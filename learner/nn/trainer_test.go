package nn

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"go.uber.org/goleak"
)

func fit(t testing.TB, n *Net, workers, size, steps int) []float32 {
	t.Helper()
	tr := NewTrainer(n, TrainerOptions{Workers: workers, L2: 1e-3})
	var losses []float32
	for step := range steps {
		x, labels := batch(n, size, uint64(step))
		loss, err := tr.Step(x, labels, 1e-3)
		if err != nil {
			t.Fatal(err)
		}
		losses = append(losses, loss)
	}
	return losses
}

func TestWorkersChangeNoBit(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, size := range []int{1, 5, 32, 75} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			one := newLeNet(10, true)
			want := fit(t, one, 1, size, 2)
			for _, workers := range []int{2, 3, 20} {
				n := newLeNet(10, true)
				if got := fit(t, n, workers, size, 2); !slices.Equal(got, want) || !slices.Equal(n.memory.flat, one.memory.flat) {
					t.Errorf("%d workers give the losses %v, one gives %v; weights equal: %v",
						workers, got, want, slices.Equal(n.memory.flat, one.memory.flat))
				}
			}
		})
	}
}

// A backbone is reproduced from its seed on any machine: these are the bits of
// every architecture and kernel path.
func TestTrainingIsReproducible(t *testing.T) {
	n := newLeNet(7, true)
	fit(t, n, 2, 37, 3)
	h := sha256.New()
	if err := binary.Write(h, binary.LittleEndian, n.memory.flat); err != nil {
		t.Fatal(err)
	}
	const want = "a2745909f83c6ff7a83452905a43687b501926efd04ed1c86511fa1f90b7fbc4"
	if got := fmt.Sprintf("%x", h.Sum(nil)); got != want {
		t.Errorf("weights hash to %s, want %s", got, want)
	}
}

func TestTrainingLearns(t *testing.T) {
	n := newLeNet(10, false)
	x, labels := batch(n, 10, 1)
	tr := NewTrainer(n, TrainerOptions{Workers: 2})
	first, err := tr.Step(x, labels, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	var last float32
	for range 60 {
		if last, err = tr.Step(x, labels, 1e-3); err != nil {
			t.Fatal(err)
		}
	}
	if first < 2 || last > 0.1 {
		t.Errorf("the loss on ten samples of noise went from %v to %v", first, last)
	}
	out := NewRunner(n, 10).Forward(x, 10)
	for s, label := range labels {
		if row := out[s*10 : (s+1)*10]; slices.Index(row, slices.Max(row)) != label {
			t.Errorf("sample %d is not learnt", s)
		}
	}
}

// The first step of Adam is the learning rate against the sign of the
// gradient, whatever its size; L2 adds the weight to the gradient.
func TestFirstStepOfAdam(t *testing.T) {
	for _, l2 := range []float32{0, 2} {
		n := awkward(1)
		x, labels := batch(n, 11, 2)
		grads, _, _ := gradientsOf(n, x, labels)
		before := slices.Clone(n.memory.flat)
		if _, err := NewTrainer(n, TrainerOptions{Workers: 1, L2: l2}).Step(x, labels, 0.25); err != nil {
			t.Fatal(err)
		}
		at := 0
		for _, p := range n.Params() {
			for i, v := range p.Data {
				g := float64(grads[p.Name][i]) + float64(l2)*float64(before[at])
				want := float64(before[at]) - 0.25*g/(math.Abs(g)+1e-8)
				if math.Abs(float64(v)-want) > 1e-5 {
					t.Fatalf("L2 %v: %s[%d] went from %v to %v, want %v", l2, p.Name, i, before[at], v, want)
				}
				at++
			}
		}
	}
}

// raceDetector says whether the tests run under it.
var raceDetector bool

func TestStepAllocatesNothing(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes sync.Pool forget")
	}
	for _, workers := range []int{1, 2} {
		n := newLeNet(10, true)
		x, labels := batch(n, 32, 1)
		tr := NewTrainer(n, TrainerOptions{Workers: workers})
		step := func() {
			if _, err := tr.Step(x, labels, 1e-3); err != nil {
				t.Fatal(err)
			}
		}
		step()
		if allocs := testing.AllocsPerRun(10, step); allocs != 0 {
			t.Errorf("%v allocations with %d workers", allocs, workers)
		}
	}
}

func TestStepRefuses(t *testing.T) {
	n := newLeNet(10, true)
	x, labels := batch(n, 4, 1)
	nan := slices.Clone(x)
	nan[1000] = float32(math.NaN())
	for name, c := range map[string]struct {
		x      []float32
		labels []int
		want   error
	}{
		"no samples":         {nil, nil, nil},
		"too few numbers":    {x[1:], labels, nil},
		"too few labels":     {x, labels[1:], nil},
		"an unknown label":   {x, []int{0, 1, 10, 2}, nil},
		"a negative label":   {x, []int{0, 1, -1, 2}, nil},
		"a sample with NaN":  {nan, labels, ErrDiverged},
		"a sample too large": {slices.Repeat([]float32{1e38}, len(x)), labels, ErrDiverged},
	} {
		t.Run(name, func(t *testing.T) {
			tr := NewTrainer(n, TrainerOptions{Workers: 1})
			before := slices.Clone(n.memory.flat)
			_, err := tr.Step(c.x, c.labels, 1e-3)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if !slices.Equal(n.memory.flat, before) {
				t.Error("the weights have changed")
			}
		})
	}
}

func TestCrossEntropy(t *testing.T) {
	for _, c := range []struct {
		logits []float32
		label  int
		loss   float64
		grads  []float64
	}{
		{[]float32{0, 0, 0, 0}, 2, math.Log(4), []float64{.125, .125, -.375, .125}},
		{[]float32{1e30, 0}, 0, 0, []float64{0, 0}},
		{[]float32{-100, 0}, 0, 100, []float64{-.5, .5}},
		{[]float32{1}, 0, 0, []float64{0}},
		{[]float32{1, 2}, 0, math.Log(1 + math.E), []float64{-.5 / (1 + math.Exp(-1)), .5 / (1 + math.Exp(-1))}},
	} {
		got := slices.Clone(c.logits)
		if loss := crossEntropy(got, c.label, 2); math.Abs(float64(loss)-c.loss) > 1e-6*(1+c.loss) {
			t.Errorf("loss of %v at %d: %v, want %v", c.logits, c.label, loss, c.loss)
		}
		for i, g := range got {
			if math.Abs(float64(g)-c.grads[i]) > 1e-6 {
				t.Errorf("gradient of %v at %d: %v, want %v", c.logits, c.label, got, c.grads)
				break
			}
		}
	}
}
