package main

import (
	"fmt"
	"io"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/npy"
)

// extractor runs a network on pictures and keeps what comes out.
type extractor struct {
	shape   [3]int
	scaling scaling
	net     *nn.Runner
	without string // the output layer that was cut off, if any
	raw     bool
	code    byteCode // of what comes out, if raw

	x      []float32
	floats []float32 // of all pictures so far
	bytes  []uint8   // instead, if raw
}

// openExtractor reads a network, cuts its output layer off if it has one and
// is not to be used whole, and makes it ready to run.
func openExtractor(path string, a *album, f featureFlags) (*extractor, error) {
	given, err := parseExtents(f.input)
	if err != nil {
		return nil, err
	}
	n, err := readNetwork(path)
	if err != nil {
		return nil, err
	}
	sample, err := n.fix(given)
	if err != nil {
		return nil, err
	}
	x := &extractor{raw: f.raw}
	if x.shape, err = n.shapeFor(a, sample); err != nil {
		return nil, err
	}
	if x.scaling, err = chooseScaling(f.mean, f.std, n.graph.Metadata, x.shape[0]); err != nil {
		return nil, n.wrong(err)
	}
	if f.raw && !n.quantized() {
		return nil, usageError{fmt.Errorf("--raw is for quantized networks, and %s is none: leave it out", path)}
	}
	g := n.graph
	if !f.whole && !isBackbone(g) {
		// A network in which no output layer can be told is taken as it is.
		if cut, layer, err := withoutHead(g); err == nil {
			g, x.without = cut, layer
		}
	}
	if f.raw {
		if x.code, err = outputCode(g); err != nil {
			return nil, n.wrong(err)
		}
	}
	if x.net, err = nn.NewRunner(g, together, nn.Options{Workers: f.workers, Exact: n.quantized()}); err != nil {
		return nil, n.wrong(err)
	}
	return x, nil
}

// run computes the features of n pictures, planes one after another.
func (x *extractor) run(pixels []uint8, n int) {
	if cap(x.x) < len(pixels) {
		x.x = make([]float32, len(pixels))
	}
	x.x = x.x[:len(pixels)]
	x.scaling.apply(x.x, pixels, x.shape)
	y := x.net.Forward(x.x, n)
	if x.raw {
		x.bytes = x.code.encode(x.bytes, y)
		return
	}
	x.floats = append(x.floats, y...)
}

// write writes the features of some pictures as a NumPy array.
func (x *extractor) write(w io.Writer, rows int) error {
	if x.raw {
		return npy.WriteUint8(w, []int{rows, x.net.Outputs()}, x.bytes)
	}
	return npy.Write(w, []int{rows, x.net.Outputs()}, x.floats)
}
