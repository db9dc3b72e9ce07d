package graph

import "slices"

// view is a way through a slice: element i0,i1,... is at
// from + i0*strides[0] + i1*strides[1] + ...
type view struct {
	from    int
	strides []int
}

// rowMajor returns the view of a whole tensor.
func rowMajor(dims []int) view {
	v := view{strides: make([]int, len(dims))}
	step := 1
	for i := len(dims) - 1; i >= 0; i-- {
		v.strides[i] = step
		step *= dims[i]
	}
	return v
}

// stretched returns the view by which a tensor of extents from appears as
// one of extents to, to which it broadcasts.
func stretched(from, to []int) view {
	whole, off := rowMajor(from), len(to)-len(from)
	v := view{strides: make([]int, len(to))}
	for i, d := range from {
		if d != 1 {
			v.strides[off+i] = whole.strides[i]
		}
	}
	return v
}

// move copies elements of the extents dims from one view to another. Both
// tensors are of one type.
func move(dst *Tensor, dv view, src *Tensor, sv view, dims []int) {
	switch dst.Type {
	case Float32:
		moveOf(dst.F32, dv, src.F32, sv, dims)
	case Uint8:
		moveOf(dst.U8, dv, src.U8, sv, dims)
	case Int8:
		moveOf(dst.I8, dv, src.I8, sv, dims)
	case Int32:
		moveOf(dst.I32, dv, src.I32, sv, dims)
	case Int64:
		moveOf(dst.I64, dv, src.I64, sv, dims)
	case Bool:
		moveOf(dst.Bool, dv, src.Bool, sv, dims)
	}
}

func moveOf[T any](dst []T, dv view, src []T, sv view, dims []int) {
	if Size(dims) == 0 {
		return
	}
	if len(dims) == 0 {
		dst[dv.from] = src[sv.from]
		return
	}
	last := len(dims) - 1
	n, ds, ss := dims[last], dv.strides[last], sv.strides[last]
	at, d, s := make([]int, last), dv.from, sv.from
	for {
		if ds == 1 && ss == 1 {
			copy(dst[d:d+n], src[s:s+n])
		} else {
			for i := range n {
				dst[d+i*ds] = src[s+i*ss]
			}
		}
		a := last - 1
		for ; a >= 0; a-- {
			at[a]++
			d, s = d+dv.strides[a], s+sv.strides[a]
			if at[a] < dims[a] {
				break
			}
			d, s = d-dims[a]*dv.strides[a], s-dims[a]*sv.strides[a]
			at[a] = 0
		}
		if a < 0 {
			return
		}
	}
}

func evalTranspose(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	whole, out := rowMajor(in[0].Dims), newTensor(typ, dims)
	v := view{strides: make([]int, len(dims))}
	for i, p := range n.Ints("perm", nil) {
		v.strides[i] = whole.strides[p]
	}
	move(out, rowMajor(dims), in[0], v, dims)
	return out, nil
}

func evalExpand(_ *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	return expanded(in[0], dims, newTensor(typ, dims)), nil
}

// expanded fills out, of extents dims, with a tensor that broadcasts to them.
func expanded(t *Tensor, dims []int, out *Tensor) *Tensor {
	move(out, rowMajor(dims), t, stretched(t.Dims, dims), dims)
	return out
}

// grown is expanded, or the tensor itself if it has the extents.
func grown(t *Tensor, dims []int) *Tensor {
	if slices.Equal(t.Dims, dims) {
		return t
	}
	return expanded(t, dims, newTensor(t.Type, dims))
}

func evalTile(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	// Every axis is two: the repeats, and the elements.
	src, dst, out := rowMajor(in[0].Dims), rowMajor(dims), newTensor(typ, dims)
	var from, to view
	var both []int
	for i, r := range n.Ints("repeats", nil) {
		both = append(both, int(r), in[0].Dims[i])
		from.strides = append(from.strides, 0, src.strides[i])
		to.strides = append(to.strides, in[0].Dims[i]*dst.strides[i], dst.strides[i])
	}
	move(out, to, in[0], from, both)
	return out, nil
}

func evalConcat(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	at, out, v := int(n.Int("axis", 0)), newTensor(typ, dims), rowMajor(dims)
	for _, t := range in {
		move(out, v, t, rowMajor(t.Dims), t.Dims)
		v.from += t.Dims[at] * v.strides[at]
	}
	return out, nil
}

func evalSlice(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	out, v := newTensor(typ, dims), rowMajor(in[0].Dims)
	if Size(dims) == 0 {
		return out, nil
	}
	starts, steps := n.Ints("starts", nil), n.Ints("steps", nil)
	for i, a := range n.Ints("axes", nil) {
		v.from += int(starts[i]) * v.strides[a]
		if dims[a] > 1 {
			v.strides[a] *= int(steps[i])
		}
	}
	move(out, rowMajor(dims), in[0], v, dims)
	return out, nil
}

// take returns the elements of t whose place on axis at is one of index.
func take(t *Tensor, at int, index []int64, dims []int) *Tensor {
	out := newTensor(t.Type, dims)
	outer, inner, d := Size(t.Dims[:at]), Size(t.Dims[at+1:]), t.Dims[at]
	n := len(index)
	src, dst := view{strides: []int{d * inner, 1}}, view{strides: []int{n * inner, 1}}
	for i, v := range index {
		src.from, dst.from = int(v)*inner, i*inner
		move(out, dst, t, src, []int{outer, inner})
	}
	return out
}

func evalGather(n *Node, in []*Tensor, dims []int, _ Type) (*Tensor, error) {
	return take(in[0], int(n.Int("axis", 0)), in[1].I64, dims), nil
}

func evalScatterND(_ *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	data, index, updates := in[0], in[1], in[2]
	out, whole := newTensor(typ, dims), rowMajor(dims)
	move(out, whole, data, whole, dims)
	k := index.Dims[len(index.Dims)-1]
	block := Size(dims[k:])
	for i := range Size(index.Dims[:len(index.Dims)-1]) {
		at := 0
		for j, v := range index.I64[i*k : (i+1)*k] {
			if v < 0 {
				v += int64(dims[j])
			}
			at += int(v) * whole.strides[j]
		}
		one := []int{1}
		move(out, view{at, one}, updates, view{i * block, one}, []int{block})
	}
	return out, nil
}

func evalPad(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	t, pads := in[0], n.Ints("pads", nil)
	if mode := n.Text("mode", ""); mode != "constant" {
		for a := range dims {
			index := make([]int64, dims[a])
			for i := range index {
				index[i] = mirror(int64(i)-pads[a], int64(t.Dims[a]), mode == "reflect")
			}
			now := slices.Clone(t.Dims)
			now[a] = dims[a]
			t = take(t, a, index, now)
		}
		return t, nil
	}
	fill := n.Float("value", 0)
	one := scalar(fill)
	if typ == Bool {
		one = &Tensor{Type: Bool, Bool: []bool{fill != 0}}
	} else if typ != Float32 {
		one = fromInt64([]int64{toInt(float64(fill))}, typ, nil)
	}
	out, v := expanded(one, dims, newTensor(typ, dims)), rowMajor(dims)
	for a := range dims {
		v.from += int(pads[a]) * v.strides[a]
	}
	move(out, v, t, rowMajor(t.Dims), t.Dims)
	return out, nil
}

// mirror brings place i onto an axis of extent d.
func mirror(i, d int64, reflect bool) int64 {
	switch {
	case i < 0 && reflect:
		i = -i
	case i >= d && reflect:
		i = 2*(d-1) - i
	}
	return min(max(i, 0), d-1)
}

func evalWhere(_ *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	out := expanded(in[2], dims, newTensor(typ, dims))
	yes, mask := grown(in[1], dims), grown(in[0], dims).Bool
	one := []int{1}
	for i := 0; i < len(mask); i++ {
		from := i
		for i < len(mask) && mask[i] {
			i++
		}
		if i > from {
			move(out, view{from, one}, yes, view{from, one}, []int{i - from})
		}
	}
	return out, nil
}
