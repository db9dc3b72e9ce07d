package nn

import (
	"fmt"
	"slices"
)

// Input returns the extents of the input, the batch first.
func (p *Program) Input() []int { return slices.Clone(p.input.dims) }

// Output returns the extents of the output.
func (p *Program) Output() []int { return slices.Clone(p.output.dims) }

// Memory returns the bytes of activations that a pass needs, gradients
// included in a program that trains; parameters and scratch memory are not.
func (p *Program) Memory() int { return 4*p.floats + p.bytes }

// Forward runs the program on an input in the graph's order of axes. The
// result is valid until the next pass. It panics if x has another length than
// the input.
func (p *Program) Forward(x []float32) []float32 {
	p.load(x)
	p.pool.Hold()
	defer p.pool.Release()
	if p.observe != nil {
		p.observe(p.input.name, p.input.data)
	}
	for _, s := range p.steps {
		if p.trace != nil {
			p.trace(s.node, s.kind, true)
		}
		s.op.forward(s, p.pool)
		if p.trace != nil {
			p.trace(s.node, s.kind, false)
		}
		if p.observe != nil && s.out.name != "" && !s.out.isBytes {
			p.observe(s.out.name, s.y)
		}
	}
	return p.output.data
}

func (p *Program) load(x []float32) {
	if len(x) != len(p.input.data) {
		panic(fmt.Sprintf("nn: input of %d numbers for a program that takes %v", len(x), p.input.dims))
	}
	copy(p.input.data, x)
}
