package graph

import "math"

// What a graph may ask for. Whatever the file says, the work and memory of
// Specialize stay within a multiple of the file's own constants.
const (
	// maxElements is the size of one value. It fits an int of 32 bits.
	maxElements = math.MaxInt32
	// maxRank is the number of axes of one value.
	maxRank = 16
	// maxOutputs is the number of a graph's outputs.
	maxOutputs = 64

	// maxFolded is what evaluated constants may take in bytes, and
	// foldedFactor and foldedExtra limit it further for a small model.
	maxFolded    = 1 << 30
	foldedFactor = 64
	foldedExtra  = 64 << 20

	// A node that is evaluated costs the elements it reads and writes; all
	// together may cost workFactor times those of the model's constants and
	// workExtra.
	workFactor = 256
	workExtra  = 1 << 28
)

// bytes returns the size of one element.
func (t Type) bytes() int64 {
	switch t {
	case Uint8, Int8, Bool:
		return 1
	case Int64, Float64:
		return 8
	}
	return 4
}

// known reports whether tensors of the type have a slice.
func (t Type) known() bool {
	switch t {
	case Float32, Uint8, Int8, Int32, Int64, Bool:
		return true
	}
	return false
}

// checkDims returns an error if the extents are negative or too many, or their
// product is too large even without those that are 0.
func checkDims(dims []int) error {
	if len(dims) > maxRank {
		return &UnsupportedError{Reason: "a value has more than 16 axes"}
	}
	n := int64(1)
	for _, d := range dims {
		if d < 0 {
			return Corrupt("shape %v has a negative extent", dims)
		}
		if n *= int64(max(d, 1)); n > maxElements {
			return &UnsupportedError{Reason: "a value has more than 2^31-1 elements"}
		}
	}
	return nil
}

// check returns an error if the tensor's slice does not fit its shape.
func (t *Tensor) check() error {
	if !t.Type.known() {
		return &UnsupportedError{Reason: "a constant of " + t.Type.String()}
	}
	if err := checkDims(t.Dims); err != nil {
		return err
	}
	if n := t.stored(); n != t.Len() {
		return Corrupt("a constant of shape %v has %d elements", t.Dims, n)
	}
	return nil
}

// stored returns the length of the slice that the type names.
func (t *Tensor) stored() int {
	switch t.Type {
	case Float32:
		return len(t.F32)
	case Uint8:
		return len(t.U8)
	case Int8:
		return len(t.I8)
	case Int32:
		return len(t.I32)
	case Int64:
		return len(t.I64)
	case Bool:
		return len(t.Bool)
	}
	return 0
}

// budget is what folding may still take.
type budget struct {
	bytes, work int64
}

func newBudget(g *Graph) budget {
	var bytes, elements int64
	for _, t := range g.Consts {
		n := int64(t.stored())
		bytes += n * t.Type.bytes()
		elements += n
	}
	return budget{
		bytes: min(maxFolded, foldedFactor*bytes+foldedExtra),
		work:  workFactor*elements + workExtra,
	}
}

// take accounts for a tensor before it is made.
func (b *budget) take(n *Node, dims []int, typ Type, work int64) error {
	size := int64(Size(dims))
	if b.bytes -= size * typ.bytes(); b.bytes < 0 {
		return &UnsupportedError{Node: n.Label(), Op: n.Op, Reason: "its constants take more memory once computed than a model of its size may"}
	}
	if b.work -= size + work; b.work < 0 {
		return &UnsupportedError{Node: n.Label(), Op: n.Op, Reason: "its constants take more work to compute than a model of its size may"}
	}
	return nil
}
