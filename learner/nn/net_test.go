package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLeNet(t *testing.T) {
	n := newLeNet(26, false)
	if n.Input() != [3]int{1, 28, 28} || n.Outputs() != 26 {
		t.Errorf("input %v, %d outputs", n.Input(), n.Outputs())
	}
	type variance struct {
		Name     string
		Shape    []int
		Variance float64 // rounded to 2 digits
	}
	var got []variance
	count := 0
	for _, p := range n.Params() {
		var sum float64
		for _, v := range p.Data {
			sum += float64(v) * float64(v)
		}
		sum /= float64(len(p.Data))
		if sum != 0 {
			scale := math.Pow(10, math.Floor(math.Log10(sum))-1)
			sum = math.Round(sum/scale) * scale
		}
		got = append(got, variance{p.Name, p.Shape, sum})
		count += len(p.Data)
	}
	want := []variance{
		{"conv1.weight", []int{10, 1, 5, 5}, 0.080}, // 2/25
		{"conv1.bias", []int{10}, 0},
		{"conv2.weight", []int{50, 10, 5, 5}, 0.0080}, // 2/250
		{"conv2.bias", []int{50}, 0},
		{"fc.weight", []int{26, 800}, 0.0024}, // 2/826
	}
	near := cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 0.1*max(a, b) })
	if diff := cmp.Diff(want, got, near); diff != "" {
		t.Error(diff)
	}
	if count != 33610 { // as the checkpoint of Bristle's author
		t.Errorf("%d parameters", count)
	}
	if last := newLeNet(26, true).Params()[5]; last.Name != "fc.bias" || len(last.Data) != 26 {
		t.Errorf("the bias of the output layer is %q with %d numbers", last.Name, len(last.Data))
	}
}

func TestBackbone(t *testing.T) {
	n := newLeNet(10, true)
	n.Metadata = map[string]string{"seed": "1"}
	b := n.Backbone()
	if b.Input() != n.Input() || b.Outputs() != 800 || len(b.Params()) != 4 || b.Metadata["seed"] != "1" {
		t.Errorf("backbone: input %v, %d outputs, %d parameters, metadata %v", b.Input(), b.Outputs(), len(b.Params()), b.Metadata)
	}
	if c := b.Backbone(); c.Outputs() != 800 || len(c.Params()) != 4 {
		t.Errorf("the backbone of a backbone without Gemm has %d outputs, %d parameters", c.Outputs(), len(c.Params()))
	}

	// The features are the input of the output layer.
	x, _ := batch(n, 2, 3)
	logits := NewRunner(n, 2).Forward(x, 2)
	features := NewRunner(b, 2).Forward(x, 2)
	last := n.layers[len(n.layers)-1]
	for s := range 2 {
		within(t, "logits from features", logits[s*10:(s+1)*10], reference(last, n.memory, wide(features[s*800:(s+1)*800])), 1e-5)
	}

	// Nothing is shared.
	before := slices.Clone(features)
	for _, p := range n.Params() {
		clear(p.Data)
	}
	n.Metadata["seed"] = "2"
	if !slices.Equal(NewRunner(b, 2).Forward(x, 2), before) || b.Metadata["seed"] != "1" {
		t.Error("changing the network changed its backbone")
	}
}

// A network that is nothing but its output layer has an empty backbone, which
// puts out its input.
func TestBackboneOfOneLayer(t *testing.T) {
	n := &Net{in: flat(3)}
	n.layers = []layer{&dense{3, 2, n.add("w", []float32{1, 2, 3, 4, 5, 6}, 2, 3), -1}}
	b := n.Backbone()
	x := []float32{1, 2, 3, 4, 5, 6}
	if got := NewRunner(b, 2).Forward(x, 2); !slices.Equal(got, x) {
		t.Errorf("features %v of %v", got, x)
	}
	if got := NewRunner(reload(t, b), 2).Forward(x, 2); !slices.Equal(got, x) {
		t.Errorf("features %v of %v after a round trip", got, x)
	}
}

// The same seed gives the same network on every architecture.
func TestLeNetIsReproducible(t *testing.T) {
	a, b := LeNet(5, true, rand.New(rand.NewPCG(7, 8))), LeNet(5, true, rand.New(rand.NewPCG(7, 8)))
	if !slices.Equal(a.memory.flat, b.memory.flat) {
		t.Error("one seed gave two networks")
	}
	if c := LeNet(5, true, rand.New(rand.NewPCG(7, 9))); slices.Equal(a.memory.flat, c.memory.flat) {
		t.Error("two seeds gave one network")
	}
}
