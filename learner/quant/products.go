package quant

import (
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// product writes a product of bytes and constant weights.
func (w *writer) product(m *graph.Node, raw string) error {
	x, err := w.read(m.Inputs[0], true)
	if err != nil {
		return err
	}
	xScale := w.codes[m.Inputs[0]].scale
	t := w.Graph.Consts[m.Inputs[1]]
	var bias []float32
	if b := m.Input(2); b != "" {
		bias = w.Graph.Consts[b].F32
	}
	base := m.Inputs[1]
	switch m.Op {
	case "Conv":
		q, scale := quantizeWeights(t.F32, t.Dims[0], bias, xScale)
		in := []string{x, w.weights(base, q, t.Dims, scale, 0)}
		if bias != nil {
			in = append(in, w.bias(m.Inputs[2], bias, scale, xScale))
		}
		w.emit("Conv", raw, m.Attrs, in...)
		return nil
	case "Gemm":
		if bias != nil {
			bias = perRow(w.Graph.Consts[m.Inputs[2]], t.Dims[1-int(m.Int("transB", 0))])
		}
	}
	// Dense layers: one row of weights per output.
	rows, outputs := t.F32, t.Dims[0]
	if m.Op != "Gemm" || m.Int("transB", 0) == 0 {
		rows, outputs = transposed(t.F32, t.Dims[0], t.Dims[1]), t.Dims[1]
	}
	rows, bias = scaled(rows, m.Float("alpha", 1)), scaled(bias, m.Float("beta", 1))
	q, scale := quantizeWeights(rows, outputs, bias, xScale)
	inputs := len(rows) / max(outputs, 1)
	if len(w.Shapes[m.Inputs[0]]) == 2 {
		in := []string{x, w.weights(base, q, []int{outputs, inputs}, scale, 0)}
		if bias != nil {
			in = append(in, w.bias(m.Inputs[2], bias, scale, xScale))
		}
		w.emit("Gemm", raw, map[string]graph.Attr{"transB": int64(1)}, in...)
		return nil
	}
	name := w.weights(base, transposed(q, outputs, inputs), []int{inputs, outputs}, scale, 1)
	if bias == nil {
		w.emit("MatMul", raw, nil, x, name)
		return nil
	}
	product := w.emit("MatMul", w.name(raw+"_product"), nil, x, name)
	w.emit("Add", raw, nil, product, w.keep(m.Inputs[2], graph.Floats(bias, outputs)))
	return nil
}

// scaled returns x times a factor.
func scaled(x []float32, factor float32) []float32 {
	if factor == 1 || x == nil {
		return x
	}
	y := slices.Clone(x)
	for i := range y {
		y[i] *= factor
	}
	return y
}

// transposed returns the transpose of a matrix.
func transposed[T any](x []T, rows, cols int) []T {
	y := make([]T, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

// weights writes signed bytes with a scale per element of an axis and returns
// the name of what they stand for.
func (w *writer) weights(base string, q []int8, dims []int, scale []float32, axis int) string {
	zeros := &graph.Tensor{Type: graph.Int8, Dims: []int{len(scale)}, I8: make([]int8, len(scale))}
	return w.emit("DequantizeLinear", w.name(base+"_dequantized"), map[string]graph.Attr{"axis": int64(axis)},
		w.keep(base+"_quantized", &graph.Tensor{Type: graph.Int8, Dims: slices.Clone(dims), I8: q}),
		w.keep(base+"_scale", graph.Floats(scale, len(scale))),
		w.keep(base+"_zero_point", zeros))
}

// bias writes a bias in steps of the sums.
func (w *writer) bias(base string, bias, wScale []float32, xScale float32) string {
	unit := make([]float32, len(wScale))
	for c, s := range wScale {
		unit[c] = s * xScale
	}
	n := len(bias)
	return w.emit("DequantizeLinear", w.name(base+"_dequantized"), map[string]graph.Attr{"axis": int64(0)},
		w.keep(base+"_quantized", &graph.Tensor{Type: graph.Int32, Dims: []int{n}, I32: quantizeBias(bias, wScale, xScale)}),
		w.keep(base+"_scale", graph.Floats(unit, n)),
		w.keep(base+"_zero_point", &graph.Tensor{Type: graph.Int32, Dims: []int{n}, I32: make([]int32, n)}))
}
