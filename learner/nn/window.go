package nn

import "github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"

// window is the geometry of a convolution or pooling; index 0 is height,
// index 1 width.
type window struct {
	kernel, stride, before, after [2]int // before and after: padding
}

// output returns how many windows fit into in, and whether any does.
func (w window) output(in shape) (height, width int, ok bool) {
	h := in.height + w.before[0] + w.after[0] - w.kernel[0]
	v := in.width + w.before[1] + w.after[1] - w.kernel[1]
	return h/w.stride[0] + 1, v/w.stride[1] + 1, h >= 0 && v >= 0
}

// readWindow reads the attributes that Conv and MaxPool share. The kernel is
// taken from kernel_shape if that is there, else it is shape.
func readWindow(r *nodeReader, kernel []int64) window {
	kernel = r.ints("kernel_shape", kernel, 2)
	stride := r.ints("strides", []int64{1, 1}, 2)
	pads := r.ints("pads", []int64{0, 0, 0, 0}, 4)
	dilations := r.ints("dilations", []int64{1, 1}, 2)
	autoPad := r.text("auto_pad", "NOTSET")
	if r.err != nil {
		return window{}
	}
	switch {
	case dilations[0] != 1 || dilations[1] != 1:
		r.unsupported("dilations %v", dilations)
	case autoPad != "NOTSET" && autoPad != "VALID":
		r.unsupported("auto_pad %.20q", autoPad)
	case autoPad == "VALID" && (pads[0]|pads[1]|pads[2]|pads[3]) != 0:
		r.corrupt("auto_pad VALID with pads %v", pads)
	}
	w := window{
		kernel: [2]int{r.extent("kernel_shape", kernel[0], 1), r.extent("kernel_shape", kernel[1], 1)},
		stride: [2]int{r.extent("strides", stride[0], 1), r.extent("strides", stride[1], 1)},
		before: [2]int{r.extent("pads", pads[0], 0), r.extent("pads", pads[1], 0)},
		after:  [2]int{r.extent("pads", pads[2], 0), r.extent("pads", pads[3], 0)},
	}
	if r.err != nil {
		return window{}
	}
	return w
}

// attributes is the inverse of readWindow.
func (w window) attributes() []*onnxpb.AttributeProto {
	return []*onnxpb.AttributeProto{
		intsAttribute("kernel_shape", w.kernel[0], w.kernel[1]),
		intsAttribute("pads", w.before[0], w.before[1], w.after[0], w.after[1]),
		intsAttribute("strides", w.stride[0], w.stride[1]),
	}
}
