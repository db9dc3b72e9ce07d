package nn

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// integerConvOp is a convolution or dense layer of bytes.
type integerConvOp struct {
	conv  *q8.Conv
	scale []float32 // not nil: the result is of numbers, each sum times its scale
}

func (o *integerConvOp) forward(s *step, p *pool.Pool) {
	if o.scale != nil {
		o.conv.ForwardFloat(p, s.y, s.bx[0], o.scale)
		return
	}
	o.conv.Forward(p, s.by, s.bx[0])
}

// columns are the weights of a product, one column per output channel, as
// signed bytes [outputs][rest].
type columns struct {
	w     []int8
	scale []float32 // per output channel
}

// columnsOf returns a quantized constant's weights whose output channels lie
// along an axis. They must be signed and symmetric.
func (b *builder) columnsOf(name string, axis int) *columns {
	q := b.weights[name]
	if q == nil || q.t.Type != graph.Int8 || len(q.t.Dims) < 2 || axis >= len(q.t.Dims) {
		return nil
	}
	outputs := q.t.Dims[axis]
	if len(q.scale) > 1 && q.axis != axis {
		return nil
	}
	for c := range len(q.scale) {
		if q.zeroAt(c) != 0 {
			return nil
		}
	}
	c := &columns{w: q.t.I8, scale: make([]float32, outputs)}
	for i := range c.scale {
		c.scale[i] = q.scale[min(i, len(q.scale)-1)]
	}
	if axis == 1 { // [K][N] to [N][K]
		k := q.t.Dims[0]
		c.w = make([]int8, len(q.t.I8))
		for i := range k {
			for j := range outputs {
				c.w[j*k+i] = q.t.I8[i*outputs+j]
			}
		}
	}
	return c
}

// biasOf returns the biases in steps of the sums: x's scale times the
// weights'.
func (b *builder) biasOf(n *graph.Node, name string, unit []float64) ([]int32, bool, error) {
	bias := make([]int32, len(unit))
	if name == "" {
		return bias, true, nil
	}
	var numbers []float32
	var dims []int
	if q := b.weights[name]; q != nil {
		numbers, dims = q.floats(), q.t.Dims
	} else if t := b.static.Graph.Consts[name]; t != nil && t.Type == graph.Float32 && !b.learns(name) {
		numbers, dims = t.F32, t.Dims
	} else {
		return nil, false, nil
	}
	// One per column: as many in a column are one per row.
	if len(numbers) != len(unit) || len(dims) > 0 && dims[len(dims)-1] != len(unit) {
		return nil, false, nil
	}
	for i, v := range numbers {
		r := math.RoundToEven(float64(v) / unit[i])
		if !(math.Abs(r) < math.MaxInt32) {
			return nil, false, b.static.Graph.Unsupported(n, "a bias of %v where sums have steps of %v", v, unit[i])
		}
		bias[i] = int32(r)
	}
	return bias, true, nil
}

// learns reports whether a constant is a parameter that is to be trained. The
// integers would not follow it.
func (b *builder) learns(name string) bool {
	return b.trainable != nil && !b.static.Graph.Fixed[name] && b.trainable(name)
}

// product appends a convolution of bytes by weights. Its result is of bytes
// if it has a target, else of numbers. It reports whether it could.
func (b *builder) product(n *graph.Node, g q8.Geometry, x *value, c *columns, biasName string, dims []int, last bool) (bool, error) {
	unit := make([]float64, len(c.scale))
	for i, s := range c.scale {
		unit[i] = float64(x.affine.Scale) * float64(s)
	}
	bias, ok, err := b.biasOf(n, biasName, unit)
	if !ok || err != nil {
		return false, err
	}
	t, err := b.targetOf(n, true)
	if err != nil {
		return false, err
	}
	r := q8.Requant{Bias: bias, Multiplier: make([]int32, len(unit)), Shift: make([]uint8, len(unit)), Hi: 255}
	deep := g.Groups == g.InC && g.OutC == g.InC && g.InC > 1
	if t == nil && deep {
		return false, nil
	}
	o := &integerConvOp{}
	if t == nil {
		o.scale = make([]float32, len(unit))
		for i, u := range unit {
			o.scale[i], r.Shift[i] = float32(u), 33
		}
	} else {
		r.Zero, r.Lo, r.Hi = t.affine.Zero, t.lo, t.hi
		for i, u := range unit {
			if r.Multiplier[i], r.Shift[i], err = q8.Fixed(u / float64(t.affine.Scale)); err != nil {
				return false, b.static.Graph.Unsupported(n, "%v", err)
			}
		}
	}
	if o.conv, err = q8.NewConv(g, c.w, x.affine.Zero, r); err != nil {
		return false, b.static.Graph.Unsupported(n, "%v", err)
	}
	if t == nil {
		return true, b.emit(n, o, dims, last, x)
	}
	return true, b.put(t, b.addBytes(n.Op, n.Label(), o, dims, last, t.affine, x))
}

func (b *builder) integerConv(n *graph.Node) (bool, error) {
	x, c := b.bytes(n.Input(0)), b.columnsOf(n.Input(1), 0)
	if x == nil || c == nil {
		return false, nil
	}
	kernel := b.weights[n.Input(1)].t.Dims[2:]
	if len(kernel) != 1 && len(kernel) != 2 {
		return false, nil
	}
	x = b.lastBytes(x)
	out := b.physical(n.Outputs[0])
	g, err := b.byteGeometry(n, x.dims, out, kernel)
	if err != nil {
		return false, err
	}
	return b.product(n, g, x, c, n.Input(2), out, true)
}

// byteGeometry is geometry for bytes.
func (b *builder) byteGeometry(n *graph.Node, in, out, kernel []int) (q8.Geometry, error) {
	g, err := b.geometry(n, in, out, kernel)
	return q8.Geometry{Batch: g.Batch, InH: g.InH, InW: g.InW, InC: g.InC, OutH: g.OutH, OutW: g.OutW, OutC: g.OutC,
		KernelH: g.KernelH, KernelW: g.KernelW, StrideH: g.StrideH, StrideW: g.StrideW, PadTop: g.PadTop, PadLeft: g.PadLeft,
		DilationH: g.DilationH, DilationW: g.DilationW, Groups: int(n.Int("group", 1))}, err
}

func (b *builder) integerLinear(n *graph.Node) (bool, error) {
	axis := 1
	if n.Op == "Gemm" {
		if n.Int("transA", 0) != 0 || n.Float("alpha", 1) != 1 || n.Float("beta", 1) != 1 {
			return false, nil
		}
		if n.Int("transB", 0) != 0 {
			axis = 0
		}
	}
	x, c := b.bytes(n.Input(0)), b.columnsOf(n.Input(1), axis)
	if x == nil || c == nil || len(b.weights[n.Input(1)].t.Dims) != 2 {
		return false, nil
	}
	x = b.plainBytes(x)
	bias, added := n.Input(2), -1
	if n.Op == "MatMul" {
		// A bias that is added after it goes into the sums.
		if i, name := b.addedBias(n, len(c.scale)); i >= 0 {
			n, bias, added = &b.static.Graph.Nodes[i], name, i
		}
	}
	g := q8.Geometry{Batch: 1, InH: 1, InW: x.rows(), InC: x.columns(), OutH: 1, OutW: x.rows(), OutC: len(c.scale),
		KernelH: 1, KernelW: 1, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Groups: 1}
	done, err := b.product(n, g, x, c, bias, b.static.Shapes[n.Outputs[0]], false)
	if done && added >= 0 {
		b.done[added] = true
	}
	return done, err
}

// addedBias returns the index of the node that alone reads a product and adds
// a constant to its columns, and the constant's name. The index is -1 if there
// is none.
func (b *builder) addedBias(n *graph.Node, columns int) (int, string) {
	value := n.Outputs[0]
	if len(b.readers[value]) != 1 || b.uses[value] != 1 {
		return -1, ""
	}
	i := b.readers[value][0]
	m := &b.static.Graph.Nodes[i]
	if m.Op != "Add" {
		return -1, ""
	}
	name := m.Inputs[0]
	if name == value {
		name = m.Inputs[1]
	}
	if t := b.static.Graph.Consts[name]; t == nil || t.Type != graph.Float32 || len(t.Dims) != 1 || t.Len() != columns || b.learns(name) {
		return -1, ""
	}
	return i, name
}
