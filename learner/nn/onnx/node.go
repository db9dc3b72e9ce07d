package onnx

import (
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// node appends a node, or the constant that it stands for.
func (r *reader) node(p *onnxpb.NodeProto) error {
	n := graph.Node{
		Name:    p.GetName(),
		Op:      p.GetOpType(),
		Domain:  p.GetDomain(),
		Inputs:  p.GetInput(),
		Outputs: p.GetOutput(),
	}
	if standard(n.Domain) {
		n.Domain = ""
	}
	if n.Op == "" {
		return graph.Corrupt("node %.80q has no operator", n.Label())
	}
	if err := r.attributes(&n, p.GetAttribute()); err != nil {
		return err
	}
	if n.Op == "Constant" && n.Domain == "" {
		return r.constantNode(&n)
	}
	made := false
	for _, name := range n.Outputs {
		if name == "" {
			continue
		}
		made = true
		if err := r.make(name, len(r.g.Nodes)); err != nil {
			return err
		}
	}
	if !made {
		return graph.Corrupt("node %.80q, operator %.80q, has no output", n.Name, n.Op)
	}
	r.g.Nodes = append(r.g.Nodes, n)
	return nil
}

// attributes reads the attributes of a node.
func (r *reader) attributes(n *graph.Node, all []*onnxpb.AttributeProto) error {
	if len(all) == 0 {
		return nil
	}
	n.Attrs = make(map[string]graph.Attr, len(all))
	for _, a := range all {
		name := a.GetName()
		if _, twice := n.Attrs[name]; twice || name == "" {
			return graph.Corrupt("node %.80q has the attribute %.80q twice or without a name", n.Label(), name)
		}
		if a.GetRefAttrName() != "" {
			return r.g.Unsupported(n, "attribute %.80q refers to one of a function", name)
		}
		v, err := r.attribute(n, a)
		if err != nil {
			return err
		}
		n.Attrs[name] = v
	}
	return nil
}

func (r *reader) attribute(n *graph.Node, a *onnxpb.AttributeProto) (graph.Attr, error) {
	switch a.GetType() {
	case onnxpb.AttributeProto_FLOAT:
		if elements.IsNaN(a.GetF()) {
			return nil, graph.Corrupt("attribute %.80q of node %.80q is not a number", a.GetName(), n.Label())
		}
		return a.GetF(), nil
	case onnxpb.AttributeProto_INT:
		return a.GetI(), nil
	case onnxpb.AttributeProto_STRING:
		return string(a.GetS()), nil
	case onnxpb.AttributeProto_FLOATS:
		for _, v := range a.GetFloats() {
			if elements.IsNaN(v) {
				return nil, graph.Corrupt("attribute %.80q of node %.80q is not all numbers", a.GetName(), n.Label())
			}
		}
		return append([]float32{}, a.GetFloats()...), nil
	case onnxpb.AttributeProto_INTS:
		return append([]int64{}, a.GetInts()...), nil
	case onnxpb.AttributeProto_STRINGS:
		texts := make([]string, len(a.GetStrings()))
		for i, s := range a.GetStrings() {
			texts[i] = string(s)
		}
		return texts, nil
	case onnxpb.AttributeProto_TENSOR:
		if a.GetT() == nil {
			return nil, graph.Corrupt("attribute %.80q of node %.80q has no tensor", a.GetName(), n.Label())
		}
		t, err := r.tensor(n.Label(), a.GetT())
		a.T = nil // the decoded bytes are not needed twice
		return t, err
	case onnxpb.AttributeProto_UNDEFINED:
		return nil, graph.Corrupt("attribute %.80q of node %.80q has no type", a.GetName(), n.Label())
	}
	kind := strings.ToLower(a.GetType().String())
	return nil, r.g.Unsupported(n, "attribute %.80q is of the kind %s", a.GetName(), strings.ReplaceAll(kind, "_", " "))
}

// constantNode makes a constant of a Constant node.
func (r *reader) constantNode(n *graph.Node) error {
	outputs := n.Outputs
	for len(outputs) > 0 && outputs[len(outputs)-1] == "" {
		outputs = outputs[:len(outputs)-1]
	}
	if len(outputs) != 1 || len(n.Inputs) != 0 || len(n.Attrs) != 1 {
		return graph.Corrupt("the constant %.80q has %d inputs, %d outputs and %d attributes", n.Label(), len(n.Inputs), len(outputs), len(n.Attrs))
	}
	var t *graph.Tensor
	for name, a := range n.Attrs {
		switch v := a.(type) {
		case *graph.Tensor:
			if name == "value" {
				t = v
			}
		case float32:
			if name == "value_float" {
				t = graph.Floats([]float32{v})
			}
		case int64:
			if name == "value_int" {
				t = graph.Ints([]int64{v})
			}
		case []float32:
			if name == "value_floats" {
				t = graph.Floats(v, len(v))
			}
		case []int64:
			if name == "value_ints" {
				t = graph.Ints(v, len(v))
			}
		}
		if t == nil {
			return r.g.Unsupported(n, "a constant in the attribute %.80q", name)
		}
	}
	if err := r.make(outputs[0], given); err != nil {
		return err
	}
	r.g.Consts[outputs[0]] = t
	r.g.Fixed[outputs[0]] = true
	return nil
}

// ordered returns the nodes in an order in which they can be run: that of the
// file if it is one, and otherwise each node after the first in the file that
// needs it has everything it needs.
func ordered(nodes []graph.Node, makers map[string]int) ([]graph.Node, error) {
	const (
		waiting = iota
		begun
		done
	)
	type visit struct{ node, input int }
	state := make([]uint8, len(nodes))
	out := make([]graph.Node, 0, len(nodes))
	var stack []visit
	for first := range nodes {
		if state[first] == done {
			continue
		}
		state[first] = begun
		stack = append(stack[:0], visit{node: first})
		for len(stack) > 0 {
			top := &stack[len(stack)-1]
			n := &nodes[top.node]
			if top.input == len(n.Inputs) {
				state[top.node] = done
				out = append(out, *n)
				stack = stack[:len(stack)-1]
				continue
			}
			name := n.Inputs[top.input]
			top.input++
			if name == "" {
				continue
			}
			maker, made := makers[name]
			switch {
			case !made:
				return nil, graph.Corrupt("nothing gives the input %.80q of node %.80q, operator %.80q", name, n.Label(), n.Op)
			case maker == given || state[maker] == done:
			case state[maker] == begun:
				return nil, graph.Corrupt("node %.80q, operator %.80q, needs its own result", n.Label(), n.Op)
			default:
				state[maker] = begun
				stack = append(stack, visit{node: maker})
			}
		}
	}
	return out, nil
}
