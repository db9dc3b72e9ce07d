package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// dense is a fully connected layer (ONNX Gemm). Its weight is out x in, as
// with transB = 1; a file's other layout is transposed on reading.
type dense struct {
	in, out      int
	weight, bias int // bias is -1 for none
}

func (l *dense) output() shape { return flat(l.out) }
func (l *dense) scratch() int  { return 0 }

func (l *dense) parameters() []int {
	if l.bias < 0 {
		return []int{l.weight}
	}
	return []int{l.weight, l.bias}
}

func (l *dense) forward(p tensors, x, y []float32, n int, _ []float32) {
	if l.bias < 0 {
		clear(y)
	} else {
		for o, b := range p.of(l.bias) {
			fill(y[o*n:(o+1)*n], b)
		}
	}
	kernel.Gemm(l.out, n, l.in, p.of(l.weight), l.in, x, n, y, n)
}

func (l *dense) backward(p, g tensors, x, _, dy, dx []float32, n int, _ []float32) {
	if l.bias >= 0 {
		addSums(g.of(l.bias), dy, n)
	}
	kernel.GemmNT(l.out, l.in, n, dy, n, x, n, g.of(l.weight), l.in)
	if dx != nil {
		clear(dx)
		kernel.GemmTN(l.in, n, l.out, p.of(l.weight), l.in, dy, n, dx, n)
	}
}

// readGemm reads a Gemm node.
func readGemm(r *nodeReader, in shape) layer {
	alpha, beta := r.float("alpha", 1), r.float("beta", 1)
	transA, transB := r.int("transA", 0), r.int("transB", 0)
	if r.err == nil && (alpha != 1 || beta != 1 || transA != 0 || transB&^1 != 0) {
		r.unsupported("alpha %v, beta %v, transA %d, transB %d", alpha, beta, transA, transB)
	}
	if r.err == nil && !in.flat {
		r.corrupt("a matrix product of samples that are not flat")
	}
	weight, dims := r.matrix(1, transB == 0)
	bias := r.bias(2, dims[0])
	if r.err == nil && dims[1] != int64(in.size()) {
		r.corrupt("weights for %d features where there are %d", dims[1], in.size())
	}
	return &dense{in.size(), int(dims[0]), weight, bias}
}

func (l *dense) node(name func(int) string) *onnxpb.NodeProto {
	node := &onnxpb.NodeProto{OpType: "Gemm", Attribute: []*onnxpb.AttributeProto{intAttribute("transB", 1)}}
	for _, p := range l.parameters() {
		node.Input = append(node.Input, name(p))
	}
	return node
}
