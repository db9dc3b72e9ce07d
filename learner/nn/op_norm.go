package nn

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// batchNormOp is a batch normalisation in evaluation: every channel is
// scaled and shifted by its running statistics, in the backward pass too.
// Its inputs are the image and the parameters gamma and beta.
type batchNormOp struct {
	rows               int
	mean, rstd         []float32 // of the running statistics
	scale, shift, sums []float32
	ready              bool // scale and shift never change and are there
	fixed              bool
}

func (o *batchNormOp) reads() reads { return reads{x: true} }

func (o *batchNormOp) forward(s *step, p *pool.Pool) {
	if !o.ready {
		for c, gamma := range s.x[1] {
			o.scale[c] = gamma * o.rstd[c]
			o.shift[c] = s.x[2][c] - float32(o.mean[c]*o.scale[c])
		}
		o.ready = o.fixed
	}
	f32.Affine(s.y, s.x[0], o.scale, o.shift, o.rows)
}

func (o *batchNormOp) backward(s *step, p *pool.Pool) {
	if s.dx[1] != nil || s.dx[2] != nil {
		f32.ColumnSums(o.sums, s.dy, o.rows)
	}
	if s.dx[2] != nil {
		copy(s.dx[2], o.sums)
	}
	if s.dx[1] != nil {
		f32.ColumnDots(s.dx[1], s.x[0], s.dy, o.rows)
		for c := range s.dx[1] {
			s.dx[1][c] = (s.dx[1][c] - float32(o.mean[c]*o.sums[c])) * o.rstd[c]
		}
	}
	if s.dx[0] != nil {
		f32.MulRow(s.dx[0], s.dy, o.scale, o.rows)
	}
}

func lowerBatchNorm(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 5)
	if err != nil {
		return err
	}
	x := b.channelsLast(in[0])
	channels := x.dims[len(x.dims)-1]
	mean, variance := in[3], in[4]
	if !mean.known() || !variance.known() {
		return b.static.Graph.Unsupported(n, "running statistics that are computed")
	}
	epsilon := n.Float("epsilon", 1e-5)
	o := &batchNormOp{rows: x.size() / max(channels, 1), mean: mean.data, fixed: !in[1].wants && !in[2].wants,
		rstd:  make([]float32, channels),
		scale: make([]float32, channels), shift: make([]float32, channels), sums: make([]float32, channels)}
	for c := range o.rstd {
		o.rstd[c] = float32(1 / math.Sqrt(float64(variance.data[c])+float64(epsilon)))
	}
	out, last := b.static.Shapes[n.Outputs[0]], x.last
	if last {
		out = b.physical(n.Outputs[0])
	}
	return b.emit(n, o, out, last, x, in[1], in[2])
}

// layerNormOp normalises rows and scales and shifts their columns. Its inputs
// are the rows, gamma and beta.
type layerNormOp struct {
	rows, cols int
	epsilon    float32
	mean, rstd []float32
	spare      []float32 // for the gradient of gamma or beta if only the other's is wanted
	s          *step
	forth      func(task, worker int)
}

// perTask is how many rows a worker takes at a time.
func perTask(cols int) int { return max(1, chunk/max(cols, 1)) }

func newLayerNorm(rows, cols int, epsilon float32) *layerNormOp {
	o := &layerNormOp{rows: rows, cols: cols, epsilon: epsilon, mean: make([]float32, rows), rstd: make([]float32, rows)}
	o.forth = func(task, _ int) {
		n := perTask(cols)
		lo, hi := task*n, min((task+1)*n, rows)
		f32.LayerNorm(o.s.y[lo*cols:hi*cols], o.s.x[0][lo*cols:hi*cols], o.s.x[1], o.s.x[2], hi-lo, cols, o.epsilon,
			o.mean[lo:hi], o.rstd[lo:hi])
	}
	return o
}

func (o *layerNormOp) reads() reads { return reads{x: true} }

func (o *layerNormOp) forward(s *step, p *pool.Pool) {
	o.s = s
	n := perTask(o.cols)
	p.Run((o.rows+n-1)/n, o.forth)
}

func (o *layerNormOp) backward(s *step, p *pool.Pool) {
	dgamma, dbeta := s.dx[1], s.dx[2]
	if (dgamma == nil) != (dbeta == nil) && o.spare == nil {
		o.spare = make([]float32, o.cols)
	}
	if dgamma == nil && dbeta != nil {
		dgamma = o.spare
	} else if dbeta == nil && dgamma != nil {
		dbeta = o.spare
	}
	f32.LayerNormGrad(s.dx[0], dgamma, dbeta, s.dy, s.x[0], s.x[1], o.mean, o.rstd, o.rows, o.cols)
}

func lowerLayerNorm(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 2)
	if err != nil {
		return err
	}
	x := b.plain(in[0])
	axis := int(n.Int("axis", -1))
	if axis < 0 {
		axis += len(x.dims)
	}
	cols := graph.Size(x.dims[axis:])
	o := newLayerNorm(x.size()/max(cols, 1), cols, n.Float("epsilon", 1e-5))
	beta := &value{dims: []int{cols}, data: make([]float32, cols), fixed: true}
	if len(in) > 2 && in[2] != nil {
		beta = in[2]
	}
	return b.emit(n, o, x.dims, false, x, in[1], beta)
}

// softmaxOp makes probabilities, or their logarithms, of rows.
type softmaxOp struct {
	rows, cols int
	s          *step
	p          *pool.Pool
	forth      func(task, worker int)
	back       func(task, worker int)
}

func newSoftmax(rows, cols int, log bool) *softmaxOp {
	o := &softmaxOp{rows: rows, cols: cols}
	grad := f32.SoftmaxGrad
	if log {
		grad = f32.LogSoftmaxGrad
	}
	o.forth = func(task, worker int) {
		n := perTask(cols)
		lo, hi := task*n, min((task+1)*n, rows)
		if log {
			f32.LogSoftmax(o.s.y[lo*cols:hi*cols], o.s.x[0][lo*cols:hi*cols], o.p.Floats(worker, cols), hi-lo, cols)
		} else {
			f32.Softmax(o.s.y[lo*cols:hi*cols], o.s.x[0][lo*cols:hi*cols], hi-lo, cols)
		}
	}
	o.back = func(task, _ int) {
		n := perTask(cols)
		lo, hi := task*n, min((task+1)*n, rows)
		grad(o.s.dx[0][lo*cols:hi*cols], o.s.dy[lo*cols:hi*cols], o.s.y[lo*cols:hi*cols], hi-lo, cols)
	}
	return o
}

func (o *softmaxOp) reads() reads { return reads{y: true} }

func (o *softmaxOp) forward(s *step, p *pool.Pool) {
	o.s, o.p = s, p
	n := perTask(o.cols)
	p.Run((o.rows+n-1)/n, o.forth)
}

func (o *softmaxOp) backward(s *step, p *pool.Pool) {
	o.s = s
	if s.dx[0] != nil {
		n := perTask(o.cols)
		p.Run((o.rows+n-1)/n, o.back)
	}
}

func lowerSoftmax(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 1)
	if err != nil {
		return err
	}
	x := b.plain(in[0])
	axis := int(n.Int("axis", -1))
	if axis < 0 {
		axis += len(x.dims)
	}
	if axis == len(x.dims)-1 {
		cols := x.dims[axis]
		return b.emit(n, newSoftmax(x.size()/max(cols, 1), cols, n.Op == "LogSoftmax"), x.dims, false, x)
	}
	// Another axis goes last and comes back.
	swap := make([]int, len(x.dims))
	for i := range swap {
		swap[i] = i
	}
	swap[axis], swap[len(swap)-1] = len(swap)-1, axis
	turned := permuted(x.dims, swap)
	t := b.add("Transpose", n.Label(), newPermuteOp(x.dims, swap), turned, false, x)
	cols := x.dims[axis]
	t = b.add(n.Op, n.Label(), newSoftmax(x.size()/max(cols, 1), cols, n.Op == "LogSoftmax"), turned, false, t)
	return b.emit(n, newPermuteOp(turned, swap), x.dims, false, t)
}
