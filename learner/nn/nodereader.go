package nn

import (
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// nodeReader reads one node. The first thing that is wrong sticks in err;
// what is read after that has no meaning but does no harm.
type nodeReader struct {
	from  *loader
	proto *onnxpb.NodeProto
	known []string // attributes asked for
	err   error
}

func (r *nodeReader) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	return r.err
}

func (r *nodeReader) unsupported(format string, args ...any) error {
	return r.fail(&UnsupportedError{r.proto.GetName(), r.proto.GetOpType(), r.from.opset, fmt.Sprintf(format, args...)})
}

func (r *nodeReader) corrupt(format string, args ...any) error {
	return r.fail(corrupt("node %.80q, operator %.80q: %s", r.proto.GetName(), r.proto.GetOpType(), fmt.Sprintf(format, args...)))
}

// result returns the name of the node's only output.
func (r *nodeReader) result() string {
	outputs := r.proto.GetOutput()
	for len(outputs) > 1 && outputs[len(outputs)-1] == "" {
		outputs = outputs[:len(outputs)-1]
	}
	switch {
	case len(outputs) == 0 || outputs[0] == "":
		r.corrupt("it has no output")
		return ""
	case len(outputs) > 1:
		r.unsupported("it has %d outputs", len(outputs))
		return ""
	}
	return outputs[0]
}

// attribute returns the attribute of that name and type, or nil.
func (r *nodeReader) attribute(name string, kind onnxpb.AttributeProto_AttributeType) *onnxpb.AttributeProto {
	r.known = append(r.known, name)
	for _, a := range r.proto.GetAttribute() {
		if a.GetName() == name {
			if a.GetType() != kind {
				r.corrupt("its attribute %q has the type %v", name, a.GetType())
				return nil
			}
			return a
		}
	}
	return nil
}

// finish fails if the node has attributes that nobody asked for, or one of
// them twice: they would change its meaning.
func (r *nodeReader) finish() {
	for i, a := range r.proto.GetAttribute() {
		if r.err != nil {
			return
		}
		if !slices.Contains(r.known, a.GetName()) {
			r.unsupported("attribute %.80q", a.GetName())
			return
		}
		for _, b := range r.proto.GetAttribute()[:i] {
			if a.GetName() == b.GetName() {
				r.corrupt("its attribute %.80q is there twice", a.GetName())
				return
			}
		}
	}
}

func (r *nodeReader) int(name string, absent int64) int64 {
	if a := r.attribute(name, onnxpb.AttributeProto_INT); a != nil {
		return a.GetI()
	}
	return absent
}

func (r *nodeReader) float(name string, absent float32) float32 {
	if a := r.attribute(name, onnxpb.AttributeProto_FLOAT); a != nil {
		return a.GetF()
	}
	return absent
}

func (r *nodeReader) text(name, absent string) string {
	if a := r.attribute(name, onnxpb.AttributeProto_STRING); a != nil {
		return string(a.GetS())
	}
	return absent
}

// ints returns an attribute of n integers. A nil absent makes it mandatory.
func (r *nodeReader) ints(name string, absent []int64, n int) []int64 {
	all := absent
	if a := r.attribute(name, onnxpb.AttributeProto_INTS); a != nil {
		all = a.GetInts()
	}
	switch {
	case len(all) == n:
		return all
	case all == nil:
		r.corrupt("it lacks the attribute %q", name)
	default:
		r.unsupported("%d numbers in the attribute %q: only two-dimensional windows are", len(all), name)
	}
	return make([]int64, n)
}

func (r *nodeReader) tensor(name string) *onnxpb.TensorProto {
	if a := r.attribute(name, onnxpb.AttributeProto_TENSOR); a != nil && a.GetT() != nil {
		return a.GetT()
	}
	r.unsupported("it has no attribute %q", name)
	return nil
}

// extent checks that a size from the file is at least least and small enough
// to calculate with.
func (r *nodeReader) extent(name string, v int64, least int64) int {
	if v < least || v > maxElements {
		r.corrupt("%d in the attribute %q", v, name)
		return 1
	}
	return int(v)
}

// constant returns the tensor that is input i.
func (r *nodeReader) constant(i int) (string, *onnxpb.TensorProto) {
	name := r.proto.GetInput()[i]
	t := r.from.constants[name]
	if t == nil {
		if r.from.values[name] {
			r.unsupported("its input %.80q is computed, not a constant", name)
		} else {
			r.corrupt("its input %.80q is given by no node before it and no initializer", name)
		}
	}
	return name, t
}

func floatAttribute(name string, v float32) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_FLOAT, F: &v}
}

func intAttribute(name string, v int64) *onnxpb.AttributeProto {
	return &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INT, I: &v}
}

func intsAttribute(name string, all ...int) *onnxpb.AttributeProto {
	a := &onnxpb.AttributeProto{Name: name, Type: onnxpb.AttributeProto_INTS}
	for _, v := range all {
		a.Ints = append(a.Ints, int64(v))
	}
	return a
}
