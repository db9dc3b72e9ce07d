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
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
)

//go:generate go run ../cmd/bristled pretrain --output backbone.onnx --force

// defaultONNX is the network that `bristled pretrain` makes from its default
// seed: Bristle's LeNet, trained on letters drawn by code.
//
//go:embed backbone.onnx
var defaultONNX []byte

// ErrBackbone says that a backbone is not the one, or not of the shape, that
// the manifest pins.
var ErrBackbone = errors.New("backbone does not fit the federation")

// Backbone is every layer up to the freeze line: it turns a sample into a
// feature vector and never changes. It is safe for concurrent use.
type Backbone struct {
	net     *nn.Net
	hash    federation.Hash
	runners sync.Pool
}

// batch is how many samples a runner takes at once.
const batch = 32

// LoadBackbone reads a backbone from the bytes of an ONNX file.
func LoadBackbone(onnx []byte) (*Backbone, error) {
	net, err := nn.Load(onnx)
	if err != nil {
		return nil, err
	}
	b := &Backbone{net: net, hash: sha256.Sum256(onnx)}
	b.runners.New = func() any { return nn.NewRunner(net, batch) }
	return b, nil
}

// DefaultBackbone returns the backbone embedded in the binary.
func DefaultBackbone() (*Backbone, error) { return LoadBackbone(defaultONNX) }

// Hash returns the SHA-256 of the backbone's file.
func (b *Backbone) Hash() federation.Hash { return b.hash }

// Input returns the channels, height and width of a sample.
func (b *Backbone) Input() [3]int { return b.net.Input() }

// Features returns the length of a feature vector.
func (b *Backbone) Features() int { return b.net.Outputs() }

// Parameters returns the number of weights and biases.
func (b *Backbone) Parameters() int {
	n := 0
	for _, p := range b.net.Params() {
		n += len(p.Data)
	}
	return n
}

// RawRMS returns the root mean square of the features that was measured when
// the backbone was made, or 0 if its file does not say.
func (b *Backbone) RawRMS() float64 {
	rms, err := strconv.ParseFloat(b.net.Metadata[MetaRawRMS], 64)
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

// Extract computes the raw features of the samples, len(samples) x
// Features(), on the given number of goroutines. A sample of the wrong size
// is an error.
func (b *Backbone) Extract(ctx context.Context, samples []data.Sample, workers int) ([]float32, error) {
	in, width := b.net.Input(), b.Features()
	size := in[0] * in[1] * in[2]
	for i, s := range samples {
		if len(s.Pixels) != size {
			return nil, fmt.Errorf("sample %d has %d values, the backbone wants %d x %d x %d", i, len(s.Pixels), in[0], in[1], in[2])
		}
	}
	out := make([]float32, len(samples)*width)
	workers = min(workers, (len(samples)+batch-1)/batch)
	next := make(chan int)
	var pool sync.WaitGroup
	for range workers {
		pool.Go(func() {
			run := b.runners.Get().(*nn.Runner)
			defer b.runners.Put(run)
			x := make([]float32, batch*size)
			for first := range next {
				chunk := samples[first:min(first+batch, len(samples))]
				for i, s := range chunk {
					for j, p := range s.Pixels {
						x[i*size+j] = float32(p) / 255
					}
				}
				copy(out[first*width:], run.Forward(x[:len(chunk)*size], len(chunk)))
			}
		})
	}
	var err error
feed:
	for first := 0; first < len(samples); first += batch {
		select {
		case next <- first:
		case <-ctx.Done():
			err = ctx.Err()
			break feed
		}
	}
	close(next)
	pool.Wait()
	return out, err
}

// MeasureRMS returns the root mean square of the raw features of a set, at
// most a thousand samples of it: the RawRMS of a new federation's manifest.
func (b *Backbone) MeasureRMS(set data.Set) (float64, error) {
	if set.Shape != b.Input() {
		return 0, fmt.Errorf("samples of %v do not fit a backbone that takes %v", set.Shape, b.Input())
	}
	set.Samples = set.Samples[:min(1000, len(set.Samples))]
	return featureRMS(b.net, set), nil
}
