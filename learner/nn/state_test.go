package nn

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestStepInSeveralPasses: the size of a pass is a matter of memory, not of
// the result.
func TestStepInSeveralPasses(t *testing.T) {
	var want map[string][]float32
	var losses []float64
	for _, batch := range []int{7, 3} {
		g, o := smallNet(t), smallOptions()
		o.Batch = batch
		tr, err := NewTrainer(g, o)
		if err != nil {
			t.Fatal(err)
		}
		got := train(t, tr, 2, 7)
		if want == nil {
			want, losses = weightsOf(g), got
			continue
		}
		for i, loss := range got {
			if math.Abs(loss-losses[i]) > 1e-4 {
				t.Errorf("step %d: the loss is %v in passes of %d, %v in one", i, loss, batch, losses[i])
			}
		}
		// The gradients of the first step must agree; Adam's first steps are
		// all of one length, so weights may differ where a gradient is about 0.
		far := 0
		for name, w := range weightsOf(g) {
			for i := range w {
				if math.Abs(float64(w[i]-want[name][i])) > 1e-3 {
					far++
				}
			}
		}
		if far > 30 {
			t.Errorf("%d weights differ", far)
		}
	}
}

// TestTrainingGoesOnFromAState: also where the state comes from the upper part
// of the network only.
func TestTrainingGoesOnFromAState(t *testing.T) {
	g, o := smallNet(t), smallOptions()
	o.Dropout, o.Seed, o.Schedule = .3, 4, OneCycle{Total: 8}
	tr, err := NewTrainer(g, o)
	if err != nil {
		t.Fatal(err)
	}
	train(t, tr, 3, 6)
	state, kept := tr.State(), weightsOf(g)
	if state.Steps != 3 {
		t.Errorf("%d steps", state.Steps)
	}
	train(t, tr, 3, 6)
	want := weightsOf(g)

	fresh := smallNet(t)
	again, err := NewTrainer(fresh, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(state); err != nil {
		t.Fatal(err)
	}
	for name, w := range weightsOf(fresh) {
		if !slices.Equal(w, kept[name]) {
			t.Fatalf("%s is not restored", name)
		}
	}
	train(t, again, 3, 6)
	for name, w := range weightsOf(fresh) {
		if !slices.Equal(w, want[name]) {
			t.Fatalf("%s is another after going on", name)
		}
	}

	for name, spoil := range map[string]func(s *TrainState){
		"another network": func(s *TrainState) { s.Params["nobody.weight"] = ParamState{} },
		"a short tensor": func(s *TrainState) {
			for n, p := range s.Params {
				p.Data = p.Data[:len(p.Data)-1]
				s.Params[n] = p
				return
			}
		},
		"steps": func(s *TrainState) { s.Steps = -1 },
	} {
		bad := again.State()
		spoil(&bad)
		if err := again.Restore(bad); err == nil {
			t.Errorf("%s: restored", name)
		}
	}
}

// TestRatesOfGroups: every group has its rate, and what thaws late is
// corrected by its own number of steps, so that its first step has the length
// of the learning rate.
func TestRatesOfGroups(t *testing.T) {
	g, o := smallNet(t), smallOptions()
	const slow, quick = 1e-4, 1e-2
	o.Optimizer.Of = func(param string) (rate, decay float64) {
		switch {
		case strings.HasPrefix(param, "layer3"):
			return slow, 0
		case strings.HasPrefix(param, "layer2"):
			return 0, 0
		}
		return quick, 0
	}
	static, err := graph.Specialize(g, map[string][]int{"input": {6, 3, 12, 12}}, graph.Options{})
	if err != nil {
		t.Fatal(err)
	}
	head, err := graph.Head(static)
	if err != nil {
		t.Fatal(err)
	}
	o.Freeze = head.Features
	tr, err := NewTrainer(g, o)
	if err != nil {
		t.Fatal(err)
	}
	train(t, tr, 5, 6)
	if err := tr.Freeze(""); err != nil {
		t.Fatal(err)
	}
	before := weightsOf(g)
	train(t, tr, 1, 6)
	longest := func(prefix string) float64 {
		most := 0.0
		for name, w := range weightsOf(g) {
			if strings.HasPrefix(name, prefix) {
				for i := range w {
					most = max(most, math.Abs(float64(w[i]-before[name][i])))
				}
			}
		}
		return most
	}
	for prefix, want := range map[string]float64{"layer3": slow, "layer2": 0, "layer1": quick} {
		if got := longest(prefix); math.Abs(got-want) > want/10 {
			t.Errorf("the first step of %s has length %v, not %v", prefix, got, want)
		}
	}
}
