package onnx

import (
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// kinds are the element types that are read.
var kinds = map[onnxpb.TensorProto_DataType]elements.Kind{
	onnxpb.TensorProto_FLOAT:  elements.Float32,
	onnxpb.TensorProto_DOUBLE: elements.Float64,
	onnxpb.TensorProto_INT64:  elements.Int64,
	onnxpb.TensorProto_INT32:  elements.Int32,
	onnxpb.TensorProto_INT8:   elements.Int8,
	onnxpb.TensorProto_UINT8:  elements.Uint8,
	onnxpb.TensorProto_BOOL:   elements.Bool,
}

// kind returns the kind of elements of a type of ONNX, or 0.
func kind(t int32) elements.Kind { return kinds[onnxpb.TensorProto_DataType(t)] }

// typeName returns what ONNX calls a type of elements.
func typeName(t int32) string {
	return "type " + strings.ToLower(onnxpb.TensorProto_DataType(t).String())
}

// tensor reads a tensor. It allocates only what bytes that are present fill.
func (r *reader) tensor(name string, p *onnxpb.TensorProto) (*graph.Tensor, error) {
	k := kind(p.GetDataType())
	if k == 0 {
		return nil, unsupported("the tensor %.80q is of %s", name, typeName(p.GetDataType()))
	}
	dims, count, ok := elements.Shape(p.GetDims())
	if !ok {
		return nil, graph.Corrupt("the tensor %.80q has the shape %v", name, p.GetDims()[:min(len(p.GetDims()), 16)])
	}
	raw, lists := p.GetRawData(), listed(p)
	switch {
	case p.GetDataLocation() == onnxpb.TensorProto_EXTERNAL:
		if len(raw) > 0 || lists > 0 {
			return nil, graph.Corrupt("the tensor %.80q is in this file and in another", name)
		}
		if r.elsewhere == nil {
			return nil, unsupported("the tensor %.80q is in another file: give the path of the model, or save it as one file", name)
		}
		return r.elsewhere.tensor(name, p, k, dims)
	case len(raw) > 0 && lists > 0:
		return nil, graph.Corrupt("the tensor %.80q has its numbers twice", name)
	case len(raw) > 0:
		if int64(len(raw)) != int64(count)*int64(k.Width()) {
			return nil, graph.Corrupt("the tensor %.80q of shape %v has %d bytes", name, dims, len(raw))
		}
		t := elements.New(k.Type(), dims)
		return t, inTensor(name, elements.Put(t, k, 0, raw))
	}
	if lists != count || ownList(p, k) != count {
		return nil, graph.Corrupt("the tensor %.80q of shape %v has %d numbers", name, dims, lists)
	}
	t := elements.New(k.Type(), dims)
	return t, inTensor(name, fromList(t, p, k))
}

// inTensor says which tensor an error is about.
func inTensor(name string, err error) error {
	if err == nil {
		return nil
	}
	return graph.Corrupt("the tensor %.80q %v", name, err)
}

// listed returns the length of all lists of numbers in a tensor.
func listed(p *onnxpb.TensorProto) int {
	return len(p.GetFloatData()) + len(p.GetDoubleData()) + len(p.GetInt32Data()) + len(p.GetInt64Data())
}

// ownList returns the length of the list that a kind of elements uses.
func ownList(p *onnxpb.TensorProto, k elements.Kind) int {
	switch k {
	case elements.Float32:
		return len(p.GetFloatData())
	case elements.Float64:
		return len(p.GetDoubleData())
	case elements.Int64:
		return len(p.GetInt64Data())
	}
	return len(p.GetInt32Data())
}

// fromList fills a tensor from the list of its kind, which is as long.
func fromList(t *graph.Tensor, p *onnxpb.TensorProto, k elements.Kind) error {
	switch k {
	case elements.Float32:
		copy(t.F32, p.GetFloatData())
	case elements.Float64:
		for i, v := range p.GetDoubleData() {
			t.F32[i] = elements.Round(v)
		}
	case elements.Int64:
		copy(t.I64, p.GetInt64Data())
	case elements.Int32:
		copy(t.I32, p.GetInt32Data())
	default:
		for i, v := range p.GetInt32Data() {
			switch {
			case k == elements.Int8 && v == int32(int8(v)):
				t.I8[i] = int8(v)
			case k == elements.Uint8 && v == int32(uint8(v)):
				t.U8[i] = uint8(v)
			case k == elements.Bool && v>>1 == 0:
				t.Bool[i] = v == 1
			default:
				return elements.ErrRange
			}
		}
	}
	if slices.ContainsFunc(t.F32, elements.IsNaN) {
		return elements.ErrNaN
	}
	return nil
}
