package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// whereOp takes every number from one of two operands, as a constant
// condition says. All three repeat along axes of one and those that are
// missing.
type whereOp struct {
	condition []bool
	outer     []int // extents before the last
	rows, run int   // the product of those, and the last extent
	steps     [3][]int
	s         *step
	forth     func(task, worker int)
}

// newWhere aligns the condition and the operands, in this order, with a
// result of extents out.
func newWhere(condition []bool, operands [3][]int, out []int) *whereOp {
	o := &whereOp{condition: condition, rows: 1, run: 1}
	if last := len(out) - 1; last >= 0 {
		o.outer, o.run = out[:last], out[last]
		o.rows = graph.Size(o.outer)
	}
	for k, dims := range operands {
		o.steps[k] = make([]int, max(len(out), 1))
		at, missing := 1, len(out)-len(dims)
		for i := len(dims) - 1; i >= 0; i-- {
			if dims[i] != 1 {
				o.steps[k][missing+i] = at
			}
			at *= dims[i]
		}
	}
	o.forth = func(task, _ int) {
		n := perTask(o.run)
		for row := task * n; row < min((task+1)*n, o.rows); row++ {
			o.row(o.s, row)
		}
	}
	return o
}

// offsets returns where the condition and the operands stand at the begin of
// a row, and what they move within it.
func (o *whereOp) offsets(row int) (at, step [3]int) {
	for i := len(o.outer) - 1; i >= 0; i-- {
		k := row % o.outer[i]
		row /= o.outer[i]
		for j := range at {
			at[j] += k * o.steps[j][i]
		}
	}
	for j := range step {
		step[j] = o.steps[j][len(o.steps[j])-1]
	}
	return at, step
}

func (o *whereOp) row(s *step, row int) {
	at, step := o.offsets(row)
	c, a, b := o.condition[at[0]:], s.x[0][at[1]:], s.x[1][at[2]:]
	y := s.y[row*o.run : (row+1)*o.run]
	for i := range y {
		if c[i*step[0]] {
			y[i] = a[i*step[1]]
		} else {
			y[i] = b[i*step[2]]
		}
	}
}

func (o *whereOp) reads() reads { return reads{} }

func (o *whereOp) forward(s *step, p *pool.Pool) {
	o.s = s
	n := perTask(o.run)
	p.Run((o.rows+n-1)/n, o.forth)
}

// backward adds up what an operand's numbers were repeated for, in order.
func (o *whereOp) backward(s *step, _ *pool.Pool) {
	clear(s.dx[0])
	clear(s.dx[1])
	for row := range o.rows {
		at, step := o.offsets(row)
		for i, dy := range s.dy[row*o.run : (row+1)*o.run] {
			k := 1
			if o.condition[at[0]+i*step[0]] {
				k = 0
			}
			if dx := s.dx[k]; dx != nil {
				dx[at[k+1]+i*step[k+1]] += dy
			}
		}
	}
}

func lowerWhere(b *builder, n *graph.Node) error {
	condition := b.static.Graph.Consts[n.Input(0)]
	if condition == nil || condition.Type != graph.Bool {
		return b.static.Graph.Unsupported(n, "a condition that is computed")
	}
	var in [2]*value
	for i := range in {
		if n.Input(i+1) == "" {
			return graph.Corrupt("node %.80q (Where) lacks its input %d", n.Label(), i+1)
		}
		v, err := b.value(n.Input(i + 1))
		if err != nil {
			return err
		}
		in[i] = b.plain(v)
	}
	out := b.static.Shapes[n.Outputs[0]]
	o := newWhere(condition.Bool, [3][]int{condition.Dims, in[0].dims, in[1].dims}, out)
	return b.emit(n, o, out, false, in[0], in[1])
}
