package quant

import (
	"reflect"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// What depends on the batch is found by comparing the normal forms for two
// and for three images: they differ in nothing else.

// twin returns the node of the other normal form that makes the same value,
// nil if the batch is fixed.
func (w *writer) twin(m *graph.Node) *graph.Node {
	if w.more == nil {
		return nil
	}
	for i := range w.Graph.Nodes {
		if &w.Graph.Nodes[i] == m {
			return &w.more.Graph.Nodes[i]
		}
	}
	return nil
}

// errBatch says that a node works for one batch only.
func (w *writer) errBatch(m *graph.Node) error {
	return w.Graph.Unsupported(m, "it depends on the batch")
}

// sameForAnyBatch returns an error if the attributes depend on the batch.
func (w *writer) sameForAnyBatch(m *graph.Node) error {
	if t := w.twin(m); t != nil && !reflect.DeepEqual(t.Attrs, m.Attrs) {
		return w.errBatch(m)
	}
	return nil
}

// shaped writes a Reshape or Expand.
func (w *writer) shaped(m *graph.Node, out string, in []string) error {
	dims := w.Graph.Consts[m.Inputs[1]]
	if dims == nil {
		return graph.Corrupt("node %.80q has no constant shape", m.Label())
	}
	shape, varies := slices.Clone(dims.I64), []int(nil)
	if t := w.twin(m); t != nil {
		for i, d := range w.more.Graph.Consts[t.Inputs[1]].I64 {
			if d != shape[i] {
				varies = append(varies, i)
			}
		}
	}
	data := in[0]
	switch {
	case len(varies) == 0:
	case m.Op == "Reshape" && len(varies) == 1:
		shape[varies[0]] = -1
	case m.Op == "Expand" && len(varies) == 1 && varies[0] == 0:
		w.emit("Expand", out, nil, data, w.shapeOf(out+"_shape", shape))
		return nil
	default:
		return w.errBatch(m)
	}
	w.emit(m.Op, out, nil, data, w.keep(out+"_shape", graph.Ints(shape, len(shape))))
	return nil
}

// shapeOf writes a shape whose first extent is as many times the batch as
// that of the given one is two.
func (w *writer) shapeOf(name string, two []int64) string {
	if w.batch == "" {
		shape := w.emit("Shape", w.name("input_shape"), nil, w.Graph.Inputs[0].Name)
		w.batch = w.emit("Slice", w.name("batch_size"), nil, shape,
			w.keep("batch_start", graph.Ints([]int64{0}, 1)), w.keep("batch_end", graph.Ints([]int64{1}, 1)))
	}
	first := w.batch
	if two[0] != 2 {
		first = w.emit("Mul", w.name(name+"_first"), nil, w.batch, w.keep(name+"_factor", graph.Ints([]int64{two[0] / 2}, 1)))
	}
	if len(two) == 1 {
		return first
	}
	rest := w.keep(name+"_rest", graph.Ints(two[1:], len(two)-1))
	return w.emit("Concat", w.name(name), map[string]graph.Attr{"axis": int64(0)}, first, rest)
}

// constant writes a constant, which may be one image's that others repeat.
func (w *writer) constant(name string, t *graph.Tensor) (string, error) {
	if out, ok := w.written[name]; ok {
		return out, nil
	}
	out := name
	if w.more == nil || slices.Equal(w.more.Shapes[name], t.Dims) {
		w.out.Consts[name] = t
	} else {
		row := repeated(t, w.more.Graph.Consts[name])
		if row == nil {
			return "", &graph.UnsupportedError{Reason: "a constant depends on the batch"}
		}
		shape := []int64{2}
		for _, d := range row.Dims[1:] {
			shape = append(shape, int64(d))
		}
		out = w.emit("Expand", w.name(name+"_batch"), nil, w.keep(name+"_one", row), w.shapeOf(name+"_shape", shape))
	}
	w.written[name] = out
	return out, nil
}

// repeated returns the one row of which a constant for two images and one for
// three consist, nil if they do not.
func repeated(two, three *graph.Tensor) *graph.Tensor {
	if three == nil || two.Type != graph.Float32 || len(two.Dims) == 0 || two.Dims[0] != 2 || len(three.Dims) != len(two.Dims) ||
		three.Dims[0] != 3 || !slices.Equal(two.Dims[1:], three.Dims[1:]) {
		return nil
	}
	n := len(two.F32) / 2
	row := two.F32[:n]
	for _, t := range []*graph.Tensor{two, three} {
		for i := 0; i < len(t.F32); i += n {
			if !slices.Equal(row, t.F32[i:i+n]) {
				return nil
			}
		}
	}
	return graph.Floats(row, batchOf(two.Dims, 1)...)
}
