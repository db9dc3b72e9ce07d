package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// bytesChunk is how many bytes a worker takes at a time.
const bytesChunk = 1 << 15

// bytesOp splits a function of bytes into chunks for the workers.
type bytesOp struct {
	size  int
	run   func(s *step, lo, hi int)
	s     *step
	forth func(task, worker int)
}

func newBytesOp(size int, run func(s *step, lo, hi int)) *bytesOp {
	o := &bytesOp{size: size, run: run}
	o.forth = func(task, _ int) { o.run(o.s, task*bytesChunk, min((task+1)*bytesChunk, o.size)) }
	return o
}

func (o *bytesOp) forward(s *step, p *pool.Pool) {
	o.s = s
	p.Run((o.size+bytesChunk-1)/bytesChunk, o.forth)
}

// newLookup looks every byte up in a table.
func newLookup(table *[256]uint8, size int) *bytesOp {
	return newBytesOp(size, func(s *step, lo, hi int) { q8.Lookup(s.by[lo:hi], s.bx[0][lo:hi], table) })
}

// integerFunction lowers a function of one number as a table of 256 bytes.
func (b *builder) integerFunction(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	if t == nil || err != nil {
		return false, err
	}
	f, _ := functionOf(n)
	x := b.bytes(n.Input(0))
	var q, table [256]uint8
	var real, out [256]float32
	for i := range q {
		q[i] = uint8(i)
	}
	q8.Dequantize(real[:], q[:], x.affine.Scale, x.affine.Zero)
	f.forward(out[:], real[:])
	q8.Quantize(table[:], out[:], 1/t.affine.Scale, t.affine.Zero)
	for i, v := range table {
		table[i] = min(max(v, t.lo), t.hi)
	}
	return true, b.put(t, b.addBytes(n.Op, n.Label(), newLookup(&table, x.memory()), x.dims, x.last, t.affine, x))
}

// alike returns two operands of bytes of one shape and order, or nils.
func (b *builder) alike(n *graph.Node) (x, y *value) {
	x, y = b.bytes(n.Input(0)), b.bytes(n.Input(1))
	if x == nil || y == nil || x.size() != y.size() || len(x.dims) != len(y.dims) {
		return nil, nil
	}
	if x.last != y.last {
		x, y = b.lastBytes(x), b.lastBytes(y)
	}
	for i, d := range x.dims {
		if y.dims[i] != d {
			return nil, nil
		}
	}
	return x, y
}

// integerSum lowers the sum of two quantized values.
func (b *builder) integerSum(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	if t == nil || err != nil {
		return false, err
	}
	x, y := b.alike(n)
	if x == nil {
		return false, nil
	}
	sum, err := q8.NewSum(x.affine, y.affine, t.affine, t.lo, t.hi)
	if err != nil {
		return false, b.static.Graph.Unsupported(n, "%v", err)
	}
	o := newBytesOp(x.memory(), func(s *step, lo, hi int) { sum.Run(s.by[lo:hi], s.bx[0][lo:hi], s.bx[1][lo:hi]) })
	return true, b.put(t, b.addBytes(n.Op, n.Label(), o, x.dims, x.last, t.affine, x, y))
}

// timesOp multiplies two quantized values, the second repeated over pixels or
// of the same shape.
type timesOp struct {
	times  *q8.Times
	batch  int
	pixels int // per image
	stride int
	s      *step
	forth  func(task, worker int)
}

func (o *timesOp) forward(s *step, p *pool.Pool) {
	o.s = s
	p.Run(o.batch, o.forth)
}

// integerTimes lowers the product of two quantized values, the second of
// which may have one number per channel and image (squeeze and excitation).
func (b *builder) integerTimes(n *graph.Node) (bool, error) {
	t, err := b.targetOf(n, true)
	if t == nil || err != nil {
		return false, err
	}
	x, y := b.alike(n)
	o := &timesOp{pixels: 1}
	if x != nil {
		o.batch, o.stride = x.rows(), x.stride()
	} else {
		x, y = b.bytes(n.Input(0)), b.bytes(n.Input(1))
		if x == nil || y == nil || len(x.dims) != len(y.dims) || len(x.dims) < 3 {
			return false, nil
		}
		x, y = b.lastBytes(x), b.lastBytes(y)
		if x.size() < y.size() {
			x, y = y, x
		}
		rank := len(x.dims)
		if graph.Size(y.dims[1:rank-1]) != 1 || y.dims[0] != x.dims[0] || y.dims[rank-1] != x.dims[rank-1] {
			return false, nil
		}
		o.batch, o.pixels, o.stride = x.dims[0], graph.Size(x.dims[1:rank-1]), x.stride()
	}
	if o.times, err = q8.NewTimes(x.affine, y.affine, t.affine, t.lo, t.hi); err != nil {
		return false, b.static.Graph.Unsupported(n, "%v", err)
	}
	o.forth = func(task, _ int) {
		k := o.pixels * o.stride
		o.times.Run(o.s.by[task*k:(task+1)*k], o.s.bx[0][task*k:(task+1)*k], o.s.bx[1][task*o.stride:(task+1)*o.stride])
	}
	return true, b.put(t, b.addBytes(n.Op, n.Label(), o, x.dims, x.last, t.affine, x, y))
}
