package graph_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// shared returns a file of the data beside the repository, or skips.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Skip("no module root above the test")
		}
		dir = up
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no data: %v", err)
	}
	return path
}

// read reads a trusted model as plainly as can be: the reader proper is in
// another package, which needs this one.
func read(t testing.TB, name string) *graph.Graph {
	t.Helper()
	bytes, err := os.ReadFile(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(bytes, &m); err != nil {
		t.Fatal(err)
	}
	g := &graph.Graph{Opset: 13, Consts: map[string]*graph.Tensor{}, Fixed: map[string]bool{}}
	for _, o := range m.GetOpsetImport() {
		if o.GetDomain() == "" {
			g.Opset = int(o.GetVersion())
		}
	}
	for _, init := range m.GetGraph().GetInitializer() {
		g.Consts[init.GetName()] = tensor(t, init)
	}
	for _, n := range m.GetGraph().GetNode() {
		attrs := map[string]graph.Attr{}
		for _, a := range n.GetAttribute() {
			switch a.GetType() {
			case onnxpb.AttributeProto_FLOAT:
				attrs[a.GetName()] = a.GetF()
			case onnxpb.AttributeProto_INT:
				attrs[a.GetName()] = a.GetI()
			case onnxpb.AttributeProto_STRING:
				attrs[a.GetName()] = string(a.GetS())
			case onnxpb.AttributeProto_TENSOR:
				attrs[a.GetName()] = tensor(t, a.GetT())
			case onnxpb.AttributeProto_INTS:
				attrs[a.GetName()] = append([]int64{}, a.GetInts()...)
			default:
				t.Fatalf("attribute %s of type %v", a.GetName(), a.GetType())
			}
		}
		if n.GetOpType() == "Constant" {
			g.Consts[n.GetOutput()[0]] = attrs["value"].(*graph.Tensor)
			g.Fixed[n.GetOutput()[0]] = true
			continue
		}
		g.Nodes = append(g.Nodes, graph.Node{
			Name: n.GetName(), Op: n.GetOpType(), Domain: n.GetDomain(),
			Inputs: n.GetInput(), Outputs: n.GetOutput(), Attrs: attrs,
		})
	}
	for _, v := range m.GetGraph().GetInput() {
		if g.Consts[v.GetName()] == nil {
			g.Inputs = append(g.Inputs, declared(v))
		}
	}
	for _, v := range m.GetGraph().GetOutput() {
		g.Outputs = append(g.Outputs, declared(v))
	}
	return g
}

func declared(v *onnxpb.ValueInfoProto) graph.Value {
	typ := v.GetType().GetTensorType()
	out := graph.Value{Name: v.GetName(), Type: graph.Type(typ.GetElemType()), Dims: []int{}}
	for _, d := range typ.GetShape().GetDim() {
		if d.GetDimParam() != "" || d.GetDimValue() < 0 {
			out.Dims = append(out.Dims, -1)
			continue
		}
		out.Dims = append(out.Dims, int(d.GetDimValue()))
	}
	return out
}

func tensor(t testing.TB, p *onnxpb.TensorProto) *graph.Tensor {
	out := &graph.Tensor{Type: graph.Type(p.GetDataType())}
	for _, d := range p.GetDims() {
		out.Dims = append(out.Dims, int(d))
	}
	raw := p.GetRawData()
	switch out.Type {
	case graph.Float32:
		for ; len(raw) > 0; raw = raw[4:] {
			out.F32 = append(out.F32, math.Float32frombits(binary.LittleEndian.Uint32(raw)))
		}
		if len(p.GetRawData()) == 0 {
			out.F32 = p.GetFloatData()
		}
	case graph.Int64:
		for ; len(raw) > 0; raw = raw[8:] {
			out.I64 = append(out.I64, int64(binary.LittleEndian.Uint64(raw)))
		}
		if len(p.GetRawData()) == 0 {
			out.I64 = p.GetInt64Data()
		}
	case graph.Bool:
		for _, b := range raw {
			out.Bool = append(out.Bool, b != 0)
		}
	case graph.Uint8:
		out.U8 = raw
	case graph.Int8:
		for _, b := range raw {
			out.I8 = append(out.I8, int8(b))
		}
	case graph.Int32:
		for ; len(raw) > 0; raw = raw[4:] {
			out.I32 = append(out.I32, int32(binary.LittleEndian.Uint32(raw)))
		}
	default:
		t.Fatalf("tensor %s of type %v", p.GetName(), out.Type)
	}
	return out
}
