package main

import (
	"errors"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// byteCode says what the bytes of a quantized value stand for: the byte q for
// the number (q - zero) * scale.
type byteCode struct {
	scale float32
	zero  uint8
}

// outputCode returns the code of what a quantized network puts out. It is an
// error if that is not made of bytes, or of bytes with several scales.
func outputCode(g *graph.Graph) (byteCode, error) {
	static, err := specialized(g, max(1, g.Inputs[0].Dims[0]), graph.Options{KeepQDQ: true})
	if err != nil {
		return byteCode{}, err
	}
	s, makers := static.Graph, static.Graph.Makers()
	value := s.Outputs[0].Name
	for {
		i, ok := makers[value]
		if !ok {
			break
		}
		n := &s.Nodes[i]
		if n.Op == "DequantizeLinear" {
			return codeOf(s, n)
		}
		// These only move numbers, or choose among them.
		if !slices.Contains([]string{"Reshape", "Transpose", "Slice", "Identity", "MaxPool", "GlobalMaxPool"}, n.Op) {
			break
		}
		value = n.Inputs[0]
	}
	return byteCode{}, errors.New("what it puts out is computed in float32: leave --raw out")
}

// codeOf returns the code of a DequantizeLinear.
func codeOf(g *graph.Graph, n *graph.Node) (byteCode, error) {
	scale, zero := g.Consts[n.Input(1)], g.Consts[n.Input(2)]
	if scale == nil || len(scale.F32) != 1 || !(scale.F32[0] > 0) {
		return byteCode{}, errors.New("what it puts out has no scale of its own: leave --raw out")
	}
	c := byteCode{scale: scale.F32[0]}
	if zero != nil {
		if len(zero.U8) != 1 {
			return byteCode{}, errors.New("what it puts out is not unsigned bytes: leave --raw out")
		}
		c.zero = zero.U8[0]
	}
	return c, nil
}

// encode appends the bytes that stand for numbers which came of bytes.
func (c byteCode) encode(to []uint8, y []float32) []uint8 {
	for _, v := range y {
		q := math.RoundToEven(float64(v)/float64(c.scale)) + float64(c.zero)
		to = append(to, uint8(min(max(q, 0), math.MaxUint8)))
	}
	return to
}
