package zoo

import (
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// window is how a convolution or pooling goes over each axis in space.
type window struct {
	kernel, stride, pad int
	same                bool // padding as TensorFlow's SAME, in place of pad
	ceil                bool // a last window that is not whole counts
}

// attrs returns the attributes for an input and the extents of the result,
// and leaves out what has the default.
func (w window) attrs(b *builder, x value) (attrs, []int) {
	n := len(x.space())
	stride := max(w.stride, 1)
	begins, ends, out := make([]int64, n), make([]int64, n), make([]int, n)
	for i, d := range x.space() {
		begin, end := w.pad, w.pad
		if w.same {
			total := max(((d+stride-1)/stride-1)*stride+w.kernel-d, 0)
			begin, end = total/2, total-total/2
		}
		rest := d + begin + end - w.kernel
		if rest < 0 {
			b.fail("its input is too small: %d is left of one extent where a window takes %d", d, w.kernel)
			rest = 0
		}
		if w.ceil {
			rest += stride - 1
		}
		begins[i], ends[i], out[i] = int64(begin), int64(end), rest/stride+1
	}
	a := attrs{"kernel_shape": slices.Repeat([]int64{int64(w.kernel)}, n)}
	if stride != 1 {
		a["strides"] = slices.Repeat([]int64{int64(stride)}, n)
	}
	if pads := append(begins, ends...); slices.Max(pads) > 0 {
		a["pads"] = pads
	}
	if w.ceil {
		a["ceil_mode"] = int64(1)
	}
	return a, out
}

// conv is a convolution without bias.
func (b *builder) conv(x value, name string, channels int, w window) value {
	return b.convolve(x, name, channels, 1, false, w)
}

// convBias is a convolution with bias.
func (b *builder) convBias(x value, name string, channels int, w window) value {
	return b.convolve(x, name, channels, 1, true, w)
}

// depthwise is a convolution of every channel for itself.
func (b *builder) depthwise(x value, name string, w window) value {
	return b.convolve(x, name, x.channels(), x.channels(), false, w)
}

func (b *builder) convolve(x value, name string, channels, groups int, bias bool, w window) value {
	a, space := w.attrs(b, x)
	if groups > 1 {
		a["group"] = int64(groups)
	}
	dims := []int{channels, x.channels() / groups}
	for range space {
		dims = append(dims, w.kernel)
	}
	inputs := []string{x.name, b.uniform(name+".weight", he(graph.Size(dims[1:])), dims...)}
	if bias {
		inputs = append(inputs, b.filled(name+".bias", 0, channels))
	}
	return b.op("Conv", name, append([]int{-1, channels}, space...), a, inputs...)
}

// norm is a batch normalisation.
func (b *builder) norm(x value, name string, epsilon float32) value {
	c := x.channels()
	return b.op("BatchNormalization", name, x.dims, attrs{"epsilon": epsilon}, x.name,
		b.filled(name+".weight", 1, c), b.filled(name+".bias", 0, c),
		b.filled(name+".running_mean", 0, c), b.filled(name+".running_var", 1, c))
}

// torchEpsilon is the epsilon of PyTorch's normalisations.
const torchEpsilon = 1e-5

func (b *builder) maxPool(x value, name string, w window) value {
	a, space := w.attrs(b, x)
	return b.op("MaxPool", name, append([]int{-1, x.channels()}, space...), a, x.name)
}

// averagePool does not count padding, which no architecture here has.
func (b *builder) averagePool(x value, name string, w window) value {
	a, space := w.attrs(b, x)
	return b.op("AveragePool", name, append([]int{-1, x.channels()}, space...), a, x.name)
}

// globalPool is a pooling over all of space; op says which.
func (b *builder) globalPool(x value, op, name string) value {
	dims := append([]int{-1, x.channels()}, slices.Repeat([]int{1}, len(x.space()))...)
	return b.op(op, name, dims, nil, x.name)
}

// averages is the average of every channel, flat.
func (b *builder) averages(x value) value {
	return b.flatten(b.globalPool(x, "GlobalAveragePool", "avgpool"), "features")
}

func (b *builder) flatten(x value, name string) value {
	return b.op("Flatten", name, []int{-1, graph.Size(x.dims[1:])}, nil, x.name)
}

// dense is a layer of a flat value.
func (b *builder) dense(x value, name string, out int) value {
	return b.gemm(x, name, out, true)
}

// gemm is a layer of a flat value, with bias or without.
func (b *builder) gemm(x value, name string, out int, bias bool) value {
	in := x.last()
	inputs := []string{x.name, b.uniform(name+".weight", glorot(in, out), out, in)}
	if bias {
		inputs = append(inputs, b.filled(name+".bias", 0, out))
	}
	return b.op("Gemm", name, []int{-1, out}, attrs{"transB": int64(1)}, inputs...)
}

func (b *builder) add(x, y value, name string) value {
	return b.op("Add", name, x.dims, nil, x.name, y.name)
}

// mul is a product; y may be broadcast.
func (b *builder) mul(x, y value, name string) value {
	return b.op("Mul", name, x.dims, nil, x.name, y.name)
}

// concat joins values along an axis.
func (b *builder) concat(name string, axis int, all ...value) value {
	d, names := 0, []string(nil)
	for _, x := range all {
		d += x.dims[axis]
		names = append(names, x.name)
	}
	return b.op("Concat", name, replaced(all[0].dims, axis, d), attrs{"axis": int64(axis)}, names...)
}

// slice takes every step-th element from start to end of an axis.
func (b *builder) slice(x value, name string, axis, start, end, step int) value {
	inputs := []string{x.name,
		b.ints(name+"_starts", start), b.ints(name+"_ends", end), b.ints(name+"_axes", axis)}
	if step != 1 {
		inputs = append(inputs, b.ints(name+"_steps", step))
	}
	return b.op("Slice", name, replaced(x.dims, axis, (end-start+step-1)/step), nil, inputs...)
}

// reshape changes the extents; the first is -1.
func (b *builder) reshape(x value, name string, dims ...int) value {
	return b.op("Reshape", name, dims, nil, x.name, b.ints(name+"_shape", dims...))
}

// transpose gives the axes another order.
func (b *builder) transpose(x value, name string, order ...int) value {
	dims := make([]int, len(order))
	for i, axis := range order {
		dims[i] = x.dims[axis]
	}
	return b.op("Transpose", name, dims, attrs{"perm": int64s(order)}, x.name)
}

// activation is a function of each element. The name of its result is that of
// its argument and a suffix.
type activation func(b *builder, x value) value

func relu(b *builder, x value) value { return b.op("Relu", x.name+"_relu", x.dims, nil, x.name) }

func relu6(b *builder, x value) value {
	return b.op("Clip", x.name+"_relu6", x.dims, nil, x.name, b.scalar(0), b.scalar(6))
}

func leakyRelu(b *builder, x value) value {
	return b.op("LeakyRelu", x.name+"_relu", x.dims, attrs{"alpha": float32(0.01)}, x.name)
}

func sigmoid(b *builder, x value) value {
	return b.op("Sigmoid", x.name+"_sigmoid", x.dims, nil, x.name)
}

// hardSigmoid is PyTorch's: min(max(x+3, 0), 6) / 6.
func hardSigmoid(b *builder, x value) value {
	return b.op("HardSigmoid", x.name+"_hardsigmoid", x.dims, attrs{"alpha": float32(1) / 6, "beta": float32(0.5)}, x.name)
}

// hardSwish is two nodes: the operator came with set 14.
func hardSwish(b *builder, x value) value { return b.mul(x, hardSigmoid(b, x), x.name+"_hardswish") }

func silu(b *builder, x value) value { return b.mul(x, sigmoid(b, x), x.name+"_silu") }

// convNorm is a convolution, batch normalisation and activation (nil: none);
// the parts have the names of PyTorch's sequence.
func (b *builder) convNorm(x value, name string, channels, groups int, w window, epsilon float32, act activation) value {
	x = b.norm(b.convolve(x, name+".0", channels, groups, false, w), name+".1", epsilon)
	if act != nil {
		x = act(b, x)
	}
	return x
}

// squeezeExcite scales every channel by a function of all channels' averages.
func (b *builder) squeezeExcite(x value, name string, squeezed int, act, gate activation) value {
	y := b.globalPool(x, "GlobalAveragePool", name+".avgpool")
	y = act(b, b.convBias(y, name+".fc1", squeezed, window{kernel: 1}))
	y = gate(b, b.convBias(y, name+".fc2", x.channels(), window{kernel: 1}))
	return b.mul(x, y, name)
}

// divisible rounds a number of channels to a multiple of 8, but not below
// nine tenths of it.
func divisible(v float64) int {
	n := max(8, int(v+4)/8*8)
	if float64(n) < 0.9*v {
		n += 8
	}
	return n
}
