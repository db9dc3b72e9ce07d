package graph

import "math"

// fuseGelu finds x/2 * (1 + erf(x/sqrt(2))), and the form with tanh, with the
// Erf or Tanh at node i and the factors in any order.
func fuseGelu(r *rewriter, i int) {
	n := &r.Graph.Nodes[i]
	x, mode, ok := "", "none", false
	switch n.Op {
	case "Erf":
		x, ok = r.scaled(n.Inputs[0], 1/math.Sqrt2)
	case "Tanh":
		mode = "tanh"
		x, ok = r.cubic(n.Inputs[0])
	}
	if !ok {
		return
	}
	add := r.only(n.Outputs[0], "Add")
	if add < 0 {
		return
	}
	if one, ok := r.Graph.Nodes[add].other(n.Outputs[0]); !ok || !r.is(one, 1) {
		return
	}
	if last := r.halfTimes(r.Graph.Nodes[add].Outputs[0], x); last >= 0 {
		r.replace(last, "Gelu", map[string]Attr{"approximate": mode}, x)
	}
}

// cubic reports whether a value is sqrt(2/pi) * (x + 0.044715*x*x*x), and
// returns x.
func (r *rewriter) cubic(value string) (string, bool) {
	sum, ok := r.scaled(value, math.Sqrt(2/math.Pi))
	if !ok {
		return "", false
	}
	add := r.maker(sum, "Add")
	if add == nil {
		return "", false
	}
	for j, x := range add.Inputs {
		cube, ok := r.scaled(add.Inputs[1-j], 0.044715)
		if !ok {
			continue
		}
		if p := r.maker(cube, "Pow"); p != nil && len(p.Inputs) == 1 && p.Inputs[0] == x && p.Float("exponent", 0) == 3 {
			return x, true
		}
		if m := r.maker(cube, "Mul"); m != nil {
			square, ok := m.other(x)
			if s := r.maker(square, "Mul"); ok && s != nil && s.Inputs[0] == x && s.Inputs[1] == x {
				return x, true
			}
		}
	}
	return "", false
}

// halfTimes returns the node at the end of value * x * 0.5, in any order, or
// -1.
func (r *rewriter) halfTimes(value, x string) int {
	first, half, times := r.factor(value, x)
	switch {
	case first < 0:
		return -1
	case half && times:
		return first
	}
	second, half2, times2 := r.factor(r.Graph.Nodes[first].Outputs[0], x)
	if second < 0 || half == half2 || times == times2 {
		return -1
	}
	return second
}

// factor returns the only node that uses a value, if it multiplies it by 0.5,
// by x, or by both.
func (r *rewriter) factor(value, x string) (node int, half, times bool) {
	if i := r.only(value, "Div"); i >= 0 && r.Graph.Nodes[i].Inputs[0] == value && r.is(r.Graph.Nodes[i].Inputs[1], 2) {
		return i, true, false
	}
	i := r.only(value, "Mul")
	if i < 0 {
		return -1, false, false
	}
	other, ok := r.Graph.Nodes[i].other(value)
	if !ok {
		return -1, false, false
	}
	if other == x {
		return i, false, true
	}
	if r.is(other, 0.5) {
		return i, true, false
	}
	if of, ok := r.scaled(other, 0.5); ok && of == x {
		return i, true, true
	}
	return -1, false, false
}

// fuseHardSigmoid finds clip(x+3, 0, 6)/6 with the division at node i.
func fuseHardSigmoid(r *rewriter, i int) {
	six, ok := r.scaled(r.Graph.Nodes[i].Outputs[0], 1.0/6)
	if !ok {
		return
	}
	if x, ok := r.gate6(six); ok {
		r.replace(i, "HardSigmoid", map[string]Attr{"alpha": float32(1.0 / 6), "beta": float32(0.5)}, x)
		return
	}
	// x * clip(x+3, 0, 6) / 6 is a hard swish.
	if m := r.maker(six, "Mul"); m != nil {
		for j, in := range m.Inputs {
			if x, ok := r.gate6(in); ok && m.Inputs[1-j] == x {
				r.replace(i, "HardSwish", nil, x)
				return
			}
		}
	}
}

// gate6 reports whether a value is clip(x+3, 0, 6), and returns x.
func (r *rewriter) gate6(value string) (string, bool) {
	clip := r.maker(value, "Clip")
	if clip == nil || clip.Float("min", -1) != 0 || clip.Float("max", 0) != 6 {
		return "", false
	}
	if add := r.maker(clip.Inputs[0], "Add"); add != nil {
		for j, in := range add.Inputs {
			if r.is(in, 3) {
				return add.Inputs[1-j], true
			}
		}
	}
	return "", false
}

// fuseGate finds x*sigmoid(x) and x*hardsigmoid(x).
func fuseGate(r *rewriter, i int) {
	n := &r.Graph.Nodes[i]
	if n.Op != "Mul" {
		return
	}
	for j, in := range n.Inputs {
		x := n.Inputs[1-j]
		if g := r.maker(in, "Sigmoid"); g != nil && g.Inputs[0] == x {
			r.replace(i, "Silu", nil, x)
			return
		}
		if g := r.maker(in, "HardSigmoid"); g != nil && g.Inputs[0] == x &&
			near(float64(g.Float("alpha", 0)), 1.0/6) && near(float64(g.Float("beta", 0)), 0.5) {
			r.replace(i, "HardSwish", nil, x)
			return
		}
	}
}
