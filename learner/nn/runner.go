package nn

import (
	"fmt"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Runner runs a graph forward on any number of samples, a batch at a time.
// It belongs to one goroutine at a time.
type Runner struct {
	prog    *Program
	batch   int
	in, out int // numbers per sample
	x       []float32
	y       []float32
}

// NewRunner compiles a graph whose first axis is the batch, for batches of
// the given size, or of the graph's own if that is fixed. The other extents
// of the input must be known. Errors are those of [Compile].
func NewRunner(g *graph.Graph, batch int, o Options) (*Runner, error) {
	if batch < 1 {
		return nil, fmt.Errorf("nn: runner for batches of %d", batch)
	}
	if len(g.Inputs) == 1 && len(g.Inputs[0].Dims) > 0 && g.Inputs[0].Dims[0] > 0 {
		batch = g.Inputs[0].Dims[0]
	}
	dims, err := batchOf(g, batch)
	if err != nil {
		return nil, err
	}
	prog, err := Compile(g, dims, o)
	if err != nil {
		return nil, err
	}
	if out := prog.output.dims; len(out) == 0 || out[0] != batch {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an output of extents %v for a batch of %d: one row per sample is", out, batch)}
	}
	return &Runner{prog: prog, batch: batch, in: prog.input.size() / batch, out: prog.output.size() / batch,
		x: make([]float32, prog.input.size())}, nil
}

// Input returns how many numbers a sample has.
func (r *Runner) Input() int { return r.in }

// Outputs returns how many numbers come out for a sample.
func (r *Runner) Outputs() int { return r.out }

// Memory returns the bytes of activations that a pass needs.
func (r *Runner) Memory() int { return r.prog.Memory() }

// Forward runs n samples, which lie one after another in x, and returns
// their outputs likewise, valid until the next call. A sample's output does
// not depend on the others. A batch that is not full takes as long as one that
// is. It panics if x is too short.
func (r *Runner) Forward(x []float32, n int) []float32 {
	if n < 0 || len(x) < n*r.in {
		panic(fmt.Sprintf("nn: forward of %d samples of %d numbers, given %d numbers", n, r.in, len(x)))
	}
	if cap(r.y) < n*r.out {
		r.y = make([]float32, n*r.out)
	}
	r.y = r.y[:n*r.out]
	for lo := 0; lo < n; lo += r.batch {
		k := min(r.batch, n-lo)
		part := x[lo*r.in : (lo+k)*r.in]
		if k < r.batch {
			m := copy(r.x, part)
			clear(r.x[m:])
			part = r.x
		}
		copy(r.y[lo*r.out:(lo+k)*r.out], r.prog.Forward(part))
	}
	return r.y
}
