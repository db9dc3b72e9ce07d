package federation

import (
	"crypto/sha256"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// canonicalVersion is the first field of the canonical bytes. It changes when
// the meaning of a manifest does, so that peers of two readings never meet.
const canonicalVersion = 1

// Canonical returns the manifest's one encoding: the message Manifest of
// federation.proto in protobuf's deterministic form, that is fields in
// ascending order, constants sorted by name, zeros absent. Negative zeros
// count as zeros. Two valid manifests have equal bytes only if every field is
// equal.
func (m *Manifest) Canonical() []byte {
	var b []byte
	b = appendVarint(b, 1<<3, canonicalVersion)
	b = appendBytes(b, 2, []byte(m.Name), false)
	for _, c := range m.Classes {
		b = appendBytes(b, 3, []byte(c), true)
	}
	b = appendBytes(b, 4, m.Backbone.canonical(), true)
	b = appendBytes(b, 5, m.Rule.canonical(), true)
	b = appendBytes(b, 6, m.Training.canonical(), true)
	b = appendBytes(b, 7, m.Wire.canonical(), true)
	b = appendBytes(b, 8, m.Prototypes.canonical(), true)
	return b
}

// ID returns the name of the federation: the SHA-256 of [Manifest.Canonical].
func (m *Manifest) ID() ID { return sha256.Sum256(m.Canonical()) }

func (s *BackboneSpec) canonical() []byte {
	var b, input []byte
	for _, v := range s.Input {
		input = protowire.AppendVarint(input, uint64(v))
	}
	b = appendBytes(b, 1, s.SHA256[:], false)
	b = appendVarint(b, 2<<3, uint64(s.Features))
	b = appendBytes(b, 3, input, false)
	b = appendBytes(b, 4, []byte(s.Prepare), false)
	b = appendDouble(b, 5, s.RawRMS)
	b = appendDouble(b, 6, s.RMS)
	return b
}

func (s *RuleSpec) canonical() []byte {
	b := appendBytes(nil, 1, []byte(s.Name), false)
	for _, name := range slices.Sorted(maps.Keys(s.Constants)) {
		c := appendBytes(nil, 1, []byte(name), false)
		c = appendDouble(c, 2, s.Constants[name])
		b = appendBytes(b, 2, c, true)
	}
	return b
}

func (s *TrainingSpec) canonical() []byte {
	b := appendDouble(nil, 1, s.LearningRate)
	b = appendDouble(b, 2, s.L2)
	b = appendVarint(b, 3<<3, uint64(s.Batch))
	b = appendVarint(b, 4<<3, uint64(s.Steps))
	b = appendVarint(b, 5<<3, uint64(s.Probe))
	return b
}

func (s *WireSpec) canonical() []byte {
	b := appendBytes(nil, 1, []byte(s.Rows), false)
	b = appendVarint(b, 2<<3, uint64(s.MaxMessage))
	b = appendVarint(b, 3<<3, uint64(s.MaxPeers))
	return b
}

func (s *PrototypeSpec) canonical() []byte {
	var b []byte
	if s.Use {
		b = appendVarint(b, 1<<3, 1)
	}
	b = appendVarint(b, 2<<3, uint64(s.Least))
	return appendDouble(b, 3, s.Noise)
}

// appendBytes appends a field of bytes; an empty one only if it is always to
// be present, as elements of lists and messages are.
func appendBytes(b []byte, num protowire.Number, v []byte, always bool) []byte {
	if len(v) == 0 && !always {
		return b
	}
	return protowire.AppendBytes(protowire.AppendTag(b, num, protowire.BytesType), v)
}

func appendDouble(b []byte, num protowire.Number, v float64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, num, protowire.Fixed64Type), math.Float64bits(v))
}
