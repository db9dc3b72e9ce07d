package federation

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHashText(t *testing.T) {
	h := testManifest().ID()
	got, err := ParseHash(h.String())
	if err != nil || got != h {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "00", h.String()[:63], h.String() + "0", strings.Repeat("g", 64)} {
		h := h
		if err := h.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q is a hash", bad)
		}
		if h != got {
			t.Errorf("%q changed the hash", bad)
		}
	}
}

func TestHead(t *testing.T) {
	h := NewHead(3, 2)
	copy(h.Weights, []float32{0, 1, 2, 3, 4, 5})
	rows := h.Select([]int{0, 2})
	want := Rows{Classes: []int{0, 2}, Features: 2, Weights: []float32{0, 1, 4, 5}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Error(diff)
	}
	c := h.Clone()
	c.Row(1)[0] = 9
	if h.Weights[2] != 2 || c.Weights[2] != 9 {
		t.Error("a clone shares memory, or a row does not")
	}
	if row := append(h.Row(0), 7); h.Weights[2] != 2 {
		t.Errorf("appending to a row (%v) changed the next", row)
	}
	if row := append(rows.Row(0), 7); rows.Weights[2] != 4 {
		t.Errorf("appending to a row (%v) changed the next", row)
	}
}
