package federation

import (
	"bytes"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation/internal/wirepb"
)

// protobufManifest is the message that federation.proto says m is.
func protobufManifest(m *Manifest) *wirepb.Manifest {
	pb := &wirepb.Manifest{
		Version: 1,
		Name:    m.Name,
		Classes: m.Classes,
		Backbone: &wirepb.Manifest_Backbone{
			Sha256: m.Backbone.SHA256[:], Features: uint32(m.Backbone.Features),
			Prepare: string(m.Backbone.Prepare), RawRms: m.Backbone.RawRMS, Rms: m.Backbone.RMS,
		},
		Rule: &wirepb.Manifest_Rule{Name: m.Rule.Name},
		Training: &wirepb.Manifest_Training{
			LearningRate: m.Training.LearningRate, L2: m.Training.L2, Batch: uint32(m.Training.Batch),
			Steps: uint32(m.Training.Steps), Probe: uint32(m.Training.Probe),
		},
		Wire: &wirepb.Manifest_Wire{
			Rows: string(m.Wire.Rows), MaxMessage: uint32(m.Wire.MaxMessage), MaxPeers: uint32(m.Wire.MaxPeers),
		},
		Prototypes: &wirepb.Manifest_PrototypeRules{
			Use: m.Prototypes.Use, Least: uint32(m.Prototypes.Least), Noise: m.Prototypes.Noise,
		},
	}
	for _, v := range m.Backbone.Input {
		pb.Backbone.Input = append(pb.Backbone.Input, uint32(v))
	}
	for _, name := range sortedKeys(m.Rule.Constants) {
		pb.Rule.Constants = append(pb.Rule.Constants, &wirepb.Manifest_Constant{Name: name, Value: m.Rule.Constants[name]})
	}
	return pb
}

func sortedKeys(m map[string]float64) []string {
	keys := reflect.ValueOf(m).MapKeys()
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		names = append(names, k.String())
	}
	for i := range names { // insertion sort: independent of what Canonical uses
		for j := i; j > 0 && names[j] < names[j-1]; j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
	return names
}

// The canonical bytes are those of the message in federation.proto, so that
// any protobuf library can compute an ID.
func TestCanonicalAgainstGeneratedCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawValidManifest(t)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(protobufManifest(m))
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Canonical(); !bytes.Equal(got, want) {
			t.Fatalf("canonical bytes\n%x, generated code writes\n%x", got, want)
		}
	})
}
