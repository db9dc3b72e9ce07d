package graph

import (
	"fmt"
	"math"
	"slices"
)

// Interpret runs a graph in normal form, slowly: products and windows by
// their definition, everything else by the evaluator of constants.
func Interpret(s *Static, inputs map[string]*Tensor) (map[string]*Tensor, error) {
	values := map[string]*Tensor{}
	for k, v := range s.Graph.Consts {
		values[k] = v
	}
	for k, v := range inputs {
		values[k] = v
	}
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		in := make([]*Tensor, len(n.Inputs))
		for j, name := range n.Inputs {
			if in[j] = values[name]; name != "" && in[j] == nil {
				return nil, fmt.Errorf("node %s: input %s has no value", n.Label(), name)
			}
			if name != "" && !slices.Equal(in[j].Dims, s.Shapes[name]) {
				return nil, fmt.Errorf("node %s: input %s has shape %v, said was %v", n.Label(), name, in[j].Dims, s.Shapes[name])
			}
		}
		out, err := interpret(n, in, s.Shapes[n.Outputs[0]], s.Types[n.Outputs[0]])
		if err != nil {
			return nil, fmt.Errorf("node %s: %w", n.Label(), err)
		}
		values[n.Outputs[0]] = out
	}
	return values, nil
}

func interpret(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	out := newTensor(typ, dims)
	switch n.Op {
	case "Reshape", "Identity":
		t := *in[0]
		t.Dims = dims
		return &t, nil
	case "Silu":
		for i, v := range in[0].F32 {
			out.F32[i] = float32(float64(v) / (1 + math.Exp(-float64(v))))
		}
	case "Conv":
		naiveConv(n, in, out)
	case "MaxPool", "AveragePool":
		naivePool(n, in[0], out)
	case "GlobalAveragePool", "GlobalMaxPool":
		inner := Size(in[0].Dims[2:])
		for i := range out.F32 {
			part := in[0].F32[i*inner : (i+1)*inner]
			sum := 0.0
			for _, v := range part {
				sum += float64(v)
			}
			out.F32[i] = float32(sum / float64(inner))
			if n.Op == "GlobalMaxPool" {
				out.F32[i] = slices.Max(part)
			}
		}
	case "Gemm":
		naiveGemm(n, in, out)
	case "MatMul", "Linear":
		naiveMatMul(in, out)
	case "BatchNormalization":
		inner, c := Size(dims[2:]), dims[1]
		for i, v := range in[0].F32 {
			k := i / inner % c
			d := (float64(v) - float64(in[3].F32[k])) / math.Sqrt(float64(in[4].F32[k])+float64(n.Float("epsilon", 0)))
			out.F32[i] = float32(d*float64(in[1].F32[k]) + float64(in[2].F32[k]))
		}
	case "LayerNormalization":
		naiveLayerNorm(n, in, out)
	case "Softmax", "LogSoftmax":
		naiveSoftmax(n, in[0], out)
	default:
		if evaluators[n.Op] == nil {
			return nil, fmt.Errorf("no such operator: %s", n.Op)
		}
		return evaluators[n.Op](n, in, dims, typ)
	}
	return out, nil
}

// taps calls f for every element of the input under a window: its place
// there and in the kernel. The window is that of output place `at`.
func taps(n *Node, x []int, at []int, f func(in, kernel int)) {
	kernel, strides := n.Ints("kernel_shape", nil), n.Ints("strides", nil)
	pads, dilations := n.Ints("pads", nil), n.Ints("dilations", nil)
	var walk func(a, in, k int)
	walk = func(a, in, k int) {
		if a == len(kernel) {
			f(in, k)
			return
		}
		for i := range int(kernel[a]) {
			p := at[a]*int(strides[a]) - int(pads[a]) + i*int(dilations[a])
			if p >= 0 && p < x[a] {
				walk(a+1, in*x[a]+p, k*int(kernel[a])+i)
			}
		}
	}
	walk(0, 0, 0)
}

// places returns every place of the spatial extents, in order.
func places(dims []int) [][]int {
	all := [][]int{{}}
	for _, d := range dims {
		var next [][]int
		for _, p := range all {
			for i := range d {
				next = append(next, append(slices.Clone(p), i))
			}
		}
		all = next
	}
	return all
}

func naiveConv(n *Node, in []*Tensor, out *Tensor) {
	x, w := in[0], in[1]
	group, m := int(n.Int("group", 1)), w.Dims[0]
	cg, inner, kernel := w.Dims[1], Size(x.Dims[2:]), Size(w.Dims[2:])
	i := 0
	for b := range x.Dims[0] {
		for o := range m {
			first := o / (m / group) * cg
			for _, at := range places(out.Dims[2:]) {
				sum := 0.0
				if len(in) > 2 && in[2] != nil {
					sum = float64(in[2].F32[o])
				}
				taps(n, x.Dims[2:], at, func(p, k int) {
					for c := range cg {
						sum += float64(x.F32[(b*x.Dims[1]+first+c)*inner+p]) * float64(w.F32[(o*cg+c)*kernel+k])
					}
				})
				out.F32[i] = float32(sum)
				i++
			}
		}
	}
}

func naivePool(n *Node, x, out *Tensor) {
	inner, i := Size(x.Dims[2:]), 0
	size := 1.0
	for _, k := range n.Ints("kernel_shape", nil) {
		size *= float64(k)
	}
	for plane := range Size(x.Dims[:2]) {
		for _, at := range places(out.Dims[2:]) {
			sum, best, count := 0.0, math.Inf(-1), 0.0
			taps(n, x.Dims[2:], at, func(p, _ int) {
				v := float64(x.F32[plane*inner+p])
				sum, best, count = sum+v, max(best, v), count+1
			})
			if n.Int("count_include_pad", 0) == 1 {
				count = size
			}
			out.F32[i] = float32(sum / count)
			if n.Op == "MaxPool" {
				out.F32[i] = float32(best)
			}
			i++
		}
	}
}

func naiveGemm(n *Node, in []*Tensor, out *Tensor) {
	a, b := in[0], in[1]
	ta, tb := n.Int("transA", 0) == 1, n.Int("transB", 0) == 1
	depth := a.Dims[1]
	if ta {
		depth = a.Dims[0]
	}
	at := func(t *Tensor, i, j int, trans bool) float64 {
		if trans {
			i, j = j, i
		}
		return float64(t.F32[i*t.Dims[1]+j])
	}
	var c *Tensor
	if len(in) > 2 && in[2] != nil {
		c = grown(in[2], out.Dims)
	}
	for i := range out.Dims[0] {
		for j := range out.Dims[1] {
			sum := 0.0
			for k := range depth {
				sum += at(a, i, k, ta) * at(b, k, j, tb)
			}
			sum *= float64(n.Float("alpha", 0))
			if c != nil {
				sum += float64(n.Float("beta", 0)) * float64(c.F32[i*out.Dims[1]+j])
			}
			out.F32[i*out.Dims[1]+j] = float32(sum)
		}
	}
}

func naiveMatMul(in []*Tensor, out *Tensor) {
	rank := len(out.Dims)
	m, n := out.Dims[rank-2], out.Dims[rank-1]
	depth := in[0].Dims[len(in[0].Dims)-1]
	a := grown(in[0], append(slices.Clone(out.Dims[:rank-2]), m, depth))
	b := grown(in[1], append(slices.Clone(out.Dims[:rank-2]), depth, n))
	for p := range Size(out.Dims[:rank-2]) {
		for i := range m {
			for j := range n {
				sum := 0.0
				for k := range depth {
					sum += float64(a.F32[(p*m+i)*depth+k]) * float64(b.F32[(p*depth+k)*n+j])
				}
				if len(in) > 2 {
					sum += float64(in[2].F32[j])
				}
				out.F32[(p*m+i)*n+j] = float32(sum)
			}
		}
	}
}

func naiveLayerNorm(n *Node, in []*Tensor, out *Tensor) {
	inner := in[1].Len()
	for from := 0; from < len(out.F32); from += inner {
		x, mean, variance := in[0].F32[from:from+inner], 0.0, 0.0
		for _, v := range x {
			mean += float64(v) / float64(inner)
		}
		for _, v := range x {
			variance += (float64(v) - mean) * (float64(v) - mean) / float64(inner)
		}
		for i, v := range x {
			y := (float64(v) - mean) / math.Sqrt(variance+float64(n.Float("epsilon", 0))) * float64(in[1].F32[i])
			if len(in) > 2 {
				y += float64(in[2].F32[i])
			}
			out.F32[from+i] = float32(y)
		}
	}
}

func naiveSoftmax(n *Node, x, out *Tensor) {
	at := n.Int("axis", 0)
	d, inner := x.Dims[at], Size(x.Dims[at+1:])
	for o := range Size(x.Dims[:at]) {
		for i := range inner {
			place := func(k int) int { return (o*d+k)*inner + i }
			most, sum := math.Inf(-1), 0.0
			for k := range d {
				most = max(most, float64(x.F32[place(k)]))
			}
			for k := range d {
				sum += math.Exp(float64(x.F32[place(k)]) - most)
			}
			for k := range d {
				v := float64(x.F32[place(k)]) - most - math.Log(sum)
				if n.Op == "Softmax" {
					v = math.Exp(v)
				}
				out.F32[place(k)] = float32(v)
			}
		}
	}
}
