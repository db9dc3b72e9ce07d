package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// permuteOp writes its input with the axes in another order.
type permuteOp struct {
	dims, perm         []int
	outDims, backwards []int
}

func newPermuteOp(dims, perm []int) *permuteOp {
	back := make([]int, len(perm))
	for i, p := range perm {
		back[p] = i
	}
	return &permuteOp{slices.Clone(dims), slices.Clone(perm), permuted(dims, perm), back}
}

func permute(dst, src []float32, dims, perm []int) { f32.Permute(dst, src, dims, perm) }

func (o *permuteOp) reads() reads { return reads{} }

func (o *permuteOp) forward(s *step, _ *pool.Pool) { permute(s.y, s.x[0], o.dims, o.perm) }

func (o *permuteOp) backward(s *step, _ *pool.Pool) {
	if s.dx[0] != nil {
		permute(s.dx[0], s.dy, o.outDims, o.backwards)
	}
}

// copyOp copies its input.
type copyOp struct{}

func (copyOp) reads() reads                   { return reads{} }
func (copyOp) forward(s *step, _ *pool.Pool)  { copy(s.y, s.x[0]) }
func (copyOp) backward(s *step, _ *pool.Pool) { copy(s.dx[0], s.dy) }

func lowerReshape(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	dims := b.static.Shapes[n.Outputs[0]]
	return b.define(n, b.view(b.plain(data), dims, false))
}

func lowerTranspose(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 1)
	if err != nil {
		return err
	}
	x := in[0]
	perm := make([]int, 0, len(x.dims))
	for _, p := range n.Ints("perm", nil) {
		perm = append(perm, int(p))
	}
	if x.last {
		for i, p := range perm {
			perm[i] = x.axis(p)
		}
	}
	out := permuted(x.dims, perm)
	if !moves(x.dims, perm) {
		return b.define(n, b.view(x, out, false))
	}
	return b.emit(n, newPermuteOp(x.dims, perm), out, false, x)
}

// stridedOp copies between its input and places of its output that lie a
// fixed step apart along every axis: slices, padding, parts of a
// concatenation, repetition.
type stridedOp struct {
	fill   float32 // what lies between, if the output is larger
	pieces []piece
	whole  bool // the pieces cover the output
}

// piece is one input's part: blocks of length numbers each. Block i of the
// odometer over counts starts at from + sum of counts times fromSteps in the
// input and likewise in the output.
type piece struct {
	input              int
	length             int
	counts             []int
	from, to           int
	fromSteps, toSteps []int
}

// each calls f with the places of every block.
func (c *piece) each(f func(from, to int)) {
	if slices.Contains(c.counts, 0) {
		return
	}
	var index [2 * maxRank]int
	from, to := c.from, c.to
	for {
		f(from, to)
		i := len(c.counts) - 1
		for ; i >= 0; i-- {
			index[i]++
			from += c.fromSteps[i]
			to += c.toSteps[i]
			if index[i] < c.counts[i] {
				break
			}
			from -= c.fromSteps[i] * c.counts[i]
			to -= c.toSteps[i] * c.counts[i]
			index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

// newPiece makes the piece that takes, along axis i, counts[i] elements of
// the input from fromStart[i] by fromStep[i], and puts them from toStart[i]
// by toStep[i]. Axes at the end that both take whole become one block.
func newPiece(input int, in, out, counts, fromStart, fromStep, toStart, toStep []int) piece {
	c := piece{input: input, length: 1}
	fromSize, toSize := 1, 1
	whole := true
	for i := len(counts) - 1; i >= 0; i-- {
		c.from += fromStart[i] * fromSize
		c.to += toStart[i] * toSize
		if whole && fromStep[i] == 1 && toStep[i] == 1 && fromSize == c.length && toSize == c.length {
			c.length *= counts[i]
			whole = counts[i] == in[i] && counts[i] == out[i]
		} else {
			whole = false
			c.counts = append(c.counts, counts[i])
			c.fromSteps = append(c.fromSteps, fromStep[i]*fromSize)
			c.toSteps = append(c.toSteps, toStep[i]*toSize)
		}
		fromSize *= in[i]
		toSize *= out[i]
	}
	slices.Reverse(c.counts)
	slices.Reverse(c.fromSteps)
	slices.Reverse(c.toSteps)
	return c
}

func (o *stridedOp) reads() reads { return reads{} }

func (o *stridedOp) forward(s *step, _ *pool.Pool) {
	if !o.whole {
		for i := range s.y {
			s.y[i] = o.fill
		}
	}
	for i := range o.pieces {
		c := &o.pieces[i]
		x, y := s.x[c.input], s.y
		if c.length == 1 {
			c.each(func(from, to int) { y[to] = x[from] })
			continue
		}
		c.each(func(from, to int) { copy(y[to:to+c.length], x[from:from+c.length]) })
	}
}

func (o *stridedOp) backward(s *step, _ *pool.Pool) {
	for _, dx := range s.dx {
		clear(dx)
	}
	for i := range o.pieces {
		c := &o.pieces[i]
		dx, dy := s.dx[c.input], s.dy
		if dx == nil {
			continue
		}
		if c.length == 1 {
			c.each(func(from, to int) { dx[from] += dy[to] })
			continue
		}
		c.each(func(from, to int) { f32.Add(dx[from:from+c.length], dx[from:from+c.length], dy[to:to+c.length]) })
	}
}

func filled(n, v int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = v
	}
	return s
}

// newExpand repeats axes of one, and leading ones that are missing.
func newExpand(in, out []int) *stridedOp {
	full := append(filled(len(out)-len(in), 1), in...)
	step := filled(len(out), 1)
	for i, d := range full {
		if d == 1 {
			step[i] = 0
		}
	}
	return &stridedOp{whole: true, pieces: []piece{
		newPiece(0, full, out, out, filled(len(out), 0), step, filled(len(out), 0), filled(len(out), 1))}}
}

func lowerExpand(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	x, out := b.plain(data), b.static.Shapes[n.Outputs[0]]
	return b.emit(n, newExpand(x.dims, out), out, false, x)
}

func lowerConcat(b *builder, n *graph.Node) error {
	in, err := b.inputs(n, 1)
	if err != nil {
		return err
	}
	last := false
	for _, v := range in {
		last = last || v.last
	}
	out := b.static.Shapes[n.Outputs[0]]
	axis := int(n.Int("axis", 0))
	if last {
		axis = slices.Index(lastPerm(len(out)), axis)
		out = b.physical(n.Outputs[0])
	}
	o := &stridedOp{whole: true}
	at := filled(len(out), 0)
	zeros, ones := filled(len(out), 0), filled(len(out), 1)
	for i, v := range in {
		if last {
			v = b.channelsLast(v)
		}
		in[i] = v
		o.pieces = append(o.pieces, newPiece(i, v.dims, out, v.dims, zeros, ones, slices.Clone(at), ones))
		at[axis] += v.dims[axis]
	}
	return b.emit(n, o, out, last, in...)
}

func lowerSlice(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	x := data
	starts, steps := filled(len(x.dims), 0), filled(len(x.dims), 1)
	for i, a := range n.Ints("axes", nil) {
		axis := x.axis(int(a))
		starts[axis] = int(n.Ints("starts", nil)[i])
		if s := n.Ints("steps", nil); s != nil {
			steps[axis] = int(s[i])
		}
	}
	out := b.static.Shapes[n.Outputs[0]]
	if x.last {
		out = b.physical(n.Outputs[0])
	}
	zeros, ones := filled(len(out), 0), filled(len(out), 1)
	o := &stridedOp{whole: true, pieces: []piece{newPiece(0, x.dims, out, out, starts, steps, zeros, ones)}}
	return b.emit(n, o, out, x.last, x)
}

func lowerPad(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	if mode := n.Text("mode", "constant"); mode != "constant" {
		return b.static.Graph.Unsupported(n, "padding of mode %q: only constant padding is", mode)
	}
	x := data
	out := b.static.Shapes[n.Outputs[0]]
	if x.last {
		out = b.physical(n.Outputs[0])
	}
	// Negative padding cuts off.
	rank := len(x.dims)
	pads := n.Ints("pads", nil)
	counts, from, to := slices.Clone(x.dims), filled(rank, 0), filled(rank, 0)
	for a := range rank {
		i := x.axis(a)
		before, after := int(pads[a]), int(pads[rank+a])
		to[i], from[i] = max(before, 0), max(-before, 0)
		counts[i] -= max(-before, 0) + max(-after, 0)
	}
	ones := filled(rank, 1)
	o := &stridedOp{fill: n.Float("value", 0), pieces: []piece{newPiece(0, x.dims, out, counts, from, ones, to, ones)}}
	return b.emit(n, o, out, x.last, x)
}

func lowerTile(b *builder, n *graph.Node) error {
	data, err := b.data(n)
	if err != nil {
		return err
	}
	x, out := b.plain(data), b.static.Shapes[n.Outputs[0]]
	// Every axis becomes two, of which the first is repeated.
	var in, repeated []int
	for i, d := range x.dims {
		in, repeated = append(in, 1, d), append(repeated, out[i]/d, d)
	}
	return b.emit(n, newExpand(in, repeated), out, false, x)
}
