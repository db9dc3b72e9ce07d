package graph

import "slices"

// fuseLayerNorm finds
//
//	d = x - mean(x);  d / sqrt(mean(d*d) + epsilon) * scale + bias
//
// with the Div at node i.
func fuseLayerNorm(r *rewriter, i int) {
	div := &r.Graph.Nodes[i]
	if div.Op != "Div" {
		return
	}
	sub, sqrt := r.maker(div.Inputs[0], "Sub"), r.maker(div.Inputs[1], "Sqrt")
	if sub == nil || sqrt == nil {
		return
	}
	x := sub.Inputs[0]
	at, ok := r.trailingMean(sub.Inputs[1], x)
	if !ok {
		return
	}
	add := r.maker(sqrt.Inputs[0], "Add")
	if add == nil {
		return
	}
	for j, in := range add.Inputs {
		epsilon, ok := r.number(in)
		if !ok {
			continue
		}
		variance := r.maker(add.Inputs[1-j], "ReduceMean")
		if variance == nil || !r.squares(variance.Inputs[0], sub) {
			continue
		}
		if from, ok := r.trailingMean(add.Inputs[1-j], variance.Inputs[0]); ok && from == at {
			r.affine(i, x, at, float32(epsilon))
			return
		}
	}
}

// trailingMean reports whether a value is the mean of x over its last axes,
// kept as axes, and returns the first of them.
func (r *rewriter) trailingMean(value, x string) (int, bool) {
	n := r.maker(value, "ReduceMean")
	if n == nil || n.Inputs[0] != x || n.Int("keepdims", 0) == 0 {
		return 0, false
	}
	list := n.Ints("axes", nil)
	from := len(r.Shapes[x]) - len(list)
	for i, a := range list {
		if int(a) != from+i {
			return 0, false
		}
	}
	return from, len(list) > 0
}

// squares reports whether a value is the square of what sub makes, or of
// another Sub of the same values.
func (r *rewriter) squares(value string, sub *Node) bool {
	d := ""
	if p := r.maker(value, "Pow"); p != nil && len(p.Inputs) == 1 && p.Float("exponent", 0) == 2 {
		d = p.Inputs[0]
	} else if m := r.maker(value, "Mul"); m != nil && m.Inputs[0] == m.Inputs[1] {
		d = m.Inputs[0]
	}
	same := r.maker(d, "Sub")
	return same != nil && slices.Equal(same.Inputs, sub.Inputs)
}

// affine replaces the last node of a normalization that ends with the Div at
// node i, or with a scale and bias after it.
func (r *rewriter) affine(i int, x string, at int, epsilon float32) {
	shape := r.Shapes[x][at:]
	out := r.Graph.Nodes[i].Outputs[0]
	mul := r.only(out, "Mul")
	if mul < 0 {
		return
	}
	scale, ok := r.Graph.Nodes[mul].other(out)
	if !ok || !slices.Equal(r.Shapes[scale], shape) {
		return
	}
	in, last := []string{x, scale}, mul
	out = r.Graph.Nodes[mul].Outputs[0]
	if add := r.only(out, "Add"); add >= 0 {
		if bias, ok := r.Graph.Nodes[add].other(out); ok && slices.Equal(r.Shapes[bias], shape) {
			in, last = append(in, bias), add
		}
	}
	r.replace(last, "LayerNormalization", map[string]Attr{"axis": int64(at), "epsilon": epsilon}, in...)
}
