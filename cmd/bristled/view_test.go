package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
)

// widest returns the longest line, addresses apart: they are there to be
// copied whole.
func widest(text string) (longest string) {
	for line := range strings.SplitSeq(text, "\n") {
		if utf8.RuneCountInString(line) > utf8.RuneCountInString(longest) && !strings.Contains(line, "/ip4/") {
			longest = line
		}
	}
	return longest
}

// diseases are more classes, with longer names, than fit a line.
func diseases() (names []string) {
	for i := range 20 {
		names = append(names, fmt.Sprintf("disease of kind %d", i))
	}
	return names
}

func TestReportFitsAPage(t *testing.T) {
	const id = "12D3KooWT2hePkjgnk2qFbu2StbXxdBNyT7KtBTJAr6LhyQF3Jok"
	r := report{
		Running: true, Version: "v1.22.333", Kernel: "generic", Federation: strings.Repeat("f", 64), Name: "diseases",
		Classes: diseases(), Rule: "bristle+", Peer: id,
		Addresses: []string{"/ip4/192.168.100.100/udp/40001/quic-v1/p2p/" + id},
		Last:      &node.Record{Round: 1234567, Time: time.Now(), Fresh: 100, Active: 1000, Used: 999, Train: 60000, Probe: 200, ProbeAccuracy: 1},
		Traffic:   &p2p.Stats{Published: 1e6, PublishedBytes: 3e9, TrafficOut: 1e12, Received: 1e8, Rejected: 1e4, Ignored: 1e4, Bans: 100},
	}
	for c := range r.Classes {
		r.Last.Familiar = append(r.Last.Familiar, c)
		r.Last.ProbeF1 = append(r.Last.ProbeF1, 1)
	}
	for _, p := range []p2p.PeerInfo{
		{Member: true, Connected: true},
		{Connected: true},
		{Configured: true},
		{},
		{Foreign: "federation " + strings.Repeat("0", 64)},
		{Foreign: "this federation in another version of bristled"},
		{BannedUntil: time.Now().Add(time.Hour), Member: true},
	} {
		p.ID = id
		r.Peers = append(r.Peers, p)
	}
	var out bytes.Buffer
	if err := printReport(&out, r); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if line := widest(text); utf8.RuneCountInString(line) > lineWidth {
		t.Errorf("%d characters: %s", utf8.RuneCountInString(line), line)
	}
	for _, want := range []string{
		id + "  member\n", id + "  connected\n", id + "  not reachable\n", id + "  heard of\n",
		id + "  not ours: federation 0000000000", id + "  banned until ",
		"disease of kind 19 1.00\n", r.Addresses[0],
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestVerdictsFitAPage(t *testing.T) {
	classes := diseases()
	some := make([]float64, len(classes))
	many := make([]float64, len(classes))
	some[7] = 0.25
	for c := range many {
		many[c] = 12.5
	}
	verdicts := []aggregation.Verdict{
		{Sender: "12D3KooWT2hePkjgnk2qFbu2StbXxdBNyT7KtBTJAr6LhyQF3Jok", Seq: 12345678, Distance: 123.456, Third: aggregation.Middle, Certainty: 1, Trust: 1, Weights: many},
		{Sender: "12D3KooWMaKguGupE6khnkRgYvoLSBka8znx5hLct4oaB7JLUjst", Seq: 1, Weights: some},
		{Sender: "12D3KooWQ1", Seq: 2, Third: aggregation.Far, Reason: aggregation.NotPrioritized},
		{Sender: "short", Seq: 3},
	}
	var out bytes.Buffer
	if err := printVerdicts(&out, 7, verdicts, classes); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if line := widest(text); utf8.RuneCountInString(line) > lineWidth {
		t.Errorf("%d characters: %s", utf8.RuneCountInString(line), line)
	}
	for _, want := range []string{
		"round 7, updates 4\n", "…hyQF3Jok  12345678  123.456   middle", "disease of kind 0 12.50 and 19 more\n",
		"disease of kind 7 0.25\n", "none: not-prioritized\n", "\nshort ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(wrap([]string{"one", "two", "three", "a very long one", "x"}, 10), "|")
	if want := "one, two,|three,|a very long one,|x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDemoTableFitsTheTerminal(t *testing.T) {
	v := &demoView{honest: 30, rounds: 100}
	for range 30 {
		v.rows = append(v.rows, demoRow{holds: "0 1 2 9", accuracy: 1, record: node.Record{Round: 100, Fresh: 63, Used: 63}})
	}
	for range 10 {
		v.rows = append(v.rows, demoRow{holds: "all, wrong labels"})
	}
	for height, more := range map[int]string{100: "", 42: "", 41: "      and 2 more", 23: "      and 20 more", 5: "      and 38 more"} {
		lines := v.table(height)
		if len(lines) > height || height >= 42 && len(lines) != 42 {
			t.Errorf("%d lines where %d fit", len(lines), height)
		}
		if more != "" && lines[len(lines)-2] != more {
			t.Errorf("of %d lines the last but one is %q, want %q", height, lines[len(lines)-2], more)
		}
		if line := widest(strings.Join(lines, "\n")); utf8.RuneCountInString(line) > 80 {
			t.Errorf("%d characters: %s", utf8.RuneCountInString(line), line)
		}
	}
}

func TestBar(t *testing.T) {
	for x, want := range map[float64]string{0: "", 1: "████", 0.5: "██", 0.28125: "█▏", 0.001: ""} {
		if got := bar(x, 4); got != want {
			t.Errorf("bar of %v is %q, want %q", x, got, want)
		}
	}
}

func TestShortID(t *testing.T) {
	for id, want := range map[federation.PeerID]string{"": "", "12345678": "12345678", "12D3KooWabcdefgh": "…abcdefgh"} {
		if got := shortID(id); got != want {
			t.Errorf("%q is shortened to %q, want %q", id, got, want)
		}
	}
}
