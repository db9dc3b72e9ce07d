package nn

import (
	"encoding/binary"
	"math"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// loadedParam is a parameter that was read already.
type loadedParam struct {
	index      int
	dims       []int64 // as stored by us
	transposed bool
}

// weight returns the parameter that is input i, a tensor of the given rank,
// and its extents.
func (r *nodeReader) weight(i, rank int) (int, []int64) {
	return r.parameter(i, rank, false)
}

// matrix is weight for rank 2, transposed if asked.
func (r *nodeReader) matrix(i int, turn bool) (int, []int64) {
	return r.parameter(i, 2, turn)
}

// bias returns the parameter that is optional input i, a vector of n numbers,
// or -1.
func (r *nodeReader) bias(i int, n int64) int {
	inputs := r.proto.GetInput()
	if r.err != nil || i >= len(inputs) || inputs[i] == "" {
		return -1
	}
	index, dims := r.parameter(i, 1, false)
	switch {
	case r.err != nil || dims[0] == n:
	case dims[0] == 1:
		r.unsupported("one bias for all %d outputs", n)
	default:
		r.corrupt("a bias of %d numbers for %d outputs", dims[0], n)
	}
	return index
}

// parameter reads the tensor that is input i into the network's memory, once
// for all layers that use it. On failure the extents are ones.
func (r *nodeReader) parameter(i, rank int, turn bool) (int, []int64) {
	failed := []int64{1, 1, 1, 1}[:rank]
	if r.err != nil {
		return 0, failed
	}
	name, t := r.constant(i)
	if t == nil {
		return 0, failed
	}
	if p, ok := r.from.params[name]; ok {
		if len(p.dims) != rank || p.transposed != turn {
			r.unsupported("the weights %.80q are used in two layouts", name)
			return 0, failed
		}
		return p.index, p.dims
	}
	dims := t.GetDims()
	// A row vector is a bias too: Gemm's third input is broadcast.
	if rank == 1 && len(dims) == 2 && dims[0] == 1 {
		dims = dims[1:]
	}
	if len(dims) != rank {
		r.unsupported("the weights %.80q have rank %d, not %d", name, len(dims), rank)
		return 0, failed
	}
	data := r.floats(name, t)
	if r.err != nil {
		return 0, failed
	}
	if turn {
		columns := make([]float32, len(data))
		transpose(columns, data, int(dims[0]), int(dims[1]))
		data, dims = columns, []int64{dims[1], dims[0]}
	}
	shape := make([]int, rank)
	for i, d := range dims {
		shape[i] = int(d)
	}
	p := loadedParam{r.from.net.add(name, data, shape...), dims, turn}
	r.from.params[name] = p
	return p.index, dims
}

// floats returns the numbers of a float32 tensor. It allocates only what the
// bytes present fill.
func (r *nodeReader) floats(name string, t *onnxpb.TensorProto) []float32 {
	if t.GetDataLocation() != onnxpb.TensorProto_DEFAULT {
		r.unsupported("the weights %.80q are in another file: save the model as one file", name)
		return nil
	}
	if t.GetDataType() != int32(onnxpb.TensorProto_FLOAT) {
		r.unsupported("the weights %.80q have the data type %d, not 1 (float32)", name, t.GetDataType())
		return nil
	}
	data, raw := t.GetFloatData(), t.GetRawData()
	present := len(data)
	if len(raw) > 0 {
		present = len(raw) / 4
	}
	n, ok := volume(present, t.GetDims()...)
	if !ok || n != present || len(raw) > 0 && (len(raw)%4 != 0 || len(data) > 0) {
		r.corrupt("the weights %.80q have the shape %v but %d bytes and %d numbers", name, t.GetDims(), len(raw), len(data))
		return nil
	}
	if len(raw) > 0 {
		data = make([]float32, n)
		for i := range data {
			data[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	if !finite(data) {
		r.corrupt("the weights %.80q are not all finite", name)
		return nil
	}
	return data
}

func finite(x []float32) bool {
	for _, v := range x {
		if math.Float32bits(v)&0x7f800000 == 0x7f800000 {
			return false
		}
	}
	return true
}

// integers returns the numbers of input i, a constant int64 vector of at most
// 4 numbers.
func (r *nodeReader) integers(i int) []int64 {
	name, t := r.constant(i)
	if t == nil {
		return nil
	}
	all, raw := t.GetInt64Data(), t.GetRawData()
	if t.GetDataLocation() == onnxpb.TensorProto_DEFAULT && len(all) == 0 && len(raw)%8 == 0 && len(raw) <= 32 {
		for i := 0; i < len(raw); i += 8 {
			all = append(all, int64(binary.LittleEndian.Uint64(raw[i:])))
		}
	}
	dims := t.GetDims()
	if t.GetDataType() != int32(onnxpb.TensorProto_INT64) || len(dims) != 1 || dims[0] != int64(len(all)) {
		r.unsupported("the constant %.80q is not a short int64 vector", name)
		return nil
	}
	return all
}
