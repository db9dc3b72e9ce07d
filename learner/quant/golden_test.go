package quant

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/npy"
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
		if dir == filepath.Dir(dir) {
			t.Skip("no module root above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no data: %v", err)
	}
	return path
}

// member is an array of an .npz file, whatever its type, as numbers.
type member struct {
	dims []int
	x    []float64
}

func (m member) floats() []float32 {
	out := make([]float32, len(m.x))
	for i, v := range m.x {
		out[i] = float32(v)
	}
	return out
}

// npz reads an .npz file.
func npz(t testing.TB, path string) map[string]member {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := npy.ReadArchive(b)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	out := make(map[string]member, len(tensors))
	for name, v := range tensors {
		m := member{v.Dims, slices.Concat(numbers(v.F32), numbers(v.U8), numbers(v.I8), numbers(v.I32), numbers(v.I64))}
		if len(m.x) != v.Len() {
			t.Fatalf("%s: %s is an array of %v", path, name, v.Type)
		}
		out[name] = m
	}
	return out
}

func numbers[T float32 | uint8 | int8 | int32 | int64](v []T) []float64 {
	out := make([]float64, len(v))
	for i, e := range v {
		out[i] = float64(e)
	}
	return out
}

func TestGoldenActivations(t *testing.T) {
	m := npz(t, shared(t, "golden/quant_activations.npz"))
	cases := 0
	for key, x := range m {
		name, ok := strings.CutSuffix(key, ".x")
		if !ok {
			continue
		}
		cases++
		a := affine{float32(m[name+".scale"].x[0]), uint8(m[name+".zero_point"].x[0])}
		if !strings.HasPrefix(name, "half_ties") {
			if got := fit(float32(slices.Min(x.x)), float32(slices.Max(x.x))); got != a {
				t.Errorf("%s: code %v, want %v", name, got, a)
			}
		}
		for i, v := range x.floats() {
			if got := float64(a.encode(v)); got != m[name+".q"].x[i] {
				t.Errorf("%s: %v is %v, want %v", name, v, got, m[name+".q"].x[i])
			}
			if got := a.decode(uint8(m[name+".q"].x[i])); float64(got) != m[name+".dq"].x[i] {
				t.Errorf("%s: byte %v stands for %v, want %v", name, m[name+".q"].x[i], got, m[name+".dq"].x[i])
			}
		}
	}
	if cases < 10 {
		t.Errorf("only %d cases", cases)
	}
}

func TestGoldenWeights(t *testing.T) {
	m := npz(t, shared(t, "golden/quant_weights.npz"))
	cases := 0
	for key, w := range m {
		name, ok := strings.CutSuffix(key, ".w")
		if !ok {
			continue
		}
		want := m[name+".sym127.scale"]
		cases++
		q, scale := quantizeWeights(w.floats(), len(want.x), nil, 1)
		for c, s := range scale {
			if float64(s) != want.x[c] {
				t.Errorf("%s: channel %d has scale %v, want %v", name, c, s, want.x[c])
			}
		}
		for i, v := range q {
			if float64(v) != m[name+".sym127.q"].x[i] {
				t.Fatalf("%s: weight %d is %d, want %v", name, i, v, m[name+".sym127.q"].x[i])
			}
		}
	}
	if cases < 3 {
		t.Errorf("only %d cases", cases)
	}
}

// TestGoldenNet runs the small network with the integers and scales that the
// fixture gives. The fixture adds biases to the sums as real numbers, and an
// int32 bias is a whole number of the sums' steps. That moves one value of
// conv2, which lies 0.0007 steps beside a tie, to the other side of it, and
// one byte of the output with it; all others are the fixture's.
func TestGoldenNet(t *testing.T) {
	m := npz(t, shared(t, "golden/quant_net.npz"))
	b, err := os.ReadFile(shared(t, "golden/quant_net.json"))
	if err != nil {
		t.Fatal(err)
	}
	var codes map[string]json.RawMessage
	if err := json.Unmarshal(b, &codes); err != nil {
		t.Fatal(err)
	}
	code := func(layer string) affine {
		var c struct {
			Scale float32
			Zero  uint8 `json:"zero_point"`
		}
		if err := json.Unmarshal(codes[layer], &c); err != nil {
			t.Fatal(err)
		}
		return affine{c.Scale, c.Zero}
	}
	g := &graph.Graph{Opset: 13, Consts: map[string]*graph.Tensor{}, Metadata: map[string]string{},
		Inputs: []graph.Value{{Name: "input", Type: graph.Float32, Dims: []int{-1, 1, 12, 12}}}}
	add := func(op, out string, attrs map[string]graph.Attr, in ...string) string {
		g.Nodes = append(g.Nodes, graph.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs})
		return out
	}
	qdq := func(layer, x string, a affine) string {
		g.Consts[layer+".s"] = graph.Floats([]float32{a.scale})
		g.Consts[layer+".z"] = &graph.Tensor{Type: graph.Uint8, U8: []uint8{a.zero}}
		return add("DequantizeLinear", layer+".dq", nil, add("QuantizeLinear", layer+".q", nil, x, layer+".s", layer+".z"), layer+".s", layer+".z")
	}
	layer := func(name, op, x string, xScale float32, attrs map[string]graph.Attr) string {
		w, scale, bias := m[name+".w_q"], m[name+".w_scale"].floats(), m[name+".bias"].floats()
		w8 := make([]int8, len(w.x))
		for i, v := range w.x {
			w8[i] = int8(v)
		}
		g.Consts[name+".w"] = &graph.Tensor{Type: graph.Int8, Dims: w.dims, I8: w8}
		g.Consts[name+".ws"] = graph.Floats(scale, len(scale))
		g.Consts[name+".wz"] = &graph.Tensor{Type: graph.Int8, Dims: []int{len(scale)}, I8: make([]int8, len(scale))}
		for c, v := range bias {
			unit := float64(xScale) * float64(scale[c])
			bias[c] = float32(math.RoundToEven(float64(v)/unit) * unit)
		}
		g.Consts[name+".b"] = graph.Floats(bias, len(bias))
		return add(op, name, attrs, x, add("DequantizeLinear", name+".wd", map[string]graph.Attr{"axis": int64(0)}, name+".w", name+".ws", name+".wz"), name+".b")
	}
	c0, c1, c2 := code("quant"), code("conv1"), code("conv2")
	x := qdq("input", "input", c0)
	x = qdq("conv1", add("Relu", "relu1", nil, layer("conv1", "Conv", x, c0.scale, nil)), c1)
	x = qdq("pool", add("MaxPool", "pool", map[string]graph.Attr{"kernel_shape": []int64{2, 2}, "strides": []int64{2, 2}}, x), c1)
	pads := map[string]graph.Attr{"pads": []int64{1, 1, 1, 1}}
	x = qdq("conv2", add("Relu", "relu2", nil, layer("conv2", "Conv", x, c1.scale, pads)), c2)
	x = add("Flatten", "flat", map[string]graph.Attr{"axis": int64(1)}, x)
	fc := code("fc")
	x = qdq("fc", layer("fc", "Gemm", x, c2.scale, map[string]graph.Attr{"transB": int64(1)}), fc)
	g.Outputs = []graph.Value{{Name: x, Type: graph.Float32, Dims: []int{-1, 10}}}

	in := m["x"]
	p := compiled(t, g, in.dims[0], 1)
	y := pass(t, p, in.floats())
	off := 0
	for i, q := range p.Bytes() {
		switch d := math.Abs(float64(q) - m["fc.y_q"].x[i]); {
		case d > 1:
			t.Errorf("byte %d is %d, want %v", i, q, m["fc.y_q"].x[i])
		case d == 1:
			off++
		case math.Abs(float64(y[i])-m["output"].x[i]) > 1e-6:
			t.Errorf("output %d is %v, want %v", i, y[i], m["output"].x[i])
		}
	}
	if off > 1 {
		t.Errorf("%d bytes are a step off, one may be", off)
	}
	// With biases in whole steps the reference agrees to the byte.
	for i, v := range fakeQuantized(g, in.floats(), in.dims[0]) {
		if d := math.Abs(v - float64(y[i])); d > 1e-6 {
			t.Errorf("output %d is %v, the reference has %v", i, y[i], v)
		}
	}
}
