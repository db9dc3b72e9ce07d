package report

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the new one and write it with -update\n%s", path, got)
	}
}

// few are the results of a sweep small enough to read its figures as text.
func few() ([]Cell, []Timing) {
	a, b, c := small("a", 1), small("b", 2), small("c", 1)
	b.Mean, b.Accuracy = []float64{.6, .9}, []float64{.9, .9}
	c.Rule, c.BytesPerPeerRound, c.Idle = "bristle+", 2500, 1
	return []Cell{a, b, c}, []Timing{{"a", 1, 2000}, {"b", 2, 4000}, {"c", 3, 1.5e6}, {"unknown", 1, 1}}
}

func TestGoldenFigures(t *testing.T) {
	figures, err := Figures(few())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range figures {
		names = append(names, f.Name)
		var b bytes.Buffer
		if err := f.WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, f.Name+".svg", b.Bytes())
	}
	if got := strings.Join(names, " "); got != "heatmap accuracy-none bytes time" {
		t.Errorf("figures are %q", got)
	}
}

func TestPNG(t *testing.T) {
	figures, err := Figures(few())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		var b bytes.Buffer
		if err := f.WritePNG(&b); err != nil {
			t.Fatal(err)
		}
		img, err := png.Decode(&b)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := img.Bounds().Dx(), int(math.Ceil(2*f.drawing.Width)); got != want {
			t.Errorf("%s: %d pixels wide, want %d", f.Name, got, want)
		}
	}
}

func TestSingleSeedHasNoBand(t *testing.T) {
	cells, _ := few()
	for seeds, want := range map[int]bool{1: false, 2: true} {
		figures, err := Figures(cells[:seeds], nil)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := figures[1].WriteSVG(&b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "fill-opacity"); got != want {
			t.Errorf("%d seeds: band is %v, want %v", seeds, got, want)
		}
		if got := strings.Contains(b.String(), "one seed, so no interval"); got == want {
			t.Errorf("%d seeds: the note on a single seed is %v", seeds, got)
		}
	}
}

func TestNoCellsNoFigures(t *testing.T) {
	figures, err := Figures(nil, []Timing{{"x", 1, 1}})
	if err != nil || len(figures) > 0 {
		t.Errorf("got %v, %v", figures, err)
	}
}

// TestHostileFigures checks that names can neither break out of an SVG nor of
// a folder, whatever they are.
func TestHostileFigures(t *testing.T) {
	safe := regexp.MustCompile(`^[a-z]+[a-z0-9-]*$`)
	rapid.Check(t, func(t *rapid.T) {
		figures, err := Figures(drawCells(t), nil)
		if errors.Is(err, ErrCell) { // two seeds of one row that do not fit
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, f := range figures {
			if !safe.MatchString(f.Name) || len(f.Name) > 80 || seen[f.Name] {
				t.Fatalf("bad name %q", f.Name)
			}
			seen[f.Name] = true
			var b bytes.Buffer
			if err := f.WriteSVG(&b); err != nil {
				t.Fatal(err)
			}
			wellFormed(t, b.Bytes())
		}
	})
}

func wellFormed(t *rapid.T, svg []byte) {
	elements := map[string]bool{"svg": true, "title": true, "style": true, "rect": true, "path": true, "text": true}
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok && !elements[e.Name.Local] {
			t.Fatalf("element %q in\n%s", e.Name.Local, svg)
		}
	}
}

func TestManySettings(t *testing.T) {
	var cells []Cell
	for i := range 100 {
		for r := range 30 {
			c := small(strconv.Itoa(i)+"/"+strconv.Itoa(r), 1)
			c.Rule, c.Attack = "rule "+strconv.Itoa(r), "attack "+strconv.Itoa(i)
			cells = append(cells, c)
		}
	}
	groups, err := gather(cells)
	if err != nil {
		t.Fatal(err)
	}
	figures, leftOut := drawAll(newGrid(groups), groups, cells, nil)
	// 30 rules take two charts a setting, 100 settings nine heat maps.
	if len(figures) != 64+9+1 || leftOut != 200-64 {
		t.Errorf("%d figures and %d left out", len(figures), leftOut)
	}
	if got := figures[9].Title; got != "Accuracy: attack 0 (1 of 2)" {
		t.Errorf("the first chart is %q", got)
	}
}

func TestOneRuleHasALinePerSetting(t *testing.T) {
	cells, _ := fake([]string{"bristle"}, []string{"none", "noise"}, []string{"1", "5"}, []uint64{1})
	figures, err := Figures(cells, nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := figures[1].WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Accuracy of bristle<", ">none, peers.liars=1<", ">noise, peers.liars=5<"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in the figure", want)
		}
	}
}

func TestSettingNames(t *testing.T) {
	row := func(attack string, labels ...string) *group {
		g := &group{Row: Row{Rule: "mean", Attack: attack, Labels: map[string]string{}}}
		for i := 0; i < len(labels); i += 2 {
			g.Labels[labels[i]] = labels[i+1]
		}
		return g
	}
	lying := func(g *group, n int) *group {
		g.Liars = n
		return g
	}
	for _, test := range []struct {
		groups []*group
		want   []string
	}{
		{[]*group{row("none", "m", "5"), row("noise", "m", "5")}, []string{"none", "noise"}},
		{[]*group{row("none", "m", "5"), row("none", "m", "6")}, []string{"none, m=5", "none, m=6"}},
		{[]*group{row("", "m", "5"), row("")}, []string{"no attack, m=5", "no attack"}},
		// A case's label stands for what goes with it, but not for a sweep beside it.
		{[]*group{row("a", "label", "A", "m", "5"), row("b", "label", "B", "m", "6")}, []string{"A", "B"}},
		{[]*group{row("a", "label", "A", "m", "5"), row("a", "label", "A", "m", "6")}, []string{"A, m=5", "A, m=6"}},
		{[]*group{row("a", "label", "A"), row("b", "label", "A")}, []string{"A, a", "A, b"}},
		// What cannot be told apart by name is counted.
		// Liars are named where they vary and nothing else says so.
		{[]*group{lying(row("a"), 1), lying(row("b"), 5)}, []string{"a", "b"}},
		{[]*group{lying(row("a", "label", "A"), 1), lying(row("a", "label", "B"), 5)}, []string{"A", "B"}},
		{[]*group{lying(row("a", "peers.liars", "1"), 1), lying(row("a", "peers.liars", "5"), 5)}, []string{"a, peers.liars=1", "a, peers.liars=5"}},
		{[]*group{lying(row("a"), 1), lying(row("a"), 5)}, []string{"a, 1 liar", "a, 5 liars"}},
		{[]*group{row("a\x1b[2J", "m", "5"), row("a\x1b[2J", "m", "\u202e6")}, []string{`a\x1b[2J, m=5`, `a\x1b[2J, m=\u202e6`}},
		{[]*group{row("a"), row("a, m=5"), row("a", "m", "5"), row("a", "m", "6")}, []string{"a", "a, m=5", "a, m=5 #2", "a, m=6"}},
	} {
		g := newGrid(test.groups)
		if got := strings.Join(g.settings, "|"); got != strings.Join(test.want, "|") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

// TestNames: rows that differ have names that do, whatever makes them differ.
func TestNames(t *testing.T) {
	rows := []Row{
		{Rule: "mean", Attack: "a", Liars: 1, Labels: map[string]string{"label": "A"}},
		{Rule: "mean", Attack: "a", Liars: 5, Labels: map[string]string{"label": "A"}},
		{Rule: "mean", Attack: "b", Liars: 5, Labels: map[string]string{"label": "A"}},
		{Rule: "mean, x", Attack: "y"},
		{Rule: "mean", Attack: "x, y"},
		{Rule: "me\nan", Attack: "c"},
	}
	want := "mean, A, a, 1 liar|mean, A, a, 5 liars|mean, A, b|mean, x, y|mean, x, y #2|me\\nan, c"
	if got := strings.Join(Names(rows), "|"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
