package nn

import (
	"math"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// relu gives max(x, 0) (ONNX Relu). Its derivative at 0 is 0.
type relu struct{ in shape }

func (l *relu) output() shape     { return l.in }
func (l *relu) parameters() []int { return nil }
func (l *relu) scratch() int      { return 0 }

func (l *relu) forward(_ tensors, x, y []float32, n int, _ []float32) {
	size := n * l.in.size()
	x, y = x[:size], y[:size]
	for i, v := range x {
		bits := math.Float32bits(v)
		y[i] = math.Float32frombits(bits & (bits>>31 - 1))
	}
}

func (l *relu) backward(_, _ tensors, x, _, dy, dx []float32, n int, _ []float32) {
	if dx == nil {
		return
	}
	size := n * l.in.size()
	x, dy, dx = x[:size], dy[:size], dx[:size]
	for i, v := range x {
		dx[i] = math.Float32frombits(math.Float32bits(dy[i]) & (notPositive(v) - 1))
	}
}

// readReLU reads a Relu node.
func readReLU(_ *nodeReader, in shape) layer { return &relu{in} }

func (l *relu) node(func(int) string) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: "Relu"}
}
