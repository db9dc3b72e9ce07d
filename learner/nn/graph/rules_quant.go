package graph

import "slices"

// quantAxis checks scale and zero point of input 0 and returns the axis of a
// scale per channel, -1 for one scale.
func (c *call) quantAxis() (int, error) {
	if c.n.Int("block_size", 0) != 0 {
		return 0, c.refuse("a scale per block")
	}
	x, scale := c.dims(0), c.dims(1)
	if c.typ(1) != Float32 || c.has(2) && !slices.Equal(c.dims(2), scale) {
		return 0, Corrupt("scale %v %v and a zero point of another shape", c.typ(1), scale)
	}
	if len(scale) == 0 || len(scale) == 1 && scale[0] == 1 {
		return -1, nil
	}
	a, err := axis(c.n.Int("axis", 1), len(x))
	if err != nil {
		return 0, err
	}
	if len(scale) != 1 || scale[0] != x[a] {
		return 0, Corrupt("scale %v of shape %v on axis %d", scale, x, a)
	}
	return a, nil
}

func (c *call) quantize() error {
	a, err := c.quantAxis()
	if err != nil {
		return err
	}
	typ := Uint8
	if c.has(2) {
		typ = c.typ(2)
	} else if to := c.n.Int("output_dtype", 0); to != 0 {
		typ = Type(to)
	}
	if typ != Uint8 && typ != Int8 || c.typ(0) != Float32 {
		return c.refuse("%v quantized as %v", c.typ(0), typ)
	}
	return c.emit(c.output(), "QuantizeLinear", c.in, map[string]Attr{"axis": int64(a)}, slices.Clone(c.dims(0)), typ)
}

func (c *call) dequantize() error {
	a, err := c.quantAxis()
	if err != nil {
		return err
	}
	typ := c.typ(0)
	if typ != Uint8 && typ != Int8 && typ != Int32 || c.has(2) && c.typ(2) != typ {
		return c.refuse("%v dequantized", typ)
	}
	return c.emit(c.output(), "DequantizeLinear", c.in, map[string]Attr{"axis": int64(a)}, slices.Clone(c.dims(0)), Float32)
}
