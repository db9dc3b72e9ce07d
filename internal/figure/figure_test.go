package figure

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
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

func parse(t interface{ Fatal(...any) }, d *Drawing) element {
	var b bytes.Buffer
	if err := d.WriteSVG(&b); err != nil {
		t.Fatal(err)
	}
	var e element
	if err := xml.Unmarshal(b.Bytes(), &e); err != nil {
		t.Fatal(err, b.String())
	}
	return e
}

func TestSVG(t *testing.T) {
	d := &Drawing{Width: 100, Height: 50.25, Title: "<title> & more"}
	d.Rect(Colour(0), 1, 2, 3, 4)
	d.Area(Dark, .16, Point{0, 0}, Point{1, 0}, Point{1, 1})
	d.Line(Stroke{Ink: Faint, Width: 1.5, Dash: Dash(1)}, Point{-.001, 0}, Point{1.005, 1.5})
	d.Write(Words.At(End).Turned(Upwards), 7, 8, "a < b")
	d.Write(Text{Ink: Hair, Size: 10, Bold: true}, 7, 8, "a text that is longer than sixty pixels")
	svg := parse(t, d)
	if svg.attr("width") != "100" || svg.attr("viewBox") != "0 0 100 50.25" {
		t.Errorf("size is %v", svg.Attrs)
	}
	var got []string
	for _, e := range svg.Elements {
		line := e.XMLName.Local
		for _, a := range e.Attrs {
			line += " " + a.Name.Local + "=" + a.Value
		}
		if e.XMLName.Local != "style" {
			got = append(got, strings.TrimSpace(line+" "+e.Text))
		}
	}
	long := Text{Size: 10, Bold: true}.Width("a text that is longer than sixty pixels")
	want := []string{
		"title <title> & more",
		"rect width=100% height=100% class=paper color=#ffffff fill=currentColor",
		"path d=M1 2L4 2L4 6L1 6Z fill=#0072b2",
		"path d=M0 0L1 0L1 1Z class=ink color=#1f2328 fill=currentColor fill-opacity=0.16",
		"path fill=none stroke-linejoin=round d=M0 0L1 1.5 class=faint color=#5c636b stroke=currentColor stroke-width=1.5 stroke-dasharray=7 4",
		"text x=7 y=8 font-size=12.5 class=ink color=#1f2328 fill=currentColor text-anchor=end transform=rotate(-90 7 8) a < b",
		"text x=7 y=8 font-size=10 class=hair color=#dde0e4 fill=currentColor font-weight=bold textLength=" + decimal(long) +
			" lengthAdjust=spacingAndGlyphs a text that is longer than sixty pixels",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	var inline bytes.Buffer
	if err := d.WriteInline(&inline); err != nil || strings.Contains(inline.String(), "<style") || strings.Contains(inline.String(), "<rect") {
		t.Errorf("inline: %v\n%s", err, inline.String())
	}
}

// TestHostileText checks that no text can break out of an SVG, and that all
// that can be written in XML arrives.
func TestHostileText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		d := &Drawing{Width: 400, Height: 100}
		top := d.Head(text, text)
		d.Write(Words, 0, top, text)
		svg := parse(t, d)
		if n := len(svg.Elements); n != 6 {
			t.Fatalf("%d elements", n)
		}
		want := strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r != 0xfffe && r != 0xffff {
				return r
			}
			return '\uFFFD'
		}, text)
		for _, i := range []int{0, 5} {
			if got := svg.Elements[i].Text; got != want {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
		for _, e := range svg.Elements[3:5] {
			if strings.ContainsAny(e.Text, "\n\t\r") {
				t.Fatalf("%q is more than a line", e.Text)
			}
		}
	})
}

// pixels draws a drawing as PNG and reads it back.
func pixels(t *testing.T, d *Drawing) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := d.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func hex(img image.Image, x, y int) string {
	r, g, b, _ := img.At(x, y).RGBA()
	return fmt.Sprintf("%02x%02x%02x", r>>8, g>>8, b>>8)
}

func TestPNG(t *testing.T) {
	d := &Drawing{Width: 40.2, Height: 30}
	d.Rect(Colour(0), 0, 0, 10, 10)
	d.Area(Colour(0), .5, Point{10, 0}, Point{20, 0}, Point{20, 10}, Point{10, 10})
	d.Line(Stroke{Ink: Colour(1), Width: 2}, Point{0, 20}, Point{20, 20}, Point{20, 30})
	d.Line(Stroke{Ink: Colour(2), Width: 2, Dash: []float64{4, 4}}, Point{30, 0}, Point{30, 30})
	img := pixels(t, d)
	if got := img.Bounds().Max; got != image.Pt(81, 60) {
		t.Errorf("size is %v", got)
	}
	for _, p := range []struct {
		x, y int
		want string
	}{
		{0, 0, "0072b2"}, {19, 19, "0072b2"}, {20, 20, "ffffff"}, {30, 10, "7fb8d9"},
		{10, 38, "d55e00"}, {10, 41, "d55e00"}, {10, 43, "ffffff"}, {41, 58, "d55e00"},
		{60, 4, "009e73"}, {60, 12, "ffffff"}, {60, 20, "009e73"},
	} {
		if got := hex(img, p.x, p.y); got != p.want {
			t.Errorf("the pixel at %d,%d is %s, want %s", p.x, p.y, got, p.want)
		}
	}
}

// inked returns the box around all pixels that are not white, in units of the
// drawing.
func inked(img image.Image) (left, top, right, bottom float64) {
	box := image.Rectangle{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			if r, _, _, _ := img.At(x, y).RGBA(); r < 0xffff {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return float64(box.Min.X) / pixelRatio, float64(box.Min.Y) / pixelRatio, float64(box.Max.X) / pixelRatio, float64(box.Max.Y) / pixelRatio
}

// TestWordsLieWhereTheyAreMeasured draws words in every direction and with
// every anchor.
func TestWordsLieWhereTheyAreMeasured(t *testing.T) {
	const text = "HHHH and HHHH"
	for anchor, shift := range map[Anchor]float64{Start: 0, Middle: -.5, End: -1} {
		for _, turn := range []Turn{Level, Upwards, Slanted} {
			d := &Drawing{Width: 200, Height: 200}
			style := Words.At(anchor).Turned(turn)
			d.Write(style, 100, 100, text)
			right, up := style.Reach(text)
			if w := style.Width(text); math.Abs(math.Hypot(right, up)-w) > 1e-9 {
				t.Errorf("turn %d reaches %v, %v, but is %v wide", turn, right, up, w)
			}
			x0, y0 := 100+shift*right, 100-shift*up // the text's start
			x1, y1 := x0+right, y0-up
			left, top, r, bottom := inked(pixels(t, d))
			// The letters rise from the baseline to its left.
			const rise = 10
			wantLeft, wantTop := min(x0, x1)-rise*-turnSin[turn], min(y0, y1)-rise*turnCos[turn]
			if left < wantLeft-1 || left > wantLeft+4 || top < wantTop-1 || top > wantTop+4 ||
				r > max(x0, x1)+1 || r < max(x0, x1)-4 || bottom > max(y0, y1)+1 || bottom < max(y0, y1)-4 {
				t.Errorf("anchor %d, turn %d: ink within %v %v %v %v, text from %v,%v to %v,%v", anchor, turn, left, top, r, bottom, x0, y0, x1, y1)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	inner := &Drawing{Width: 10, Height: 10}
	inner.Rect(Colour(0), 1, 2, 3, 4)
	inner.Write(Words, 5, 6, "w")
	d := &Drawing{Width: 100, Height: 100}
	d.Place(inner, 20, 30)
	d.Place(inner, 0, 0)
	svg := parse(t, d)
	for i, want := range []string{"M21 32L24 32L24 36L21 36Z", "", "M1 2L4 2L4 6L1 6Z"} {
		if got := svg.Elements[3+i].attr("d"); got != want {
			t.Errorf("shape %d is %q, want %q", i, got, want)
		}
	}
	if x := svg.Elements[4].attr("x"); x != "25" {
		t.Errorf("words are at %s", x)
	}
}

func TestBars(t *testing.T) {
	list := []Bar{{"short", 1}, {"long", 2}, {"nothing", 0}}
	d := Bars("Title", "under", list, Bytes)
	// The longest bar ends where its value begins; its middle is blue.
	var tips []float64
	img := pixels(t, d)
	for _, s := range d.shapes {
		if s.kind == polygon {
			tips = append(tips, s.points[1].X)
			p := s.points[0]
			if len(tips) == 3 {
				continue // a bar of nothing
			}
			if got := hex(img, int(2*p.X+20), int(2*p.Y+10)); got != "0072b2" {
				t.Errorf("a bar is %s", got)
			}
		}
	}
	left := d.shapes[3].points[0].X
	if len(tips) != 3 || math.Abs(tips[1]-left-2*(tips[0]-left)) > 1e-9 || tips[2] != left {
		t.Errorf("bars from %v to %v", left, tips)
	}
	if room := Words.Width("2.00 B"); tips[1]+8+room > barsWidth-Margin+1e-9 {
		t.Errorf("the value of the longest bar ends at %v", tips[1]+8+room)
	}
	for _, empty := range [][]Bar{nil, {{"a", 0}}} {
		var b bytes.Buffer
		if err := Bars("", "", empty, Bytes).WriteSVG(&b); err != nil || strings.Contains(b.String(), "NaN") {
			t.Errorf("bars of %v: %v\n%s", empty, err, b.String())
		}
	}
}

func TestAxes(t *testing.T) {
	d := &Drawing{Width: 300, Height: 300}
	d.Axes(Axis{Scale{0, 2, 50, 250}, "time", WholeTicks(2)}, Axis{Scale{0, 1, 250, 50}, "share", Ticks(0, 1, 2)})
	at := map[string]string{}
	for _, e := range parse(t, d).Elements {
		if e.XMLName.Local == "text" {
			at[e.Text] = e.attr("x") + "," + e.attr("y")
		}
	}
	for text, want := range map[string]string{"1": "150,269", "0.5": "41,154", "time": "150,292", "share": "14,150"} {
		if at[text] != want {
			t.Errorf("%q is at %q, want %q", text, at[text], want)
		}
	}
}

func TestWholeTicks(t *testing.T) {
	for last, want := range map[int]int{1: 1, 7: 1, 8: 2, 300: 50, 1000: 200, 150: 20, 2000: 500, math.MaxInt: 2e18} {
		ticks := WholeTicks(last)
		for i, tick := range ticks {
			if tick.Value != float64(i*want) || tick.Label != strconv.Itoa(i*want) {
				t.Errorf("tick %d to %d is %+v, want %d", i, last, tick, i*want)
			}
		}
		if len(ticks) != last/want+1 {
			t.Errorf("%d ticks to %d", len(ticks), last)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, test := range []struct {
		from, to float64
		most     int
		want     string
	}{
		{0, 1, 5, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{.47, .93, 6, "0.5 0.6 0.7 0.8 0.9"},
		{0, .001, 5, "0.0000 0.0002 0.0004 0.0006 0.0008 0.0010"},
		{-1, 1, 4, "-1.0 -0.5 0.0 0.5 1.0"},
		{0, 3500, 4, "0 1000 2000 3000"},
		{.2, .3, 1, "0.2 0.3"},
		{.21, .3, 1, "0.25 0.30"},
	} {
		var got []string
		for _, tick := range Ticks(test.from, test.to, test.most) {
			got = append(got, tick.Label)
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("from %v to %v: got %s, want %s", test.from, test.to, s, test.want)
		}
	}
}

func TestAnyTicks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Float64Range(-1e15, 1e15).Draw(t, "from")
		to := rapid.Float64Range(-1e15, 1e15).Draw(t, "to")
		most := rapid.IntRange(1, 10).Draw(t, "most")
		if !(from < to) {
			return
		}
		ticks := Ticks(from, to, most)
		if len(ticks) > most+1 {
			t.Fatalf("%d ticks", len(ticks))
		}
		slack := (to-from)*1e-9 + math.Abs(to)*1e-15 + math.Abs(from)*1e-15
		for _, tick := range ticks {
			v, err := strconv.ParseFloat(tick.Label, 64)
			if err != nil || math.Abs(v-tick.Value) > 1e-12*math.Abs(v) || v < from-slack || v > to+slack {
				t.Fatalf("%+v (%v)", tick, err)
			}
		}
	})
}

func TestUnits(t *testing.T) {
	for v, want := range map[float64]string{0: "0 B", 1: "1.00 B", 999: "999 B", 999.6: "1.00 kB", 52_480: "52.5 kB", 1.5e6: "1.50 MB", 5e16: "50000 TB"} {
		if got := Bytes(v); got != want {
			t.Errorf("%v bytes are %q, want %q", v, got, want)
		}
	}
	if got := Nanoseconds(93e6); got != "93.0 ms" {
		t.Error(got)
	}
}

func TestFit(t *testing.T) {
	long := strings.Repeat("fp-perm(victims=all) ", 100) + "m=5"
	style := Text{Size: 12}
	for _, room := range []float64{30, 100, 400} {
		got := style.Fit(long, room)
		if w := style.Width(got); w > room || w < room-15 || !strings.HasPrefix(got, "f") || !strings.HasSuffix(got, "5") {
			t.Errorf("room %v: %q is %v wide", room, got, w)
		}
	}
	if got := style.Fit("a\nb\tc", 100); got != "a b c" {
		t.Errorf("got %q", got)
	}
	if got := style.Fit("WWWW", 3); got != "…" {
		t.Errorf("got %q", got)
	}
}

func TestDashes(t *testing.T) {
	parts := split([]Point{{0, 0}, {10, 0}, {10, 10}}, []float64{6, 2})
	want := [][]Point{{{0, 0}, {6, 0}}, {{8, 0}, {10, 0}, {10, 4}}, {{10, 6}, {10, 10}}}
	if len(parts) != len(want) {
		t.Fatalf("got %v, want %v", parts, want)
	}
	for i := range want {
		for j := range want[i] {
			if got := parts[i][j]; math.Hypot(got.X-want[i][j].X, got.Y-want[i][j].Y) > 1e-9 {
				t.Errorf("dash %d is %v, want %v", i, parts[i], want[i])
			}
		}
	}
}

// luminance is that of WCAG 2, 0 to 1.
func luminance(k Ink) float64 {
	linear := func(v uint8) float64 {
		c := float64(v) / 255
		if c <= .04045 {
			return c / 12.92
		}
		return math.Pow((c+.055)/1.055, 2.4)
	}
	return .2126*linear(k.color.R) + .7152*linear(k.color.G) + .0722*linear(k.color.B)
}

// TestHeat: greater shares are lighter, and words on them can be read.
func TestHeat(t *testing.T) {
	last := -1.0
	for i := range 101 {
		k := Heat(float64(i) / 100)
		l := luminance(k)
		if l <= last {
			t.Errorf("%d%% is no lighter than %d%%", i, i-1)
		}
		last = l
		over := luminance(k.Over())
		if contrast := (max(l, over) + .05) / (min(l, over) + .05); contrast < 4 {
			t.Errorf("%d%%: contrast of words is %.1f", i, contrast)
		}
	}
}

func TestColoursRepeat(t *testing.T) {
	seen := map[string]bool{}
	for i := range Colours * 4 {
		if i >= Colours && Colour(i) != Colour(i-Colours) {
			t.Errorf("colour %d", i)
		}
		seen[fmt.Sprint(Colour(i), Dash(i/Colours))] = true
	}
	if len(seen) != Colours*4 {
		t.Errorf("%d looks of lines", len(seen))
	}
}

func TestWriteErrorsComeBack(t *testing.T) {
	r, w := io.Pipe()
	want := errors.New("disk full")
	r.CloseWithError(want)
	d := &Drawing{Width: 10, Height: 10}
	for name, write := range map[string]func(io.Writer) error{"svg": d.WriteSVG, "inline": d.WriteInline, "png": d.WritePNG} {
		if err := write(w); !errors.Is(err, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
