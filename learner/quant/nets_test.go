package quant

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// net builds small networks of the usual families. Every method returns the
// name of the value that it makes.
type net struct {
	*graph.Graph
	r    *rand.Rand
	dims map[string]int // channels of images
	n    int
}

func newNet(seed uint64, input ...int) *net {
	b := &net{r: rand.New(rand.NewPCG(seed, 1)), dims: map[string]int{"input": input[0]}}
	b.Graph = &graph.Graph{Opset: 13, Consts: map[string]*graph.Tensor{}, Metadata: map[string]string{},
		Inputs: []graph.Value{{Name: "input", Type: graph.Float32, Dims: append([]int{-1}, input...)}}}
	return b
}

func (b *net) op(op string, attrs map[string]graph.Attr, in ...string) string {
	b.n++
	out := fmt.Sprintf("%s_%d", op, b.n)
	b.Nodes = append(b.Nodes, graph.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	b.dims[out] = b.dims[in[0]]
	return out
}

func (b *net) random(scale float64, dims ...int) string {
	b.n++
	name := fmt.Sprintf("w_%d", b.n)
	x := make([]float32, graph.Size(dims))
	for i := range x {
		// Sums of uniform numbers: the same bits on every architecture.
		x[i] = float32(float64(b.r.Float64()+b.r.Float64()-1) * scale)
	}
	b.Consts[name] = graph.Floats(x, dims...)
	return name
}

func (b *net) ints(v ...int64) string {
	b.n++
	name := fmt.Sprintf("i_%d", b.n)
	b.Consts[name] = graph.Ints(v, len(v))
	return name
}

func (b *net) conv(x string, out, kernel, stride, groups int) string {
	in := b.dims[x]
	k, s, p := int64(kernel), int64(stride), int64(kernel/2)
	fan := float64(in / groups * kernel * kernel)
	y := b.op("Conv", map[string]graph.Attr{"kernel_shape": []int64{k, k}, "strides": []int64{s, s}, "pads": []int64{p, p, p, p}, "group": int64(groups)},
		x, b.random(math.Sqrt(6/fan), out, in/groups, kernel, kernel), b.random(.2, out))
	b.dims[y] = out
	return y
}

func (b *net) norm(x string) string {
	c := b.dims[x]
	gamma, beta, mean, variance := b.random(.4, c), b.random(.3, c), b.random(.3, c), b.random(.4, c)
	for i := range c {
		b.Consts[gamma].F32[i] += 1
		b.Consts[variance].F32[i] += 1
	}
	return b.op("BatchNormalization", map[string]graph.Attr{"epsilon": float32(1e-5)}, x, gamma, beta, mean, variance)
}

func (b *net) relu6(x string) string {
	lo, hi := b.random(0), b.random(0)
	b.Consts[lo], b.Consts[hi] = graph.Floats([]float32{0}), graph.Floats([]float32{6})
	return b.op("Clip", nil, x, lo, hi)
}

func (b *net) pool(op, x string, kernel, stride, pad int64) string {
	return b.op(op, map[string]graph.Attr{"kernel_shape": []int64{kernel, kernel}, "strides": []int64{stride, stride}, "pads": []int64{pad, pad, pad, pad}}, x)
}

func (b *net) concat(x ...string) string {
	y := b.op("Concat", map[string]graph.Attr{"axis": int64(1)}, x...)
	b.dims[y] = 0
	for _, v := range x {
		b.dims[y] += b.dims[v]
	}
	return y
}

func (b *net) dense(x string, in, out int) string {
	y := b.op("Gemm", map[string]graph.Attr{"transB": int64(1)}, x, b.random(math.Sqrt(6/float64(in)), out, in), b.random(.2, out))
	b.dims[y] = out
	return y
}

// features ends the network with a global average of every channel.
func (b *net) features(x string) *graph.Graph {
	y := b.op("Flatten", map[string]graph.Attr{"axis": int64(1)}, b.op("GlobalAveragePool", nil, x))
	return b.end(y)
}

func (b *net) end(y string) *graph.Graph {
	b.Outputs = []graph.Value{{Name: y, Type: graph.Float32, Dims: []int{-1, -1}}}
	return b.Graph
}

// families are one small network of every family.
var families = []struct {
	name string
	make func(seed uint64) *graph.Graph
}{
	{"mlp", func(seed uint64) *graph.Graph {
		b := newNet(seed, 24)
		x := b.op("Relu", nil, b.dense("input", 24, 20))
		return b.end(b.op("Tanh", nil, b.dense(x, 20, 10)))
	}},
	{"lenet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 1, 12, 12)
		x := b.pool("MaxPool", b.op("LeakyRelu", map[string]graph.Attr{"alpha": float32(.01)}, b.conv("input", 5, 5, 1, 1)), 2, 2, 0)
		x = b.pool("MaxPool", b.op("LeakyRelu", map[string]graph.Attr{"alpha": float32(.01)}, b.conv(x, 7, 5, 1, 1)), 2, 2, 0)
		x = b.op("Flatten", map[string]graph.Attr{"axis": int64(1)}, x)
		return b.end(b.dense(x, 7*9, 10))
	}},
	{"vgg", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 12, 12)
		x := b.op("Relu", nil, b.norm(b.conv("input", 8, 3, 1, 1)))
		x = b.op("Relu", nil, b.norm(b.conv(b.pool("MaxPool", x, 2, 2, 0), 12, 3, 1, 1)))
		x = b.op("Flatten", map[string]graph.Attr{"axis": int64(1)}, b.pool("AveragePool", x, 2, 2, 0))
		return b.end(b.op("Relu", nil, b.dense(x, 12*9, 16)))
	}},
	{"resnet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 16, 16)
		x := b.pool("MaxPool", b.op("Relu", nil, b.norm(b.conv("input", 8, 7, 2, 1))), 3, 2, 1)
		y := b.norm(b.conv(b.op("Relu", nil, b.norm(b.conv(x, 8, 3, 1, 1))), 8, 3, 1, 1))
		x = b.op("Relu", nil, b.op("Add", nil, y, x))
		y = b.norm(b.conv(b.op("Relu", nil, b.norm(b.conv(x, 12, 3, 2, 1))), 12, 3, 1, 1))
		x = b.op("Relu", nil, b.op("Add", nil, y, b.norm(b.conv(x, 12, 1, 2, 1))))
		return b.features(x)
	}},
	{"mobilenet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 16, 16)
		x := b.relu6(b.norm(b.conv("input", 8, 3, 2, 1)))
		y := b.relu6(b.norm(b.conv(x, 24, 1, 1, 1)))
		y = b.relu6(b.norm(b.conv(y, 24, 3, 1, 24)))
		x = b.op("Add", nil, b.norm(b.conv(y, 8, 1, 1, 1)), x)
		y = b.relu6(b.norm(b.conv(x, 18, 1, 1, 1)))
		return b.features(b.norm(b.conv(b.relu6(b.norm(b.conv(y, 18, 3, 2, 18))), 10, 1, 1, 1)))
	}},
	{"squeezenet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 15, 15)
		x := b.pool("MaxPool", b.op("Relu", nil, b.conv("input", 8, 3, 2, 1)), 3, 2, 0)
		s := b.op("Relu", nil, b.conv(x, 4, 1, 1, 1))
		x = b.concat(b.op("Relu", nil, b.conv(s, 6, 1, 1, 1)), b.op("Relu", nil, b.conv(s, 7, 3, 1, 1)))
		return b.features(b.op("Relu", nil, b.conv(x, 10, 1, 1, 1)))
	}},
	{"densenet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 12, 12)
		x := b.pool("MaxPool", b.op("Relu", nil, b.norm(b.conv("input", 8, 3, 1, 1))), 3, 2, 1)
		all := []string{x}
		for range 3 {
			y := x
			if len(all) > 1 {
				y = b.concat(all...)
			}
			y = b.conv(b.op("Relu", nil, b.norm(y)), 6, 1, 1, 1)
			all = append(all, b.conv(b.op("Relu", nil, b.norm(y)), 4, 3, 1, 1))
		}
		x = b.conv(b.op("Relu", nil, b.norm(b.concat(all...))), 10, 1, 1, 1)
		return b.features(b.op("Relu", nil, b.norm(b.pool("AveragePool", x, 2, 2, 0))))
	}},
	{"mobilenet v3", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 12, 12)
		swish := func(x string) string {
			return b.op("Mul", nil, x, b.op("HardSigmoid", map[string]graph.Attr{"alpha": float32(1.0 / 6), "beta": float32(.5)}, x))
		}
		x := swish(b.norm(b.conv("input", 8, 3, 2, 1)))
		y := b.op("Relu", nil, b.norm(b.conv(x, 8, 3, 1, 8)))
		gate := b.conv(b.op("Relu", nil, b.conv(b.op("GlobalAveragePool", nil, y), 4, 1, 1, 1)), 8, 1, 1, 1)
		y = b.op("Mul", nil, y, b.op("HardSigmoid", map[string]graph.Attr{"alpha": float32(1.0 / 6), "beta": float32(.5)}, gate))
		return b.features(swish(b.norm(b.conv(b.op("Add", nil, b.conv(y, 8, 1, 1, 1), x), 14, 1, 1, 1))))
	}},
	{"efficientnet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 12, 12)
		silu := func(x string) string { return b.op("Mul", nil, x, b.op("Sigmoid", nil, x)) }
		x := silu(b.norm(b.conv("input", 8, 3, 2, 1)))
		y := silu(b.norm(b.conv(x, 8, 5, 1, 8)))
		gate := b.conv(silu(b.conv(b.op("GlobalAveragePool", nil, y), 4, 1, 1, 1)), 8, 1, 1, 1)
		y = b.op("Mul", nil, b.op("Sigmoid", nil, gate), y)
		return b.features(silu(b.norm(b.conv(b.op("Add", nil, b.conv(y, 8, 1, 1, 1), x), 14, 1, 1, 1))))
	}},
	{"shufflenet", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 12, 12)
		x := b.op("Relu", nil, b.norm(b.conv("input", 12, 3, 2, 1)))
		part := func(lo, hi int64) string {
			y := b.op("Slice", nil, x, b.ints(lo), b.ints(hi), b.ints(1))
			b.dims[y] = int(hi - lo)
			return y
		}
		y := b.op("Relu", nil, b.norm(b.conv(part(6, 12), 6, 1, 1, 1)))
		y = b.op("Relu", nil, b.norm(b.conv(b.norm(b.conv(y, 6, 3, 1, 6)), 6, 1, 1, 1)))
		x = b.op("Reshape", nil, b.concat(part(0, 6), y), b.ints(0, 2, 6, 6, 6))
		x = b.op("Transpose", map[string]graph.Attr{"perm": []int64{0, 2, 1, 3, 4}}, x)
		x = b.op("Reshape", nil, x, b.ints(0, 12, 6, 6))
		b.dims[x] = 12
		return b.features(b.op("Relu", nil, b.norm(b.conv(x, 16, 1, 1, 1))))
	}},
	{"sensors", func(seed uint64) *graph.Graph {
		b := newNet(seed, 3, 30)
		y := b.op("Conv", map[string]graph.Attr{"kernel_shape": []int64{9}, "pads": []int64{4, 4}}, "input", b.random(.4, 8, 3, 9), b.random(.2, 8))
		y = b.op("MaxPool", map[string]graph.Attr{"kernel_shape": []int64{2}, "strides": []int64{2}}, b.op("Relu", nil, y))
		y = b.op("Conv", map[string]graph.Attr{"kernel_shape": []int64{5}, "pads": []int64{2, 2}}, y, b.random(.4, 10, 8, 5), b.random(.2, 10))
		y = b.op("MaxPool", map[string]graph.Attr{"kernel_shape": []int64{15}}, b.op("Relu", nil, y))
		return b.end(b.op("Flatten", map[string]graph.Attr{"axis": int64(1)}, y))
	}},
}

// images returns images for a graph, the same bits everywhere.
func images(seed uint64, g *graph.Graph, count int) []float32 {
	r := rand.New(rand.NewPCG(seed, 2))
	x := make([]float32, count*graph.Size(g.Inputs[0].Dims[1:]))
	for i := range x {
		x[i] = float32(4*r.Float64() - 2)
	}
	return x
}
