package figure

import (
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
		panic("figure: a font that is part of the program does not parse: " + err.Error())
	}
	return &typeface{font: f, units: fixed.I(int(f.UnitsPerEm()))}
}

func (t Text) face() *typeface {
	if t.Bold {
		return bold()
	}
	return regular()
}

// advance returns the advance of a rune in font units; runes that the font
// lacks are as wide as its box for them. The mutex is held.
func (f *typeface) advance(r rune) fixed.Int26_6 {
	glyph, err := f.font.GlyphIndex(&f.buffer, r)
	if err != nil {
		glyph = 0
	}
	a, err := f.font.GlyphAdvance(&f.buffer, glyph, f.units, font.HintingNone)
	if err != nil {
		return 0
	}
	return a
}

// outline is a contour of a text: segments in pixels from the text's origin.
type outline struct {
	op     sfnt.SegmentOp
	points [3]Point
}

// outlines returns the contours of a text.
func (t Text) outlines(text string) []outline {
	f := t.face()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	scale := t.Size / float64(f.units)
	var list []outline
	x := fixed.Int26_6(0)
	for _, r := range text {
		glyph, err := f.font.GlyphIndex(&f.buffer, r)
		if err != nil {
			glyph = 0
		}
		segments, err := f.font.LoadGlyph(&f.buffer, glyph, f.units, nil)
		if err != nil {
			continue
		}
		for _, s := range segments {
			o := outline{op: s.Op}
			for i, p := range s.Args {
				o.points[i] = Point{float64(x+p.X) * scale, float64(p.Y) * scale}
			}
			list = append(list, o)
		}
		x += f.advance(r)
	}
	return list
}
