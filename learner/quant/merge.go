package quant

import (
	"math"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// mergeBiases makes a constant that is added to a product's channels the
// product's bias.
func mergeBiases(s *graph.Static) {
	makers, uses := s.Graph.Makers(), s.Graph.Uses()
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		if n.Op != "Add" {
			continue
		}
		for j, in := range n.Inputs {
			at, ok := makers[in]
			if !ok || uses[in] != 1 {
				continue
			}
			p, w := &s.Graph.Nodes[at], (*graph.Tensor)(nil)
			if len(p.Inputs) > 1 {
				w = s.Graph.Consts[p.Inputs[1]]
			}
			axis := len(s.Shapes[in]) - 1
			if p.Op == "Conv" {
				axis = 1
			}
			if w == nil || p.Input(2) != "" || p.Op != "Conv" && (p.Op != "MatMul" || len(w.Dims) != 2) {
				continue
			}
			bias := perChannel(s, n.Inputs[1-j], s.Shapes[n.Outputs[0]], axis)
			if bias == nil {
				continue
			}
			name := define(s, n.Outputs[0]+"_bias", graph.Floats(bias, len(bias)))
			merged := graph.Node{Name: p.Name, Op: p.Op, Domain: p.Domain, Attrs: p.Attrs,
				Inputs: []string{p.Inputs[0], p.Inputs[1], name}, Outputs: n.Outputs}
			if p.Op == "MatMul" {
				merged.Op, merged.Domain = "Linear", graph.Domain
			}
			*n = merged
			break
		}
	}
	graph.RemoveDead(s)
}

// perChannel returns the numbers of a constant that has one per element of an
// axis of a value with the given extents, or one for all; nil if it is none.
func perChannel(s *graph.Static, name string, dims []int, axis int) []float32 {
	t := s.Graph.Consts[name]
	if t == nil || t.Type != graph.Float32 || len(t.Dims) > len(dims) || axis < 0 {
		return nil
	}
	for i, d := range t.Dims {
		if at := len(dims) - len(t.Dims) + i; d != 1 && (at != axis || d != dims[axis]) {
			return nil
		}
	}
	out := make([]float32, dims[axis])
	for c := range out {
		out[c] = t.F32[min(c, len(t.F32)-1)]
	}
	return out
}

// affineToConv turns a scale and shift per channel of images, which a
// normalisation is that no product stands before, into a convolution of 1x1
// with one weight per channel, for which there are integers.
func affineToConv(s *graph.Static) {
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		dims := s.Shapes[n.Outputs[0]]
		if len(dims) < 3 || len(dims) > 4 || dims[1] < 2 {
			continue
		}
		x, w, b := channelAffine(s, n, dims)
		if w == nil {
			continue
		}
		c := dims[1]
		shape, ones := []int{c, 1}, []int64(nil)
		for range dims[2:] {
			shape, ones = append(shape, 1), append(ones, 1)
		}
		*n = graph.Node{Name: n.Name, Op: "Conv", Outputs: n.Outputs,
			Inputs: []string{x, define(s, n.Outputs[0]+"_weight", graph.Floats(w, shape...)), define(s, n.Outputs[0]+"_bias", graph.Floats(b, c))},
			Attrs: map[string]graph.Attr{"kernel_shape": ones, "strides": ones, "dilations": ones,
				"pads": make([]int64, 2*len(ones)), "group": int64(c)}}
	}
}

// channelAffine returns x, w and b of a node that computes w*x+b per channel,
// nil if it does not.
func channelAffine(s *graph.Static, n *graph.Node, dims []int) (x string, w, b []float32) {
	w, b = make([]float32, dims[1]), make([]float32, dims[1])
	if n.Op == "BatchNormalization" {
		var p [4][]float32
		for i := range p {
			if p[i] = perChannel1(s, n.Inputs[i+1], dims[1]); p[i] == nil {
				return "", nil, nil
			}
		}
		for c := range w {
			scale := float64(p[0][c]) / math.Sqrt(float64(p[3][c])+float64(n.Float("epsilon", 1e-5)))
			w[c], b[c] = float32(scale), float32(float64(p[1][c])-float64(float64(p[2][c])*scale))
		}
		return n.Inputs[0], w, b
	}
	if len(n.Inputs) != 2 {
		return "", nil, nil
	}
	for j, x := range n.Inputs {
		t := s.Graph.Consts[n.Inputs[1-j]]
		if t == nil || t.Len() != dims[1] || j == 1 && (n.Op == "Sub" || n.Op == "Div") || s.Graph.Consts[x] != nil {
			continue
		}
		k := perChannel(s, n.Inputs[1-j], dims, 1)
		if k == nil || graph.Size(s.Shapes[x]) != graph.Size(dims) {
			continue
		}
		for c, v := range k {
			switch n.Op {
			case "Add":
				w[c], b[c] = 1, v
			case "Sub":
				w[c], b[c] = 1, -v
			case "Mul":
				w[c] = v
			case "Div":
				w[c] = 1 / v
			default:
				return "", nil, nil
			}
		}
		return x, w, b
	}
	return "", nil, nil
}

// perChannel1 is perChannel of a constant of exactly one axis.
func perChannel1(s *graph.Static, name string, c int) []float32 {
	if t := s.Graph.Consts[name]; t != nil && t.Type == graph.Float32 && len(t.Dims) == 1 && t.Dims[0] == c {
		return t.F32
	}
	return nil
}

// define makes a constant under a new name, which it returns.
func define(s *graph.Static, base string, t *graph.Tensor) string {
	name := base
	for s.Shapes[name] != nil {
		name += "_"
	}
	s.Graph.Consts[name], s.Shapes[name], s.Types[name] = t, t.Dims, t.Type
	return name
}
