package graph

import (
	"maps"
	"slices"
)

// Graph is a network. Its nodes are in an order in which every value is made
// before it is used; every value has one maker: an input, a constant, or an
// output of a node.
type Graph struct {
	Name    string
	Opset   int // version of the default operator set
	Inputs  []Value
	Outputs []Value
	Nodes   []Node
	Consts  map[string]*Tensor // constants by the name of their value
	// Fixed names the constants that came from Constant nodes of the file. The
	// others are its initializers, and of those the float32 tensors of one axis
	// or more are what training may change. May be nil.
	Fixed    map[string]bool
	Metadata map[string]string // metadata_props of the file
}

// Value is an input or output of a graph.
type Value struct {
	Name string
	Type Type
	// Dims are the extents. One below 0 is not known; Params then may name it
	// ("batch"). Params is nil or as long as Dims.
	Dims   []int
	Params []string
}

// Node is one operator. An optional input or output that is absent has the
// empty name.
type Node struct {
	Name    string
	Op      string // "Conv"
	Domain  string // empty for the default operator set
	Inputs  []string
	Outputs []string
	Attrs   map[string]Attr
}

// Attr is the value of an attribute: exactly one of int64, float32, string,
// []int64, []float32, []string and *Tensor.
type Attr any

// Input returns the name of input i, empty if it is absent.
func (n *Node) Input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}

// Int returns an attribute that is an integer, or absent if it is not there
// or of another type.
func (n *Node) Int(name string, absent int64) int64 {
	if v, ok := n.Attrs[name].(int64); ok {
		return v
	}
	return absent
}

// Float is [Node.Int] for a float32.
func (n *Node) Float(name string, absent float32) float32 {
	if v, ok := n.Attrs[name].(float32); ok {
		return v
	}
	return absent
}

// Text is [Node.Int] for a string.
func (n *Node) Text(name, absent string) string {
	if v, ok := n.Attrs[name].(string); ok {
		return v
	}
	return absent
}

// Ints is [Node.Int] for a list of integers, which the caller must not
// change.
func (n *Node) Ints(name string, absent []int64) []int64 {
	if v, ok := n.Attrs[name].([]int64); ok {
		return v
	}
	return absent
}

// Clone returns a copy of the graph that shares only the tensors' numbers.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Inputs, c.Outputs = slices.Clone(g.Inputs), slices.Clone(g.Outputs)
	c.Nodes = slices.Clone(g.Nodes)
	for i := range c.Nodes {
		n := &c.Nodes[i]
		n.Inputs, n.Outputs = slices.Clone(n.Inputs), slices.Clone(n.Outputs)
		attrs := make(map[string]Attr, len(n.Attrs))
		for k, v := range n.Attrs {
			attrs[k] = v
		}
		n.Attrs = attrs
	}
	c.Consts = make(map[string]*Tensor, len(g.Consts))
	for k, v := range g.Consts {
		t := *v
		c.Consts[k] = &t
	}
	c.Fixed = maps.Clone(g.Fixed)
	c.Metadata = make(map[string]string, len(g.Metadata))
	for k, v := range g.Metadata {
		c.Metadata[k] = v
	}
	return &c
}

// Makers returns for every value the index of the node that makes it.
func (g *Graph) Makers() map[string]int {
	makers := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, o := range g.Nodes[i].Outputs {
			if o != "" {
				makers[o] = i
			}
		}
	}
	return makers
}

// Uses returns for every value how many inputs of nodes and outputs of the
// graph it is.
func (g *Graph) Uses() map[string]int {
	uses := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			uses[in]++
		}
	}
	for _, o := range g.Outputs {
		uses[o.Name]++
	}
	delete(uses, "")
	return uses
}
