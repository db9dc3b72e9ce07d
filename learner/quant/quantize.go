package quant

import (
	"errors"
	"maps"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// writtenOpset is the version of the operators in a quantized graph: the
// first with one scale per channel.
const writtenOpset = 13

// Quantize writes a float32 graph as a quantized one of opset 13, with ranges
// that [Calibrate] found for the same graph. Every value that becomes bytes
// keeps its name as the result of a DequantizeLinear; before it, it is called
// NAME_float and NAME_quantized. The output is quantized, so the features of
// a backbone are bytes. Weights are signed bytes with one scale per output
// channel, biases int32 of the scale of the sums. The batch is dynamic
// wherever the float32 graph can run with another batch than it declares.
// Metadata are kept.
//
// Errors are a [*MissingRangeError], a [*NotFiniteError] about a weight, and
// those of [graph.Specialize].
func Quantize(g *graph.Graph, ranges Ranges) (*graph.Graph, error) {
	n, err := prepare(g)
	if err != nil {
		return nil, err
	}
	if err := n.checkWeights(); err != nil {
		return nil, err
	}
	codes, err := n.codes(ranges)
	if err != nil {
		return nil, err
	}
	w := newWriter(n, codes)
	if err := w.write(); err != nil {
		// Something depends on the batch in a way that cannot be written but
		// for one batch.
		var un *graph.UnsupportedError
		if n.more == nil || !errors.As(err, &un) {
			return nil, err
		}
		if n, err = prepareFixed(g); err != nil {
			return nil, err
		}
		w = newWriter(n, codes)
		if err := w.write(); err != nil {
			return nil, err
		}
	}
	w.out.Name, w.out.Metadata = g.Name, maps.Clone(g.Metadata)
	return w.out, nil
}

// codes returns the code of every value that becomes bytes.
func (n *network) codes(ranges Ranges) (map[string]affine, error) {
	makers := n.Graph.Makers()
	of := func(v string) (Range, error) {
		r, ok := ranges[n.source(v, makers)]
		if !ok {
			return r, &MissingRangeError{Value: n.source(v, makers)}
		}
		return r, nil
	}
	joined := map[string]Range{} // of values that a Concat alone reads, and of what it makes
	for i := range n.Graph.Nodes {
		m := &n.Graph.Nodes[i]
		if m.Op != "Concat" || n.float[m.Outputs[0]] || !n.wanted[m.Outputs[0]] {
			continue
		}
		whole, err := of(m.Outputs[0])
		if err != nil {
			return nil, err
		}
		for _, in := range m.Inputs {
			r, err := of(in)
			if err != nil {
				return nil, err
			}
			whole = whole.union(r)
		}
		joined[m.Outputs[0]] = whole
		for _, in := range m.Inputs {
			if len(n.users[in]) == 1 && !n.outputs[in] && n.source(in, makers) == in && joined[in] == (Range{}) {
				joined[in] = whole
			}
		}
	}
	codes := map[string]affine{}
	for v := range n.wanted {
		r, ok := joined[n.source(v, makers)]
		if !ok {
			var err error
			if r, err = of(v); err != nil {
				return nil, err
			}
		}
		codes[v] = fit(r.Lo, r.Hi)
	}
	n.widen(codes, makers)
	return codes, nil
}

// widen gives the results of products a scale that their sums can be brought
// to by a factor below 1/4 (q8.Fixed). What is finer than that comes from
// outputs that are all but constant, and has no use for it.
func (n *network) widen(codes map[string]affine, makers map[string]int) {
	for i := range n.Graph.Nodes {
		m := &n.Graph.Nodes[i]
		if !n.isProduct(m) {
			continue
		}
		y := m.Outputs[0]
		for _, ok := codes[y]; !ok && len(n.users[y]) == 1; _, ok = codes[y] {
			y = n.Graph.Nodes[n.users[y][0]].Outputs[0]
		}
		old, ok := codes[y]
		x, quantized := codes[m.Inputs[0]]
		if !ok || !quantized {
			continue
		}
		var largest float32
		for _, w := range n.Graph.Consts[m.Inputs[1]].F32 {
			largest = max(largest, w, -w)
		}
		if t := n.Graph.Consts[m.Input(2)]; t != nil {
			for _, b := range t.F32 {
				largest = max(largest, 127*max(b, -b)/x.scale/biggestBias)
			}
		}
		floor := x.scale * max(largest/127, smallestScale) * 4.001
		if old.scale >= floor {
			continue
		}
		for v := range codes {
			if n.source(v, makers) == n.source(y, makers) {
				lo := -float32(old.zero) * old.scale
				codes[v] = fit(lo, lo+255*floor)
			}
		}
	}
}

// writer writes a network as a quantized graph.
type writer struct {
	*network
	codes   map[string]affine
	out     *graph.Graph
	taken   map[string]bool
	bytes   map[string]string // the dequantized form of values
	batch   string            // the batch as a value of one int64, once asked for
	written map[string]string // constants by what they are
}

func newWriter(n *network, codes map[string]affine) *writer {
	w := &writer{network: n, codes: codes, taken: map[string]bool{}, bytes: map[string]string{}, written: map[string]string{},
		out: &graph.Graph{Opset: writtenOpset, Consts: map[string]*graph.Tensor{}, Fixed: map[string]bool{}}}
	for name := range n.Shapes {
		w.taken[name] = true
	}
	return w
}

func (w *writer) write() error {
	in := w.Graph.Inputs[0].Name
	w.out.Inputs = []graph.Value{w.extents(in)}
	w.quantized(in, in, w.name(in+"_dequantized"))
	for i := range w.Graph.Nodes {
		m := &w.Graph.Nodes[i]
		if err := w.node(m); err != nil {
			return err
		}
	}
	out := w.extents(w.Graph.Outputs[0].Name)
	if w.Graph.Consts[out.Name] != nil {
		return &graph.UnsupportedError{Reason: "the output is a constant"}
	}
	w.out.Outputs = []graph.Value{out}
	return nil
}

// extents declares an input or output of the graph.
func (w *writer) extents(name string) graph.Value {
	v := graph.Value{Name: name, Type: graph.Float32, Dims: slices.Clone(w.Shapes[name]), Params: make([]string, len(w.Shapes[name]))}
	if w.more != nil {
		for i, d := range w.more.Shapes[name] {
			if d != v.Dims[i] {
				v.Dims[i] = -1
				if i == 0 {
					v.Params[i] = "batch"
				}
			}
		}
	}
	return v
}

// name returns a name like base that nothing else has.
func (w *writer) name(base string) string {
	for w.taken[base] {
		base += "_"
	}
	w.taken[base] = true
	return base
}

// keep makes a constant and returns its name.
func (w *writer) keep(base string, t *graph.Tensor) string {
	name := w.name(base)
	w.out.Consts[name] = t
	return name
}

// emit adds a node.
func (w *writer) emit(op, out string, attrs map[string]graph.Attr, in ...string) string {
	if attrs == nil {
		attrs = map[string]graph.Attr{}
	}
	w.out.Nodes = append(w.out.Nodes, graph.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
	return out
}

// quantized adds the two nodes that make a value bytes, if it is to be, and
// numbers again: from the value raw to dequantized.
func (w *writer) quantized(value, raw, dequantized string) {
	a, ok := w.codes[value]
	if !ok {
		return
	}
	scale := w.keep(value+"_scale", graph.Floats([]float32{a.scale}))
	zero := w.keep(value+"_zero_point", &graph.Tensor{Type: graph.Uint8, U8: []uint8{a.zero}})
	q := w.emit("QuantizeLinear", w.name(value+"_quantized"), nil, raw, scale, zero)
	w.bytes[value] = w.emit("DequantizeLinear", dequantized, nil, q, scale, zero)
}

// read returns the name under which a node reads a value: the dequantized
// one where there is, except for operators of numbers that read numbers.
func (w *writer) read(value string, product bool) (string, error) {
	if value == "" {
		return "", nil
	}
	if t := w.Graph.Consts[value]; t != nil {
		return w.constant(value, t)
	}
	if d, ok := w.bytes[value]; ok && (product || !w.float[value]) {
		return d, nil
	}
	return value, nil
}

// node writes one node and what makes its result bytes.
func (w *writer) node(m *graph.Node) error {
	value := m.Outputs[0]
	_, coded := w.codes[value]
	// Numbers that operators of numbers read keep their name.
	raw, dequantized := value, ""
	switch {
	case coded && w.float[value] && !w.outputs[value]:
		dequantized = w.name(value + "_dequantized")
	case coded:
		raw, dequantized = w.name(value+"_float"), value
	}
	var err error
	if w.isProduct(m) {
		err = w.product(m, raw)
	} else {
		in := make([]string, len(m.Inputs))
		for i, v := range m.Inputs {
			if in[i], err = w.read(v, false); err != nil {
				return err
			}
		}
		err = w.standard(m, raw, in)
	}
	if err != nil {
		return err
	}
	w.quantized(value, raw, dequantized)
	return nil
}
