package onnx

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// Operator sets that are read.
const minOpset, maxOpset = 7, 21

// Unmarshal reads a model from the bytes of a file. Tensors in other files are
// an [*graph.UnsupportedError]: see [ReadFile]. The graph does not share
// memory with b.
func Unmarshal(b []byte) (*graph.Graph, error) {
	return unmarshal(b, nil)
}

func unmarshal(b []byte, elsewhere *folder) (*graph.Graph, error) {
	model, err := decode(b)
	if err != nil {
		return nil, err
	}
	r := &reader{
		g:         &graph.Graph{Consts: map[string]*graph.Tensor{}, Fixed: map[string]bool{}, Metadata: map[string]string{}},
		makers:    map[string]int{},
		elsewhere: elsewhere,
	}
	if err := r.header(model); err != nil {
		return nil, err
	}
	if err := r.graph(model.GetGraph()); err != nil {
		return nil, err
	}
	return r.g, nil
}

// reader builds a graph from a decoded model.
type reader struct {
	g *graph.Graph
	// makers has for every value the node that makes it, or given.
	makers    map[string]int
	elsewhere *folder // of tensors in other files, or nil
}

// given is the maker of inputs and constants.
const given = -1

func unsupported(format string, args ...any) error {
	return &graph.UnsupportedError{Reason: fmt.Sprintf(format, args...)}
}

// header reads what stands beside the graph.
func (r *reader) header(model *onnxpb.ModelProto) error {
	switch {
	case model.GetGraph() == nil:
		return graph.Corrupt("there is no graph")
	case len(model.GetFunctions()) > 0:
		return unsupported("it has functions of its own")
	case len(model.GetTrainingInfo()) > 0:
		return unsupported("it has training information")
	}
	var opset int64
	for _, o := range model.GetOpsetImport() {
		if !standard(o.GetDomain()) {
			continue
		}
		if opset != 0 && opset != o.GetVersion() {
			return graph.Corrupt("two versions of the operator set, %d and %d", opset, o.GetVersion())
		}
		opset = o.GetVersion()
	}
	if opset == 0 {
		return graph.Corrupt("the operator set has no version")
	}
	if opset < minOpset || opset > maxOpset {
		return unsupported("operator set %d, not %d to %d", opset, minOpset, maxOpset)
	}
	r.g.Opset = int(opset)
	for _, p := range model.GetMetadataProps() {
		if _, twice := r.g.Metadata[p.GetKey()]; twice {
			return graph.Corrupt("metadata %.80q is there twice", p.GetKey())
		}
		r.g.Metadata[p.GetKey()] = p.GetValue()
	}
	return nil
}

// standard reports whether a domain is that of the standard operators.
func standard(domain string) bool { return domain == "" || domain == "ai.onnx" }

// make notes who makes a value.
func (r *reader) make(name string, maker int) error {
	if _, twice := r.makers[name]; twice {
		return graph.Corrupt("the name %.80q is given twice", name)
	}
	r.makers[name] = maker
	return nil
}

func (r *reader) graph(p *onnxpb.GraphProto) error {
	if len(p.GetSparseInitializer()) > 0 {
		return unsupported("it has sparse tensors")
	}
	r.g.Name = p.GetName()
	for _, t := range p.GetInitializer() {
		if t.GetName() == "" {
			return graph.Corrupt("an initializer has no name")
		}
		if err := r.constant(t.GetName(), t); err != nil {
			return err
		}
	}
	for _, v := range p.GetInput() {
		if r.g.Consts[v.GetName()] != nil {
			continue
		}
		input, err := r.value("input", v)
		if err != nil {
			return err
		}
		if err := r.make(input.Name, given); err != nil {
			return err
		}
		r.g.Inputs = append(r.g.Inputs, input)
	}
	for _, n := range p.GetNode() {
		if err := r.node(n); err != nil {
			return err
		}
	}
	for _, v := range p.GetOutput() {
		output, err := r.value("output", v)
		if err != nil {
			return err
		}
		r.g.Outputs = append(r.g.Outputs, output)
	}
	if err := r.outputs(); err != nil {
		return err
	}
	var err error
	r.g.Nodes, err = ordered(r.g.Nodes, r.makers)
	return err
}

// constant reads a tensor as the value of that name.
func (r *reader) constant(name string, t *onnxpb.TensorProto) error {
	if err := r.make(name, given); err != nil {
		return err
	}
	tensor, err := r.tensor(name, t)
	if err != nil {
		return err
	}
	r.g.Consts[name] = tensor
	// The decoded bytes are not needed twice.
	t.RawData = nil
	return nil
}

// outputs checks that every output is made, and is there once.
func (r *reader) outputs() error {
	if len(r.g.Outputs) == 0 {
		return graph.Corrupt("the graph has no output")
	}
	seen := make(map[string]bool, len(r.g.Outputs))
	for _, o := range r.g.Outputs {
		if _, made := r.makers[o.Name]; !made {
			return graph.Corrupt("no node gives the output %.80q", o.Name)
		}
		if seen[o.Name] {
			return graph.Corrupt("the output %.80q is there twice", o.Name)
		}
		seen[o.Name] = true
	}
	return nil
}

// value reads an input or output of the graph; what says which.
func (r *reader) value(what string, v *onnxpb.ValueInfoProto) (graph.Value, error) {
	value := graph.Value{Name: v.GetName()}
	if value.Name == "" {
		return value, graph.Corrupt("an %s has no name", what)
	}
	tensor := v.GetType().GetTensorType()
	if tensor == nil {
		// Some tools leave the type of outputs to be inferred.
		if what == "output" && v.GetType() == nil {
			return value, nil
		}
		return value, unsupported("the %s %.80q is no tensor", what, value.Name)
	}
	k := kind(tensor.GetElemType())
	if k == 0 {
		return value, unsupported("the %s %.80q is of %s", what, value.Name, typeName(tensor.GetElemType()))
	}
	value.Type = k.Type()
	if tensor.GetShape() == nil {
		return value, nil
	}
	value.Dims = make([]int, len(tensor.GetShape().GetDim()))
	for i, d := range tensor.GetShape().GetDim() {
		value.Dims[i] = -1
		switch d := d.GetValue().(type) {
		case *onnxpb.TensorShapeProto_Dimension_DimValue:
			// -1 stands for an extent that is not known in files of some tools.
			if d.DimValue < -1 || d.DimValue > math.MaxInt32 {
				return value, graph.Corrupt("extent %d of the %s %.80q is %d", i, what, value.Name, d.DimValue)
			}
			value.Dims[i] = int(d.DimValue)
		case *onnxpb.TensorShapeProto_Dimension_DimParam:
			if value.Params == nil {
				value.Params = make([]string, len(value.Dims))
			}
			value.Params[i] = d.DimParam
		}
	}
	return value, nil
}
