package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// reduceOp folds some axes of its input: their sum, mean, largest or smallest
// element. The input is seen as outer x reduced x inner; what else is reduced
// was brought into that form by a permutation.
type reduceOp struct {
	outer, reduced, inner int
	kind                  string
}

func (o *reduceOp) reads() reads {
	extreme := o.kind == "ReduceMax" || o.kind == "ReduceMin"
	return reads{x: extreme, y: extreme}
}

func (o *reduceOp) forward(s *step, _ *pool.Pool) {
	for i := range o.outer {
		y := s.y[i*o.inner : (i+1)*o.inner]
		x := s.x[0][i*o.reduced*o.inner : (i+1)*o.reduced*o.inner]
		copy(y, x)
		for r := 1; r < o.reduced; r++ {
			row := x[r*o.inner : (r+1)*o.inner]
			switch o.kind {
			case "ReduceMax":
				for j, v := range row {
					y[j] = max(y[j], v)
				}
			case "ReduceMin":
				for j, v := range row {
					y[j] = min(y[j], v)
				}
			default:
				for j, v := range row {
					y[j] += v
				}
			}
		}
		if o.kind == "ReduceMean" {
			for j := range y {
				y[j] /= float32(o.reduced)
			}
		}
	}
}

// backward gives the gradient of an extreme to the first element that has it.
func (o *reduceOp) backward(s *step, _ *pool.Pool) {
	for i := range o.outer {
		dy := s.dy[i*o.inner : (i+1)*o.inner]
		at := func(r int) int { return (i*o.reduced + r) * o.inner }
		for j, g := range dy {
			if o.kind == "ReduceMean" {
				g /= float32(o.reduced)
			}
			found := false
			for r := range o.reduced {
				k := at(r) + j
				if o.kind == "ReduceMean" || o.kind == "ReduceSum" {
					s.dx[0][k] = g
					continue
				}
				s.dx[0][k] = 0
				if !found && s.x[0][k] == s.y[i*o.inner+j] {
					s.dx[0][k], found = g, true
				}
			}
		}
	}
}

func lowerReduce(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	x := data
	var axes []int
	for _, a := range n.Ints("axes", nil) {
		axes = append(axes, x.axis(int(a)))
	}
	slices.Sort(axes)
	out := b.static.Shapes[n.Outputs[0]]
	last := x.last && len(out) == len(x.dims)
	if x.last && !last && !slices.Equal(axes, between(1, len(x.dims)-1)) {
		// The axes that stay would be in the wrong order.
		if len(axes) > 0 {
			x = b.plain(x)
			axes = axes[:0]
			for _, a := range n.Ints("axes", nil) {
				axes = append(axes, int(a))
			}
			slices.Sort(axes)
		}
	}
	if last {
		out = b.physical(n.Outputs[0])
	}
	if len(axes) == 0 {
		return b.define(n, b.view(x, out, last))
	}
	if axes[len(axes)-1]-axes[0] != len(axes)-1 {
		// Not neighbours: the reduced axes go last.
		var perm []int
		for i := range x.dims {
			if !slices.Contains(axes, i) {
				perm = append(perm, i)
			}
		}
		kept := len(perm)
		perm = append(perm, axes...)
		turned := permuted(x.dims, perm)
		x = b.add("Transpose", n.Label(), newPermuteOp(x.dims, perm), turned, false, x)
		axes = between(kept, len(perm))
	}
	lo, hi := axes[0], axes[len(axes)-1]+1
	o := &reduceOp{graph.Size(x.dims[:lo]), graph.Size(x.dims[lo:hi]), graph.Size(x.dims[hi:]), n.Op}
	return b.emit(n, o, out, last, x)
}

// between returns the numbers from lo to hi-1.
func between(lo, hi int) []int {
	var all []int
	for i := lo; i < hi; i++ {
		all = append(all, i)
	}
	return all
}
