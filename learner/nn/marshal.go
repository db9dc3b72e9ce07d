package nn

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// What Marshal writes. IR version 7 is that of opset 13.
const (
	writtenIR    = 7
	writtenOpset = 13
	producer     = "bristled"
)

// Marshal returns the network as an ONNX file: opset 13, an input "input" and
// an output "output" with a dynamic batch axis "batch", metadata in the order
// of their keys. The same network gives the same bytes. It fails if a weight
// is not finite.
func (n *Net) Marshal() ([]byte, error) {
	graph := &onnxpb.GraphProto{Name: producer}
	taken := map[string]bool{}
	for i, p := range n.params {
		t, err := encodeParam(p, n.memory.of(i))
		if err != nil {
			return nil, err
		}
		graph.Initializer = append(graph.Initializer, t)
		taken[p.name] = true
	}
	// free is how values get names that no parameter has.
	free := func(name string) string {
		for taken[name] {
			name += "_"
		}
		taken[name] = true
		return name
	}
	input, output := free("input"), free("output")
	value := input
	for i, l := range n.layers {
		node := l.node(func(p int) string { return n.params[p].name })
		node.Name = fmt.Sprintf("%s_%d", node.OpType, i)
		node.Input = append([]string{value}, node.Input...)
		value = output
		if i < len(n.layers)-1 {
			value = free(node.Name + "_output")
		}
		node.Output = []string{value}
		graph.Node = append(graph.Node, node)
	}
	if len(n.layers) == 0 {
		graph.Node = []*onnxpb.NodeProto{{
			OpType: "Identity", Name: "Identity_0", Input: []string{input}, Output: []string{output},
		}}
	}
	graph.Input = []*onnxpb.ValueInfoProto{encodeValue(input, n.in)}
	graph.Output = []*onnxpb.ValueInfoProto{encodeValue(output, n.output())}
	model := &onnxpb.ModelProto{
		IrVersion:    writtenIR,
		ProducerName: producer,
		Graph:        graph,
		OpsetImport:  []*onnxpb.OperatorSetIdProto{{Version: writtenOpset}},
	}
	for _, key := range slices.Sorted(maps.Keys(n.Metadata)) {
		model.MetadataProps = append(model.MetadataProps,
			&onnxpb.StringStringEntryProto{Key: key, Value: n.Metadata[key]})
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(model)
	if err != nil {
		return nil, fmt.Errorf("nn: write model (are names and metadata valid UTF-8?): %w", err)
	}
	return b, nil
}

func encodeParam(p parameter, data []float32) (*onnxpb.TensorProto, error) {
	if !finite(data) {
		return nil, fmt.Errorf("nn: write model: the weights %q are not all finite; go back to a model from before the training diverged", p.name)
	}
	t := &onnxpb.TensorProto{
		Name:     p.name,
		DataType: int32(onnxpb.TensorProto_FLOAT),
		RawData:  make([]byte, 0, 4*len(data)),
	}
	for _, d := range p.shape {
		t.Dims = append(t.Dims, int64(d))
	}
	for _, v := range data {
		t.RawData = binary.LittleEndian.AppendUint32(t.RawData, math.Float32bits(v))
	}
	return t, nil
}

func encodeValue(name string, s shape) *onnxpb.ValueInfoProto {
	extents := []int{s.channels, s.height, s.width}
	if s.flat {
		extents = extents[:1]
	}
	dims := []*onnxpb.TensorShapeProto_Dimension{
		{Value: &onnxpb.TensorShapeProto_Dimension_DimParam{DimParam: "batch"}},
	}
	for _, e := range extents {
		dims = append(dims, &onnxpb.TensorShapeProto_Dimension{
			Value: &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: int64(e)},
		})
	}
	return &onnxpb.ValueInfoProto{Name: name, Type: &onnxpb.TypeProto{TensorType: &onnxpb.TypeProto_Tensor{
		ElemType: int32(onnxpb.TensorProto_FLOAT), Shape: &onnxpb.TensorShapeProto{Dim: dims},
	}}}
}
