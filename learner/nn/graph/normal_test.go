package graph_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestNormalForm brings single nodes into normal form and compares the nodes
// that come of them, their attributes and the shape of the result.
func TestNormalForm(t *testing.T) {
	type node struct {
		Op string
		A  attrs
	}
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		name  string
		opset int
		x     []int
		op    string
		a     attrs
		in    []*graph.Tensor // b, c, ...; nil is absent
		want  []node
		shape []int
	}{
		{"conv", 13, []int{1, 2, 5, 6}, "Conv", attrs{"auto_pad": "SAME_UPPER", "strides": []int64{2, 2}}, []*graph.Tensor{ramp(4, 2, 3, 2)},
			[]node{{"Conv", attrs{"kernel_shape": []int64{3, 2}, "strides": []int64{2, 2}, "pads": []int64{1, 0, 1, 0}, "dilations": []int64{1, 1}, "group": int64(1)}}},
			[]int{1, 4, 3, 3}},
		{"conv same lower", 13, []int{1, 1, 4}, "Conv", attrs{"auto_pad": "SAME_LOWER"}, []*graph.Tensor{ramp(1, 1, 2)},
			[]node{{"Conv", attrs{"kernel_shape": []int64{2}, "strides": []int64{1}, "pads": []int64{1, 0}, "dilations": []int64{1}, "group": int64(1)}}},
			[]int{1, 1, 4}},
		{"ceil", 13, []int{1, 1, 6}, "MaxPool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "ceil_mode": int64(1)}, nil,
			[]node{{"MaxPool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "pads": []int64{0, 1}, "dilations": []int64{1}}}},
			[]int{1, 1, 3}},
		{"ceil without a window that starts in the padding", 13, []int{1, 1, 3}, "MaxPool", attrs{"kernel_shape": []int64{2}, "strides": []int64{2}, "pads": []int64{1, 1}, "ceil_mode": int64(1)}, nil,
			[]node{{"MaxPool", attrs{"kernel_shape": []int64{2}, "strides": []int64{2}, "pads": []int64{1, 1}, "dilations": []int64{1}}}},
			[]int{1, 1, 2}},
		{"ceil that counts its padding", 13, []int{1, 1, 4}, "AveragePool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "pads": []int64{1, 0}, "ceil_mode": int64(1), "count_include_pad": int64(1)}, nil,
			[]node{
				{"AveragePool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "pads": []int64{1, 0}, "dilations": []int64{1}, "count_include_pad": int64(1)}},
			},
			[]int{1, 1, 2}},
		{"ceil that hangs over its padding", 13, []int{1, 1, 5}, "AveragePool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "pads": []int64{1, 0}, "ceil_mode": int64(1), "count_include_pad": int64(1)}, nil,
			[]node{
				{"Pad", attrs{"pads": []int64{0, 0, 1, 0, 0, 0}, "mode": "constant", "value": float32(0)}},
				{"AveragePool", attrs{"kernel_shape": []int64{3}, "strides": []int64{2}, "pads": []int64{0, 1}, "dilations": []int64{1}, "count_include_pad": int64(0)}},
			},
			[]int{1, 1, 3}},
		{"old softmax", 11, []int{2, 3, 4}, "Softmax", nil, nil,
			[]node{{"Reshape", attrs{}}, {"Softmax", attrs{"axis": int64(1)}}, {"Reshape", attrs{}}}, []int{2, 3, 4}},
		{"old softmax on the last axis", 11, []int{2, 3, 1}, "Softmax", nil, nil, []node{{"Softmax", attrs{"axis": int64(1)}}}, []int{2, 3, 1}},
		{"new softmax", 13, []int{2, 3, 4}, "LogSoftmax", nil, nil, []node{{"LogSoftmax", attrs{"axis": int64(2)}}}, []int{2, 3, 4}},
		{"old clip", 9, []int{2}, "Clip", attrs{"min": float32(0)}, nil, []node{{"Clip", attrs{"min": float32(0), "max": inf}}}, []int{2}},
		{"new clip", 13, []int{2}, "Clip", nil, []*graph.Tensor{nil, graph.Floats([]float32{6})}, []node{{"Clip", attrs{"min": -inf, "max": float32(6)}}}, []int{2}},
		{"old slice", 9, []int{4, 5}, "Slice", attrs{"starts": []int64{-3, 0}, "ends": []int64{99, 5}}, nil,
			[]node{{"Slice", attrs{"starts": []int64{1}, "ends": []int64{4}, "axes": []int64{0}, "steps": []int64{1}}}}, []int{3, 5}},
		{"slice backward", 13, []int{4}, "Slice", nil, []*graph.Tensor{graph.Ints([]int64{-1}, 1), graph.Ints([]int64{math.MinInt64}, 1), nil, graph.Ints([]int64{-1}, 1)},
			[]node{{"Slice", attrs{"starts": []int64{3}, "ends": []int64{-1}, "axes": []int64{0}, "steps": []int64{-1}}}}, []int{4}},
		{"negative pads", 13, []int{4, 4}, "Pad", nil, []*graph.Tensor{graph.Ints([]int64{-1, 1, 0, 0}, 4)},
			[]node{
				{"Slice", attrs{"starts": []int64{1}, "ends": []int64{4}, "axes": []int64{0}, "steps": []int64{1}}},
				{"Pad", attrs{"pads": []int64{0, 1, 0, 0}, "mode": "constant", "value": float32(0)}},
			}, []int{3, 5}},
		{"pads of axes", 18, []int{4, 4}, "Pad", nil, []*graph.Tensor{graph.Ints([]int64{1, 2}, 2), graph.Floats([]float32{5}), graph.Ints([]int64{-1}, 1)},
			[]node{{"Pad", attrs{"pads": []int64{0, 1, 0, 2}, "mode": "constant", "value": float32(5)}}}, []int{4, 7}},
		{"power", 13, []int{2}, "Pow", nil, []*graph.Tensor{graph.Floats([]float32{3})}, []node{{"Pow", attrs{"exponent": float32(3)}}}, []int{2}},
		{"mean", 13, []int{2, 3, 4}, "ReduceMean", attrs{"axes": []int64{-1, 0}, "keepdims": int64(0)}, nil,
			[]node{{"ReduceMean", attrs{"axes": []int64{0, 2}, "keepdims": int64(0)}}}, []int{3}},
		{"mean of a picture", 18, []int{2, 3, 4, 4}, "ReduceMean", attrs{"keepdims": int64(0)}, []*graph.Tensor{graph.Ints([]int64{2, 3}, 2)},
			[]node{{"GlobalAveragePool", attrs{}}, {"Reshape", attrs{}}}, []int{2, 3}},
		{"sum of one", 13, []int{2, 1}, "ReduceSum", nil, []*graph.Tensor{graph.Ints([]int64{1}, 1)}, []node{{"Identity", attrs{}}}, []int{2, 1}},
		{"transpose of ones", 13, []int{1, 3, 1}, "Transpose", nil, nil, []node{{"Identity", attrs{}}}, []int{1, 3, 1}},
		{"transpose", 13, []int{2, 3}, "Transpose", nil, nil, []node{{"Transpose", attrs{"perm": []int64{1, 0}}}}, []int{3, 2}},
		{"vector times matrix", 13, []int{3}, "MatMul", nil, []*graph.Tensor{ramp(3, 2)}, []node{{"Reshape", attrs{}}, {"MatMul", attrs{}}, {"Reshape", attrs{}}}, []int{2}},
		{"gemm", 13, []int{3, 2}, "Gemm", attrs{"transA": int64(1)}, []*graph.Tensor{ramp(3, 2)},
			[]node{{"Gemm", attrs{"transA": int64(1), "transB": int64(0), "alpha": float32(1), "beta": float32(1)}}}, []int{2, 2}},
		{"sum", 13, []int{2, 1}, "Sum", nil, []*graph.Tensor{ramp(3), ramp(1)}, []node{{"Add", attrs{}}, {"Add", attrs{}}}, []int{2, 3}},
		{"dropout", 7, []int{2}, "Dropout", attrs{"ratio": float32(0.5)}, nil, []node{{"Identity", attrs{}}}, []int{2}},
		{"gather", 13, []int{3, 2}, "Gather", attrs{"axis": int64(-1)}, []*graph.Tensor{graph.Ints([]int64{-1})}, []node{{"Gather", attrs{"axis": int64(1)}}}, []int{3}},
		{"elu", 13, []int{3}, "Elu", nil, nil, []node{{"Elu", attrs{"alpha": float32(1)}}}, []int{3}},
	} {
		b := build(c.opset, c.x...)
		in := []string{"x"}
		for i, tensor := range c.in {
			name := ""
			if tensor != nil {
				name = string(rune('b' + i))
				b.fixed(name, tensor)
			}
			in = append(in, name)
		}
		s := b.node(c.op, "y", c.a, in...).specialize(t, graph.Options{})
		var got []node
		for _, n := range s.Graph.Nodes {
			got = append(got, node{n.Op, n.Attrs})
			if n.Op == "Reshape" && len(s.Graph.Consts[n.Inputs[1]].I64) != len(s.Shapes[n.Outputs[0]]) {
				t.Errorf("%s: Reshape without its shape", c.name)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		if !slices.Equal(s.Shapes["y"], c.shape) || !slices.Equal(s.Graph.Outputs[0].Dims, c.shape) {
			t.Errorf("%s: shape %v, want %v", c.name, s.Shapes["y"], c.shape)
		}
		if y := run(t, s); !slices.Equal(y.Dims, c.shape) {
			t.Errorf("%s: it gives shape %v, want %v", c.name, y.Dims, c.shape)
		}
	}
}

// TestSplit checks that every output of a Split is a Slice, and that an
// output that is the whole or not wanted is nothing.
func TestSplit(t *testing.T) {
	b := build(13, 2, 5).ints("parts", 2, 0, 3)
	b.Nodes = append(b.Nodes, graph.Node{Op: "Split", Inputs: []string{"x", "parts"}, Outputs: []string{"p", "", "q"}, Attrs: attrs{"axis": int64(1)}})
	b.node("Concat", "y", attrs{"axis": int64(1)}, "q", "p")
	s := b.specialize(t, graph.Options{})
	if diff := cmp.Diff([]string{"Slice", "Slice", "Concat"}, ops(s)); diff != "" {
		t.Error(diff)
	}
	x, y := ramp(2, 5).F32, run(t, s).F32
	if want := slices.Concat(x[2:5], x[:2], x[7:], x[5:7]); !slices.Equal(y, want) {
		t.Errorf("%v, want %v", y, want)
	}
}

// TestOutputNames checks the names of outputs that are but other values.
func TestOutputNames(t *testing.T) {
	b := build(13, 2)
	b.node("Relu", "r", nil, "x").node("Identity", "y", nil, "r").node("Dropout", "z", nil, "r").node("Identity", "w", nil, "x")
	b.Outputs = append(b.Outputs, graph.Value{Name: "z"}, graph.Value{Name: "w"})
	s := b.specialize(t, graph.Options{})
	values, err := graph.Interpret(s, map[string]*graph.Tensor{"x": graph.Floats([]float32{-1, 2}, 2)})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]float32{"y": {0, 2}, "z": {0, 2}, "w": {-1, 2}} {
		if !slices.Equal(values[name].F32, want) {
			t.Errorf("%s is %v, want %v", name, values[name].F32, want)
		}
	}
	if s.Graph.Nodes[0].Op != "Relu" || s.Graph.Nodes[0].Outputs[0] != "y" {
		t.Errorf("the maker does not make the output: %v", s.Graph.Nodes)
	}
}

// TestRefused checks what is not supported or contradicts itself, and that
// the error says where.
func TestRefused(t *testing.T) {
	zero := graph.Ints([]int64{0}, 1)
	for _, c := range []struct {
		name  string
		opset int
		x     []int
		op    string
		a     attrs
		in    []*graph.Tensor
		want  string // part of an UnsupportedError, or empty for corrupt
	}{
		{"unknown", 13, []int{2}, "Resize", nil, nil, "not supported"},
		{"training", 13, []int{2, 2}, "BatchNormalization", attrs{"training_mode": int64(1)}, []*graph.Tensor{ramp(2), ramp(2), ramp(2), ramp(2)}, "evaluation mode"},
		{"too large", 13, []int{2}, "Expand", nil, []*graph.Tensor{graph.Ints([]int64{1 << 30, 1 << 30, 2}, 3)}, "elements"},
		{"auto_pad", 13, []int{1, 1, 4}, "MaxPool", attrs{"kernel_shape": []int64{2}, "auto_pad": "CLEVER"}, nil, "auto_pad"},
		{"blind window", 13, []int{1, 1, 4}, "MaxPool", attrs{"kernel_shape": []int64{2}, "pads": []int64{2, 0}}, nil, "sees nothing"},
		{"pad mode", 13, []int{2}, "Pad", attrs{"mode": "wrap"}, []*graph.Tensor{graph.Ints([]int64{0, 0}, 2)}, "mode"},
		{"axis", 13, []int{2, 2}, "Softmax", attrs{"axis": int64(2)}, nil, ""},
		{"axis of a scalar", 13, []int{}, "Concat", attrs{"axis": int64(0)}, nil, ""},
		{"permutation", 13, []int{2, 2}, "Transpose", attrs{"perm": []int64{0, 0}}, nil, ""},
		{"reshape", 13, []int{2, 2}, "Reshape", nil, []*graph.Tensor{graph.Ints([]int64{3, -1}, 2)}, ""},
		{"two open extents", 13, []int{2, 2}, "Reshape", nil, []*graph.Tensor{graph.Ints([]int64{-1, -1}, 2)}, ""},
		{"squeeze", 13, []int{2}, "Squeeze", nil, []*graph.Tensor{zero}, ""},
		{"axes twice", 13, []int{2}, "Unsqueeze", nil, []*graph.Tensor{graph.Ints([]int64{0, 0}, 2)}, ""},
		{"step", 13, []int{2}, "Slice", nil, []*graph.Tensor{zero, zero, zero, zero}, ""},
		{"index", 13, []int{2}, "Gather", nil, []*graph.Tensor{graph.Ints([]int64{2}, 1)}, ""},
		{"shapes", 13, []int{2, 3}, "Add", nil, []*graph.Tensor{ramp(2)}, ""},
		{"types", 13, []int{2}, "Add", nil, []*graph.Tensor{zero}, ""},
		{"inner extents", 13, []int{2, 3}, "MatMul", nil, []*graph.Tensor{ramp(2, 3)}, ""},
		{"groups", 13, []int{1, 3, 4}, "Conv", attrs{"group": int64(2)}, []*graph.Tensor{ramp(2, 1, 1)}, ""},
		{"strides", 13, []int{1, 1, 4}, "Conv", attrs{"strides": []int64{0}}, []*graph.Tensor{ramp(1, 1, 1)}, ""},
		{"small", 13, []int{1, 1, 2}, "Conv", nil, []*graph.Tensor{ramp(1, 1, 3)}, ""},
		{"split", 11, []int{4}, "Split", attrs{"split": []int64{1, math.MaxInt64}}, nil, ""},
		{"reflection", 13, []int{2}, "Pad", attrs{"mode": "reflect"}, []*graph.Tensor{graph.Ints([]int64{2, 0}, 2)}, ""},
		{"too few inputs", 13, []int{2}, "MatMul", nil, nil, ""},
		{"absent input", 13, []int{2}, "MatMul", nil, []*graph.Tensor{nil}, ""},
		{"quantized scale", 13, []int{2, 3}, "QuantizeLinear", nil, []*graph.Tensor{ramp(2)}, ""},
	} {
		b := build(c.opset, c.x...)
		in := []string{"x"}
		for i, tensor := range c.in {
			name := ""
			if tensor != nil {
				name = string(rune('b' + i))
				b.fixed(name, tensor)
			}
			in = append(in, name)
		}
		_, err := graph.Specialize(b.node(c.op, "y", c.a, in...).Graph, nil, graph.Options{})
		var un *graph.UnsupportedError
		switch {
		case err == nil:
			t.Errorf("%s: no error", c.name)
		case c.want == "" && !errors.Is(err, graph.ErrCorrupt):
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (!errors.As(err, &un) || un.Op != c.op || un.Node != "y" || un.Opset != c.opset || !strings.Contains(un.Reason, c.want)):
			t.Errorf("%s: %v", c.name, err)
		case !strings.Contains(err.Error(), `"y"`):
			t.Errorf("%s: the error does not name the node: %v", c.name, err)
		}
	}
}

// TestShapesGiven checks the shapes that a caller gives.
func TestShapesGiven(t *testing.T) {
	b := build(13, -1, 3).node("Relu", "y", nil, "x")
	if _, err := graph.Specialize(b.Graph, nil, graph.Options{}); err == nil || !strings.Contains(err.Error(), "give the input's shape") {
		t.Errorf("an open shape: %v", err)
	}
	for _, shape := range [][]int{{1}, {-1, 3}, {1 << 20, 1 << 20}} {
		if _, err := graph.Specialize(b.Graph, map[string][]int{"x": shape}, graph.Options{}); err == nil {
			t.Errorf("shape %v is taken", shape)
		}
	}
	if _, err := graph.Specialize(b.Graph, map[string][]int{"z": {1}}, graph.Options{}); err == nil {
		t.Error("an input that is not there is taken")
	}
	s, err := graph.Specialize(b.Graph, map[string][]int{"x": {7, 3}}, graph.Options{})
	if err != nil || !slices.Equal(s.Shapes["y"], []int{7, 3}) {
		t.Errorf("%v, %v", s, err)
	}
}
