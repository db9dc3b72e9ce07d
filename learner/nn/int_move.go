package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// rowsOp splits the output rows of pooling among the workers.
type rowsOp struct {
	rows  int
	run   func(s *step, p *pool.Pool, worker, lo, hi int)
	s     *step
	p     *pool.Pool
	forth func(task, worker int)
}

func newRowsOp(rows int, run func(s *step, p *pool.Pool, worker, lo, hi int)) *rowsOp {
	o := &rowsOp{rows: rows, run: run}
	o.forth = func(task, worker int) {
		o.run(o.s, o.p, worker, task*windowRows, min((task+1)*windowRows, o.rows))
	}
	return o
}

func (o *rowsOp) forward(s *step, p *pool.Pool) {
	o.s, o.p = s, p
	p.Run((o.rows+windowRows-1)/windowRows, o.forth)
}

// windowOf returns the geometry of a pooling node over bytes.
func (b *builder) windowOf(n *graph.Node, x *value) (q8.Geometry, []int, error) {
	out := b.physical(n.Outputs[0])
	var kernel []int
	for _, k := range n.Ints("kernel_shape", nil) {
		kernel = append(kernel, int(k))
	}
	if kernel == nil {
		kernel = x.dims[1 : len(x.dims)-1]
	}
	g, err := b.byteGeometry(n, x.dims, out, kernel)
	g.Groups = 1
	return g, out, err
}

func (b *builder) integerMaxPool(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	x := b.bytes(n.Input(0))
	if t == nil || err != nil || x == nil || len(x.dims) != 3 && len(x.dims) != 4 {
		return false, err
	}
	x = b.lastBytes(x)
	g, out, err := b.windowOf(n, x)
	if err != nil {
		return false, err
	}
	o := newRowsOp(g.Batch*g.OutH, func(s *step, _ *pool.Pool, _, lo, hi int) { q8.MaxPool(s.by, s.bx[0], &g, lo, hi) })
	return true, b.put(t, b.rescaled(n, b.addBytes(n.Op, n.Label(), o, out, true, x.affine, x), t))
}

// rescaled returns v in the target's scale and limits.
func (b *builder) rescaled(n *graph.Node, v *value, t *target) *value {
	if v.affine == t.affine && t.lo == 0 && t.hi == 255 {
		return v
	}
	table := q8.Rescale(v.affine, t.affine)
	for i, q := range table {
		table[i] = min(max(q, t.lo), t.hi)
	}
	return b.addBytes(n.Op, n.Label(), newLookup(table, v.memory()), v.dims, v.last, t.affine, v)
}

func (b *builder) integerMean(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	x := b.bytes(n.Input(0))
	if t == nil || err != nil || x == nil || len(x.dims) != 3 && len(x.dims) != 4 {
		return false, err
	}
	x = b.lastBytes(x)
	g, out, err := b.windowOf(n, x)
	if err != nil {
		return false, err
	}
	mean, err := q8.NewMean(g, x.affine, t.affine, n.Int("count_include_pad", 0) != 0)
	if err != nil {
		return false, b.static.Graph.Unsupported(n, "%v", err)
	}
	o := newRowsOp(g.Batch*g.OutH, func(s *step, p *pool.Pool, worker, lo, hi int) {
		mean.Run(s.by, s.bx[0], lo, hi, p.Ints(worker, g.InC))
	})
	return true, b.put(t, b.rescaled(n, b.addBytes(n.Op, n.Label(), o, out, true, t.affine, x), t))
}

// channelsOp copies ranges of channels: parts of a concatenation or a slice.
type channelsOp struct {
	pixels int
	parts  []channelRange
}

// channelRange goes from an input's channels to the output's.
type channelRange struct {
	input, from, fromStride, to, toStride, channels int
}

func (o *channelsOp) forward(s *step, _ *pool.Pool) {
	for _, c := range o.parts {
		q8.CopyChannels(s.by, c.toStride, c.to, s.bx[c.input], c.fromStride, c.from, c.channels, o.pixels)
	}
}

// integerConcat lowers a concatenation of channels, each part brought into
// the scale of the whole.
func (b *builder) integerConcat(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	if t == nil || err != nil {
		return false, err
	}
	dims := b.static.Shapes[n.Outputs[0]]
	axis, last := int(n.Int("axis", 0)), len(dims) >= 3
	if last && axis != 1 || !last && axis != len(dims)-1 {
		return false, nil
	}
	if last {
		dims = b.physical(n.Outputs[0])
	}
	o := &channelsOp{pixels: graph.Size(dims[:len(dims)-1])}
	if slices.ContainsFunc(n.Inputs, func(name string) bool { return b.bytes(name) == nil }) {
		return false, nil
	}
	var in []*value
	at := 0
	for i, name := range n.Inputs {
		x := b.bytes(name)
		if last {
			x = b.lastBytes(x)
		}
		x = b.rescaled(n, x, t)
		c := x.columns()
		o.parts = append(o.parts, channelRange{i, 0, x.stride(), at, q8.Stride(dims[len(dims)-1]), c})
		at += c
		in = append(in, x)
	}
	return true, b.put(t, b.addBytes(n.Op, n.Label(), o, dims, last, t.affine, in...))
}

// integerSlice lowers a slice of channels.
func (b *builder) integerSlice(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, false)
	x := b.bytes(n.Input(0))
	axes := n.Ints("axes", nil)
	if t == nil || err != nil || x == nil || len(axes) != 1 || len(x.dims) < 3 {
		return false, err
	}
	if s := n.Ints("steps", nil); axes[0] != 1 || s != nil && s[0] != 1 {
		return false, nil
	}
	x = b.lastBytes(x)
	dims := b.physical(n.Outputs[0])
	c := dims[len(dims)-1]
	o := &channelsOp{pixels: x.rows(), parts: []channelRange{{0, int(n.Ints("starts", nil)[0]), x.stride(), 0, q8.Stride(c), c}}}
	return true, b.put(t, b.rescaled(n, b.addBytes(n.Op, n.Label(), o, dims, true, x.affine, x), t))
}

// shuffleOp takes channels in another order.
type shuffleOp struct {
	index    []int
	from, to int // strides
	pixels   int
}

func (o *shuffleOp) forward(s *step, _ *pool.Pool) {
	q8.GatherChannels(s.by, o.to, s.bx[0], o.from, o.index, o.pixels)
}

// integerGather lowers the choice of channels.
func (b *builder) integerGather(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, false)
	x := b.bytes(n.Input(0))
	index := b.static.Graph.Consts[n.Input(1)]
	if t == nil || err != nil || x == nil || index == nil || index.Type != graph.Int64 || len(index.Dims) != 1 ||
		n.Int("axis", 0) != 1 || len(x.dims) < 3 {
		return false, err
	}
	x = b.lastBytes(x)
	dims := b.physical(n.Outputs[0])
	o := &shuffleOp{from: x.stride(), to: q8.Stride(len(index.I64)), pixels: x.rows()}
	for _, i := range index.I64 {
		if i < 0 || int(i) >= x.dims[len(x.dims)-1] {
			return false, graph.Corrupt("node %.80q (Gather) takes channel %d of %d", n.Label(), i, x.dims[len(x.dims)-1])
		}
		o.index = append(o.index, int(i))
	}
	return true, b.put(t, b.rescaled(n, b.addBytes(n.Op, n.Label(), o, dims, true, x.affine, x), t))
}

// integerReshape lowers a change of shape that keeps the rows or whose bytes
// can be copied row by row.
func (b *builder) integerReshape(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, false)
	x := b.bytes(n.Input(0))
	if t == nil || err != nil || x == nil {
		return false, err
	}
	dims := b.static.Shapes[n.Outputs[0]]
	if len(dims) == 0 {
		return false, nil
	}
	columns := dims[len(dims)-1]
	var v *value
	switch {
	case x.last && graph.Size(x.dims[1:len(x.dims)-1]) == 1 && x.columns() == columns:
		v = b.viewBytes(x, dims, false)
	default:
		x = b.plainBytes(x)
		if x.columns() == columns {
			v = b.viewBytes(x, dims, false)
			break
		}
		o := &rerowOp{x.columns(), columns}
		v = b.addBytes(n.Op, n.Label(), o, dims, false, x.affine, x)
	}
	return true, b.put(t, b.rescaled(n, v, t))
}

// rerowOp copies bytes from rows of one length to rows of another.
type rerowOp struct{ from, to int }

func (o *rerowOp) forward(s *step, _ *pool.Pool) {
	x, y := s.bx[0], s.by
	i, j := 0, 0 // columns of the rows under way
	for len(x) > 0 && len(y) > 0 {
		k := copy(y[:o.to-j], x[:o.from-i])
		x, y, i, j = x[k:], y[k:], i+k, j+k
		if i == o.from {
			x, i = x[min(q8.Stride(o.from)-o.from, len(x)):], 0
		}
		if j == o.to {
			y, j = y[min(q8.Stride(o.to)-o.to, len(y)):], 0
		}
	}
}

// bytesPermute writes bytes with the axes in another order.
type bytesPermute struct {
	dims []int // of the output
	from []int // bytes that the input moves per step along an axis of the output
}

func newBytesPermute(dims, perm []int) *bytesPermute {
	steps := make([]int, len(dims))
	at := q8.Stride(dims[len(dims)-1])
	steps[len(dims)-1] = 1
	for i := len(dims) - 2; i >= 0; i-- {
		steps[i] = at
		at *= dims[i]
	}
	return &bytesPermute{permuted(dims, perm), permuted(steps, perm)}
}

func (o *bytesPermute) forward(s *step, _ *pool.Pool) {
	last := len(o.dims) - 1
	columns, stride := o.dims[last], q8.Stride(o.dims[last])
	var index [maxRank]int
	from, step := 0, o.from[last]
	for y := s.by; len(y) >= columns; y = y[min(stride, len(y)):] {
		x := s.bx[0][from:]
		if step == 1 {
			copy(y[:columns], x)
		} else {
			for c := range columns {
				y[c] = x[c*step]
			}
		}
		i := last - 1
		for ; i >= 0; i-- {
			index[i]++
			from += o.from[i]
			if index[i] < o.dims[i] {
				break
			}
			from -= o.from[i] * o.dims[i]
			index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func (b *builder) integerTranspose(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, false)
	x := b.bytes(n.Input(0))
	if t == nil || err != nil || x == nil {
		return false, err
	}
	var perm []int
	for _, p := range n.Ints("perm", nil) {
		perm = append(perm, x.axis(int(p)))
	}
	dims := permuted(x.dims, perm)
	var v *value
	if slices.IsSorted(perm) {
		v = b.viewBytes(x, dims, false)
	} else {
		v = b.addBytes(n.Op, n.Label(), newBytesPermute(x.dims, perm), dims, false, x.affine, x)
	}
	return true, b.put(t, b.rescaled(n, v, t))
}
