package graph

import "slices"

// reduce is ReduceMean, ReduceSum and so on.
func (c *call) reduce() error { return c.reduceTo(c.output(), c.n.Op, c.in[0]) }

// reduceTo adds the operator op over the axes that the node names.
func (c *call) reduceTo(out, op, in string) error {
	dims := c.values[in].dims
	from := 18
	if c.n.Op == "ReduceSum" {
		from = 13
	}
	list, given, err := c.list("axes", 1, from)
	if err != nil {
		return err
	}
	which, err := axes(list, len(dims))
	if err != nil {
		return err
	}
	if !given || len(list) == 0 {
		if c.src.Opset >= from && c.n.Int("noop_with_empty_axes", 0) != 0 {
			c.become(out, in)
			return nil
		}
		which = make([]int, len(dims))
		for i := range which {
			which[i] = i
		}
	}
	keep := c.n.Int("keepdims", 1) != 0
	shape, count := make([]int, 0, len(dims)), 1
	for i, d := range dims {
		switch {
		case !slices.Contains(which, i):
			shape = append(shape, d)
		case keep:
			shape = append(shape, 1)
			count *= d
		default:
			count *= d
		}
	}
	if count == 0 && op != "ReduceSum" && op != "ReduceProd" {
		return Corrupt("%s over no element, shape %v", op, dims)
	}
	if count == 1 {
		return c.reshape(out, in, shape)
	}
	if v := c.values[in]; op == "ReduceMean" && len(dims) == 4 && slices.Equal(which, []int{2, 3}) && v.typ == Float32 && !v.known() {
		return c.averageAll(out, in, shape)
	}
	attrs := map[string]Attr{"axes": wide(which), "keepdims": int64(0)}
	if keep {
		attrs["keepdims"] = int64(1)
	}
	return c.emit(out, op, []string{in}, attrs, shape, c.values[in].typ)
}

// averageAll makes the mean over rows and columns of a picture a
// GlobalAveragePool, which is what it is.
func (c *call) averageAll(out, in string, shape []int) error {
	dims := c.values[in].dims
	kept, to := []int{dims[0], dims[1], 1, 1}, out
	if len(shape) < 4 {
		to = c.fresh(out + "_kept")
	}
	if err := c.emit(to, "GlobalAveragePool", []string{in}, nil, kept, Float32); err != nil {
		return err
	}
	if to == out {
		return nil
	}
	return c.reshape(out, to, shape)
}

// reduceNorm makes norms of sums.
func (c *call) reduceNorm() error {
	parts := c.fresh(c.output() + "_parts")
	op, in := "Mul", []string{c.in[0], c.in[0]}
	if c.n.Op == "ReduceL1" {
		op, in = "Abs", in[:1]
	}
	if err := c.emit(parts, op, in, nil, slices.Clone(c.dims(0)), c.typ(0)); err != nil {
		return err
	}
	if c.n.Op != "ReduceL2" {
		return c.reduceTo(c.output(), "ReduceSum", parts)
	}
	sum := c.fresh(c.output() + "_sum")
	if err := c.reduceTo(sum, "ReduceSum", parts); err != nil {
		return err
	}
	if to, ok := c.alias[sum]; ok {
		sum = to
	}
	return c.emit(c.output(), "Sqrt", []string{sum}, nil, slices.Clone(c.values[sum].dims), c.typ(0))
}
