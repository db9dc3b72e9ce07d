package onnx_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

func TestUnsupported(t *testing.T) {
	attribute := func(kind onnxpb.AttributeProto_AttributeType) func(*model) {
		return func(m *model) { m.Graph.Node[1].Attribute[0].Type = kind }
	}
	for name, c := range map[string]struct {
		node   string
		change func(*model)
	}{
		"opset 6":           {"", func(m *model) { m.OpsetImport[0].Version = 6 }},
		"opset 22":          {"", func(m *model) { m.OpsetImport[0].Version = 22 }},
		"functions":         {"", func(m *model) { m.Functions = [][]byte{{}} }},
		"training":          {"", func(m *model) { m.TrainingInfo = [][]byte{{}} }},
		"sparse":            {"", func(m *model) { m.Graph.SparseInitializer = [][]byte{{}} }},
		"float16":           {"", func(m *model) { m.Graph.Initializer[1].DataType = 10 }},
		"int4":              {"", func(m *model) { m.Graph.Initializer[1].DataType = 22 }},
		"a type to come":    {"", func(m *model) { m.Graph.Initializer[1].DataType = 99 }},
		"float16 input":     {"", func(m *model) { m.Graph.Input[0].Type.TensorType.ElemType = 10 }},
		"input of no type":  {"", func(m *model) { m.Graph.Input[0].Type = nil }},
		"input of sequence": {"", func(m *model) { m.Graph.Input[0].Type.TensorType = nil }},
		"weights elsewhere": {"", func(m *model) {
			w := m.Graph.Initializer[1]
			w.RawData, w.DataLocation = nil, onnxpb.TensorProto_EXTERNAL
		}},
		"subgraph":           {"Conv_0", attribute(onnxpb.AttributeProto_GRAPH)},
		"subgraphs":          {"Conv_0", attribute(onnxpb.AttributeProto_GRAPHS)},
		"sparse attribute":   {"Conv_0", attribute(onnxpb.AttributeProto_SPARSE_TENSOR)},
		"tensors":            {"Conv_0", attribute(onnxpb.AttributeProto_TENSORS)},
		"an unknown kind":    {"Conv_0", attribute(77)},
		"function reference": {"Conv_0", func(m *model) { m.Graph.Node[1].Attribute[0].RefAttrName = "x" }},
		"constant of text": {"shape", func(m *model) {
			m.Graph.Node[0].Attribute[0] = &attr{Name: "value_string", Type: onnxpb.AttributeProto_STRING, S: []byte("x")}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := onnx.Unmarshal(edited(t, c.change))
			u, ok := errors.AsType[*graph.UnsupportedError](err)
			if !ok || errors.Is(err, graph.ErrCorrupt) {
				t.Fatalf("error %v, want an UnsupportedError", err)
			}
			if u.Node != c.node || u.Reason == "" || c.node != "" && (u.Op == "" || u.Opset != 13) {
				t.Errorf("error %#v, want one about node %q", u, c.node)
			}
		})
	}
}

func TestCorrupt(t *testing.T) {
	whole := marshal(t, small())
	files := map[string][]byte{
		"empty":        nil,
		"text":         []byte("not a model"),
		"cut in half":  whole[:len(whole)/2],
		"all but one":  whole[:len(whole)-1],
		"zeros":        make([]byte, 100),
		"a graph only": {0x3a, 0x00},
	}
	dims := func(d ...int64) func(*model) {
		return func(m *model) { m.Graph.Initializer[1].Dims = d }
	}
	extent := func(d int64) func(*model) {
		return func(m *model) {
			m.Graph.Input[0].Type.TensorType.Shape.Dim[2].Value = &onnxpb.TensorShapeProto_Dimension_DimValue{DimValue: d}
		}
	}
	nan := float32(math.NaN())
	for name, change := range map[string]func(*model){
		"no graph": func(m *model) { m.Graph = nil },
		"no opset": func(m *model) { m.OpsetImport = m.OpsetImport[1:] },
		"two opsets": func(m *model) {
			m.OpsetImport = append(m.OpsetImport, &onnxpb.OperatorSetIdProto{Version: 14})
		},
		"metadata twice":          func(m *model) { m.MetadataProps[1].Key = "a" },
		"NaN weight":              func(m *model) { binary.LittleEndian.PutUint32(m.Graph.Initializer[1].RawData[8:], 0x7fc00001) },
		"too few bytes":           func(m *model) { w := m.Graph.Initializer[1]; w.RawData = w.RawData[4:] },
		"odd bytes":               func(m *model) { w := m.Graph.Initializer[1]; w.RawData = append(w.RawData, 0) },
		"bytes and numbers":       func(m *model) { m.Graph.Initializer[1].FloatData = []float32{1} },
		"numbers of another type": func(m *model) { w := m.Graph.Initializer[1]; w.RawData, w.Int64Data = nil, []int64{1, 2, 3, 4} },
		"numbers twice": func(m *model) {
			w := m.Graph.Initializer[2]
			w.RawData, w.FloatData, w.Int64Data = nil, []float32{1, 2}, []int64{1}
		},
		"no bytes":                 func(m *model) { m.Graph.Initializer[1].RawData = nil },
		"zero extent":              dims(0, 1, 2, 2),
		"negative extents":         dims(-1, -1, 2, 2),
		"extents that overflow":    dims(1, 1, 2, 2+1<<62),
		"huge extents":             dims(1<<31, 1<<31, 1<<31, 1<<31),
		"huge extents and zero":    dims(1<<30, 1<<30, 0, 1<<30),
		"a billion":                dims(1_000_000_000),
		"a bool of 2":              func(m *model) { m.Graph.Initializer[4].RawData[0] = 2 },
		"a byte of 256":            func(m *model) { w := m.Graph.Initializer[0]; w.RawData, w.Int32Data = nil, []int32{0, 1, 256} },
		"nameless weights":         func(m *model) { m.Graph.Initializer[1].Name = "" },
		"a weight's name twice":    func(m *model) { m.Graph.Initializer[1].Name = "fc.bias" },
		"a name twice":             func(m *model) { m.Graph.Node[2].Output[0] = "input" },
		"a value named a weight":   func(m *model) { m.Graph.Node[2].Output[0] = "fc.weight" },
		"a constant's name twice":  func(m *model) { m.Graph.Node[0].Output[0] = "fc.weight" },
		"no output":                func(m *model) { m.Graph.Node[2].Output = nil },
		"no operator":              func(m *model) { m.Graph.Node[2].OpType = "" },
		"missing input":            func(m *model) { m.Graph.Node[2].Input[0] = "nowhere" },
		"a cycle":                  func(m *model) { m.Graph.Node[1].Input[0] = "r" },
		"its own input":            func(m *model) { m.Graph.Node[2].Input[0] = "r" },
		"output from nowhere":      func(m *model) { m.Graph.Output[0].Name = "nowhere" },
		"no graph output":          func(m *model) { m.Graph.Output = nil },
		"an output twice":          func(m *model) { m.Graph.Output = append(m.Graph.Output, m.Graph.Output[0]) },
		"an input twice":           func(m *model) { m.Graph.Input = append(m.Graph.Input, m.Graph.Input[0]) },
		"nameless input":           func(m *model) { m.Graph.Input[0].Name = "" },
		"negative extent":          extent(-2),
		"huge extent":              extent(1 << 40),
		"attribute twice":          func(m *model) { n := m.Graph.Node[1]; n.Attribute = append(n.Attribute, n.Attribute[0]) },
		"attribute without name":   func(m *model) { m.Graph.Node[1].Attribute[0].Name = "" },
		"attribute without type":   func(m *model) { m.Graph.Node[1].Attribute[0].Type = 0 },
		"attribute without tensor": func(m *model) { m.Graph.Node[1].Attribute[0].Type = onnxpb.AttributeProto_TENSOR },
		"NaN slope":                func(m *model) { m.Graph.Node[2].Attribute[0].F = &nan },
		"constant of an input":     func(m *model) { m.Graph.Node[0].Input = []string{"input"} },
		"constant without value":   func(m *model) { m.Graph.Node[0].Attribute = nil },
	} {
		files[name] = edited(t, change)
	}
	for name, b := range files {
		t.Run(name, func(t *testing.T) {
			if g, err := onnx.Unmarshal(b); !errors.Is(err, graph.ErrCorrupt) {
				t.Errorf("graph %v, error %v, want ErrCorrupt", g, err)
			}
		})
	}
}

// allocated returns the bytes that f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// Files that would take much more memory than they are long.
func TestBounded(t *testing.T) {
	message := func(tag byte, value []byte) []byte {
		return append(binary.AppendUvarint([]byte{tag}, uint64(len(value))), value...)
	}
	const size = 4 << 20
	for name, b := range map[string][]byte{
		"empty nodes":        message(0x3a, bytes.Repeat([]byte{0x0a, 0}, size/2)),
		"empty initializers": message(0x3a, bytes.Repeat([]byte{0x2a, 0}, size/2)),
		"empty attributes":   message(0x3a, message(0x0a, bytes.Repeat([]byte{0x2a, 0}, size/2))),
		"empty names":        message(0x3a, message(0x0a, bytes.Repeat([]byte{0x0a, 0}, size/2))),
		"packed integers":    message(0x3a, message(0x2a, message(0x3a, make([]byte, size)))),
		"packed in pieces":   message(0x3a, message(0x2a, bytes.Repeat([]byte{0x3a, 1, 0}, size/3))),
		"int32 integers":     message(0x3a, message(0x2a, message(0x2a, make([]byte, size)))),
		"unpacked integers":  message(0x3a, message(0x2a, bytes.Repeat([]byte{0x08, 1}, size/2))),
		"empty metadata":     bytes.Repeat([]byte{0x72, 0}, size/2),
		"empty functions":    bytes.Repeat([]byte{0xca, 0x01, 0}, size/3),
		"unknown fields":     bytes.Repeat([]byte{0xfa, 0x3e, 0}, size/3),
		"weights":            edited(t, func(m *model) { w := m.Graph.Initializer[1]; w.Dims, w.RawData = []int64{size / 4}, make([]byte, size) }),
		"many nodes": edited(t, func(m *model) {
			for i := range 20000 {
				m.Graph.Node = append(m.Graph.Node, &node{OpType: "A", Output: []string{string(rune(0x4e00 + i))}, Attribute: m.Graph.Node[2].Attribute})
			}
		}),
	} {
		t.Run(name, func(t *testing.T) {
			got := allocated(func() { _, _ = onnx.Unmarshal(b) })
			if limit := uint64(20<<20 + 16*len(b)); got > limit {
				t.Errorf("%d bytes took %d, more than %d", len(b), got, limit)
			}
		})
	}
}

// No bytes make the reader fail badly; what it reads is as the package says.
func FuzzUnmarshal(f *testing.F) {
	whole := marshal(f, small())
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte{0x3a, 0x00})
	f.Add(edited(f, func(m *model) { slices.Reverse(m.Graph.Node) }))
	f.Add(edited(f, func(m *model) { m.Graph.Node[2].Input[0] = "r" }))
	f.Add(edited(f, func(m *model) { m.Graph.Initializer[1].Dims = []int64{1 << 40} }))
	f.Add(edited(f, func(m *model) { m.Graph.Initializer[1].FloatData = []float32{1} }))
	f.Add(edited(f, func(m *model) { m.Graph.Initializer[1].DataLocation = onnxpb.TensorProto_EXTERNAL }))
	for _, path := range present(f, "golden/mlp_tied.onnx", "golden/shufflenet.onnx", "golden/har1d.onnx") {
		b, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := onnx.Unmarshal(b)
		if err != nil {
			if _, ok := errors.AsType[*graph.UnsupportedError](err); !ok && !errors.Is(err, graph.ErrCorrupt) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		checkSound(t, g)
		first := marshal(t, g)
		again, err := onnx.Unmarshal(first)
		if err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
		if !bytes.Equal(first, marshal(t, again)) {
			t.Fatal("other bytes the second time")
		}
	})
}

// checkSound tests what the package promises about a graph.
func checkSound(t *testing.T, g *graph.Graph) {
	known := map[string]bool{"": true}
	make := func(name string) {
		if known[name] {
			t.Fatalf("%q is made twice", name)
		}
		known[name] = true
	}
	for _, v := range g.Inputs {
		make(v.Name)
	}
	for name, c := range g.Consts {
		make(name)
		if n := len(c.F32) + len(c.I64) + len(c.I32) + len(c.U8) + len(c.I8) + len(c.Bool); n != c.Len() {
			t.Fatalf("%q of shape %v has %d elements", name, c.Dims, n)
		}
	}
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			if !known[in] {
				t.Fatalf("%q is used before it is made", in)
			}
		}
		for _, out := range n.Outputs {
			if out != "" {
				make(out)
			}
		}
	}
	for _, v := range g.Outputs {
		if !known[v.Name] || v.Name == "" {
			t.Fatalf("the output %q is not made", v.Name)
		}
	}
}

// A part of a model is no model.
func TestForeignModelsCut(t *testing.T) {
	for _, path := range shared(t, "golden/mlp*.onnx", "golden/shufflenet*.onnx") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(b); n += 97 {
			if _, err := onnx.Unmarshal(b[:n]); err == nil {
				t.Errorf("%s is read from %d of %d bytes", path, n, len(b))
			}
		}
	}
}
