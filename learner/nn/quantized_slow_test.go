package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// slowly runs a graph in normal form in float64, quantizing and dequantizing
// as the nodes say: the definition that programs of integers are held to.
type slowly struct {
	t      testing.TB
	static *graph.Static
	values map[string][]float64 // integers among them
}

func runSlowly(t testing.TB, g *graph.Graph, in []int, x []float32) []float64 {
	t.Helper()
	static, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: in}, graph.Options{KeepQDQ: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &slowly{t, static, map[string][]float64{g.Inputs[0].Name: widened(x)}}
	for name, c := range static.Graph.Consts {
		s.values[name] = slices.Concat(widened(c.F32), widened(c.I8), widened(c.U8), widened(c.I32), widened(c.I64))
	}
	for i := range static.Graph.Nodes {
		n := &static.Graph.Nodes[i]
		s.values[n.Outputs[0]] = s.node(n)
	}
	return s.values[static.Graph.Outputs[0].Name]
}

func widened[T float32 | int8 | uint8 | int32 | int64](x []T) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

// slowFunctions are those of one number.
var slowFunctions = map[string]func(n *graph.Node, x float64) float64{
	"Relu":        func(_ *graph.Node, x float64) float64 { return max(x, 0) },
	"Sigmoid":     func(_ *graph.Node, x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"Tanh":        func(_ *graph.Node, x float64) float64 { return math.Tanh(x) },
	"Exp":         func(_ *graph.Node, x float64) float64 { return math.Exp(x) },
	"Erf":         func(_ *graph.Node, x float64) float64 { return math.Erf(x) },
	"Abs":         func(_ *graph.Node, x float64) float64 { return math.Abs(x) },
	"Neg":         func(_ *graph.Node, x float64) float64 { return -x },
	"Gelu":        func(_ *graph.Node, x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) },
	"HardSwish":   func(_ *graph.Node, x float64) float64 { return x * min(max(x/6+.5, 0), 1) },
	"HardSigmoid": func(_ *graph.Node, x float64) float64 { return min(max(x*.2+.5, 0), 1) },
	"LeakyRelu": func(n *graph.Node, x float64) float64 {
		return max(x, 0) + float64(n.Float("alpha", 0))*min(x, 0)
	},
	"Clip": func(n *graph.Node, x float64) float64 {
		return min(max(x, float64(n.Float("min", 0))), float64(n.Float("max", 0)))
	},
	"Pow": func(n *graph.Node, x float64) float64 { return math.Pow(x, float64(n.Float("exponent", 0))) },
}

func (s *slowly) node(n *graph.Node) []float64 {
	dims := s.static.Shapes[n.Outputs[0]]
	x, in := s.values[n.Inputs[0]], s.static.Shapes[n.Inputs[0]]
	y := make([]float64, graph.Size(dims))
	if f, ok := slowFunctions[n.Op]; ok {
		for i, v := range x {
			y[i] = f(n, v)
		}
		return y
	}
	switch n.Op {
	case "QuantizeLinear", "DequantizeLinear":
		for i, v := range x {
			scale, zero := s.affine(n, i, in)
			if n.Op == "DequantizeLinear" {
				y[i] = (v - zero) * scale
			} else if v = math.RoundToEven(v/scale) + zero; s.static.Types[n.Outputs[0]] == graph.Int8 {
				y[i] = min(max(v, -128), 127)
			} else {
				y[i] = min(max(v, 0), 255)
			}
		}
	case "Reshape", "Identity":
		copy(y, x)
	case "Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool":
		s.windows(n, y, dims, x, in)
	case "Gemm", "MatMul":
		s.product(n, y, dims, x, in)
	default:
		s.places(n, y, dims, x, in)
	}
	return y
}

// affine returns the scale and zero point of element i.
func (s *slowly) affine(n *graph.Node, i int, dims []int) (scale, zero float64) {
	scales, c := s.values[n.Inputs[1]], 0
	if a := int(n.Int("axis", -1)); a >= 0 {
		c = i / graph.Size(dims[a+1:]) % dims[a]
	}
	if n.Input(2) != "" {
		zero = s.values[n.Inputs[2]][c]
	}
	return scales[c], zero
}

// windows is a convolution or pooling over planes of one or two dimensions.
func (s *slowly) windows(n *graph.Node, y []float64, dims []int, x []float64, in []int) {
	two := func(list []int64, absent int) [2]int {
		switch len(list) {
		case 0:
			return [2]int{absent, absent}
		case 1:
			return [2]int{absent, int(list[0])}
		}
		return [2]int{int(list[0]), int(list[1])}
	}
	plane := func(d []int) (h, w int) { return graph.Size(d[2 : len(d)-1]), d[len(d)-1] }
	ih, iw := plane(in)
	oh, ow := plane(dims)
	pads := n.Ints("pads", nil)
	stride, dilation, pad, kernel := two(n.Ints("strides", nil), 1), two(n.Ints("dilations", nil), 1), two(pads[:len(pads)/2], 0), two(n.Ints("kernel_shape", nil), 1)
	if n.Op == "GlobalMaxPool" || n.Op == "GlobalAveragePool" {
		kernel = [2]int{ih, iw}
	}
	groups, channels := int(n.Int("group", 1)), in[1]
	for at := range y {
		o, oy, ox := at/(oh*ow)%dims[1], at/ow%oh, at%ow
		image := at / (oh * ow * dims[1])
		from, to := o, o+1 // channels that the window sees
		if n.Op == "Conv" {
			from = o / (dims[1] / groups) * (channels / groups)
			to = from + channels/groups
		}
		sum, top, count := 0.0, math.Inf(-1), 0
		for c := from; c < to; c++ {
			for k := range kernel[0] * kernel[1] {
				iy, ix := oy*stride[0]-pad[0]+k/kernel[1]*dilation[0], ox*stride[1]-pad[1]+k%kernel[1]*dilation[1]
				if iy < 0 || iy >= ih || ix < 0 || ix >= iw {
					continue
				}
				v := x[((image*channels+c)*ih+iy)*iw+ix]
				top = max(top, v)
				count++
				if n.Op == "Conv" {
					v *= s.values[n.Inputs[1]][(o*(to-from)+c-from)*kernel[0]*kernel[1]+k]
				}
				sum += v
			}
		}
		switch n.Op {
		case "Conv":
			if n.Input(2) != "" {
				sum += s.values[n.Inputs[2]][o]
			}
			y[at] = sum
		case "MaxPool", "GlobalMaxPool":
			y[at] = top
		default:
			if n.Int("count_include_pad", 0) != 0 {
				count = kernel[0] * kernel[1]
			}
			y[at] = sum / float64(count)
		}
	}
}

// product is one by a matrix of weights.
func (s *slowly) product(n *graph.Node, y []float64, dims []int, x []float64, in []int) {
	w, k, columns := s.values[n.Inputs[1]], in[len(in)-1], dims[len(dims)-1]
	for i := range y {
		for j := range k {
			at := j*columns + i%columns
			if n.Int("transB", 0) != 0 {
				at = i%columns*k + j
			}
			y[i] += x[i/columns*k+j] * w[at]
		}
		if n.Input(2) != "" {
			y[i] += s.values[n.Inputs[2]][i%columns]
		}
	}
}

// places moves numbers, or combines those of two operands.
func (s *slowly) places(n *graph.Node, y []float64, dims []int, x []float64, in []int) {
	index := make([]int, len(dims))
	// at returns the number of a value at the index, where axes of one repeat.
	at := func(name string, index []int) float64 {
		d, i := s.static.Shapes[name], 0
		for a := range d {
			i = i*d[a] + index[len(index)-len(d)+a]%d[a]
		}
		return s.values[name][i]
	}
	for i := range y {
		for a, k := len(dims)-1, i; a >= 0; a-- {
			index[a], k = k%dims[a], k/dims[a]
		}
		from := slices.Clone(index)
		switch n.Op {
		case "Add":
			y[i] = at(n.Inputs[0], index) + at(n.Inputs[1], index)
		case "Mul":
			y[i] = at(n.Inputs[0], index) * at(n.Inputs[1], index)
		case "Transpose":
			for a, p := range n.Ints("perm", nil) {
				from[p] = index[a]
			}
			y[i] = at(n.Inputs[0], from)
		case "Slice":
			for j, a := range n.Ints("axes", nil) {
				from[a] = int(n.Ints("starts", nil)[j]) + index[a]*int(n.Ints("steps", nil)[j])
			}
			y[i] = at(n.Inputs[0], from)
		case "Gather":
			a := n.Int("axis", 0)
			from[a] = int(s.values[n.Inputs[1]][index[a]])
			y[i] = at(n.Inputs[0], from)
		case "Concat":
			a := n.Int("axis", 0)
			for _, name := range n.Inputs {
				if d := s.static.Shapes[name][a]; from[a] >= d {
					from[a] -= d
					continue
				}
				y[i] = at(name, from)
				break
			}
		default:
			s.t.Fatalf("the operator %s is not known", n.Op)
		}
	}
}
