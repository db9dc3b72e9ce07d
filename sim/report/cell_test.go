package report

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

// small returns a possible cell.
func small(key string, seed uint64) Cell {
	return Cell{
		Key: key, Labels: map[string]string{"m": "5"}, Rule: "mean", Attack: "none", Seed: seed, Honest: 2, Liars: 1,
		Iterations: []int{10, 20}, Mean: []float64{.5, .7}, Worst: []float64{.4, .6}, SD: []float64{.1, .1},
		Accuracy: []float64{.6, .8}, BytesPerPeerRound: 1000,
	}
}

// writers are all functions that write cells.
var writers = map[string]func(io.Writer, []Cell) error{
	"csv":            WriteCSV,
	"curves csv":     WriteCurvesCSV,
	"parquet":        WriteParquet,
	"curves parquet": WriteCurvesParquet,
	"html":           func(w io.Writer, cells []Cell) error { return WriteHTML(w, Page{Cells: cells}) },
}

func TestImpossibleCellsAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		change func(c *Cell)
		want   string
	}{
		"no rule":           {func(c *Cell) { c.Rule = "" }, "names no rule"},
		"NaN mean":          {func(c *Cell) { c.Mean[1] = math.NaN() }, "mean[1] is NaN, want 0 to 1"},
		"NaN accuracy":      {func(c *Cell) { c.Accuracy[0] = math.NaN() }, "accuracy[0] is NaN"},
		"NaN sd":            {func(c *Cell) { c.SD[0] = math.NaN() }, "sd[0] is NaN"},
		"worst over 1":      {func(c *Cell) { c.Worst[0] = 1.01 }, "worst[0] is 1.01"},
		"negative accuracy": {func(c *Cell) { c.Accuracy[1] = -.1 }, "accuracy[1] is -0.1"},
		"NaN bytes":         {func(c *Cell) { c.BytesPerPeerRound = math.NaN() }, "bytes per peer and round are NaN"},
		"infinite bytes":    {func(c *Cell) { c.BytesPerPeerRound = math.Inf(1) }, "are +Inf"},
		"negative bytes":    {func(c *Cell) { c.BytesPerPeerRound = -1 }, "are -1"},
		"idle over 1":       {func(c *Cell) { c.Idle = 1.5 }, "idle is 1.5, want 0 to 1"},
		"idle NaN":          {func(c *Cell) { c.Idle = math.NaN() }, "idle is NaN"},
		"no accuracies":     {func(c *Cell) { c.Accuracy = nil }, "no final accuracies"},
		"short curve":       {func(c *Cell) { c.SD = c.SD[:1] }, "2 iterations, but 2 means, 2 worst and 1 standard"},
		"falling":           {func(c *Cell) { c.Iterations[1] = 10 }, "iteration 10 follows iteration 10"},
		"negative":          {func(c *Cell) { c.Iterations[0] = -3 }, "iteration -3 follows"},
		"negative count":    {func(c *Cell) { c.Liars = -1 }, "a count is below 0"},
		"key twice":         {func(c *Cell) { c.Key = "a" }, "the key \"a\" was there before"},
	} {
		bad := small("b", 2)
		test.change(&bad)
		cells := []Cell{small("a", 1), bad}
		for format, write := range writers {
			var b bytes.Buffer
			err := write(&b, cells)
			if !errors.Is(err, ErrCell) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s as %s: got error %v, want one with %q", name, format, err, test.want)
			}
			if b.Len() > 0 {
				t.Errorf("%s as %s: %d bytes were written", name, format, b.Len())
			}
		}
		if _, err := Summary(cells); !errors.Is(err, ErrCell) {
			t.Errorf("%s: Summary returned %v", name, err)
		}
		if _, err := Figures(cells, nil); !errors.Is(err, ErrCell) {
			t.Errorf("%s: Figures returned %v", name, err)
		}
	}
}

func TestImpossibleTimingsAreRefused(t *testing.T) {
	cells := []Cell{small("a", 1)}
	for _, timing := range []Timing{{"a", math.NaN(), 1}, {"a", 1, math.Inf(1)}, {"a", -1, 1}} {
		if _, err := Figures(cells, []Timing{timing}); !errors.Is(err, ErrCell) {
			t.Errorf("%v: Figures returned %v", timing, err)
		}
		if err := WriteHTML(io.Discard, Page{Cells: cells, Timings: []Timing{timing}}); !errors.Is(err, ErrCell) {
			t.Errorf("%v: WriteHTML returned %v", timing, err)
		}
	}
}

// full is a disk that has no room after some bytes.
type full struct{ room int }

var errFull = errors.New("disk full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.room {
		n := f.room
		f.room = 0
		return n, errFull
	}
	f.room -= len(b)
	return len(b), nil
}

func TestWriteErrorsComeBack(t *testing.T) {
	cells, _ := fake([]string{"mean", "median"}, []string{"none", "noise"}, []string{"1"}, []uint64{1, 2})
	for format, write := range writers {
		for _, room := range []int{0, 1, 100, 300} {
			if err := write(&full{room}, cells); !errors.Is(err, errFull) {
				t.Errorf("%s with room for %d bytes: got %v", format, room, err)
			}
		}
	}
	figures, err := Figures(cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := figures[0].WriteSVG(&full{100}); !errors.Is(err, errFull) {
		t.Error("SVG:", err)
	}
	if err := figures[0].WritePNG(&full{100}); !errors.Is(err, errFull) {
		t.Error("PNG:", err)
	}
}

func TestEqualCellsGiveEqualBytes(t *testing.T) {
	for format, write := range writers {
		var first []byte
		for range 3 {
			cells, _ := fake([]string{"mean", "median"}, []string{"none", "noise"}, []string{"1", "5"}, []uint64{1, 2})
			var b bytes.Buffer
			if err := write(&b, cells); err != nil {
				t.Fatal(format, err)
			}
			if first == nil {
				first = b.Bytes()
			}
			if !bytes.Equal(first, b.Bytes()) {
				t.Errorf("%s differs between two calls", format)
			}
		}
	}
}
