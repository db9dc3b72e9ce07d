package nn

import "github.com/bristle-fl/bristled/internal/kernel/pool"

// step is one operation of a program, bound to its memory.
type step struct {
	node  string // the node that it comes from, for people
	kind  string // its operator
	op    op
	index int // its place in the program
	in    []*value
	out   *value

	// Bound by the memory plan. dx[i] is nil where no gradient is wanted;
	// dy is the gradient with respect to the output.
	x  [][]float32
	y  []float32
	bx [][]uint8 // what is of bytes
	by []uint8
	dx [][]float32
	dy []float32
	// sums[i] says that dx[i] is a temporary to be added to the gradient of
	// in[i], which another step has begun.
	sums []bool
}

// op is what a step does. Ops hold scratch and closures of their own, so an
// op belongs to one step.
type op interface {
	// forward fills s.y from s.x, or s.by from s.bx.
	forward(s *step, p *pool.Pool)
}

// backOp is an op that can be trained through.
type backOp interface {
	op

	// backward fills those of s.dx that are not nil. It may change s.dy.
	backward(s *step, p *pool.Pool)

	// reads says which values backward reads beside s.dy.
	reads() reads
}

type reads struct{ x, y bool }
