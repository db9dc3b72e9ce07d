package graph

import (
	"fmt"
	"math"
	"slices"
)

// call is one node of the original graph while it is brought into normal
// form.
type call struct {
	*specializer
	n  *Node
	in []string // names of the inputs after aliases, empty if absent
}

// rule is how an operator is brought into normal form.
type rule struct {
	least, most int  // number of inputs; the first `least` are not optional
	many        bool // more than its first output may be used
	apply       func(*call) error
}

// has reports whether input i is given.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != "" }

// value returns input i, which must be given.
func (c *call) value(i int) *value { return c.values[c.in[i]] }

// dims returns the extents of input i.
func (c *call) dims(i int) []int { return c.value(i).dims }

// typ returns the type of input i.
func (c *call) typ(i int) Type { return c.value(i).typ }

// output returns the name of the first output.
func (c *call) output() string { return c.n.Outputs[0] }

// refuse returns an UnsupportedError about the node.
func (c *call) refuse(format string, args ...any) error {
	return c.src.Unsupported(c.n, format, args...)
}

// constant returns the elements of input i, which must be known.
func (c *call) constant(i int, what string) (*Tensor, error) {
	if !c.value(i).known() {
		return nil, c.refuse("its %s depend on the data", what)
	}
	return c.force(c.in[i])
}

// integers returns input i as a list of integers, which must be known and of
// at most one axis.
func (c *call) integers(i int, what string) ([]int64, error) {
	t, err := c.constant(i, what)
	if err != nil {
		return nil, err
	}
	if len(t.Dims) > 1 {
		return nil, Corrupt("its %s have shape %v", what, t.Dims)
	}
	switch t.Type {
	case Int64:
		return t.I64, nil
	case Int32:
		return toInt64(t), nil
	}
	return nil, Corrupt("its %s are %v", what, t.Type)
}

// number returns input i as one float, which must be known and one element.
func (c *call) number(i int, what string) (float32, error) {
	t, err := c.constant(i, what)
	if err != nil {
		return 0, err
	}
	if t.Len() != 1 {
		return 0, Corrupt("its %s has shape %v", what, t.Dims)
	}
	switch t.Type {
	case Float32:
		return t.F32[0], nil
	case Bool:
		if t.Bool[0] {
			return 1, nil
		}
		return 0, nil
	}
	n := toInt64(t)[0]
	if f := float32(n); int64(f) == n && math.Abs(float64(f)) < 1<<62 {
		return f, nil
	}
	return 0, c.refuse("its %s %d is no float32", what, n)
}

// list returns the integers that are attribute name up to the opset before
// `from` and input i from there on. The second result is false if they are
// not given.
func (c *call) list(name string, i, from int) ([]int64, bool, error) {
	if c.src.Opset < from {
		v, ok := c.n.Attrs[name].([]int64)
		return v, ok, nil
	}
	if !c.has(i) {
		return nil, false, nil
	}
	v, err := c.integers(i, name)
	return v, err == nil, err
}

// axis returns axis v of a value of the given rank, counted from its first.
func axis(v int64, rank int) (int, error) {
	if v < -int64(rank) || v >= int64(rank) {
		return 0, Corrupt("axis %d of a value with %d axes", v, rank)
	}
	if v < 0 {
		v += int64(rank)
	}
	return int(v), nil
}

// axes is [axis] for several, sorted and without duplicates.
func axes(list []int64, rank int) ([]int, error) {
	out := make([]int, 0, min(len(list), rank))
	for _, v := range list {
		a, err := axis(v, rank)
		if err != nil {
			return nil, err
		}
		if slices.Contains(out, a) {
			return nil, Corrupt("axis %d is given twice", v)
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return out, nil
}

// fresh returns a name that no value has.
func (s *specializer) fresh(base string) string {
	name := base
	for i := 1; s.names[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	s.names[name] = true
	s.made[name] = true
	return name
}

// define makes a constant.
func (s *specializer) define(name string, t *Tensor, trained bool) {
	s.values[name] = &value{dims: t.Dims, typ: t.Type, tensor: t, trained: trained}
}

// literal makes a constant of a new name and returns the name.
func (s *specializer) literal(base string, t *Tensor) string {
	name := s.fresh(base)
	s.define(name, t, false)
	return name
}

// become makes an output another value.
func (c *call) become(out, in string) {
	c.alias[out] = in
}

// scalar returns a constant of one float32 and no axis.
func scalar(v float32) *Tensor { return Floats([]float32{v}) }

// wide returns ints as int64s.
func wide(v []int) []int64 {
	out := make([]int64, len(v))
	for i, d := range v {
		out[i] = int64(d)
	}
	return out
}

// narrow returns extents as ints, or an error if they are no shape.
func narrow(v []int64) ([]int, error) {
	out := make([]int, len(v))
	for i, d := range v {
		if d < 0 || d > maxElements {
			return nil, Corrupt("shape %v", v)
		}
		out[i] = int(d)
	}
	return out, checkDims(out)
}

// broadcast returns the shape that two shapes broadcast to.
func broadcast(a, b []int) ([]int, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	for i, d := range b {
		j := i + len(a) - len(b)
		switch {
		case a[j] == d || d == 1:
		case a[j] == 1:
			out[j] = d
		default:
			return nil, Corrupt("shapes %v and %v do not fit each other", a, b)
		}
	}
	return out, checkDims(out)
}

// fits reports whether shape a broadcasts to shape b.
func fits(a, b []int) bool {
	out, err := broadcast(a, b)
	return err == nil && slices.Equal(out, b)
}
