package federation

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Limits that hold in every federation. federation.proto states them too.
const (
	// MaxSender is the longest sender in bytes.
	MaxSender = 128
	// MaxClasses is the largest number of classes.
	MaxClasses = 1000
	// MaxFeatures is the longest feature vector.
	MaxFeatures = 65536
	// MaxMessage is the largest update in bytes that a manifest may allow.
	MaxMessage = 16 << 20
)

// Field numbers of federation.proto, as the one-byte tags they become.
const (
	tagFederation = 1<<3 | byte(protowire.BytesType)
	tagSender     = 2<<3 | byte(protowire.BytesType)
	tagSeq        = 3<<3 | byte(protowire.VarintType)
	tagRound      = 4<<3 | byte(protowire.VarintType)
	tagClaims     = 5<<3 | byte(protowire.BytesType)
	tagRow        = 6<<3 | byte(protowire.BytesType)
	tagSet        = 7<<3 | byte(protowire.BytesType)
	tagEpoch      = 8<<3 | byte(protowire.VarintType)

	tagRowClass   = 1<<3 | byte(protowire.VarintType)
	tagRowScale   = 2<<3 | byte(protowire.Fixed32Type)
	tagRowInt8    = 3<<3 | byte(protowire.BytesType)
	tagRowFloat32 = 4<<3 | byte(protowire.BytesType)
)

// DecodeUpdate reads the bytes of one update of the federation m, which must
// be valid. It accepts the canonical encoding and nothing else: whatever
// decodes encodes to the same bytes. The result shares no memory with b.
//
// The bytes may come from anyone. Nothing is allocated before it is known to
// be there and within m's limits; a refusal wraps one of the package's
// sentinel errors.
func DecodeUpdate(m *Manifest, b []byte) (*Update, error) {
	if len(b) > m.Wire.MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), m.Wire.MaxMessage)
	}
	r := reader{b}
	u := &Update{}

	var err error
	if u.Federation, u.Sender, err = r.origin(m); err != nil {
		return nil, err
	}
	if u.Seq, err = r.varint(tagSeq, "seq"); err != nil {
		return nil, err
	}
	if err := checkSeq(u.Seq); err != nil {
		return nil, err
	}
	if u.Round, err = r.varint(tagRound, "round"); err != nil {
		return nil, err
	}
	if u.Claims, err = r.claims(m); err != nil {
		return nil, err
	}
	if u.Rows, err = r.rows(m); err != nil {
		return nil, err
	}
	if u.Prototypes, err = r.commitment(); err != nil {
		return nil, err
	}
	if u.Epoch, err = r.varint(tagEpoch, "epoch"); err != nil {
		return nil, err
	}
	if len(r.b) > 0 {
		return nil, fmt.Errorf("%w: an unknown, repeated or misplaced field before the last %d bytes", ErrMalformed, len(r.b))
	}
	if err := u.checkCommitment(); err != nil {
		return nil, err
	}
	if err := u.checkClaimed(); err != nil {
		return nil, err
	}
	return u, nil
}

// Encode returns the canonical bytes of u. It makes the checks of
// [DecodeUpdate] and refuses with the same errors, so that it never emits
// what a peer would refuse. Rows travel as m.Wire.Rows says: with [RowsInt8]
// a peer decodes weights that are off by at most half the row's scale (see
// federation.proto).
func (u *Update) Encode(m *Manifest) ([]byte, error) {
	if err := u.check(m); err != nil {
		return nil, err
	}
	size := m.updateSize(len(u.Sender), len(u.Claims), len(u.Rows.Classes))
	b := make([]byte, 0, min(size, m.Wire.MaxMessage))
	b = append(b, tagFederation)
	b = protowire.AppendBytes(b, u.Federation[:])
	b = append(b, tagSender)
	b = protowire.AppendString(b, string(u.Sender))
	b = appendVarint(b, tagSeq, u.Seq)
	b = appendVarint(b, tagRound, u.Round)

	claims := 0
	for _, c := range u.Claims {
		claims += protowire.SizeVarint(uint64(c))
	}
	b = append(b, tagClaims)
	b = protowire.AppendVarint(b, uint64(claims))
	for _, c := range u.Claims {
		b = protowire.AppendVarint(b, uint64(c))
	}
	for i, c := range u.Rows.Classes {
		b = appendRow(b, m.Wire.Rows, c, u.Rows.Row(i))
	}
	if u.Prototypes != (Hash{}) {
		b = protowire.AppendBytes(append(b, tagSet), u.Prototypes[:])
	}
	b = appendVarint(b, tagEpoch, u.Epoch)
	if len(b) > m.Wire.MaxMessage {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(b), m.Wire.MaxMessage)
	}
	return b, nil
}

// MaxUpdateSize returns how many bytes the largest valid update of the
// federation takes: the longest sender, every class claimed and every row
// sent. It overestimates by no more than three bytes a class. It depends on
// the number of classes, the features and the row format only.
func (m *Manifest) MaxUpdateSize() int {
	return m.updateSize(MaxSender, len(m.Classes), len(m.Classes))
}

// updateSize bounds the size of an update from above: it takes every number to
// be as long as the longest of its kind.
func (m *Manifest) updateSize(sender, claims, rows int) int {
	class := protowire.SizeVarint(uint64(max(len(m.Classes)-1, 0)))
	row := 1 + class + m.rowSize()
	return 1 + protowire.SizeBytes(len(ID{})) +
		1 + protowire.SizeBytes(sender) +
		2*(1+protowire.SizeVarint(math.MaxUint64)) +
		1 + protowire.SizeBytes(claims*class) +
		rows*(1+protowire.SizeBytes(row)) +
		1 + protowire.SizeBytes(len(Hash{})) + 1 + protowire.SizeVarint(math.MaxUint64)
}

// rowSize returns the size of a row without its class, at its largest. Only
// a row of zeros is smaller, by the five bytes of the scale.
func (m *Manifest) rowSize() int {
	if m.Wire.Rows == RowsFloat32 {
		return 1 + protowire.SizeBytes(4*m.Backbone.Features)
	}
	return 5 + 1 + protowire.SizeBytes(m.Backbone.Features)
}

func appendVarint(b []byte, tag byte, v uint64) []byte {
	if v == 0 {
		return b // the default of proto3 does not travel
	}
	return protowire.AppendVarint(append(b, tag), v)
}

// reader consumes the fields of a message in ascending order. Every field
// number is below 16, so a tag is one byte and the next field is known by it.
type reader struct{ b []byte }

func (r *reader) next(tag byte) bool {
	if len(r.b) == 0 || r.b[0] != tag {
		return false
	}
	r.b = r.b[1:]
	return true
}

func (r *reader) rawVarint(field string) (uint64, error) {
	v, n := protowire.ConsumeVarint(r.b)
	if n < 0 {
		return 0, fmt.Errorf("%w: %s: %w", ErrMalformed, field, protowire.ParseError(n))
	}
	if n != protowire.SizeVarint(v) {
		return 0, fmt.Errorf("%w: %s: %d in %d bytes", ErrMalformed, field, v, n)
	}
	r.b = r.b[n:]
	return v, nil
}

// varint reads an optional number; absent means 0, and 0 must be absent.
func (r *reader) varint(tag byte, field string) (uint64, error) {
	if !r.next(tag) {
		return 0, nil
	}
	v, err := r.rawVarint(field)
	if err == nil && v == 0 {
		err = fmt.Errorf("%w: %s: a zero that should be absent", ErrMalformed, field)
	}
	return v, err
}

// bytes returns the contents of a mandatory field, sharing memory with r.
func (r *reader) bytes(tag byte, field string) ([]byte, error) {
	if !r.next(tag) {
		return nil, fmt.Errorf("%w: no %s where it belongs", ErrMalformed, field)
	}
	n, err := r.rawVarint(field)
	if err != nil {
		return nil, err
	}
	if n > uint64(len(r.b)) {
		return nil, fmt.Errorf("%w: %s of %d bytes, %d are left", ErrMalformed, field, n, len(r.b))
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v, nil
}

// commitment reads the hash of a set of prototypes, zero if there is none.
func (r *reader) commitment() (h Hash, err error) {
	if len(r.b) == 0 || r.b[0] != tagSet {
		return h, nil
	}
	b, err := r.bytes(tagSet, "prototypes")
	if err != nil {
		return h, err
	}
	if len(b) != len(h) {
		return h, fmt.Errorf("%w: a hash of prototypes of %d bytes", ErrMalformed, len(b))
	}
	if h = Hash(b); h == (Hash{}) {
		return h, fmt.Errorf("%w: a hash of prototypes of zeros should be absent", ErrMalformed)
	}
	return h, nil
}

func (r *reader) claims(m *Manifest) ([]int, error) {
	b, err := r.bytes(tagClaims, "claims")
	if err != nil {
		return nil, err
	}
	in := reader{b}
	// A claim takes a byte at least; a longer list than there are classes
	// repeats one and is refused before it grows.
	claims := make([]int, 0, min(len(b), len(m.Classes)))
	for len(in.b) > 0 {
		c, err := in.rawVarint("claims")
		if err != nil {
			return nil, err
		}
		if err := checkNextClass(m, claims, c, "claim"); err != nil {
			return nil, err
		}
		claims = append(claims, int(c))
	}
	return claims, nil
}

func (r *reader) rows(m *Manifest) (Rows, error) {
	// What is left holds at most this many rows of the right length, and
	// more than there are classes repeat one.
	count := min(len(r.b)/max(m.Backbone.Features, 1), len(m.Classes))
	rows := Rows{
		Classes:  make([]int, 0, count),
		Features: m.Backbone.Features,
		Weights:  make([]float32, 0, count*m.Backbone.Features),
	}
	for len(r.b) > 0 && r.b[0] == tagRow {
		b, err := r.bytes(tagRow, "row")
		if err != nil {
			return Rows{}, err
		}
		row := reader{b}
		c, err := row.varint(tagRowClass, "class of a row")
		if err != nil {
			return Rows{}, err
		}
		if err := checkNextClass(m, rows.Classes, c, "row"); err != nil {
			return Rows{}, err
		}
		rows.Classes = append(rows.Classes, int(c))
		if rows.Weights, err = row.weights(m, rows.Weights); err != nil {
			return Rows{}, fmt.Errorf("row of class %d: %w", c, err)
		}
		if len(row.b) > 0 {
			return Rows{}, fmt.Errorf("row of class %d: %w: an unknown, repeated or misplaced field before its last %d bytes",
				c, ErrMalformed, len(row.b))
		}
	}
	return rows, nil
}

// check is what Encode asks of an update before it becomes bytes.
func (u *Update) check(m *Manifest) error {
	if own := m.ID(); u.Federation != own {
		return fmt.Errorf("%w: %s, ours is %s", ErrWrongFederation, u.Federation, own)
	}
	if err := checkSender(u.Sender); err != nil {
		return err
	}
	if err := checkSeq(u.Seq); err != nil {
		return err
	}
	if err := checkAscending(m, u.Claims, "claim"); err != nil {
		return err
	}
	if err := checkAscending(m, u.Rows.Classes, "row"); err != nil {
		return err
	}
	if u.Rows.Features != m.Backbone.Features || len(u.Rows.Weights) != len(u.Rows.Classes)*m.Backbone.Features {
		return fmt.Errorf("%w: %d weights for %d rows of %d features, the federation's rows have %d",
			ErrShape, len(u.Rows.Weights), len(u.Rows.Classes), u.Rows.Features, m.Backbone.Features)
	}
	for i, c := range u.Rows.Classes {
		if err := checkFinite(u.Rows.Row(i)); err != nil {
			return fmt.Errorf("row of class %d: %w", c, err)
		}
	}
	if err := u.checkCommitment(); err != nil {
		return err
	}
	return u.checkClaimed()
}

// checkCommitment asks that an epoch and a set of prototypes come together.
func (u *Update) checkCommitment() error {
	if (u.Epoch == 0) != (u.Prototypes == Hash{}) {
		return fmt.Errorf("%w: an epoch without prototypes or the other way round", ErrMalformed)
	}
	return nil
}

// checkClaimed asks that something is claimed and that every claimed class
// has its row. Both lists ascend.
func (u *Update) checkClaimed() error {
	if len(u.Claims) == 0 {
		return fmt.Errorf("%w: it claims no class", ErrMalformed)
	}
	rows := u.Rows.Classes
	for _, c := range u.Claims {
		i, ok := slices.BinarySearch(rows, c)
		if !ok {
			return fmt.Errorf("%w: class %d", ErrMissingRow, c)
		}
		rows = rows[i+1:]
	}
	return nil
}

func checkSeq(seq uint64) error {
	if seq == 0 {
		return fmt.Errorf("%w: sequence number 0; they start at 1", ErrMalformed)
	}
	return nil
}

func checkSender[T string | []byte | PeerID](s T) error {
	if len(s) == 0 || len(s) > MaxSender {
		return fmt.Errorf("%w: sender of %d bytes, 1 to %d are allowed", ErrMalformed, len(s), MaxSender)
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return fmt.Errorf("%w: sender has the byte %#x; it is printable ASCII", ErrMalformed, s[i])
		}
	}
	return nil
}

// checkNextClass checks class c, which follows those in list.
func checkNextClass(m *Manifest, list []int, c uint64, what string) error {
	if c >= uint64(len(m.Classes)) {
		return fmt.Errorf("%w: %s of class %d, there are %d", ErrUnknownClass, what, c, len(m.Classes))
	}
	if len(list) == 0 || int(c) > list[len(list)-1] {
		return nil
	}
	if slices.Contains(list, int(c)) {
		return fmt.Errorf("%w: %s of class %d", ErrRepeatedClass, what, c)
	}
	return fmt.Errorf("%w: %s of class %d after %d; they ascend", ErrMalformed, what, c, list[len(list)-1])
}

func checkAscending(m *Manifest, classes []int, what string) error {
	for i, c := range classes {
		if c < 0 {
			return fmt.Errorf("%w: %s of class %d", ErrUnknownClass, what, c)
		}
		if err := checkNextClass(m, classes[:i], uint64(c), what); err != nil {
			return err
		}
	}
	return nil
}
