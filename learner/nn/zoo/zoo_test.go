package zoo_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

func network(t testing.TB, name string, o zoo.Options) *graph.Graph {
	t.Helper()
	g, err := zoo.New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// parameters counts what training changes.
func parameters(g *graph.Graph) int {
	n := 0
	for name, c := range g.Consts {
		if !g.Fixed[name] && !strings.Contains(name, ".running_") {
			n += c.Len()
		}
	}
	return n
}

// Every architecture has as many parameters as published, and the extents that
// shape inference finds.
func TestArchitectures(t *testing.T) {
	for _, i := range zoo.Names() {
		t.Run(i.Name, func(t *testing.T) {
			if testing.Short() && i.Parameters > 4e6 || i.Parameters > 100e6 {
				t.Skip("large")
			}
			g := network(t, i.Name, zoo.Options{})
			if got := parameters(g); got != i.Parameters || i.Doc == "" {
				t.Errorf("%d parameters, want %d", got, i.Parameters)
			}
			infer(t, g, 2)
		})
	}
}

// infer compares the output's extents with those of shape inference.
func infer(t *testing.T, g *graph.Graph, batch int) {
	t.Helper()
	dims := slices.Clone(g.Inputs[0].Dims)
	dims[0] = batch
	s, err := graph.Specialize(g, map[string][]int{"input": dims}, graph.Options{KeepParams: true})
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Clone(g.Outputs[0].Dims)
	want[0] = batch
	if got := s.Graph.Outputs[0].Dims; !slices.Equal(got, want) {
		t.Errorf("the output has extents %v, want %v", got, want)
	}
}

// Other extents and classes than the architecture's own.
func TestOptions(t *testing.T) {
	for name, o := range map[string]zoo.Options{
		"lenet":              {Channels: 3, Height: 20, Width: 33, Classes: 7},
		"mlp":                {Height: 5, Width: 1, Classes: 1},
		"har1d":              {Channels: 6, Width: 31},
		"bristle_mnist":      {Height: 30, Width: 33, Classes: 3},
		"bristle_wisdm":      {Channels: 6, Width: 31, Classes: 5},
		"bristle_cifar10":    {Height: 9, Width: 12, Classes: 10},
		"bristle_cifar10_2":  {Height: 9, Width: 12},
		"cifar_resnet20":     {Height: 9, Width: 12},
		"resnet18":           {Channels: 1, Height: 30, Width: 65, Classes: 2},
		"mobilenet_v1":       {Height: 33, Width: 50},
		"mobilenet_v2":       {Height: 17, Width: 41},
		"mobilenet_v3_small": {Height: 70, Width: 31},
		"efficientnet_b0":    {Height: 47, Width: 64},
		"shufflenet_v2_x0_5": {Height: 32, Width: 45},
		"squeezenet1_1":      {Height: 50, Width: 61},
		"densenet121":        {Height: 35, Width: 64},
		"swin_t":             {Height: 36, Width: 100},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name == "swin_t" {
				t.Skip("large")
			}
			g := network(t, name, o)
			in, out := g.Inputs[0], g.Outputs[0]
			if o.Height > 0 && !slices.Equal(in.Dims[2:], []int{o.Height, o.Width}) || in.Dims[0] != -1 || in.Params[0] != "batch" {
				t.Errorf("input %+v", in)
			}
			if o.Classes > 0 && !slices.Equal(out.Dims, []int{-1, o.Classes}) {
				t.Errorf("output %+v", out)
			}
			infer(t, g, 3)
		})
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		name string
		o    zoo.Options
	}{
		"negative classes":  {"lenet", zoo.Options{Classes: -1}},
		"too many classes":  {"lenet", zoo.Options{Classes: 1 << 20}},
		"negative height":   {"lenet", zoo.Options{Height: -1}},
		"huge width":        {"lenet", zoo.Options{Width: 1 << 30}},
		"huge input":        {"mlp", zoo.Options{Channels: 8192, Height: 8192, Width: 8192}},
		"too many weights":  {"mlp", zoo.Options{Channels: 1, Height: 8192, Width: 8192}},
		"too small":         {"lenet", zoo.Options{Height: 10}},
		"too small at last": {"densenet121", zoo.Options{Height: 1, Width: 1}},
		"no whole patches":  {"vit_b_16", zoo.Options{Height: 15, Width: 17}},
		"height of signals": {"har1d", zoo.Options{Height: 2}},
	} {
		if g, err := zoo.New(c.name, c.o); err == nil {
			t.Errorf("%s: made %v", name, g.Outputs)
		} else if !strings.HasPrefix(err.Error(), c.name+": ") {
			t.Errorf("%s: %v does not say of which", name, err)
		}
	}
	_, err := zoo.New("resnet19", zoo.Options{})
	if !errors.Is(err, zoo.ErrUnknown) || !strings.Contains(err.Error(), "resnet18") {
		t.Errorf("error %v", err)
	}
}

// The same seed gives the same bytes, and another seed others.
func TestSeed(t *testing.T) {
	bytes := func(seed uint64) string {
		b, err := onnx.Marshal(network(t, "shufflenet_v2_x0_5", zoo.Options{Seed: seed, Height: 32, Width: 32}))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if first, second := bytes(1), bytes(1); first != second {
		t.Error("one seed, two networks")
	}
	if bytes(1) == bytes(2) {
		t.Error("two seeds, one network")
	}
}

// What is written of a network is read as the same.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"lenet", "har1d", "cifar_resnet20", "mobilenet_v3_small", "shufflenet_v2_x0_5"} {
		g := network(t, name, zoo.Options{})
		b, err := onnx.Marshal(g)
		if err != nil {
			t.Fatal(err)
		}
		read, err := onnx.Unmarshal(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := onnx.Marshal(read); err != nil || string(again) != string(b) {
			t.Errorf("%s: other bytes the second time, %v", name, err)
		}
		if !reflect.DeepEqual(read.Inputs, g.Inputs) || !reflect.DeepEqual(read.Outputs, g.Outputs) || len(read.Nodes) != len(g.Nodes) {
			t.Errorf("%s: another graph", name)
		}
	}
}

// The embedded backbone began as this network: its weights must not change.
func TestLeNetWeights(t *testing.T) {
	g := network(t, "lenet", zoo.Options{Classes: 52, Seed: 1})
	rng := rand.New(rand.NewPCG(1, 0))
	for _, w := range []struct {
		name  string
		n     int
		limit float64
	}{{"conv1.weight", 250, math.Sqrt(6. / 25)}, {"conv2.weight", 12500, math.Sqrt(6. / 250)}, {"fc.weight", 52 * 800, math.Sqrt(6. / 852)}} {
		want := make([]float32, w.n)
		for i := range want {
			want[i] = float32((2*rng.Float64() - 1) * w.limit)
		}
		if !slices.Equal(g.Consts[w.name].F32, want) {
			t.Errorf("%s starts with %v, want %v", w.name, g.Consts[w.name].F32[:3], want[:3])
		}
	}
	var ops []string
	for _, n := range g.Nodes {
		ops = append(ops, n.Op)
	}
	if got := strings.Join(ops, " "); got != "Conv LeakyRelu MaxPool Conv LeakyRelu MaxPool Flatten Gemm" {
		t.Errorf("nodes %s", got)
	}
}

// Pretrained weights from elsewhere fit by name.
func TestBind(t *testing.T) {
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	for name, file := range map[string]string{
		"cifar_resnet32": "resnet32-cifar10", "cifar_resnet56": "resnet56-cifar10",
		"mobilenet_v1": "mobilenet_v1_1.0_imagenet_blocks1-12",
	} {
		tensors, _, err := safetensors.ReadFile(filepath.Join(dir, "..", "shared", "data", "models", "safetensors", file+".safetensors"))
		if err != nil {
			t.Skip(err)
		}
		g := network(t, name, zoo.Options{})
		err = safetensors.Bind(g, tensors)
		// The file of MobileNet has neither its last block nor its classifier.
		m, partial := errors.AsType[*safetensors.MismatchError](err)
		if partial && name == "mobilenet_v1" && len(m.Missing) == 12 && len(m.Misfits) == 0 {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
