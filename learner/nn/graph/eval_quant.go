package graph

import "math"

// scales returns scale and zero point of every element along the node's axis:
// element i of the data has number i/inner%count.
func scales(n *Node, in []*Tensor) (scale []float32, zero []int64, inner int) {
	scale, inner = in[1].F32, 1
	zero = make([]int64, len(scale))
	if len(in) > 2 && in[2] != nil {
		zero = toInt64(in[2])
	}
	if a := int(n.Int("axis", -1)); a >= 0 {
		inner = Size(in[0].Dims[a+1:])
	}
	return scale, zero, max(inner, 1)
}

func evalQuantize(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	scale, zero, inner := scales(n, in)
	low, high := int64(0), int64(math.MaxUint8)
	if typ == Int8 {
		low, high = math.MinInt8, math.MaxInt8
	}
	out := make([]int64, Size(dims))
	for i, v := range in[0].F32 {
		k := i / inner % len(scale)
		q := math.RoundToEven(float64(v / scale[k]))
		out[i] = min(max(toInt(math.Min(math.Max(q, -1<<40), 1<<40))+zero[k], low), high)
	}
	return fromInt64(out, typ, dims), nil
}

func evalDequantize(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	scale, zero, inner := scales(n, in)
	out := newTensor(typ, dims)
	for i, v := range toInt64(in[0]) {
		k := i / inner % len(scale)
		out.F32[i] = float32(v-zero[k]) * scale[k]
	}
	return out, nil
}
