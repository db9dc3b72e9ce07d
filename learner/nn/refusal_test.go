package nn

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// networkOf returns a graph of the nodes with an input x and an output y.
func networkOf(consts map[string]*graph.Tensor, nodes ...graph.Node) *graph.Graph {
	return &graph.Graph{Opset: 21, Consts: consts, Nodes: nodes,
		Inputs: []graph.Value{{Name: "x", Type: graph.Float32}}, Outputs: []graph.Value{{Name: "y", Type: graph.Float32}}}
}

func nodeOf(op string, a attrs, out string, in ...string) graph.Node {
	return graph.Node{Name: op, Op: op, Inputs: in, Outputs: []string{out}, Attrs: a}
}

// TestRightOrRefused runs graphs of a form that a careless reader takes for
// another. They give the right result or a typed error.
func TestRightOrRefused(t *testing.T) {
	square := graph.Floats([]float32{1, 0, 0, 1}, 2, 2)
	for _, c := range []struct {
		name string
		g    *graph.Graph
		in   []int
		x    []float32
		want []float32 // nil: refused
	}{
		{"a bias per row of as many rows as columns", networkOf(map[string]*graph.Tensor{"w": square, "b": graph.Floats([]float32{10, 20}, 2, 1)},
			nodeOf("Gemm", nil, "y", "x", "w", "b")), []int{2, 2}, []float32{1, 2, 3, 4}, nil},
		{"a column and a row", networkOf(map[string]*graph.Tensor{"w": graph.Floats([]float32{1}, 1, 1)},
			nodeOf("Gemm", nil, "p", "x", "w"), nodeOf("Transpose", nil, "r", "x"), nodeOf("Add", nil, "y", "p", "r")),
			[]int{2, 1}, []float32{1, 10}, []float32{2, 11, 11, 20}},
		{"powers of two inputs", networkOf(map[string]*graph.Tensor{"e": graph.Floats([]float32{2, 3}, 2)},
			nodeOf("Pow", nil, "y", "x", "e")), []int{1, 2}, []float32{2, 2}, nil},
		{"the other form of Gelu between bytes", networkOf(map[string]*graph.Tensor{"s": graph.Floats([]float32{.1})},
			nodeOf("QuantizeLinear", nil, "q", "x", "s"), nodeOf("DequantizeLinear", nil, "d", "q", "s"),
			nodeOf("Gelu", attrs{"approximate": "tanh"}, "g", "d"),
			nodeOf("QuantizeLinear", nil, "r", "g", "s"), nodeOf("DequantizeLinear", nil, "y", "r", "s")), []int{1, 2}, []float32{1, 2}, nil},
		{"operands of three and four axes", networkOf(map[string]*graph.Tensor{"w": graph.Floats([]float32{1, 2}, 2, 1, 1), "four": graph.Ints([]int64{1, 2, 1, 1}, 4)},
			nodeOf("Conv", nil, "c", "x", "w"), nodeOf("Reshape", nil, "r", "x", "four"), nodeOf("Add", nil, "y", "c", "r")),
			[]int{1, 1, 2}, []float32{1, 2}, []float32{2, 3, 3, 5, 3, 4, 4, 6}},
		{"signed bytes without a zero point", networkOf(map[string]*graph.Tensor{"s": graph.Floats([]float32{.5})},
			nodeOf("QuantizeLinear", attrs{"output_dtype": int64(graph.Int8)}, "q", "x", "s"), nodeOf("DequantizeLinear", nil, "y", "q", "s")),
			[]int{1, 3}, []float32{-100, -1, 100}, []float32{-64, -1, 63.5}},
		{"one number through bytes", networkOf(map[string]*graph.Tensor{"s": graph.Floats([]float32{.5})},
			nodeOf("QuantizeLinear", nil, "q", "x", "s"), nodeOf("DequantizeLinear", nil, "y", "q", "s")), []int{}, []float32{1.6}, []float32{1.5}},
		{"an infinite scale", networkOf(map[string]*graph.Tensor{"s": graph.Floats([]float32{float32(math.Inf(1))})},
			nodeOf("QuantizeLinear", nil, "q", "x", "s"), nodeOf("DequantizeLinear", nil, "y", "q", "s")), []int{1}, []float32{1}, nil},
		{"bytes as the output", networkOf(map[string]*graph.Tensor{"s": graph.Floats([]float32{1})},
			nodeOf("QuantizeLinear", nil, "y", "x", "s")), []int{1}, []float32{1}, nil},
		{"a window that reaches far", networkOf(nil,
			nodeOf("MaxPool", attrs{"kernel_shape": []int64{1 << 30, 1 << 30}, "strides": []int64{1 << 30, 1 << 30},
				"pads": []int64{1<<30 - 1, 1<<30 - 1, 0, 0}}, "y", "x")), []int{1, 1, 2, 2}, []float32{1, 2, 3, 4}, nil},
		{"padding that reaches far", networkOf(map[string]*graph.Tensor{"w": graph.Floats([]float32{1, 2}, 1, 1, 1, 2)},
			nodeOf("Conv", attrs{"dilations": []int64{1, 1 << 30}, "pads": []int64{0, 1 << 30, 0, 0}}, "y", "x", "w")),
			[]int{1, 1, 2, 2}, []float32{1, 2, 3, 4}, nil},
		{"a stride that is never made", networkOf(map[string]*graph.Tensor{"w": graph.Floats([]float32{1, 2}, 1, 1, 1, 2)},
			nodeOf("Conv", attrs{"strides": []int64{math.MaxInt32, math.MaxInt32}}, "y", "x", "w")),
			[]int{1, 1, 2, 2}, []float32{1, 2, 3, 4}, []float32{5}},
		{"a tile of many pieces", networkOf(map[string]*graph.Tensor{"r": graph.Ints([]int64{1 << 30, 2}, 2)},
			nodeOf("Tile", nil, "y", "x", "r")), []int{1, 2}, []float32{1, 2}, nil},
		{"a computed condition", networkOf(nil,
			nodeOf("Greater", nil, "c", "x", "x"), nodeOf("Where", nil, "y", "c", "x", "x")), []int{1, 2}, []float32{1, 2}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Compile(c.g, c.in, Options{Workers: 1})
			if c.want == nil {
				if _, ok := errors.AsType[*graph.UnsupportedError](err); !ok {
					t.Fatalf("error %v, want an UnsupportedError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if y := p.Forward(c.x); !slices.Equal(y, c.want) {
				t.Errorf("%v, want %v", y, c.want)
			}
			if _, ok := p.Quantized(); ok {
				p.Bytes(make([]uint8, len(c.want)))
			}
		})
	}
}

// TestNothingToTrain: a freeze line above everything leaves nothing to train,
// which is an error and not a panic in the first step.
func TestNothingToTrain(t *testing.T) {
	g := networkOf(map[string]*graph.Tensor{"w": graph.Floats(normal(rand.New(rand.NewPCG(1, 1)), 4), 2, 2)}, nodeOf("Gemm", nil, "y", "x", "w"))
	g.Inputs[0].Dims = []int{-1, 2}
	o := TrainOptions{Batch: 1, Loss: CrossEntropy{}, Optimizer: Optimizer{LearningRate: .1}, Freeze: "y"}
	if _, err := NewTrainer(g, o); err == nil {
		t.Error("a trainer of nothing")
	}
	o.Freeze = "x"
	if _, err := NewTrainer(g, o); err != nil {
		t.Error(err)
	}
}
