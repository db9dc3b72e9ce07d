package federation

import (
	"encoding/hex"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation/internal/wirepb"
)

// The bytes are part of the protocol: this test changes only when the
// protocol does.
func TestUpdateGoldenBytes(t *testing.T) {
	for _, test := range []struct {
		rows RowFormat
		want string
	}{
		{RowsInt8, "" +
			"120c" + hex.EncodeToString([]byte("12D3KooWpeer")) + // sender
			"1807" + "20ac02" + // seq 7, round 300
			"2a0101" + // claims
			"320b" + "158042a13b" + "1a04819ab4cd" + // class 0
			"320d" + "0801" + "150002013b" + "1a04c000407f" + // class 1
			"320d" + "0802" + "150083c13b" + "1a0440556a7f"}, // class 2
		{RowsFloat32, "" +
			"120c" + hex.EncodeToString([]byte("12D3KooWpeer")) +
			"1807" + "20ac02" +
			"2a0101" +
			"3212" + "2210" + "000020bf" + "000000bf" + "0000c0be" + "000080be" +
			"3214" + "0801" + "2210" + "000000be" + "00000000" + "0000003e" + "0000803e" +
			"3214" + "0802" + "2210" + "0000c03e" + "0000003f" + "0000203f" + "0000403f"},
	} {
		m := testManifest()
		m.Wire.Rows = test.rows
		b, err := testUpdate(m).Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		id := m.ID()
		if got, want := hex.EncodeToString(b), "0a20"+id.String()+test.want+"3a2007"+strings.Repeat("00", 31)+"4002"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", test.rows, got, want)
		}
	}
}

// Decoding gives back what was encoded, within half a step, and the bytes.
func TestUpdateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest(t)
		u := drawUpdate(t, m)
		b, err := u.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > m.MaxUpdateSize() {
			t.Fatalf("%d bytes, the largest update should have %d", len(b), m.MaxUpdateSize())
		}
		got, err := DecodeUpdate(m, b)
		if err != nil {
			t.Fatal(err)
		}
		for i := range u.Rows.Classes {
			checkError(t, m, u.Rows.Row(i), got.Rows.Row(i))
		}
		again, err := got.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again, b) {
			t.Fatalf("a decoded update encodes to other bytes:\n%x\n%x", b, again)
		}
		got.Rows.Weights = u.Rows.Weights
		if diff := cmp.Diff(u, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// checkError checks a decoded row against the bound that federation.proto
// states.
func checkError(t *rapid.T, m *Manifest, want, got []float32) {
	if m.Wire.Rows == RowsFloat32 {
		for i := range want {
			if math.Float32bits(want[i]) != math.Float32bits(got[i]) {
				t.Fatalf("weight %v became %v", want[i], got[i])
			}
		}
		return
	}
	top := float32(0)
	for _, v := range want {
		top = max(top, v, -v)
	}
	scale := int8Scale(top)
	bound := float64(scale) / 2
	if scale == 0 {
		bound = 0x1p-119
	}
	if exact := float64(top) / 127; scale > 0 && math.Abs(float64(scale)-exact) > exact*0x1p-16 {
		t.Fatalf("scale %v for a largest weight of %v", scale, top)
	}
	for i := range want {
		if off := math.Abs(float64(want[i]) - float64(got[i])); off > bound {
			t.Fatalf("weight %v became %v: off by %v, more than %v", want[i], got[i], off, bound)
		}
	}
}

func TestInt8Scale(t *testing.T) {
	for _, test := range []struct{ top, want float32 }{
		{0, 0},
		{127, 1},
		{63.5, 0.5},
		{127 * 0x1p-126, 0x1p-126},
		{127*0x1p-126 - 0x1p-140, 0},
		{math.SmallestNonzeroFloat32, 0},
	} {
		if got := int8Scale(test.top); got != test.want {
			t.Errorf("scale of %v is %v, want %v", test.top, got, test.want)
		}
	}
	if top := 127 * int8Scale(math.MaxFloat32); top > math.MaxFloat32 || top < math.MaxFloat32*0.9999 {
		t.Errorf("the largest weight decodes to %v", top)
	}
}

func TestQuantizeRoundsHalfToEven(t *testing.T) {
	for _, test := range []struct {
		w    float32
		want int8
	}{
		{0.5, 0}, {1.5, 2}, {2.5, 2}, {-0.5, 0}, {-1.5, -2}, {126.5, 126}, {127.4, 127}, {-127.4, -127},
		{math.Nextafter32(0.5, 1), 1}, {math.Nextafter32(1.5, 0), 1},
	} {
		if got := quantize(test.w, 1); got != test.want {
			t.Errorf("%v becomes %d, want %d", test.w, got, test.want)
		}
	}
}

// Generated code reads our bytes, sees the same values and, marshalling
// deterministically, writes the same bytes.
func TestUpdateAgainstGeneratedCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawManifest(t)
		u := drawUpdate(t, m)
		b, err := u.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		var pb wirepb.Update
		if err := proto.Unmarshal(b, &pb); err != nil {
			t.Fatal(err)
		}
		id := m.ID()
		if !slices.Equal(pb.Federation, id[:]) || pb.Sender != string(u.Sender) || pb.Seq != u.Seq || pb.Round != u.Round {
			t.Fatalf("generated code reads %v", &pb)
		}
		if !slices.EqualFunc(pb.Claims, u.Claims, func(a uint32, b int) bool { return int(a) == b }) {
			t.Fatalf("claims %v, want %v", pb.Claims, u.Claims)
		}
		if len(pb.Rows) != len(u.Rows.Classes) {
			t.Fatalf("%d rows, want %d", len(pb.Rows), len(u.Rows.Classes))
		}
		decoded, err := DecodeUpdate(m, b)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range pb.Rows {
			if int(row.Class) != u.Rows.Classes[i] {
				t.Fatalf("row %d is of class %d, want %d", i, row.Class, u.Rows.Classes[i])
			}
			w := row.Weights
			for _, q := range row.Int8 {
				w = append(w, row.Scale*float32(int8(q)))
			}
			if !slices.EqualFunc(w, decoded.Rows.Row(i), func(a, b float32) bool {
				return a == b // also 0 and -0
			}) {
				t.Fatalf("weights %v, want %v", w, decoded.Rows.Row(i))
			}
		}
		again, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pb)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(again, b) {
			t.Fatalf("generated code writes other bytes:\n%x\n%x", b, again)
		}
	})
}

func TestMaxUpdateSizeIsReached(t *testing.T) {
	for _, classes := range []int{2, 128, 129, 130, 1000} {
		for _, format := range []RowFormat{RowsInt8, RowsFloat32} {
			m := sized(classes, 100, format)
			u := testUpdate(m)
			u.Sender = PeerID(strings.Repeat("p", MaxSender))
			u.Seq, u.Round, u.Epoch = math.MaxUint64, math.MaxUint64, math.MaxUint64
			u.Claims = u.Rows.Classes
			b, err := u.Encode(m)
			if err != nil {
				t.Fatal(err)
			}
			// The bound takes every class to be as long as the longest: class
			// 0 is absent from its row, and those below 128 take one byte.
			short := 2
			if classes > 128 {
				short = 3 + 127 + 128
			}
			if m.MaxUpdateSize()-len(b) != short {
				t.Errorf("%d classes, %s: %d bytes, bound %d", classes, format, len(b), m.MaxUpdateSize())
			}
		}
	}
}

// Four rows of 800 features, which bristle+ sends in the paper's experiment.
func TestUpdateSizeOfPaper(t *testing.T) {
	m := sized(10, 800, RowsInt8)
	h := NewHead(10, 800)
	for i := range h.Weights {
		h.Weights[i] = float32(i%7) - 3
	}
	u := &Update{Federation: m.ID(), Sender: PeerID(strings.Repeat("p", 52)), Seq: 300, Round: 300, Claims: []int{2, 3, 4, 5}, Rows: h.Select([]int{2, 3, 4, 5})}
	b, err := u.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if want := 3200 + 4*(3+2+5+3) + 34 + 54 + 3 + 3 + 6; len(b) != want {
		t.Errorf("%d bytes, want %d", len(b), want)
	}
}

func FuzzDecodeUpdate(f *testing.F) {
	manifests := map[byte]*Manifest{}
	for i, format := range []RowFormat{RowsInt8, RowsFloat32} {
		m := testManifest()
		m.Wire.Rows = format
		manifests[byte(i)] = m
		b, err := testUpdate(m).Encode(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(byte(i), b[34:])
		f.Add(byte(i), message(f, testMessage(m))[34:])
		f.Add(byte(i), b[34:len(b)-1])
	}
	f.Add(byte(0), []byte{})
	f.Fuzz(func(t *testing.T, which byte, rest []byte) {
		m := manifests[which%2]
		// The fuzzer would not find 32 bytes of SHA-256 by itself.
		id := m.ID()
		b := slices.Concat(protowire.AppendBytes([]byte{tagFederation}, id[:]), rest)
		u, err := DecodeUpdate(m, b)
		if err != nil {
			is := slices.DeleteFunc(slices.Clone(wireErrors), func(e error) bool { return !errors.Is(err, e) })
			if len(is) != 1 {
				t.Fatalf("%v is %v", err, is)
			}
			return
		}
		again, err := u.Encode(m)
		if err != nil {
			t.Fatalf("what decoded does not encode: %v", err)
		}
		if !slices.Equal(b, again) {
			t.Fatalf("what decoded encodes to other bytes:\n%x\n%x", b, again)
		}
		var pb wirepb.Update
		if err := proto.Unmarshal(b, &pb); err != nil {
			t.Fatalf("protobuf refuses: %v", err)
		}
		if !slices.Equal(message(t, &pb), b) {
			t.Fatalf("protobuf writes other bytes:\n%x\n%x", b, message(t, &pb))
		}
	})
}

func FuzzDecodeUpdateRaw(f *testing.F) {
	m := testManifest()
	b, err := testUpdate(m).Encode(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := DecodeUpdate(m, b)
		if (u == nil) == (err == nil) {
			t.Fatalf("update %v with error %v", u, err)
		}
	})
}

func TestDecodedUpdateSharesNoMemory(t *testing.T) {
	for _, format := range []RowFormat{RowsInt8, RowsFloat32} {
		m := testManifest()
		m.Wire.Rows = format
		b, err := testUpdate(m).Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		first, err := DecodeUpdate(m, slices.Clone(b))
		if err != nil {
			t.Fatal(err)
		}
		second, err := DecodeUpdate(m, b)
		if err != nil {
			t.Fatal(err)
		}
		clear(b)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%s: an update changed with its bytes", format)
		}
	}
}

func BenchmarkDecodeUpdate(b *testing.B) {
	for _, format := range []RowFormat{RowsInt8, RowsFloat32} {
		b.Run(string(format), func(b *testing.B) {
			m := sized(10, 800, format)
			u := testUpdate(m)
			msg, err := u.Encode(m)
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(msg)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := DecodeUpdate(m, msg); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEncodeUpdate(b *testing.B) {
	m := sized(10, 800, RowsInt8)
	u := testUpdate(m)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := u.Encode(m); err != nil {
			b.Fatal(err)
		}
	}
}
