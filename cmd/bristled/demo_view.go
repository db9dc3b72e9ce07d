package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/sim"
)

// demoView shows how the live peers are doing: a table that is redrawn in a
// terminal, a line now and then elsewhere. It keeps the curves.
type demoView struct {
	out    io.Writer
	screen *os.File // the terminal that out is, nil if it is none
	honest int
	rounds int
	rows   []demoRow

	events chan demoEvent
	done   sync.WaitGroup
	probe  *learner.Probe
	drawn  int // lines of the table on the screen
	told   int // round of the last plain line
	curves [][]float64
}

type demoRow struct {
	holds    string
	record   node.Record
	accuracy float64
}

// demoEvent is one finished round of one peer.
type demoEvent struct {
	peer   int
	head   federation.Head
	record node.Record
}

// liveTest is how many held-out pictures the table and the curves are judged
// on; the result is judged on all.
const liveTest = 1000

func newDemoView(out io.Writer, e sim.Experiment, f demoFlags) *demoView {
	v := &demoView{
		out:    out,
		honest: len(e.Honest),
		rounds: f.rounds,
		events: make(chan demoEvent, 4*f.peers),
		curves: make([][]float64, len(e.Honest)),
	}
	if file, ok := out.(*os.File); ok && !f.json && term.IsTerminal(int(file.Fd())) {
		v.screen = file
	}
	width := e.Manifest.Backbone.Features
	n := min(liveTest, len(e.Test.Labels))
	v.probe = learner.NewProbe(learner.Samples{Features: e.Test.Features[:n*width], Labels: e.Test.Labels[:n]}, width)
	for _, h := range e.Honest {
		var names []string
		for _, c := range h.Train.Familiar() {
			names = append(names, e.Manifest.Classes[c])
		}
		v.rows = append(v.rows, demoRow{holds: strings.Join(names, " ")})
	}
	for range e.Liars {
		v.rows = append(v.rows, demoRow{holds: "all, wrong labels"})
	}
	fmt.Fprintf(out, "%d peers on loopback, %d of them Byzantine: %d rounds of %s\n", f.peers, f.byzantine, f.rounds, e.Manifest.Rule.Name)
	v.done.Go(v.loop)
	return v
}

// round is called by the peers.
func (v *demoView) round(peer int, head federation.Head, r node.Record) {
	if peer < v.honest {
		head = head.Clone()
	}
	v.events <- demoEvent{peer, head, r}
}

// close ends the view after the last event.
func (v *demoView) close() {
	close(v.events)
	v.done.Wait()
}

func (v *demoView) loop() {
	var last time.Time
	for e := range v.events {
		row := &v.rows[e.peer]
		row.record = e.record
		if e.peer < v.honest {
			row.accuracy = v.probe.Scores(e.head).Accuracy
			v.curves[e.peer] = append(v.curves[e.peer], row.accuracy)
		}
		switch {
		case v.screen == nil:
			v.line()
		case time.Since(last) > 100*time.Millisecond:
			v.draw()
			last = time.Now()
		}
	}
	if v.screen != nil {
		v.draw()
	}
}

// slowest returns the round that every honest peer has reached, and the mean
// and least accuracy.
func (v *demoView) slowest() (round int, mean, worst float64) {
	round, worst = v.rounds, 1
	for _, r := range v.rows[:v.honest] {
		round = min(round, int(r.record.Round))
		mean += r.accuracy / float64(v.honest)
		worst = min(worst, r.accuracy)
	}
	return round, mean, worst
}

// line prints a line for every tenth part of the rounds.
func (v *demoView) line() {
	round, mean, worst := v.slowest()
	if step := max(1, v.rounds/10); round >= v.told+step {
		v.told = round - round%step
		fmt.Fprintf(v.out, "round %4d  honest accuracy %.3f  worst %.3f\n", round, mean, worst)
	}
}

// draw draws the table over the last one.
func (v *demoView) draw() {
	width, height, err := term.GetSize(int(v.screen.Fd()))
	if err != nil {
		width, height = 80, 24
	}
	var b strings.Builder
	if v.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA", v.drawn)
	}
	for _, line := range v.table(height - 1) { // the cursor takes a line
		fmt.Fprintf(&b, "%s\x1b[K\n", cut(line, width-1))
	}
	// A window that was made smaller leaves less of the table.
	b.WriteString("\x1b[J")
	v.drawn = min(len(v.rows)+2, height-1)
	io.WriteString(v.out, b.String())
}

// table returns the table in at most height lines, of 80 columns at most.
func (v *demoView) table(height int) []string {
	lines := []string{"peer  holds              round  heard  used  accuracy on all ten digits"}
	for i, r := range v.rows {
		if more := len(v.rows) - i; more > 1 && len(lines) >= height-2 {
			lines = append(lines, fmt.Sprintf("      and %d more", more))
			break
		}
		if i < v.honest {
			lines = append(lines, fmt.Sprintf("%4d  %-17s  %5d  %5d  %4d  %.3f %s", i, r.holds, r.record.Round, r.record.Fresh, r.record.Used, r.accuracy, bar(r.accuracy, 24)))
		} else {
			lines = append(lines, fmt.Sprintf("%4d  %-17s  %5d", i, r.holds, r.record.Round))
		}
	}
	_, mean, worst := v.slowest()
	return append(lines, fmt.Sprintf("honest mean %.3f, worst %.3f", mean, worst))
}

// save writes the result and the curves.
func (v *demoView) save(dir string, r demoResult) error {
	if err := writeJSON(filepath.Join(dir, "result.json"), r); err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("round")
	for i := range v.curves {
		fmt.Fprintf(&b, ",peer %d", i)
	}
	for round := range v.rounds {
		fmt.Fprintf(&b, "\n%d", round+1)
		for _, c := range v.curves {
			b.WriteByte(',')
			if round < len(c) {
				b.WriteString(strconv.FormatFloat(c[round], 'f', 4, 64))
			}
		}
	}
	b.WriteByte('\n')
	if err := os.WriteFile(filepath.Join(dir, "curves.csv"), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("write the curves: %w", err)
	}
	return nil
}
