package federation

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation/internal/wirepb"
)

var wireErrors = []error{
	ErrTooLarge, ErrMalformed, ErrWrongFederation, ErrUnknownClass,
	ErrRepeatedClass, ErrShape, ErrNotFinite, ErrMissingRow,
}

// wantOnly fails unless err wraps want and no other of the sentinels.
func wantOnly(t *testing.T, err, want error) {
	t.Helper()
	for _, e := range wireErrors {
		if errors.Is(err, e) != errors.Is(want, e) {
			t.Errorf("error %v, want only %v", err, want)
			return
		}
	}
}

// message builds bytes as generated code would, for tests of what a peer
// with another idea of an update sends.
func message(t testing.TB, u *wirepb.Update) []byte {
	t.Helper()
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(u)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testMessage(m *Manifest) *wirepb.Update {
	id := m.ID()
	u := &wirepb.Update{Federation: id[:], Sender: "p", Seq: 1, Claims: []uint32{0, 2}}
	for _, c := range []uint32{0, 2} {
		u.Rows = append(u.Rows, testRow(m, c))
	}
	return u
}

func testRow(m *Manifest, class uint32) *wirepb.Row {
	row := &wirepb.Row{Class: class}
	if m.Wire.Rows == RowsInt8 {
		row.Scale = 0.5
		row.Int8 = []byte{127, 1, 0xff, 0}
	} else {
		row.Weights = []float32{1, 2, 3, 4}
	}
	return row
}

func TestDecodeUpdateRefuses(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	both := []RowFormat{RowsInt8, RowsFloat32}
	for _, test := range []struct {
		name   string
		rows   []RowFormat
		change func(u *wirepb.Update)
		want   error
	}{
		{"nothing wrong", both, func(u *wirepb.Update) {}, nil},
		{"no federation", both, func(u *wirepb.Update) { u.Federation = nil }, ErrMalformed},
		{"short federation", both, func(u *wirepb.Update) { u.Federation = u.Federation[:31] }, ErrMalformed},
		{"another federation", both, func(u *wirepb.Update) { u.Federation = make([]byte, 32) }, ErrWrongFederation},
		{"no sender", both, func(u *wirepb.Update) { u.Sender = "" }, ErrMalformed},
		{"longest sender", both, func(u *wirepb.Update) { u.Sender = strings.Repeat("p", 128) }, nil},
		{"long sender", both, func(u *wirepb.Update) { u.Sender = strings.Repeat("p", 129) }, ErrMalformed},
		{"sender with a newline", both, func(u *wirepb.Update) { u.Sender = "p\nq" }, ErrMalformed},
		{"sender with a space", both, func(u *wirepb.Update) { u.Sender = "p q" }, ErrMalformed},
		{"sender beyond ASCII", both, func(u *wirepb.Update) { u.Sender = "pé" }, ErrMalformed},
		{"no sequence number", both, func(u *wirepb.Update) { u.Seq = 0 }, ErrMalformed},
		{"largest numbers", both, func(u *wirepb.Update) { u.Seq, u.Round = math.MaxUint64, math.MaxUint64 }, nil},
		{"no claims", both, func(u *wirepb.Update) { u.Claims = nil }, ErrMalformed},
		{"claims descend", both, func(u *wirepb.Update) { u.Claims = []uint32{2, 0} }, ErrMalformed},
		{"claims repeat", both, func(u *wirepb.Update) { u.Claims = []uint32{0, 0} }, ErrRepeatedClass},
		{"claims repeat later", both, func(u *wirepb.Update) { u.Claims = []uint32{0, 2, 0} }, ErrRepeatedClass},
		{"claim of no class", both, func(u *wirepb.Update) { u.Claims = []uint32{0, 3} }, ErrUnknownClass},
		{"claim of the largest class", both, func(u *wirepb.Update) { u.Claims = []uint32{math.MaxUint32} }, ErrUnknownClass},
		{"claim without its row", both, func(u *wirepb.Update) { u.Claims = []uint32{0, 1, 2} }, ErrMissingRow},
		{"no rows", both, func(u *wirepb.Update) { u.Rows = nil }, ErrMissingRow},
		{"row without a claim", both, func(u *wirepb.Update) { u.Claims = []uint32{2} }, nil},
		{"rows descend", both, func(u *wirepb.Update) { slices.Reverse(u.Rows) }, ErrMalformed},
		{"rows repeat", both, func(u *wirepb.Update) { u.Rows[1].Class = 0 }, ErrRepeatedClass},
		{"rows repeat later", both, func(u *wirepb.Update) { u.Rows = append(u.Rows, u.Rows[0]) }, ErrRepeatedClass},
		{"row of no class", both, func(u *wirepb.Update) { u.Rows[1].Class = 3 }, ErrUnknownClass},
		{"row of the largest class", both, func(u *wirepb.Update) { u.Rows[1].Class = math.MaxUint32 }, ErrUnknownClass},
		{"row in both formats", both, func(u *wirepb.Update) {
			u.Rows[0] = &wirepb.Row{Scale: 0.5, Int8: []byte{127, 1, 2, 3}, Weights: []float32{1, 2, 3, 4}}
		}, ErrMalformed},
		{"empty row", both, func(u *wirepb.Update) { u.Rows[0] = &wirepb.Row{} }, ErrMalformed},
		{"huge message", both, func(u *wirepb.Update) { u.Sender = strings.Repeat("p", 5000) }, ErrTooLarge},

		{"float32 row in int8 federation", both[:1], func(u *wirepb.Update) {
			u.Rows[0] = &wirepb.Row{Weights: []float32{1, 2, 3, 4}}
		}, ErrMalformed},
		{"short int8 row", both[:1], func(u *wirepb.Update) { u.Rows[1].Int8 = []byte{127, 1, 2} }, ErrShape},
		{"long int8 row", both[:1], func(u *wirepb.Update) { u.Rows[1].Int8 = []byte{127, 1, 2, 3, 4} }, ErrShape},
		{"-128", both[:1], func(u *wirepb.Update) { u.Rows[0].Int8[1] = 0x80 }, ErrMalformed},
		{"NaN scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = nan }, ErrNotFinite},
		{"infinite scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = inf }, ErrNotFinite},
		{"negative infinite scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = -inf }, ErrNotFinite},
		{"scale that overflows", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 0x1p127 }, ErrNotFinite},
		{"largest scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 0x1p121 }, nil},
		{"negative scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = -0.5 }, ErrMalformed},
		{"negative zero scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = float32(math.Copysign(0, -1)) }, ErrMalformed},
		{"subnormal scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 0x1p-127 }, ErrMalformed},
		{"smallest scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 0x1p-126 }, nil},
		{"scale of 18 bits", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 1 + 0x1p-17 }, ErrMalformed},
		{"scale of 17 bits", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 1 + 0x1p-16 }, nil},
		{"scale too large for its row", both[:1], func(u *wirepb.Update) { u.Rows[0].Int8[0] = 126 }, ErrMalformed},
		{"scale of a row of zeros", both[:1], func(u *wirepb.Update) { u.Rows[0].Int8 = make([]byte, 4) }, ErrMalformed},
		{"no scale", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale = 0 }, ErrMalformed},
		{"zeros", both[:1], func(u *wirepb.Update) { u.Rows[0].Scale, u.Rows[0].Int8 = 0, make([]byte, 4) }, nil},
		{"largest weight negative", both[:1], func(u *wirepb.Update) { u.Rows[0].Int8[0] = 0x81 }, nil},

		{"int8 row in float32 federation", both[1:], func(u *wirepb.Update) {
			u.Rows[0] = &wirepb.Row{Scale: 0.5, Int8: []byte{127, 1, 2, 3}}
		}, ErrMalformed},
		{"short float32 row", both[1:], func(u *wirepb.Update) { u.Rows[1].Weights = []float32{1, 2, 3} }, ErrShape},
		{"long float32 row", both[1:], func(u *wirepb.Update) { u.Rows[1].Weights = []float32{1, 2, 3, 4, 5} }, ErrShape},
		{"NaN", both[1:], func(u *wirepb.Update) { u.Rows[1].Weights[3] = nan }, ErrNotFinite},
		{"infinity", both[1:], func(u *wirepb.Update) { u.Rows[1].Weights[0] = inf }, ErrNotFinite},
		{"negative infinity", both[1:], func(u *wirepb.Update) { u.Rows[1].Weights[0] = -inf }, ErrNotFinite},
		{"negative zero and subnormal", both[1:], func(u *wirepb.Update) {
			u.Rows[1].Weights = []float32{float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32, 0, 0}
		}, nil},
	} {
		for _, format := range test.rows {
			t.Run(string(format)+"/"+test.name, func(t *testing.T) {
				m := testManifest()
				m.Wire.Rows = format
				pb := testMessage(m)
				test.change(pb)
				u, err := DecodeUpdate(m, message(t, pb))
				wantOnly(t, err, test.want)
				if (u == nil) != (test.want != nil) {
					t.Errorf("update %v with error %v", u, err)
				}
			})
		}
	}
}

// Bytes that protobuf reads as a good update, or nearly, but that are not its
// one encoding.
func TestDecodeUpdateRefusesOtherEncodings(t *testing.T) {
	m := testManifest()
	good := message(t, testMessage(m))
	at := func(part string) int { // index of the first field of that name
		b, i := good, 0
		for len(b) > 0 {
			num, _, n := protowire.ConsumeField(b)
			if wirepb.File_federation_proto.Messages().ByName("Update").Fields().ByNumber(num).TextName() == part {
				return i
			}
			b, i = b[n:], i+n
		}
		t.Fatal("no field", part)
		return 0
	}
	splice := func(i, j int, with ...byte) []byte {
		return slices.Concat(good[:i], with, good[j:])
	}
	seq, claims, rows := at("seq"), at("claims"), at("rows")
	if _, err := DecodeUpdate(m, good); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		b    []byte
	}{
		{"empty", nil},
		{"number in two bytes", splice(seq, seq+2, 3<<3, 0x81, 0)},
		{"number beyond 64 bits", splice(seq, seq+2, append([]byte{3 << 3}, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"...)...)},
		{"zero that should be absent", splice(seq+2, seq+2, 4<<3, 0)},
		{"field twice", splice(seq, seq, good[seq:claims]...)},
		{"fields swapped", splice(seq, claims, 4<<3, 1, 3<<3, 1)},
		{"wrong wire type", splice(seq, seq+2, 3<<3|5, 1, 0, 0, 0)},
		{"claims not packed", splice(claims, rows, 5<<3, 0, 5<<3, 2)},
		{"claims in two parts", splice(claims, rows, 5<<3|2, 1, 0, 5<<3|2, 1, 2)},
		{"claim in two bytes", splice(claims, rows, 5<<3|2, 3, 0, 0x82, 0)},
		{"length in two bytes", splice(claims, rows, 5<<3|2, 0x82, 0, 0, 2)},
		{"claim cut off", splice(claims, rows, 5<<3|2, 2, 0, 0x82)},
		{"length beyond the end", splice(rows, len(good), 6<<3|2, 0xff, 0xff, 0xff, 0xff, 0x0f)},
		{"length of 2^63", splice(rows, len(good), append([]byte{6<<3 | 2}, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"...)...)},
		{"reserved field", slices.Concat(good, []byte{7<<3 | 2, 1, 0})},
		{"unknown field", slices.Concat(good, []byte{15 << 3, 1})},
		{"unknown large field", slices.Concat(good, []byte{0x80, 0x7d, 1})},
		{"unknown field in a row", splice(rows, len(good), append([]byte{6<<3 | 2, 15, 1 << 3, 2}, "\x15\x00\x00\x00\x3f\x1a\x04\x7f\x00\x00\x00\x28\x01"...)...)},
		{"scale after the weights", splice(rows, len(good), append([]byte{6<<3 | 2, 11}, "\x1a\x04\x7f\x00\x00\x00\x15\x00\x00\x00\x3f"...)...)},
		{"scale of zero", splice(rows, len(good), append([]byte{6<<3 | 2, 11}, "\x15\x00\x00\x00\x00\x1a\x04\x00\x00\x00\x00"...)...)},
		{"scale cut off", splice(rows, len(good), 6<<3|2, 3, 0x15, 0, 0)},
		{"text", []byte("GET / HTTP/1.1\r\n\r\n")},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := DecodeUpdate(m, test.b)
			wantOnly(t, err, ErrMalformed)
		})
	}
	t.Run("cut anywhere", func(t *testing.T) {
		for n := range good {
			_, err := DecodeUpdate(m, good[:n])
			if n > rows && n < len(good) || n < rows {
				if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrMissingRow) {
					t.Errorf("first %d bytes: %v", n, err)
				}
			}
			if err == nil {
				t.Errorf("first %d bytes decode", n)
			}
		}
	})
}

func TestEncodeRefusesWhatDecodingWould(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(m *Manifest, u *Update)
		want   error
	}{
		{"nothing wrong", func(m *Manifest, u *Update) {}, nil},
		{"another federation", func(m *Manifest, u *Update) { u.Federation[0]++ }, ErrWrongFederation},
		{"no sender", func(m *Manifest, u *Update) { u.Sender = "" }, ErrMalformed},
		{"long sender", func(m *Manifest, u *Update) { u.Sender = PeerID(strings.Repeat("p", 129)) }, ErrMalformed},
		{"no sequence number", func(m *Manifest, u *Update) { u.Seq = 0 }, ErrMalformed},
		{"no claims", func(m *Manifest, u *Update) { u.Claims = nil }, ErrMalformed},
		{"claims descend", func(m *Manifest, u *Update) { u.Claims = []int{1, 0} }, ErrMalformed},
		{"claims repeat", func(m *Manifest, u *Update) { u.Claims = []int{1, 1} }, ErrRepeatedClass},
		{"claim of no class", func(m *Manifest, u *Update) { u.Claims = []int{3} }, ErrUnknownClass},
		{"claim below zero", func(m *Manifest, u *Update) { u.Claims = []int{-1} }, ErrUnknownClass},
		{"claim without its row", func(m *Manifest, u *Update) {
			u.Rows.Classes, u.Rows.Weights = u.Rows.Classes[:1], u.Rows.Weights[:4]
		}, ErrMissingRow},
		{"rows descend", func(m *Manifest, u *Update) { u.Rows.Classes = []int{0, 2, 1} }, ErrMalformed},
		{"rows repeat", func(m *Manifest, u *Update) { u.Rows.Classes = []int{0, 1, 1} }, ErrRepeatedClass},
		{"row of no class", func(m *Manifest, u *Update) { u.Rows.Classes = []int{0, 1, 3} }, ErrUnknownClass},
		{"row below zero", func(m *Manifest, u *Update) { u.Rows.Classes = []int{-1, 1, 2} }, ErrUnknownClass},
		{"weights missing", func(m *Manifest, u *Update) { u.Rows.Weights = u.Rows.Weights[:11] }, ErrShape},
		{"weights to spare", func(m *Manifest, u *Update) { u.Rows.Weights = append(u.Rows.Weights, 0) }, ErrShape},
		{"other features", func(m *Manifest, u *Update) { u.Rows.Features = 3 }, ErrShape},
		{"NaN", func(m *Manifest, u *Update) { u.Rows.Weights[5] = float32(math.NaN()) }, ErrNotFinite},
		{"infinity", func(m *Manifest, u *Update) { u.Rows.Weights[11] = float32(math.Inf(-1)) }, ErrNotFinite},
		{"small limit", func(m *Manifest, u *Update) { m.Wire.MaxMessage = 90; u.Federation = m.ID() }, ErrTooLarge},
	} {
		for _, format := range []RowFormat{RowsInt8, RowsFloat32} {
			t.Run(string(format)+"/"+test.name, func(t *testing.T) {
				m := testManifest()
				m.Wire.Rows = format
				u := testUpdate(m)
				test.change(m, u)
				b, err := u.Encode(m)
				wantOnly(t, err, test.want)
				if (b == nil) != (test.want != nil) {
					t.Errorf("%d bytes with error %v", len(b), err)
				}
			})
		}
	}
}

// Whatever a message claims to hold, decoding it allocates no more than a few
// times what it has.
func TestDecodeUpdateAllocatesLittle(t *testing.T) {
	m := sized(200, 65536, RowsInt8)
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	id := m.ID()
	head := func(rest ...byte) []byte {
		b := protowire.AppendBytes([]byte{tagFederation}, id[:])
		b = append(b, tagSender, 1, 'p', tagSeq, 1)
		return append(b, rest...)
	}
	for _, test := range []struct {
		name  string
		b     []byte
		limit uint64
	}{
		{"2^31 claims", head(tagClaims, 0x80, 0x80, 0x80, 0x80, 0x08), 0},
		{"row of 2^31 bytes", head(tagClaims, 1, 0, tagRow, 0x80, 0x80, 0x80, 0x80, 0x08), 0},
		{"2^31 weights", head(tagClaims, 1, 0, tagRow, 12, tagRowScale, 0, 0, 0, 0x3f, tagRowInt8, 0x80, 0x80, 0x80, 0x80, 0x08, 0), 0},
		{"many empty rows", head(slices.Concat([]byte{tagClaims, 1, 0}, slices.Repeat([]byte{tagRow, 0}, 1<<20))...), 4 << 21},
		{"many claims", head(slices.Concat(protowire.AppendVarint([]byte{tagClaims}, 8<<20), make([]byte, 8<<20))...), 0},
		{"sender of 2^31 bytes", slices.Concat(head()[:34], []byte{tagSender, 0x80, 0x80, 0x80, 0x80, 0x08}), 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := DecodeUpdate(m, test.b)
			runtime.ReadMemStats(&after)
			if err == nil {
				t.Fatal("decodes")
			}
			// The ID of 200 classes takes some kilobytes itself.
			if got := after.TotalAlloc - before.TotalAlloc; got > test.limit+64<<10 {
				t.Errorf("allocated %d bytes for a message of %d: %v", got, len(test.b), err)
			}
		})
	}
}
