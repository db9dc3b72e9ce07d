package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
)

// What is read at most, in bytes.
const (
	maxHeader = 100_000_000 // as the format says
	maxFile   = math.MaxInt32
)

// ErrCorrupt is wrapped by errors about bytes that are not a complete,
// consistent file.
var ErrCorrupt = errors.New("corrupt safetensors file (fetch it again or export it anew)")

func corrupt(format string, args ...any) error {
	return fmt.Errorf("weights: %w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

var kinds = map[string]elements.Kind{
	"F64": elements.Float64, "F32": elements.Float32, "F16": elements.Float16, "BF16": elements.BFloat16,
	"I64": elements.Int64, "I32": elements.Int32, "I8": elements.Int8, "U8": elements.Uint8, "BOOL": elements.Bool,
}

// ReadFile is [Read] for a file.
func ReadFile(path string) (tensors map[string]*graph.Tensor, metadata map[string]string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read weights: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("read weights: %s is not a file", path)
	}
	if info.Size() > maxFile {
		return nil, nil, tooLong(info.Size())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("read weights: %w", err)
	}
	return Read(b)
}

func tooLong(length int64) error {
	return &graph.UnsupportedError{Reason: fmt.Sprintf("the weights have %d bytes, more than %d", length, maxFile)}
}

// Read reads the tensors and the metadata of a file. F64, F16 and BF16 become
// float32. No element is NaN. The tensors do not share memory with b, and take
// at most twice its length beside what the header takes.
//
// The error wraps [ErrCorrupt], or is a [*graph.UnsupportedError] for types of
// elements that graphs do not have.
func Read(b []byte) (tensors map[string]*graph.Tensor, metadata map[string]string, err error) {
	if int64(len(b)) > maxFile {
		return nil, nil, tooLong(int64(len(b)))
	}
	if len(b) < 8 {
		return nil, nil, corrupt("%d bytes are no file", len(b))
	}
	length := binary.LittleEndian.Uint64(b)
	if length > maxHeader || length > uint64(len(b)-8) {
		return nil, nil, corrupt("the header has %d bytes in a file of %d", length, len(b))
	}
	text, data := b[8:8+length], b[8+length:]
	entries, metadata, err := parseHeader(text)
	if err != nil {
		return nil, nil, err
	}
	// The tensors must fill the data: what lies between them could hide
	// anything, and what overlaps could take any memory.
	slices.SortFunc(entries, func(x, y entry) int {
		return cmp.Or(cmp.Compare(x.begin, y.begin), cmp.Compare(x.end, y.end), cmp.Compare(x.name, y.name))
	})
	at := int64(0)
	for _, e := range entries {
		if e.begin != at || e.end < e.begin || e.end > int64(len(data)) {
			return nil, nil, corrupt("the tensor %.80q has the bytes %d to %d where %d to at most %d are left", e.name, e.begin, e.end, at, len(data))
		}
		at = e.end
	}
	if at != int64(len(data)) {
		return nil, nil, corrupt("%d bytes at the end are of no tensor", int64(len(data))-at)
	}
	tensors = make(map[string]*graph.Tensor, len(entries))
	for _, e := range entries {
		if tensors[e.name], err = e.tensor(data[e.begin:e.end]); err != nil {
			return nil, nil, err
		}
	}
	return tensors, metadata, nil
}

// tensor reads the numbers of an entry.
func (e *entry) tensor(b []byte) (*graph.Tensor, error) {
	k := kinds[e.dtype]
	if k == 0 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("the weights %.80q are of type %.20q", e.name, e.dtype)}
	}
	dims, count, ok := elements.Shape(e.shape)
	if !ok {
		return nil, corrupt("the tensor %.80q has the shape %v", e.name, e.shape[:min(len(e.shape), 16)])
	}
	if int64(count)*int64(k.Width()) != int64(len(b)) {
		return nil, corrupt("the tensor %.80q of type %s and shape %v has %d bytes", e.name, e.dtype, dims, len(b))
	}
	t := elements.New(k.Type(), dims)
	if err := elements.Put(t, k, 0, b); err != nil {
		return nil, corrupt("the tensor %.80q %v", e.name, err)
	}
	return t, nil
}
