package quant

import (
	"maps"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// movers only move or select elements: what they make keeps the code of what
// they take.
var movers = map[string]bool{
	"MaxPool": true, "GlobalMaxPool": true, "Reshape": true, "Transpose": true,
	"Slice": true, "Gather": true, "Relu": true, "Identity": true,
}

// functions of one number are tables of bytes.
var functions = map[string]bool{
	"LeakyRelu": true, "HardSigmoid": true, "HardSwish": true, "Sigmoid": true, "Silu": true,
	"Tanh": true, "Clip": true, "Elu": true, "Selu": true, "Softplus": true, "Softsign": true,
}

// isProduct tells whether a node multiplies a value by constant weights.
func (n *network) isProduct(m *graph.Node) bool {
	if len(m.Inputs) < 2 || n.Graph.Consts[m.Inputs[0]] != nil {
		return false
	}
	w := n.Graph.Consts[m.Inputs[1]]
	if w == nil || w.Type != graph.Float32 || w.Len() == 0 {
		return false
	}
	if b := m.Input(2); b != "" && (n.Graph.Consts[b] == nil || n.Graph.Consts[b].Type != graph.Float32) {
		return false
	}
	switch m.Op {
	case "Conv":
		return len(w.Dims) == 3 || len(w.Dims) == 4
	case "Gemm":
		outputs := w.Dims[1-int(m.Int("transB", 0))]
		return m.Int("transA", 0) == 0 && (m.Input(2) == "" || perRow(n.Graph.Consts[m.Input(2)], outputs) != nil)
	case "MatMul", "Linear":
		return len(w.Dims) == 2 && len(n.Shapes[m.Inputs[0]]) >= 2
	}
	return false
}

// perRow returns a bias for every output of a dense layer, nil if it differs
// between rows.
func perRow(t *graph.Tensor, outputs int) []float32 {
	last := len(t.Dims) - 1
	if t.Len() != 1 && (t.Len() != outputs || t.Dims[last] != outputs) {
		return nil
	}
	b := make([]float32, outputs)
	for i := range b {
		b[i] = t.F32[min(i, len(t.F32)-1)]
	}
	return b
}

// combines tells whether a node joins or averages bytes into others.
func (n *network) combines(m *graph.Node) bool {
	out := n.Shapes[m.Outputs[0]]
	switch m.Op {
	case "AveragePool", "GlobalAveragePool":
		return true
	case "Concat":
		return !slices.ContainsFunc(m.Inputs, func(in string) bool { return n.Graph.Consts[in] != nil })
	case "Add", "Mul":
		for _, in := range m.Inputs {
			if n.Graph.Consts[in] != nil {
				return false
			}
			if slices.Equal(n.Shapes[in], out) {
				continue
			}
			// A gate: one factor per channel.
			gate := slices.Clone(out)
			for i := 2; i < len(gate); i++ {
				gate[i] = 1
			}
			if m.Op != "Mul" || len(out) < 3 || !slices.Equal(n.Shapes[in], gate) {
				return false
			}
		}
		return true
	}
	return false
}

// integer tells whether a node can work on bytes once its inputs are.
func (n *network) integer(m *graph.Node) bool {
	return m.Domain != "" && m.Op == "Silu" || m.Domain == "" && (movers[m.Op] || functions[m.Op]) || n.combines(m)
}

// decide finds out which values become bytes. Products always work on bytes.
// Normalisations, attention and other operators of numbers stay float32, and
// so does what is made of them, up to the next product.
func (n *network) decide() {
	g := n.Graph
	n.users, n.outputs = map[string][]int{}, map[string]bool{}
	n.float, n.wanted, n.inside = map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, o := range g.Outputs {
		n.outputs[o.Name] = true
		n.wanted[o.Name] = true
	}
	for i := range g.Nodes {
		m := &g.Nodes[i]
		for _, in := range m.Inputs {
			n.users[in] = append(n.users[in], i)
		}
		if n.isProduct(m) {
			continue
		}
		float := !n.integer(m)
		for _, in := range m.Inputs {
			float = float || n.float[in]
		}
		n.float[m.Outputs[0]] = float
	}
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		m := &g.Nodes[i]
		out := m.Outputs[0]
		switch {
		case n.isProduct(m):
			n.wanted[m.Inputs[0]] = true
		case n.float[out] || !n.wanted[out]:
			continue
		default:
			for _, in := range m.Inputs {
				if g.Consts[in] == nil {
					n.wanted[in] = true
				}
			}
		}
	}
	for i := range g.Nodes {
		m := &g.Nodes[i]
		out := m.Outputs[0]
		if !n.isProduct(m) && (m.Op != "Add" || n.float[out]) || n.outputs[out] || len(n.users[out]) != 1 {
			continue
		}
		if next := g.Nodes[n.users[out][0]]; next.Op == "Relu" || next.Op == "Clip" {
			n.inside[out] = true
			delete(n.wanted, out)
		}
	}
}

// source returns the value whose range a value has: itself, or what it is
// moved or selected from.
func (n *network) source(value string, makers map[string]int) string {
	for {
		i, made := makers[value]
		if !made {
			return value
		}
		m := &n.Graph.Nodes[i]
		if !movers[m.Op] || m.Domain != "" || n.inside[m.Inputs[0]] || n.Graph.Consts[m.Inputs[0]] != nil ||
			m.Op == "Relu" && n.float[value] {
			return value
		}
		value = m.Inputs[0]
	}
}

// sources returns the values that ranges are needed of, sorted.
func (n *network) sources() []string {
	makers, set := n.Graph.Makers(), map[string]bool{}
	for v := range n.wanted {
		set[n.source(v, makers)] = true
	}
	return slices.Sorted(maps.Keys(set))
}
