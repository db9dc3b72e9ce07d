package nn

import "fmt"

// Runner runs a network forward. It holds the memory that this takes, so each
// goroutine needs its own.
type Runner struct {
	tape *tape
	max  int
	out  []float32
}

// NewRunner returns a runner for batches of up to maxBatch samples, at least 1.
func NewRunner(net *Net, maxBatch int) *Runner {
	if maxBatch < 1 {
		panic(fmt.Sprintf("nn: runner for batches of %d", maxBatch))
	}
	return &Runner{newTape(net), maxBatch, make([]float32, maxBatch*net.Outputs())}
}

// Forward runs the network on n samples, 0 <= n <= maxBatch, that lie one
// after another in x, and returns their outputs in the same way. The result
// is valid until the next call. A sample's output does not depend on the rest
// of the batch. Forward panics if n is out of range or x is too short.
func (r *Runner) Forward(x []float32, n int) []float32 {
	in, out := r.tape.net.in.size(), r.tape.net.Outputs()
	if n < 0 || n > r.max || len(x) < n*in {
		panic(fmt.Sprintf("nn: forward of %d samples of %d numbers, given %d numbers and room for %d samples",
			n, in, len(x), r.max))
	}
	for lo := 0; lo < n; lo += r.tape.block {
		hi := min(lo+r.tape.block, n)
		transpose(r.out[lo*out:hi*out], r.tape.forward(x[lo*in:hi*in], hi-lo), out, hi-lo)
	}
	return r.out[:n*out]
}

// tape is the memory of one pass over a block of samples: their input and
// what every layer put out, the samples side by side (see layer).
type tape struct {
	net     *Net
	block   int // most samples at a time
	input   []float32
	values  [][]float32
	scratch []float32
}

// Samples are worked on in blocks small enough that the values of all layers
// stay in the cache. The length of a block depends on the network only: it
// decides the order in which gradients are summed.
const (
	maxBlock     = 8
	blockNumbers = 1 << 18
)

func newTape(net *Net) *tape {
	total, scratch := net.in.size(), 0
	for _, l := range net.layers {
		total += l.output().size()
		scratch = max(scratch, l.scratch())
	}
	block := min(max(blockNumbers/(total+scratch), 1), maxBlock)
	t := &tape{
		net:     net,
		block:   block,
		input:   make([]float32, block*net.in.size()),
		scratch: make([]float32, block*scratch),
	}
	for _, l := range net.layers {
		t.values = append(t.values, make([]float32, block*l.output().size()))
	}
	return t
}

// forward runs n samples, at most a block, that lie one after another in x,
// and returns their outputs side by side.
func (t *tape) forward(x []float32, n int) []float32 {
	v := t.input[:len(x)]
	transpose(v, x, n, t.net.in.size())
	for i, l := range t.net.layers {
		y := t.values[i][:n*l.output().size()]
		l.forward(t.net.memory, v, y, n, t.scratch)
		v = y
	}
	return v
}

// backward takes d, the gradient with respect to the outputs of the last
// forward, adds the gradients of the parameters to g and fills dx, unless
// that is nil, with the gradient with respect to the input, all side by side.
// d is overwritten; it and spare have room for a block of any layer's outputs.
func (t *tape) backward(n int, g tensors, d, spare, dx []float32) {
	for i := len(t.net.layers) - 1; i >= 0; i-- {
		l := t.net.layers[i]
		size := n * l.output().size()
		x, to := t.input[:n*t.net.in.size()], dx
		if i > 0 {
			x = t.values[i-1][:n*t.net.layers[i-1].output().size()]
			to = spare[:len(x)]
		}
		l.backward(t.net.memory, g, x, t.values[i][:size], d[:size], to, n, t.scratch)
		d, spare = spare, d
	}
}

// transpose writes the matrix from, rows x columns, to to with rows and
// columns exchanged.
func transpose(to, from []float32, rows, columns int) {
	for i := range rows {
		for j, v := range from[i*columns : (i+1)*columns] {
			to[j*rows+i] = v
		}
	}
}
