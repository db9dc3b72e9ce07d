package graph_test

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/npy"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// goldens are the networks that the fixtures document.
var goldens = []struct {
	name          string
	input, logits []int
	features      int // elements per sample, 0 if the head is a convolution
	params        int64
}{
	{"mlp", []int{4, 64}, []int{4, 10}, 16, 2778},
	{"mlp_tied", []int{4, 24}, []int{4, 6}, 12, 690 - 2*12 - 144},
	{"lenet", []int{3, 1, 28, 28}, []int{3, 10}, 800, 20820},
	{"lenet_preact", []int{3, 1, 28, 28}, []int{3, 10}, 800, 20820},
	{"resnet", []int{3, 3, 32, 32}, []int{3, 10}, 24, 15474},
	{"resnet_bottleneck", []int{2, 3, 32, 32}, []int{2, 10}, 48, 7826},
	{"mobilenetv2", []int{3, 3, 32, 32}, []int{3, 10}, 48, 5018},
	{"mobilenetv3", []int{2, 3, 32, 32}, []int{2, 10}, 40, 4419},
	{"squeezenet", []int{3, 3, 35, 35}, []int{3, 10}, 24, 2096},
	{"densenet", []int{3, 3, 32, 32}, []int{3, 10}, 28, 6118},
	{"vgg", []int{3, 3, 32, 32}, []int{3, 10}, 24, 7078},
	{"efficientnet", []int{3, 3, 32, 32}, []int{3, 10}, 40, 4419},
	{"shufflenet", []int{2, 3, 32, 32}, []int{2, 10}, 16, 1130},
	{"vit", []int{2, 3, 24, 24}, []int{2, 10}, 24, 13090},
	{"swin", []int{2, 3, 32, 32}, []int{2, 10}, 16, 0},
	{"convzoo", []int{2, 3, 29, 37}, []int{2, 10}, 64, 2030},
	{"har1d", []int{4, 3, 90}, []int{4, 6}, 20, 2922},
}

var variant = regexp.MustCompile(`(_(folded|nofold|dyn|op\d+))*$`)

// eachGolden calls f for every variant of every network.
func eachGolden(t *testing.T, f func(t *testing.T, i int, file string)) {
	files, err := filepath.Glob(filepath.Join(shared(t, "golden"), "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, path := range files {
		file := strings.TrimSuffix(filepath.Base(path), ".onnx")
		name := variant.ReplaceAllString(file, "")
		for i := range goldens {
			if goldens[i].name == name {
				seen++
				t.Run(file, func(t *testing.T) { f(t, i, file) })
			}
		}
	}
	if seen != 36 {
		t.Errorf("%d golden graphs, want 36", seen)
	}
}

// shared returns a file of the data beside the repository, or skips.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no module root above the test")
		}
		dir = up
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no data: %v", err)
	}
	return path
}

// read reads a model.
func read(t testing.TB, name string) *graph.Graph {
	t.Helper()
	g, err := onnx.ReadFile(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// floats reads an array of float32.
func floats(t testing.TB, name string) []float32 {
	t.Helper()
	b, err := os.ReadFile(shared(t, filepath.Join("golden", name)))
	if err != nil {
		t.Fatal(err)
	}
	x, err := npy.Read(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if x.Type != graph.Float32 {
		t.Fatalf("%s is no array of float32", name)
	}
	return x.F32
}

// far returns the largest difference relative to the largest element.
func far(a, b []float32) float64 {
	diff, most := 0.0, 0.0
	for i := range b {
		diff = max(diff, math.Abs(float64(a[i])-float64(b[i])))
		most = max(most, math.Abs(float64(b[i])))
	}
	return diff / most
}

// shapely lists operators that must not be left in a golden graph.
var shapely = []string{
	"Shape", "Size", "ConstantOfShape", "Range", "Cast", "Equal", "Where", "Not", "Mod", "ScatterND",
	"Flatten", "Squeeze", "Unsqueeze", "Dropout", "Identity", "Split",
}

func TestGoldenOutputs(t *testing.T) {
	eachGolden(t, func(t *testing.T, i int, file string) {
		want, g := goldens[i], read(t, filepath.Join("golden", file+".onnx"))
		type run struct {
			batch         int
			input, output string
		}
		runs := []run{{want.input[0], want.name + ".input.npy", want.name + ".output.npy"}}
		if strings.HasSuffix(file, "_dyn") {
			runs = append(runs, run{1, file + ".batch1.input.npy", file + ".batch1.output.npy"},
				run{5, file + ".batch5.input.npy", file + ".batch5.output.npy"})
		}
		for _, r := range runs {
			in := slices.Clone(want.input)
			in[0] = r.batch
			for _, o := range []graph.Options{{}, {KeepParams: true}} {
				s, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: in}, o)
				if err != nil {
					t.Fatal(err)
				}
				for _, n := range s.Graph.Nodes {
					if slices.Contains(shapely, n.Op) {
						t.Errorf("%s is left: %s", n.Op, n.Label())
					}
				}
				if o.KeepParams {
					checkParams(t, g, s)
				} else {
					checkOutput(t, "plain", s, r.input, r.output, want.logits[1], r.batch)
				}
				graph.FoldBatchNorm(s)
				checkOutput(t, "folded", s, r.input, r.output, want.logits[1], r.batch)
				graph.Fuse(s)
				checkOutput(t, "fused", s, r.input, r.output, want.logits[1], r.batch)
				checkHead(t, i, s)
			}
		}
	})
}

func checkOutput(t *testing.T, pass string, s *graph.Static, input, output string, classes, batch int) {
	t.Helper()
	out := s.Graph.Outputs[0]
	if !slices.Equal(out.Dims, []int{batch, classes}) {
		t.Fatalf("%s: output has shape %v, want %v", pass, out.Dims, []int{batch, classes})
	}
	in := s.Graph.Inputs[0]
	values, err := graph.Interpret(s, map[string]*graph.Tensor{in.Name: graph.Floats(floats(t, input), in.Dims...)})
	if err != nil {
		t.Fatalf("%s: %v", pass, err)
	}
	if d := far(values[out.Name].F32, floats(t, output)); !(d < 2e-5) {
		t.Errorf("%s: the output is off by %g", pass, d)
	}
}

// checkParams checks that every trainable initializer is still there under
// its name.
func checkParams(t *testing.T, g *graph.Graph, s *graph.Static) {
	t.Helper()
	for name, c := range g.Consts {
		if c.Type == graph.Float32 && len(c.Dims) > 0 && !g.Fixed[name] && s.Graph.Consts[name] != c {
			t.Errorf("parameter %s is gone", name)
		}
	}
}

func checkHead(t *testing.T, i int, s *graph.Static) {
	t.Helper()
	h, err := graph.Head(s)
	if err != nil {
		t.Fatal(err)
	}
	want := goldens[i]
	if h.Classes != want.logits[1] || h.Width != want.features {
		t.Errorf("head of %d classes and %d features, want %d and %d", h.Classes, h.Width, want.logits[1], want.features)
	}
	if h.Direct != (want.name != "squeezenet" && want.name != "convzoo") {
		t.Errorf("direct: %v", h.Direct)
	}
	in := s.Graph.Inputs[0]
	if in.Dims[0] != want.input[0] {
		return
	}
	values, err := graph.Interpret(s, map[string]*graph.Tensor{in.Name: graph.Floats(floats(t, want.name+".input.npy"), in.Dims...)})
	if err != nil {
		t.Fatal(err)
	}
	if d := far(values[h.Features].F32, floats(t, want.name+".features.npy")); !(d < 2e-5) {
		t.Errorf("the features are off by %g", d)
	}
}

// TestGoldenFusion pins which operators the fused networks come down to.
func TestGoldenFusion(t *testing.T) {
	for _, want := range []struct {
		file  string
		count map[string]int
	}{
		{"vit", map[string]int{"LayerNormalization": 5, "Gelu": 2, "Linear": 6, "Erf": 0, "Sqrt": 0, "Pow": 0}},
		{"vit_nofold", map[string]int{"LayerNormalization": 5, "Gelu": 2, "Linear": 6, "Erf": 0, "Sqrt": 0, "Pow": 0}},
		{"swin", map[string]int{"LayerNormalization": 11, "Gelu": 4, "Erf": 0, "Sqrt": 0, "Pow": 0}},
		{"efficientnet", map[string]int{"Silu": 10, "Sigmoid": 3, "BatchNormalization": 0}},
		{"mobilenetv3", map[string]int{"HardSwish": 7, "HardSigmoid": 3, "BatchNormalization": 0}},
		{"resnet", map[string]int{"BatchNormalization": 0}},
		{"vgg", map[string]int{"BatchNormalization": 0}},
		{"har1d", map[string]int{"BatchNormalization": 0}},
		{"convzoo", map[string]int{"Pad": 0}},
		{"shufflenet", map[string]int{"BatchNormalization": 0, "GlobalAveragePool": 1}},
	} {
		for _, keep := range []bool{false, true} {
			s, err := graph.Specialize(read(t, filepath.Join("golden", want.file+".onnx")), nil, graph.Options{KeepParams: keep})
			if err != nil {
				t.Fatal(err)
			}
			graph.FoldBatchNorm(s)
			graph.Fuse(s)
			ops := map[string]int{}
			for _, n := range s.Graph.Nodes {
				ops[n.Op]++
			}
			for op, n := range want.count {
				if ops[op] != n {
					t.Errorf("%s: %d of %s, want %d: %v", want.file, ops[op], op, n, ops)
				}
			}
		}
	}
}
