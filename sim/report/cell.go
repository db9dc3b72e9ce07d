package report

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// ErrCell is what a result is refused with that no experiment can have.
var ErrCell = errors.New("report: impossible result")

// Cell is one cell of a sweep with one seed. Accuracies are fractions of the
// test set, 0 to 1.
type Cell struct {
	// Key names the cell, seed included; no two cells share one.
	Key string `json:"key"`
	// Labels are the swept fields and their values. The labels rule, attack and
	// seed may be among them and say nothing new. The label named label, if
	// there is one, is the name that the cell's setting bears in figures.
	Labels map[string]string `json:"labels,omitempty"`
	Rule   string            `json:"rule"`
	Attack string            `json:"attack"`
	Seed   uint64            `json:"seed"`
	Honest int               `json:"honest"`
	Liars  int               `json:"liars"`
	// Mean, Worst and SD are the mean accuracy of the honest peers, the least
	// and the standard deviation after each of Iterations, which rise.
	Iterations []int     `json:"iterations"`
	Mean       []float64 `json:"mean"`
	Worst      []float64 `json:"worst"`
	SD         []float64 `json:"sd"`
	// Accuracy of each honest peer at the end.
	Accuracy []float64 `json:"accuracy"`
	// BytesPerPeerRound is what one honest peer sends in one round.
	BytesPerPeerRound float64 `json:"bytes_per_peer_round"`
	// IterationsTo90 is the first iteration after which the mean accuracy was
	// at least .9, or 0 if it never was.
	IterationsTo90 int `json:"iterations_to_90"`
	// Idle is the share, 0 to 1, of the honest peers' rounds with an update in
	// which the rule had fewer or more heads than its constants bear and kept the
	// own head.
	Idle float64 `json:"idle"`
}

// Timing is how long a cell took on some machine. It is kept apart because it
// differs from run to run.
type Timing struct {
	Key string `json:"key"`
	// Seconds is the wall-clock time of the whole cell.
	Seconds float64 `json:"seconds"`
	// RuleNanoseconds is the mean time of one aggregation at one peer, or 0 if
	// it was not measured.
	RuleNanoseconds float64 `json:"rule_nanoseconds"`
}

// About says where results come from. Empty fields are left out of the page.
type About struct {
	// Commit and Version of the program.
	Commit  string `json:"commit,omitempty"`
	Version string `json:"version,omitempty"`
	// File is the name of the experiment file and FileText what it says.
	File     string   `json:"file,omitempty"`
	FileText string   `json:"file_text,omitempty"`
	Seeds    []uint64 `json:"seeds,omitempty"`
	// Machine is a line on the processor, the system and the Go version.
	Machine  string    `json:"machine,omitempty"`
	Started  time.Time `json:"started,omitzero"`
	Finished time.Time `json:"finished,omitzero"`
}

// check returns an error that wraps ErrCell for the first cell that cannot be.
func check(cells []Cell) error {
	keys := make(map[string]bool, len(cells))
	for i := range cells {
		c := &cells[i]
		if err := c.check(); err != nil {
			return fmt.Errorf("%w: cell %d (%.64q): %w; run that cell again", ErrCell, i, c.Key, err)
		}
		if keys[c.Key] {
			return fmt.Errorf("%w: cell %d: the key %.64q was there before; give each cell once", ErrCell, i, c.Key)
		}
		keys[c.Key] = true
	}
	return nil
}

func (c *Cell) check() error {
	if c.Rule == "" {
		return errors.New("it names no rule")
	}
	if c.Honest < 0 || c.Liars < 0 || c.IterationsTo90 < 0 {
		return errors.New("a count is below 0")
	}
	if len(c.Accuracy) == 0 {
		return errors.New("it has no final accuracies")
	}
	n := len(c.Iterations)
	if len(c.Mean) != n || len(c.Worst) != n || len(c.SD) != n {
		return fmt.Errorf("%d iterations, but %d means, %d worst and %d standard deviations",
			n, len(c.Mean), len(c.Worst), len(c.SD))
	}
	last := -1
	for _, it := range c.Iterations {
		if it <= last {
			return fmt.Errorf("iteration %d follows iteration %d", it, last)
		}
		last = it
	}
	for _, f := range []struct {
		name   string
		values []float64
	}{{"mean", c.Mean}, {"worst", c.Worst}, {"sd", c.SD}, {"accuracy", c.Accuracy}} {
		for i, v := range f.values {
			if !(v >= 0 && v <= 1) { // NaN is neither
				return fmt.Errorf("%s[%d] is %v, want 0 to 1", f.name, i, v)
			}
		}
	}
	if b := c.BytesPerPeerRound; !(b >= 0) || math.IsInf(b, 1) {
		return fmt.Errorf("bytes per peer and round are %v, want 0 or more", b)
	}
	if !(c.Idle >= 0 && c.Idle <= 1) {
		return fmt.Errorf("idle is %v, want 0 to 1", c.Idle)
	}
	return nil
}

// checkTimings does for timings what check does for cells.
func checkTimings(timings []Timing) error {
	for i, t := range timings {
		for _, v := range []float64{t.Seconds, t.RuleNanoseconds} {
			if !(v >= 0) || math.IsInf(v, 1) {
				return fmt.Errorf("%w: timing %d (%.64q) is %v, want 0 or more; leave it out", ErrCell, i, t.Key, v)
			}
		}
	}
	return nil
}
