package nn

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/learner/nn/internal/onnxpb"
)

func marshal(t testing.TB, n *Net) []byte {
	t.Helper()
	b, err := n.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func reload(t testing.TB, n *Net) *Net {
	t.Helper()
	m, err := Load(marshal(t, n))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	clash := newLeNet(3, true)
	for i, name := range []string{"input", "output", "input_", "Conv_0_output"} {
		clash.params[i].name = name
	}
	tied := &Net{in: flat(4)}
	w := tied.add("w", []float32{1, 2, 3, 4, 5, 6, 7, 8, -1, -2, -3, -4, 0, 1, 0, 1}, 4, 4)
	tied.layers = []layer{&dense{4, 4, w, -1}, &relu{flat(4)}, &dense{4, 4, w, -1}}
	labelled := newLeNet(2, false)
	labelled.Metadata = map[string]string{"seed": "42", "data": "glyphs; 26 letters", "RMS": "0.125", "": "x", "ü": ""}
	for name, n := range map[string]*Net{
		"LeNet": newLeNet(10, true), "backbone": newLeNet(10, true).Backbone(), "awkward": awkward(1),
		"names that clash": clash, "shared weights": tied, "metadata": labelled,
		"one layer": {in: flat(5), layers: []layer{&relu{flat(5)}}},
	} {
		t.Run(name, func(t *testing.T) {
			b := marshal(t, n)
			m := reload(t, n)
			if !bytes.Equal(marshal(t, m), b) {
				t.Error("the reloaded network has other bytes")
			}
			if !maps.Equal(m.Metadata, n.Metadata) {
				t.Errorf("metadata %v, want %v", m.Metadata, n.Metadata)
			}
			x, _ := batch(n, 9, 4)
			if !slices.Equal(NewRunner(m, 9).Forward(x, 9), NewRunner(n, 9).Forward(x, 9)) {
				t.Error("the reloaded network has other outputs")
			}
			if len(m.Params()) != len(n.Params()) {
				t.Errorf("%d parameters, want %d", len(m.Params()), len(n.Params()))
			}
		})
	}
}

// A federation names its backbone by the hash of these bytes, so they must
// not depend on the version of a library or of Go.
func TestBytesAreForever(t *testing.T) {
	n := newLeNet(10, true)
	n.Metadata = map[string]string{"seed": "1", "data": "none"}
	const want = "e18a51d933d53dc98293a4c79374738a7318dbb7003cb65a31674029efcac06a"
	if got := fmt.Sprintf("%x", sha256.Sum256(marshal(t, n))); got != want {
		t.Errorf("SHA-256 %s, want %s", got, want)
	}
}

func TestMarshalWritesOpset13WithADynamicBatch(t *testing.T) {
	n := newLeNet(10, true)
	n.Metadata = map[string]string{"b": "2", "a": "1", "c": "3"}
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(marshal(t, n), &m); err != nil {
		t.Fatal(err)
	}
	if o := m.GetOpsetImport(); len(o) != 1 || o[0].GetVersion() != 13 || o[0].GetDomain() != "" {
		t.Errorf("opsets %v", o)
	}
	for _, v := range []*onnxpb.ValueInfoProto{m.GetGraph().GetInput()[0], m.GetGraph().GetOutput()[0]} {
		if d := v.GetType().GetTensorType().GetShape().GetDim(); d[0].GetDimParam() != "batch" || d[1].GetDimValue() == 0 {
			t.Errorf("%s has the axes %v", v.GetName(), d)
		}
	}
	var keys []string
	for _, p := range m.GetMetadataProps() {
		keys = append(keys, p.GetKey())
	}
	if !slices.Equal(keys, []string{"a", "b", "c"}) {
		t.Errorf("metadata in the order %q", keys)
	}
}

func TestMarshalRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*Net)
		want  string
	}{
		"NaN":      {func(n *Net) { n.Params()[1].Data[3] = float32(math.NaN()) }, "conv1.bias"},
		"infinity": {func(n *Net) { n.Params()[4].Data[0] = float32(math.Inf(-1)) }, "fc.weight"},
		"metadata": {func(n *Net) { n.Metadata = map[string]string{"a": "\xff"} }, "UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newLeNet(2, false)
			c.spoil(n)
			if _, err := n.Marshal(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one about %s", err, c.want)
			}
		})
	}
}
