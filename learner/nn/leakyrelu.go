package nn

import (
	"math"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// leakyReLU gives x for x > 0 and slope*x otherwise (ONNX LeakyRelu). Its
// derivative at 0 is the slope.
type leakyReLU struct {
	in    shape
	slope float32
}

func (l *leakyReLU) output() shape     { return l.in }
func (l *leakyReLU) parameters() []int { return nil }
func (l *leakyReLU) scratch() int      { return 0 }

func (l *leakyReLU) forward(_ tensors, x, y []float32, n int, _ []float32) {
	// A table instead of a branch, which would be mispredicted all the time.
	factor := [2]float32{1, l.slope}
	size := n * l.in.size()
	x, y = x[:size], y[:size]
	for i, v := range x {
		y[i] = v * factor[math.Float32bits(v)>>31]
	}
}

func (l *leakyReLU) backward(_, _ tensors, x, _, dy, dx []float32, n int, _ []float32) {
	if dx == nil {
		return
	}
	factor := [2]float32{1, l.slope}
	size := n * l.in.size()
	x, dy, dx = x[:size], dy[:size], dx[:size]
	for i, v := range x {
		dx[i] = dy[i] * factor[notPositive(v)]
	}
}

// notPositive returns 1 for x <= 0, both zeros included, and 0 for x > 0.
func notPositive(x float32) uint32 {
	bits := math.Float32bits(x)
	return (bits | (bits&math.MaxInt32 - 1)) >> 31
}

// readLeakyReLU reads a LeakyRelu node.
func readLeakyReLU(r *nodeReader, in shape) layer {
	slope := r.float("alpha", 0.01)
	if math.IsNaN(float64(slope)) || math.IsInf(float64(slope), 0) {
		r.corrupt("alpha %v", slope)
		return nil
	}
	return &leakyReLU{in, slope}
}

func (l *leakyReLU) node(func(int) string) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: "LeakyRelu", Attribute: []*onnxpb.AttributeProto{
		floatAttribute("alpha", l.slope),
	}}
}
