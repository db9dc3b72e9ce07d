package quant

import (
	"maps"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// standard writes a node in normal form as operators of opset 13.
func (w *writer) standard(m *graph.Node, out string, in []string) error {
	if m.Domain != "" || m.Op == "Gelu" || m.Op == "HardSwish" || m.Op == "LayerNormalization" {
		return w.spellOut(m, out, in)
	}
	attrs := maps.Clone(m.Attrs)
	// input moves an attribute to where opset 13 has it.
	input := func(name string, t *graph.Tensor) {
		delete(attrs, name)
		in = append(in, w.keep(m.Outputs[0]+"_"+name, t))
	}
	ints := func(name string) *graph.Tensor {
		v := m.Ints(name, nil)
		return graph.Ints(v, len(v))
	}
	switch m.Op {
	case "Reshape", "Expand":
		return w.shaped(m, out, in)
	case "Slice":
		if err := w.sameForAnyBatch(m); err != nil {
			return err
		}
		ends, steps := slices.Clone(m.Ints("ends", nil)), m.Ints("steps", nil)
		for i, e := range ends {
			if e == -1 && i < len(steps) && steps[i] < 0 {
				ends[i] = math.MinInt32 // before the first: -1 would be the last
			}
		}
		input("starts", ints("starts"))
		delete(attrs, "ends")
		in = append(in, w.keep(m.Outputs[0]+"_ends", graph.Ints(ends, len(ends))))
		input("axes", ints("axes"))
		input("steps", ints("steps"))
	case "Pad":
		if err := w.sameForAnyBatch(m); err != nil {
			return err
		}
		value := m.Float("value", 0)
		input("pads", ints("pads"))
		input("value", graph.Floats([]float32{value}))
	case "Tile":
		if err := w.sameForAnyBatch(m); err != nil {
			return err
		}
		input("repeats", ints("repeats"))
	case "Clip":
		lo, hi := m.Float("min", float32(math.Inf(-1))), m.Float("max", float32(math.Inf(1)))
		delete(attrs, "min")
		delete(attrs, "max")
		in = append(in, w.bound(m.Outputs[0]+"_min", lo), w.bound(m.Outputs[0]+"_max", hi))
	case "ReduceSum":
		input("axes", ints("axes"))
	case "Pow":
		if len(in) == 1 {
			input("exponent", graph.Floats([]float32{m.Float("exponent", 1)}))
		}
	case "AveragePool":
		for _, d := range m.Ints("dilations", nil) {
			if d != 1 {
				return w.Graph.Unsupported(m, "dilation, which opset %d has not", writtenOpset)
			}
		}
		delete(attrs, "dilations")
	}
	w.emit(m.Op, out, attrs, in...)
	return nil
}

// bound writes one bound of a Clip; an infinite one is left out.
func (w *writer) bound(name string, v float32) string {
	if math.IsInf(float64(v), 0) {
		return ""
	}
	return w.keep(name, graph.Floats([]float32{v}))
}

// number writes a constant of one float32, once.
func (w *writer) number(name string, v float32) string {
	if n, ok := w.written[name]; ok {
		return n
	}
	w.written[name] = w.keep(name, graph.Floats([]float32{v}))
	return w.written[name]
}

// spellOut writes an operator that opset 13 has not as those that it has.
func (w *writer) spellOut(m *graph.Node, out string, in []string) error {
	x := in[0]
	// step writes a node whose result only the next ones read.
	step := func(op string, attrs map[string]graph.Attr, in ...string) string {
		return w.emit(op, w.name(out+"_"+op), attrs, in...)
	}
	switch m.Op {
	case "Silu":
		w.emit("Mul", out, nil, x, step("Sigmoid", nil, x))
	case "HardSwish":
		gate := step("HardSigmoid", map[string]graph.Attr{"alpha": float32(1.0 / 6), "beta": float32(0.5)}, x)
		w.emit("Mul", out, nil, x, gate)
	case "Linear":
		// One whose weights are no constant of float32.
		w.emit("Add", out, nil, step("MatMul", nil, x, in[1]), in[2])
	case "Gelu":
		var inner string
		if m.Text("approximate", "none") == "tanh" {
			cube := step("Mul", nil, w.number("gelu_cubic", 0.044715), step("Pow", nil, x, w.number("three", 3)))
			inner = step("Tanh", nil, step("Mul", nil, w.number("gelu_scale", float32(math.Sqrt(2/math.Pi))), step("Add", nil, x, cube)))
		} else {
			inner = step("Erf", nil, step("Div", nil, x, w.number("root_of_two", math.Sqrt2)))
		}
		w.emit("Mul", out, nil, step("Mul", nil, x, step("Add", nil, inner, w.number("one", 1))), w.number("half", 0.5))
	case "LayerNormalization":
		var axes []int64
		for a := m.Int("axis", -1); a < int64(len(w.Shapes[m.Inputs[0]])); a++ {
			axes = append(axes, a)
		}
		mean := map[string]graph.Attr{"axes": axes, "keepdims": int64(1)}
		centred := step("Sub", nil, x, step("ReduceMean", mean, x))
		variance := step("ReduceMean", mean, step("Pow", nil, centred, w.number("two", 2)))
		epsilon := w.keep(out+"_epsilon", graph.Floats([]float32{m.Float("epsilon", 1e-5)}))
		normed := step("Div", nil, centred, step("Sqrt", nil, step("Add", nil, variance, epsilon)))
		if len(in) < 3 || in[2] == "" {
			w.emit("Mul", out, nil, normed, in[1])
			return nil
		}
		w.emit("Add", out, nil, step("Mul", nil, normed, in[1]), in[2])
	default:
		return w.Graph.Unsupported(m, "it cannot be written in opset %d", writtenOpset)
	}
	return nil
}
