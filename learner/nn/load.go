package nn

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// What Load accepts at most.
const (
	// maxFile is the length of a file.
	maxFile = 1 << 28

	// maxParts is the number of messages, names and integers in a file. It
	// bounds what the decoder allocates: an empty message takes two bytes of
	// the file but a hundred of memory.
	maxParts = 1 << 18

	// maxElements is the size of one layer's output for one sample, and
	// maxValues that of all layers together.
	maxElements = 1 << 24
	maxValues   = 1 << 26

	minOpset, maxOpset = 7, 21
)

// operators are the ONNX operators that become layers, with the least and
// greatest number of inputs.
var operators = map[string]struct {
	least, most int
	read        func(*nodeReader, shape) layer
}{
	"Conv":      {2, 3, readConv},
	"MaxPool":   {1, 1, readMaxPool},
	"LeakyRelu": {1, 1, readLeakyReLU},
	"Relu":      {1, 1, readReLU},
	"Flatten":   {1, 1, readFlatten},
	"Reshape":   {2, 2, readReshape},
	"Gemm":      {2, 3, readGemm},
}

// Load reads a network from an ONNX file: opsets 7 to 21, one input of rank 4
// or 2 with any batch axis, and a chain of the operators Conv (group 1,
// dilation 1), MaxPool, LeakyRelu, Relu, Flatten, Reshape (to what Flatten
// gives), Gemm (alpha = beta = 1) and Identity, with float32 weights in the
// file. Names of weights and metadata are kept.
//
// The error is an [*UnsupportedError] if the model needs more than that, and
// wraps [ErrCorrupt] if the bytes are no model or contradict themselves.
func Load(onnx []byte) (*Net, error) {
	model, err := decode(onnx)
	if err != nil {
		return nil, err
	}
	ld := &loader{
		net:       &Net{},
		constants: map[string]*onnxpb.TensorProto{},
		values:    map[string]bool{},
		params:    map[string]loadedParam{},
	}
	if err := ld.header(model); err != nil {
		return nil, err
	}
	if err := ld.graph(model.GetGraph()); err != nil {
		return nil, err
	}
	return ld.net, nil
}

// decode is proto.Unmarshal within maxFile and maxParts.
func decode(onnx []byte) (*onnxpb.ModelProto, error) {
	if len(onnx) > maxFile {
		return nil, &UnsupportedError{Reason: fmt.Sprintf("the file has %d bytes, more than %d", len(onnx), maxFile)}
	}
	if len(onnx) == 0 {
		return nil, corrupt("the file is empty")
	}
	model, parts := &onnxpb.ModelProto{}, maxParts
	if err := count(onnx, model.ProtoReflect().Descriptor(), &parts); err != nil {
		return nil, err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(onnx, model); err != nil {
		return nil, corrupt("%v", err)
	}
	return model, nil
}

// count subtracts from parts what a message has of them, and fails below 0.
func count(b []byte, message protoreflect.MessageDescriptor, parts *int) error {
	for len(b) > 0 {
		number, wire, n := protowire.ConsumeTag(b)
		if n < 0 {
			return corrupt("%v", protowire.ParseError(n))
		}
		b = b[n:]
		n = protowire.ConsumeFieldValue(number, wire, b)
		if n < 0 {
			return corrupt("%v", protowire.ParseError(n))
		}
		value := b[:n]
		b = b[n:]
		field := message.Fields().ByNumber(number)
		if field == nil || wire == protowire.Fixed32Type || wire == protowire.Fixed64Type {
			continue
		}
		*parts--
		if wire == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(value)
			switch field.Kind() {
			case protoreflect.MessageKind:
				if err := count(value, field.Message(), parts); err != nil {
					return err
				}
			case protoreflect.Int64Kind:
				// Packed integers: the last byte of each has no high bit.
				for _, v := range value {
					*parts -= int(^v >> 7)
				}
			}
		}
		if *parts < 0 {
			return &UnsupportedError{Reason: fmt.Sprintf("the file has more than %d nodes, names and integers", maxParts)}
		}
	}
	return nil
}

// loader builds a network from a decoded model.
type loader struct {
	net       *Net
	opset     int64
	batch     int64 // fixed batch size of the input, 0 for a dynamic one
	constants map[string]*onnxpb.TensorProto
	values    map[string]bool // names of what depends on the input
	current   string          // the end of the chain so far
	params    map[string]loadedParam
	total     int // numbers in all layers' outputs
}

// header reads what stands beside the graph.
func (ld *loader) header(model *onnxpb.ModelProto) error {
	if model.GetGraph() == nil {
		return corrupt("there is no graph")
	}
	for _, o := range model.GetOpsetImport() {
		if standard(o.GetDomain()) {
			ld.opset = o.GetVersion()
		}
	}
	if ld.opset == 0 {
		return corrupt("the operator set has no version")
	}
	if ld.opset < minOpset || ld.opset > maxOpset {
		return ld.unsupported("operator sets other than %d to %d", minOpset, maxOpset)
	}
	for _, p := range model.GetMetadataProps() {
		if ld.net.Metadata == nil {
			ld.net.Metadata = map[string]string{}
		}
		if _, twice := ld.net.Metadata[p.GetKey()]; twice {
			return corrupt("metadata %.80q is there twice", p.GetKey())
		}
		ld.net.Metadata[p.GetKey()] = p.GetValue()
	}
	return nil
}

// standard reports whether a domain is that of the standard operators.
func standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

// graph reads the chain.
func (ld *loader) graph(graph *onnxpb.GraphProto) error {
	for _, t := range graph.GetInitializer() {
		if err := ld.define(t.GetName(), t); err != nil {
			return err
		}
	}
	if err := ld.input(graph); err != nil {
		return err
	}
	for _, node := range graph.GetNode() {
		if err := ld.node(node); err != nil {
			return err
		}
	}
	outputs := graph.GetOutput()
	switch {
	case len(outputs) != 1:
		return ld.unsupported("%d outputs where one is expected", len(outputs))
	case outputs[0].GetName() == ld.current:
		return nil
	case ld.values[outputs[0].GetName()]:
		return ld.unsupported("the output %.80q is not the end of a chain of all nodes", outputs[0].GetName())
	default:
		return corrupt("no node gives the output %.80q", outputs[0].GetName())
	}
}

// define makes a name stand for a constant.
func (ld *loader) define(name string, t *onnxpb.TensorProto) error {
	if name == "" {
		return corrupt("a tensor has no name")
	}
	if ld.constants[name] != nil || ld.values[name] {
		return corrupt("the name %.80q is given twice", name)
	}
	ld.constants[name] = t
	return nil
}

// input reads the shape of a sample.
func (ld *loader) input(graph *onnxpb.GraphProto) error {
	var input *onnxpb.ValueInfoProto
	for _, v := range graph.GetInput() {
		// Up to IR version 3 the initializers are inputs too.
		if ld.constants[v.GetName()] != nil {
			continue
		}
		if input != nil {
			return ld.unsupported("several inputs")
		}
		input = v
	}
	if input.GetName() == "" {
		return corrupt("the graph has no input")
	}
	if input.GetType().GetTensorType().GetElemType() != int32(onnxpb.TensorProto_FLOAT) {
		return ld.unsupported("an input that is not a float32 tensor")
	}
	dims := input.GetType().GetTensorType().GetShape().GetDim()
	if len(dims) != 4 && len(dims) != 2 {
		return ld.unsupported("an input of rank %d, neither 4 (batch, channels, height, width) nor 2 (batch, features)", len(dims))
	}
	extents := [3]int64{1, 1, 1}
	for i, d := range dims[1:] {
		if extents[i] = d.GetDimValue(); extents[i] == 0 {
			return ld.unsupported("an input whose axis %d is dynamic", i+1)
		}
	}
	size, ok := volume(maxElements, extents[:]...)
	if !ok {
		return corrupt("the input has the shape %v", extents)
	}
	if ld.batch = dims[0].GetDimValue(); ld.batch < 0 {
		return corrupt("the input has a batch axis of %d", ld.batch)
	}
	ld.net.in = shape{int(extents[0]), int(extents[1]), int(extents[2]), len(dims) == 2}
	ld.total = size
	ld.current = input.GetName()
	ld.values[ld.current] = true
	return nil
}

// node appends what one node stands for.
func (ld *loader) node(node *onnxpb.NodeProto) error {
	r := &nodeReader{from: ld, proto: node}
	op, known := operators[node.GetOpType()]
	identity, constant := node.GetOpType() == "Identity", node.GetOpType() == "Constant"
	if !known && !identity && !constant || !standard(node.GetDomain()) {
		return r.unsupported("there is no such layer")
	}
	name := r.result()
	if r.err != nil {
		return r.err
	}
	if constant {
		t := r.tensor("value")
		if r.finish(); r.err != nil {
			return r.err
		}
		return ld.define(name, t)
	}
	if identity {
		op.least, op.most = 1, 1
	}
	inputs := node.GetInput()
	if len(inputs) < op.least || len(inputs) > op.most {
		return r.corrupt("%d inputs", len(inputs))
	}
	from := inputs[0]
	if t := ld.constants[from]; t != nil {
		if identity {
			return ld.define(name, t)
		}
		return r.unsupported("it computes on a constant")
	}
	if !ld.values[from] {
		return r.corrupt("its input %.80q is given by no node before it", from)
	}
	if from != ld.current {
		return r.unsupported("its input %.80q is used by another node, but only a chain of nodes is", from)
	}
	if ld.constants[name] != nil || ld.values[name] {
		return r.corrupt("the name %.80q is given twice", name)
	}
	ld.values[name] = true
	ld.current = name
	if identity {
		return nil
	}
	l := op.read(r, ld.net.output())
	if r.finish(); r.err != nil {
		return r.err
	}
	if ld.total += l.output().size(); ld.total > maxValues {
		return r.unsupported("the layers give more than %d numbers for a sample", maxValues)
	}
	ld.net.layers = append(ld.net.layers, l)
	return nil
}

func (ld *loader) unsupported(format string, args ...any) error {
	return &UnsupportedError{Opset: ld.opset, Reason: fmt.Sprintf(format, args...)}
}

// volume returns the product of positive extents if it is at most limit.
func volume(limit int, extents ...int64) (int, bool) {
	product := 1
	for _, e := range extents {
		if e < 1 || e > int64(limit/product) {
			return 0, false
		}
		product *= int(e)
	}
	return product, true
}
