package zoo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// maxWeights bounds a network that large inputs ask for: 2 GiB.
const maxWeights = 1 << 29

// builder makes a graph node by node. The first thing that is wrong sticks in
// err; what is made after that has no meaning.
type builder struct {
	g       *graph.Graph
	rng     *rand.Rand
	weights int
	err     error
}

// value is an input or the output of a node. Its first extent, the batch, is
// -1.
type value struct {
	name string
	dims []int
}

func (x value) channels() int { return x.dims[1] }
func (x value) space() []int  { return x.dims[2:] }
func (x value) last() int     { return x.dims[len(x.dims)-1] }

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf(format, args...)
	}
}

// attrs are the attributes of a node.
type attrs = map[string]graph.Attr

// op appends a node whose output has the given name and extents.
func (b *builder) op(op, name string, dims []int, a attrs, inputs ...string) value {
	b.g.Nodes = append(b.g.Nodes, graph.Node{
		Name: op + "_" + name, Op: op, Inputs: inputs, Outputs: []string{name}, Attrs: a,
	})
	return value{name, dims}
}

// output makes the result of the last node the output of the graph.
func (b *builder) output(x value) {
	n := &b.g.Nodes[len(b.g.Nodes)-1]
	n.Name, n.Outputs = n.Op+"_output", []string{"output"}
	b.g.Outputs = []graph.Value{{Name: "output", Type: graph.Float32, Dims: x.dims, Params: make([]string, len(x.dims))}}
	b.g.Outputs[0].Params[0] = "batch"
}

// filled makes a weight whose elements are all v.
func (b *builder) filled(name string, v float32, dims ...int) string {
	x := b.weight(name, dims)
	for i := range x {
		x[i] = v
	}
	return name
}

// uniform makes a weight with elements from [-limit, limit).
func (b *builder) uniform(name string, limit float64, dims ...int) string {
	x := b.weight(name, dims)
	for i := range x {
		x[i] = float32((2*b.rng.Float64() - 1) * limit)
	}
	return name
}

// weight makes a weight of zeros.
func (b *builder) weight(name string, dims []int) []float32 {
	n := 1
	for _, d := range dims {
		if n > maxWeights/d {
			n = maxWeights + 1
			break
		}
		n *= d
	}
	if b.weights += n; b.weights > maxWeights {
		b.fail("it would have more than %d weights: give it a smaller input", maxWeights)
		b.weights = maxWeights
		n = 0
	}
	x := make([]float32, n)
	b.g.Consts[name] = graph.Floats(x, dims...)
	return x
}

// he returns the limit of a uniform law with variance 2/inputs.
func he(inputs int) float64 { return math.Sqrt(6 / float64(inputs)) }

// glorot returns the limit of one with variance 2/(inputs+outputs).
func glorot(inputs, outputs int) float64 { return math.Sqrt(6 / float64(inputs+outputs)) }

// fixed makes a constant that is no weight.
func (b *builder) fixed(name string, t *graph.Tensor) string {
	b.g.Consts[name], b.g.Fixed[name] = t, true
	return name
}

// scalar makes a fixed number, once for all nodes that use it.
func (b *builder) scalar(v float32) string {
	name := "const_" + strconv.FormatFloat(float64(v), 'g', -1, 32)
	if b.g.Consts[name] != nil {
		return name
	}
	return b.fixed(name, graph.Floats([]float32{v}))
}

// ints makes a fixed vector of integers.
func (b *builder) ints(name string, list ...int) string {
	return b.fixed(name, graph.Ints(int64s(list), len(list)))
}

func int64s(list []int) []int64 {
	x := make([]int64, len(list))
	for i, v := range list {
		x[i] = int64(v)
	}
	return x
}

// replaced returns the extents with one of them changed.
func replaced(dims []int, axis, d int) []int {
	dims = append([]int{}, dims...)
	dims[axis] = d
	return dims
}
