package onnx

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/elements"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

const producer = "bristled"

// Marshal returns a graph as the bytes of an ONNX file of its operator set.
// The same graph gives the same bytes, and [Unmarshal] gives the graph back.
// Constants in Graph.Fixed are written as Constant nodes, the others as
// initializers in the order of their names.
//
// It fails if a tensor does not fit its shape or has elements that are not
// numbers, if a name or text is not UTF-8, and if the file would be longer
// than 2 GiB.
func Marshal(g *graph.Graph) ([]byte, error) {
	if g.Opset < minOpset || g.Opset > maxOpset {
		return nil, fmt.Errorf("write model: operator set %d, not %d to %d", g.Opset, minOpset, maxOpset)
	}
	var length int64
	for _, t := range g.Consts {
		if t != nil {
			length += elements.Size(t)
		}
	}
	if length > maxFile {
		return nil, fmt.Errorf("write model: %w", tooLong(length))
	}
	p := &onnxpb.GraphProto{Name: g.Name}
	if p.Name == "" {
		p.Name = producer // the format asks for one
	}
	for _, name := range slices.Sorted(maps.Keys(g.Consts)) {
		t, err := encodeTensor(name, g.Consts[name])
		if err != nil {
			return nil, err
		}
		if !g.Fixed[name] {
			p.Initializer = append(p.Initializer, t)
			continue
		}
		t.Name = ""
		p.Node = append(p.Node, &onnxpb.NodeProto{
			OpType: "Constant", Output: []string{name},
			Attribute: []*onnxpb.AttributeProto{{Name: "value", Type: onnxpb.AttributeProto_TENSOR, T: t}},
		})
	}
	domains := map[string]bool{}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		attrs, err := encodeAttrs(n)
		if err != nil {
			return nil, err
		}
		p.Node = append(p.Node, &onnxpb.NodeProto{
			Name: n.Name, OpType: n.Op, Domain: n.Domain,
			Input: n.Inputs, Output: n.Outputs, Attribute: attrs,
		})
		if !standard(n.Domain) {
			domains[n.Domain] = true
		}
	}
	for _, v := range g.Inputs {
		p.Input = append(p.Input, encodeValue(v))
	}
	for _, v := range g.Outputs {
		p.Output = append(p.Output, encodeValue(v))
	}
	model := &onnxpb.ModelProto{
		IrVersion:    irVersion(g.Opset),
		ProducerName: producer,
		Graph:        p,
		OpsetImport:  []*onnxpb.OperatorSetIdProto{{Version: int64(g.Opset)}},
	}
	for _, domain := range slices.Sorted(maps.Keys(domains)) {
		model.OpsetImport = append(model.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: domain, Version: 1})
	}
	for _, key := range slices.Sorted(maps.Keys(g.Metadata)) {
		model.MetadataProps = append(model.MetadataProps, &onnxpb.StringStringEntryProto{Key: key, Value: g.Metadata[key]})
	}
	if n := proto.Size(model); n > maxFile {
		return nil, fmt.Errorf("write model: %w", tooLong(int64(n)))
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(model)
	if err != nil {
		return nil, fmt.Errorf("write model (are names and metadata valid UTF-8?): %w", err)
	}
	return b, nil
}

// irVersion returns the version of the format that came with an operator set,
// but at least 4: before that, every initializer had to be an input too.
func irVersion(opset int) int64 {
	switch {
	case opset <= 9:
		return 4
	case opset <= 11:
		return int64(opset) - 5
	case opset <= 14:
		return 7
	case opset <= 18:
		return 8
	case opset <= 20:
		return 9
	}
	return 10
}

func encodeTensor(name string, t *graph.Tensor) (*onnxpb.TensorProto, error) {
	if t == nil {
		return nil, fmt.Errorf("write model: the constant %q has no tensor", name)
	}
	p := &onnxpb.TensorProto{Name: name, DataType: int32(t.Type)}
	for _, d := range t.Dims {
		p.Dims = append(p.Dims, int64(d))
	}
	var err error
	p.RawData, err = elements.Append(make([]byte, 0, elements.Size(t)), t)
	switch {
	case errors.Is(err, elements.ErrNaN):
		return nil, fmt.Errorf("write model: the constant %q %w; go back to a model from before the training diverged", name, err)
	case err != nil:
		return nil, fmt.Errorf("write model: the constant %q of %v and shape %v %w", name, t.Type, t.Dims, err)
	}
	return p, nil
}

func encodeAttrs(n *graph.Node) ([]*onnxpb.AttributeProto, error) {
	var all []*onnxpb.AttributeProto
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		a := &onnxpb.AttributeProto{Name: name}
		switch v := n.Attrs[name].(type) {
		case int64:
			a.Type, a.I = onnxpb.AttributeProto_INT, &v
		case float32:
			a.Type, a.F = onnxpb.AttributeProto_FLOAT, &v
		case string:
			a.Type, a.S = onnxpb.AttributeProto_STRING, []byte(v)
		case []int64:
			a.Type, a.Ints = onnxpb.AttributeProto_INTS, v
		case []float32:
			a.Type, a.Floats = onnxpb.AttributeProto_FLOATS, v
		case []string:
			a.Type = onnxpb.AttributeProto_STRINGS
			for _, s := range v {
				a.Strings = append(a.Strings, []byte(s))
			}
		case *graph.Tensor:
			t, err := encodeTensor("", v)
			if err != nil {
				return nil, fmt.Errorf("attribute %q of node %q: %w", name, n.Label(), err)
			}
			a.Type, a.T = onnxpb.AttributeProto_TENSOR, t
		default:
			return nil, fmt.Errorf("write model: attribute %q of node %q is a %T", name, n.Label(), v)
		}
		all = append(all, a)
	}
	return all, nil
}

func encodeValue(v graph.Value) *onnxpb.ValueInfoProto {
	p := &onnxpb.ValueInfoProto{Name: v.Name}
	if v.Type == 0 {
		return p
	}
	tensor := &onnxpb.TypeProto_Tensor{ElemType: int32(v.Type)}
	p.Type = &onnxpb.TypeProto{TensorType: tensor}
	if v.Dims == nil {
		return p
	}
	tensor.Shape = &onnxpb.TensorShapeProto{}
	for i, d := range v.Dims {
		dim := &onnxpb.TensorShapeProto_Dimension{}
		switch {
		case d >= 0:
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}
		case i < len(v.Params) && v.Params[i] != "":
			dim.Value = &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: v.Params[i]}
		}
		tensor.Shape.Dim = append(tensor.Shape.Dim, dim)
	}
	return p
}
