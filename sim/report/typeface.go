package report

import (
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// typeface is a parsed font. Its buffer serves one caller at a time.
type typeface struct {
	mutex  sync.Mutex
	font   *sfnt.Font
	units  fixed.Int26_6 // per em
	buffer sfnt.Buffer
}

// The Go fonts are part of golang.org/x/image, so that pictures look alike on
// machines that have no fonts at all.
var (
	regular = sync.OnceValue(func() *typeface { return parseTypeface(goregular.TTF) })
	bold    = sync.OnceValue(func() *typeface { return parseTypeface(gobold.TTF) })
)

func parseTypeface(ttf []byte) *typeface {
	f, err := sfnt.Parse(ttf)
	if err != nil {
		panic("report: a font that is part of the program does not parse: " + err.Error())
	}
	return &typeface{font: f, units: fixed.I(int(f.UnitsPerEm()))}
}

func face(isBold bool) *typeface {
	if isBold {
		return bold()
	}
	return regular()
}

// width returns how wide a text is at a size in pixels. Advances are whole
// font units, so the sum is exact everywhere.
func width(text string, size float64, isBold bool) float64 {
	t := face(isBold)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	units := fixed.Int26_6(0)
	for _, r := range text {
		units += t.advance(r)
	}
	return float64(units) * size / float64(t.units)
}

// advance returns the advance of a rune in font units; runes that the font
// lacks are as wide as its box for them. The mutex is held.
func (t *typeface) advance(r rune) fixed.Int26_6 {
	glyph, err := t.font.GlyphIndex(&t.buffer, r)
	if err != nil {
		glyph = 0
	}
	a, err := t.font.GlyphAdvance(&t.buffer, glyph, t.units, font.HintingNone)
	if err != nil {
		return 0
	}
	return a
}

// outline is a contour of a text: segments in pixels from the text's origin.
type outline struct {
	op     sfnt.SegmentOp
	points [3]point
}

// outlines returns the contours of a text at a size in pixels.
func outlines(text string, size float64, isBold bool) []outline {
	t := face(isBold)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	scale := size / float64(t.units)
	var list []outline
	x := fixed.Int26_6(0)
	for _, r := range text {
		glyph, err := t.font.GlyphIndex(&t.buffer, r)
		if err != nil {
			glyph = 0
		}
		segments, err := t.font.LoadGlyph(&t.buffer, glyph, t.units, nil)
		if err != nil {
			continue
		}
		for _, s := range segments {
			o := outline{op: s.Op}
			for i, p := range s.Args {
				o.points[i] = point{float64(x+p.X) * scale, float64(p.Y) * scale}
			}
			list = append(list, o)
		}
		x += t.advance(r)
	}
	return list
}

// fit returns text, with an ellipsis for its middle if it is wider than room:
// what tells one name from the next is mostly near its ends. Control characters
// become spaces, so that a text is one line.
func fit(text string, size float64, isBold bool, room float64) string {
	const most = 200 // runes at either end; wider than any drawing
	clean := make([]rune, 0, min(len(text), 2*most))
	for _, r := range text {
		if r < ' ' || r == 0x7f {
			r = ' '
		}
		// Of a longer text, the middle is dropped as it goes by.
		if len(clean) == 2*most {
			copy(clean[most:], clean[most+1:])
			clean = clean[:2*most-1]
		}
		clean = append(clean, r)
	}
	if s := string(clean); len(clean) < 2*most && width(s, size, isBold) <= room {
		return s
	}
	for n := len(clean) - 1; n > 1; n-- {
		head, tail := clean[:(n+1)/2], clean[len(clean)-n/2:]
		s := strings.TrimRight(string(head), " ") + "…" + strings.TrimLeft(string(tail), " ")
		if width(s, size, isBold) <= room {
			return s
		}
	}
	return "…"
}
