package graph_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestFoldedConstants evaluates one node of constants a, b, c.
func TestFoldedConstants(t *testing.T) {
	f := func(v ...float32) *graph.Tensor { return graph.Floats(v, len(v)) }
	i := func(v ...int64) *graph.Tensor { return graph.Ints(v, len(v)) }
	one := func(v int64) *graph.Tensor { return graph.Ints([]int64{v}) }
	yes := func(v ...bool) *graph.Tensor { return &graph.Tensor{Type: graph.Bool, Dims: []int{len(v)}, Bool: v} }
	i32 := func(v ...int32) *graph.Tensor { return &graph.Tensor{Type: graph.Int32, Dims: []int{len(v)}, I32: v} }
	i8 := func(v ...int8) *graph.Tensor { return &graph.Tensor{Type: graph.Int8, Dims: []int{len(v)}, I8: v} }
	grid := graph.Ints([]int64{1, 2, 3, 4, 5, 6}, 2, 3)
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		op   string
		a    attrs
		in   []*graph.Tensor
		want *graph.Tensor
	}{
		{"Add", nil, []*graph.Tensor{grid, i(10, 20, 30)}, graph.Ints([]int64{11, 22, 33, 14, 25, 36}, 2, 3)},
		{"Sub", nil, []*graph.Tensor{f(1, 2), f(0.5, 4)}, f(0.5, -2)},
		{"Mul", nil, []*graph.Tensor{i32(1<<20, 3), i32(1<<20, -3)}, i32(0, -9)},
		{"Div", nil, []*graph.Tensor{i(7, -7), i(2, 2)}, i(3, -3)},
		{"Mod", nil, []*graph.Tensor{i(7, -7, 7, -7), i(3, 3, -3, -3)}, i(1, 2, -2, -1)},
		{"Mod", attrs{"fmod": int64(1)}, []*graph.Tensor{i(7, -7, 7), i(3, 3, -3)}, i(1, -1, 1)},
		{"Pow", nil, []*graph.Tensor{i(2, -3), one(3)}, i(8, -27)},
		{"Pow", nil, []*graph.Tensor{f(2, 9), f(0.5, 0.5)}, f(float32(math.Sqrt2), 3)},
		{"Max", nil, []*graph.Tensor{i(1, 5), i(3, 2), i(2, 2)}, i(3, 5)},
		{"Min", nil, []*graph.Tensor{f(1, 5), f(3, 2)}, f(1, 2)},
		{"Neg", nil, []*graph.Tensor{i(1, -5)}, i(-1, 5)},
		{"Abs", nil, []*graph.Tensor{i8(1, -5)}, i8(1, 5)},
		{"Sqrt", nil, []*graph.Tensor{f(4, 2)}, f(2, float32(math.Sqrt2))},
		{"Clip", nil, []*graph.Tensor{i(-5, 5, 1), one(-1), one(2)}, i(-1, 2, 1)},
		{"Equal", nil, []*graph.Tensor{i(1, 2), i(1, 3)}, yes(true, false)},
		{"Less", nil, []*graph.Tensor{f(1, 2), f(2, 2)}, yes(true, false)},
		{"GreaterOrEqual", nil, []*graph.Tensor{f(1, 2), f(2, 2)}, yes(false, true)},
		{"And", nil, []*graph.Tensor{yes(true, true), yes(true, false)}, yes(true, false)},
		{"Or", nil, []*graph.Tensor{yes(false, true), yes(false, false)}, yes(false, true)},
		{"Xor", nil, []*graph.Tensor{yes(true, true), yes(true, false)}, yes(false, true)},
		{"Not", nil, []*graph.Tensor{yes(true, false)}, yes(false, true)},
		{"Where", nil, []*graph.Tensor{yes(true, false, true), grid, one(0)}, graph.Ints([]int64{1, 0, 3, 4, 0, 6}, 2, 3)},
		{"Cast", attrs{"to": int64(graph.Int64)}, []*graph.Tensor{f(1.9, -1.9, inf, float32(math.NaN()))}, i(1, -1, math.MaxInt64, 0)},
		{"Cast", attrs{"to": int64(graph.Bool)}, []*graph.Tensor{i(0, 7)}, yes(false, true)},
		{"Cast", attrs{"to": int64(graph.Float32)}, []*graph.Tensor{yes(false, true)}, f(0, 1)},
		{"Cast", attrs{"to": int64(graph.Uint8)}, []*graph.Tensor{i(255, 256)}, &graph.Tensor{Type: graph.Uint8, Dims: []int{2}, U8: []uint8{255, 0}}},
		{"Transpose", nil, []*graph.Tensor{grid}, graph.Ints([]int64{1, 4, 2, 5, 3, 6}, 3, 2)},
		{"Reshape", nil, []*graph.Tensor{grid, i(3, -1)}, graph.Ints([]int64{1, 2, 3, 4, 5, 6}, 3, 2)},
		{"Squeeze", nil, []*graph.Tensor{graph.Ints([]int64{7}, 1, 1)}, one(7)},
		{"Unsqueeze", nil, []*graph.Tensor{one(7), i(0)}, i(7)},
		{"Flatten", attrs{"axis": int64(0)}, []*graph.Tensor{grid}, graph.Ints([]int64{1, 2, 3, 4, 5, 6}, 1, 6)},
		{"Concat", attrs{"axis": int64(-1)}, []*graph.Tensor{i(1, 2), i(), i(3)}, i(1, 2, 3)},
		{"Slice", nil, []*graph.Tensor{i(0, 1, 2, 3, 4), i(-1), i(math.MinInt64), i(0), i(-2)}, i(4, 2, 0)},
		{"Slice", nil, []*graph.Tensor{grid, i(1), i(math.MaxInt64), i(1)}, graph.Ints([]int64{2, 3, 5, 6}, 2, 2)},
		{"Gather", nil, []*graph.Tensor{i(5, 6, 7), one(-1)}, one(7)},
		{"Gather", attrs{"axis": int64(1)}, []*graph.Tensor{grid, i32(2, 0)}, graph.Ints([]int64{3, 1, 6, 4}, 2, 2)},
		{"Expand", nil, []*graph.Tensor{i(1, 2), i(2, 1)}, graph.Ints([]int64{1, 2, 1, 2}, 2, 2)},
		{"Tile", nil, []*graph.Tensor{i(1, 2), i(2)}, i(1, 2, 1, 2)},
		{"Range", nil, []*graph.Tensor{one(1), one(7), one(3)}, i(1, 4)},
		{"Range", nil, []*graph.Tensor{one(3), one(0), one(-1)}, i(3, 2, 1)},
		{"Shape", nil, []*graph.Tensor{grid}, i(2, 3)},
		{"Shape", attrs{"start": int64(-1)}, []*graph.Tensor{grid}, i(3)},
		{"Size", nil, []*graph.Tensor{grid}, one(6)},
		{"ConstantOfShape", nil, []*graph.Tensor{i(2)}, f(0, 0)},
		{"ConstantOfShape", attrs{"value": i(4)}, []*graph.Tensor{i(2)}, i(4, 4)},
		{"ScatterND", nil, []*graph.Tensor{i(1, 2, 3), graph.Ints([]int64{-1, 0}, 2, 1), i(8, 9)}, i(9, 2, 8)},
		{"Pad", nil, []*graph.Tensor{i(1, 2), i(1, 2), one(9)}, i(9, 1, 2, 9, 9)},
		{"Pad", nil, []*graph.Tensor{i(1, 2, 3), i(-1, 1)}, i(2, 3, 0)},
		{"Pad", attrs{"mode": "reflect"}, []*graph.Tensor{i(1, 2, 3), i(2, 1)}, i(3, 2, 1, 2, 3, 2)},
		{"Pad", attrs{"mode": "edge"}, []*graph.Tensor{i(1, 2, 3), i(2, 1)}, i(1, 1, 1, 2, 3, 3)},
		{"ReduceSum", attrs{"keepdims": int64(0)}, []*graph.Tensor{grid, i(1)}, i(6, 15)},
		{"ReduceMean", attrs{"axes": []int64{0}}, []*graph.Tensor{graph.Floats([]float32{1, 2, 3, 4}, 2, 2)}, graph.Floats([]float32{2, 3}, 1, 2)},
		{"ReduceMax", attrs{"keepdims": int64(0)}, []*graph.Tensor{grid}, one(6)},
		{"ReduceMin", attrs{"keepdims": int64(0)}, []*graph.Tensor{grid}, one(1)},
		{"ReduceProd", attrs{"keepdims": int64(0)}, []*graph.Tensor{i(2, 3, 4)}, one(24)},
		{"ReduceL2", attrs{"keepdims": int64(0)}, []*graph.Tensor{f(3, 4)}, graph.Floats([]float32{5})},
		{"DequantizeLinear", nil, []*graph.Tensor{i8(-2, 3), graph.Floats([]float32{0.5})}, f(-1, 1.5)},
		{"QuantizeLinear", nil, []*graph.Tensor{f(-1, 1.3, 1e9), graph.Floats([]float32{0.5}), {Type: graph.Int8, I8: []int8{1}}}, i8(-1, 4, 127)},
	} {
		b := build(13, 1)
		var in []string
		for j, tensor := range c.in {
			name := string(rune('a' + j))
			in = append(in, name)
			b.fixed(name, tensor)
		}
		b.node(c.op, "y", c.a, in...)
		s := b.specialize(t, graph.Options{})
		if len(s.Graph.Nodes) > 0 {
			t.Errorf("%s of constants is left", c.op)
			continue
		}
		if diff := cmp.Diff(c.want, s.Graph.Consts["y"], cmp.Transformer("nil", func(v []int) []int { return append([]int{}, v...) })); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.op, c.a, diff)
		}
		if !s.Graph.Fixed["y"] {
			t.Errorf("%s of fixed constants is trainable", c.op)
		}
	}
}

// TestParams checks what becomes of a trainable weight that a graph
// transforms.
func TestParams(t *testing.T) {
	b := build(13, 2, 3).param("w", ramp(4, 3)).ints("s", 3, 4).fixed("half", graph.Floats([]float32{0.5}))
	b.node("Identity", "w0", nil, "w").node("Transpose", "w1", attrs{"perm": []int64{1, 0}}, "w0")
	b.node("Mul", "w2", nil, "w1", "half").node("MatMul", "y", nil, "x", "w2")
	plain, kept := b.specialize(t, graph.Options{}), b.specialize(t, graph.Options{KeepParams: true})
	if diff := cmp.Diff([]string{"MatMul"}, ops(plain)); diff != "" {
		t.Error(diff)
	}
	if plain.Graph.Fixed["w2"] || plain.Graph.Consts["w2"] == nil {
		t.Error("the folded weight is not there or not trainable")
	}
	if diff := cmp.Diff([]string{"Transpose", "Mul", "MatMul"}, ops(kept)); diff != "" {
		t.Error(diff)
	}
	if kept.Graph.Consts["w"] != b.Consts["w"] || kept.Graph.Nodes[0].Inputs[0] != "w" {
		t.Error("the weight is not there under its own name")
	}
	if d := far(run(t, kept).F32, run(t, plain).F32); d != 0 {
		t.Errorf("off by %g", d)
	}
	for _, s := range []*graph.Static{plain, kept} {
		if params, macs := graph.Total(graph.Count(s)); params != 12 || macs != 24 {
			t.Errorf("%d parameters and %d MACs, want 12 and 24", params, macs)
		}
	}

	// A shape that a weight's values decide is evaluated all the same.
	b = build(13, 1).param("w", graph.Floats([]float32{2, 3}, 2))
	b.node("Neg", "n", nil, "w").node("Abs", "p", nil, "n").node("Cast", "s", attrs{"to": int64(graph.Int64)}, "p").node("Expand", "y", nil, "x", "s")
	if diff := cmp.Diff([]int{2, 3}, b.specialize(t, graph.Options{KeepParams: true}).Graph.Outputs[0].Dims); diff != "" {
		t.Error(diff)
	}
}

// TestKeepQDQ checks that the integers of a quantized weight stay.
func TestKeepQDQ(t *testing.T) {
	b := build(13, 1, 2).fixed("scale", graph.Floats([]float32{0.5, 0.25}, 2))
	b.param("q", &graph.Tensor{Type: graph.Int8, Dims: []int{2, 2}, I8: []int8{1, 2, 3, 4}})
	b.node("DequantizeLinear", "w", attrs{"axis": int64(-1)}, "q", "scale").node("Gemm", "y", nil, "x", "w")
	if diff := cmp.Diff([]string{"Gemm"}, ops(b.specialize(t, graph.Options{}))); diff != "" {
		t.Error(diff)
	}
	s := b.specialize(t, graph.Options{KeepQDQ: true})
	if diff := cmp.Diff([]string{"DequantizeLinear", "Gemm"}, ops(s)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(attrs{"axis": int64(1)}, s.Graph.Nodes[0].Attrs); diff != "" {
		t.Error(diff)
	}
}
