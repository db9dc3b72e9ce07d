package federation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

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
}

// FuzzDecodePrototypes: nothing panics, and what is accepted is canonical.
func FuzzDecodePrototypes(f *testing.F) {
	m := testManifest()
	b, err := testPrototypes(m).Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := DecodePrototypes(m, b); err == nil {
			if again, err := p.Encode(m); err != nil || !bytes.Equal(b, again) {
				t.Errorf("%x was read as the set with the bytes %x, %v", b, again, err)
			}
		}
	})
}

// The bytes are part of the protocol: this test changes only when the protocol
// does.
func TestPrototypesGoldenBytes(t *testing.T) {
	m := testManifest()
	id := m.ID()
	head := "0a20" + id.String() + "120170" + "1803" // federation, sender "p", epoch 3
	p := testPrototypes(m)
	p.Means.Weights = []float32{127, 0, -63.5, 1, 0, 0, 0, 0}
	b, err := p.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	want := head + "2a03" + "0ac801" + // 10 and 200 samples
		"320b" + "150000803f" + "1a047f00c001" + // class 0: scale 1, 127 0 -64 1
		"3208" + "0802" + "1a0400000000" // class 2: zeros
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("prototypes:\n got %s\nwant %s", got, want)
	}
	if p.Hash() != sha256.Sum256(b) {
		t.Error("the hash is not that of the bytes")
	}
}

// Bytes that no encoder writes are refused, whatever is wrong with them.
func TestPrototypesThatAreMalformed(t *testing.T) {
	m := testManifest()
	set, err := testPrototypes(m).Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(set) {
		if _, err := DecodePrototypes(m, set[:i]); err == nil {
			t.Errorf("a set cut off after %d bytes was taken", i)
		}
	}
	for name, b := range map[string][]byte{
		"something behind":      append(bytes.Clone(set), 0x38, 1),
		"more than can be true": append(bytes.Clone(set), make([]byte, m.MaxPrototypesSize())...),
		"an epoch of two bytes": bytes.Replace(set, []byte{tagSeq, 3}, []byte{tagSeq, 0x83, 0}, 1),
	} {
		if _, err := DecodePrototypes(m, b); err == nil {
			t.Errorf("a set with %s was taken", name)
		}
	}
}

// The bounds hold for the largest messages.
func TestPrototypesSizes(t *testing.T) {
	for _, classes := range []int{2, 129, 1000} {
		m := sized(classes, 30, RowsFloat32)
		p := &Prototypes{Federation: m.ID(), Sender: PeerID(strings.Repeat("p", MaxSender)), Epoch: math.MaxUint64, Means: Rows{Features: 30}}
		for c := range classes {
			p.Samples = append(p.Samples, MaxSamples)
			p.Means.Classes = append(p.Means.Classes, c)
			for range 30 {
				p.Means.Weights = append(p.Means.Weights, 1)
			}
		}
		b, err := p.Encode(m)
		if most := m.MaxPrototypesSize(); err != nil || len(b) > most || len(b) < most-3*classes-100 {
			t.Errorf("%d classes: %d bytes, at most %d, %v", classes, len(b), most, err)
		}
		if _, err := DecodePrototypes(m, b); err != nil {
			t.Errorf("%d classes: %v", classes, err)
		}
	}
}

// An update names a set and its epoch, or neither.
func TestCommitmentIsWhole(t *testing.T) {
	m := testManifest()
	for _, change := range []func(*Update){
		func(u *Update) { u.Epoch = 0 },
		func(u *Update) { u.Prototypes = Hash{} },
	} {
		u := testUpdate(m)
		change(u)
		if _, err := u.Encode(m); !errors.Is(err, ErrMalformed) {
			t.Errorf("epoch %d, set %s: %v", u.Epoch, u.Prototypes, err)
		}
	}
	b, err := testUpdate(m).Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	at := len(b) - 36 // the tag of the hash; then two bytes of the epoch
	for name, bad := range map[string][]byte{
		"no hash":      append(bytes.Clone(b[:at]), b[at+34:]...),
		"no epoch":     b[:at+34],
		"a short hash": append(append(bytes.Clone(b[:at]), tagSet, 31), b[at+3:]...),
		"a zero hash":  append(append(append(bytes.Clone(b[:at]), tagSet, 32), make([]byte, 32)...), b[at+34:]...),
		"epoch first":  append(append(bytes.Clone(b[:at]), b[at+34:]...), b[at:at+34]...),
	} {
		if _, err := DecodeUpdate(m, bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
