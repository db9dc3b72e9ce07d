package graph

import "slices"

func (c *call) shape() error {
	dims := c.dims(0)
	from, to := c.n.Int("start", 0), c.n.Int("end", int64(len(dims)))
	clamp := func(v int64) int64 {
		if v < 0 {
			v += int64(len(dims))
		}
		return min(max(v, 0), int64(len(dims)))
	}
	from, to = clamp(from), clamp(to)
	part := wide(dims[from:max(from, to)])
	c.define(c.output(), Ints(part, len(part)), false)
	return nil
}

func (c *call) size() error {
	c.define(c.output(), Ints([]int64{int64(Size(c.dims(0)))}), false)
	return nil
}

func (c *call) identity() error {
	c.become(c.output(), c.in[0])
	return nil
}

// dropout is the identity unless the node says that it trains.
func (c *call) dropout() error {
	if c.has(2) {
		training, err := c.number(2, "training mode")
		if err != nil {
			return err
		}
		ratio := float32(0.5)
		if c.has(1) {
			if ratio, err = c.number(1, "ratio"); err != nil {
				return err
			}
		}
		if training != 0 && ratio != 0 {
			return c.refuse("it drops values: export in evaluation mode")
		}
	}
	return c.identity()
}

// reshape makes out a value with the elements of in and another shape.
func (c *call) reshape(out, in string, dims []int) error {
	v := c.values[in]
	if slices.Equal(v.dims, dims) {
		c.become(out, in)
		return nil
	}
	if err := checkDims(dims); err != nil {
		return err
	}
	if Size(v.dims) != Size(dims) {
		return Corrupt("shape %v does not become %v", v.dims, dims)
	}
	shape := c.literal(out+"_shape", Ints(wide(dims), len(dims)))
	return c.emit(out, "Reshape", []string{in, shape}, nil, dims, v.typ)
}

func (c *call) reshaped() error {
	want, err := c.integers(1, "shape")
	if err != nil {
		return err
	}
	if len(want) > maxRank {
		return c.refuse("a shape with %d axes", len(want))
	}
	have := c.dims(0)
	dims, open, rest := make([]int64, len(want)), -1, int64(1)
	for i, d := range want {
		switch {
		case d == -1 && open < 0:
			open = i
			continue
		case d == 0 && c.n.Int("allowzero", 0) == 0:
			if i >= len(have) {
				return Corrupt("shape %v keeps axis %d of %v", want, i, have)
			}
			d = int64(have[i])
		case d < 0 || d > maxElements:
			return Corrupt("shape %v", want)
		}
		dims[i] = d
		if rest *= d; rest > maxElements {
			return Corrupt("shape %v", want)
		}
	}
	if open >= 0 {
		if rest == 0 || int64(Size(have))%rest != 0 {
			return Corrupt("shape %v does not become %v", have, want)
		}
		dims[open] = int64(Size(have)) / rest
	}
	shape, err := narrow(dims)
	if err != nil {
		return err
	}
	return c.reshape(c.output(), c.in[0], shape)
}

func (c *call) flatten() error {
	dims := c.dims(0)
	at := c.n.Int("axis", 1)
	if at < 0 {
		at += int64(len(dims))
	}
	if at < 0 || at > int64(len(dims)) {
		return Corrupt("axis %d of a value with %d axes", c.n.Int("axis", 1), len(dims))
	}
	return c.reshape(c.output(), c.in[0], []int{Size(dims[:at]), Size(dims[at:])})
}

func (c *call) squeeze() error {
	dims := c.dims(0)
	list, given, err := c.list("axes", 1, 13)
	if err != nil {
		return err
	}
	drop, err := axes(list, len(dims))
	if err != nil {
		return err
	}
	out := make([]int, 0, len(dims))
	for i, d := range dims {
		switch chosen := slices.Contains(drop, i); {
		case chosen && d != 1:
			return Corrupt("axis %d of shape %v cannot be dropped", i, dims)
		case chosen || !given && d == 1:
		default:
			out = append(out, d)
		}
	}
	return c.reshape(c.output(), c.in[0], out)
}

func (c *call) unsqueeze() error {
	dims := c.dims(0)
	list, given, err := c.list("axes", 1, 13)
	if err != nil {
		return err
	}
	if !given {
		return Corrupt("its axes are missing")
	}
	if len(list) > maxRank {
		return c.refuse("%d new axes", len(list))
	}
	ones, err := axes(list, len(dims)+len(list))
	if err != nil {
		return err
	}
	out := slices.Clone(dims)
	for _, a := range ones {
		out = slices.Insert(out, a, 1)
	}
	return c.reshape(c.output(), c.in[0], out)
}

func (c *call) transpose() error {
	dims := c.dims(0)
	perm := make([]int64, len(dims))
	for i := range perm {
		perm[i] = int64(len(dims) - 1 - i)
	}
	perm = c.n.Ints("perm", perm)
	if len(perm) != len(dims) {
		return Corrupt("perm %v for a value with %d axes", perm, len(dims))
	}
	out, seen := make([]int, len(dims)), make([]bool, len(dims))
	last, sorted := int64(-1), true
	for i, p := range perm {
		if p < 0 || p >= int64(len(dims)) || seen[p] {
			return Corrupt("perm %v", perm)
		}
		seen[p] = true
		out[i] = dims[p]
		if out[i] != 1 {
			sorted = sorted && p > last
			last = p
		}
	}
	if sorted {
		// Only axes of extent 1 move: the elements stay where they are.
		return c.reshape(c.output(), c.in[0], out)
	}
	return c.emit(c.output(), "Transpose", c.in[:1], map[string]Attr{"perm": slices.Clone(perm)}, out, c.typ(0))
}

func (c *call) expand() error {
	list, err := c.integers(1, "shape")
	if err != nil {
		return err
	}
	shape, err := narrow(list)
	if err != nil {
		return err
	}
	out, err := broadcast(c.dims(0), shape)
	if err != nil {
		return err
	}
	return c.expandTo(c.output(), c.in[0], out)
}

func (c *call) expandTo(out, in string, dims []int) error {
	if slices.Equal(c.values[in].dims, dims) {
		c.become(out, in)
		return nil
	}
	if err := checkDims(dims); err != nil {
		return err
	}
	shape := c.literal(out+"_shape", Ints(wide(dims), len(dims)))
	return c.emit(out, "Expand", []string{in, shape}, nil, dims, c.values[in].typ)
}

func (c *call) tile() error {
	repeats, err := c.integers(1, "repeats")
	if err != nil {
		return err
	}
	dims := c.dims(0)
	if len(repeats) != len(dims) {
		return Corrupt("%d repeats for a value with %d axes", len(repeats), len(dims))
	}
	out, same := make([]int64, len(dims)), true
	for i, r := range repeats {
		if r < 0 || r > maxElements {
			return Corrupt("repeats %v", repeats)
		}
		out[i] = r * int64(dims[i])
		same = same && r == 1
	}
	if same {
		return c.identity()
	}
	shape, err := narrow(out)
	if err != nil {
		return err
	}
	return c.emit(c.output(), "Tile", c.in[:1], map[string]Attr{"repeats": slices.Clone(repeats)}, shape, c.typ(0))
}

func (c *call) concat() error {
	var first []int
	for i, name := range c.in {
		if name == "" {
			return Corrupt("input %d is missing", i)
		}
	}
	first = c.dims(0)
	at, err := axis(c.n.Int("axis", 0), len(first))
	if err != nil {
		return err
	}
	out, sum := slices.Clone(first), int64(0)
	in := make([]string, 0, len(c.in))
	for i, name := range c.in {
		dims := c.dims(i)
		if len(dims) != len(first) || c.typ(i) != c.typ(0) {
			return Corrupt("it joins %v %v and %v %v", c.typ(0), first, c.typ(i), dims)
		}
		for j, d := range dims {
			if j != at && d != first[j] {
				return Corrupt("it joins shapes %v and %v along axis %d", first, dims, at)
			}
		}
		if dims[at] > 0 {
			in = append(in, name)
		}
		if sum += int64(dims[at]); sum > maxElements {
			return c.refuse("the result is too large")
		}
	}
	out[at] = int(sum)
	switch len(in) {
	case 0:
		return c.identity()
	case 1:
		c.become(c.output(), in[0])
		return nil
	}
	return c.emit(c.output(), "Concat", in, map[string]Attr{"axis": int64(at)}, out, c.typ(0))
}

func (c *call) constantOfShape() error {
	list, err := c.integers(0, "shape")
	if err != nil {
		return err
	}
	dims, err := narrow(list)
	if err != nil {
		return err
	}
	fill := scalar(0)
	if a, ok := c.n.Attrs["value"]; ok {
		t, ok := a.(*Tensor)
		if !ok || t == nil || t.check() != nil || t.Len() != 1 {
			return Corrupt("its value is not one element")
		}
		one := *t
		one.Dims = nil
		fill = &one
	}
	return c.expandTo(c.output(), c.literal(c.output()+"_value", fill), dims)
}

// span is Range.
func (c *call) span() error {
	typ := c.typ(0)
	if c.typ(1) != typ || c.typ(2) != typ || typ != Int64 && typ != Int32 && typ != Float32 {
		return c.refuse("a range of %v, %v and %v", typ, c.typ(1), c.typ(2))
	}
	in := make([]*Tensor, 3)
	for i := range in {
		t, err := c.constant(i, "bounds")
		if err != nil {
			return err
		}
		if t.Len() != 1 {
			return Corrupt("a bound of shape %v", t.Dims)
		}
		in[i] = t
	}
	n, err := rangeLength(in[0], in[1], in[2])
	if err != nil {
		return err
	}
	if err := c.budget.take(c.n, []int{n}, typ, 3); err != nil {
		return err
	}
	c.define(c.output(), rangeOf(in[0], in[2], n), false)
	return nil
}
