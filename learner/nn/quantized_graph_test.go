package nn

import (
	"fmt"
	"math/rand/v2"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// quantizedGraph builds a graph of operators between QuantizeLinear and
// DequantizeLinear by hand.
type quantizedGraph struct {
	*graph.Graph
	rng   *rand.Rand
	made  int
	sign  bool // activations are int8 with zero points around 0
	scale float32
}

func newQuantizedGraph(rng *rand.Rand, sign bool, in ...int) *quantizedGraph {
	return &quantizedGraph{rng: rng, sign: sign, scale: .02, Graph: &graph.Graph{Opset: 13,
		Consts: map[string]*graph.Tensor{}, Fixed: map[string]bool{},
		Inputs: []graph.Value{{Name: "x", Type: graph.Float32, Dims: in}}}}
}

// name returns a name that is not taken.
func (q *quantizedGraph) name(what string) string {
	q.made++
	return fmt.Sprint(what, q.made)
}

// constant adds a constant.
func (q *quantizedGraph) constant(what string, t *graph.Tensor) string {
	name := q.name(what)
	q.Consts[name] = t
	return name
}

// node adds a node and returns its output.
func (q *quantizedGraph) node(op string, a attrs, in ...string) string {
	name := q.name(op)
	q.Nodes = append(q.Nodes, graph.Node{Name: name, Op: op, Inputs: in, Outputs: []string{name}, Attrs: a})
	return name
}

// through quantizes a value to bytes of the given scale and dequantizes them.
func (q *quantizedGraph) through(value string, scale float32) string {
	zero := &graph.Tensor{Type: graph.Uint8, U8: []uint8{uint8(100 + q.rng.IntN(60))}}
	if q.sign {
		zero = &graph.Tensor{Type: graph.Int8, I8: []int8{int8(q.rng.IntN(60) - 30)}}
	}
	s, z := q.constant("scale", graph.Floats([]float32{scale})), q.constant("zero", zero)
	return q.node("DequantizeLinear", nil, q.node("QuantizeLinear", nil, value, s, z), s, z)
}

// weight adds a constant of signed bytes, with a scale per channel along an
// axis, or one for all if the axis is below 0.
func (q *quantizedGraph) weight(axis int, dims ...int) string {
	w := &graph.Tensor{Type: graph.Int8, Dims: dims, I8: make([]int8, graph.Size(dims))}
	for i := range w.I8 {
		w.I8[i] = int8(q.rng.IntN(255) - 127)
	}
	scale, zero, a := graph.Floats([]float32{.01}), &graph.Tensor{Type: graph.Int8, I8: []int8{0}}, attrs{}
	if axis >= 0 {
		n := dims[axis]
		scale = graph.Floats(make([]float32, n), n)
		zero = &graph.Tensor{Type: graph.Int8, Dims: []int{n}, I8: make([]int8, n)}
		for i := range scale.F32 {
			scale.F32[i] = .004 + .01*q.rng.Float32()
		}
		a["axis"] = int64(axis)
	}
	return q.node("DequantizeLinear", a, q.constant("w", w), q.constant("wscale", scale), q.constant("wzero", zero))
}

// bias adds a constant of int32 with a scale of its own.
func (q *quantizedGraph) bias(n int) string {
	t := &graph.Tensor{Type: graph.Int32, Dims: []int{n}, I32: make([]int32, n)}
	for i := range t.I32 {
		t.I32[i] = int32(q.rng.IntN(2001) - 1000)
	}
	return q.node("DequantizeLinear", nil, q.constant("b", t), q.constant("bscale", graph.Floats([]float32{.0005})))
}

func (q *quantizedGraph) ints(v ...int64) string {
	return q.constant("ints", graph.Ints(v, len(v)))
}

// quantizedCase is one operator between bytes. make returns its result, which
// is then quantized with the scale out.
type quantizedCase struct {
	name string
	in   []int
	out  float32
	make func(q *quantizedGraph, x string) string
}

func i64s(v ...int64) []int64 { return v }

func quantizedCases() []quantizedCase {
	img, flat := []int{2, 5, 6, 7}, []int{3, 10}
	window := attrs{"kernel_shape": i64s(3, 3), "pads": i64s(1, 1, 1, 1), "strides": i64s(2, 1)}
	op := func(name string, a attrs) func(q *quantizedGraph, x string) string {
		return func(q *quantizedGraph, x string) string { return q.node(name, a, x) }
	}
	relu := func(f func(q *quantizedGraph, x string) string) func(q *quantizedGraph, x string) string {
		return func(q *quantizedGraph, x string) string { return q.node("Relu", nil, f(q, x)) }
	}
	// twice is another tensor of bytes, made of x by a function.
	twice := func(q *quantizedGraph, x string) string {
		return q.through(q.node("Tanh", nil, x), .01)
	}
	conv := func(q *quantizedGraph, x string) string {
		return q.node("Conv", attrs{"kernel_shape": i64s(3, 3), "pads": i64s(1, 0, 1, 2), "strides": i64s(1, 2)}, x, q.weight(0, 7, 5, 3, 3), q.bias(7))
	}
	clip := func(lo, hi float32) func(q *quantizedGraph, x string) string {
		return func(q *quantizedGraph, x string) string {
			return q.node("Clip", nil, x, q.constant("lo", graph.Floats([]float32{lo})), q.constant("hi", graph.Floats([]float32{hi})))
		}
	}
	cases := []quantizedCase{
		{"conv", img, .1, conv},
		{"conv, relu", img, .1, relu(conv)},
		{"conv, two clips apart", img, .01, func(q *quantizedGraph, x string) string { return clip(.7, .9)(q, clip(0, .5)(q, conv(q, x))) }},
		{"conv, clip below relu", img, .01, func(q *quantizedGraph, x string) string { return clip(-.9, -.7)(q, relu(conv)(q, x)) }},
		{"conv dilated", img, .1, func(q *quantizedGraph, x string) string {
			return q.node("Conv", attrs{"kernel_shape": i64s(2, 2), "dilations": i64s(3, 2), "pads": i64s(1, 1, 2, 1)}, x, q.weight(-1, 4, 5, 2, 2))
		}},
		{"conv 1x1", img, .05, func(q *quantizedGraph, x string) string {
			return q.node("Conv", nil, x, q.weight(0, 40, 5, 1, 1), q.bias(40))
		}},
		{"conv 1-D", []int{2, 4, 11}, .1, func(q *quantizedGraph, x string) string {
			return q.node("Conv", attrs{"kernel_shape": i64s(5), "pads": i64s(2, 2), "strides": i64s(2)}, x, q.weight(0, 6, 4, 5))
		}},
		{"conv grouped", []int{2, 6, 5, 5}, .1, func(q *quantizedGraph, x string) string {
			return q.node("Conv", attrs{"kernel_shape": i64s(3, 3), "group": int64(3)}, x, q.weight(0, 6, 2, 3, 3), q.bias(6))
		}},
		{"depthwise", []int{2, 19, 6, 6}, .05, func(q *quantizedGraph, x string) string {
			return q.node("Conv", attrs{"kernel_shape": i64s(3, 3), "group": int64(19), "pads": i64s(1, 1, 1, 1)}, x, q.weight(0, 19, 1, 3, 3), q.bias(19))
		}},
		{"gemm", flat, .1, func(q *quantizedGraph, x string) string { return q.node("Gemm", nil, x, q.weight(1, 10, 4), q.bias(4)) }},
		{"gemm turned", flat, .1, func(q *quantizedGraph, x string) string {
			return q.node("Gemm", attrs{"transB": int64(1)}, x, q.weight(0, 4, 10))
		}},
		{"gemm, a bias of numbers", []int{4, 10}, .1, func(q *quantizedGraph, x string) string {
			return q.node("Gemm", nil, x, q.weight(1, 10, 4), q.constant("c", graph.Floats([]float32{1, -2, 3, 0}, 1, 4)))
		}},
		{"matmul", []int{2, 3, 10}, .1, func(q *quantizedGraph, x string) string { return q.node("MatMul", nil, x, q.weight(1, 10, 4)) }},
		{"matmul and bias", []int{2, 3, 10}, .1, func(q *quantizedGraph, x string) string {
			return q.node("Add", nil, q.node("MatMul", nil, x, q.weight(-1, 10, 4)), q.constant("bias", graph.Floats([]float32{.5, -.25, 1, 0}, 4)))
		}},
		{"max pool", img, .02, op("MaxPool", window)},
		{"max pool, relu", img, .03, relu(op("MaxPool", window))},
		{"max pool 1-D", []int{2, 3, 9}, .02, op("MaxPool", attrs{"kernel_shape": i64s(2), "strides": i64s(2)})},
		{"global max", img, .02, op("GlobalMaxPool", nil)},
		{"average pool", img, .01, op("AveragePool", window)},
		{"average pool with padding", img, .01, op("AveragePool", attrs{"kernel_shape": i64s(3, 2), "pads": i64s(1, 1, 1, 0), "count_include_pad": int64(1)})},
		{"global average", img, .01, op("GlobalAveragePool", nil)},
		{"add", img, .04, func(q *quantizedGraph, x string) string { return q.node("Add", nil, x, twice(q, x)) }},
		{"add itself, relu", flat, .04, func(q *quantizedGraph, x string) string { return q.node("Relu", nil, q.node("Add", nil, x, x)) }},
		{"mul", img, .02, func(q *quantizedGraph, x string) string { return q.node("Mul", nil, x, twice(q, x)) }},
		{"mul, channels", img, .02, func(q *quantizedGraph, x string) string {
			return q.node("Mul", nil, q.through(q.node("GlobalAveragePool", nil, x), .01), x)
		}},
		{"concat", img, .02, func(q *quantizedGraph, x string) string {
			return q.node("Concat", attrs{"axis": int64(1)}, x, twice(q, x), x)
		}},
		{"concat of rows", flat, .02, func(q *quantizedGraph, x string) string {
			return q.node("Concat", attrs{"axis": int64(1)}, x, twice(q, x))
		}},
		{"slice", img, .02, func(q *quantizedGraph, x string) string {
			return q.node("Slice", nil, x, q.ints(1), q.ints(4), q.ints(1))
		}},
		{"gather", img, .03, func(q *quantizedGraph, x string) string {
			return q.node("Gather", attrs{"axis": int64(1)}, x, q.ints(4, 0, 0, 2))
		}},
		{"reshape", img, .02, func(q *quantizedGraph, x string) string { return q.node("Reshape", nil, x, q.ints(0, -1)) }},
		{"reshape to rows as long", []int{2, 3, 10}, .03, func(q *quantizedGraph, x string) string { return q.node("Reshape", nil, x, q.ints(-1, 10)) }},
		{"flatten pooled", img, .01, func(q *quantizedGraph, x string) string {
			return q.node("Flatten", nil, q.through(q.node("GlobalAveragePool", nil, x), .01))
		}},
		{"transpose", []int{2, 3, 4, 5}, .02, op("Transpose", attrs{"perm": i64s(0, 2, 3, 1)})},
		{"transpose of rows", []int{2, 4, 6}, .02, op("Transpose", attrs{"perm": i64s(0, 2, 1)})},
		{"leaky relu", flat, .02, op("LeakyRelu", attrs{"alpha": float32(.1)})},
		{"clip", flat, .01, clip(-.6, .4)},
		{"square", flat, .1, func(q *quantizedGraph, x string) string {
			return q.node("Pow", nil, x, q.constant("two", graph.Floats([]float32{2})))
		}},
		{"silu", flat, .02, func(q *quantizedGraph, x string) string { return q.node("Mul", nil, x, q.node("Sigmoid", nil, x)) }},
		{"rescale", flat, .05, func(_ *quantizedGraph, x string) string { return x }},
		{"numbers of a conv", img, 0, conv},
		{"numbers of a depthwise", []int{1, 4, 5, 5}, 0, func(q *quantizedGraph, x string) string {
			return q.node("Conv", attrs{"group": int64(4)}, x, q.weight(0, 4, 1, 3, 3))
		}},
		{"numbers of a gemm", flat, 0, func(q *quantizedGraph, x string) string { return q.node("Gemm", nil, x, q.weight(1, 10, 4), q.bias(4)) }},
		{"read by several", img, .1, func(q *quantizedGraph, x string) string {
			y := q.node("Conv", nil, x, q.weight(0, 5, 5, 1, 1), q.bias(5))
			return q.node("Add", nil, q.node("Relu", nil, y), y)
		}},
	}
	for _, f := range []string{"Relu", "Sigmoid", "Tanh", "Exp", "Erf", "HardSwish", "HardSigmoid", "Abs", "Neg", "Gelu"} {
		cases = append(cases, quantizedCase{f, flat, .02, op(f, nil)})
	}
	return cases
}

// graph builds the network of a case: the input through bytes, the operator,
// and its result through bytes unless out is 0.
func (c *quantizedCase) graph(rng *rand.Rand, sign bool, batch int) (*graph.Graph, []int) {
	in := append([]int{}, c.in...)
	if batch > 0 {
		in[0] = batch
	}
	q := newQuantizedGraph(rng, sign, in...)
	y := c.make(q, q.through("x", q.scale))
	if c.out > 0 {
		y = q.through(y, c.out)
	}
	q.Outputs = []graph.Value{{Name: y, Type: graph.Float32}}
	return q.Graph, in
}
