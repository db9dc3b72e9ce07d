package nn

import "github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"

// layer is one link of the chain. It is a description without memory: every
// slice that it works on is passed in.
type layer interface {
	// output returns the shape of what the layer gives for one sample.
	output() shape

	// parameters returns the indices of the layer's parameters.
	parameters() []int

	// scratch returns how many float32s per sample forward and backward need
	// beside their arguments.
	scratch() int

	// forward fills y, the outputs of n samples, from their inputs x. The
	// samples of such a block lie side by side: number e of sample s is at
	// e*n+s. So rows of an image are long enough for the kernels even where
	// the image is small.
	forward(p tensors, x, y []float32, n int, scratch []float32)

	// backward takes dy, the gradient of the loss with respect to y, adds
	// the gradients of the parameters to g, and fills dx, unless that is
	// nil, with the gradient with respect to x. x and y are as forward had
	// and left them.
	backward(p, g tensors, x, y, dy, dx []float32, n int, scratch []float32)

	// node returns the layer as an ONNX node: operator, attributes, and as
	// inputs only the parameters' names.
	node(name func(parameter int) string) *onnxpb.NodeProto
}

// shape is the shape of one sample. A flat sample has rank 2 with the batch
// axis, and its size in channels.
type shape struct {
	channels, height, width int
	flat                    bool
}

func flat(features int) shape { return shape{features, 1, 1, true} }

func (s shape) size() int { return s.channels * s.height * s.width }

// tensors is the memory of a network's parameters, or of their gradients, in
// one piece.
type tensors struct {
	flat []float32
	ends []int // ends[i] is where tensor i ends in flat
}

// of returns tensor i.
func (t tensors) of(i int) []float32 {
	start := 0
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.flat[start:t.ends[i]:t.ends[i]]
}

// like returns zeroed tensors of the same sizes.
func (t tensors) like() tensors {
	return tensors{make([]float32, len(t.flat)), t.ends}
}
