package safetensors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
)

var dtypes = map[graph.Type]string{
	graph.Float32: "F32", graph.Int64: "I64", graph.Int32: "I32", graph.Int8: "I8", graph.Uint8: "U8", graph.Bool: "BOOL",
}

// Marshal returns tensors and metadata as the bytes of a file, in the order of
// their names: the same tensors give the same bytes. It fails if a tensor does
// not fit its shape or has elements that are not numbers.
func Marshal(tensors map[string]*graph.Tensor, metadata map[string]string) ([]byte, error) {
	type entry struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	header := map[string]any{} // whose keys are written in order
	if len(metadata) > 0 {
		header[metadataKey] = metadata
	}
	// Wider elements come first, so that all are aligned in a mapped file.
	names := slices.SortedStableFunc(slices.Values(slices.Sorted(maps.Keys(tensors))), func(a, b string) int {
		return width(tensors[b]) - width(tensors[a])
	})
	at := int64(0)
	for _, name := range names {
		t := tensors[name]
		if name == metadataKey || t == nil || dtypes[t.Type] == "" {
			return nil, fmt.Errorf("write weights: %q cannot be a tensor of such a file", name)
		}
		end := at + elements.Size(t)
		header[name] = entry{dtypes[t.Type], append([]int{}, t.Dims...), [2]int64{at, end}}
		at = end
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, fmt.Errorf("write weights: %w", err)
	}
	for len(text)%8 != 0 {
		text = append(text, ' ')
	}
	if length := 8 + int64(len(text)) + at; len(text) > maxHeader || length > maxFile {
		return nil, fmt.Errorf("write weights: %w", tooLong(length))
	}
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+int64(len(text))+at), uint64(len(text)))
	b = append(b, text...)
	for _, name := range names {
		if b, err = elements.Append(b, tensors[name]); err != nil {
			return nil, fmt.Errorf("write weights: the tensor %q of shape %v %w", name, tensors[name].Dims, err)
		}
	}
	return b, nil
}

// width returns the bytes of one element.
func width(t *graph.Tensor) int {
	if t == nil {
		return 0
	}
	switch t.Type {
	case graph.Int64:
		return 8
	case graph.Float32, graph.Int32:
		return 4
	}
	return 1
}
