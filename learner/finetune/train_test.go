package finetune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// smallSet is a few drawn digits of two classes.
func smallSet(n int) data.Set {
	digits := data.Digits(3)
	set := data.Set{Shape: [3]int{1, 28, 28}, Classes: []string{"three", "eight"}}
	for i := range n {
		s := digits.Draw(i, 3+5*(i%2))
		s.Label = i % 2
		set.Samples = append(set.Samples, s)
	}
	return set
}

// smallNet is a residual network with a head of ours.
func smallNet(t testing.TB, classes int) *graph.Graph {
	t.Helper()
	g, err := zoo.New("cifar_resnet20", zoo.Options{Channels: 1, Height: 28, Width: 28, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if g, err = ReplaceHead(g, classes, nil, 1); err != nil {
		t.Fatal(err)
	}
	return g
}

func all(n int) []int {
	chosen := make([]int, n)
	for i := range chosen {
		chosen[i] = i
	}
	return chosen
}

func smallPlan(t testing.TB, name string, net *graph.Graph) Plan {
	t.Helper()
	p, err := NewPlan(name, net, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func weights(g *graph.Graph) map[string][]float32 {
	w := map[string][]float32{}
	for name, c := range g.Consts {
		w[name] = slices.Clone(c.F32)
	}
	return w
}

func mustTrain(t testing.TB, net *graph.Graph, p Plan, set data.Set, o Options) *Result {
	t.Helper()
	r, err := Train(context.Background(), net, p, set, all(len(set.Samples)), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTrainingLearns: every plan brings the loss down, leaves the network that
// it was given alone, and trains just the groups that its stages name.
func TestTrainingLearns(t *testing.T) {
	set := smallSet(24)
	for _, name := range PlanNames() {
		t.Run(name, func(t *testing.T) {
			net := smallNet(t, 2)
			before := weights(net)
			p := smallPlan(t, name, net)
			p.Dropout = 0
			if name == "probe" {
				p.Probe = 20
			}
			r := mustTrain(t, net, p, set, Options{Seed: 1, Workers: 1})
			for name, w := range weights(net) {
				if !slices.Equal(w, before[name]) {
					t.Fatalf("%s of the network that was given has changed", name)
				}
			}
			first, last := r.Epochs[0].Loss, r.Epochs[len(r.Epochs)-1].Loss
			if !(last < first) {
				t.Errorf("the loss went from %v to %v", first, last)
			}
			thawed := map[string]bool{"head": true}
			for _, s := range p.Stages {
				thawed[s.Group] = true
			}
			for name, w := range weights(r.Net) {
				group, _, _ := strings.Cut(name, ".")
				if group == "conv1" || group == "bn1" {
					group = "layer1" // the stem is part of the lowest group
				}
				moves := !strings.Contains(name, "running") && thawed[group]
				if changed := !slices.Equal(w, before[name]); changed && !moves {
					t.Errorf("%s was trained", name)
				} else if !changed && moves && strings.HasSuffix(name, ".weight") {
					t.Errorf("%s was not trained", name)
				}
			}
		})
	}
}

func TestPhases(t *testing.T) {
	net, set := smallNet(t, 2), smallSet(16)
	p, err := NewPlan("progressive+probe", net, 2, 10)
	if err != nil {
		t.Fatal(err)
	}
	r := mustTrain(t, net, p, set, Options{Workers: 1})
	var got []string
	for _, f := range r.Phases {
		got = append(got, fmt.Sprintf("%d-%d: %d, probe %v, %s", f.From, f.To, f.Stages, f.Probe, f.Prefix))
	}
	want := []string{
		"0-2: 0, probe true, int8, each picture once",
		"2-3: 1, probe false, int8, each picture once",
		"3-5: 2, probe false, int8, each picture once",
		"5-12: 3, probe false, int8, each picture once",
	}
	if !slices.Equal(got, want) {
		t.Errorf("phases %q\nwant   %q", got, want)
	}
	for i := 1; i < len(r.Phases); i++ {
		if r.Phases[i].Trained < r.Phases[i-1].Trained {
			t.Errorf("phase %d trains %d parameters, the one before %d", i, r.Phases[i].Trained, r.Phases[i-1].Trained)
		}
	}
	// One cycle of the head's rate: from 1/25 of the top, to the top, to next
	// to nothing.
	rates := r.Epochs[p.Probe:]
	if top := rates[2].Rate; math.Abs(top-headRate) > headRate/10 || rates[9].Rate > headRate/1000 {
		t.Errorf("the rates are %v", rates)
	}
}

// TestSameResult: whatever the number of workers, of interruptions and of
// samples in a pass.
func TestSameResult(t *testing.T) {
	set := smallSet(20)
	net := smallNet(t, 2)
	for _, name := range []string{"progressive+probe", "progressive+probe+cutmix", "probe"} {
		p := smallPlan(t, name, net)
		if name == "progressive+probe" {
			p.Augment = Radiographs()
		}
		want := weights(mustTrain(t, net, p, set, Options{Seed: 3, Workers: 1}).Net)
		if got := weights(mustTrain(t, net, p, set, Options{Seed: 3, Workers: 3}).Net); !equal(got, want) {
			t.Errorf("%s: three workers train something else", name)
		}
		if got := weights(mustTrain(t, net, p, set, Options{Seed: 4, Workers: 1}).Net); equal(got, want) {
			t.Errorf("%s: another seed trains the same", name)
		}
		// Stopped in the middle of every epoch.
		o := Options{Seed: 3, Workers: 1, Checkpoint: filepath.Join(t.TempDir(), "checkpoint")}
		var r *Result
		for stop := 1; ; stop++ {
			ctx, cancel := context.WithCancel(context.Background())
			o.Progress = func(at Progress) {
				if at.Epoch == stop+1 && at.Step == 2 {
					cancel()
				}
			}
			var err error
			r, err = Train(ctx, net, p, set, all(20), o)
			cancel()
			if err == nil {
				break
			}
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if !equal(weights(r.Net), want) {
			t.Errorf("%s: interrupted training leads elsewhere", name)
		}
		if len(r.Epochs) != 6 {
			t.Errorf("%s: %d epochs are told of", name, len(r.Epochs))
		}
		for i := 1; i < len(r.Phases); i++ {
			if r.Phases[i].From != r.Phases[i-1].To {
				t.Errorf("%s: phases %+v", name, r.Phases)
			}
		}
	}
}

func equal(a, b map[string][]float32) bool {
	for name := range a {
		if !slices.Equal(a[name], b[name]) {
			return false
		}
	}
	return len(a) == len(b)
}

// TestMemoryLimit: less memory means more passes, up to where not one sample
// fits.
func TestMemoryLimit(t *testing.T) {
	set, net := smallSet(16), smallNet(t, 2)
	p := smallPlan(t, "full", net)
	p.Dropout, p.Epochs = 0, 1
	free := mustTrain(t, net, p, set, Options{Workers: 1})
	tight := mustTrain(t, net, p, set, Options{Workers: 1, Memory: free.Memory / 2})
	if pass := tight.Phases[0].Pass; pass >= p.Batch || tight.Memory > free.Memory/2 {
		t.Errorf("%d samples in a pass, %d bytes of at most %d", pass, tight.Memory, free.Memory/2)
	}
	if a, b := free.Epochs[0].Loss, tight.Epochs[0].Loss; math.Abs(a-b) > .02*a {
		t.Errorf("the loss is %v, in smaller passes %v", a, b)
	}
	var e *MemoryError
	if _, err := Train(context.Background(), net, p, set, all(16), Options{Workers: 1, Memory: 1 << 20}); !errors.As(err, &e) || e.Limit != 1<<20 || e.Need <= e.Limit {
		t.Errorf("%v", err)
	}
}

func TestDivergence(t *testing.T) {
	set, net := smallSet(16), smallNet(t, 2)
	p := smallPlan(t, "full", net)
	for i := range p.Stages {
		p.Stages[i].Rate = 1e30
	}
	file := filepath.Join(t.TempDir(), "checkpoint")
	_, err := Train(context.Background(), net, p, set, all(16), Options{Workers: 1, Checkpoint: file})
	var e *DivergedError
	if !errors.As(err, &e) || !errors.Is(err, nn.ErrDiverged) || len(e.Samples) != 8 || e.Batch < 1 {
		t.Fatalf("%v", err)
	}
	if _, statErr := os.Stat(file); (statErr == nil) != (e.Checkpoint != "") {
		t.Errorf("%v, but the checkpoint: %v", err, statErr)
	}
}

func TestCheckpointsThatAreNone(t *testing.T) {
	set, net := smallSet(8), smallNet(t, 2)
	p := smallPlan(t, "probe", net)
	file := filepath.Join(t.TempDir(), "checkpoint")
	mustTrain(t, net, p, set, Options{Workers: 1, Checkpoint: file})
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	try := func(seed uint64) error {
		_, err := Train(context.Background(), net, p, set, all(8), Options{Seed: seed, Workers: 1, Checkpoint: file})
		return err
	}
	if err := try(0); err != nil {
		t.Errorf("one that is complete: %v", err)
	}
	if err := try(9); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("of another seed: %v", err)
	}
	for name, b := range map[string][]byte{"nothing": {}, "cut off": good[:len(good)/2], "words": []byte("these are words and no weights")} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := try(0); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPlansThatAreNone(t *testing.T) {
	set, net := smallSet(8), smallNet(t, 2)
	for name, spoil := range map[string]func(p *Plan){
		"no epochs":          func(p *Plan) { p.Epochs = 0 },
		"no head":            func(p *Plan) { p.Stages = p.Stages[1:] },
		"order":              func(p *Plan) { p.Stages[1].From, p.Stages[2].From = .5, .2 },
		"order of groups":    func(p *Plan) { p.Stages[1].Group, p.Stages[2].Group = "layer2", "layer3" },
		"unknown group":      func(p *Plan) { p.Stages[1].Group = "layer7" },
		"rate":               func(p *Plan) { p.Stages[1].Rate = math.NaN() },
		"batch":              func(p *Plan) { p.Batch = 0 },
		"dropout":            func(p *Plan) { p.Dropout = 1 },
		"cutmix":             func(p *Plan) { p.CutMix.Probability = 2 },
		"augmentation":       func(p *Plan) { p.Augment.Scale = 1 },
		"probing at no rate": func(p *Plan) { p.Probe, p.ProbeRate = 1, 0 },
	} {
		p := smallPlan(t, "progressive", net)
		spoil(&p)
		_, err := Train(context.Background(), net, p, set, all(8), Options{Workers: 1})
		if err == nil {
			t.Errorf("%s: trained", name)
		}
		if name == "unknown group" && (!errors.Is(err, ErrNoGroup) || !strings.Contains(err.Error(), "head, layer3, layer2, layer1")) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewPlan("regressive", net, 1, 1); err == nil || !strings.Contains(err.Error(), "progressive+probe") {
		t.Errorf("%v", err)
	}
}
