package graph

import (
	"math"
	"slices"
)

// evalReduce folds axes in the order of the elements.
func evalReduce(n *Node, in []*Tensor, dims []int, typ Type) (*Tensor, error) {
	t, out := in[0], newTensor(typ, dims)
	// The result as a value with all axes, those folded with stride 0.
	kept, count := slices.Clone(t.Dims), 1
	for _, a := range n.Ints("axes", nil) {
		count *= kept[a]
		kept[a] = 1
	}
	to := stretched(kept, t.Dims)
	place := make([]int64, t.Len())
	if len(place) == 0 {
		return evalReduceNothing(n, out), nil
	}
	// The place in the result of every element, laid out by one move.
	numbers := make([]int64, Size(kept))
	for i := range numbers {
		numbers[i] = int64(i)
	}
	moveOf(place, rowMajor(t.Dims), numbers, to, t.Dims)

	first := make([]bool, len(numbers))
	if typ == Float32 {
		sum := make([]float64, len(numbers))
		for i, p := range place {
			sum[p] = reduceStep(n.Op, sum[p], float64(t.F32[i]), !first[p])
			first[p] = true
		}
		for i, v := range sum {
			if n.Op == "ReduceMean" {
				v /= float64(count)
			}
			out.F32[i] = float32(v)
		}
		return out, nil
	}
	sum, v := make([]int64, len(numbers)), toInt64(t)
	for i, p := range place {
		sum[p] = reduceStep(n.Op, sum[p], v[i], !first[p])
		first[p] = true
	}
	if n.Op == "ReduceMean" {
		for i := range sum {
			sum[i] /= int64(count)
		}
	}
	return fromInt64(sum, typ, dims), nil
}

// evalReduceNothing is a sum or product of no element.
func evalReduceNothing(n *Node, out *Tensor) *Tensor {
	if n.Op != "ReduceProd" {
		return out
	}
	if out.Type == Float32 {
		return expanded(scalar(1), out.Dims, out)
	}
	return expanded(fromInt64([]int64{1}, out.Type, nil), out.Dims, out)
}

func reduceStep[T float64 | int64](op string, so, v T, first bool) T {
	switch {
	case first:
		return v
	case op == "ReduceMax":
		return max(so, v)
	case op == "ReduceMin":
		return min(so, v)
	case op == "ReduceProd":
		return so * v
	}
	return so + v
}

// rangeLength returns how many elements Range has.
func rangeLength(start, limit, delta *Tensor) (int, error) {
	var n float64
	if start.Type == Float32 {
		n = math.Ceil((float64(limit.F32[0]) - float64(start.F32[0])) / float64(delta.F32[0]))
	} else {
		a, b, d := toInt64(start)[0], toInt64(limit)[0], toInt64(delta)[0]
		const most = 1 << 52
		if d == 0 || max(a, b, d) > most || min(a, b, d) < -most {
			return 0, Corrupt("a range from %d to %d by %d", a, b, d)
		}
		n = math.Ceil(float64(b-a) / float64(d))
	}
	if n != n || n > maxElements {
		return 0, Corrupt("a range of %g elements", n)
	}
	return int(max(n, 0)), nil
}

func rangeOf(start, delta *Tensor, n int) *Tensor {
	if start.Type == Float32 {
		out := newTensor(Float32, []int{n})
		for i := range out.F32 {
			out.F32[i] = start.F32[0] + float32(float32(i)*delta.F32[0])
		}
		return out
	}
	a, d := toInt64(start)[0], toInt64(delta)[0]
	out := make([]int64, n)
	for i := range out {
		out[i] = a + int64(i)*d
	}
	return fromInt64(out, start.Type, []int{n})
}
