package main

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

func TestByteCodeFindsTheBytesAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := byteCode{rapid.Float32Range(1e-6, 1e6).Draw(t, "scale"), rapid.Uint8().Draw(t, "zero")}
		for q := range 256 {
			y := float32(q-int(c.zero)) * c.scale
			if got := c.encode(nil, []float32{y}); got[0] != uint8(q) {
				t.Fatalf("%+v: byte %d is %v and then byte %d", c, q, y, got[0])
			}
		}
	})
}

// bytesOut is a network that only turns its input into bytes and back, and
// then what the operator does.
func bytesOut(operator string) *graph.Graph {
	return &graph.Graph{
		Opset:   13,
		Inputs:  []graph.Value{{Name: "x", Type: graph.Float32, Dims: []int{-1, 4}}},
		Outputs: []graph.Value{{Name: "y", Type: graph.Float32}},
		Consts: map[string]*graph.Tensor{
			"scale": graph.Floats([]float32{.5}),
			"zero":  {Type: graph.Uint8, Dims: []int{}, U8: []uint8{7}},
		},
		Nodes: []graph.Node{
			{Op: "QuantizeLinear", Inputs: []string{"x", "scale", "zero"}, Outputs: []string{"q"}},
			{Op: "DequantizeLinear", Inputs: []string{"q", "scale", "zero"}, Outputs: []string{"d"}},
			{Op: operator, Inputs: []string{"d"}, Outputs: []string{"y"}},
		},
	}
}

func TestOutputCode(t *testing.T) {
	for _, operator := range []string{"Identity", "Flatten"} {
		if c, err := outputCode(bytesOut(operator)); err != nil || c != (byteCode{.5, 7}) {
			t.Errorf("%s: %+v, %v", operator, c, err)
		}
	}
	if c, err := outputCode(bytesOut("Exp")); err == nil {
		t.Errorf("numbers after Exp are bytes of %+v", c)
	}
}
