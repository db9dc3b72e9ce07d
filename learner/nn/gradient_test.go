package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// attrs is a shorthand.
type attrs = map[string]graph.Attr

// opCase is one operator with its parameters, at opset 13.
type opCase struct {
	name   string
	op     string
	in     []int                 // extents of the computed input
	at     int                   // place of the computed input
	params [][]int               // extents of further inputs, all trainable
	fixed  map[int][]int64       // further inputs that are integers, by their place
	more   map[int]*graph.Tensor // and other constants
	attrs  attrs
	offset float32 // added to the input, to stay clear of a kink or a pole
	spread float32 // of the input, 1 if 0
}

func opCases() []opCase {
	img, seq := []int{2, 3, 5, 6}, []int{2, 4, 6}
	i64 := func(v ...int64) []int64 { return v }
	cases := []opCase{
		{name: "conv 3x3", op: "Conv", in: img, params: [][]int{{4, 3, 3, 3}, {4}}, attrs: attrs{"kernel_shape": i64(3, 3), "pads": i64(1, 1, 1, 1)}},
		{name: "conv stride 2, one-sided", op: "Conv", in: img, params: [][]int{{4, 3, 3, 2}, {4}}, attrs: attrs{"kernel_shape": i64(3, 2), "strides": i64(2, 2), "pads": i64(0, 1, 2, 0)}},
		{name: "conv dilated", op: "Conv", in: []int{1, 2, 9, 8}, params: [][]int{{3, 2, 3, 3}}, attrs: attrs{"kernel_shape": i64(3, 3), "dilations": i64(2, 2), "pads": i64(1, 2, 1, 2)}},
		{name: "conv grouped", op: "Conv", in: []int{2, 4, 4, 4}, params: [][]int{{6, 2, 3, 3}, {6}}, attrs: attrs{"kernel_shape": i64(3, 3), "group": int64(2), "pads": i64(1, 1, 1, 1)}},
		{name: "conv depthwise", op: "Conv", in: []int{2, 5, 6, 6}, params: [][]int{{5, 1, 3, 3}, {5}}, attrs: attrs{"kernel_shape": i64(3, 3), "group": int64(5), "strides": i64(2, 2), "pads": i64(1, 1, 1, 1)}},
		{name: "conv 1x1", op: "Conv", in: img, params: [][]int{{4, 3, 1, 1}}, attrs: attrs{"kernel_shape": i64(1, 1)}},
		{name: "conv 1-D", op: "Conv", in: []int{2, 3, 11}, params: [][]int{{4, 3, 5}, {4}}, attrs: attrs{"kernel_shape": i64(5), "pads": i64(2, 2), "strides": i64(2)}},
		{name: "gemm", op: "Gemm", in: []int{3, 5}, params: [][]int{{5, 4}, {4}}},
		{name: "gemm turned", op: "Gemm", in: []int{3, 5}, params: [][]int{{4, 5}, {4}}, attrs: attrs{"transB": int64(1)}},
		{name: "gemm scaled", op: "Gemm", in: []int{5, 3}, params: [][]int{{5, 4}, {4}}, attrs: attrs{"alpha": float32(0.5), "beta": float32(2), "transA": int64(1)}},
		{name: "matmul", op: "MatMul", in: seq, params: [][]int{{6, 3}}},
		{name: "matmul batched", op: "MatMul", in: seq, params: [][]int{{2, 6, 3}}},
		{name: "matmul repeated", op: "MatMul", in: []int{2, 3, 4, 6}, params: [][]int{{3, 6, 2}}},
		{name: "max pool", op: "MaxPool", in: img, attrs: attrs{"kernel_shape": i64(3, 3), "strides": i64(2, 2), "pads": i64(1, 1, 1, 1)}},
		{name: "max pool, last window hangs over", op: "MaxPool", in: img, attrs: attrs{"kernel_shape": i64(2, 2), "strides": i64(2, 2), "ceil_mode": int64(1)}},
		{name: "average pool", op: "AveragePool", in: img, attrs: attrs{"kernel_shape": i64(3, 2), "strides": i64(2, 1), "pads": i64(1, 0, 1, 1)}},
		{name: "average pool with padding", op: "AveragePool", in: img, attrs: attrs{"kernel_shape": i64(3, 3), "pads": i64(1, 1, 1, 1), "count_include_pad": int64(1)}},
		{name: "global average", op: "GlobalAveragePool", in: img},
		{name: "global max", op: "GlobalMaxPool", in: img},
		{name: "batch norm", op: "BatchNormalization", in: img, params: [][]int{{3}, {3}}, more: map[int]*graph.Tensor{
			3: graph.Floats([]float32{.1, -.2, .3}, 3), 4: graph.Floats([]float32{.5, 1, 2}, 3)}},
		{name: "softmax", op: "Softmax", in: seq, attrs: attrs{"axis": int64(-1)}},
		{name: "softmax over channels", op: "Softmax", in: img, attrs: attrs{"axis": int64(1)}},
		{name: "log softmax", op: "LogSoftmax", in: seq, attrs: attrs{"axis": int64(2)}},
		{name: "transpose", op: "Transpose", in: []int{2, 3, 4, 5}, attrs: attrs{"perm": i64(0, 2, 3, 1)}},
		{name: "concat", op: "Concat", in: img, params: [][]int{{2, 2, 5, 6}}, attrs: attrs{"axis": int64(1)}},
		{name: "slice", op: "Slice", in: img, fixed: map[int][]int64{1: {1, 4}, 2: {3, 0}, 3: {1, 3}, 4: {1, -2}}},
		{name: "pad", op: "Pad", in: img, fixed: map[int][]int64{1: {0, 0, 1, 2, 0, 0, 2, 0}}},
		{name: "gather", op: "Gather", in: img, fixed: map[int][]int64{1: {2, 0, 2}}, attrs: attrs{"axis": int64(1)}},
		{name: "expand", op: "Expand", in: []int{2, 1, 3}, fixed: map[int][]int64{1: {2, 4, 3}}},
		{name: "reshape", op: "Reshape", in: img, fixed: map[int][]int64{1: {2, -1}}},
		{name: "mean over space", op: "ReduceMean", in: img, attrs: attrs{"axes": i64(2, 3), "keepdims": int64(0)}},
		{name: "mean over the last", op: "ReduceMean", in: seq, attrs: attrs{"axes": i64(-1)}},
		{name: "sum over two that are no neighbours", op: "ReduceSum", in: seq, fixed: map[int][]int64{1: {0, 2}}},
		{name: "max over one", op: "ReduceMax", in: seq, attrs: attrs{"axes": i64(1)}},
		{name: "min over one", op: "ReduceMin", in: seq, attrs: attrs{"axes": i64(1), "keepdims": int64(0)}},
		{name: "clip", op: "Clip", in: img, more: map[int]*graph.Tensor{1: graph.Floats([]float32{-.5}), 2: graph.Floats([]float32{.6})}},
		{name: "leaky relu", op: "LeakyRelu", in: img, attrs: attrs{"alpha": float32(.1)}},
		{name: "hard sigmoid", op: "HardSigmoid", in: img, attrs: attrs{"alpha": float32(.3)}},
		{name: "square", op: "Pow", in: img, more: map[int]*graph.Tensor{1: graph.Floats([]float32{2})}},
		{name: "power", op: "Pow", in: img, more: map[int]*graph.Tensor{1: graph.Floats([]float32{1.5})}, offset: 4, spread: .5},
		{name: "sqrt", op: "Sqrt", in: img, offset: 4, spread: .5},
		{name: "log", op: "Log", in: img, offset: 4, spread: .5},
		{name: "reciprocal", op: "Reciprocal", in: img, offset: 4, spread: .5},
		{name: "where", op: "Where", in: []int{2, 3, 4}, at: 1, params: [][]int{{3, 1}}, more: map[int]*graph.Tensor{
			0: {Type: graph.Bool, Dims: []int{3, 4}, Bool: []bool{true, false, false, true, false, true, true, true, false, false, false, true}}}},
		{name: "where, repeated", op: "Where", in: []int{3, 1}, at: 2, params: nil, more: map[int]*graph.Tensor{
			0: {Type: graph.Bool, Dims: []int{2, 1, 4}, Bool: []bool{true, false, false, true, false, true, true, false}},
			1: graph.Floats([]float32{2})}},
		{name: "tile", op: "Tile", in: []int{2, 3, 2}, fixed: map[int][]int64{1: {2, 1, 3}}},
		{name: "divide", op: "Div", in: seq, params: [][]int{{4, 1}}, more: nil},
	}
	for _, op := range []string{"Relu", "Sigmoid", "Tanh", "Exp", "Erf", "HardSwish", "Abs", "Neg"} {
		cases = append(cases, opCase{name: op, op: op, in: img})
	}
	for _, op := range []string{"Add", "Sub", "Mul", "Max", "Min"} {
		for _, other := range [][]int{{2, 3, 5, 6}, {1, 3, 1, 1}, {2, 3, 1, 1}, {6}, {5, 1}, {1}} {
			cases = append(cases, opCase{name: fmt.Sprint(op, other), op: op, in: img, params: [][]int{other}})
		}
	}
	return cases
}

// graph builds the network input -> operator, between two products so that
// the gradient passes through.
func (c opCase) graph(rng *rand.Rand) *graph.Graph {
	g := &graph.Graph{Opset: 13, Consts: map[string]*graph.Tensor{}, Fixed: map[string]bool{},
		Inputs: []graph.Value{{Name: "x", Type: graph.Float32, Dims: c.in}}, Outputs: []graph.Value{{Name: "y", Type: graph.Float32}}}
	node := graph.Node{Name: c.name, Op: c.op, Inputs: make([]string, c.at+1), Outputs: []string{"y"}, Attrs: c.attrs}
	node.Inputs[c.at] = "x"
	at := func(i int, name string, t *graph.Tensor) {
		for len(node.Inputs) <= i {
			node.Inputs = append(node.Inputs, "")
		}
		node.Inputs[i] = name
		g.Consts[name] = t
	}
	for i, dims := range c.params {
		w := normal(rng, graph.Size(dims))
		if c.op == "Div" {
			for j := range w {
				w[j] = 2 + w[j]/4
			}
		}
		at(c.at+i+1, fmt.Sprint("p", i), graph.Floats(w, dims...))
	}
	for i, v := range c.fixed {
		at(i, fmt.Sprint("i", i), graph.Ints(v, len(v)))
		g.Fixed[fmt.Sprint("i", i)] = true
	}
	for i, v := range c.more {
		at(i, fmt.Sprint("c", i), v)
		g.Fixed[fmt.Sprint("c", i)] = true
	}
	g.Nodes = []graph.Node{node}
	return g
}

func normal(rng *rand.Rand, n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	return x
}

// TestFiniteDifferences holds the gradient of every operator, with respect to
// its input and its parameters, against central differences of the sum of the
// outputs times random weights.
func TestFiniteDifferences(t *testing.T) {
	for _, c := range opCases() {
		t.Run(c.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			g := c.graph(rng)
			x := normal(rng, graph.Size(c.in))
			for i := range x {
				if c.spread != 0 {
					x[i] *= c.spread
				}
				x[i] += c.offset
			}
			p := tapeOf(t, g, c.in, Options{Workers: 1})
			weights := normal(rng, p.output.size())
			value := func() float64 {
				var sum float64
				for i, y := range p.Forward(x) {
					sum += float64(y) * float64(weights[i])
				}
				return sum
			}
			value()
			copy(p.outputGrad(), weights)
			p.backward()
			check := func(name string, v, grad []float32) {
				for i := range v {
					const h = 1.0 / 128
					old, got := v[i], float64(grad[i])
					v[i] = old + h
					up := value()
					v[i] = old - h
					down := value()
					v[i] = old
					want := (up - down) / (2 * h)
					if math.Abs(got-want) > 2e-2*(1+math.Abs(want)) && !kink(up, value(), down) {
						t.Errorf("gradient of %s[%d] = %v, difference quotient %v", name, i, got, want)
					}
				}
			}
			check("x", x, append([]float32{}, p.input.grad...))
			for _, q := range p.params {
				if q.Grad != nil {
					check(q.Name, q.Data, append([]float32{}, q.Grad...))
				}
			}
			if len(c.params) > 0 && len(p.params) == 0 {
				t.Error("no parameter was found")
			}
		})
	}
}

// kink reports whether a function bends between three points more than its
// curvature explains: a maximum changes hands, a rectifier opens.
func kink(up, mid, down float64) bool { return math.Abs(up-2*mid+down) > 1e-4 }
