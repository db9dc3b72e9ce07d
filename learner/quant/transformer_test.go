package quant

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// TestTransformerBitsGolden runs a block of a transformer with int8 products
// and float32 in between. Its normalisation, attention and GELU keep one
// order of exact operations, so its numbers have the same bits on every
// kernel path and architecture; a change here breaks that for somebody.
func TestTransformerBitsGolden(t *testing.T) {
	g, err := onnx.ReadFile(filepath.Join("..", "nn", "testdata", "attention.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	x := images(3, g, 2)
	h := fnv.New64a()
	for _, v := range pass(t, compiled(t, made(t, g, x, MinMax()), 2, 1), x) {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	const want uint64 = 0xcec68902759c42fa
	if got := h.Sum64(); got != want {
		t.Errorf("checksum %#x, want %#x", got, want)
	}
}
