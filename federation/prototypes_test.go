package federation

import (
	"bytes"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation/internal/wirepb"
)

func testPrototypes(m *Manifest) *Prototypes {
	h := NewHead(len(m.Classes), m.Backbone.Features)
	for i := range h.Weights {
		h.Weights[i] = float32(i%9) / 4
	}
	return &Prototypes{Federation: m.ID(), Sender: "p", Epoch: 3, Samples: []int{10, 200}, Means: h.Select([]int{0, 2})}
}

func testVouches(m *Manifest) *Vouches {
	return &Vouches{Federation: m.ID(), Sender: "p", Seq: 3, Trust: map[Hash]uint8{{1}: 255, {9}: 0, {0, 4}: 128}}
}

// TestPrototypesRoundTrip: what was decoded encodes to the same bytes, and the
// hash is that of the bytes, before and after.
func TestPrototypesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest(t)
		m.Prototypes = PrototypeSpec{Use: true, Least: 2}
		p := &Prototypes{Federation: m.ID(), Sender: "someone", Epoch: rapid.Uint64Min(1).Draw(t, "epoch")}
		p.Means.Features = m.Backbone.Features
		for c := range m.Classes {
			if c == 0 || rapid.Bool().Draw(t, "class") {
				p.Means.Classes = append(p.Means.Classes, c)
				p.Means.Weights = append(p.Means.Weights, drawRow(t, m.Backbone.Features)...)
				p.Samples = append(p.Samples, rapid.IntRange(2, MaxSamples).Draw(t, "samples"))
			}
		}
		b, err := p.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := DecodePrototypes(m, b)
		if err != nil {
			t.Fatal(err)
		}
		again, err := got.Encode(m)
		if err != nil || !bytes.Equal(b, again) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
		if p.Hash() != got.Hash() {
			t.Fatal("the hash changes on the way")
		}
		var pb wirepb.Prototypes
		if err := proto.Unmarshal(b, &pb); err != nil {
			t.Fatal(err)
		}
		if same, err := (proto.MarshalOptions{Deterministic: true}).Marshal(&pb); err != nil || !bytes.Equal(same, b) {
			t.Fatalf("generated code writes %x, %v", same, err)
		}
	})
}

func TestVouchesRoundTrip(t *testing.T) {
	m := testManifest()
	v := testVouches(m)
	b, err := v.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeVouches(m, b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(v, got); diff != "" {
		t.Error(diff)
	}
	var pb wirepb.Vouches
	if err := proto.Unmarshal(b, &pb); err != nil {
		t.Fatal(err)
	}
	if same, err := (proto.MarshalOptions{Deterministic: true}).Marshal(&pb); err != nil || !bytes.Equal(same, b) {
		t.Errorf("generated code writes %x, %v", same, err)
	}
}

func TestPrototypesRefused(t *testing.T) {
	m := testManifest()
	for name, c := range map[string]struct {
		change func(*Prototypes)
		want   error
	}{
		"epoch 0":        {func(p *Prototypes) { p.Epoch = 0 }, ErrMalformed},
		"few samples":    {func(p *Prototypes) { p.Samples[0] = 2 }, ErrMalformed},
		"many samples":   {func(p *Prototypes) { p.Samples[0] = MaxSamples + 1 }, ErrMalformed},
		"no sender":      {func(p *Prototypes) { p.Sender = "" }, ErrMalformed},
		"long sender":    {func(p *Prototypes) { p.Sender = PeerID(strings.Repeat("x", 129)) }, ErrMalformed},
		"another":        {func(p *Prototypes) { p.Federation[0]++ }, ErrWrongFederation},
		"unknown class":  {func(p *Prototypes) { p.Means.Classes[1] = 3 }, ErrUnknownClass},
		"repeated class": {func(p *Prototypes) { p.Means.Classes[1] = 0 }, ErrRepeatedClass},
		"not finite":     {func(p *Prototypes) { p.Means.Weights[3] = float32(math.NaN()) }, ErrNotFinite},
		"short":          {func(p *Prototypes) { p.Means.Weights = p.Means.Weights[1:] }, ErrShape},
		"no means":       {func(p *Prototypes) { p.Means.Classes, p.Means.Weights, p.Samples = nil, nil, nil }, ErrMalformed},
		"counts":         {func(p *Prototypes) { p.Samples = p.Samples[:1] }, ErrMalformed},
	} {
		p := testPrototypes(m)
		c.change(p)
		if _, err := p.Encode(m); !errors.Is(err, c.want) {
			t.Errorf("%s: encoding says %v, want %v", name, err, c.want)
		}
		if name == "short" || name == "not finite" {
			continue // there are no such bytes
		}
		if _, err := DecodePrototypes(m, p.append(nil)); err == nil {
			t.Errorf("%s: the bytes were taken", name)
		}
	}
	v := testVouches(m)
	v.Seq = 0
	if _, err := v.Encode(m); !errors.Is(err, ErrMalformed) {
		t.Errorf("vouches without a number: %v", err)
	}
	v = testVouches(m)
	m.Wire.MaxPeers = 2
	v.Federation = m.ID()
	if _, err := v.Encode(m); !errors.Is(err, ErrMalformed) {
		t.Errorf("vouches for more sets than there can be: %v", err)
	}
}

// FuzzDecodePrototypes: nothing panics, and what is accepted is canonical.
func FuzzDecodePrototypes(f *testing.F) {
	m := testManifest()
	b, err := testPrototypes(m).Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	if b, err = testVouches(m).Encode(m); err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePrototypes(m, b); err == nil {
			if again, err := p.Encode(m); err != nil || !bytes.Equal(b, again) {
				t.Errorf("%x was read as the set with the bytes %x, %v", b, again, err)
			}
		}
		if v, err := DecodeVouches(m, b); err == nil {
			if again, err := v.Encode(m); err != nil || !bytes.Equal(b, again) {
				t.Errorf("%x was read as the vouches with the bytes %x, %v", b, again, err)
			}
		}
	})
}
