package site

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/internal/figure"
)

// element is a part of an SVG.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Elements []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

func (e element) number(t fataler, name string) float64 {
	v, err := strconv.ParseFloat(e.attr(name), 64)
	if err != nil {
		t.Fatalf("%s of %+v: %v", name, e, err)
	}
	return v
}

type fataler interface{ Fatalf(string, ...any) }

func parse(t fataler, d *figure.Drawing) element {
	var b bytes.Buffer
	if err := d.WriteInline(&b); err != nil {
		t.Fatalf("%v", err)
	}
	var e element
	if err := xml.Unmarshal(b.Bytes(), &e); err != nil {
		t.Fatalf("%v in\n%s", err, b.String())
	}
	return e
}

// box is the extent of a text or a shape.
type box struct {
	text                     string
	left, top, right, bottom float64
}

// boxes returns the extents of the level texts of a figure, and of its shapes.
func boxes(t fataler, svg element) (texts, shapes []box) {
	for _, e := range svg.Elements {
		switch e.XMLName.Local {
		case "text":
			if e.attr("transform") != "" {
				continue
			}
			size := e.number(t, "font-size")
			w := figure.Text{Size: size, Bold: e.attr("font-weight") != ""}.Width(e.Text)
			x, y := e.number(t, "x"), e.number(t, "y")
			switch e.attr("text-anchor") {
			case "middle":
				x -= w / 2
			case "end":
				x -= w
			}
			texts = append(texts, box{e.Text, x, y - .75*size, x + w, y + .2*size})
		case "path":
			b := box{"", math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
			for _, p := range points(t, e) {
				b.left, b.right = min(b.left, p.X), max(b.right, p.X)
				b.top, b.bottom = min(b.top, p.Y), max(b.bottom, p.Y)
			}
			shapes = append(shapes, b)
		}
	}
	return texts, shapes
}

func points(t fataler, path element) []figure.Point {
	var list []figure.Point
	for _, part := range strings.FieldsFunc(path.attr("d"), func(r rune) bool { return strings.ContainsRune("MLZ", r) }) {
		var p figure.Point
		if _, err := fmt.Sscanf(part, "%g %g", &p.X, &p.Y); err != nil {
			t.Fatalf("%q: %v", part, err)
		}
		list = append(list, p)
	}
	return list
}

// inside checks that all of a figure is numbers and lies within its extents.
func inside(t fataler, d *figure.Drawing) element {
	svg := parse(t, d)
	texts, shapes := boxes(t, svg)
	for _, b := range append(texts, shapes...) {
		if !(b.left >= -.01 && b.top >= -.01 && b.right <= d.Width+.01 && b.bottom <= d.Height+.01) {
			t.Fatalf("%q: %+v is outside of %v x %v", d.Title, b, d.Width, d.Height)
		}
	}
	return svg
}

// TestFiguresAreTidy: nothing is outside of a figure, and no words lie on others.
func TestFiguresAreTidy(t *testing.T) {
	long := fake(5)
	for i := range long.Arms {
		a := &long.Arms[i]
		a.Name = strings.Repeat("a long name ", 6) + a.Name
		a.Phases[0].Group = strings.Repeat("m", 40)
		a.Loss[0].Mean *= 1e8
	}
	long.Title, long.Pairs, long.Final = strings.Repeat("title ", 100), nil, Final{}
	for name, r := range map[string]Results{"one": fake(1), "usual": fake(5), "brief": brief(3), "long": long, "many": fake(16)} {
		if err := r.check(); err != nil {
			t.Fatal(err)
		}
		drawings := []*figure.Drawing{picture(r)}
		for _, c := range r.charts() {
			drawings = append(drawings, c.Drawing)
		}
		if len(drawings) != 10 {
			t.Errorf("%s: %d figures", name, len(drawings))
		}
		for _, d := range drawings {
			texts, _ := boxes(t, inside(t, d))
			for i, a := range texts {
				for _, b := range texts[:i] {
					if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
						t.Errorf("%s, %q: %q lies on %q", name, d.Title, a.text, b.text)
					}
				}
			}
		}
	}
}

// texts returns the texts of a figure in their order.
func texts(svg element) []string {
	var list []string
	for _, e := range svg.Elements {
		if e.XMLName.Local == "text" {
			list = append(list, e.Text)
		}
	}
	return list
}

func TestForest(t *testing.T) {
	r := fake(3)
	r.Arms[1].Metrics[0] = Metric{auroc, .6, .1, math.NaN(), math.NaN()}
	r.Arms[2].Metrics[0] = Metric{auroc, math.NaN(), math.NaN(), math.NaN(), math.NaN()}
	svg := inside(t, forest(r, pageWidth))
	got := texts(svg)
	for _, want := range []string{"AUROC of each arm", "probe", "0.710 (0.670 to 0.745)", "full", "0.600", "progressive", "–", "guessing"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q among %q", want, got)
		}
	}
	// What the axis says lies where the marks are: the squares of 10 by 10 are
	// the means.
	at := map[float64]float64{}
	for _, e := range svg.Elements {
		if v, err := strconv.ParseFloat(e.Text, 64); err == nil && e.attr("text-anchor") == "middle" {
			at[v] = e.number(t, "x")
		}
	}
	_, shapes := boxes(t, svg)
	var means []float64
	interval := 0.0
	for _, s := range shapes {
		value := func(x float64) float64 { return .5 + (x-at[.5])/(at[.7]-at[.5])*.2 }
		switch {
		case math.Abs(s.right-s.left-10) < .02 && math.Abs(s.bottom-s.top-10) < .02:
			means = append(means, value((s.left+s.right)/2))
		case s.top == s.bottom && math.Abs(value(s.left)-.67) < 1e-3:
			interval = value(s.right)
		}
	}
	if len(means) != 2 || math.Abs(means[0]-.71) > 1e-3 || math.Abs(means[1]-.6) > 1e-3 || math.Abs(interval-.745) > 1e-3 {
		t.Errorf("means are drawn at %v, the first interval ends at %v", means, interval)
	}
	for i := range r.Arms {
		r.Arms[i].Metrics[0].Mean, r.Arms[i].Metrics[0].Low, r.Arms[i].Metrics[0].High = math.NaN(), math.NaN(), math.NaN()
	}
	if forest(r, pageWidth) != nil {
		t.Error("a forest of nothing")
	}
}

func TestROC(t *testing.T) {
	svg := inside(t, roc(brief(2), 760))
	var curves [][]figure.Point
	for _, e := range svg.Elements {
		if p := points(t, e); len(p) == 3 && e.attr("stroke-width") == "2" {
			curves = append(curves, p)
		}
	}
	if len(curves) != 2 {
		t.Fatalf("%d curves", len(curves))
	}
	for i, c := range curves {
		side := c[2].X - c[0].X
		x, y := (c[1].X-c[0].X)/side, (c[0].Y-c[1].Y)/side
		if math.Abs(x-.25) > 1e-3 || math.Abs(y-.5-.1*float64(i)) > 1e-3 || math.Abs(c[0].Y-c[2].Y-side) > .01 {
			t.Errorf("curve %d bends at %v, %v", i, x, y)
		}
	}
	if got := texts(svg); !slices.Contains(got, "0.761  full") || !slices.Contains(got, `all test folds; positive is "pneumonia"`) {
		t.Errorf("texts are %q", got)
	}
	r := brief(1)
	r.Arms[0].ROC = nil
	if roc(r, 760) != nil {
		t.Error("curves of nothing")
	}
}

func TestConfusion(t *testing.T) {
	r := brief(1)
	r.Arms[0].Confusion = [][]float64{{30, 10.5}, {0, 0}}
	got := texts(inside(t, confusions(r)))
	want := []string{"normal", "normal", "74%", "30", "26%", "10.5", "pneumonia", "pneumonia", "–", "0", "–", "0"}
	if !slices.Equal(got[3:], want) {
		t.Errorf("got %q, want %q", got[3:], want)
	}
}

func TestReliability(t *testing.T) {
	r := brief(1)
	r.Arms[0].Reliability = []Bin{{.5, .25, 1}, {.75, 1, 100}}
	_, shapes := boxes(t, inside(t, reliabilities(r)))
	last := shapes[len(shapes)-2:]
	small, large := last[0].right-last[0].left, last[1].right-last[1].left
	if math.Abs(large-14) > .02 || math.Abs(small-5) > .02 {
		t.Errorf("squares of %v and %v", small, large)
	}
	dx := (last[1].right + last[1].left - last[0].right - last[0].left) / 2
	dy := (last[0].bottom + last[0].top - last[1].bottom - last[1].top) / 2
	if math.Abs(dx-50) > .02 || math.Abs(dy-150) > .02 { // of a side of 200
		t.Errorf("squares are %v apart, %v above", dx, dy)
	}
}

// TestThaws reads from the bars what was trained when.
func TestThaws(t *testing.T) {
	r := fake(4)
	a := r.Arms[3] // progressive+probe
	d := thaw(a, r.epochs(), 800)
	svg := inside(t, d)
	at := map[string]float64{} // of epochs
	rows := map[string]float64{}
	for _, e := range svg.Elements {
		switch e.attr("text-anchor") {
		case "middle":
			at[e.Text] = e.number(t, "x")
		case "end":
			rows[e.Text] = e.number(t, "y")
		}
	}
	step := (at["30"] - at["0"]) / 30
	var got, want []string
	for _, e := range svg.Elements {
		p := points(t, e)
		if len(p) != 4 {
			continue
		}
		group := ""
		for g, y := range rows {
			if y > p[0].Y && y < p[2].Y {
				group = g
			}
		}
		got = append(got, fmt.Sprintf("%s %.0f to %.0f", group, (p[0].X-at["0"])/step, (p[1].X-at["0"])/step))
	}
	for _, p := range a.Phases {
		if !p.Frozen {
			want = append(want, fmt.Sprintf("%s %d to %d", p.Group, p.From, p.To))
		}
	}
	if !slices.Equal(got, want) || len(want) != 5 {
		t.Errorf("got %q, want %q", got, want)
	}
	all := texts(svg)
	for _, text := range []string{"probing", "frozen", "0.0005", "0.00025", "layer1"} {
		if !slices.Contains(all, text) {
			t.Errorf("no %q among %q", text, all)
		}
	}
}

func TestEqualLinesShareALook(t *testing.T) {
	r := brief(3)
	r.Arms[1].Loss = slices.Clone(r.Arms[0].Loss)
	for i := range r.Arms {
		for e := range r.Arms[i].Loss {
			r.Arms[i].Loss[e].SD = 0
		}
	}
	var lines, looks []string
	for _, e := range inside(t, losses(r)).Elements {
		switch e.attr("stroke-width") {
		case "2":
			lines = append(lines, e.attr("stroke"))
		case "2.5":
			looks = append(looks, e.attr("stroke"))
		}
	}
	if len(lines) != 2 || len(looks) != 3 || looks[0] != looks[1] || looks[0] == looks[2] {
		t.Errorf("lines are %q, looks in the legend %q", lines, looks)
	}
}

// TestThin: what is left out lies within half a pixel of what is kept.
func TestThin(t *testing.T) {
	var all []figure.Point
	for i := range 10_000 {
		x := float64(i) / 100
		all = append(all, figure.Point{X: x, Y: 50 * math.Sin(x/10)})
	}
	kept := thin(all)
	if len(kept) > 800 || kept[0] != all[0] || kept[len(kept)-1] != all[len(all)-1] {
		t.Fatalf("%d points are kept", len(kept))
	}
	k := 0
	for _, p := range all {
		for k+1 < len(kept) && kept[k+1].X <= p.X {
			k++
		}
		if math.Abs(p.X-kept[k].X) > .51 || math.Abs(p.Y-kept[k].Y) > .51 {
			t.Fatalf("%v is far from %v", p, kept[k])
		}
	}
	if one := thin(all[:1]); len(one) != 1 {
		t.Errorf("%d points of one", len(one))
	}
}
