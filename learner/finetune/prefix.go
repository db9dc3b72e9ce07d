package finetune

import (
	"context"
	"fmt"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/quant"
)

// calibrationSamples is how many training samples decide the ranges of the
// prefix's int8 values.
const calibrationSamples = 32

// prefix is the frozen part of a network, from the pictures to the freeze
// line. It either has the maps of all training samples, or makes those of a
// batch.
type prefix struct {
	about  string // for people
	dims   [3]int // channels, height and width at the line; a row has 1 x 1
	memory int    // bytes

	place map[int]int // of a sample among those kept
	bytes []uint8     // what is kept: bytes of the int8 network,
	scale quantScale  // which stand for this,
	kept  []float32   // or numbers

	live *nn.Runner // nil: everything is kept
}

// quantScale says what a byte stands for: (q-zero)·scale.
type quantScale struct {
	scale float32
	zero  uint8
}

func (p *prefix) size() int { return p.dims[0] * p.dims[1] * p.dims[2] }

// mapDims returns what lies at a value of that shape, the batch first.
func mapDims(shape []int) [3]int {
	if len(shape) == 4 {
		return [3]int(shape[1:])
	}
	return [3]int{graph.Size(shape[1:]), 1, 1}
}

// rows writes the maps of kept samples to dst, one after another.
func (p *prefix) rows(dst []float32, samples []int) {
	n := p.size()
	for k, i := range samples {
		at := p.place[i] * n
		to := dst[k*n : (k+1)*n]
		if p.kept != nil {
			copy(to, p.kept[at:at+n])
			continue
		}
		for j, q := range p.bytes[at : at+n] {
			to[j] = float32(int(q)-int(p.scale.zero)) * p.scale.scale
		}
	}
}

// livePrefix runs the part of a network below the line in float32.
func livePrefix(front *graph.Graph, shape []int, batch, workers int) (*prefix, error) {
	run, err := nn.NewRunner(front, batch, nn.Options{Workers: workers})
	if err != nil {
		return nil, err
	}
	return &prefix{about: "float32, anew in every step", dims: mapDims(shape), memory: run.Memory(), live: run}, nil
}

// quantized is the int8 form of a pretrained network up to its features, made
// when it is first wanted.
type quantized struct {
	net  *graph.Graph // float32, with its head
	line string       // the features
	int8 *graph.Graph
}

func (q *quantized) graph(s *session) (*graph.Graph, error) {
	if q.int8 != nil {
		return q.int8, nil
	}
	backbone, err := graph.Cut(q.net, q.line)
	if err != nil {
		return nil, err
	}
	n := min(calibrationSamples, len(s.train))
	ranges, err := quant.Calibrate(backbone, func(yield func([]float32) bool) {
		for k := range n {
			// Spread over all, which may be sorted by class.
			sample := s.samples[s.train[k*len(s.train)/n]]
			x := make([]float32, s.picture)
			if s.normalise(x, sample.Pixels); !yield(x) {
				return
			}
		}
	}, quant.Options{Workers: s.options.Workers})
	if err != nil {
		return nil, err
	}
	q.int8, err = quant.Quantize(backbone, ranges)
	return q.int8, err
}

// keptPrefix computes the maps of all training samples, in int8 if the network
// can be quantized and has bytes at the line, else in float32.
func (s *session) keptPrefix(ctx context.Context, line string, front *graph.Graph, shape []int) (*prefix, error) {
	p := &prefix{dims: mapDims(shape), place: make(map[int]int, len(s.train))}
	for k, i := range s.train {
		p.place[i] = k
	}
	if g, err := s.int8.graph(s); err == nil {
		if done, err := s.keepBytes(ctx, p, g, line); done || err != nil {
			return p, err
		}
	}
	run, err := nn.NewRunner(front, shape[0], nn.Options{Workers: s.options.Workers})
	if err != nil {
		return nil, err
	}
	p.about = "float32, each picture once"
	p.kept = make([]float32, len(s.train)*p.size())
	x := make([]float32, s.picture)
	for k, i := range s.train {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s.normalise(x, s.samples[i].Pixels)
		copy(p.kept[k*p.size():], run.Forward(x, 1))
	}
	p.memory = 4*len(p.kept) + run.Memory()
	return p, nil
}

// keepBytes fills a prefix with bytes. It is false if the quantized network
// has none at the line.
func (s *session) keepBytes(ctx context.Context, p *prefix, g *graph.Graph, line string) (bool, error) {
	const batch = 8
	run := bytesUpTo(g, line, batch, s.options.Workers)
	if run == nil || graph.Size(run.Output()) != batch*p.size() {
		return false, nil
	}
	scale, zero, _ := run.Scale()
	p.about, p.scale = "int8, each picture once", quantScale{scale, zero}
	p.bytes = make([]uint8, len(s.train)*p.size())
	x := make([]uint8, batch*s.picture)
	for lo := 0; lo < len(s.train); lo += batch {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		chunk := s.train[lo:min(lo+batch, len(s.train))]
		for k, i := range chunk {
			copy(x[k*s.picture:], s.samples[i].Pixels)
		}
		if _, err := run.ForwardPixels(x); err != nil {
			return false, err
		}
		copy(p.bytes[lo*p.size():], run.Bytes()[:len(chunk)*p.size()])
	}
	p.memory = len(p.bytes) + run.Memory()
	return true, nil
}

// bytesUpTo returns the part of a quantized network below a line, nil if it
// does not end in bytes.
func bytesUpTo(g *graph.Graph, line string, batch, workers int) *quant.Program {
	cut, err := graph.Cut(g, bytesAt(g, line))
	if err != nil {
		return nil // the quantized form has no such value
	}
	run, err := quant.Compile(cut, batch, quant.Options{Workers: workers})
	if err != nil {
		return nil
	}
	if _, _, ok := run.Scale(); !ok {
		return nil
	}
	return run
}

// bytesAt returns the value of a quantized graph that has the bytes of a value
// of the float32 one. It is the value itself, unless some operators read
// numbers there.
func bytesAt(g *graph.Graph, line string) string {
	uses := map[string]*graph.Node{} // by the pair's parts
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op == "QuantizeLinear" || n.Op == "DequantizeLinear" {
			uses[n.Inputs[0]] = n
		}
	}
	if q := uses[line]; q != nil && q.Op == "QuantizeLinear" {
		if d := uses[q.Outputs[0]]; d != nil {
			return d.Outputs[0]
		}
	}
	return line
}

// checkSamples returns an error if a sample does not fit the network's input.
func checkSamples(set data.Set, chosen []int, size int) error {
	for _, i := range chosen {
		if i < 0 || i >= len(set.Samples) {
			return fmt.Errorf("finetune: sample %d of %d is wanted", i, len(set.Samples))
		}
		s := set.Samples[i]
		if len(s.Pixels) != size {
			return fmt.Errorf("finetune: sample %d has %d values, the network takes %d", i, len(s.Pixels), size)
		}
		if s.Label < 0 || s.Label >= len(set.Classes) {
			return fmt.Errorf("finetune: sample %d has label %d of %d classes", i, s.Label, len(set.Classes))
		}
	}
	return nil
}
