package graph

import "slices"

func (c *call) gemm() error {
	a, b := c.dims(0), c.dims(1)
	if len(a) != 2 || len(b) != 2 || c.typ(0) != Float32 || c.typ(1) != Float32 {
		return Corrupt("a product of %v %v and %v %v", c.typ(0), a, c.typ(1), b)
	}
	transA, transB := min(1, max(0, c.n.Int("transA", 0))), min(1, max(0, c.n.Int("transB", 0)))
	m, k := a[transA], a[1-transA]
	if k != b[transB] {
		return Corrupt("a product of shapes %v and %v", a, b)
	}
	out := []int{m, b[1-transB]}
	in := c.in[:2]
	if c.has(2) {
		if c.typ(2) != Float32 || !fits(c.dims(2), out) {
			return Corrupt("shape %v added to %v", c.dims(2), out)
		}
		in = c.in
	}
	attrs := map[string]Attr{
		"transA": transA, "transB": transB,
		"alpha": c.n.Float("alpha", 1), "beta": c.n.Float("beta", 1),
	}
	return c.emit(c.output(), "Gemm", in, attrs, out, Float32)
}

// matMul gives operands of one axis a second one and takes it away from the
// result.
func (c *call) matMul() error {
	a, b := c.dims(0), c.dims(1)
	if len(a) == 0 || len(b) == 0 || c.typ(0) != Float32 || c.typ(1) != Float32 {
		return Corrupt("a product of %v %v and %v %v", c.typ(0), a, c.typ(1), b)
	}
	in := slices.Clone(c.in)
	if len(a) == 1 {
		a = []int{1, a[0]}
		in[0] = c.fresh(c.output() + "_row")
		if err := c.reshape(in[0], c.in[0], a); err != nil {
			return err
		}
	}
	if len(b) == 1 {
		b = []int{b[0], 1}
		in[1] = c.fresh(c.output() + "_column")
		if err := c.reshape(in[1], c.in[1], b); err != nil {
			return err
		}
	}
	m, k, n := a[len(a)-2], a[len(a)-1], b[len(b)-1]
	if k != b[len(b)-2] {
		return Corrupt("a product of shapes %v and %v", a, b)
	}
	batch, err := broadcast(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return err
	}
	full := append(slices.Clone(batch), m, n)
	if len(c.dims(0)) > 1 && len(c.dims(1)) > 1 {
		return c.emit(c.output(), "MatMul", in, nil, full, Float32)
	}
	out := c.fresh(c.output() + "_matrix")
	if err := c.emit(out, "MatMul", in, nil, full, Float32); err != nil {
		return err
	}
	short := batch
	if len(c.dims(0)) > 1 {
		short = append(short, m)
	}
	if len(c.dims(1)) > 1 {
		short = append(short, n)
	}
	return c.reshape(c.output(), out, short)
}

func (c *call) batchNorm() error {
	x := c.dims(0)
	if c.n.Int("training_mode", 0) != 0 || c.n.Int("spatial", 1) != 1 {
		return c.refuse("it normalizes by the batch: export in evaluation mode")
	}
	if len(x) < 2 || c.typ(0) != Float32 {
		return Corrupt("normalization of %v %v", c.typ(0), x)
	}
	for i := 1; i < 5; i++ {
		if c.typ(i) != Float32 || !slices.Equal(c.dims(i), x[1:2]) {
			return Corrupt("input %d has shape %v, the data %v", i, c.dims(i), x)
		}
	}
	attrs := map[string]Attr{"epsilon": c.n.Float("epsilon", 1e-5)}
	return c.emit(c.output(), "BatchNormalization", c.in, attrs, slices.Clone(x), Float32)
}

func (c *call) layerNorm() error {
	x := c.dims(0)
	at, err := axis(c.n.Int("axis", -1), len(x))
	if err != nil {
		return err
	}
	in := c.in[:2]
	if c.has(2) {
		in = c.in
	}
	for i := range in {
		if c.typ(i) != Float32 {
			return Corrupt("input %d is %v", i, c.typ(i))
		}
		if i > 0 && !slices.Equal(c.dims(i), x[at:]) {
			return c.refuse("scale or bias of shape %v for data of shape %v from axis %d", c.dims(i), x, at)
		}
	}
	attrs := map[string]Attr{"axis": int64(at), "epsilon": c.n.Float("epsilon", 1e-5)}
	return c.emit(c.output(), "LayerNormalization", in, attrs, slices.Clone(x), Float32)
}

// softmax runs along one axis. Before opset 13 it runs over all axes from
// `axis` on as if they were one.
func (c *call) softmax() error {
	x := c.dims(0)
	if len(x) == 0 || c.typ(0) != Float32 {
		return Corrupt("softmax of %v %v", c.typ(0), x)
	}
	absent := int64(-1)
	if c.src.Opset < 13 {
		absent = 1
		if len(x) == 1 {
			absent = 0
		}
	}
	at, err := axis(c.n.Int("axis", absent), len(x))
	if err != nil {
		return err
	}
	if c.src.Opset >= 13 || Size(x[at+1:]) == 1 {
		return c.emit(c.output(), c.n.Op, c.in[:1], map[string]Attr{"axis": int64(at)}, slices.Clone(x), Float32)
	}
	flat := []int{Size(x[:at]), Size(x[at:])}
	in, out := c.fresh(c.output()+"_flat"), c.fresh(c.output()+"_rows")
	if err := c.reshape(in, c.in[0], flat); err != nil {
		return err
	}
	if to, ok := c.alias[in]; ok {
		in = to
	}
	if err := c.emit(out, c.n.Op, []string{in}, map[string]Attr{"axis": int64(1)}, flat, Float32); err != nil {
		return err
	}
	return c.reshape(c.output(), out, slices.Clone(x))
}
