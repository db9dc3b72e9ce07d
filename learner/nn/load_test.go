package nn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

// Short names for what the tests take apart.
type (
	model = onnxpb.ModelProto
	node  = onnxpb.NodeProto
)

// edited returns the bytes of a small network after a change to its ONNX form:
// Conv_0 (with bias), LeakyRelu_1, MaxPool_2, Flatten_3, Gemm_4 (with bias).
func edited(t testing.TB, change func(*model)) []byte {
	t.Helper()
	n := &Net{in: shape{channels: 2, height: 6, width: 6}}
	c, _ := newConv(n.in, window{kernel: [2]int{3, 3}, stride: [2]int{1, 1}}, 3,
		n.add("conv.weight", make([]float32, 54), 3, 2, 3, 3), n.add("conv.bias", []float32{1, 2, 3}, 3))
	p, _ := newMaxPool(c.out, quarter)
	d := &dense{12, 5, n.add("fc.weight", make([]float32, 60), 5, 12), n.add("fc.bias", make([]float32, 5), 5)}
	for i := range n.memory.flat {
		n.memory.flat[i] = float32(i%7) - 3
	}
	n.layers = []layer{c, &leakyReLU{c.out, 0.5}, p, &flatten{p.out}, d}
	var m model
	if err := proto.Unmarshal(marshal(t, n), &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(&m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func attribute(m *model, i int, name string) *onnxpb.AttributeProto {
	for _, a := range m.Graph.Node[i].Attribute {
		if a.Name == name {
			return a
		}
	}
	a := &onnxpb.AttributeProto{Name: name}
	m.Graph.Node[i].Attribute = append(m.Graph.Node[i].Attribute, a)
	return a
}

func setInt(m *model, i int, name string, v int64) {
	a := attribute(m, i, name)
	a.Type, a.I = onnxpb.AttributeProto_INT, &v
}

func setInts(m *model, i int, name string, v ...int64) {
	a := attribute(m, i, name)
	a.Type, a.Ints = onnxpb.AttributeProto_INTS, v
}

func setText(m *model, i int, name, v string) {
	a := attribute(m, i, name)
	a.Type, a.S = onnxpb.AttributeProto_STRING, []byte(v)
}

func setFloat(m *model, i int, name string, v float32) {
	a := attribute(m, i, name)
	a.Type, a.F = onnxpb.AttributeProto_FLOAT, &v
}

func int64s(name string, v ...int64) *onnxpb.TensorProto {
	return &onnxpb.TensorProto{Name: name, DataType: int32(onnxpb.TensorProto_INT64), Dims: []int64{int64(len(v))}, Int64Data: v}
}

func inputAxis(m *model, i int) *onnxpb.TensorShapeProto_Dimension {
	return m.Graph.Input[0].Type.TensorType.Shape.Dim[i]
}

func fixed(v int64) *onnxpb.TensorShapeProto_Dimension_DimValue {
	return &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: v}
}

// Other ways to write the same network.
func TestLoadEquivalents(t *testing.T) {
	original := edited(t, func(*model) {})
	want, err := Load(original)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := batch(want, 3, 1)
	wantOut := slices.Clone(NewRunner(want, 3).Forward(x, 3))
	reshape := func(batchSize int64, raw bool, to ...int64) func(*model) {
		return func(m *model) {
			inputAxis(m, 0).Value = fixed(batchSize)
			shape := int64s("shape", to...)
			if raw {
				for _, v := range to {
					shape.RawData = binary.LittleEndian.AppendUint64(shape.RawData, uint64(v))
				}
				shape.Int64Data = nil
			}
			n := m.Graph.Node[3]
			n.OpType, n.Attribute, n.Input = "Reshape", nil, append(n.Input, "shape")
			m.Graph.Initializer = append(m.Graph.Initializer, shape)
		}
	}
	for name, change := range map[string]func(*model){
		"fixed batch":      func(m *model) { inputAxis(m, 0).Value = fixed(3) },
		"batch left open":  func(m *model) { inputAxis(m, 0).Value = nil },
		"opset 7":          func(m *model) { m.OpsetImport[0].Version = 7 },
		"opset 21":         func(m *model) { m.OpsetImport[0].Version = 21 },
		"domain spelt out": func(m *model) { m.OpsetImport[0].Domain = "ai.onnx"; m.Graph.Node[0].Domain = "ai.onnx" },
		"another domain too": func(m *model) {
			m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Domain: "x", Version: 99})
		},
		"no kernel_shape": func(m *model) {
			m.Graph.Node[0].Attribute = slices.DeleteFunc(m.Graph.Node[0].Attribute, func(a *onnxpb.AttributeProto) bool { return a.Name == "kernel_shape" })
		},
		"only the kernel_shape": func(m *model) { m.Graph.Node[0].Attribute = m.Graph.Node[0].Attribute[:1] },
		"defaults spelt out": func(m *model) {
			setInt(m, 0, "group", 1)
			setInts(m, 0, "dilations", 1, 1)
			setText(m, 0, "auto_pad", "VALID")
			setInt(m, 2, "ceil_mode", 0)
			setInts(m, 2, "dilations", 1, 1)
			setInt(m, 2, "storage_order", 0)
			setFloat(m, 4, "alpha", 1)
			setFloat(m, 4, "beta", 1)
			setInt(m, 4, "transA", 0)
		},
		"negative axis": func(m *model) { setInt(m, 3, "axis", -3) },
		"float_data": func(m *model) {
			for _, w := range m.Graph.Initializer {
				for ; len(w.RawData) > 0; w.RawData = w.RawData[4:] {
					w.FloatData = append(w.FloatData, math.Float32frombits(binary.LittleEndian.Uint32(w.RawData)))
				}
			}
		},
		"initializers among the inputs": func(m *model) {
			m.Graph.Input = append([]*onnxpb.ValueInfoProto{{Name: "fc.bias"}}, m.Graph.Input...)
		},
		"Constant nodes": func(m *model) {
			m.Graph.Node = append([]*node{{
				OpType: "Constant", Output: []string{"conv.bias"},
				Attribute: []*onnxpb.AttributeProto{{Name: "value", Type: onnxpb.AttributeProto_TENSOR, T: m.Graph.Initializer[1]}},
			}}, m.Graph.Node...)
			m.Graph.Initializer[1].Name = "" // a Constant's tensor needs none
			m.Graph.Initializer = slices.Delete(m.Graph.Initializer, 1, 2)
		},
		"Identity of an initializer and of a value": func(m *model) {
			m.Graph.Node[4].Input = []string{"flat", "weight", "fc.bias"}
			m.Graph.Node = slices.Insert(m.Graph.Node, 4,
				&node{OpType: "Identity", Input: []string{"fc.weight"}, Output: []string{"weight"}},
				&node{OpType: "Identity", Input: []string{m.Graph.Node[3].Output[0]}, Output: []string{"flat"}})
		},
		"transB = 0": func(m *model) {
			w := m.Graph.Initializer[2]
			turned := make([]byte, 0, len(w.RawData))
			for i := range 12 {
				for o := range 5 {
					turned = append(turned, w.RawData[4*(o*12+i):][:4]...)
				}
			}
			w.RawData, w.Dims = turned, []int64{12, 5}
			m.Graph.Node[4].Attribute = nil
		},
		"a bias as a row":              func(m *model) { m.Graph.Initializer[3].Dims = []int64{1, 5} },
		"an unused initializer":        func(m *model) { m.Graph.Initializer = append(m.Graph.Initializer, int64s("unused", 1)) },
		"an empty second output":       func(m *model) { m.Graph.Node[2].Output = append(m.Graph.Node[2].Output, "") },
		"reshape to -1":                reshape(3, false, -1, 12),
		"reshape to the batch":         reshape(3, false, 3, -1),
		"reshape by copying the batch": reshape(0, true, 0, -1),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := Load(edited(t, change))
			if err != nil {
				t.Fatal(err)
			}
			if got := NewRunner(n, 3).Forward(x, 3); !slices.Equal(got, wantOut) {
				t.Errorf("outputs %v, want %v", got, wantOut)
			}
		})
	}
	// An absent bias is one of zeros.
	for name, change := range map[string]func(*model){
		"left out": func(m *model) { m.Graph.Node[4].Input = m.Graph.Node[4].Input[:2] },
		"empty":    func(m *model) { m.Graph.Node[4].Input[2] = "" },
	} {
		t.Run("bias "+name, func(t *testing.T) {
			n, err := Load(edited(t, change))
			if err != nil {
				t.Fatal(err)
			}
			if len(n.Params()) != 3 || n.Params()[2].Name != "fc.weight" {
				t.Errorf("parameters %v", n.params)
			}
		})
	}
}

func TestLoadUnsupported(t *testing.T) {
	for name, c := range map[string]struct {
		node   string
		change func(*model)
	}{
		"another operator":      {"Conv_0", func(m *model) { m.Graph.Node[0].OpType = "ConvTranspose" }},
		"another domain":        {"Conv_0", func(m *model) { m.Graph.Node[0].Domain = "com.example" }},
		"opset 6":               {"", func(m *model) { m.OpsetImport[0].Version = 6 }},
		"opset 22":              {"", func(m *model) { m.OpsetImport[0].Version = 22 }},
		"groups":                {"Conv_0", func(m *model) { setInt(m, 0, "group", 2) }},
		"dilated convolution":   {"Conv_0", func(m *model) { setInts(m, 0, "dilations", 1, 2) }},
		"dilated pooling":       {"MaxPool_2", func(m *model) { setInts(m, 2, "dilations", 2, 1) }},
		"SAME padding":          {"Conv_0", func(m *model) { setText(m, 0, "auto_pad", "SAME_UPPER") }},
		"one-dimensional":       {"MaxPool_2", func(m *model) { setInts(m, 2, "kernel_shape", 2) }},
		"ceil_mode":             {"MaxPool_2", func(m *model) { setInt(m, 2, "ceil_mode", 1) }},
		"storage_order":         {"MaxPool_2", func(m *model) { setInt(m, 2, "storage_order", 1) }},
		"indices":               {"MaxPool_2", func(m *model) { m.Graph.Node[2].Output = append(m.Graph.Node[2].Output, "indices") }},
		"windows in padding":    {"MaxPool_2", func(m *model) { setInts(m, 2, "pads", 2, 0, 0, 0) }},
		"no window fits":        {"MaxPool_2", func(m *model) { setInts(m, 2, "kernel_shape", 5, 2) }},
		"unknown attribute":     {"LeakyRelu_1", func(m *model) { setInt(m, 1, "beta", 1) }},
		"flatten elsewhere":     {"Flatten_3", func(m *model) { setInt(m, 3, "axis", 2) }},
		"alpha":                 {"Gemm_4", func(m *model) { setFloat(m, 4, "alpha", 2) }},
		"beta":                  {"Gemm_4", func(m *model) { setFloat(m, 4, "beta", 0) }},
		"transA":                {"Gemm_4", func(m *model) { setInt(m, 4, "transA", 1) }},
		"broadcast scalar bias": {"Gemm_4", func(m *model) { w := m.Graph.Initializer[3]; w.Dims, w.RawData = []int64{1}, w.RawData[:4] }},
		"double weights":        {"Conv_0", func(m *model) { m.Graph.Initializer[0].DataType = 11 }},
		"weights elsewhere":     {"Conv_0", func(m *model) { m.Graph.Initializer[0].DataLocation = onnxpb.TensorProto_EXTERNAL }},
		"weights of rank 3":     {"Conv_0", func(m *model) { m.Graph.Initializer[0].Dims = []int64{3, 2, 9} }},
		"computed weights":      {"Gemm_4", func(m *model) { m.Graph.Node[4].Input[1] = m.Graph.Node[3].Output[0] }},
		"weights in two layouts": {"Gemm_5", func(m *model) {
			w := m.Graph.Initializer[2]
			w.Dims, w.RawData = []int64{12, 12}, make([]byte, 4*144)
			m.Graph.Node[4].Input, m.Graph.Node[4].Output = m.Graph.Node[4].Input[:2], []string{"hidden"}
			m.Graph.Node = append(m.Graph.Node, &node{OpType: "Gemm", Name: "Gemm_5", Input: []string{"hidden", "fc.weight"}, Output: []string{"output"}})
		}},
		"a branch":                {"LeakyRelu_1", func(m *model) { m.Graph.Node[1].Input[0] = "input" }},
		"layers on constants":     {"LeakyRelu_1", func(m *model) { m.Graph.Node[1].Input[0] = "fc.weight" }},
		"output in the middle":    {"", func(m *model) { m.Graph.Output[0].Name = m.Graph.Node[2].Output[0] }},
		"two outputs":             {"", func(m *model) { m.Graph.Output = append(m.Graph.Output, m.Graph.Output[0]) }},
		"two inputs":              {"", func(m *model) { m.Graph.Input = append(m.Graph.Input, &onnxpb.ValueInfoProto{Name: "more"}) }},
		"dynamic height":          {"", func(m *model) { inputAxis(m, 2).Value = nil }},
		"float16 input":           {"", func(m *model) { m.Graph.Input[0].Type.TensorType.ElemType = 10 }},
		"input of rank 3":         {"", func(m *model) { s := m.Graph.Input[0].Type.TensorType.Shape; s.Dim = s.Dim[:3] }},
		"convolution of features": {"Conv_0", func(m *model) { s := m.Graph.Input[0].Type.TensorType.Shape; s.Dim = s.Dim[:2] }},
		"pooling of features": {"MaxPool_2", func(m *model) {
			s := m.Graph.Input[0].Type.TensorType.Shape
			s.Dim = s.Dim[:2]
			m.Graph.Node = m.Graph.Node[2:]
			m.Graph.Node[0].Input[0] = "input"
		}},
		"reshape to rank 3": {"Flatten_3", func(m *model) {
			n := m.Graph.Node[3]
			n.OpType, n.Attribute, n.Input = "Reshape", nil, append(n.Input, "shape")
			m.Graph.Initializer = append(m.Graph.Initializer, int64s("shape", -1, 3, 4))
		}},
		"reshape of the batch": {"Flatten_3", func(m *model) {
			n := m.Graph.Node[3]
			n.OpType, n.Attribute, n.Input = "Reshape", nil, append(n.Input, "shape")
			m.Graph.Initializer = append(m.Graph.Initializer, int64s("shape", 1, -1))
		}},
		"constant without tensor": {"c", func(m *model) {
			m.Graph.Node = append(m.Graph.Node, &node{OpType: "Constant", Name: "c", Output: []string{"c"}})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(edited(t, c.change))
			var u *UnsupportedError
			if !errors.As(err, &u) || errors.Is(err, ErrCorrupt) {
				t.Fatalf("error %v, want an UnsupportedError", err)
			}
			if u.Node != c.node || c.node != "" && (u.Op == "" || u.Opset != 13) || u.Reason == "" {
				t.Errorf("error %#v, want one about node %q", u, c.node)
			}
		})
	}
}

func TestLoadCorrupt(t *testing.T) {
	whole := edited(t, func(*model) {})
	files := map[string][]byte{
		"empty":        nil,
		"text":         []byte("not a model"),
		"cut in half":  whole[:len(whole)/2],
		"all but one":  whole[:len(whole)-1],
		"zeros":        make([]byte, 100),
		"a graph only": {0x3a, 0x00},
	}
	for name, change := range map[string]func(*model){
		"no graph":                  func(m *model) { m.Graph = nil },
		"no opset":                  func(m *model) { m.OpsetImport = nil },
		"NaN weight":                func(m *model) { binary.LittleEndian.PutUint32(m.Graph.Initializer[0].RawData[8:], 0x7fc00001) },
		"infinite weight":           func(m *model) { binary.LittleEndian.PutUint32(m.Graph.Initializer[3].RawData, 0xff800000) },
		"too few bytes":             func(m *model) { w := m.Graph.Initializer[0]; w.RawData = w.RawData[:len(w.RawData)-4] },
		"odd bytes":                 func(m *model) { w := m.Graph.Initializer[0]; w.RawData = append(w.RawData, 0) },
		"bytes and numbers":         func(m *model) { m.Graph.Initializer[0].FloatData = []float32{1} },
		"no bytes":                  func(m *model) { m.Graph.Initializer[0].RawData = nil },
		"zero extent":               func(m *model) { m.Graph.Initializer[0].Dims[0] = 0 },
		"negative extents":          func(m *model) { d := m.Graph.Initializer[0].Dims; d[0], d[1] = -d[0], -d[1] },
		"extents that overflow":     func(m *model) { m.Graph.Initializer[0].Dims = []int64{3, 2, 3, 3 + 1<<62} },
		"huge extents":              func(m *model) { m.Graph.Initializer[0].Dims = []int64{1 << 31, 1 << 31, 1 << 31, 1 << 31} },
		"weights of other channels": func(m *model) { m.Graph.Initializer[0].Dims = []int64{2, 3, 3, 3} },
		"another kernel_shape":      func(m *model) { setInts(m, 0, "kernel_shape", 3, 2) },
		"stride 0":                  func(m *model) { setInts(m, 0, "strides", 0, 1) },
		"negative stride":           func(m *model) { setInts(m, 2, "strides", -1, 1) },
		"huge stride":               func(m *model) { setInts(m, 2, "strides", 1, math.MaxInt64) },
		"negative padding":          func(m *model) { setInts(m, 0, "pads", 0, 0, 0, -1) },
		"huge padding":              func(m *model) { setInts(m, 0, "pads", 0, math.MaxInt64, 0, 0) },
		"empty window":              func(m *model) { setInts(m, 2, "kernel_shape", 2, 0) },
		"no window":                 func(m *model) { m.Graph.Node[2].Attribute = nil },
		"padding and none":          func(m *model) { setInts(m, 0, "pads", 1, 1, 1, 1); setText(m, 0, "auto_pad", "VALID") },
		"NaN slope":                 func(m *model) { setFloat(m, 1, "alpha", float32(math.NaN())) },
		"attribute of another type": func(m *model) { setInt(m, 1, "alpha", 1) },
		"attribute twice": func(m *model) {
			n := m.Graph.Node[1]
			n.Attribute = append(n.Attribute, n.Attribute[0])
		},
		"weights of other features": func(m *model) {
			m.Graph.Initializer[2].Dims = []int64{6, 10}
			m.Graph.Node[4].Input = m.Graph.Node[4].Input[:2]
		},
		"a product of images": func(m *model) {
			m.Graph.Node = slices.Delete(m.Graph.Node, 3, 4)
			m.Graph.Node[3].Input[0] = m.Graph.Node[2].Output[0]
		},
		"missing input":             func(m *model) { m.Graph.Node[1].Input[0] = "nowhere" },
		"empty input":               func(m *model) { m.Graph.Node[1].Input[0] = "" },
		"missing weights":           func(m *model) { m.Graph.Node[4].Input[1] = "nowhere" },
		"a cycle":                   func(m *model) { m.Graph.Node[0].Input[0] = m.Graph.Node[2].Output[0] },
		"its own input":             func(m *model) { m.Graph.Node[1].Input[0] = m.Graph.Node[1].Output[0] },
		"nodes out of order":        func(m *model) { slices.Reverse(m.Graph.Node) },
		"a name twice":              func(m *model) { m.Graph.Node[2].Output[0] = "input" },
		"a weight's name twice":     func(m *model) { m.Graph.Initializer[1].Name = "conv.weight" },
		"a value named as a weight": func(m *model) { m.Graph.Node[0].Output[0] = "fc.weight" },
		"nameless weights":          func(m *model) { m.Graph.Initializer[1].Name = "" },
		"no output":                 func(m *model) { m.Graph.Node[1].Output = nil },
		"no inputs":                 func(m *model) { m.Graph.Node[1].Input = nil },
		"too many inputs":           func(m *model) { m.Graph.Node[1].Input = append(m.Graph.Node[1].Input, "fc.bias") },
		"output from nowhere":       func(m *model) { m.Graph.Output[0].Name = "nowhere" },
		"no graph input":            func(m *model) { m.Graph.Input = nil },
		"negative batch":            func(m *model) { inputAxis(m, 0).Value = fixed(-1) },
		"negative height":           func(m *model) { inputAxis(m, 2).Value = fixed(-6) },
		"huge image":                func(m *model) { inputAxis(m, 2).Value = fixed(1 << 40); inputAxis(m, 3).Value = fixed(1 << 40) },
		"metadata twice": func(m *model) {
			m.MetadataProps = []*onnxpb.StringStringEntryProto{{Key: "a"}, {Key: "a"}}
		},
	} {
		files[name] = edited(t, change)
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			if n, err := Load(b); !errors.Is(err, ErrCorrupt) {
				t.Errorf("network %v, error %v, want ErrCorrupt", n, err)
			}
		})
	}
}

// Files that would take much more memory than they are long.
func TestLoadIsBounded(t *testing.T) {
	message := func(tag byte, value []byte) []byte {
		return append(binary.AppendUvarint([]byte{tag}, uint64(len(value))), value...)
	}
	const size = 8 << 20
	deep := edited(t, func(m *model) {
		// A chain of poolings that each give a large image.
		inputAxis(m, 1).Value, inputAxis(m, 2).Value, inputAxis(m, 3).Value = fixed(1), fixed(4096), fixed(4096)
		m.Graph.Node, m.Graph.Output[0].Name = nil, "input"
		for range 1000 {
			from := m.Graph.Output[0].Name
			m.Graph.Output[0].Name += "x"
			m.Graph.Node = append(m.Graph.Node, &node{OpType: "Relu", Input: []string{from}, Output: []string{m.Graph.Output[0].Name}})
		}
	})
	wide := edited(t, func(m *model) {
		setInts(m, 0, "pads", 0, 1<<24-10, 0, 0)
		setInts(m, 0, "kernel_shape", 3, 3)
	})
	for name, b := range map[string][]byte{
		"empty nodes":         message(0x3a, bytes.Repeat([]byte{0x0a, 0}, size/2)),
		"empty initializers":  message(0x3a, bytes.Repeat([]byte{0x2a, 0}, size/2)),
		"empty names":         message(0x3a, message(0x0a, bytes.Repeat([]byte{0x0a, 0}, size/2))),
		"packed integers":     message(0x3a, message(0x2a, message(0x3a, make([]byte, size)))),
		"unpacked integers":   message(0x3a, message(0x2a, bytes.Repeat([]byte{0x08, 1}, size/2))),
		"empty metadata":      bytes.Repeat([]byte{0x72, 0}, size/2),
		"unknown fields":      bytes.Repeat([]byte{0xfa, 0x3e, 0}, size/3),
		"large layers":        deep,
		"a large convolution": wide,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := Load(b)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Error("no error")
			}
			if used, most := after.TotalAlloc-before.TotalAlloc, uint64(3*len(b)+32<<20); used > most {
				t.Errorf("%d bytes took %d bytes of memory, more than %d", len(b), used, most)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
	if _, err := decode(make([]byte, maxFile+1)); err == nil {
		t.Error("a file of any length is accepted")
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	_, unsupported := Load(edited(t, func(m *model) { m.Graph.Node[0].OpType = "Softplus" }))
	_, broken := Load([]byte("x"))
	for _, c := range []struct {
		err  error
		want []string
	}{
		{unsupported, []string{`"Conv_0"`, `"Softplus"`, "opset 13", "export the model without it"}},
		{broken, []string{"corrupt", "fetch it again"}},
		{ErrDiverged, []string{"lower learning rate"}},
	} {
		for _, want := range c.want {
			if !strings.Contains(c.err.Error(), want) {
				t.Errorf("error %q does not say %q", c.err, want)
			}
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(marshal(f, awkward(1)))
	f.Add(marshal(f, (&Net{in: flat(3)})))
	for _, change := range []func(*model){
		func(*model) {},
		func(m *model) { m.MetadataProps = []*onnxpb.StringStringEntryProto{{Key: "seed", Value: "1"}} },
		func(m *model) { m.Graph.Initializer[0].Dims = []int64{1 << 62, 1 << 62, 4, 4} },
		func(m *model) { setInts(m, 0, "pads", 1, 1<<23, 0, 1<<23) },
		func(m *model) { m.Graph.Node[0].Input[0] = m.Graph.Node[4].Output[0] },
		func(m *model) {
			m.Graph.Node[3].OpType, m.Graph.Node[3].Attribute = "Reshape", nil
			m.Graph.Node[3].Input = append(m.Graph.Node[3].Input, "shape")
			m.Graph.Initializer = append(m.Graph.Initializer, int64s("shape", 0, -1))
		},
		func(m *model) {
			m.Graph.Node = append([]*node{{OpType: "Identity", Input: []string{"fc.bias"}, Output: []string{"b"}}}, m.Graph.Node...)
		},
	} {
		f.Add(edited(f, change))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		n, err := Load(b)
		if err != nil {
			var u *UnsupportedError
			if !errors.Is(err, ErrCorrupt) && !errors.As(err, &u) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		written := marshal(t, n)
		again, err := Load(written)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		if !bytes.Equal(marshal(t, again), written) {
			t.Fatal("the reloaded network has other bytes")
		}
		work := n.in.size()
		for _, l := range n.layers {
			work += l.output().size() + l.scratch()*l.output().height
		}
		if work > 1<<16 {
			return
		}
		x := make([]float32, 2*n.in.size())
		if got := NewRunner(n, 2).Forward(x, 2); len(got) != 2*n.Outputs() {
			t.Fatalf("%d outputs", len(got))
		}
	})
}
