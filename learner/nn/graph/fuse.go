package graph

import "slices"

// Domain is that of operators that ONNX does not have: Silu and Linear.
const Domain = "bristled"

// Fuse replaces groups of nodes by the one operator that they spell out:
// LayerNormalization, Gelu, Silu, HardSigmoid, HardSwish and Linear, and
// merges Pad into the window that follows it and Reshape into Reshape. The
// values at their ends keep their names; those within go if nothing else
// needs them.
func Fuse(s *Static) {
	for _, pass := range []func(*rewriter, int){
		fusePad, fuseReshape, fuseLayerNorm, fuseGelu, fuseHardSigmoid, fuseGate, fuseLinear,
	} {
		r := newRewriter(s)
		for i := range s.Graph.Nodes {
			pass(r, i)
		}
		RemoveDead(s)
	}
}

// fusePad lets a convolution or average pad by itself.
func fusePad(r *rewriter, i int) {
	n := &r.Graph.Nodes[i]
	if n.Op != "Conv" && n.Op != "AveragePool" {
		return
	}
	p := r.maker(n.Inputs[0], "Pad")
	if p == nil || p.Text("mode", "") != "constant" || p.Float("value", 0) != 0 {
		return
	}
	more, rank := p.Ints("pads", nil), len(r.Shapes[n.Outputs[0]])
	have := n.Ints("pads", nil)
	if len(more) != 2*rank || len(have) != 2*(rank-2) || max(more[0], more[1], more[rank], more[rank+1]) > 0 {
		return
	}
	counts := n.Op == "AveragePool"
	if counts && n.Int("count_include_pad", 0) == 0 && slices.Max(have) > 0 {
		return // its own padding does not count, the added one would
	}
	pads := slices.Concat(more[2:rank], more[rank+2:])
	for j := range pads {
		pads[j] += have[j]
		if counts && pads[j] >= n.Ints("kernel_shape", nil)[j%(rank-2)] {
			return
		}
	}
	n.Attrs["pads"] = pads
	if counts {
		n.Attrs["count_include_pad"] = int64(1)
	}
	n.Inputs = slices.Clone(n.Inputs)
	n.Inputs[0] = p.Inputs[0]
}

// fuseReshape skips a Reshape before a Reshape.
func fuseReshape(r *rewriter, i int) {
	n := &r.Graph.Nodes[i]
	if n.Op != "Reshape" {
		return
	}
	if before := r.maker(n.Inputs[0], "Reshape"); before != nil {
		r.replace(i, "Reshape", nil, before.Inputs[0], n.Inputs[1])
	}
}

// fuseLinear makes one node of a product with a matrix that does not depend
// on the data, and the bias that is added.
func fuseLinear(r *rewriter, i int) {
	n := &r.Graph.Nodes[i]
	if n.Op != "Add" {
		return
	}
	for j, in := range n.Inputs {
		m, bias := r.maker(in, "MatMul"), n.Inputs[1-j]
		if m == nil || r.only(in, "Add") != i {
			continue
		}
		w := r.Shapes[m.Inputs[1]]
		if len(w) != 2 || !slices.Equal(r.Shapes[bias], w[1:]) {
			continue
		}
		if r.steady == nil {
			r.steady = r.still()
		}
		if r.steady[m.Inputs[1]] && r.steady[bias] {
			r.replace(i, "Linear", nil, m.Inputs[0], m.Inputs[1], bias)
			return
		}
	}
}
