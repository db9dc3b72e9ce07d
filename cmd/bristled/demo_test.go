package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDemoShowsWhatItPromises runs the demo as a newcomer does and holds its
// result to what the README says.
func TestDemoShowsWhatItPromises(t *testing.T) {
	if testing.Short() {
		t.Skip("takes ten seconds")
	}
	for _, c := range []struct {
		name        string
		args        []string
		least, most float64 // of bristle+, and of plain averaging
	}{
		{"drawn digits", nil, .90, .40},
		{"MNIST", []string{"--data", cmp.Or(os.Getenv("BRISTLED_MNIST"), filepath.Join("..", "..", "..", "shared", "data", "mnist"))}, .91, .30},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.args != nil {
				if _, err := os.Stat(c.args[1]); err != nil {
					t.Skip("real MNIST is not here:", err)
				}
			}
			var out, said bytes.Buffer
			args := append([]string{"demo", "--json", "--output", t.TempDir()}, c.args...)
			if code := run(t.Context(), args, strings.NewReader(""), &out, &said); code != 0 {
				t.Fatalf("exit code %d: %s", code, said.String())
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			var r demoResult
			if err := json.Unmarshal([]byte(lines[len(lines)-1]), &r); err != nil {
				t.Fatal(err)
			}
			t.Logf("honest accuracy %v, worst peer %v, in %.1f s", r.HonestAccuracy, r.WorstAccuracy, r.Seconds)
			plus, mean := r.HonestAccuracy["bristle+"], r.HonestAccuracy["mean"]
			if plus < c.least || mean > c.most || plus < mean+.5 {
				t.Errorf("bristle+ reaches %.3f and plain averaging %.3f", plus, mean)
			}
			for i, alone := range r.PeerAccuracy["local"] {
				if with := r.PeerAccuracy["bristle+"][i]; with <= alone {
					t.Errorf("peer %d reaches %.3f with others and %.3f alone", i, with, alone)
				}
			}
			if r.BytesPerPeerRound < 3200 || r.BytesPerPeerRound > 3500 || r.BytesFullModel != 83240 {
				t.Errorf("%v bytes per peer and round, %d for the whole model", r.BytesPerPeerRound, r.BytesFullModel)
			}
		})
	}
}
