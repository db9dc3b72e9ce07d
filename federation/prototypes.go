package federation

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// PrototypeSpec says whether peers publish class means and under which
// conditions.
type PrototypeSpec struct {
	Use bool `json:"use"`
	// Least is the least number of training samples of a class that its mean
	// may be published of. The mean of few samples tells much of each: of one,
	// all.
	Least int `json:"least"`
	// Noise is the standard deviation of the Gaussian noise that is added to
	// every number of a mean, in units of BackboneSpec.RMS.
	Noise float64 `json:"noise"`
}

// MaxSamples is the greatest number of samples that a mean may state.
const MaxSamples = 1_000_000

// Prototypes are the mean training features of the classes that a peer knows.
// A peer commits itself to one set per epoch: the hash of its set is in every
// update.
type Prototypes struct {
	Federation ID
	Sender     PeerID
	// Epoch is at least 1. It grows when a peer publishes another set, because
	// its data have changed. Two sets of one epoch from one key are
	// equivocation.
	Epoch uint64
	// Samples is, per row of Means, how many samples the mean is of.
	Samples []int
	// Means has one row per published class. They travel as int8 with a scale,
	// whatever the manifest says of rows.
	Means Rows
}

// Hash returns the SHA-256 of the canonical bytes: what an update commits its
// sender to. A set that came over the wire has the hash of the one that was sent.
func (p *Prototypes) Hash() Hash { return sha256.Sum256(p.append(nil)) }

func (p *Prototypes) append(b []byte) []byte {
	b = protowire.AppendBytes(append(b, tagFederation), p.Federation[:])
	b = protowire.AppendString(append(b, tagSender), string(p.Sender))
	b = appendVarint(b, tagSeq, p.Epoch)
	b = appendPacked(b, p.Samples)
	for i, c := range p.Means.Classes {
		b = appendRow(b, RowsInt8, c, p.Means.Row(i))
	}
	return b
}

// appendPacked appends numbers as a packed field 5.
func appendPacked(b []byte, numbers []int) []byte {
	size := 0
	for _, n := range numbers {
		size += protowire.SizeVarint(uint64(n))
	}
	b = protowire.AppendVarint(append(b, tagClaims), uint64(size))
	for _, n := range numbers {
		b = protowire.AppendVarint(b, uint64(n))
	}
	return b
}

// Encode returns the canonical bytes. It makes the checks of
// [DecodePrototypes] and refuses with the same errors.
func (p *Prototypes) Encode(m *Manifest) ([]byte, error) {
	if err := checkAscending(m, p.Means.Classes, "prototype"); err != nil {
		return nil, err
	}
	if p.Means.Features != m.Backbone.Features || len(p.Means.Weights) != len(p.Means.Classes)*m.Backbone.Features {
		return nil, fmt.Errorf("%w: %d numbers for %d means of %d features", ErrShape, len(p.Means.Weights), len(p.Means.Classes), m.Backbone.Features)
	}
	if err := checkFinite(p.Means.Weights); err != nil {
		return nil, err
	}
	if err := p.check(m); err != nil {
		return nil, err
	}
	return p.append(nil), nil
}

// check is what holds of every set, besides what its bytes must be.
func (p *Prototypes) check(m *Manifest) error {
	if own := m.ID(); p.Federation != own {
		return fmt.Errorf("%w: %s, ours is %s", ErrWrongFederation, p.Federation, own)
	}
	if err := checkSender(p.Sender); err != nil {
		return err
	}
	if p.Epoch == 0 {
		return fmt.Errorf("%w: epoch 0; they start at 1", ErrMalformed)
	}
	if len(p.Samples) == 0 || len(p.Samples) != len(p.Means.Classes) {
		return fmt.Errorf("%w: %d means with %d numbers of samples", ErrMalformed, len(p.Means.Classes), len(p.Samples))
	}
	for i, k := range p.Samples {
		if k < max(1, m.Prototypes.Least) || k > MaxSamples {
			return fmt.Errorf("%w: the mean of class %d is of %d samples, %d to %d are allowed",
				ErrMalformed, p.Means.Classes[i], k, max(1, m.Prototypes.Least), MaxSamples)
		}
	}
	return nil
}

// MaxPrototypesSize returns how many bytes the largest valid set takes.
func (m *Manifest) MaxPrototypesSize() int {
	int8s := *m
	int8s.Wire.Rows = RowsInt8
	return int8s.updateSize(MaxSender, len(m.Classes), len(m.Classes)) + 2*len(m.Classes)
}

// DecodePrototypes reads the bytes of one set, which may come from anyone. It
// accepts the canonical encoding and nothing else; refusals wrap one of the
// package's sentinel errors. The result shares no memory with b.
func DecodePrototypes(m *Manifest, b []byte) (*Prototypes, error) {
	if most := m.MaxPrototypesSize(); len(b) > most {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), most)
	}
	r := reader{b}
	p := &Prototypes{}
	var err error
	if p.Federation, p.Sender, err = r.origin(m); err != nil {
		return nil, err
	}
	if p.Epoch, err = r.varint(tagSeq, "epoch"); err != nil {
		return nil, err
	}
	packed, err := r.bytes(tagClaims, "samples")
	if err != nil {
		return nil, err
	}
	in := reader{packed}
	for len(in.b) > 0 && len(p.Samples) < len(m.Classes) {
		k, err := in.rawVarint("samples")
		if err != nil {
			return nil, err
		}
		p.Samples = append(p.Samples, int(min(k, MaxSamples+1)))
	}
	int8s := *m
	int8s.Wire.Rows = RowsInt8
	if p.Means, err = r.rows(&int8s); err != nil {
		return nil, err
	}
	if len(r.b) > 0 || len(in.b) > 0 {
		return nil, fmt.Errorf("%w: an unknown, repeated or misplaced field", ErrMalformed)
	}
	return p, p.check(m)
}

// origin reads the first two fields of every message.
func (r *reader) origin(m *Manifest) (id ID, sender PeerID, err error) {
	b, err := r.bytes(tagFederation, "federation")
	if err != nil {
		return id, "", err
	}
	if len(b) != len(id) {
		return id, "", fmt.Errorf("%w: federation of %d bytes, not %d", ErrMalformed, len(b), len(id))
	}
	if id = ID(b); id != m.ID() {
		return id, "", fmt.Errorf("%w: %s, ours is %s", ErrWrongFederation, id, m.ID())
	}
	if b, err = r.bytes(tagSender, "sender"); err != nil {
		return id, "", err
	}
	if err := checkSender(b); err != nil {
		return id, "", err
	}
	return id, PeerID(b), nil
}

// Equivocation says that a peer has committed itself to two sets of prototypes
// for one epoch, and shows it: Evidence holds both signed messages in a form
// that anybody can check.
type Equivocation struct {
	Key      PeerID
	Evidence []byte
}
