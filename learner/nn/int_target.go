package nn

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// target is where the result of an operator becomes bytes: at the
// QuantizeLinear that alone reads it, perhaps after a rectifier.
type target struct {
	node   *graph.Node // the QuantizeLinear
	affine q8.Affine
	lo, hi uint8
	passed []int // the nodes in between and itself, which are done with
}

// targetOf returns the target of a node's result, nil if it has none. With
// clips a rectifier may stand in between.
func (b *builder) targetOf(n *graph.Node, clips bool) (*target, error) {
	lo, hi := math.Inf(-1), math.Inf(1)
	t := &target{}
	for value := n.Outputs[0]; ; {
		readers := b.readers[value]
		if len(readers) != 1 || b.uses[value] != 1 {
			return nil, nil
		}
		t.passed = append(t.passed, readers[0])
		m := &b.static.Graph.Nodes[readers[0]]
		switch m.Op {
		case "QuantizeLinear":
			if m.Input(0) != value {
				return nil, nil
			}
			a, err := b.affine(m)
			if err != nil {
				return nil, err
			}
			t.node, t.affine = m, a
			t.lo, t.hi = level(a, lo), level(a, hi)
			return t, nil
		case "Relu":
			lo, hi = max(lo, 0), max(hi, 0)
		case "Clip":
			// Limits are clipped as any number is, so they stay in order
			// where one rectifier's end below another's begin.
			least, most := float64(m.Float("min", float32(math.Inf(-1)))), float64(m.Float("max", float32(math.Inf(1))))
			lo, hi = min(max(lo, least), most), min(max(hi, least), most)
		default:
			return nil, nil
		}
		if !clips {
			return nil, nil
		}
		value = m.Outputs[0]
	}
}

// level returns the byte that is nearest to v.
func level(a q8.Affine, v float64) uint8 {
	return uint8(min(max(math.RoundToEven(v/float64(a.Scale))+float64(a.Zero), 0), 255))
}

// put defines the target's bytes.
func (b *builder) put(t *target, v *value) error {
	for _, i := range t.passed {
		b.done[i] = true
	}
	return b.define(t.node, v)
}

// lowerIntegers lowers a node in integers if its inputs are quantized. It
// reports whether it did.
func (b *builder) lowerIntegers(n *graph.Node) (bool, error) {
	if len(b.readers) == 0 || !b.qdq {
		return false, nil
	}
	if lower, ok := integerLowerings[n.Op]; ok {
		return lower(b, n)
	}
	if _, ok := functionOf(n); ok && b.bytes(n.Input(0)) != nil {
		return b.integerFunction(n)
	}
	return false, nil
}

var integerLowerings map[string]func(b *builder, n *graph.Node) (bool, error)

func init() {
	integerLowerings = map[string]func(b *builder, n *graph.Node) (bool, error){
		"Conv": (*builder).integerConv, "Gemm": (*builder).integerLinear, "MatMul": (*builder).integerLinear, "Linear": (*builder).integerLinear,
		"MaxPool": (*builder).integerMaxPool, "GlobalMaxPool": (*builder).integerMaxPool,
		"AveragePool": (*builder).integerMean, "GlobalAveragePool": (*builder).integerMean,
		"Add": (*builder).integerSum, "Mul": (*builder).integerTimes,
		"Concat": (*builder).integerConcat, "Slice": (*builder).integerSlice, "Gather": (*builder).integerGather,
		"Reshape": (*builder).integerReshape, "Transpose": (*builder).integerTranspose,
	}
}
