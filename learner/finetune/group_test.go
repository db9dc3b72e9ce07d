package finetune

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// TestGroups: the groups of well-known networks are their stages, they have all
// parameters between them, and the paper's plan finds its layers.
func TestGroups(t *testing.T) {
	for name, want := range map[string][]string{
		"resnet18":        {"head", "layer4", "layer3", "layer2", "layer1", "bn1"},
		"resnet50":        {"head", "layer4", "layer3", "layer2", "layer1", "bn1"},
		"cifar_resnet20":  {"head", "layer3", "layer2", "layer1"},
		"bristle_cifar10": nil,
		"mobilenet_v2":    nil,
		"vit_b_16":        nil,
		"squeezenet1_1":   nil,
		"densenet121":     nil,
		"lenet":           nil,
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "vit_b_16" || name == "densenet121" || name == "resnet50") {
				t.Skip("a large network")
			}
			net, err := zoo.New(name, zoo.Options{Seed: 1})
			if err != nil {
				t.Fatal(err)
			}
			if net, err = ReplaceHead(net, 2, nil, 1); err != nil {
				t.Fatal(err)
			}
			groups, err := Groups(net)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			var params int64
			for i, g := range groups {
				names = append(names, g.Name)
				params += g.Parameters
				if last := i == len(groups)-1; (g.Line == "") != last {
					t.Errorf("group %s reads %q", g.Name, g.Line)
				}
				if g.Parameters <= 0 {
					t.Errorf("group %s has %d parameters", g.Name, g.Parameters)
				}
			}
			if want != nil && !slices.Equal(names, want) {
				t.Errorf("%q, want %q", names, want)
			}
			if len(groups) < 3 {
				t.Errorf("only %q", names)
			}
			seen := slices.Clone(names)
			slices.Sort(seen)
			if len(slices.Compact(seen)) != len(names) {
				t.Errorf("names repeat: %q", names)
			}
			static, err := specialize(net, 2)
			if err != nil {
				t.Fatal(err)
			}
			if total, _ := graph.Total(graph.Count(static)); total != params {
				t.Errorf("%d parameters in groups of %d", params, total)
			}
			for _, plan := range PlanNames() {
				p, err := NewPlan(plan, net, 10, 20)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.resolve(net); err != nil {
					t.Errorf("%s: %v", plan, err)
				}
			}
		})
	}
}

// TestPaperSchedule holds the constants of the paper on its network.
func TestPaperSchedule(t *testing.T) {
	net, err := zoo.New("resnet18", zoo.Options{Height: 64, Width: 64})
	if err != nil {
		t.Fatal(err)
	}
	if net, err = ReplaceHead(net, 2, nil, 1); err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan("progressive+probe", net, 10, 20)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range p.Stages {
		got = append(got, fmt.Sprint(s.Group, " ", s.Rate, " ", s.Decay))
	}
	if want := []string{"head 0.001 1e-05", "layer4 0.0005 0.0001", "layer3 0.00025 0.0001", "layer2 0.0001 0.0001"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	thaws := map[int]int{}
	for epoch := range p.Epochs {
		if n := p.thawed(epoch); thaws[n] == 0 && n > 1 {
			thaws[n] = epoch
		}
	}
	if want := map[int]int{2: 2, 3: 6, 4: 12}; fmt.Sprint(thaws) != fmt.Sprint(want) {
		t.Errorf("groups thaw at %v, want %v", thaws, want)
	}
	if p.Probe != 10 || p.Batch != 8 || p.ProbeRate != 1e-3 || p.ProbeDecay != 1e-4 || p.Dropout != .1 {
		t.Errorf("%+v", p)
	}
	for name, epochs := range map[string]int{"probe": 0, "full": 30, "progressive": 30} {
		if p, err := NewPlan(name, net, 10, 20); err != nil || p.Epochs != epochs || p.Probe != 30-epochs {
			t.Errorf("%s: %d and %d epochs, %v", name, p.Probe, p.Epochs, err)
		}
	}
}

// TestReplaceHead: hidden layers, maps that are pooled, and a head that takes
// the place of one of ours.
func TestReplaceHead(t *testing.T) {
	net, err := zoo.New("cifar_resnet20", zoo.Options{Channels: 1, Height: 28, Width: 28, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	set := smallSet(6)
	for _, hidden := range [][]int{nil, {7}, {9, 5}} {
		g, err := ReplaceHead(net, 3, hidden, 1)
		if err != nil {
			t.Fatal(err)
		}
		p, err := Predict(context.Background(), g, set, all(6), 1)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range p {
			// By hand from the features.
			want := byHand(t, g, set.Samples[i], len(hidden))
			for c := range row {
				if len(row) != 3 || math.Abs(row[c]-want[c]) > 1e-5 {
					t.Fatalf("hidden %v, sample %d: %v, want %v", hidden, i, row, want)
				}
			}
		}
		file, err := onnx.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		back, err := onnx.Unmarshal(file)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Predict(context.Background(), back, set, all(6), 1)
		if err != nil || fmt.Sprint(again) != fmt.Sprint(p) {
			t.Errorf("hidden %v: after writing and reading: %v", hidden, err)
		}
		// A head of ours gives way to another.
		third, err := ReplaceHead(g, 4, nil, 2)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := Predict(context.Background(), third, set, all(1), 1); err != nil || len(p[0]) != 4 {
			t.Errorf("hidden %v: %v, %v", hidden, p, err)
		}
		groups, err := Groups(g)
		if err != nil || groups[0].Name != "head" || groups[0].Line != "features" {
			t.Errorf("hidden %v: %+v, %v", hidden, groups, err)
		}
		plan := smallPlan(t, "probe", g)
		set3 := set
		set3.Classes = []string{"a", "b", "c"}
		mustTrain(t, g, plan, set3, Options{Workers: 1})
	}
	// A file that fixes the batch is opened.
	fixed := net.Clone()
	fixed.Inputs[0].Dims = []int{1, 1, 28, 28}
	if fixed, err = ReplaceHead(fixed, 2, nil, 1); err != nil {
		t.Fatal(err)
	}
	mustTrain(t, fixed, smallPlan(t, "full", fixed), set, Options{Workers: 1})
	maps, err := graph.Cut(net, "layer3.2_relu")
	if err != nil {
		t.Fatal(err)
	}
	g, err := ReplaceHead(maps, 2, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := ReplaceHead(net, 2, nil, 1)
	if err != nil {
		t.Fatal(err)
	}
	a, err := Predict(context.Background(), g, set, all(6), 1)
	if err != nil {
		t.Fatal(err)
	}
	b, err := Predict(context.Background(), whole, set, all(6), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if math.Abs(a[i][0]-b[i][0]) > 1e-6 {
			t.Errorf("maps that the head pools give %v, the network's own pooling %v", a[i], b[i])
		}
	}
	if _, err := ReplaceHead(net, 2, []int{0}, 1); err == nil {
		t.Error("a hidden layer of width 0 was made")
	}
}

// byHand computes the probabilities of a sample from the network's features.
func byHand(t *testing.T, g *graph.Graph, s data.Sample, hidden int) []float64 {
	t.Helper()
	cut, err := graph.Cut(g, "features")
	if err != nil {
		t.Fatal(err)
	}
	run, err := nn.NewRunner(cut, 1, nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, len(s.Pixels))
	for i, v := range s.Pixels {
		x[i] = float32(v) / 255
	}
	var at []float64
	for _, v := range run.Forward(x, 1) {
		at = append(at, float64(v))
	}
	for layer := range hidden + 1 {
		name := "head"
		if layer < hidden {
			name = fmt.Sprint("head.", layer)
		}
		w, b := g.Consts[name+".weight"], g.Consts[name+".bias"]
		next := make([]float64, w.Dims[0])
		for r := range next {
			next[r] = float64(b.F32[r])
			for c := range at {
				next[r] += float64(w.F32[r*len(at)+c]) * at[c]
			}
			if layer < hidden {
				next[r] = max(next[r], 0)
			}
		}
		at = next
	}
	var sum float64
	for i := range at {
		at[i] = math.Exp(at[i])
		sum += at[i]
	}
	for i := range at {
		at[i] /= sum
	}
	return at
}

func TestNetworksThatCannotBeTrained(t *testing.T) {
	net := smallNet(t, 2)
	set := smallSet(8)
	plan := smallPlan(t, "probe", net)
	narrow := set
	narrow.Shape = [3]int{1, 14, 56}
	three := set
	three.Classes = []string{"a", "b", "c"}
	for name, try := range map[string]func() error{
		"no head of ours": func() error {
			g, err := zoo.New("cifar_resnet20", zoo.Options{Channels: 1, Height: 28, Width: 28})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Groups(g)
			return err
		},
		"another number of classes": func() error {
			_, err := Train(context.Background(), net, plan, three, all(8), Options{})
			return err
		},
		"no samples": func() error { _, err := Train(context.Background(), net, plan, set, nil, Options{}); return err },
		"a sample that is not there": func() error {
			_, err := Train(context.Background(), net, plan, set, []int{8}, Options{})
			return err
		},
		"a label beyond the classes": func() error {
			bad := set
			bad.Samples = slices.Clone(set.Samples)
			bad.Samples[3].Label = 2
			_, err := Train(context.Background(), net, plan, bad, all(8), Options{})
			return err
		},
		"a short sample": func() error {
			bad := set
			bad.Samples = slices.Clone(set.Samples)
			bad.Samples[3].Pixels = bad.Samples[3].Pixels[1:]
			_, err := Predict(context.Background(), net, bad, all(8), 1)
			return err
		},
	} {
		if err := try(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	g := net.Clone()
	g.Nodes = append([]graph.Node{{Op: "QuantizeLinear", Name: "q", Inputs: []string{"input", "s"}, Outputs: []string{"q"}}}, g.Nodes...)
	if _, err := ReplaceHead(g, 2, nil, 1); err == nil || !strings.Contains(err.Error(), "quantized") {
		t.Errorf("a quantized network: %v", err)
	}
}
