package quant

import (
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// network is a float32 graph made ready for quantization: in normal form,
// normalisations and biases merged into the products before them.
type network struct {
	*graph.Static               // for two images, or for the graph's own batch
	more          *graph.Static // the same for three images; nil if the graph can have its own batch only
	fixed         int           // that batch, else 0
	input         []int         // extents of the input, the batch first
	image         int           // numbers per image

	users   map[string][]int // nodes that read each value
	outputs map[string]bool
	float   map[string]bool // values that stay numbers, and what is made of them
	wanted  map[string]bool // values that are read as bytes
	inside  map[string]bool // products whose only reader is a rectifier, which go through it before they become bytes
}

// prepare returns the network of a graph with one input and one output.
func prepare(g *graph.Graph) (*network, error) {
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("%d inputs and %d outputs: one of each is", len(g.Inputs), len(g.Outputs))}
	}
	for i := range g.Nodes {
		if op := g.Nodes[i].Op; op == "QuantizeLinear" || op == "DequantizeLinear" {
			return nil, g.Unsupported(&g.Nodes[i], "the network is quantized already; name the float32 one")
		}
	}
	dims := g.Inputs[0].Dims
	if len(dims) == 0 || slices.ContainsFunc(dims[1:], func(d int) bool { return d < 1 }) {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an input of extents %v: all but the batch must be fixed", dims)}
	}
	// For one image some operators vanish that others need, so two and three
	// are compared.
	two, err := simplify(g, batchOf(dims, 2))
	if err == nil {
		if three, err := simplify(g, batchOf(dims, 3)); err == nil && alike(two, three) {
			return newNetwork(g, two, three), nil
		}
	}
	return prepareFixed(g)
}

// prepareFixed returns the network of a graph for the graph's own batch, or
// one image if it has none.
func prepareFixed(g *graph.Graph) (*network, error) {
	dims := g.Inputs[0].Dims
	s, err := simplify(g, batchOf(dims, max(dims[0], 1)))
	if err != nil {
		return nil, err
	}
	return newNetwork(g, s, nil), nil
}

func newNetwork(g *graph.Graph, s, more *graph.Static) *network {
	n := &network{Static: s, more: more, input: g.Inputs[0].Dims}
	n.image = graph.Size(n.input[1:])
	if more == nil {
		n.fixed = max(n.input[0], 1)
	}
	n.decide()
	return n
}

// batchOf returns extents with another batch.
func batchOf(dims []int, batch int) []int {
	return append([]int{batch}, dims[1:]...)
}

// simplify brings a graph into the form of which the engine's values have
// the names, and merges some more.
func simplify(g *graph.Graph, input []int) (*graph.Static, error) {
	s, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: input}, graph.Options{})
	if err != nil {
		return nil, err
	}
	graph.FoldBatchNorm(s)
	graph.Fuse(s)
	mergeBiases(s)
	affineToConv(s)
	graph.RemoveDead(s)
	return s, nil
}

// alike tells whether two normal forms have the same nodes, so that what
// differs between them follows from the batch.
func alike(a, b *graph.Static) bool {
	return slices.EqualFunc(a.Graph.Nodes, b.Graph.Nodes, func(x, y graph.Node) bool {
		return x.Op == y.Op && slices.Equal(x.Inputs, y.Inputs) && slices.Equal(x.Outputs, y.Outputs)
	})
}

// checkWeights returns an error if a number that becomes an integer is not
// finite.
func (n *network) checkWeights() error {
	for i := range n.Graph.Nodes {
		m := &n.Graph.Nodes[i]
		if !n.isProduct(m) {
			continue
		}
		for _, in := range m.Inputs[1:] {
			if t := n.Graph.Consts[in]; t != nil && !finite(t.F32) {
				return &NotFiniteError{Value: in, Batch: -1}
			}
		}
	}
	return nil
}
