package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// conv is a two-dimensional convolution (ONNX Conv, group 1, no dilation).
//
// A row of the output is a matrix product: the weights, out x taps, times a
// matrix with a row for each tap of the kernel in each channel and a column
// for each window and sample (im2col).
type conv struct {
	window
	in, out      shape
	weight, bias int // weight is out x in x kernel; bias is -1 for none
	spans        []span
}

// span says where tap j of a kernel's row lies: in column left of the input
// for the first window of a row (negative: in the padding), and inside the
// input for the windows first to end.
type span struct{ left, first, end int }

// maxUnfolded bounds the matrix for a row of the output, in numbers.
const maxUnfolded = 1 << 26

func newConv(in shape, w window, channels, weight, bias int) (*conv, bool) {
	height, width, ok := w.output(in)
	if !ok {
		return nil, false
	}
	if _, ok := volume(maxElements, int64(channels), int64(height), int64(width)); !ok {
		return nil, false
	}
	if _, ok := volume(maxUnfolded, int64(in.channels), int64(w.kernel[0]), int64(w.kernel[1]), int64(width)); !ok {
		return nil, false
	}
	l := &conv{window: w, in: in, out: shape{channels, height, width, false}, weight: weight, bias: bias}
	for j := range w.kernel[1] {
		s := span{left: j - w.before[1]}
		if s.left < 0 {
			s.first = min((-s.left+w.stride[1]-1)/w.stride[1], width)
		}
		if rest := in.width - s.left; rest > 0 {
			s.end = min((rest+w.stride[1]-1)/w.stride[1], width)
		}
		s.end = max(s.end, s.first)
		l.spans = append(l.spans, s)
	}
	return l, true
}

func (l *conv) taps() int     { return l.in.channels * l.kernel[0] * l.kernel[1] }
func (l *conv) output() shape { return l.out }
func (l *conv) scratch() int  { return l.taps() * l.out.width }

func (l *conv) parameters() []int {
	if l.bias < 0 {
		return []int{l.weight}
	}
	return []int{l.weight, l.bias}
}

func (l *conv) forward(p tensors, x, y []float32, n int, scratch []float32) {
	channels, taps, width := l.out.channels, l.taps(), l.out.width*n
	plane := l.out.height * width
	if l.bias < 0 {
		clear(y)
	} else {
		for c, b := range p.of(l.bias) {
			fill(y[c*plane:(c+1)*plane], b)
		}
	}
	for o := range l.out.height {
		l.unfold(x, scratch, o, n)
		kernel.Gemm(channels, width, taps, p.of(l.weight), taps, scratch, width, y[o*width:], plane)
	}
}

func (l *conv) backward(p, g tensors, x, _, dy, dx []float32, n int, scratch []float32) {
	channels, taps, width := l.out.channels, l.taps(), l.out.width*n
	plane := l.out.height * width
	if l.bias >= 0 {
		addSums(g.of(l.bias), dy, plane)
	}
	clear(dx)
	for o := range l.out.height {
		row := dy[o*width:]
		l.unfold(x, scratch, o, n)
		kernel.GemmNT(channels, taps, width, row, plane, scratch, width, g.of(l.weight), taps)
		if dx == nil {
			continue
		}
		matrix := scratch[:taps*width]
		clear(matrix)
		kernel.GemmTN(taps, width, channels, p.of(l.weight), taps, row, plane, matrix, width)
		l.fold(matrix, dx, o, n)
	}
}

// unfold fills the matrix for row o of the output: what lies under each tap
// in each window and sample, zero in the padding.
func (l *conv) unfold(x, matrix []float32, o, n int) {
	width, stride := l.out.width*n, l.stride[1]
	for c := range l.in.channels {
		for i := range l.kernel[0] {
			from := l.row(x, c, o*l.stride[0]+i-l.before[0], n)
			for _, s := range l.spans {
				to := matrix[:width]
				matrix = matrix[width:]
				if from == nil || s.first == s.end {
					clear(to)
					continue
				}
				clear(to[:s.first*n])
				clear(to[s.end*n:])
				if stride == 1 {
					copy(to[s.first*n:s.end*n], from[(s.left+s.first)*n:])
					continue
				}
				for v := s.first; v < s.end; v++ {
					copy(to[v*n:(v+1)*n], from[(s.left+v*stride)*n:])
				}
			}
		}
	}
}

// fold is the transpose of unfold: it adds the matrix to the values of x that
// its numbers belong to, one row after another.
func (l *conv) fold(matrix, x []float32, o, n int) {
	width, stride := l.out.width*n, l.stride[1]
	for c := range l.in.channels {
		for i := range l.kernel[0] {
			to := l.row(x, c, o*l.stride[0]+i-l.before[0], n)
			for _, s := range l.spans {
				from := matrix[:width]
				matrix = matrix[width:]
				if to == nil || s.first == s.end {
					continue
				}
				if stride == 1 {
					kernel.Axpy(1, from[s.first*n:s.end*n], to[(s.left+s.first)*n:(s.left+s.end)*n])
					continue
				}
				for v := s.first; v < s.end; v++ {
					at := (s.left + v*stride) * n
					kernel.Axpy(1, from[v*n:(v+1)*n], to[at:at+n])
				}
			}
		}
	}
}

// row returns row y of channel c of x, or nil if it lies in the padding.
func (l *conv) row(x []float32, c, y, n int) []float32 {
	if y < 0 || y >= l.in.height {
		return nil
	}
	width := l.in.width * n
	return x[(c*l.in.height+y)*width:][:width]
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// ones is for sums in the order of a dot product.
var ones = func() (x [1024]float32) {
	fill(x[:], 1)
	return x
}()

// addSums adds the sum of each row of the given width to its element of to.
func addSums(to, rows []float32, width int) {
	for i := range to {
		for row := rows[i*width : (i+1)*width]; len(row) > 0; {
			n := min(len(row), len(ones))
			to[i] += kernel.Dot(row[:n], ones[:n])
			row = row[n:]
		}
	}
}

// readConv reads a Conv node.
func readConv(r *nodeReader, in shape) layer {
	weight, dims := r.weight(1, 4)
	if r.err != nil {
		return nil
	}
	w := readWindow(r, dims[2:])
	group := r.int("group", 1)
	bias := r.bias(2, dims[0])
	switch {
	case r.err != nil:
		return nil
	case group != 1:
		r.unsupported("group %d", group)
	case in.flat:
		r.unsupported("a convolution of flat samples")
	case int64(in.channels) != dims[1]:
		r.corrupt("weights for %d channels where there are %d", dims[1], in.channels)
	case int64(w.kernel[0]) != dims[2] || int64(w.kernel[1]) != dims[3]:
		r.corrupt("kernel_shape %v with weights %v", w.kernel, dims)
	}
	if r.err != nil {
		return nil
	}
	l, ok := newConv(in, w, int(dims[0]), weight, bias)
	if !ok {
		r.unsupported("windows %v over an input of %d x %d: none fits, or the result is too large",
			w.kernel, in.height, in.width)
		return nil
	}
	return l
}

func (l *conv) node(name func(int) string) *onnxpb.NodeProto {
	node := &onnxpb.NodeProto{OpType: "Conv", Attribute: l.attributes()}
	for _, p := range l.parameters() {
		node.Input = append(node.Input, name(p))
	}
	return node
}
