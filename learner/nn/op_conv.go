package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// convOp is a convolution with what may follow it: bias, residual, clipping.
// Its inputs are the image, the weights and, if there are any, the bias and
// the residual.
type convOp struct {
	conv *f32.Conv
	rows int // pixels of the output
	tail
	packed bool // the weights never change and were packed
}

// tail is the epilogue of a product and where its inputs are.
type tail struct {
	e                f32.Epilogue
	bias, residual   int // index of the input, 0 if there is none
	weightsMayChange bool
}

// bind sets the epilogue for the step's memory.
func (t *tail) bind(s *step) f32.Epilogue {
	e := t.e
	if t.bias > 0 {
		e.Bias = s.x[t.bias]
	}
	if t.residual > 0 {
		e.Residual = s.x[t.residual]
	}
	return e
}

// backward passes dy back through the epilogue, in place, rows x columns.
func (t *tail) backward(s *step, rows int) {
	if t.e.Clip {
		f32.ClipGrad(s.dy, s.dy, s.y, t.e.Lo, t.e.Hi)
	}
	if t.residual > 0 && s.dx[t.residual] != nil {
		copy(s.dx[t.residual], s.dy)
	}
	if t.bias > 0 && s.dx[t.bias] != nil {
		f32.ColumnSums(s.dx[t.bias], s.dy, rows)
	}
}

func (o *convOp) reads() reads { return reads{x: true, y: o.e.Clip} }

func (o *convOp) forward(s *step, p *pool.Pool) {
	if !o.packed {
		o.conv.Pack(s.x[1])
		o.packed = !o.weightsMayChange
	}
	o.conv.Forward(p, s.y, s.x[0], o.bind(s))
}

func (o *convOp) backward(s *step, p *pool.Pool) {
	o.tail.backward(s, o.rows)
	if s.dx[1] != nil {
		o.conv.BackwardWeights(p, s.dx[1], s.x[0], s.dy)
	}
	if s.dx[0] != nil {
		o.conv.BackwardInput(p, s.dx[0], s.dy, s.x[1])
	}
}

// physical returns the extents that a value of the given name has with its
// channels last.
func (b *builder) physical(name string) []int {
	dims := b.static.Shapes[name]
	return permuted(dims, lastPerm(len(dims)))
}

func lowerConv(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 2)
	if err != nil {
		return err
	}
	w := in[1]
	if rank := len(w.dims); rank != 3 && rank != 4 {
		return b.static.Graph.Unsupported(n, "weights of rank %d: images of one or two dimensions are", rank)
	}
	x, w := b.channelsLast(in[0]), b.plain(w)
	out := b.physical(n.Outputs[0])
	g, err := b.geometry(n, x.dims, out, w.dims[2:])
	if err != nil {
		return err
	}
	g.Groups, g.Exact = int(n.Int("group", 1)), b.prog.exact
	o := &convOp{conv: f32.NewConv(g), rows: g.Batch * g.OutH * g.OutW}
	o.weightsMayChange = !w.fixed && (w.wants || w.param == nil)
	args := []*value{x, w}
	if len(in) > 2 && in[2] != nil {
		o.bias = len(args)
		args = append(args, in[2])
	}
	return b.emit(n, o, out, true, args...)
}

// epilogue returns the tail of the step that makes v, if something may still
// be fused into it: v is read by nothing else.
func (b *builder) epilogue(name string, v *value) *tail {
	if b.prog.observe != nil || v.maker == nil || v.share != nil || b.uses[name] != 1 || v.maker.out != v || v.root().uses > 0 {
		return nil
	}
	var t *tail
	switch o := v.maker.op.(type) {
	case *convOp:
		t = &o.tail
	case *linearOp:
		t = &o.tail
	default:
		return nil
	}
	if t.e.Clip {
		return nil
	}
	return t
}

// fuseClip lets the product that makes the node's input clip it. It reports
// whether it could.
func (b *builder) fuseClip(n *graph.Node, x *value, lo, hi float32) (bool, error) {
	t := b.epilogue(n.Inputs[0], x)
	if t == nil {
		return false, nil
	}
	t.e.Clip, t.e.Lo, t.e.Hi = true, lo, hi
	return true, b.define(n, x)
}

// fuseResidual lets the product that makes one of the node's inputs, the
// later one, add the other. It reports whether it could.
func (b *builder) fuseResidual(n *graph.Node, x, y *value) (bool, error) {
	name := n.Inputs[0]
	if order(y) > order(x) {
		x, y, name = y, x, n.Inputs[1]
	}
	t := b.epilogue(name, x)
	if t == nil || t.residual > 0 || order(x) == order(y) || y.known() || x.last != y.last || !slices.Equal(x.dims, y.dims) {
		return false, nil
	}
	s := x.maker
	t.residual = len(s.in)
	s.in = append(s.in, y)
	s.out.wants = s.out.wants || y.wants
	y.root().uses++
	return true, b.define(n, x)
}

// order returns the place of the step that makes v, -1 if none does.
func order(v *value) int {
	if v.maker == nil {
		return -1
	}
	return v.maker.index
}
