package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// A quantized model has QuantizeLinear and DequantizeLinear around what is to
// be computed in integers ("QDQ"). A value between the two is one of bytes:
// rows of its last axis, each padded to q8.Stride. A dequantized value is
// only a promise: an operator that can work on the bytes does, and if
// nothing but QuantizeLinear reads its result, that is of bytes too. Every
// other operator gets the promised numbers.

// memory returns how many bytes or numbers the memory of v takes.
func (v *value) memory() int {
	if !v.isBytes {
		return v.size()
	}
	return v.rows() * v.stride()
}

// columns returns the extent of the last axis, 1 of a single number.
func (v *value) columns() int {
	if len(v.dims) == 0 {
		return 1
	}
	return v.dims[len(v.dims)-1]
}

// rows returns how many rows a value of bytes has.
func (v *value) rows() int { return v.size() / max(v.columns(), 1) }

// stride returns how many bytes a row takes.
func (v *value) stride() int { return q8.Stride(v.columns()) }

// quantized is a constant of integers and what they stand for.
type quantized struct {
	t     *graph.Tensor // int8, uint8 or int32
	scale []float32     // one, or one per element of an axis
	zero  *graph.Tensor // nil for zeros
	axis  int
}

// floats returns the numbers that the constant stands for.
func (q *quantized) floats() []float32 {
	out := make([]float32, q.t.Len())
	inner := graph.Size(q.t.Dims[min(q.axis+1, len(q.t.Dims)):])
	for i := range out {
		c := 0
		if len(q.scale) > 1 {
			c = i / inner % len(q.scale)
		}
		out[i] = float32(q.at(i)-q.zeroAt(c)) * q.scale[c]
	}
	return out
}

func (q *quantized) at(i int) int32 { return integerAt(q.t, i) }

func (q *quantized) zeroAt(c int) int32 {
	if q.zero == nil {
		return 0
	}
	return integerAt(q.zero, min(c, q.zero.Len()-1))
}

func integerAt(t *graph.Tensor, i int) int32 {
	switch t.Type {
	case graph.Int8:
		return int32(t.I8[i])
	case graph.Uint8:
		return int32(t.U8[i])
	}
	return t.I32[i]
}

// leastScale and mostScale bound the scale of bytes: beyond them its inverse
// or the numbers that bytes stand for leave float32, and what is not finite
// rounds differently from machine to machine.
const leastScale, mostScale = 1e-36, 1e36

// affine returns the scale and zero point of a QuantizeLinear or
// DequantizeLinear of one scale. Signed bytes are taken as unsigned ones
// that are 128 more.
func (b *builder) affine(n *graph.Node) (q8.Affine, error) {
	scale := b.static.Graph.Consts[n.Input(1)]
	if scale == nil || scale.Type != graph.Float32 || scale.Len() != 1 || !(scale.F32[0] >= leastScale && scale.F32[0] <= mostScale) {
		return q8.Affine{}, b.static.Graph.Unsupported(n, "a scale that is not one constant from %g to %g", leastScale, mostScale)
	}
	a := q8.Affine{Scale: scale.F32[0]}
	if n.Input(2) == "" {
		bytes := n.Outputs[0]
		if n.Op == "DequantizeLinear" {
			bytes = n.Input(0)
		}
		if b.static.Types[bytes] == graph.Int8 {
			a.Zero = 128
		}
		return a, nil
	}
	zero := b.static.Graph.Consts[n.Input(2)]
	switch {
	case zero != nil && zero.Len() == 1 && zero.Type == graph.Uint8:
		a.Zero = zero.U8[0]
	case zero != nil && zero.Len() == 1 && zero.Type == graph.Int8:
		a.Zero = uint8(int(zero.I8[0]) + 128)
	default:
		return a, b.static.Graph.Unsupported(n, "a zero point that is not one constant byte")
	}
	return a, nil
}

// lowerDequantize makes the promise.
func lowerDequantize(b *builder, n *graph.Node) error {
	name := n.Outputs[0]
	if t, ok := b.static.Graph.Consts[n.Input(0)]; ok {
		scale, zero := b.static.Graph.Consts[n.Input(1)], b.static.Graph.Consts[n.Input(2)]
		if scale == nil || scale.Type != graph.Float32 || n.Input(2) != "" && zero == nil {
			return b.static.Graph.Unsupported(n, "a scale or zero point that is computed")
		}
		q := &quantized{t: t, scale: scale.F32, zero: zero, axis: int(n.Int("axis", 1))}
		if t.Type != graph.Int8 && t.Type != graph.Uint8 && t.Type != graph.Int32 || len(q.scale) == 0 ||
			len(q.scale) > 1 && (q.axis < 0 || q.axis >= len(t.Dims) || t.Dims[q.axis] != len(q.scale)) ||
			zero != nil && (zero.Type != t.Type || zero.Len() != 1 && zero.Len() != len(q.scale)) {
			return graph.Corrupt("node %.80q (DequantizeLinear) has a constant of %v and %d scales", n.Label(), t.Type, len(q.scale))
		}
		b.weights[name] = q
		return nil
	}
	v := b.values[n.Input(0)]
	if v == nil || !v.isBytes {
		return b.static.Graph.Unsupported(n, "an input that is not quantized before")
	}
	a, err := b.affine(n)
	if err != nil {
		return err
	}
	if a != v.affine {
		// The same bytes read as something else.
		v = b.viewBytes(v, v.dims, v.last)
		v.affine = a
	}
	b.values[name] = &value{name: name, dims: v.dims, last: v.last, lazy: v}
	if b.drop != nil && name == b.dropAt {
		return b.define(n, b.promise(b.values[name])) // what is dropped are numbers
	}
	return nil
}

// promise keeps a promise: it returns the numbers of a dequantized value.
func (b *builder) promise(v *value) *value {
	if v.kept == nil {
		v.kept = b.add("DequantizeLinear", v.name, dequantizeOp{}, v.dims, v.last, v.lazy)
		v.kept.name = v.name
	}
	return v.kept
}

// bytes returns the bytes of a dequantized value, or nil if it is none.
func (b *builder) bytes(name string) *value {
	if v := b.values[name]; v != nil {
		return v.lazy
	}
	return nil
}

// viewBytes returns the memory of a value of bytes in another shape whose
// last axis has the same extent.
func (b *builder) viewBytes(v *value, dims []int, last bool) *value {
	t := &value{name: v.name, dims: slices.Clone(dims), last: last, isBytes: true, affine: v.affine, share: v, maker: v.maker}
	b.prog.values = append(b.prog.values, t)
	return t
}

// lastBytes returns bytes whose rows are pixels: channels last.
func (b *builder) lastBytes(v *value) *value {
	if v.last || len(v.dims) < 3 {
		return v
	}
	perm := lastPerm(len(v.dims))
	return b.addBytes("Transpose", v.name, newBytesPermute(v.dims, perm), permuted(v.dims, perm), true, v.affine, v)
}

// plainBytes returns bytes with their axes in the file's order.
func (b *builder) plainBytes(v *value) *value {
	if !v.last {
		return v
	}
	perm := firstPerm(len(v.dims))
	dims := permuted(v.dims, perm)
	return b.addBytes("Transpose", v.name, newBytesPermute(v.dims, perm), dims, false, v.affine, v)
}

// addBytes is add for a step that puts out bytes.
func (b *builder) addBytes(kind, node string, o op, dims []int, last bool, a q8.Affine, in ...*value) *value {
	v := b.add(kind, node, o, dims, last, in...)
	v.isBytes, v.affine = true, a
	return v
}

// lowerQuantize makes bytes of numbers, or of other bytes.
func lowerQuantize(b *builder, n *graph.Node) error {
	a, err := b.affine(n)
	if err != nil {
		return err
	}
	if v := b.bytes(n.Input(0)); v != nil {
		if v.affine == a {
			return b.define(n, b.viewBytes(v, v.dims, v.last))
		}
		return b.define(n, b.addBytes(n.Op, n.Label(), newLookup(q8.Rescale(v.affine, a), v.memory()), v.dims, v.last, a, v))
	}
	x, err := b.data(n)
	if err != nil {
		return err
	}
	// Images come as planes; what follows wants pixels.
	if !x.last && (len(x.dims) == 4 || len(x.dims) == 3) && b.feedsWindows(n.Outputs[0]) {
		o := newImageOp(x.dims[0], x.dims[1], graph.Size(x.dims[2:]), a)
		return b.define(n, b.addBytes(n.Op, n.Label(), o, permuted(x.dims, lastPerm(len(x.dims))), true, a, x))
	}
	return b.define(n, b.addBytes(n.Op, n.Label(), newQuantizeOp(x, a), x.dims, x.last, a, x))
}

// feedsWindows reports whether a value goes, dequantized, into a convolution
// or pooling.
func (b *builder) feedsWindows(name string) bool {
	for _, i := range b.readers[name] {
		n := &b.static.Graph.Nodes[i]
		switch n.Op {
		case "DequantizeLinear":
			if b.feedsWindows(n.Outputs[0]) {
				return true
			}
		case "Conv", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool":
			return true
		}
	}
	return false
}

// quantizeOp rounds numbers to bytes.
type quantizeOp struct {
	affine  q8.Affine
	rows    int
	columns int
	s       *step
	forth   func(task, worker int)
}

func newQuantizeOp(x *value, a q8.Affine) *quantizeOp {
	columns := x.columns()
	o := &quantizeOp{affine: a, rows: x.rows(), columns: columns}
	o.forth = func(task, _ int) {
		n := perTask(columns)
		stride := q8.Stride(columns)
		inverse := 1 / a.Scale
		if stride == columns {
			lo, hi := task*n*columns, min((task+1)*n, o.rows)*columns
			q8.Quantize(o.s.by[lo:hi], o.s.x[0][lo:hi], inverse, a.Zero)
			return
		}
		for r := task * n; r < min((task+1)*n, o.rows); r++ {
			q8.Quantize(o.s.by[r*stride:][:columns], o.s.x[0][r*columns:(r+1)*columns], inverse, a.Zero)
		}
	}
	return o
}

func (o *quantizeOp) forward(s *step, p *pool.Pool) {
	o.s = s
	n := perTask(o.columns)
	p.Run((o.rows+n-1)/n, o.forth)
}

// dequantizeOp gives the numbers that bytes stand for.
type dequantizeOp struct{}

func (dequantizeOp) forward(s *step, _ *pool.Pool) {
	v := s.in[0]
	columns, stride := v.columns(), v.stride()
	for r := range v.rows() {
		q8.Dequantize(s.y[r*columns:(r+1)*columns], s.bx[0][r*stride:][:columns], v.affine.Scale, v.affine.Zero)
	}
}
