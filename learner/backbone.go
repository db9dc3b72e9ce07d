package learner

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/quant"
)

//go:generate go run ../cmd/bristled pretrain --output backbone.onnx --force

// defaultONNX is the network that `bristled pretrain` makes from its default
// seed: Bristle's LeNet, trained on letters drawn by code, without its output
// layer, in int8.
//
//go:embed backbone.onnx
var defaultONNX []byte

var (
	// ErrBackbone says that a backbone is not the one, or not of the shape,
	// that the manifest pins.
	ErrBackbone = errors.New("backbone does not fit the federation")

	// ErrNotQuantized says that a network is no backbone because it is of
	// float32: peers on different machines would not agree on its features.
	ErrNotQuantized = errors.New("the network is not quantized (`bristled model quantize --backbone` makes a backbone of it)")
)

// Backbone is every layer up to the freeze line, in integers: it turns a
// sample into a feature vector of bytes, the same on every machine, and never
// changes. It is safe for concurrent use.
type Backbone struct {
	graph    *graph.Graph
	hash     federation.Hash
	input    [3]int
	features int
	affine   q8.Affine
	batch    int
	programs sync.Pool
}

// mostBatch is how many samples a program takes at once.
const mostBatch = 32

// LoadBackbone reads a backbone from the bytes of a quantized ONNX file. The
// error wraps [ErrNotQuantized] if its output is not of bytes.
func LoadBackbone(file []byte) (*Backbone, error) {
	g, err := onnx.Unmarshal(file)
	if err != nil {
		return nil, err
	}
	b := &Backbone{graph: g, hash: sha256.Sum256(file), batch: mostBatch}
	if len(g.Inputs) == 1 && len(g.Inputs[0].Dims) > 0 && g.Inputs[0].Dims[0] > 0 {
		b.batch = g.Inputs[0].Dims[0]
	}
	p, err := b.compile()
	if err != nil {
		return nil, err
	}
	in, out := p.Input(), p.Output()
	b.input = [3]int{1, 1, 1}
	switch len(in) {
	case 2: // a vector
		b.input[0] = in[1]
	case 3: // channels of a series
		b.input[0], b.input[2] = in[1], in[2]
	case 4:
		b.input = [3]int(in[1:])
	default:
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an input of extents %v: vectors, series and images are", in)}
	}
	scale, zero, ok := p.Scale()
	if !ok {
		return nil, ErrNotQuantized
	}
	if out[0] != b.batch {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an output of extents %v for %d samples", out, b.batch)}
	}
	b.features, b.affine = graph.Size(out[1:]), q8.Affine{Scale: scale, Zero: zero}
	b.programs.New = func() any {
		p, err := b.compile()
		if err != nil {
			panic(err) // it did once
		}
		return p
	}
	b.programs.Put(p)
	return b, nil
}

func (b *Backbone) compile() (*quant.Program, error) {
	return quant.Compile(b.graph, b.batch, quant.Options{Workers: 1})
}

// DefaultBackbone returns the backbone embedded in the binary.
func DefaultBackbone() (*Backbone, error) { return LoadBackbone(defaultONNX) }

// Hash returns the SHA-256 of the backbone's file.
func (b *Backbone) Hash() federation.Hash { return b.hash }

// Input returns the channels, height and width of a sample.
func (b *Backbone) Input() [3]int { return b.input }

// Features returns the length of a feature vector.
func (b *Backbone) Features() int { return b.features }

// Parameters returns the number of weights and biases.
func (b *Backbone) Parameters() int {
	n := 0
	for _, node := range b.graph.Nodes {
		if t := b.graph.Consts[node.Input(0)]; t != nil && node.Op == "DequantizeLinear" {
			n += t.Len()
		}
	}
	return n
}

// RawRMS returns the root mean square of the features that was measured when
// the backbone was made, or 0 if its file does not say.
func (b *Backbone) RawRMS() float64 {
	rms, err := strconv.ParseFloat(b.graph.Metadata[MetaRawRMS], 64)
	if err != nil || !(rms > 0) || math.IsInf(rms, 0) {
		return 0
	}
	return rms
}

// Check says whether b is the backbone that the manifest pins.
func (b *Backbone) Check(m *federation.Manifest) error {
	spec := m.Backbone
	switch {
	case spec.SHA256 != b.hash:
		return fmt.Errorf("%w: the manifest wants the file with SHA-256 %s, this one has %s: get the file that the federation's founder used",
			ErrBackbone, spec.SHA256, b.hash)
	case spec.Features != b.Features() || spec.Input != b.Input():
		return fmt.Errorf("%w: the manifest says %v -> %d features, the file says %v -> %d",
			ErrBackbone, spec.Input, spec.Features, b.Input(), b.Features())
	}
	return nil
}

// Extract computes the features of the samples, len(samples) x Features()
// bytes, on the given number of goroutines; [Backbone.Floats] says what they
// stand for. A sample of the wrong size is an error.
func (b *Backbone) Extract(ctx context.Context, samples []data.Sample, workers int) ([]uint8, error) {
	size := b.input[0] * b.input[1] * b.input[2]
	for i, s := range samples {
		if len(s.Pixels) != size {
			return nil, fmt.Errorf("sample %d has %d values, the backbone wants %d x %d x %d", i, len(s.Pixels), b.input[0], b.input[1], b.input[2])
		}
	}
	out := make([]uint8, len(samples)*b.features)
	workers = min(workers, (len(samples)+b.batch-1)/b.batch)
	next := make(chan int)
	var failed sync.Once
	var err error
	var pool sync.WaitGroup
	for range workers {
		pool.Go(func() {
			run := b.programs.Get().(*quant.Program)
			defer b.programs.Put(run)
			x := make([]uint8, b.batch*size)
			for first := range next {
				chunk := samples[first:min(first+b.batch, len(samples))]
				for i, s := range chunk {
					copy(x[i*size:], s.Pixels)
				}
				if _, e := run.ForwardPixels(x); e != nil {
					failed.Do(func() { err = e })
				}
				copy(out[first*b.features:], run.Bytes()[:len(chunk)*b.features])
			}
		})
	}
	stopped := false
feed:
	for first := 0; first < len(samples); first += b.batch {
		select {
		case next <- first:
		case <-ctx.Done():
			stopped = true
			break feed
		}
	}
	close(next)
	pool.Wait()
	if stopped {
		return out, ctx.Err()
	}
	return out, err
}

// Floats writes what feature bytes stand for, times scale, to dst. Each is
// one number rounded twice, so it is the same on every machine.
func (b *Backbone) Floats(dst []float32, features []uint8, scale float64) {
	q8.Dequantize(dst, features, b.affine.Scale, b.affine.Zero)
	for i := range features {
		dst[i] *= float32(scale)
	}
}

// MeasureRMS returns the root mean square of the raw features of a set, at
// most a thousand samples of it: the RawRMS of a new federation's manifest.
func (b *Backbone) MeasureRMS(set data.Set) (float64, error) {
	if set.Shape != b.Input() {
		return 0, fmt.Errorf("samples of %v do not fit a backbone that takes %v", set.Shape, b.Input())
	}
	samples := set.Samples[:min(1000, len(set.Samples))]
	bytes, err := b.Extract(context.Background(), samples, 1)
	if err != nil {
		return 0, err
	}
	x := make([]float32, len(bytes))
	b.Floats(x, bytes, 1)
	var sum float64
	for _, v := range x {
		sum += float64(v * v)
	}
	return math.Sqrt(sum / float64(len(x))), nil
}
