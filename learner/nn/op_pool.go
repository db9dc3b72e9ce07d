package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// maxPoolOp takes the largest number of every window.
type maxPoolOp struct {
	g     f32.Geometry
	s     *step
	forth func(task, worker int)
}

// windowRows is how many rows of outputs a worker takes at a time.
const windowRows = 4

func newMaxPool(g f32.Geometry) *maxPoolOp {
	o := &maxPoolOp{g: g}
	o.forth = func(task, _ int) {
		f32.MaxPool(o.s.y, o.s.x[0], o.g, task*windowRows, min((task+1)*windowRows, o.g.Batch*o.g.OutH))
	}
	return o
}

func (o *maxPoolOp) reads() reads { return reads{x: true, y: true} }

func (o *maxPoolOp) forward(s *step, p *pool.Pool) {
	o.s = s
	p.Run((o.g.Batch*o.g.OutH+windowRows-1)/windowRows, o.forth)
}

func (o *maxPoolOp) backward(s *step, _ *pool.Pool) {
	if s.dx[0] != nil {
		f32.MaxPoolGrad(s.dx[0], s.dy, s.x[0], s.y, o.g, 0, o.g.Batch)
	}
}

// averagePoolOp takes the mean of every window.
type averagePoolOp struct {
	g        f32.Geometry
	countPad bool
	s        *step
	forth    func(task, worker int)
}

func newAveragePool(g f32.Geometry, countPad bool) *averagePoolOp {
	o := &averagePoolOp{g: g, countPad: countPad}
	o.forth = func(task, _ int) {
		f32.AveragePool(o.s.y, o.s.x[0], o.g, o.countPad, task*windowRows, min((task+1)*windowRows, o.g.Batch*o.g.OutH))
	}
	return o
}

func (o *averagePoolOp) reads() reads { return reads{} }

func (o *averagePoolOp) forward(s *step, p *pool.Pool) {
	o.s = s
	p.Run((o.g.Batch*o.g.OutH+windowRows-1)/windowRows, o.forth)
}

func (o *averagePoolOp) backward(s *step, _ *pool.Pool) {
	if s.dx[0] != nil {
		f32.AveragePoolGrad(s.dx[0], s.dy, o.g, o.countPad, 0, o.g.Batch)
	}
}

func lowerPool(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 1)
	if err != nil {
		return err
	}
	x := b.channelsLast(in[0])
	if rank := len(x.dims); rank != 3 && rank != 4 {
		return b.static.Graph.Unsupported(n, "an input of rank %d: images of one or two dimensions are", rank)
	}
	out := b.physical(n.Outputs[0])
	var kernel []int
	for _, k := range n.Ints("kernel_shape", nil) {
		kernel = append(kernel, int(k))
	}
	global := n.Op == "GlobalAveragePool" || n.Op == "GlobalMaxPool"
	if global {
		kernel = x.dims[1 : len(x.dims)-1]
	}
	if n.Op == "GlobalAveragePool" {
		return b.emit(n, &meanOp{x.dims[0], graph.Size(kernel)}, out, true, x)
	}
	g, err := b.geometry(n, x.dims, out, kernel)
	if err != nil {
		return err
	}
	if n.Op == "AveragePool" {
		return b.emit(n, newAveragePool(g, n.Int("count_include_pad", 0) != 0), out, true, x)
	}
	return b.emit(n, newMaxPool(g), out, true, x)
}

// meanOp takes the mean over the pixels of every image.
type meanOp struct{ batch, pixels int }

func (o *meanOp) reads() reads { return reads{} }

func (o *meanOp) forward(s *step, _ *pool.Pool) { f32.MeanRows(s.y, s.x[0], o.batch, o.pixels) }

func (o *meanOp) backward(s *step, _ *pool.Pool) {
	if s.dx[0] != nil {
		f32.MeanRowsGrad(s.dx[0], s.dy, o.batch, o.pixels)
	}
}
