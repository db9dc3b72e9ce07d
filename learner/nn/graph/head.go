package graph

import "slices"

// Classifier is the output layer of a network: logits = weight * features +
// bias.
type Classifier struct {
	Node     int    // index of its node in the graph
	Features string // value that it reads, [batch, width] or [batch, width, ...]
	Logits   string // value that it makes, bias included
	// Weight is a constant with the elements of [Classes, Width] or, with
	// ByColumn, of [Width, Classes] in row-major order. Its own shape may have
	// more axes.
	Weight   string
	ByColumn bool
	Bias     string // constant of Classes elements, or empty
	Classes  int
	Width    int
	// Direct says that nothing but a change of shape lies between the logits
	// and the output of the graph.
	Direct bool
}

// after lists operators that may stand between the output layer and the
// output of the graph.
var after = map[string]bool{
	"Softmax": true, "LogSoftmax": true, "Sigmoid": true, "Relu": true, "Clip": true, "Identity": true,
	"GlobalAveragePool": true, "GlobalMaxPool": true, "AveragePool": true, "ReduceMean": true,
	"Mul": true, "Div": true, "Add": true, "Sub": true, "Exp": true, "Neg": true, "Transpose": true,
}

// Head returns the output layer of a graph: the last product with a matrix of
// weights before the first output, be it a Gemm, Linear, MatMul and Add, or
// Conv of 1x1. It is an [*UnsupportedError] if there is none.
func Head(s *Static) (*Classifier, error) {
	if len(s.Graph.Outputs) == 0 {
		return nil, &UnsupportedError{Reason: "the model has no output"}
	}
	makers, still := s.Graph.Makers(), s.still()
	h := &Classifier{Direct: true}
	for value := s.Graph.Outputs[0].Name; ; {
		i, ok := makers[value]
		if !ok {
			return nil, &UnsupportedError{Reason: "the model has no output layer"}
		}
		n := &s.Graph.Nodes[i]
		if s.product(n, still) {
			h.Node, h.Features = i, n.Inputs[0]
			if h.Logits == "" || h.Bias == "" {
				h.Logits = value
			}
			if err := s.describe(h, n, makers); err != nil {
				return nil, err
			}
			return h, nil
		}
		// The one input that depends on the data.
		moving, others := "", ""
		for _, in := range n.Inputs {
			switch {
			case in == "":
			case still[in]:
				others = in
			case moving == "":
				moving = in
			default:
				return nil, s.Graph.Unsupported(n, "the model has no output layer: two values of the data meet at this node")
			}
		}
		if n.Op != "Reshape" && !after[n.Op] || moving == "" {
			return nil, s.Graph.Unsupported(n, "the model has no output layer before this node")
		}
		below, ok := makers[moving]
		if n.Op == "Add" && ok && s.Graph.Nodes[below].Op == "MatMul" && s.Graph.Consts[others] != nil && s.perClass(others, value) {
			h.Bias, h.Logits = others, value
		} else if n.Op != "Reshape" && n.Op != "Identity" {
			h.Direct = false
		}
		value = moving
	}
}

// perClass reports whether a constant has one element for each place on the
// last axis of a value.
func (s *Static) perClass(name, value string) bool {
	b, v := s.Shapes[name], s.Shapes[value]
	return len(b) > 0 && len(v) > 0 && Size(b) == b[len(b)-1] && Size(b) == v[len(v)-1]
}

// product reports whether a node is a product of data and weights.
func (s *Static) product(n *Node, still map[string]bool) bool {
	switch n.Op {
	case "Gemm":
		if n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
			return false
		}
	case "Linear", "MatMul":
		if len(s.Shapes[n.Inputs[1]]) != 2 {
			return false
		}
	case "Conv":
		if Size(s.Shapes[n.Inputs[1]][2:]) != 1 || n.Int("group", 1) != 1 || slices.Max(n.Ints("pads", []int64{0})) > 0 {
			return false
		}
	default:
		return false
	}
	return !still[n.Inputs[0]] && still[n.Inputs[1]]
}

// describe fills in weight and bias of the node.
func (s *Static) describe(h *Classifier, n *Node, makers map[string]int) error {
	h.Weight = n.Inputs[1]
	h.ByColumn = n.Op == "Linear" || n.Op == "MatMul" || n.Op == "Gemm" && n.Int("transB", 0) == 0
	if n.Op != "MatMul" {
		h.Bias = n.Input(2)
	}
	if i, ok := makers[h.Weight]; ok && s.Graph.Nodes[i].Op == "Transpose" && len(s.Shapes[h.Weight]) == 2 {
		h.Weight, h.ByColumn = s.Graph.Nodes[i].Inputs[0], !h.ByColumn
	}
	w := s.Shapes[h.Weight]
	if i, ok := makers[h.Weight]; ok && s.Graph.Nodes[i].Op == "Reshape" {
		h.Weight = s.Graph.Nodes[i].Inputs[0]
	}
	if s.Graph.Consts[h.Weight] == nil || h.Bias != "" && s.Graph.Consts[h.Bias] == nil {
		return s.Graph.Unsupported(n, "weights of the output layer are computed from others")
	}
	h.Classes, h.Width = w[0], w[1]
	if h.ByColumn {
		h.Classes, h.Width = w[1], w[0]
	}
	if h.Bias != "" && Size(s.Shapes[h.Bias]) != h.Classes {
		return s.Graph.Unsupported(n, "a bias of shape %v for %d classes", s.Shapes[h.Bias], h.Classes)
	}
	return nil
}
