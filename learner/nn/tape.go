package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// tape is what a program that trains has beside its steps: the order of the
// backward pass, with every gradient's memory in the steps.
type tape struct {
	back      []backStep // active steps, the last first
	inputGrad bool
}

type backStep struct {
	*step
	op backOp
}

// planTraining plans the memory of a forward and a backward pass together.
// Step i runs forward at time i, the loss stands at time n, the number of
// steps, and step i runs backward at time 2n-i. What a backward step reads is
// kept until then; below the freeze line, where no gradient is wanted, memory
// is free again as in a program that only runs forward.
func planTraining(p *Program) error {
	p.reuse()
	n := len(p.steps)
	t := &tape{inputGrad: p.input.wants}
	p.train = t
	backward := func(s *step) int { return 2*n - s.index }

	kept := map[*value]int{} // root to the time until which backward steps read it
	keep := func(v *value, until int) {
		if !v.known() {
			kept[v.root()] = max(kept[v.root()], until)
		}
	}
	var blocks []*block[float32]
	for i := n - 1; i >= 0; i-- {
		s := p.steps[i]
		s.dx, s.sums = make([][]float32, len(s.in)), make([]bool, len(s.in))
		if !s.out.wants {
			continue
		}
		o, ok := s.op.(backOp)
		if !ok {
			return &graph.UnsupportedError{Node: s.node, Op: s.kind, Reason: "training through what is quantized"}
		}
		t.back = append(t.back, backStep{s, o})
		reads := o.reads()
		if reads.x {
			for _, v := range s.in {
				keep(v, backward(s)+1)
			}
		}
		if reads.y {
			keep(s.out, backward(s)+1)
		}
	}
	keep(p.output, n+1)

	// Gradients: begun by the first backward step that reads a value, needed
	// until the step that made it.
	begun := map[*value]*block[float32]{}
	begin := func(v *value, at int) {
		end := 2*n + 2
		if v.maker != nil {
			end = backward(v.maker) + 1
		}
		b := &block[float32]{size: v.size(), first: at, end: end, bind: func(m []float32) { v.grad = m }}
		begun[v] = b
		blocks = append(blocks, b)
	}
	if root := p.output.root(); root.wants {
		begin(root, n)
	}
	for _, s := range t.back {
		for i, v := range s.in {
			root := v.root()
			switch {
			case !root.wants:
			case root.param != nil && root.grad == nil:
				root.grad = make([]float32, root.size())
				root.param.Grad = root.grad
			case root.param == nil && begun[root] == nil:
				begin(root, backward(s.step))
			default:
				s.sums[i] = true
				blocks = append(blocks, &block[float32]{size: root.size(), first: backward(s.step), end: backward(s.step) + 1,
					bind: func(m []float32) { s.dx[i] = m }})
			}
		}
	}
	floats, bytes := activations(p, func(v *value, last int) int { return max(last+1, kept[v]) })
	var err error
	if p.bytes, err = allocate(bytes); err != nil {
		return err
	}
	if p.floats, err = allocate(append(blocks, floats...)); err != nil {
		return err
	}
	bindForward(p)
	for _, s := range t.back {
		s.dy = s.out.root().grad
		for i, v := range s.in {
			if root := v.root(); root.wants && !s.sums[i] {
				s.dx[i] = root.grad
			}
		}
	}
	return nil
}

// outputGrad is where the gradient of the loss with respect to the output
// goes before a backward pass.
func (p *Program) outputGrad() []float32 { return p.output.root().grad }

// backward runs the steps backward and leaves the gradients of the trained
// parameters in them.
func (p *Program) backward() {
	p.pool.Hold()
	defer p.pool.Release()
	for _, s := range p.train.back {
		s.op.backward(s.step, p.pool)
		for i, sums := range s.sums {
			if sums {
				grad := s.in[i].root().grad
				f32.Add(grad, grad, s.dx[i])
			}
		}
	}
}
