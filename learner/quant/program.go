package quant

import (
	"fmt"
	"runtime"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Program is a quantized graph compiled for batches of one size. It belongs
// to one goroutine at a time and allocates nothing after its first pass.
type Program struct {
	prog    *nn.Program
	in, out int // elements of input and output
	channel int // pixels of one plane
	tables  []*[256]uint8
	scaled  []float32 // normalised pixels, where they cannot enter as bytes
	floats  pixelValues
	bytes   []uint8
}

// Compile compiles a graph with one input and one output whose operators
// stand between DequantizeLinear and QuantizeLinear, for a batch of images.
// What does not stand there runs in float32, in an order of sums that is the
// same everywhere. The graph's weights must not change afterwards. Errors
// are those of [graph.Specialize] and [*graph.UnsupportedError].
func Compile(g *graph.Graph, batch int, o Options) (*Program, error) {
	if batch < 1 || len(g.Inputs) != 1 || len(g.Inputs[0].Dims) == 0 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("a batch of %d and %d inputs: at least 1 and one with a batch axis are", batch, len(g.Inputs))}
	}
	dims := append([]int{batch}, g.Inputs[0].Dims[1:]...)
	for _, d := range dims[1:] {
		if d < 1 {
			return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an input of extents %v: all but the batch must be fixed", g.Inputs[0].Dims)}
		}
	}
	mean, std, err := normalisation(g.Metadata)
	if err != nil {
		return nil, err
	}
	workers := o.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	prog, err := nn.Compile(g, dims, nn.Options{Workers: workers, Exact: true})
	if err != nil {
		return nil, err
	}
	p := &Program{prog: prog, in: graph.Size(dims), out: graph.Size(prog.Output())}
	channels := 1
	if len(dims) > 2 {
		channels = dims[1]
	}
	p.channel = graph.Size(dims[1:]) / channels
	if p.floats, err = pixelNumbers(mean, std, channels); err != nil {
		return nil, err
	}
	if tables, ok := prog.PixelTables(mean, std); ok {
		p.tables = tables
		return p, nil
	}
	return p, nil
}

// Input returns the extents of the input, the batch first.
func (p *Program) Input() []int { return p.prog.Input() }

// Memory returns the bytes of activations that a pass needs.
func (p *Program) Memory() int { return p.prog.Memory() }

// Output returns the extents of the output, the batch first.
func (p *Program) Output() []int { return p.prog.Output() }

// Forward runs the program on a whole batch of normalised images in the
// order of the graph's input. The result is valid until the next pass. A
// batch of another size is a [*BatchError].
func (p *Program) Forward(x []float32) ([]float32, error) {
	if err := p.check(len(x)); err != nil {
		return nil, err
	}
	return p.prog.Forward(x), nil
}

// ForwardPixels is [Program.Forward] of pixels from 0 to 255, normalised as
// the metadata say: for every image the planes of its channels, row by row.
func (p *Program) ForwardPixels(pixels []uint8) ([]float32, error) {
	if err := p.check(len(pixels)); err != nil {
		return nil, err
	}
	if p.tables != nil {
		return p.prog.ForwardPixels(pixels, p.tables), nil
	}
	if p.scaled == nil {
		p.scaled = make([]float32, p.in)
	}
	p.floats.apply(p.scaled, pixels, p.channel)
	return p.prog.Forward(p.scaled), nil
}

func (p *Program) check(n int) error {
	if n == p.in {
		return nil
	}
	batch := p.prog.Input()[0]
	return &BatchError{Length: n, Image: p.in / batch, Most: batch}
}

// Scale returns what the bytes of the output stand for: q is
// (q-zero)*scale. It is false if the graph does not end in DequantizeLinear.
func (p *Program) Scale() (scale float32, zero uint8, ok bool) {
	a, ok := p.prog.Quantized()
	return a.Scale, a.Zero, ok
}

// Bytes returns the output of the last pass as bytes, of which [Program.Scale]
// tells the meaning, valid until the next call. It is nil if there are none.
func (p *Program) Bytes() []uint8 {
	if _, ok := p.prog.Quantized(); !ok {
		return nil
	}
	if p.bytes == nil {
		p.bytes = make([]uint8, p.out)
	}
	p.prog.Bytes(p.bytes)
	return p.bytes
}
