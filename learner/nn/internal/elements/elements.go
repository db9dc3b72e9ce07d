// Package elements turns the bytes that files keep tensors in, little-endian
// and in row-major order, into the slices of a tensor and back.
package elements

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Kind is how a file keeps an element.
type Kind int

// The kinds that can be read. The floats all become float32: float64 is
// rounded, and what is finite stays finite.
const (
	Float64 Kind = 1 + iota
	Float32
	Float16
	BFloat16
	Int64
	Int32
	Int8
	Uint8
	Bool
)

var (
	// ErrNaN says that an element is not a number.
	ErrNaN = errors.New("has elements that are not numbers (NaN)")

	// ErrRange says that an element is none of its type.
	ErrRange = errors.New("has elements outside its type")
)

// Width returns the bytes of one element.
func (k Kind) Width() int {
	switch k {
	case Float64, Int64:
		return 8
	case Float32, Int32:
		return 4
	case Float16, BFloat16:
		return 2
	}
	return 1
}

// Type returns the type of the tensor that the elements become.
func (k Kind) Type() graph.Type {
	switch k {
	case Int64:
		return graph.Int64
	case Int32:
		return graph.Int32
	case Int8:
		return graph.Int8
	case Uint8:
		return graph.Uint8
	case Bool:
		return graph.Bool
	}
	return graph.Float32
}

// Shape returns the extents and their product. It fails if an extent is
// negative, or the product more than 2^31-1 even without the extents that are
// 0: then nobody has to care in which order it is taken.
func Shape(extents []int64) (dims []int, count int, ok bool) {
	n := int64(1)
	for _, d := range extents {
		if d < 0 || max(d, 1) > math.MaxInt32/n {
			return nil, 0, false
		}
		n *= max(d, 1)
	}
	dims = make([]int, len(extents))
	for i, d := range extents {
		dims[i] = int(d)
	}
	return dims, graph.Size(dims), true
}

// New returns a tensor of zeros of that shape and type.
func New(t graph.Type, dims []int) *graph.Tensor {
	x, n := &graph.Tensor{Type: t, Dims: dims}, graph.Size(dims)
	switch t {
	case graph.Float32:
		x.F32 = make([]float32, n)
	case graph.Int64:
		x.I64 = make([]int64, n)
	case graph.Int32:
		x.I32 = make([]int32, n)
	case graph.Uint8:
		x.U8 = make([]uint8, n)
	case graph.Int8:
		x.I8 = make([]int8, n)
	case graph.Bool:
		x.Bool = make([]bool, n)
	}
	return x
}

// Put stores whole elements of a kind into a tensor of its type, from element
// at on. It returns [ErrNaN] or [ErrRange] if one of them is wrong; after
// ErrNaN all are stored.
func Put(t *graph.Tensor, k Kind, at int, b []byte) error {
	n := len(b) / k.Width()
	switch k {
	case Int64:
		for i := range n {
			t.I64[at+i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	case Int32:
		for i := range n {
			t.I32[at+i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case Uint8:
		copy(t.U8[at:], b)
	case Int8:
		for i, v := range b {
			t.I8[at+i] = int8(v)
		}
	case Bool:
		for i, v := range b {
			if v > 1 {
				return ErrRange
			}
			t.Bool[at+i] = v == 1
		}
	default:
		x := t.F32[at : at+n]
		putFloats(x, k, b)
		if slices.ContainsFunc(x, IsNaN) {
			return ErrNaN
		}
	}
	return nil
}

func putFloats(x []float32, k Kind, b []byte) {
	switch k {
	case Float32:
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	case Float64:
		for i := range x {
			x[i] = Round(math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:])))
		}
	case Float16:
		for i := range x {
			x[i] = half(binary.LittleEndian.Uint16(b[2*i:]))
		}
	case BFloat16:
		for i := range x {
			x[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(b[2*i:])) << 16)
		}
	}
}

// IsNaN reports whether v is not a number.
func IsNaN(v float32) bool { return v != v }

// Round returns the float32 next to v that is finite if v is.
func Round(v float64) float32 {
	if math.IsInf(v, 0) || v != v {
		return float32(v)
	}
	return float32(min(max(v, -math.MaxFloat32), math.MaxFloat32))
}

// half returns the value of a float16: 1 bit of sign, 5 of exponent, 10 of
// fraction.
func half(h uint16) float32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10&31), uint32(h&1023)
	switch exponent {
	case 0: // a multiple of 2^-24, which float32 has exactly
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-24))
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// Size returns the bytes of a tensor's elements in a file.
func Size(t *graph.Tensor) int64 {
	return 4*int64(len(t.F32)+len(t.I32)) + 8*int64(len(t.I64)) + int64(len(t.U8)+len(t.I8)+len(t.Bool))
}

// Append appends the elements of a tensor to b. It fails with [ErrRange] if
// their number is not that of the shape or their type has no slice, and with
// [ErrNaN] if one is not a number.
func Append(b []byte, t *graph.Tensor) ([]byte, error) {
	var stored int
	switch t.Type {
	case graph.Float32:
		stored = len(t.F32)
		if slices.ContainsFunc(t.F32, IsNaN) {
			return b, ErrNaN
		}
		for _, v := range t.F32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	case graph.Int64:
		stored = len(t.I64)
		for _, v := range t.I64 {
			b = binary.LittleEndian.AppendUint64(b, uint64(v))
		}
	case graph.Int32:
		stored = len(t.I32)
		for _, v := range t.I32 {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	case graph.Uint8:
		stored = len(t.U8)
		b = append(b, t.U8...)
	case graph.Int8:
		stored = len(t.I8)
		for _, v := range t.I8 {
			b = append(b, byte(v))
		}
	case graph.Bool:
		stored = len(t.Bool)
		for _, v := range t.Bool {
			if v {
				b = append(b, 1)
			} else {
				b = append(b, 0)
			}
		}
	default:
		return b, ErrRange
	}
	if stored != t.Len() {
		return b, ErrRange
	}
	return b, nil
}
