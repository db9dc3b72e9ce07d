package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// gatherOp takes rows of its input, seen as outer x rows x inner.
type gatherOp struct {
	outer, rows, inner int
	index              []int
}

func (o *gatherOp) reads() reads { return reads{} }

func (o *gatherOp) each(f func(from, to int)) {
	to := 0
	for i := range o.outer {
		for _, r := range o.index {
			f((i*o.rows+r)*o.inner, to)
			to += o.inner
		}
	}
}

func (o *gatherOp) forward(s *step, _ *pool.Pool) {
	o.each(func(from, to int) { copy(s.y[to:to+o.inner], s.x[0][from:from+o.inner]) })
}

func (o *gatherOp) backward(s *step, _ *pool.Pool) {
	clear(s.dx[0])
	o.each(func(from, to int) {
		dx := s.dx[0][from : from+o.inner]
		f32.Add(dx, dx, s.dy[to:to+o.inner])
	})
}

func lowerGather(b *builder, n *graph.Node) error {
	if len(n.Inputs) < 2 {
		return graph.Corrupt("node %.80q (Gather) lacks its index", n.Label())
	}
	v, err := b.value(n.Inputs[0])
	if err != nil {
		return err
	}
	x := v
	index, ok := b.static.Graph.Consts[n.Inputs[1]]
	if !ok || index.Type != graph.Int64 && index.Type != graph.Int32 {
		return b.static.Graph.Unsupported(n, "an index that is computed")
	}
	axis := int(n.Int("axis", 0))
	out := b.static.Shapes[n.Outputs[0]]
	last := x.last && len(index.Dims) == 1
	if last {
		axis, out = x.axis(axis), b.physical(n.Outputs[0])
	} else {
		x = b.plain(x)
	}
	o := &gatherOp{outer: graph.Size(x.dims[:axis]), rows: x.dims[axis], inner: graph.Size(x.dims[axis+1:])}
	for i := range index.Len() {
		var k int
		if index.Type == graph.Int64 {
			k = int(index.I64[i])
		} else {
			k = int(index.I32[i])
		}
		if k < 0 {
			k += o.rows
		}
		if k < 0 || k >= o.rows {
			return graph.Corrupt("node %.80q (Gather) takes element %d of %d", n.Label(), k, o.rows)
		}
		o.index = append(o.index, k)
	}
	return b.emit(n, o, out, last, x)
}
