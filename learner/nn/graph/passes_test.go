package graph_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// number adds a scalar constant named by its use.
func (b builder) number(name string, v float64) builder {
	return b.fixed(name, graph.Floats([]float32{float32(v)}))
}

// TestFuse writes operators out in the ways that exporters do, and checks
// what comes of them and that the numbers stay.
func TestFuse(t *testing.T) {
	gelu := func() builder {
		return build(13, 2, 5).number("half", 0.5).number("one", 1).number("root", math.Sqrt2).number("unroot", 1/math.Sqrt2).
			number("two", 2).number("three", 3).number("six", 6).number("sixth", 1.0/6).number("zero", 0).
			number("tiny", 0.044715).number("pi", math.Sqrt(2/math.Pi)).number("eps", 1e-5).
			param("w", ramp(5)).param("b", ramp(5)).param("k", ramp(5, 3)).param("kb", ramp(3))
	}
	erf := gelu().node("Mul", "a", nil, "unroot", "x").node("Erf", "e", nil, "a").node("Add", "p", nil, "one", "e")
	div := gelu().node("Div", "a", nil, "x", "root").node("Erf", "e", nil, "a").node("Add", "p", nil, "e", "one")
	tanh := gelu().node("Pow", "c", nil, "x", "three").node("Mul", "d", nil, "tiny", "c").node("Add", "e", nil, "x", "d").
		node("Mul", "f", nil, "e", "pi").node("Tanh", "g", nil, "f").node("Add", "p", nil, "one", "g")
	norm := gelu().node("ReduceMean", "m", attrs{"axes": []int64{-1}}, "x").node("Sub", "d", nil, "x", "m").node("Mul", "s", nil, "d", "d").
		node("ReduceMean", "v", attrs{"axes": []int64{1}}, "s").node("Add", "a", nil, "eps", "v").node("Sqrt", "r", nil, "a").node("Div", "q", nil, "d", "r")
	gate := gelu().node("Add", "a", nil, "three", "x").node("Clip", "c", nil, "a", "zero", "six")
	clone := func(b builder) builder { return builder{b.Clone()} }
	image := func() builder {
		return build(11, 1, 2, 5, 5).param("w", ramp(3, 2, 3, 3)).ints("p", 0, 0, 1, 0, 0, 0, 1, 2).ints("c", 0, 1, 0, 0, 0, 0, 0, 0)
	}
	window := attrs{"kernel_shape": []int64{3, 3}}
	for _, c := range []struct {
		name string
		b    builder
		want []string
	}{
		{"gelu, x first", clone(erf).node("Mul", "m", nil, "p", "x").node("Mul", "y", nil, "half", "m"), []string{"Gelu"}},
		{"gelu, half first", clone(div).node("Mul", "m", nil, "p", "half").node("Mul", "y", nil, "m", "x"), []string{"Gelu"}},
		{"gelu, half of x", clone(div).node("Mul", "m", nil, "x", "half").node("Mul", "y", nil, "m", "p"), []string{"Gelu"}},
		{"gelu, divided", clone(div).node("Mul", "m", nil, "x", "p").node("Div", "y", nil, "m", "two"), []string{"Gelu"}},
		{"gelu, tanh", clone(tanh).node("Mul", "m", nil, "x", "p").node("Mul", "y", nil, "m", "half"), []string{"Gelu"}},
		{"no gelu: one", clone(div).node("Mul", "m", nil, "x", "p").node("Mul", "y", nil, "m", "two"), []string{"Div", "Erf", "Add", "Mul", "Mul"}},
		{"no gelu: square", clone(div).node("Mul", "m", nil, "x", "p").node("Mul", "y", nil, "m", "x"), []string{"Div", "Erf", "Add", "Mul", "Mul"}},
		{"norm", clone(norm).node("Mul", "z", nil, "q", "w").node("Add", "y", nil, "b", "z"), []string{"LayerNormalization"}},
		{"norm without bias", clone(norm).node("Mul", "y", nil, "w", "q"), []string{"LayerNormalization"}},
		{"norm without scale", clone(norm).node("Relu", "y", nil, "q"), []string{"ReduceMean", "Sub", "Mul", "ReduceMean", "Add", "Sqrt", "Div", "Relu"}},
		{"silu", gelu().node("Sigmoid", "s", nil, "x").node("Mul", "y", nil, "s", "x"), []string{"Silu"}},
		{"a gate of another value", gelu().node("Sigmoid", "s", nil, "x").node("Neg", "n", nil, "x").node("Mul", "y", nil, "s", "n"), []string{"Sigmoid", "Neg", "Mul"}},
		{"hard swish", gelu().node("HardSigmoid", "s", attrs{"alpha": float32(1.0 / 6)}, "x").node("Mul", "y", nil, "x", "s"), []string{"HardSwish"}},
		{"another hard sigmoid", gelu().node("HardSigmoid", "s", nil, "x").node("Mul", "y", nil, "x", "s"), []string{"HardSigmoid", "Mul"}},
		{"hard sigmoid, clipped", clone(gate).node("Div", "y", nil, "c", "six"), []string{"HardSigmoid"}},
		{"hard swish, clipped", clone(gate).node("Mul", "h", nil, "c", "x").node("Mul", "y", nil, "h", "sixth"), []string{"HardSwish"}},
		{"hard swish, clipped and divided first", clone(gate).node("Div", "h", nil, "c", "six").node("Mul", "y", nil, "h", "x"), []string{"HardSwish"}},
		{"linear", gelu().node("MatMul", "m", nil, "x", "k").node("Add", "y", nil, "kb", "m"), []string{"Linear"}},
		{"sum of products", gelu().node("MatMul", "m", nil, "x", "k").node("Add", "y", nil, "m", "m"), []string{"MatMul", "Add"}},
		{"reshapes", build(11, 2, 6).ints("a", 3, 4).ints("b", 12, 1).node("Reshape", "r", nil, "x", "a").node("Reshape", "y", nil, "r", "b"), []string{"Reshape"}},
		{"pad and conv", image().node("Pad", "q", nil, "x", "p").node("Conv", "y", attrs{"pads": []int64{1, 1, 0, 0}}, "q", "w"), []string{"Conv"}},
		{"pad and average", image().node("Pad", "q", nil, "x", "p").node("AveragePool", "y", window, "q"), []string{"AveragePool"}},
		{"pad and average with padding of its own", image().node("Pad", "q", nil, "x", "p").node("AveragePool", "y", attrs{"kernel_shape": []int64{3, 3}, "pads": []int64{1, 0, 0, 0}}, "q"), []string{"Pad", "AveragePool"}},
		{"pad and maximum", image().node("Pad", "q", nil, "x", "p").node("MaxPool", "y", window, "q"), []string{"Pad", "MaxPool"}},
		{"padded channels", image().param("v", ramp(1, 3, 1, 1)).node("Pad", "q", nil, "x", "c").node("Conv", "y", nil, "q", "v"), []string{"Pad", "Conv"}},
	} {
		for _, keep := range []bool{false, true} {
			s := c.b.specialize(t, graph.Options{KeepParams: keep})
			before := run(t, s)
			graph.Fuse(s)
			if diff := cmp.Diff(c.want, ops(s)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
			if d := far(run(t, s).F32, before.F32); !(d < 2e-6) {
				t.Errorf("%s: off by %g", c.name, d)
			}
			consistent(t, s)
		}
	}
}

// TestFuseKeepsWhatIsUsed checks that values within a pattern stay if
// something else needs them.
func TestFuseKeepsWhatIsUsed(t *testing.T) {
	b := build(13, 2, 5).node("Sigmoid", "s", nil, "x").node("Mul", "y", nil, "s", "x")
	b.Outputs = append(b.Outputs, graph.Value{Name: "s"})
	s := b.specialize(t, graph.Options{})
	graph.Fuse(s)
	if diff := cmp.Diff([]string{"Sigmoid", "Silu"}, ops(s)); diff != "" {
		t.Error(diff)
	}
}

func TestFoldBatchNorm(t *testing.T) {
	stats := func(b builder, c int) builder {
		variance := ramp(c)
		for i, v := range variance.F32 {
			variance.F32[i] = v*v + 0.5
		}
		return b.param("g", ramp(c)).param("h", ramp(c)).param("m", ramp(c)).param("v", variance)
	}
	for _, c := range []struct {
		name string
		b    builder
		want []string
	}{
		{"conv", build(13, 2, 4, 5, 5).param("w", ramp(6, 2, 3, 3)).param("b", ramp(6)).node("Conv", "c", attrs{"group": int64(2)}, "x", "w", "b"), []string{"Conv"}},
		{"conv without bias", build(13, 2, 4, 5).param("w", ramp(6, 4, 3)).node("Conv", "c", nil, "x", "w"), []string{"Conv"}},
		{"gemm", build(13, 2, 4).param("w", ramp(4, 6)).param("b", ramp(6)).node("Gemm", "c", nil, "x", "w", "b"), []string{"Gemm"}},
		{"gemm transposed", build(13, 2, 4).param("w", ramp(6, 4)).node("Gemm", "c", attrs{"transB": int64(1)}, "x", "w"), []string{"Gemm"}},
		{"gemm scaled", build(13, 2, 4).param("w", ramp(6, 4)).node("Gemm", "c", attrs{"transB": int64(1), "alpha": float32(2)}, "x", "w"), []string{"Gemm", "BatchNormalization"}},
		{"product", build(13, 2, 4).param("w", ramp(4, 6)).node("MatMul", "c", nil, "x", "w"), []string{"Linear"}},
		{"product of three axes", build(13, 2, 6, 4).param("w", ramp(4, 5)).node("MatMul", "c", nil, "x", "w"), []string{"MatMul", "BatchNormalization"}},
		{"elsewhere", build(13, 2, 6).node("Relu", "c", nil, "x"), []string{"Relu", "BatchNormalization"}},
	} {
		s := stats(c.b, 6).node("BatchNormalization", "y", attrs{"epsilon": float32(1e-3)}, "c", "g", "h", "m", "v").specialize(t, graph.Options{})
		before, weight := run(t, s), c.b.Consts["w"]
		var copied []float32
		if weight != nil {
			copied = slices.Clone(weight.F32)
		}
		graph.FoldBatchNorm(s)
		if diff := cmp.Diff(c.want, ops(s)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if d := far(run(t, s).F32, before.F32); !(d < 1e-6) {
			t.Errorf("%s: off by %g", c.name, d)
		}
		if weight != nil && !slices.Equal(weight.F32, copied) {
			t.Errorf("%s: the weight of the original graph changed", c.name)
		}
		consistent(t, s)
	}

	// A value that something else reads too cannot be scaled.
	b := stats(build(13, 2, 6), 6).param("w", ramp(6, 6)).node("MatMul", "c", nil, "x", "w")
	b.node("BatchNormalization", "n", nil, "c", "g", "h", "m", "v").node("Add", "y", nil, "n", "c")
	s := b.specialize(t, graph.Options{})
	graph.FoldBatchNorm(s)
	if diff := cmp.Diff([]string{"MatMul", "BatchNormalization", "Add"}, ops(s)); diff != "" {
		t.Error(diff)
	}
}

// TestCount checks parameters and multiplications against what the fixtures
// document and what a hand counts.
func TestCount(t *testing.T) {
	eachGolden(t, func(t *testing.T, i int, file string) {
		if file != goldens[i].name || goldens[i].params == 0 {
			return
		}
		for _, keep := range []bool{false, true} {
			s, err := graph.Specialize(read(t, filepath.Join("golden", file+".onnx")), nil, graph.Options{KeepParams: keep})
			if err != nil {
				t.Fatal(err)
			}
			want := goldens[i].params
			if file == "vit" && !keep {
				want += 24 // the class token is there once for each of two samples
			}
			if params, _ := graph.Total(graph.Count(s)); params != want {
				t.Errorf("%d parameters, want %d", params, want)
			}
		}
	})
	b := build(13, 2, 4, 5, 5).param("w", ramp(6, 2, 3, 3)).param("b", ramp(6)).node("Conv", "c", attrs{"group": int64(2)}, "x", "w", "b").node("Relu", "y", nil, "c")
	want := []graph.LayerInfo{
		{Name: "c", Op: "Conv", Output: "c", Shape: []int{2, 6, 3, 3}, Params: 114, MACs: 2 * 6 * 9 * 18},
		{Name: "y", Op: "Relu", Output: "y", Shape: []int{2, 6, 3, 3}},
	}
	if diff := cmp.Diff(want, graph.Count(b.specialize(t, graph.Options{}))); diff != "" {
		t.Error(diff)
	}
}

func TestCutPoints(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string // names of modules among the cut points
	}{
		{"resnet", []string{"conv1", "bn1", "pool", "blocks.0", "blocks.1", "blocks", "avg", "fc"}},
		{"vgg", []string{"features.3", "features.7", "classifier"}},
		{"vit", []string{"patch", "blocks.0", "blocks", "ln", "head"}},
		{"swin", []string{"net.features.0", "net.features.1.0", "net.features.1", "net.features.2", "net.features", "net.norm", "net"}},
		{"squeezenet", []string{"features.3", "features.4", "features", "classifier"}},
		{"har1d", []string{"conv1", "pool", "conv2", "bn2", "fc"}},
	} {
		g := read(t, filepath.Join("golden", c.file+".onnx"))
		s, err := graph.Specialize(g, nil, graph.Options{KeepParams: true})
		if err != nil {
			t.Fatal(err)
		}
		points, names := graph.CutPoints(s), []string{}
		total, _ := graph.Total(graph.Count(s))
		for i, p := range points {
			if slices.Contains(names, p.Name) {
				t.Errorf("%s: two cut points are named %s", c.file, p.Name)
			}
			names = append(names, p.Name)
			if i > 0 && (p.Params < points[i-1].Params || p.Node <= points[i-1].Node) {
				t.Errorf("%s: cut points out of order", c.file)
			}
		}
		if last := points[len(points)-1]; last.Params != total || last.Value != s.Graph.Outputs[0].Name {
			t.Errorf("%s: the last cut point is %v", c.file, last)
		}
		at := 0
		for _, w := range c.want {
			i := slices.Index(names[at:], w)
			if i < 0 {
				t.Errorf("%s: no cut point %q after %v in %q", c.file, w, names[:at], names)
				break
			}
			at += i
		}
	}
}

// TestSplitAndCut divides a network at its cut points and compares with the
// whole.
func TestSplitAndCut(t *testing.T) {
	for _, file := range []string{"resnet", "vit_nofold", "shufflenet"} {
		g := read(t, filepath.Join("golden", file+".onnx"))
		s, err := graph.Specialize(g, nil, graph.Options{KeepParams: true})
		if err != nil {
			t.Fatal(err)
		}
		in, out := s.Graph.Inputs[0].Name, s.Graph.Outputs[0].Name
		x := map[string]*graph.Tensor{in: ramp(s.Shapes[in]...)}
		whole, err := graph.Interpret(s, x)
		if err != nil {
			t.Fatal(err)
		}
		points := graph.CutPoints(s)
		for _, p := range []graph.CutPoint{points[0], points[len(points)/2], points[len(points)-2]} {
			front, back, err := graph.Split(s, p.Value)
			if err != nil {
				t.Fatal(err)
			}
			first, err := graph.Interpret(front, x)
			if err != nil {
				t.Fatal(err)
			}
			second, err := graph.Interpret(back, map[string]*graph.Tensor{p.Value: first[p.Value]})
			if err != nil {
				t.Fatal(err)
			}
			if far(second[out].F32, whole[out].F32) != 0 {
				t.Errorf("%s: split at %s it gives something else", file, p.Name)
			}
			part, err := graph.Cut(g, p.Value)
			if err != nil {
				t.Fatal(err)
			}
			alone, err := graph.Specialize(part, nil, graph.Options{KeepParams: true})
			if err != nil {
				t.Fatal(err)
			}
			got, err := graph.Interpret(alone, x)
			if err != nil {
				t.Fatal(err)
			}
			if far(got[p.Value].F32, whole[p.Value].F32) != 0 || len(part.Nodes) >= len(g.Nodes) {
				t.Errorf("%s: cut at %s it gives something else", file, p.Name)
			}
		}
		if _, _, err := graph.Split(s, "nothing"); !errors.Is(err, graph.ErrCorrupt) {
			t.Errorf("split at a value that is not there: %v", err)
		}
		if _, err := graph.Cut(g, "nothing"); !errors.Is(err, graph.ErrCorrupt) {
			t.Errorf("cut at a value that is not there: %v", err)
		}
	}
}

func TestHead(t *testing.T) {
	head := func(c *graph.Classifier) graph.Classifier { c.Node = 0; return *c }
	w, b := ramp(3, 4), ramp(3)
	for _, c := range []struct {
		name string
		b    builder
		want graph.Classifier
	}{
		{"gemm", build(13, 2, 4).param("w", w).param("b", b).node("Gemm", "y", attrs{"transB": int64(1)}, "x", "w", "b"),
			graph.Classifier{Features: "x", Logits: "y", Weight: "w", Bias: "b", Classes: 3, Width: 4, Direct: true}},
		{"product and bias", build(13, 2, 4).param("w", ramp(4, 3)).param("b", b).node("MatMul", "m", nil, "x", "w").node("Add", "z", nil, "m", "b").node("Softmax", "y", nil, "z"),
			graph.Classifier{Features: "x", Logits: "z", Weight: "w", ByColumn: true, Bias: "b", Classes: 3, Width: 4}},
		{"transposed", build(13, 2, 4).param("w", w).node("Transpose", "v", nil, "w").node("MatMul", "y", nil, "x", "v"),
			graph.Classifier{Features: "x", Logits: "y", Weight: "w", Classes: 3, Width: 4, Direct: true}},
		{"reshaped", build(13, 2, 4).param("w", ramp(2, 2, 3)).ints("s", 4, 3).node("Reshape", "v", nil, "w", "s").node("MatMul", "m", nil, "x", "v").param("b", ramp(1, 3)).node("Add", "y", nil, "b", "m"),
			graph.Classifier{Features: "x", Logits: "y", Weight: "w", ByColumn: true, Bias: "b", Classes: 3, Width: 4, Direct: true}},
		{"convolution", build(13, 2, 4, 5, 5).param("w", ramp(3, 4, 1, 1)).node("Conv", "c", nil, "x", "w").node("GlobalAveragePool", "p", nil, "c").node("Flatten", "y", nil, "p"),
			graph.Classifier{Features: "x", Logits: "c", Weight: "w", Classes: 3, Width: 4}},
	} {
		s := c.b.specialize(t, graph.Options{KeepParams: true})
		for _, pass := range []func(*graph.Static){func(*graph.Static) {}, graph.Fuse} {
			pass(s)
			h, err := graph.Head(s)
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if diff := cmp.Diff(c.want, head(h)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		}
	}
	for name, b := range map[string]builder{
		"no layer":   build(13, 2, 4).node("Relu", "y", nil, "x"),
		"two values": build(13, 2, 4).node("Relu", "r", nil, "x").node("Add", "y", nil, "r", "x"),
		"a 3x3":      build(13, 1, 4, 5, 5).param("w", ramp(3, 4, 3, 3)).node("Conv", "y", nil, "x", "w"),
	} {
		var un *graph.UnsupportedError
		if _, err := graph.Head(b.specialize(t, graph.Options{})); !errors.As(err, &un) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
