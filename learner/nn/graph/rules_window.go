package graph

import "slices"

// window is the geometry of a convolution or pooling: one entry per spatial
// axis, and two in pads (all begins, then all ends).
type window struct {
	kernel, strides, pads, dilations []int64
	ceil                             bool
}

// window reads the geometry of a node on input 0 whose kernel is `kernel`,
// or the attribute kernel_shape if that is nil.
func (c *call) window(kernel []int64) (*window, error) {
	dims := c.dims(0)
	if len(dims) < 3 {
		return nil, Corrupt("a window over a value with %d axes", len(dims))
	}
	n := len(dims) - 2
	w := &window{kernel: c.n.Ints("kernel_shape", kernel), ceil: c.n.Int("ceil_mode", 0) != 0}
	if kernel != nil && !slices.Equal(kernel, w.kernel) {
		return nil, Corrupt("kernel_shape %v of a weight with kernel %v", w.kernel, kernel)
	}
	ones := slices.Repeat([]int64{1}, n)
	w.strides, w.dilations = c.n.Ints("strides", ones), c.n.Ints("dilations", ones)
	w.pads = slices.Clone(c.n.Ints("pads", make([]int64, 2*n)))
	if len(w.kernel) != n || len(w.strides) != n || len(w.dilations) != n || len(w.pads) != 2*n {
		return nil, Corrupt("kernel %v, strides %v, dilations %v and pads %v on %d spatial axes", w.kernel, w.strides, w.dilations, w.pads, n)
	}
	for i := range n {
		least := min(w.kernel[i], w.strides[i], w.dilations[i], w.pads[i]+1, w.pads[n+i]+1)
		most := max(w.kernel[i], w.strides[i], w.dilations[i], w.pads[i], w.pads[n+i])
		if least < 1 || most > maxElements {
			return nil, Corrupt("kernel %v, strides %v, dilations %v or pads %v out of range", w.kernel, w.strides, w.dilations, w.pads)
		}
	}
	return w, c.autoPad(w, dims[2:])
}

// span returns how many elements the kernel reaches over on axis i.
func (w *window) span(i int) int64 { return (w.kernel[i]-1)*w.dilations[i] + 1 }

// autoPad turns the attribute auto_pad into pads.
func (c *call) autoPad(w *window, in []int) error {
	mode := c.n.Text("auto_pad", "NOTSET")
	switch mode {
	case "NOTSET", "":
		return nil
	case "VALID":
		clear(w.pads)
		return nil
	case "SAME_UPPER", "SAME_LOWER":
	default:
		return c.refuse("auto_pad %.40q", mode)
	}
	w.ceil = false
	for i, d := range in {
		steps := (int64(d) + w.strides[i] - 1) / w.strides[i]
		total := max(0, (steps-1)*w.strides[i]+w.span(i)-int64(d))
		small := total / 2
		if mode == "SAME_UPPER" {
			w.pads[i], w.pads[len(in)+i] = small, total-small
		} else {
			w.pads[i], w.pads[len(in)+i] = total-small, small
		}
	}
	return nil
}

// out returns the spatial extents of the result. With ceil, a last window
// counts that starts inside the input or its left padding.
func (w *window) out(in []int) ([]int, error) {
	out := make([]int64, len(in))
	for i, d := range in {
		room := int64(d) + w.pads[i] + w.pads[len(in)+i] - w.span(i)
		if room < 0 || d == 0 {
			return nil, Corrupt("a kernel that reaches over %d elements on %d padded ones", w.span(i), room+w.span(i))
		}
		out[i] = room/w.strides[i] + 1
		if w.ceil && room%w.strides[i] != 0 && out[i]*w.strides[i] < int64(d)+w.pads[i] {
			out[i]++
		}
	}
	return narrow(out)
}

// overhang returns by how much the last windows of `out` reach beyond the
// padded input, per axis.
func (w *window) overhang(in, out []int) []int64 {
	over := make([]int64, len(in))
	for i := range in {
		reach := int64(out[i]-1)*w.strides[i] + w.span(i)
		over[i] = max(0, reach-int64(in[i])-w.pads[i]-w.pads[len(in)+i])
	}
	return over
}

// sees checks that every window has an element of the input in it.
func (w *window) sees(in []int) bool {
	for i, d := range in {
		blind := max(w.pads[i], w.pads[len(in)+i]) >= w.span(i)
		sparse := w.dilations[i] > int64(d) && w.pads[i]+w.pads[len(in)+i] > 0
		if blind || sparse {
			return false
		}
	}
	return true
}

// attrs returns the geometry as attributes.
func (w *window) attrs() map[string]Attr {
	return map[string]Attr{
		"kernel_shape": slices.Clone(w.kernel), "strides": slices.Clone(w.strides),
		"pads": slices.Clone(w.pads), "dilations": slices.Clone(w.dilations),
	}
}

func (c *call) conv() error {
	x, weight := c.dims(0), c.dims(1)
	if len(x) < 3 || len(weight) != len(x) || c.typ(0) != Float32 || c.typ(1) != Float32 {
		return Corrupt("%v %v convolved with %v %v", c.typ(0), x, c.typ(1), weight)
	}
	if len(x) > 5 {
		return c.refuse("a convolution over %d axes", len(x)-2)
	}
	w, err := c.window(wide(weight[2:]))
	if err != nil {
		return err
	}
	group := c.n.Int("group", 1)
	if group < 1 || group > int64(weight[0]) || int64(weight[0])%group != 0 ||
		weight[1] == 0 || int64(x[1])%group != 0 || int64(x[1])/group != int64(weight[1]) {
		return Corrupt("weight %v in %d groups on shape %v", weight, group, x)
	}
	if c.has(2) && (c.typ(2) != Float32 || !slices.Equal(c.dims(2), weight[:1])) {
		return Corrupt("bias %v of weight %v", c.dims(2), weight)
	}
	w.ceil = false
	spatial, err := w.out(x[2:])
	if err != nil {
		return err
	}
	attrs := w.attrs()
	attrs["group"] = group
	in := c.in[:2]
	if c.has(2) {
		in = c.in
	}
	return c.emit(c.output(), "Conv", in, attrs, append([]int{x[0], weight[0]}, spatial...), Float32)
}

// pool is MaxPool and AveragePool. ceil_mode becomes longer pads at the end.
func (c *call) pool() error {
	x := c.dims(0)
	if c.typ(0) != Float32 && c.n.Op == "AveragePool" {
		return Corrupt("an average of %v", c.typ(0))
	}
	if c.n.Int("storage_order", 0) != 0 && len(c.n.Outputs) > 1 && c.uses[c.n.Outputs[1]] > 0 {
		return c.refuse("storage_order")
	}
	w, err := c.window(nil)
	if err != nil {
		return err
	}
	if !w.sees(x[2:]) {
		return c.refuse("pads %v so wide that a window of kernel %v sees nothing of shape %v", w.pads, w.kernel, x)
	}
	spatial, err := w.out(x[2:])
	if err != nil {
		return err
	}
	over := w.overhang(x[2:], spatial)
	in := c.in[0]
	counts := c.n.Op == "AveragePool" && c.n.Int("count_include_pad", 0) != 0
	if counts && slices.Max(over) > 0 {
		// Padding counts and the overhang of the last window does not, so
		// the padding becomes elements and the overhang padding.
		if in, err = c.padZero(in, w); err != nil {
			return err
		}
		counts = false
	}
	for i, o := range over {
		w.pads[len(over)+i] += o
	}
	attrs := w.attrs()
	if c.n.Op == "AveragePool" {
		attrs["count_include_pad"] = int64(0)
		if counts && slices.Max(w.pads) > 0 {
			attrs["count_include_pad"] = int64(1)
		}
	}
	return c.emit(c.output(), c.n.Op, []string{in}, attrs, append([]int{x[0], x[1]}, spatial...), c.typ(0))
}

// padZero adds a node that pads the spatial axes of a value by zeros, and
// clears the window's pads.
func (c *call) padZero(in string, w *window) (string, error) {
	if slices.Max(w.pads) == 0 {
		return in, nil
	}
	v, n := c.values[in], len(w.kernel)
	rank := n + 2
	pads, dims := make([]int64, 2*rank), wide(v.dims)
	for i := range n {
		pads[2+i], pads[rank+2+i] = w.pads[i], w.pads[n+i]
		dims[2+i] += w.pads[i] + w.pads[n+i]
	}
	clear(w.pads)
	shape, err := narrow(dims)
	if err != nil {
		return "", err
	}
	out := c.fresh(c.output() + "_padded")
	attrs := map[string]Attr{"pads": pads, "mode": "constant", "value": float32(0)}
	return out, c.emit(out, "Pad", []string{in}, attrs, shape, v.typ)
}

func (c *call) globalPool() error {
	x := c.dims(0)
	if len(x) < 3 || c.typ(0) != Float32 {
		return Corrupt("a pool over %v %v", c.typ(0), x)
	}
	if Size(x[2:]) == 0 {
		return Corrupt("a pool over nothing, shape %v", x)
	}
	out := append(slices.Clone(x[:2]), slices.Repeat([]int{1}, len(x)-2)...)
	return c.emit(c.output(), c.n.Op, c.in[:1], nil, out, Float32)
}
