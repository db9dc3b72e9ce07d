package main

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// TestPaperRows: what was published stands beside what was measured, under the
// names that scripts rely on.
func TestPaperRows(t *testing.T) {
	chosen, err := choose([]string{"4.3"}, false)
	if err != nil {
		t.Fatal(err)
	}
	var res experiment.Results
	for seed, accuracy := range []float64{.25, .75} {
		res.Cells = append(res.Cells, simreport.Cell{
			Key: string(rune('a' + seed)), Rule: "mean", Attack: "flip-all", Seed: uint64(seed), Honest: 2, Liars: 5,
			Iterations: []int{10}, Mean: []float64{accuracy}, Worst: []float64{accuracy}, SD: []float64{0},
			Accuracy: []float64{accuracy, accuracy}, BytesPerPeerRound: 100,
		})
	}
	rows, err := compare(chosen[0], res)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := printJSON(&out, rows); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil || len(got) != 1 {
		t.Fatalf("%s: %v", out.Bytes(), err)
	}
	for name, want := range map[string]any{
		"figure": "4.3", "rule": "mean", "attack": "flip-all", "mean": .5, "worst": .25, "seeds": 2.,
		"bytes_per_peer_round": 100., "iterations_to_90": 0.,
	} {
		if got[0][name] != want {
			t.Errorf("%s is %v, want %v", name, got[0][name], want)
		}
	}
	if sd, _ := got[0]["sd"].(float64); sd < .353 || sd > .354 { // .5/sqrt(2)
		t.Errorf("sd is %v", got[0]["sd"])
	}
	published := rows[0].Author
	if !slices.ContainsFunc(published, func(p experiment.Published) bool { return p.Run == "A" && p.Mean == .005 }) {
		t.Errorf("beside it stands %+v", published)
	}
}

// TestCrowds: what `sim bench` runs are experiments that can be run.
func TestCrowds(t *testing.T) {
	for _, c := range crowds {
		file, err := experiment.Parse([]byte(c.file))
		if err != nil {
			t.Fatal(err)
		}
		cells, err := file.Cells()
		if err != nil || len(cells) != 1 {
			t.Errorf("%s peers: %d cells, %v", c.name, len(cells), err)
		}
	}
}
