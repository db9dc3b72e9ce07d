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
	c.Rule, c.BytesPerPeerRound = "bristle+", 2500
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
		if got, want := img.Bounds().Dx(), int(math.Ceil(2*f.drawing.width)); got != want {
			t.Errorf("%s: %d pixels wide, want %d", f.Name, got, want)
		}
		if f.Name != "time" {
			continue
		}
		// The longest bar ends where its value begins; its middle is blue.
		last := f.drawing.shapes[len(f.drawing.shapes)-3]
		p := last.points[0]
		x, y := int(2*(p.x+10)), int(2*(p.y+5))
		if r, g, b, _ := img.At(x, y).RGBA(); r>>8 != 0x00 || g>>8 != 0x72 || b>>8 != 0xb2 {
			t.Errorf("the pixel at %d,%d is %02x%02x%02x, want 0072b2", x, y, r>>8, g>>8, b>>8)
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
		{[]*group{row("a"), row("a, m=5"), row("a", "m", "5"), row("a", "m", "6")}, []string{"a", "a, m=5", "a, m=5 #2", "a, m=6"}},
	} {
		g := newGrid(test.groups)
		if got := strings.Join(g.settings, "|"); got != strings.Join(test.want, "|") {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}

func TestTickStep(t *testing.T) {
	for last, want := range map[int]int{1: 1, 7: 1, 8: 2, 300: 50, 1000: 200, 150: 20, 2000: 500, math.MaxInt: 2e18} {
		if got := tickStep(last); got != want {
			t.Errorf("tickStep(%d) = %d, want %d", last, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for v, want := range map[float64]string{0: "0 B", 1: "1.00 B", 999: "999 B", 999.6: "1.00 kB", 52_480: "52.5 kB", 1.5e6: "1.50 MB", 5e16: "50000 TB"} {
		if got := printBytes(v); got != want {
			t.Errorf("%v bytes are %q, want %q", v, got, want)
		}
	}
	if got := printNanoseconds(93e6); got != "93.0 ms" {
		t.Error(got)
	}
}

func TestFit(t *testing.T) {
	long := strings.Repeat("fp-perm(victims=all) ", 100) + "m=5"
	for _, room := range []float64{30, 100, 400} {
		got := fit(long, 12, false, room)
		if w := width(got, 12, false); w > room || w < room-15 || !strings.HasPrefix(got, "f") || !strings.HasSuffix(got, "5") {
			t.Errorf("room %v: %q is %v wide", room, got, w)
		}
	}
	if got := fit("a\nb\tc", 12, false, 100); got != "a b c" {
		t.Errorf("got %q", got)
	}
	if got := fit("WWWW", 12, false, 3); got != "…" {
		t.Errorf("got %q", got)
	}
}

func TestDashes(t *testing.T) {
	parts := split([]point{{0, 0}, {10, 0}, {10, 10}}, []float64{6, 2})
	want := [][]point{{{0, 0}, {6, 0}}, {{8, 0}, {10, 0}, {10, 4}}, {{10, 6}, {10, 10}}}
	if len(parts) != len(want) {
		t.Fatalf("got %v, want %v", parts, want)
	}
	for i := range want {
		for j := range want[i] {
			if got := parts[i][j]; math.Hypot(got.x-want[i][j].x, got.y-want[i][j].y) > 1e-9 {
				t.Errorf("dash %d is %v, want %v", i, parts[i], want[i])
			}
		}
	}
}
