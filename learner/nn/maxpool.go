package nn

import (
	"math"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// maxPool takes the greatest value of each window (ONNX MaxPool without
// dilation, floor mode). Padding counts as minus infinity. The gradient goes
// to the first of equal values.
type maxPool struct {
	window
	in, out shape
	quarter bool // the usual windows of 2 x 2 without overlap and padding
}

var quarter = window{kernel: [2]int{2, 2}, stride: [2]int{2, 2}}

func newMaxPool(in shape, w window) (*maxPool, bool) {
	height, width, ok := w.output(in)
	// With less padding than kernel no window lies in the padding alone.
	if !ok || w.before[0] >= w.kernel[0] || w.before[1] >= w.kernel[1] ||
		w.after[0] >= w.kernel[0] || w.after[1] >= w.kernel[1] {
		return nil, false
	}
	if _, ok := volume(maxElements, int64(in.channels), int64(height), int64(width)); !ok {
		return nil, false
	}
	return &maxPool{w, in, shape{in.channels, height, width, false}, w == quarter}, true
}

func (l *maxPool) output() shape     { return l.out }
func (l *maxPool) parameters() []int { return nil }
func (l *maxPool) scratch() int      { return 0 }

func (l *maxPool) forward(_ tensors, x, y []float32, n int, _ []float32) {
	if l.quarter {
		l.forwardQuarter(x, y, n)
		return
	}
	l.each(func(out, in, height, width int) {
		to := y[out*n : (out+1)*n]
		copy(to, x[in*n:])
		for i := range height {
			for j := range width {
				for s, v := range x[(in+i*l.in.width+j)*n:][:len(to)] {
					to[s] = max(to[s], v)
				}
			}
		}
	})
}

func (l *maxPool) backward(_, _ tensors, x, y, dy, dx []float32, n int, _ []float32) {
	if dx == nil {
		return
	}
	clear(dx)
	if l.quarter {
		l.backwardQuarter(x, y, dy, dx, n)
		return
	}
	l.each(func(out, in, height, width int) {
		for s, v := range y[out*n : (out+1)*n] {
		search:
			for i := range height {
				for j := range width {
					at := (in+i*l.in.width+j)*n + s
					if x[at] == v {
						dx[at] += dy[out*n+s]
						break search
					}
				}
			}
		}
	})
}

// each calls f for every window: the place of its output, and that of its
// first value inside the input with its height and width there.
func (l *maxPool) each(f func(out, in, height, width int)) {
	out := 0
	for c := range l.in.channels {
		for o := range l.out.height {
			top := o*l.stride[0] - l.before[0]
			bottom := min(top+l.kernel[0], l.in.height)
			top = max(top, 0)
			for v := range l.out.width {
				left := v*l.stride[1] - l.before[1]
				right := min(left+l.kernel[1], l.in.width)
				left = max(left, 0)
				f(out, (c*l.in.height+top)*l.in.width+left, bottom-top, right-left)
				out++
			}
		}
	}
}

// forwardQuarter is forward for the usual windows.
func (l *maxPool) forwardQuarter(x, y []float32, n int) {
	pitch := l.in.width * n
	for c := range l.in.channels {
		for o := range l.out.height {
			in, out := (c*l.in.height+2*o)*pitch, (c*l.out.height+o)*l.out.width*n
			for range l.out.width {
				top := y[out : out+n]
				a, b := x[in:][:len(top)], x[in+n:][:len(top)]
				c, d := x[in+pitch:][:len(top)], x[in+pitch+n:][:len(top)]
				for s := range top {
					top[s] = max(max(a[s], b[s]), max(c[s], d[s]))
				}
				in, out = in+2*n, out+n
			}
		}
	}
}

// backwardQuarter is backward for the usual windows.
func (l *maxPool) backwardQuarter(x, y, dy, dx []float32, n int) {
	pitch := l.in.width * n
	for c := range l.in.channels {
		for o := range l.out.height {
			in, out := (c*l.in.height+2*o)*pitch, (c*l.out.height+o)*l.out.width*n
			for range l.out.width {
				passOn(y[out:out+n], dy[out:], x[in:], x[in+pitch:], dx[in:], dx[in+pitch:])
				in, out = in+2*n, out+n
			}
		}
	}
}

// passOn gives the gradients d of a window of n samples to the first of the
// four values of each sample that is the greatest. The upper two and the lower
// two are n apart.
func passOn(top, d, upper, lower, dUpper, dLower []float32) {
	n := len(top)
	d = d[:n]
	xa, xb, xc := upper[:n], upper[n:][:n], lower[:n]
	da, db, dc, dd := dUpper[:n], dUpper[n:][:n], dLower[:n], dLower[n:][:n]
	for s, v := range top {
		// Masks instead of branches, which would be mispredicted all the
		// time.
		g := math.Float32bits(d[s])
		a := same(xa[s], v)
		b := same(xb[s], v) &^ a
		c := same(xc[s], v) &^ (a | b)
		da[s] = math.Float32frombits(g & a)
		db[s] = math.Float32frombits(g & b)
		dc[s] = math.Float32frombits(g & c)
		dd[s] = math.Float32frombits(g &^ (a | b | c))
	}
}

// same returns all ones if a and b have the same bits and zero otherwise.
func same(a, b float32) uint32 {
	var one uint32
	if math.Float32bits(a) == math.Float32bits(b) {
		one = 1
	}
	return -one
}

// readMaxPool reads a MaxPool node.
func readMaxPool(r *nodeReader, in shape) layer {
	w := readWindow(r, nil)
	ceil, order := r.int("ceil_mode", 0), r.int("storage_order", 0)
	switch {
	case r.err != nil:
		return nil
	case in.flat:
		r.unsupported("pooling of flat samples")
	case ceil != 0:
		r.unsupported("ceil_mode %d", ceil)
	case order != 0:
		r.unsupported("storage_order %d", order)
	}
	if r.err != nil {
		return nil
	}
	l, ok := newMaxPool(in, w)
	if !ok {
		r.unsupported("windows %v with padding %v, %v over an input of %d x %d: none fits, the padding is as large as the window, or the result is too large",
			w.kernel, w.before, w.after, in.height, in.width)
		return nil
	}
	return l
}

func (l *maxPool) node(func(int) string) *onnxpb.NodeProto {
	return &onnxpb.NodeProto{OpType: "MaxPool", Attribute: l.attributes()}
}
