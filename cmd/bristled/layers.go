package main

import (
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// metaPart is the key of a model's metadata that says partBackbone of a
// network whose output layer was cut off.
const (
	metaPart     = "part"
	partBackbone = "backbone"
)

// specialized brings a graph, whose input is known but for the batch, into
// normal form for a batch.
func specialized(g *graph.Graph, batch int, o graph.Options) (*graph.Static, error) {
	dims := slices.Clone(g.Inputs[0].Dims)
	dims[0] = batch
	return graph.Specialize(g, map[string][]int{g.Inputs[0].Name: dims}, o)
}

// headOf returns the output layer of a network and the network in normal form
// for one sample, to which the layer's numbers of nodes belong. Both are as if
// the network were not quantized.
func headOf(g *graph.Graph) (*graph.Classifier, *graph.Static, error) {
	plain := g
	if quantizedGraph(g) {
		plain = g.Clone()
		for i := range plain.Nodes {
			n := &plain.Nodes[i]
			if quantizes(n.Op) && g.Consts[n.Input(0)] == nil {
				n.Op, n.Inputs, n.Attrs = "Identity", n.Inputs[:1], map[string]graph.Attr{}
			}
		}
	}
	static, err := specialized(plain, max(1, g.Inputs[0].Dims[0]), graph.Options{})
	if err != nil {
		return nil, nil, err
	}
	head, err := graph.Head(static)
	return head, static, err
}

// decoded returns the name under which a quantized network reads a value once
// it was bytes; in others it is the value's own.
func decoded(g *graph.Graph, value string) string {
	for _, operator := range []string{"QuantizeLinear", "DequantizeLinear"} {
		i := slices.IndexFunc(g.Nodes, func(n graph.Node) bool { return n.Op == operator && n.Input(0) == value })
		if i < 0 {
			return value
		}
		value = g.Nodes[i].Outputs[0]
	}
	return value
}

// withoutHead cuts the output layer off a network and returns what people
// call that layer.
func withoutHead(g *graph.Graph) (cut *graph.Graph, layer string, err error) {
	head, static, err := headOf(g)
	if err != nil {
		return nil, "", err
	}
	cut, err = endAt(g, decoded(g, head.Features), static.Shapes[head.Features])
	return cut, layerName(static.Graph.Nodes[head.Node].Label(), head.Weight), err
}

// endAt returns the part of a network that ends at a value of the given
// extents, and notes that it is a backbone.
func endAt(g *graph.Graph, value string, dims []int) (*graph.Graph, error) {
	c, err := graph.Cut(g, value)
	if err != nil {
		return nil, err
	}
	out, in := &c.Outputs[0], c.Inputs[0]
	out.Dims = slices.Clone(dims)
	if len(dims) > 0 && in.Dims[0] < 0 {
		out.Dims[0] = in.Dims[0]
		if len(in.Params) > 0 {
			out.Params = make([]string, len(dims))
			out.Params[0] = in.Params[0]
		}
	}
	c.Metadata[metaPart] = partBackbone
	return c, nil
}

// isBackbone says whether a file states that its output layer was cut off.
func isBackbone(g *graph.Graph) bool { return g.Metadata[metaPart] == partBackbone }

// quantizes says whether an operator only changes the type of numbers.
func quantizes(operator string) bool {
	return operator == "QuantizeLinear" || operator == "DequantizeLinear"
}

// countLayers is [graph.Count], which for a quantized network counts the
// stored integers and not their scales.
func countLayers(s *graph.Static) []graph.LayerInfo {
	layers := graph.Count(s)
	if !quantizedGraph(s.Graph) {
		return layers
	}
	makers, at := s.Graph.Makers(), map[string]int{}
	for i := range layers {
		layers[i].Params = 0
		at[layers[i].Output] = i
	}
	seen := map[string]bool{}
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		layer, ok := at[n.Outputs[0]]
		if !ok || quantizes(n.Op) {
			continue
		}
		for _, in := range n.Inputs {
			if from, made := makers[in]; made && s.Graph.Nodes[from].Op == "DequantizeLinear" {
				in = s.Graph.Nodes[from].Inputs[0]
			}
			if c := s.Graph.Consts[in]; c != nil && len(c.Dims) > 0 && c.Type != graph.Int64 && !seen[in] {
				seen[in] = true
				layers[layer].Params += int64(c.Len())
			}
		}
	}
	return layers
}
