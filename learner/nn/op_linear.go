package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// linearOp is a dense layer: y = x W + bias + residual, clipped. Its inputs
// are x, W and, if there are any, the bias and the residual.
type linearOp struct {
	m, n, k int
	turned  bool // W is stored [N x K]
	exact   bool
	tail

	weights f32.Packed
	packed  bool
	gemm    f32.Gemm
	product f32.Product // forward, if exact
	toX     f32.Product
	toW     f32.Product
}

func newLinear(m, n, k int, turned, exact bool) *linearOp {
	o := &linearOp{m: m, n: n, k: k, turned: turned, exact: exact}
	row, col := o.strides()
	o.product = f32.Product{M: m, N: n, K: k, ARow: k, ACol: 1, BRow: row, BCol: col, LDC: n, Batch: 1, Exact: exact}
	o.toX = f32.Product{M: m, N: k, K: n, ARow: n, ACol: 1, BRow: col, BCol: row, LDC: k, Batch: 1, Exact: exact}
	if turned {
		o.toW = f32.Product{M: n, N: k, K: m, ARow: 1, ACol: n, BRow: k, BCol: 1, LDC: k, Batch: 1, Exact: exact}
	} else {
		o.toW = f32.Product{M: k, N: n, K: m, ARow: 1, ACol: k, BRow: n, BCol: 1, LDC: n, Batch: 1, Exact: exact}
	}
	return o
}

// strides returns those of W seen as [K x N].
func (o *linearOp) strides() (row, col int) {
	if o.turned {
		return 1, o.k
	}
	return o.n, 1
}

func (o *linearOp) reads() reads { return reads{x: true, y: o.e.Clip} }

func (o *linearOp) forward(s *step, p *pool.Pool) {
	e := o.bind(s)
	if o.exact {
		o.product.A, o.product.B, o.product.C = s.x[0], s.x[1], s.y
		o.product.Run(p)
		if e.Bias != nil {
			f32.AddRow(s.y, s.y, e.Bias, o.m)
		}
		if e.Residual != nil {
			f32.Add(s.y, s.y, e.Residual)
		}
		if e.Clip {
			f32.Clip(s.y, s.y, e.Lo, e.Hi)
		}
		return
	}
	if !o.packed {
		row, col := o.strides()
		o.weights.Pack(o.k, o.n, s.x[1], row, col)
		o.packed = !o.weightsMayChange
	}
	o.gemm.Packed(p, o.m, s.x[0], o.k, &o.weights, s.y, o.n, e)
}

func (o *linearOp) backward(s *step, p *pool.Pool) {
	o.tail.backward(s, o.m)
	if s.dx[1] != nil {
		if o.turned {
			o.toW.A, o.toW.B, o.toW.C = s.dy, s.x[0], s.dx[1]
		} else {
			o.toW.A, o.toW.B, o.toW.C = s.x[0], s.dy, s.dx[1]
		}
		o.toW.Run(p)
	}
	if s.dx[0] != nil {
		o.toX.A, o.toX.B, o.toX.C = s.dy, s.x[1], s.dx[0]
		o.toX.Run(p)
	}
}

// linear appends a dense layer that takes the last axis of x.
func (b *builder) linear(n *graph.Node, x, w, bias *value, turned bool) error {
	x, w = b.plain(x), b.plain(w)
	k := w.dims[0]
	columns := w.dims[1]
	if turned {
		k, columns = columns, k
	}
	o := newLinear(x.size()/max(k, 1), columns, k, turned, b.prog.exact)
	o.weightsMayChange = !w.fixed && (w.wants || w.param == nil)
	args := []*value{x, w}
	if bias != nil {
		o.bias = len(args)
		args = append(args, bias)
	}
	return b.emit(n, o, b.static.Shapes[n.Outputs[0]], false, args...)
}

func lowerGemm(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 2)
	if err != nil {
		return err
	}
	x := b.plain(in[0])
	if n.Int("transA", 0) != 0 {
		x = b.add("Transpose", n.Label(), newPermuteOp(x.dims, []int{1, 0}), []int{x.dims[1], x.dims[0]}, false, x)
	}
	turned := n.Int("transB", 0) != 0
	columns := in[1].dims[1]
	if turned {
		columns = in[1].dims[0]
	}
	if alpha := n.Float("alpha", 1); alpha != 1 {
		x = b.add("Mul", n.Label(), newUnary(scaleBy(alpha), x.size()), x.dims, false, x)
	}
	var bias *value
	if len(in) > 2 && in[2] != nil {
		bias = in[2]
		if bias.size() != columns || bias.columns() != columns {
			return b.static.Graph.Unsupported(n, "a third input of extents %v that is not one number per column", bias.dims)
		}
		if beta := n.Float("beta", 1); beta != 1 {
			bias = b.add("Mul", n.Label(), newUnary(scaleBy(beta), bias.size()), bias.dims, false, bias)
		}
	}
	return b.linear(n, x, in[1], bias, turned)
}

func lowerMatMul(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 2)
	if err != nil {
		return err
	}
	x, y := b.plain(in[0]), b.plain(in[1])
	if len(y.dims) == 2 && len(x.dims) >= 2 {
		var bias *value
		if len(in) > 2 {
			bias = in[2]
		}
		return b.linear(n, x, y, bias, false)
	}
	if len(x.dims) < 2 || len(y.dims) < 2 {
		return b.static.Graph.Unsupported(n, "a product of extents %v and %v: both need two axes at least", x.dims, y.dims)
	}
	return b.matMul(n, x, y)
}
