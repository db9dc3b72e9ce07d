package graph

import "fmt"

// Type is the type of a tensor's elements. The numbers are those of ONNX's
// TensorProto.DataType.
type Type int

const (
	Float32 Type = 1
	Uint8   Type = 2
	Int8    Type = 3
	Int32   Type = 6
	Int64   Type = 7
	Bool    Type = 9
	Float64 Type = 11
)

func (t Type) String() string {
	switch t {
	case Float32:
		return "float32"
	case Uint8:
		return "uint8"
	case Int8:
		return "int8"
	case Int32:
		return "int32"
	case Int64:
		return "int64"
	case Bool:
		return "bool"
	case Float64:
		return "float64"
	}
	return fmt.Sprintf("type %d", int(t))
}

// Tensor is a constant: a shape and the elements in row-major order in the
// one slice that Type names. A scalar has no Dims and one element. Readers
// turn Float64 into Float32 and Int32 shapes stay Int32.
type Tensor struct {
	Type Type
	Dims []int
	F32  []float32
	I64  []int64
	I32  []int32
	U8   []uint8
	I8   []int8
	Bool []bool
}

// Len returns the number of elements that the shape says.
func (t *Tensor) Len() int { return Size(t.Dims) }

// Size returns the product of the extents.
func Size(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

// Floats returns a float32 tensor of the given numbers and shape.
func Floats(data []float32, dims ...int) *Tensor {
	return &Tensor{Type: Float32, Dims: dims, F32: data}
}

// Ints returns an int64 tensor of the given numbers and shape.
func Ints(data []int64, dims ...int) *Tensor {
	return &Tensor{Type: Int64, Dims: dims, I64: data}
}
