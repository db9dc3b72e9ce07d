package graph

import (
	"math"
	"slices"
)

// FoldBatchNorm merges every BatchNormalization that alone follows a Conv,
// Gemm, Linear or MatMul of constant weights into these weights, under new
// names, and the bias. The product then has the name that the normalized
// value had. A BatchNormalization that stands elsewhere stays.
func FoldBatchNorm(s *Static) {
	r, gone := newRewriter(s), map[int]bool{}
	for i := range s.Graph.Nodes {
		bn := &s.Graph.Nodes[i]
		if bn.Op != "BatchNormalization" {
			continue
		}
		scale, shift, ok := r.affineOf(bn)
		at, made := r.makers[bn.Inputs[0]]
		if !ok || !made || r.only(bn.Inputs[0], "BatchNormalization") != i {
			continue
		}
		if r.foldInto(&s.Graph.Nodes[at], scale, shift) {
			s.Graph.Nodes[at].Outputs = bn.Outputs
			gone[i] = true
		}
	}
	kept := s.Graph.Nodes[:0]
	for i := range s.Graph.Nodes {
		if !gone[i] {
			kept = append(kept, s.Graph.Nodes[i])
		}
	}
	s.Graph.Nodes = kept
	RemoveDead(s)
}

// affineOf returns a normalization as y = x*scale + shift per channel.
func (r *rewriter) affineOf(bn *Node) (scale, shift []float64, ok bool) {
	var p [5][]float32
	for i := 1; i < 5; i++ {
		t := r.Graph.Consts[bn.Inputs[i]]
		if t == nil {
			return nil, nil, false
		}
		p[i] = t.F32
	}
	epsilon := float64(bn.Float("epsilon", 1e-5))
	scale, shift = make([]float64, len(p[1])), make([]float64, len(p[1]))
	for i := range scale {
		scale[i] = float64(p[1][i]) / math.Sqrt(float64(p[4][i])+epsilon)
		// The conversion forbids a fused multiply-add, so that every
		// architecture gives the same bits.
		shift[i] = float64(p[2][i]) - float64(float64(p[3][i])*scale[i])
	}
	return scale, shift, true
}

// foldInto changes the weights and bias of a product so that its channels are
// scaled and shifted. It reports whether it could.
func (r *rewriter) foldInto(n *Node, scale, shift []float64) bool {
	// inner is the number of consecutive weights of one channel.
	inner := 1
	switch n.Op {
	case "Conv":
	case "Gemm":
		if n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 || len(r.Shapes[n.Input(2)]) != 1 && n.Input(2) != "" {
			return false
		}
	case "Linear", "MatMul":
		if len(r.Shapes[n.Outputs[0]]) != 2 {
			return false // the channel is not the last axis
		}
	default:
		return false
	}
	w := r.Graph.Consts[n.Inputs[1]]
	if w == nil || len(w.Dims) < 2 {
		return false
	}
	if n.Op == "Conv" || n.Op == "Gemm" && n.Int("transB", 0) == 1 {
		inner = Size(w.Dims[1:])
	}
	bias := make([]float32, len(scale))
	if name := n.Input(2); name != "" {
		b := r.Graph.Consts[name]
		if b == nil || b.Len() != len(bias) && b.Len() != 1 {
			return false
		}
		for i := range bias {
			bias[i] = b.F32[i%b.Len()]
		}
	}
	folded := make([]float32, len(w.F32))
	for i, v := range w.F32 {
		folded[i] = float32(float64(v) * scale[i/inner%len(scale)])
	}
	for i, v := range bias {
		bias[i] = float32(float64(float64(v)*scale[i]) + shift[i])
	}
	fixed := r.Graph.Fixed[n.Inputs[1]]
	weight := r.define(n.Inputs[1]+"_folded", Floats(folded, slices.Clone(w.Dims)...), fixed)
	n.Inputs = []string{n.Inputs[0], weight, r.define(n.Inputs[1]+"_shift", Floats(bias, len(bias)), fixed)}
	if n.Op == "MatMul" {
		n.Op, n.Domain = "Linear", Domain
	}
	return true
}
