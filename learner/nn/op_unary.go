package nn

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// function is a function of one number and its gradient, which gets the
// function's argument or, if fromY, its result.
type function struct {
	forward func(dst, x []float32)
	grad    func(dx, dy, xOrY []float32)
	fromY   bool
}

// chunk is how many numbers a worker takes at a time from an element-wise
// operation.
const chunk = 1 << 14

// unaryOp applies a function to every element.
type unaryOp struct {
	function
	size        int
	s           *step
	forth, back func(task, worker int)
}

func newUnary(f function, size int) *unaryOp {
	o := &unaryOp{function: f, size: size}
	o.forth = func(task, _ int) {
		lo, hi := o.part(task)
		o.function.forward(o.s.y[lo:hi], o.s.x[0][lo:hi])
	}
	o.back = func(task, _ int) {
		lo, hi := o.part(task)
		from := o.s.x[0]
		if o.fromY {
			from = o.s.y
		}
		o.grad(o.s.dx[0][lo:hi], o.s.dy[lo:hi], from[lo:hi])
	}
	return o
}

func (o *unaryOp) part(task int) (lo, hi int) { return task * chunk, min((task+1)*chunk, o.size) }

func (o *unaryOp) reads() reads { return reads{x: !o.fromY, y: o.fromY} }

func (o *unaryOp) forward(s *step, p *pool.Pool) {
	o.s = s
	p.Run((o.size+chunk-1)/chunk, o.forth)
}

func (o *unaryOp) backward(s *step, p *pool.Pool) {
	if s.dx[0] == nil {
		return
	}
	o.s = s
	p.Run((o.size+chunk-1)/chunk, o.back)
}

func scaleBy(factor float32) function {
	return function{
		func(dst, x []float32) { f32.MulScalar(dst, x, factor) },
		func(dx, dy, _ []float32) { f32.MulScalar(dx, dy, factor) }, true}
}

// functions are those without attributes.
var functions = map[string]function{
	"Relu":       {f32.Relu, f32.ReluGrad, true},
	"Sigmoid":    {f32.Sigmoid, f32.SigmoidGrad, true},
	"Tanh":       {f32.Tanh, f32.TanhGrad, true},
	"Exp":        {f32.Exp, f32.ExpGrad, true},
	"Log":        {f32.Log, f32.LogGrad, false},
	"Sqrt":       {f32.Sqrt, f32.SqrtGrad, true},
	"Erf":        {f32.Erf, f32.ErfGrad, false},
	"Gelu":       {f32.Gelu, f32.GeluGrad, false},
	"Silu":       {f32.Silu, f32.SiluGrad, false},
	"HardSwish":  {f32.HardSwish, f32.HardSwishGrad, false},
	"Abs":        {f32.Abs, f32.AbsGrad, false},
	"Neg":        {f32.Neg, func(dx, dy, _ []float32) { f32.NegGrad(dx, dy) }, true},
	"Reciprocal": {f32.Reciprocal, f32.ReciprocalGrad, true},
}

// functionOf returns the function of one number that a node applies, if it is
// one.
func functionOf(n *graph.Node) (function, bool) {
	switch n.Op {
	case "Gelu":
		if n.Text("approximate", "none") != "none" {
			return function{}, false
		}
	case "Clip":
		lo, hi := n.Float("min", float32(math.Inf(-1))), n.Float("max", float32(math.Inf(1)))
		return function{
			func(dst, x []float32) { f32.Clip(dst, x, lo, hi) },
			func(dx, dy, y []float32) { f32.ClipGrad(dx, dy, y, lo, hi) }, true}, true
	case "LeakyRelu":
		alpha := n.Float("alpha", 0.01)
		return function{
			func(dst, x []float32) { f32.LeakyRelu(dst, x, alpha) },
			func(dx, dy, x []float32) { f32.LeakyReluGrad(dx, dy, x, alpha) }, false}, true
	case "HardSigmoid":
		alpha, beta := n.Float("alpha", 0.2), n.Float("beta", 0.5)
		return function{
			func(dst, x []float32) { f32.HardSigmoid(dst, x, alpha, beta) },
			func(dx, dy, x []float32) { f32.HardSigmoidGrad(dx, dy, x, alpha, beta) }, false}, true
	case "Pow":
		if len(n.Inputs) > 1 {
			return function{}, false
		}
		exponent := n.Float("exponent", 1)
		return function{
			func(dst, x []float32) { f32.Pow(dst, x, exponent) },
			func(dx, dy, x []float32) { f32.PowGrad(dx, dy, x, exponent) }, false}, true
	}
	f, ok := functions[n.Op]
	return f, ok
}

func lowerUnary(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 1)
	if err != nil {
		return err
	}
	x := in[0]
	f, ok := functionOf(n)
	if !ok {
		return b.static.Graph.Unsupported(n, "float32 programs lack this form of the operator")
	}
	if n.Op == "Relu" || n.Op == "Clip" {
		lo, hi := n.Float("min", float32(math.Inf(-1))), n.Float("max", float32(math.Inf(1)))
		if n.Op == "Relu" {
			lo, hi = 0, float32(math.Inf(1))
		}
		if done, err := b.fuseClip(n, x, lo, hi); done || err != nil {
			return err
		}
	}
	return b.emit(n, newUnary(f, x.size()), x.dims, x.last, x)
}
