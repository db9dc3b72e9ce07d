package graph_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/cputime"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// seeds returns small sound graphs that together have every operator.
func seeds() []*graph.Graph {
	x := []int{2, 4, 6, 6}
	net := build(13, x...).param("w", ramp(4, 2, 3, 3)).param("b", ramp(4)).param("v", graph.Floats([]float32{1, 2, 3, 4}, 4))
	net.node("Conv", "c", attrs{"group": int64(2), "pads": []int64{1, 1, 1, 1}, "strides": []int64{2, 2}}, "x", "w", "b")
	net.node("BatchNormalization", "n", nil, "c", "b", "b", "b", "v").node("Sigmoid", "s", nil, "n").node("Mul", "m", nil, "n", "s")
	net.node("MaxPool", "p", attrs{"kernel_shape": []int64{2, 2}, "ceil_mode": int64(1), "auto_pad": "SAME_UPPER"}, "m")
	net.node("AveragePool", "q", attrs{"kernel_shape": []int64{2, 2}, "pads": []int64{1, 0, 0, 1}, "count_include_pad": int64(1), "ceil_mode": int64(1)}, "p")
	net.node("GlobalAveragePool", "g", nil, "q").node("Flatten", "f", nil, "g")
	net.param("k", ramp(3, 4)).node("Gemm", "y", attrs{"transB": int64(1)}, "f", "k")

	norm := build(11, 2, 3, 4).param("g", ramp(4)).param("w", ramp(4, 5)).param("b", ramp(5))
	norm.fixed("e", graph.Floats([]float32{1e-5})).fixed("two", graph.Floats([]float32{2})).fixed("r", graph.Floats([]float32{math.Sqrt2}))
	norm.fixed("one", graph.Floats([]float32{1})).fixed("half", graph.Floats([]float32{0.5}))
	norm.node("ReduceMean", "m", attrs{"axes": []int64{-1}}, "x").node("Sub", "d", nil, "x", "m").node("Pow", "p", nil, "d", "two")
	norm.node("ReduceMean", "v", attrs{"axes": []int64{-1}}, "p").node("Add", "a", nil, "v", "e").node("Sqrt", "s", nil, "a")
	norm.node("Div", "q", nil, "d", "s").node("Mul", "h", nil, "q", "g").node("Add", "l", nil, "h", "g")
	norm.node("MatMul", "t", nil, "l", "w").node("Add", "u", nil, "t", "b").node("Div", "i", nil, "u", "r").node("Erf", "o", nil, "i")
	norm.node("Add", "j", nil, "o", "one").node("Mul", "k", nil, "u", "j").node("Mul", "z", nil, "k", "half")
	norm.node("Softmax", "y", attrs{"axis": int64(1)}, "z")

	shape := build(13, 2, 3, 4).ints("i0", 0).ints("i1", 1).ints("i2", 2).ints("m1", -1).ints("pads", 0, 1, -1, 0, 0, 1).ints("parts", 1, 2)
	shape.node("Shape", "s", nil, "x").node("Gather", "b", attrs{"axis": int64(0)}, "s", "i0").node("Concat", "t", attrs{"axis": int64(0)}, "b", "m1")
	shape.node("Reshape", "r", nil, "x", "t").node("Transpose", "p", attrs{"perm": []int64{1, 0}}, "r").node("Unsqueeze", "u", nil, "p", "i0")
	shape.node("Pad", "q", attrs{"mode": "constant"}, "u", "pads").node("Slice", "c", nil, "q", "i0", "m1", "m1", "i1").node("Squeeze", "z", nil, "c", "i0")
	shape.node("ConstantOfShape", "o", nil, "t2").ints("t2", 1, 2).node("Tile", "l", nil, "o", "i22").ints("i22", 13, 1)
	shape.node("Max", "k", nil, "l", "z").node("Expand", "e", nil, "k", "i0e").ints("i0e", 2, 1, 1).node("ReduceSum", "v", attrs{"keepdims": int64(0)}, "e", "i0")
	shape.Nodes = append(shape.Nodes, graph.Node{Op: "Split", Inputs: []string{"v", "sp"}, Outputs: []string{"v0", "v1"}, Attrs: attrs{"axis": int64(0)}})
	shape.ints("sp", 6, 7).node("Concat", "y", attrs{"axis": int64(0)}, "v1", "v0")

	mask := build(13, 4, 4).fixed("f", graph.Floats([]float32{0})).fixed("lim", graph.Ints([]int64{4})).fixed("z", graph.Ints([]int64{0})).fixed("d", graph.Ints([]int64{1}))
	mask.node("Range", "r", nil, "z", "lim", "d").ints("a1", 1).ints("two", 2).node("Mod", "m", nil, "r", "two").node("Unsqueeze", "c", nil, "m", "a1")
	mask.node("Equal", "e", nil, "m", "c").node("Not", "n", nil, "e").node("Where", "w", nil, "n", "x", "f").ints("s2", 4, 4)
	mask.node("ConstantOfShape", "o", attrs{"value": graph.Floats([]float32{1}, 1)}, "s2").fixed("at", graph.Ints([]int64{0, 1, 2, 3}, 2, 2)).fixed("up", ramp(2))
	mask.node("ScatterND", "k", nil, "o", "at", "up").node("Cast", "b", attrs{"to": int64(9)}, "k").node("Cast", "g", attrs{"to": int64(1)}, "b")
	mask.node("Clip", "h", nil, "g", "", "lo").fixed("lo", graph.Floats([]float32{0.5})).node("Dropout", "i", nil, "h").node("Mul", "q", nil, "w", "i")
	mask.fixed("qs", graph.Floats([]float32{0.1, 0.2, 0.3, 0.4}, 4)).fixed("qz", &graph.Tensor{Type: graph.Uint8, Dims: []int{4}, U8: []uint8{1, 2, 3, 4}})
	mask.node("QuantizeLinear", "ql", attrs{"axis": int64(-1)}, "q", "qs", "qz").node("DequantizeLinear", "dq", attrs{"axis": int64(-1)}, "ql", "qs", "qz")
	mask.node("LayerNormalization", "ln", attrs{"axis": int64(-1)}, "dq", "qs").node("LeakyRelu", "y", attrs{"alpha": float32(0.2)}, "ln")
	return []*graph.Graph{net.Graph, norm.Graph, shape.Graph, mask.Graph}
}

func TestSeedsAreSound(t *testing.T) {
	for i, g := range seeds() {
		if _, err := graph.Specialize(g, nil, graph.Options{}); err != nil {
			t.Errorf("graph %d: %v", i, err)
		}
	}
}

// damage changes one thing of a graph.
func damage(t *rapid.T, g *graph.Graph) {
	number := rapid.OneOf(rapid.Int64Range(-3, 9), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, math.MaxInt32, math.MinInt32, 1 << 40, 1 << 20}))
	n := &g.Nodes[rapid.IntRange(0, len(g.Nodes)-1).Draw(t, "node")]
	consts := slices.Sorted(maps.Keys(g.Consts))
	switch rapid.IntRange(0, 7).Draw(t, "damage") {
	case 0, 1: // an attribute
		names := append(slices.Sorted(maps.Keys(n.Attrs)), "axis", "axes", "pads", "kernel_shape", "group", "keepdims", "perm", "to", "start", "end", "fmod", "transA", "allowzero", "dilations")
		var v graph.Attr
		switch rapid.IntRange(0, 4).Draw(t, "type") {
		case 0, 1:
			v = number.Draw(t, "int")
		case 2, 3:
			v = rapid.SliceOfN(number, 0, 6).Draw(t, "ints")
		default:
			v = rapid.SampledFrom([]graph.Attr{float32(math.NaN()), "SAME_LOWER", "reflect", (*graph.Tensor)(nil), &graph.Tensor{Type: graph.Int64, Dims: []int{5}}}).Draw(t, "other")
		}
		n.Attrs[rapid.SampledFrom(names).Draw(t, "name")] = v
	case 2: // an input
		if len(n.Inputs) > 0 {
			n.Inputs[rapid.IntRange(0, len(n.Inputs)-1).Draw(t, "input")] = rapid.SampledFrom(append(consts, "x", "", "nothing", "s", "c")).Draw(t, "name")
		}
	case 3: // the number of inputs
		n.Inputs = append(slices.Clone(n.Inputs), "x", "x", "x")[:rapid.IntRange(0, len(n.Inputs)+3).Draw(t, "inputs")]
	case 4: // the elements of a constant
		c := *g.Consts[rapid.SampledFrom(consts).Draw(t, "const")]
		if len(c.I64) > 0 {
			c.I64 = slices.Clone(c.I64)
			c.I64[rapid.IntRange(0, len(c.I64)-1).Draw(t, "element")] = number.Draw(t, "value")
			for k := range g.Consts {
				if g.Consts[k].Type == graph.Int64 && slices.Equal(g.Consts[k].Dims, c.Dims) {
					g.Consts[k] = &c
					break
				}
			}
		}
	case 5: // a constant altogether
		v := rapid.SliceOfN(number, 0, 6).Draw(t, "elements")
		g.Consts[rapid.SampledFrom(consts).Draw(t, "const")] = rapid.SampledFrom([]*graph.Tensor{
			graph.Ints(v, len(v)), graph.Ints(nil, len(v)), graph.Ints(v, 1, len(v)), graph.Ints([]int64{3}), graph.Floats([]float32{2}), ramp(2, 3), ramp(4), {Type: 99},
		}).Draw(t, "tensor")
	case 6: // the operator
		n.Op = g.Nodes[rapid.IntRange(0, len(g.Nodes)-1).Draw(t, "like")].Op
	case 7: // the shape of the input, or the opset
		g.Inputs[0].Dims = rapid.SliceOfN(rapid.IntRange(-1, 6), 0, 5).Draw(t, "dims")
		g.Opset = rapid.IntRange(7, 21).Draw(t, "opset")
	}
}

// exercise runs every pass on a graph and checks what must hold if it was
// taken.
func exercise(t interface{ Fatalf(string, ...any) }, g *graph.Graph) {
	for _, o := range []graph.Options{{}, {KeepParams: true}, {KeepQDQ: true}} {
		s, err := graph.Specialize(g, nil, o)
		if err != nil {
			var un *graph.UnsupportedError
			if !errors.Is(err, graph.ErrCorrupt) && !errors.As(err, &un) {
				t.Fatalf("an error of another kind: %v", err)
			}
			continue
		}
		consistent(t, s)
		graph.FoldBatchNorm(s)
		graph.Fuse(s)
		consistent(t, s)
		graph.Count(s)
		for _, p := range graph.CutPoints(s) {
			front, back, err := graph.Split(s, p.Value)
			if err != nil {
				t.Fatalf("%v", err)
			}
			consistent(t, front)
			consistent(t, back)
		}
		if _, err := graph.Head(s); err != nil {
			var un *graph.UnsupportedError
			if !errors.As(err, &un) {
				t.Fatalf("an error of another kind: %v", err)
			}
		}
	}
}

// consistent checks that values are made before they are used and have
// shapes.
func consistent(t interface{ Fatalf(string, ...any) }, s *graph.Static) {
	made := map[string]bool{}
	for _, in := range s.Graph.Inputs {
		made[in.Name] = true
	}
	for name, c := range s.Graph.Consts {
		made[name] = true
		if !slices.Equal(c.Dims, s.Shapes[name]) || c.Type != s.Types[name] {
			t.Fatalf("constant %s has shape %v, said is %v", name, c.Dims, s.Shapes[name])
		}
	}
	for _, n := range s.Graph.Nodes {
		if len(n.Outputs) != 1 || n.Attrs == nil {
			t.Fatalf("node %v", n)
		}
		for _, in := range n.Inputs {
			if in != "" && !made[in] {
				t.Fatalf("node %s %s reads %s, which is not there", n.Op, n.Label(), in)
			}
		}
		if _, ok := s.Shapes[n.Outputs[0]]; !ok {
			t.Fatalf("value %s has no shape", n.Outputs[0])
		}
		made[n.Outputs[0]] = true
	}
	for _, o := range s.Graph.Outputs {
		if !made[o.Name] {
			t.Fatalf("output %s is not made", o.Name)
		}
	}
}

func TestDamagedGraphs(t *testing.T) {
	originals := seeds()
	rapid.Check(t, func(t *rapid.T) {
		g := originals[rapid.IntRange(0, len(originals)-1).Draw(t, "graph")].Clone()
		for range rapid.IntRange(1, 4).Draw(t, "times") {
			damage(t, g)
		}
		exercise(t, g)
	})
}

func TestDamagedGoldens(t *testing.T) {
	var originals []*graph.Graph
	for _, name := range []string{"convzoo", "swin", "shufflenet_folded_nofold", "vit_op11"} {
		originals = append(originals, read(t, filepath.Join("golden", name+".onnx")))
	}
	rapid.Check(t, func(t *rapid.T) {
		g := originals[rapid.IntRange(0, len(originals)-1).Draw(t, "graph")].Clone()
		damage(t, g)
		exercise(t, g)
	})
}

// TestBombs checks that small graphs cannot ask for much memory or work.
func TestBombs(t *testing.T) {
	grow := build(13, 1).ints("s", 1<<14, 1<<14).fixed("f", graph.Floats([]float32{1})).node("Expand", "y", nil, "f", "s")
	many := build(13, 1).ints("s", 1<<20)
	many.node("ConstantOfShape", "v0", nil, "s")
	for i := range 1000 {
		many.node("Neg", fmt.Sprintf("v%d", i+1), nil, fmt.Sprintf("v%d", i))
	}
	many.node("Add", "y", nil, "x", "v1000")
	reads := build(13, 1).ints("s", 1<<22).node("ConstantOfShape", "v", nil, "s")
	for i := range 1000 {
		reads.node("ReduceSum", fmt.Sprintf("r%d", i), nil, "v")
	}
	reads.node("Add", "y", nil, "x", "r999")
	double := build(13, 1<<20)
	last := "x"
	for i := range 20 {
		next := fmt.Sprintf("v%d", i)
		double.node("Concat", next, attrs{"axis": int64(0)}, last, last)
		last = next
	}
	double.node("Relu", "y", nil, last)
	for name, b := range map[string]builder{"one constant": grow, "many constants": many, "much reading": reads, "doubled": double} {
		start := cputime.Used() // not the clock's: other programs may have the processors
		_, err := graph.Specialize(b.Graph, nil, graph.Options{})
		var un *graph.UnsupportedError
		if !errors.As(err, &un) || un.Op == "" {
			t.Errorf("%s: %v", name, err)
		}
		if d := cputime.Used() - start; d > 20*time.Second {
			t.Errorf("%s: it took %v to refuse", name, d)
		}
	}
}
