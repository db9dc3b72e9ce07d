package nn

import "github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"

// flatten makes samples flat (ONNX Flatten at axis 1, or a Reshape to that
// effect). The numbers stay where they are.
type flatten struct{ in shape }

func (l *flatten) output() shape     { return flat(l.in.size()) }
func (l *flatten) parameters() []int { return nil }
func (l *flatten) scratch() int      { return 0 }

func (l *flatten) forward(_ tensors, x, y []float32, n int, _ []float32) {
	copy(y, x[:n*l.in.size()])
}

func (l *flatten) backward(_, _ tensors, _, _, dy, dx []float32, n int, _ []float32) {
	copy(dx, dy[:n*l.in.size()])
}

// readFlatten reads a Flatten node.
func readFlatten(r *nodeReader, in shape) layer {
	rank := int64(4)
	if in.flat {
		rank = 2
	}
	if axis := r.int("axis", 1); r.err == nil && axis != 1 && axis != 1-rank {
		r.unsupported("axis %d, which is not the first after the batch", axis)
	}
	return &flatten{in}
}

// readReshape reads a Reshape node that does what Flatten does.
func readReshape(r *nodeReader, in shape) layer {
	to := r.integers(1)
	allowZero := r.int("allowzero", 0)
	if r.err != nil {
		return nil
	}
	// 0 copies an axis of the input unless allowzero is set; one axis may be
	// -1. A positive batch size is a promise about all inputs, so it must be
	// the one that the graph's input states.
	features := int64(in.size())
	ok := len(to) == 2 && (to[0] == -1 && to[1] == features ||
		to[0] == 0 && allowZero == 0 && (to[1] == features || to[1] == -1) ||
		to[0] == r.from.batch && to[0] > 0 && (to[1] == features || to[1] == -1))
	if !ok {
		r.unsupported("a reshape other than to [batch, %d]", features)
	}
	return &flatten{in}
}

func (l *flatten) node(func(int) string) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: "Flatten", Attribute: []*onnxpb.AttributeProto{intAttribute("axis", 1)}}
}
