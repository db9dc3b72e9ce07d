package graph

import (
	"math"
	"slices"
)

// defaults are the attributes of operators with one input that have any.
var defaults = map[string]map[string]float32{
	"LeakyRelu":   {"alpha": 0.01},
	"Elu":         {"alpha": 1},
	"Selu":        {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875},
	"HardSigmoid": {"alpha": 0.2, "beta": 0.5},
}

func (c *call) unary() error {
	if t := c.typ(0); t == Bool || t != Float32 && c.n.Op != "Neg" && c.n.Op != "Abs" && c.n.Op != "Sign" && c.n.Op != "Relu" {
		return Corrupt("its input is %v", t)
	}
	attrs := map[string]Attr{}
	for name, absent := range defaults[c.n.Op] {
		attrs[name] = c.n.Float(name, absent)
	}
	return c.emit(c.output(), c.n.Op, c.in[:1], attrs, slices.Clone(c.dims(0)), c.typ(0))
}

func (c *call) gelu() error {
	mode := c.n.Text("approximate", "none")
	if mode != "none" && mode != "tanh" {
		return c.refuse("approximate %.40q", mode)
	}
	if c.typ(0) != Float32 {
		return Corrupt("its input is %v", c.typ(0))
	}
	return c.emit(c.output(), "Gelu", c.in[:1], map[string]Attr{"approximate": mode}, slices.Clone(c.dims(0)), Float32)
}

// pair returns the shape that two inputs of one type broadcast to.
func (c *call) pair() ([]int, error) {
	if c.typ(0) != c.typ(1) {
		return nil, Corrupt("its inputs are %v and %v", c.typ(0), c.typ(1))
	}
	return broadcast(c.dims(0), c.dims(1))
}

func (c *call) binary() error {
	dims, err := c.pair()
	if err != nil {
		return err
	}
	if c.typ(0) == Bool {
		return Corrupt("its inputs are bool")
	}
	return c.emit(c.output(), c.n.Op, c.in, nil, dims, c.typ(0))
}

func (c *call) mod() error {
	dims, err := c.pair()
	if err != nil {
		return err
	}
	fmod := min(1, max(0, c.n.Int("fmod", 0)))
	if c.typ(0) == Bool || c.typ(0) == Float32 && fmod == 0 {
		return Corrupt("its inputs are %v", c.typ(0))
	}
	return c.emit(c.output(), "Mod", c.in, map[string]Attr{"fmod": fmod}, dims, c.typ(0))
}

// pow has a scalar exponent as an attribute, or two inputs.
func (c *call) pow() error {
	dims, err := broadcast(c.dims(0), c.dims(1))
	if err != nil {
		return err
	}
	if c.typ(0) == Bool || c.typ(1) == Bool {
		return Corrupt("its inputs are %v and %v", c.typ(0), c.typ(1))
	}
	if c.value(1).known() && Size(c.dims(1)) == 1 && slices.Equal(dims, c.dims(0)) {
		e, err := c.number(1, "exponent")
		if err != nil {
			return err
		}
		if e == 1 {
			return c.identity()
		}
		return c.emit(c.output(), "Pow", c.in[:1], map[string]Attr{"exponent": e}, dims, c.typ(0))
	}
	if c.typ(0) != c.typ(1) {
		return c.refuse("a power of %v and %v", c.typ(0), c.typ(1))
	}
	return c.emit(c.output(), "Pow", c.in, nil, dims, c.typ(0))
}

// variadic chains Max, Min and Sum in twos.
func (c *call) variadic() error {
	op := c.n.Op
	if op == "Sum" {
		op = "Add"
	}
	for i, name := range c.in {
		if name == "" {
			return Corrupt("input %d is missing", i)
		}
		if c.typ(i) != c.typ(0) || c.typ(i) == Bool {
			return Corrupt("its inputs are %v and %v", c.typ(0), c.typ(i))
		}
	}
	if len(c.in) == 1 {
		return c.identity()
	}
	so, dims := c.in[0], c.dims(0)
	for i, name := range c.in[1:] {
		shape, err := broadcast(dims, c.dims(i+1))
		if err != nil {
			return err
		}
		out := c.output()
		if i+2 < len(c.in) {
			out = c.fresh(c.output() + "_part")
		}
		if err := c.emit(out, op, []string{so, name}, nil, shape, c.typ(0)); err != nil {
			return err
		}
		so, dims = out, shape
	}
	return nil
}

func (c *call) pRelu() error {
	if c.typ(0) != Float32 || c.typ(1) != Float32 || !fits(c.dims(1), c.dims(0)) {
		return Corrupt("slopes %v %v for %v %v", c.typ(1), c.dims(1), c.typ(0), c.dims(0))
	}
	return c.emit(c.output(), "PRelu", c.in, nil, slices.Clone(c.dims(0)), Float32)
}

func (c *call) compare() error {
	dims, err := c.pair()
	if err != nil {
		return err
	}
	if c.typ(0) == Bool && c.n.Op != "Equal" {
		return Corrupt("its inputs are bool")
	}
	return c.emit(c.output(), c.n.Op, c.in, nil, dims, Bool)
}

// logic is And, Or, Xor and Not.
func (c *call) logic() error {
	dims := slices.Clone(c.dims(0))
	for i := range c.in {
		if c.typ(i) != Bool {
			return Corrupt("its inputs are %v", c.typ(i))
		}
		both, err := broadcast(dims, c.dims(i))
		if err != nil {
			return err
		}
		dims = both
	}
	return c.emit(c.output(), c.n.Op, c.in, nil, dims, Bool)
}

func (c *call) where() error {
	if c.typ(0) != Bool || c.typ(1) != c.typ(2) {
		return Corrupt("its inputs are %v, %v and %v", c.typ(0), c.typ(1), c.typ(2))
	}
	dims, err := broadcast(c.dims(1), c.dims(2))
	if err != nil {
		return err
	}
	if dims, err = broadcast(dims, c.dims(0)); err != nil {
		return err
	}
	return c.emit(c.output(), "Where", c.in, nil, dims, c.typ(1))
}

func (c *call) clip() error {
	if c.typ(0) == Bool {
		return Corrupt("its input is bool")
	}
	low, high := c.n.Float("min", float32(math.Inf(-1))), c.n.Float("max", float32(math.Inf(1)))
	if c.src.Opset >= 11 {
		low, high = float32(math.Inf(-1)), float32(math.Inf(1))
		for i, to := range []*float32{nil, &low, &high} {
			if i == 0 || !c.has(i) {
				continue
			}
			if c.typ(i) != c.typ(0) {
				return Corrupt("bounds of %v for %v", c.typ(i), c.typ(0))
			}
			v, err := c.number(i, "bounds")
			if err != nil {
				return err
			}
			*to = v
		}
	}
	if low != low || high != high {
		return Corrupt("a bound that is not a number")
	}
	low = min(low, high)
	return c.emit(c.output(), "Clip", c.in[:1], map[string]Attr{"min": low, "max": high}, slices.Clone(c.dims(0)), c.typ(0))
}

func (c *call) cast() error {
	to := Type(c.n.Int("to", 0))
	if to == Float64 {
		to = Float32 // all floats are of 32 bits here
	}
	if !to.known() {
		return c.refuse("a cast to %v", to)
	}
	if to == c.typ(0) {
		return c.identity()
	}
	return c.emit(c.output(), "Cast", c.in[:1], map[string]Attr{"to": int64(to)}, slices.Clone(c.dims(0)), to)
}
