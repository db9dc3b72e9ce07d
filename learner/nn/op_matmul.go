package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// matMulOp is a batch of products of two computed matrices, as in attention.
type matMulOp struct {
	forth, toA, toB f32.Product
}

func (o *matMulOp) reads() reads { return reads{x: true} }

func (o *matMulOp) forward(s *step, p *pool.Pool) {
	o.forth.A, o.forth.B, o.forth.C = s.x[0], s.x[1], s.y
	o.forth.Run(p)
}

func (o *matMulOp) backward(s *step, p *pool.Pool) {
	if s.dx[0] != nil {
		o.toA.A, o.toA.B, o.toA.C = s.dy, s.x[1], s.dx[0]
		o.toA.Run(p)
	}
	if s.dx[1] != nil {
		o.toB.A, o.toB.B, o.toB.C = s.x[0], s.dy, s.dx[1]
		o.toB.Run(p)
	}
}

// matMul appends the products of the last two axes. The axes before them are
// the same in both, after one was expanded where they are not.
func (b *builder) matMul(n *graph.Node, x, y *value) error {
	out := b.static.Shapes[n.Outputs[0]]
	lead := out[:len(out)-2]
	x = b.expanded(n, x, lead)
	y = b.expanded(n, y, lead)
	rows, inner, columns := out[len(out)-2], x.dims[len(x.dims)-1], out[len(out)-1]
	batch := graph.Size(lead)
	o := &matMulOp{
		forth: f32.Product{M: rows, N: columns, K: inner, ARow: inner, ACol: 1, BRow: columns, BCol: 1, LDC: columns,
			Batch: batch, AStep: rows * inner, BStep: inner * columns, CStep: rows * columns, Exact: b.prog.exact},
		toA: f32.Product{M: rows, N: inner, K: columns, ARow: columns, ACol: 1, BRow: 1, BCol: columns, LDC: inner,
			Batch: batch, AStep: rows * columns, BStep: inner * columns, CStep: rows * inner, Exact: b.prog.exact},
		toB: f32.Product{M: inner, N: columns, K: rows, ARow: 1, ACol: inner, BRow: columns, BCol: 1, LDC: columns,
			Batch: batch, AStep: rows * inner, BStep: rows * columns, CStep: inner * columns, Exact: b.prog.exact},
	}
	return b.emit(n, o, out, false, x, y)
}

// expanded returns v with the given extents before its last two axes.
func (b *builder) expanded(n *graph.Node, v *value, lead []int) *value {
	dims := append(append([]int{}, lead...), v.dims[len(v.dims)-2:]...)
	if graph.Size(dims) == v.size() {
		return b.view(v, dims, false)
	}
	return b.add("Expand", n.Label(), newExpand(v.dims, dims), dims, false, v)
}
