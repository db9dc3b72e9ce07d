package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// arithmetic is a function of two numbers. An operand of one element stands
// for as many as dst has.
type arithmetic struct {
	forward func(dst, a, b []float32)
	gradA   func(dst, dy, a, b []float32)
	gradB   func(dst, dy, a, b []float32)
	needs   bool // whether the gradients need a and b
}

var arithmetics = map[string]arithmetic{
	"Add": {add, first, first, false},
	"Sub": {sub, first, func(dst, dy, _, _ []float32) { f32.Neg(dst, dy) }, false},
	"Mul": {mul,
		func(dst, dy, _, b []float32) { mul(dst, dy, b) },
		func(dst, dy, a, _ []float32) { mul(dst, dy, a) }, true},
	"Div": {div,
		func(dst, dy, _, b []float32) { div(dst, dy, b) },
		func(dst, dy, a, b []float32) {
			div(dst, dy, b)
			div(dst, dst, b)
			mul(dst, dst, a)
			f32.Neg(dst, dst)
		}, true},
	"Max": {pick(func(a, b float32) bool { return a >= b }), pickGrad(func(a, b float32) bool { return a >= b }),
		pickGrad(func(a, b float32) bool { return a < b }), true},
	"Min": {pick(func(a, b float32) bool { return a <= b }), pickGrad(func(a, b float32) bool { return a <= b }),
		pickGrad(func(a, b float32) bool { return a > b }), true},
}

func first(dst, dy, _, _ []float32) { copy(dst, dy) }

func add(dst, a, b []float32) {
	switch {
	case len(dst) == len(a) && len(dst) == len(b):
		f32.Add(dst, a, b)
	case len(dst) == len(a):
		f32.AddScalar(dst, a, b[0])
	default:
		f32.AddScalar(dst, b, a[0])
	}
}

func sub(dst, a, b []float32) {
	switch {
	case len(dst) == len(a) && len(dst) == len(b):
		f32.Sub(dst, a, b)
	case len(dst) == len(a):
		f32.AddScalar(dst, a, -b[0])
	default:
		f32.Neg(dst, b)
		f32.AddScalar(dst, dst, a[0])
	}
}

func mul(dst, a, b []float32) {
	switch {
	case len(dst) == len(a) && len(dst) == len(b):
		f32.Mul(dst, a, b)
	case len(dst) == len(a):
		f32.MulScalar(dst, a, b[0])
	default:
		f32.MulScalar(dst, b, a[0])
	}
}

func div(dst, a, b []float32) {
	switch {
	case len(dst) == len(a) && len(dst) == len(b):
		f32.Div(dst, a, b)
	case len(dst) == len(a):
		for i, v := range a {
			dst[i] = v / b[0]
		}
	default:
		for i, v := range b {
			dst[i] = a[0] / v
		}
	}
}

// pick returns the function that gives a where the choice says so, b
// elsewhere.
func pick(choice func(a, b float32) bool) func(dst, a, b []float32) {
	return func(dst, a, b []float32) {
		for i := range dst {
			x, y := a[i%len(a)], b[i%len(b)]
			if !choice(x, y) {
				x = y
			}
			dst[i] = x
		}
	}
}

func pickGrad(choice func(a, b float32) bool) func(dst, dy, a, b []float32) {
	return func(dst, dy, a, b []float32) {
		for i, g := range dy {
			if !choice(a[i%len(a)], b[i%len(b)]) {
				g = 0
			}
			dst[i] = g
		}
	}
}

// binaryOp applies a function of two numbers, one operand or both repeated
// where they have fewer axes or axes of one.
type binaryOp struct {
	arithmetic
	walk  *broadcast
	s     *step
	forth func(task, worker int)
}

func newBinary(f arithmetic, a, b, out []int) *binaryOp {
	o := &binaryOp{arithmetic: f, walk: newBroadcast(a, b, out)}
	o.forth = func(task, _ int) {
		w := o.walk
		if w.rows == 1 {
			lo, hi := task*chunk, min((task+1)*chunk, w.run)
			o.arithmetic.forward(o.s.y[lo:hi], part(o.s.x[0], 0, w.aRun, lo, hi), part(o.s.x[1], 0, w.bRun, lo, hi))
			return
		}
		n := o.perTask()
		for row := task * n; row < min((task+1)*n, w.rows); row++ {
			a, b := w.offsets(row)
			o.arithmetic.forward(o.s.y[row*w.run:(row+1)*w.run], part(o.s.x[0], a, w.aRun, 0, w.run), part(o.s.x[1], b, w.bRun, 0, w.run))
		}
	}
	return o
}

// perTask is how many runs a worker takes at a time.
func (o *binaryOp) perTask() int { return max(1, chunk/o.walk.run) }

func (o *binaryOp) reads() reads { return reads{x: o.needs} }

func (o *binaryOp) forward(s *step, p *pool.Pool) {
	o.s = s
	if o.walk.rows == 1 {
		p.Run((o.walk.run+chunk-1)/chunk, o.forth)
		return
	}
	n := o.perTask()
	p.Run((o.walk.rows+n-1)/n, o.forth)
}

func (o *binaryOp) backward(s *step, p *pool.Pool) {
	if s.dx[0] != nil {
		o.collect(s, p, s.dx[0], o.gradA, true)
	}
	if s.dx[1] != nil {
		o.collect(s, p, s.dx[1], o.gradB, false)
	}
}

// collect fills dx, the gradient with respect to one operand, which sums
// over the elements that the operand was repeated for.
func (o *binaryOp) collect(s *step, p *pool.Pool, dx []float32, grad func(dst, dy, a, b []float32), isA bool) {
	w := o.walk
	repeated := len(dx) != len(s.y)
	if repeated {
		clear(dx)
	}
	scratch := p.Floats(0, w.run)
	for row := range w.rows {
		a, b := w.offsets(row)
		at, moves := b, w.bRun
		if isA {
			at, moves = a, w.aRun
		}
		dy := s.dy[row*w.run : (row+1)*w.run]
		var x, y []float32
		if o.needs {
			x, y = part(s.x[0], a, w.aRun, 0, w.run), part(s.x[1], b, w.bRun, 0, w.run)
		}
		switch {
		case !repeated:
			grad(dx[at:at+w.run], dy, x, y)
		case moves:
			grad(scratch, dy, x, y)
			f32.Add(dx[at:at+w.run], dx[at:at+w.run], scratch)
		default:
			grad(scratch, dy, x, y)
			var sum float32
			for _, v := range scratch {
				sum += v
			}
			dx[at] += sum
		}
	}
}

func lowerBinary(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 2)
	if err != nil {
		return err
	}
	x, y := in[0], in[1]
	out, last := b.static.Shapes[n.Outputs[0]], false
	if x.last && len(x.dims) < len(out) || y.last && len(y.dims) < len(out) {
		// Its channels are not those of the result.
		x, y = b.plain(x), b.plain(y)
	}
	if x.last || y.last {
		last = true
		x, y, out = b.alignLast(x, len(out)), b.alignLast(y, len(out)), b.physical(n.Outputs[0])
	}
	if n.Op == "Add" {
		if done, err := b.fuseResidual(n, x, y); done || err != nil {
			return err
		}
	}
	return b.emit(n, newBinary(arithmetics[n.Op], x.dims, y.dims, out), out, last, x, y)
}

// alignLast returns v with the given rank, which it has if its channels are
// last already, and its channels last.
func (b *builder) alignLast(v *value, rank int) *value {
	if v.last {
		return v
	}
	if len(v.dims) < rank {
		dims := make([]int, rank)
		for i := range dims {
			dims[i] = 1
		}
		copy(dims[rank-len(v.dims):], v.dims)
		v = b.view(v, dims, false)
	}
	return b.channelsLast(v)
}
