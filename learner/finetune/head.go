package finetune

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// The names in a network with a head of ours. The last matrix is head.weight,
// one row per class; hidden layers are head.0, head.1 and so on.
const (
	headInput  = "head.input" // if the features had to be pooled
	headOutput = "logits"
)

// mostHead bounds the classes and the widths of hidden layers.
const mostHead = 1 << 16

// ReplaceHead returns a network with the layers of net up to its features and a
// new head on them: hidden layers of the given widths with rectifiers, if any,
// and one output per class, without softmax. Weights are uniform (Glorot and
// Bengio, 2010), biases 0. What the head reads are the features that the
// output layer of net read, averaged over places if they are maps, or the output of net
// if it has no output layer. Numbers below the head are shared with net.
func ReplaceHead(net *graph.Graph, classes int, hidden []int, seed uint64) (*graph.Graph, error) {
	widths := append(append([]int{}, hidden...), classes)
	for _, w := range widths {
		if w < 1 || w > mostHead {
			return nil, fmt.Errorf("finetune: a head of widths %v: they must be from 1 to %d", widths, mostHead)
		}
	}
	static, err := specialize(net, 2)
	if err != nil {
		return nil, err
	}
	features := static.Graph.Outputs[0].Name
	if head, err := graph.Head(static); err == nil {
		features = head.Features
	}
	g, err := graph.Cut(net, features)
	if err != nil {
		return nil, fmt.Errorf("finetune: replace the output layer: its input is no value of the file: %w", err)
	}
	g.Inputs[0].Dims = append([]int{-1}, net.Inputs[0].Dims[1:]...) // it takes two: it takes any number
	shape := static.Shapes[features]
	switch {
	case len(shape) >= 3:
		g.Nodes = append(g.Nodes,
			graph.Node{Name: "head.pool", Op: "GlobalAveragePool", Inputs: []string{features}, Outputs: []string{"head.pooled"}},
			graph.Node{Name: "head.flatten", Op: "Flatten", Inputs: []string{"head.pooled"}, Outputs: []string{headInput}})
		features = headInput
	case len(shape) != 2:
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("features of extents %v: a row or maps per picture are", shape)}
	}
	width := shape[1]
	rng := rand.New(rand.NewPCG(seed, 0x4ead))
	for i, w := range widths {
		name, out := "head", headOutput
		if i < len(hidden) {
			name, out = "head."+strconv.Itoa(i), "head."+strconv.Itoa(i)+".sum"
		}
		for _, taken := range []string{name + ".weight", name + ".bias", out} {
			delete(g.Consts, taken) // of an earlier head of ours
		}
		g.Consts[name+".weight"] = graph.Floats(glorot(rng, w, width), w, width)
		g.Consts[name+".bias"] = graph.Floats(make([]float32, w), w)
		g.Nodes = append(g.Nodes, graph.Node{Name: name, Op: "Gemm", Inputs: []string{features, name + ".weight", name + ".bias"},
			Outputs: []string{out}, Attrs: map[string]graph.Attr{"transB": int64(1)}})
		features, width = out, w
		if i < len(hidden) {
			g.Nodes = append(g.Nodes, graph.Node{Name: name + ".relu", Op: "Relu", Inputs: []string{out}, Outputs: []string{name}})
			features = name
		}
	}
	g.Outputs = []graph.Value{{Name: headOutput, Type: graph.Float32, Dims: []int{-1, classes}, Params: []string{"batch", ""}}}
	return g, nil
}

// glorot returns a matrix for width inputs and rows outputs.
func glorot(rng *rand.Rand, rows, width int) []float32 {
	limit := math.Sqrt(6 / float64(rows+width))
	w := make([]float32, rows*width)
	for i := range w {
		w[i] = float32((2*rng.Float64() - 1) * limit)
	}
	return w
}

// specialize brings a network into normal form for a batch of pictures, its
// parameters kept.
func specialize(net *graph.Graph, batch int) (*graph.Static, error) {
	if len(net.Inputs) != 1 || len(net.Outputs) != 1 || len(net.Inputs[0].Dims) < 2 {
		return nil, &graph.UnsupportedError{Reason: "a network without exactly one input and one output of batches"}
	}
	for i := range net.Nodes {
		if op := net.Nodes[i].Op; op == "QuantizeLinear" || op == "DequantizeLinear" {
			return nil, net.Unsupported(&net.Nodes[i], "the network is quantized, and only float32 can be trained: name the file that it was quantized from")
		}
	}
	dims := append([]int{batch}, net.Inputs[0].Dims[1:]...)
	return graph.Specialize(net, map[string][]int{net.Inputs[0].Name: dims}, graph.Options{KeepParams: true})
}
