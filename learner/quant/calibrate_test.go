package quant

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

func TestCalibrateRefuses(t *testing.T) {
	g := families[3].make(1)
	image := graph.Size(g.Inputs[0].Dims[1:])
	x := images(1, g, 2)
	run := func(g *graph.Graph, batches ...[]float32) error {
		_, err := Calibrate(g, slices.Values(batches), Options{Workers: 1})
		return err
	}
	if err := run(g, x); err != nil {
		t.Fatal(err)
	}
	if err := run(g); !errors.Is(err, ErrNoImages) {
		t.Errorf("no images: %v", err)
	}
	if err := run(g, x[:image], x[:image]); !errors.Is(err, ErrSameImage) {
		t.Errorf("the same image twice: %v", err)
	}
	var constant *ConstantError
	if err := run(g, make([]float32, image)); !errors.As(err, &constant) || constant.Value != "input" {
		t.Errorf("a black image: %v", err)
	}
	var size *BatchError
	if err := run(g, x[1:]); !errors.As(err, &size) || size.Image != image {
		t.Errorf("a batch that is short: %v", err)
	}
	var not *NotFiniteError
	bad := slices.Clone(x)
	bad[5] = float32(math.NaN())
	if err := run(g, x, bad); !errors.As(err, &not) || not.Value != "input" || not.Batch != 1 {
		t.Errorf("NaN in an image: %v", err)
	}
	for i := range bad {
		bad[i] = 3e38
	}
	bad[0] = 0
	if err := run(g, bad); !errors.As(err, &not) || not.Value == "input" || not.Batch != 0 {
		t.Errorf("images that overflow: %v", err)
	}
	broken := g.Clone()
	for name, w := range broken.Consts {
		if len(w.Dims) == 4 {
			c := *w
			c.F32 = slices.Clone(w.F32)
			c.F32[0] = float32(math.Inf(1))
			broken.Consts[name] = &c
			break
		}
	}
	if err := run(broken, x); !errors.As(err, &not) || not.Batch != -1 {
		t.Errorf("an infinite weight: %v", err)
	}
	if _, err := Quantize(broken, Ranges{}); !errors.As(err, &not) || not.Batch != -1 {
		t.Errorf("quantizing an infinite weight: %v", err)
	}
	var missing *MissingRangeError
	if _, err := Quantize(g, Ranges{"input": {0, 1}}); !errors.As(err, &missing) {
		t.Errorf("without ranges: %v", err)
	}
	var un *graph.UnsupportedError
	two := g.Clone()
	two.Outputs = append(two.Outputs, two.Outputs[0])
	open := g.Clone()
	open.Inputs[0].Dims = []int{-1, 3, -1, -1}
	for _, g := range []*graph.Graph{two, open} {
		if err := run(g, x); !errors.As(err, &un) {
			t.Errorf("inputs %v, %d outputs: %v", g.Inputs[0].Dims, len(g.Outputs), err)
		}
	}
}

// TestBatchesDoNotMatter: the extremes of two batches are those of one.
func TestBatchesDoNotMatter(t *testing.T) {
	g := families[4].make(1)
	x := images(2, g, 5)
	image := len(x) / 5
	one, err := Calibrate(g, slices.Values([][]float32{x}), Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	some, err := Calibrate(g, slices.Chunk(x, 2*image), Options{Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	for v, r := range one {
		s := some[v]
		if d := max(math.Abs(float64(r.Lo-s.Lo)), math.Abs(float64(r.Hi-s.Hi))); d > 1e-4*float64(r.Hi-r.Lo) {
			t.Errorf("%s: %v and %v", v, r, s)
		}
	}
}

// TestQuantizedGraph: what a reader of the file relies on.
func TestQuantizedGraph(t *testing.T) {
	for _, f := range families {
		g := f.make(3)
		g.Name, g.Metadata["origin"] = "a name", "somewhere"
		q := made(t, g, images(3, g, 3), MinMax())
		if q.Opset != 13 || q.Name != "a name" || q.Metadata["origin"] != "somewhere" {
			t.Errorf("%s: opset %d, name %q, metadata %v", f.name, q.Opset, q.Name, q.Metadata)
		}
		if q.Inputs[0].Dims[0] != -1 || q.Outputs[0].Dims[0] != -1 || q.Outputs[0].Name != g.Outputs[0].Name {
			t.Errorf("%s: input %v, output %v", f.name, q.Inputs[0], q.Outputs[0])
		}
		makers := q.Makers()
		for i := range q.Nodes {
			n := &q.Nodes[i]
			if n.Domain != "" {
				t.Errorf("%s: %s is no operator of ONNX", f.name, n.Op)
			}
			for j, in := range n.Inputs {
				m, ok := makers[in]
				if ok && m >= i {
					t.Errorf("%s: %s reads %s before it is made", f.name, n.Label(), in)
				}
				product := n.Op == "Conv" || n.Op == "Gemm"
				if product && (!ok || q.Nodes[m].Op != "DequantizeLinear") {
					t.Errorf("%s: input %d of %s is not dequantized", f.name, j, n.Label())
				}
			}
		}
		if last := q.Nodes[makers[q.Outputs[0].Name]].Op; last != "DequantizeLinear" {
			t.Errorf("%s: the output is made by %s", f.name, last)
		}
	}
}

// TestFixedBatch: a graph that is for one batch only stays so.
func TestFixedBatch(t *testing.T) {
	b := newNet(1, 3, 8, 8)
	x := b.op("Relu", nil, b.conv("input", 4, 3, 1, 1))
	g := b.end(b.dense(b.op("Reshape", nil, x, b.ints(2, 256)), 256, 5))
	g.Inputs[0].Dims[0] = 2
	g.Outputs[0].Dims = []int{2, 5}
	in := images(1, g, 3) // not a multiple of two
	q := made(t, g, in, MinMax())
	if q.Inputs[0].Dims[0] != 2 {
		t.Fatalf("input %v", q.Inputs[0])
	}
	p := compiled(t, q, 2, 1)
	float, err := nn.Compile(g, []int{2, 3, 8, 8}, nn.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	two := in[:2*len(in)/3]
	if c := Compare(float.Forward(two), pass(t, p, two), 5); !(c.SNR > 25) {
		t.Errorf("%.1f dB", c.SNR)
	}
}

func TestCompare(t *testing.T) {
	float := []float32{1, 2, 3, 3, 2, 1}
	c := Compare(float, float, 3)
	if c.Agreement != 1 || !math.IsInf(c.SNR, 1) {
		t.Errorf("equal outputs: %v", c)
	}
	c = Compare(float, []float32{1, 2, 3, 1, 2, 3}, 3)
	if want := 10 * math.Log10(28./8); c.Agreement != .5 || math.Abs(c.SNR-want) > 1e-9 {
		t.Errorf("%v, want agreement .5 and %v dB", c, want)
	}
	if c := Compare(float, float[1:], 3); !math.IsNaN(c.SNR) {
		t.Errorf("outputs of different length: %v", c)
	}
	var drop *DropError
	if err := CheckDrop(.9, .85, .01); !errors.As(err, &drop) || drop.Float != .9 {
		t.Errorf("a drop of five points: %v", err)
	}
	if err := CheckDrop(.9, .95, .01); err != nil {
		t.Error(err)
	}
}
