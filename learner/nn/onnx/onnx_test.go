package onnx_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// Short names for what the tests take apart.
type (
	model  = onnxpb.ModelProto
	node   = onnxpb.NodeProto
	tensor = onnxpb.TensorProto
	attr   = onnxpb.AttributeProto
)

// small returns a graph with every type of tensor and attribute: Conv, Relu,
// Flatten and Gemm, and a node of another domain.
func small() *graph.Graph {
	return &graph.Graph{
		Name:    "small",
		Opset:   13,
		Inputs:  []graph.Value{{Name: "input", Type: graph.Float32, Dims: []int{-1, 1, 3, 3}, Params: []string{"batch", "", "", ""}}},
		Outputs: []graph.Value{{Name: "output", Type: graph.Float32, Dims: []int{-1, 2}, Params: []string{"batch", ""}}},
		Nodes: []graph.Node{
			{Name: "Conv_0", Op: "Conv", Inputs: []string{"input", "conv.weight"}, Outputs: []string{"c"},
				Attrs: map[string]graph.Attr{"kernel_shape": []int64{2, 2}, "group": int64(1), "auto_pad": "NOTSET"}},
			{Name: "LeakyRelu_1", Op: "LeakyRelu", Inputs: []string{"c"}, Outputs: []string{"r"}, Attrs: map[string]graph.Attr{"alpha": float32(0.5)}},
			{Name: "Flatten_2", Op: "Flatten", Inputs: []string{"r"}, Outputs: []string{"f"}},
			{Name: "Odd_3", Op: "Odd", Domain: "com.example", Inputs: []string{"f", "", "flag"}, Outputs: []string{"o", ""},
				Attrs: map[string]graph.Attr{
					"floats": []float32{1, 2}, "strings": []string{"a", "b"},
					"tensor": &graph.Tensor{Type: graph.Int32, Dims: []int{2}, I32: []int32{-1, 7}},
				}},
			{Name: "Gemm_4", Op: "Gemm", Inputs: []string{"o", "fc.weight", "fc.bias"}, Outputs: []string{"output"}, Attrs: map[string]graph.Attr{"transB": int64(1)}},
		},
		Consts: map[string]*graph.Tensor{
			"conv.weight": graph.Floats([]float32{1, 2, 3, 4}, 1, 1, 2, 2),
			"fc.weight":   graph.Floats([]float32{1, 2, 3, 4, 5, 6, 7, 8}, 2, 4),
			"fc.bias":     graph.Floats([]float32{1, 2}, 2),
			"flag":        {Type: graph.Bool, Dims: []int{}, Bool: []bool{true}},
			"bytes":       {Type: graph.Uint8, Dims: []int{3}, U8: []uint8{0, 128, 255}},
			"signed":      {Type: graph.Int8, Dims: []int{1, 3}, I8: []int8{-128, 0, 127}},
			"shape":       graph.Ints([]int64{0, -1}, 2),
			"nothing":     {Type: graph.Int32, Dims: []int{0}, I32: []int32{}},
		},
		Fixed:    map[string]bool{"shape": true},
		Metadata: map[string]string{"a": "1", "b": "2"},
	}
}

func marshal(t testing.TB, g *graph.Graph) []byte {
	t.Helper()
	b, err := onnx.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// edited returns the bytes of the small graph after a change. Its nodes start
// with the Constant "shape"; its initializers are bytes, conv.weight, fc.bias,
// fc.weight, flag, nothing and signed.
func edited(t testing.TB, change func(*model)) []byte {
	t.Helper()
	var m model
	if err := proto.Unmarshal(marshal(t, small()), &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	b, err := proto.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	b := marshal(t, small())
	g, err := onnx.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if want := small(); !reflect.DeepEqual(g, want) {
		t.Errorf("got %+v\nwant %+v", g, want)
	}
	if !bytes.Equal(marshal(t, g), b) {
		t.Error("other bytes the second time")
	}
}

// Other ways to write the same graph.
func TestEquivalents(t *testing.T) {
	want, err := onnx.Unmarshal(marshal(t, small()))
	if err != nil {
		t.Fatal(err)
	}
	init := func(m *model, name string) *tensor {
		i := slices.IndexFunc(m.Graph.Initializer, func(t *tensor) bool { return t.Name == name })
		return m.Graph.Initializer[i]
	}
	for name, change := range map[string]func(*model){
		"domain spelt out": func(m *model) { m.OpsetImport[0].Domain = "ai.onnx"; m.Graph.Node[1].Domain = "ai.onnx" },
		"nodes reversed":   func(m *model) { slices.Reverse(m.Graph.Node) },
		"initializers among the inputs": func(m *model) {
			m.Graph.Input = append([]*onnxpb.ValueInfoProto{{Name: "fc.bias"}}, m.Graph.Input...)
		},
		"float_data": func(m *model) { w := init(m, "fc.bias"); w.RawData, w.FloatData = nil, []float32{1, 2} },
		"double_data": func(m *model) {
			w := init(m, "fc.bias")
			w.RawData, w.DoubleData, w.DataType = nil, []float64{1, 2}, 11
		},
		"float64 bytes": func(m *model) {
			w := init(m, "fc.bias")
			w.RawData, w.DataType = []byte{0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0, 0, 0, 0, 0, 0, 0, 0x40}, 11
		},
		"float64 input": func(m *model) { m.Graph.Input[0].Type.TensorType.ElemType = 11 },
		"int32_data": func(m *model) {
			for name, v := range map[string][]int32{"bytes": {0, 128, 255}, "signed": {-128, 0, 127}, "flag": {1}} {
				w := init(m, name)
				w.RawData, w.Int32Data = nil, v
			}
		},
		"int64_data": func(m *model) {
			w := m.Graph.Node[0].Attribute[0].T
			w.RawData, w.Int64Data = nil, []int64{0, -1}
		},
		"value_ints": func(m *model) {
			m.Graph.Node[0].Attribute[0] = &attr{Name: "value_ints", Type: onnxpb.AttributeProto_INTS, Ints: []int64{0, -1}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := onnx.Unmarshal(edited(t, change))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(g, want) {
				t.Errorf("got %+v\nwant %+v", g, want)
			}
		})
	}
}

func TestConstants(t *testing.T) {
	f, i := float32(2.5), int64(-3)
	for want, a := range map[*graph.Tensor]*attr{
		{Type: graph.Float32, F32: []float32{2.5}}:                              {Name: "value_float", Type: onnxpb.AttributeProto_FLOAT, F: &f},
		{Type: graph.Int64, I64: []int64{-3}}:                                   {Name: "value_int", Type: onnxpb.AttributeProto_INT, I: &i},
		{Type: graph.Float32, Dims: []int{2}, F32: []float32{1, 2}}:             {Name: "value_floats", Type: onnxpb.AttributeProto_FLOATS, Floats: []float32{1, 2}},
		{Type: graph.Int64, Dims: []int{0}, I64: []int64{}}:                     {Name: "value_ints", Type: onnxpb.AttributeProto_INTS},
		{Type: graph.Bool, Dims: []int{1, 1}, Bool: []bool{false}}:              {Name: "value", Type: onnxpb.AttributeProto_TENSOR, T: &tensor{DataType: 9, Dims: []int64{1, 1}, RawData: []byte{0}}},
		{Type: graph.Float32, Dims: []int{1}, F32: []float32{-math.MaxFloat32}}: {Name: "value", Type: onnxpb.AttributeProto_TENSOR, T: &tensor{DataType: 11, Dims: []int64{1}, DoubleData: []float64{-1e300}}},
	} {
		g, err := onnx.Unmarshal(edited(t, func(m *model) { m.Graph.Node[0].Attribute = []*attr{a} }))
		if err != nil {
			t.Errorf("%s: %v", a.Name, err)
			continue
		}
		if got := g.Consts["shape"]; !reflect.DeepEqual(got, want) || !g.Fixed["shape"] {
			t.Errorf("%s: got %+v, want %+v", a.Name, got, want)
		}
	}
}

// A graph keeps its order if it has one.
func TestOrder(t *testing.T) {
	g := &graph.Graph{
		Opset:   13,
		Inputs:  []graph.Value{{Name: "x", Type: graph.Float32}},
		Outputs: []graph.Value{{Name: "d"}, {Name: "x"}},
		Nodes: []graph.Node{
			{Op: "Add", Inputs: []string{"c", "a"}, Outputs: []string{"d"}},
			{Op: "Relu", Inputs: []string{"x"}, Outputs: []string{"b"}},
			{Op: "Relu", Inputs: []string{"x"}, Outputs: []string{"a"}},
			{Op: "Add", Inputs: []string{"a", "b"}, Outputs: []string{"c"}},
		},
	}
	read, err := onnx.Unmarshal(marshal(t, g))
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, n := range read.Nodes {
		order = append(order, n.Outputs[0])
	}
	if got := strings.Join(order, ""); got != "abcd" {
		t.Errorf("order %s, want abcd", got)
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, change := range map[string]func(*graph.Graph){
		"opset 6":        func(g *graph.Graph) { g.Opset = 6 },
		"short tensor":   func(g *graph.Graph) { g.Consts["fc.bias"].F32 = nil },
		"no tensor":      func(g *graph.Graph) { g.Consts["fc.bias"] = nil },
		"float64":        func(g *graph.Graph) { g.Consts["fc.bias"].Type = graph.Float64 },
		"NaN":            func(g *graph.Graph) { g.Consts["fc.bias"].F32[0] = float32(math.NaN()) },
		"odd attribute":  func(g *graph.Graph) { g.Nodes[0].Attrs["x"] = 1 },
		"bad tensor":     func(g *graph.Graph) { g.Nodes[0].Attrs["x"] = &graph.Tensor{} },
		"name not UTF-8": func(g *graph.Graph) { g.Nodes[0].Name = "\xff" },
	} {
		g := small()
		change(g)
		if b, err := onnx.Marshal(g); err == nil {
			t.Errorf("%s: %d bytes, no error", name, len(b))
		}
	}
}

// shared returns the files of the data beside the repository that match a
// pattern, and skips the test if there are none.
func shared(t testing.TB, patterns ...string) []string {
	t.Helper()
	files := present(t, patterns...)
	if len(files) == 0 {
		t.Skipf("no %v beside the repository", patterns)
	}
	return files
}

// present is shared where the files may be absent.
func present(t testing.TB, patterns ...string) []string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	var files []string
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(dir, "..", "shared", "data", p))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	return files
}

// Models of other tools are read, and what is written for them is stable.
func TestForeignModels(t *testing.T) {
	for _, path := range shared(t, "golden/*.onnx", "models/onnx/*.onnx") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			g, err := onnx.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			first := marshal(t, g)
			again, err := onnx.Unmarshal(first)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(g, again) {
				t.Error("another graph after a round trip")
			}
			if !bytes.Equal(first, marshal(t, again)) {
				t.Error("other bytes after a round trip")
			}
		})
	}
}
