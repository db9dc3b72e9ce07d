package store

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// The bytes of a state are part of the schema: this test changes only when
// the schema does.
func TestStateGoldenBytes(t *testing.T) {
	r := testRound(3, 1, 2)
	r.Head.Weights = []float32{1, -2}
	r.Optimizer = Optimizer{First: []float32{3}, Second: []float32{4}, Steps: 5}
	r.Peers = map[federation.PeerID]uint64{"b": 7, "a": 6}
	r.Sets = map[federation.PeerID][]byte{"c": []byte("abc")}
	r.Banned = []federation.PeerID{"d", "ee"}
	var b bytes.Buffer
	if err := writeState(&b, r, setSums(r)); err != nil {
		t.Fatal(err)
	}
	want := "0300000000000000" + "03f1536500000000" + "03000000" +
		"01000000" + "02000000" + "0000803f" + "000000c0" +
		"0500000000000000" + "01000000" + "00004040" + "00008040" +
		"02000000" + "01" + "61" + "0600000000000000" + "01" + "62" + "0700000000000000" +
		// FIPS 180-4's example: the SHA-256 of "abc".
		"01000000" + "01" + "63" + "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" +
		"02000000" + "01" + "64" + "02" + "6565"
	if got := fmt.Sprintf("%x", b.Bytes()); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if int64(b.Len()) != stateSize(r) {
		t.Errorf("%d bytes, stateSize says %d", b.Len(), stateSize(r))
	}
}

func FuzzReadState(f *testing.F) {
	for _, size := range [][2]int{{0, 0}, {2, 3}} {
		var b bytes.Buffer
		r := testRound(1, size[0], size[1])
		r.Banned = []federation.PeerID{"x", "y"}
		if err := writeState(&b, r, map[federation.PeerID]federation.Hash{"x": {1}, "z": {2}}); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
		f.Add(b.Bytes()[:b.Len()-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, sets, err := readState(b)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > uint64(64*len(b))+1<<20 {
			t.Fatalf("allocated %d bytes for %d", grown, len(b))
		}
		if err != nil {
			return
		}
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		var again bytes.Buffer
		if err := writeState(&again, r, sets); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Bytes(), b) {
			t.Fatalf("%x becomes %x", b, again.Bytes())
		}
	})
}
