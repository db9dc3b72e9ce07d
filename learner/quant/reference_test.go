package quant

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// array is a value of the reference, in row-major order.
type array struct {
	dims []int
	x    []float64
}

// fakeQuantized runs a quantized graph in float64, as its nodes say one by
// one, and returns the output: slow and without a thought of integers.
func fakeQuantized(g *graph.Graph, x []float32, batch int) []float64 {
	s, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: batchOf(g.Inputs[0].Dims, batch)}, graph.Options{KeepQDQ: true})
	if err != nil {
		panic(err)
	}
	values := map[string]array{}
	in := array{dims: s.Shapes[g.Inputs[0].Name], x: make([]float64, len(x))}
	for i, v := range x {
		in.x[i] = float64(v)
	}
	values[g.Inputs[0].Name] = in
	for name, t := range s.Graph.Consts {
		a := array{dims: t.Dims, x: make([]float64, t.Len())}
		for i := range a.x {
			switch t.Type {
			case graph.Float32:
				a.x[i] = float64(t.F32[i])
			case graph.Uint8:
				a.x[i] = float64(t.U8[i])
			case graph.Int8:
				a.x[i] = float64(t.I8[i])
			case graph.Int32:
				a.x[i] = float64(t.I32[i])
			}
		}
		values[name] = a
	}
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		args := make([]array, len(n.Inputs))
		for j, in := range n.Inputs {
			args[j] = values[in]
		}
		out := array{dims: s.Shapes[n.Outputs[0]]}
		out.x = make([]float64, graph.Size(out.dims))
		fake(n, out, args)
		values[n.Outputs[0]] = out
	}
	return values[s.Graph.Outputs[0].Name].x
}

// fake computes one node.
func fake(n *graph.Node, y array, in []array) {
	x := in[0]
	each := func(f func(v float64) float64) {
		for i, v := range x.x {
			y.x[i] = f(v)
		}
	}
	perAxis := func(i int) int {
		if len(in[1].x) == 1 {
			return 0
		}
		axis := int(n.Int("axis", 0))
		return i / graph.Size(x.dims[axis+1:]) % x.dims[axis]
	}
	switch n.Op {
	case "QuantizeLinear":
		scale, zero := in[1].x[0], in[2].x[0]
		each(func(v float64) float64 { return min(max(math.RoundToEven(v/scale)+zero, 0), 255) })
	case "DequantizeLinear":
		for i, v := range x.x {
			c := perAxis(i)
			y.x[i] = (v - in[2].x[c]) * in[1].x[c]
		}
	case "Relu":
		each(func(v float64) float64 { return max(v, 0) })
	case "Clip":
		lo, hi := float64(n.Float("min", 0)), float64(n.Float("max", 0))
		each(func(v float64) float64 { return min(max(v, lo), hi) })
	case "LeakyRelu":
		alpha := float64(n.Float("alpha", 0))
		each(func(v float64) float64 { return max(v, alpha*v) })
	case "Sigmoid":
		each(func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
	case "Tanh":
		each(math.Tanh)
	case "HardSigmoid":
		alpha, beta := float64(n.Float("alpha", 0)), float64(n.Float("beta", 0))
		each(func(v float64) float64 { return min(max(alpha*v+beta, 0), 1) })
	case "Reshape", "Identity":
		copy(y.x, x.x)
	case "Add", "Mul":
		index(y.dims, func(i int, at []int) {
			a, b := x.at(at), in[1].at(at)
			if n.Op == "Add" {
				y.x[i] = a + b
			} else {
				y.x[i] = a * b
			}
		})
	case "Concat":
		axis, from := int(n.Int("axis", 0)), 0
		for _, a := range in {
			lo, hi := from, from+a.dims[axis]
			index(y.dims, func(i int, at []int) {
				if at[axis] >= lo && at[axis] < hi {
					at[axis] -= lo
					y.x[i] = a.at(at)
					at[axis] += lo
				}
			})
			from = hi
		}
	case "Slice":
		starts, axes := n.Ints("starts", nil), n.Ints("axes", nil)
		index(y.dims, func(i int, at []int) {
			at[axes[0]] += int(starts[0])
			y.x[i] = x.at(at)
			at[axes[0]] -= int(starts[0])
		})
	case "Transpose":
		from := make([]int, len(x.dims))
		index(y.dims, func(i int, at []int) {
			for j, p := range n.Ints("perm", nil) {
				from[p] = at[j]
			}
			y.x[i] = x.at(from)
		})
	case "Gemm":
		rows, k, columns := x.dims[0], x.dims[1], y.dims[1]
		for r := range rows {
			for c := range columns {
				sum := in[2].x[c]
				for i := range k {
					sum += x.x[r*k+i] * in[1].x[c*k+i]
				}
				y.x[r*columns+c] = sum
			}
		}
	case "GlobalAveragePool", "Conv", "MaxPool", "AveragePool":
		fakeWindow(n, y, in)
	default:
		panic(fmt.Sprintf("the reference lacks %s", n.Op))
	}
}

// fakeWindow computes a convolution or pooling over one or two axes.
func fakeWindow(n *graph.Node, y array, in []array) {
	x := in[0]
	two := func(dims []int) []int { // a row of pixels is an image of height 1
		if len(dims) == 3 {
			return []int{dims[0], dims[1], 1, dims[2]}
		}
		return dims
	}
	xd, yd := two(x.dims), two(y.dims)
	pair := func(name string, absent int) [2]int {
		v := n.Ints(name, nil)
		switch {
		case v == nil:
			return [2]int{absent, absent}
		case len(x.dims) == 3:
			return [2]int{max(absent, 0), int(v[0])}
		}
		return [2]int{int(v[0]), int(v[1])}
	}
	k, s, d, p := pair("kernel_shape", 1), pair("strides", 1), pair("dilations", 1), pair("pads", 0)
	if n.Op == "GlobalAveragePool" {
		k = [2]int{xd[2], xd[3]}
	}
	groups := int(n.Int("group", 1))
	perIn, perOut := xd[1]/groups, yd[1]/groups
	index(yd, func(i int, at []int) {
		c := at[1]
		sum, best, count := 0.0, math.Inf(-1), 0
		for ky := range k[0] {
			for kx := range k[1] {
				r, q := at[2]*s[0]-p[0]+ky*d[0], at[3]*s[1]-p[1]+kx*d[1]
				if r < 0 || q < 0 || r >= xd[2] || q >= xd[3] {
					continue
				}
				count++
				pixel := func(c int) float64 { return x.x[((at[0]*xd[1]+c)*xd[2]+r)*xd[3]+q] }
				if n.Op != "Conv" {
					sum, best = sum+pixel(c), max(best, pixel(c))
					continue
				}
				for j := range perIn {
					sum += pixel(c/perOut*perIn+j) * in[1].x[((c*perIn+j)*k[0]+ky)*k[1]+kx]
				}
			}
		}
		switch n.Op {
		case "Conv":
			y.x[i] = sum
			if len(in) > 2 {
				y.x[i] += in[2].x[c]
			}
		case "MaxPool":
			y.x[i] = best
		default:
			y.x[i] = sum / float64(count)
		}
	})
}

// index calls f with every index of an array, flat and by axis.
func index(dims []int, f func(i int, at []int)) {
	at := make([]int, len(dims))
	for i := range graph.Size(dims) {
		f(i, at)
		for a := len(dims) - 1; a >= 0; a-- {
			if at[a]++; at[a] < dims[a] {
				break
			}
			at[a] = 0
		}
	}
}

// at returns an element, broadcast along axes of extent one.
func (a array) at(at []int) float64 {
	flat := 0
	for i, d := range a.dims {
		flat *= d
		if d > 1 {
			flat += at[i]
		}
	}
	return a.x[flat]
}
