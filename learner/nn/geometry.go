package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/f32"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// geometry reads the attributes of a convolution or of pooling over an image
// of the given extents, channels last; kernel is its window. It refuses a
// window that reaches over far more than the image: kernels copy what it
// sees, padding included.
func (b *builder) geometry(n *graph.Node, in, out, kernel []int) (f32.Geometry, error) {
	g := f32.Geometry{Batch: in[0], InC: in[len(in)-1], OutC: out[len(out)-1], Groups: 1,
		InH: 1, OutH: 1, KernelH: 1, StrideH: 1, DilationH: 1}
	at := func(name string, axis int, absent int64) int {
		if a := n.Ints(name, nil); axis < len(a) {
			absent = a[axis]
		}
		return int(absent)
	}
	axis := 0
	if len(in) == 4 {
		g.InH, g.OutH, g.KernelH = in[1], out[1], kernel[0]
		g.StrideH, g.DilationH, g.PadTop = at("strides", 0, 1), at("dilations", 0, 1), at("pads", 0, 0)
		axis = 1
	}
	g.InW, g.OutW, g.KernelW = in[axis+1], out[axis+1], kernel[axis]
	g.StrideW, g.DilationW, g.PadLeft = at("strides", axis, 1), at("dilations", axis, 1), at("pads", axis, 0)
	// Steps that are never made.
	if g.OutH == 1 {
		g.StrideH = 1
	}
	if g.OutW == 1 {
		g.StrideW = 1
	}
	if g.KernelH == 1 {
		g.DilationH = 1
	}
	if g.KernelW == 1 {
		g.DilationW = 1
	}
	// In floats, which do not overflow.
	image := float64(g.InH) * float64(g.InW)
	seen := reach(g.InH, g.OutH, g.KernelH, g.StrideH, g.DilationH, g.PadTop) * reach(g.InW, g.OutW, g.KernelW, g.StrideW, g.DilationW, g.PadLeft)
	if channels := float64(g.InC); seen*channels > max(4*image*channels, mostMemory/4) {
		return g, b.static.Graph.Unsupported(n, "windows that reach over %g places of an image of %d x %d", seen, g.InH, g.InW)
	}
	return g, nil
}

// reach returns how many places along an axis the image and all windows
// reach over.
func reach(in, out, kernel, stride, dilation, pad int) float64 {
	windows := float64(out-1)*float64(stride) + float64(kernel-1)*float64(dilation) + 1
	return max(float64(in), windows, float64(pad))
}
