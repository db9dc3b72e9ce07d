package figure

import (
	"strings"

	"golang.org/x/image/math/fixed"
)

// Text is how words look.
type Text struct {
	Ink    Ink
	Size   float64 // in pixels
	Bold   bool
	Anchor Anchor
	Turn   Turn
}

// What most words of a figure look like.
var (
	Words = Text{Ink: Dark, Size: 12.5}
	Small = Text{Ink: Faint, Size: 11.5}
)

// Anchor is which part of a text is at its point.
type Anchor int

// The anchors.
const (
	Start Anchor = iota
	Middle
	End
)

// Turn is the direction a text runs in.
type Turn int

// The directions.
const (
	Level   Turn = iota
	Upwards      // 90 degrees counter-clockwise
	Slanted      // 35 degrees counter-clockwise
)

// cosine and sine of the angle of each turn, and the angle as SVG states it.
// They are written out because layout rests on them and the functions of
// package math differ between architectures in the last bit.
var (
	turnCos   = [...]float64{Level: 1, Upwards: 0, Slanted: 0.8191520442889918}
	turnSin   = [...]float64{Level: 0, Upwards: -1, Slanted: -0.5735764363510461}
	turnAngle = [...]string{Level: "0", Upwards: "-90", Slanted: "-35"}
)

// At returns the text with another anchor.
func (t Text) At(a Anchor) Text { t.Anchor = a; return t }

// Turned returns the text with another direction.
func (t Text) Turned(turn Turn) Text { t.Turn = turn; return t }

// In returns the text in another ink.
func (t Text) In(k Ink) Text { t.Ink = k; return t }

// Width returns how long a text is. Advances are whole font units, so the sum
// is exact everywhere.
func (t Text) Width(text string) float64 {
	f := t.face()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	units := fixed.Int26_6(0)
	for _, r := range text {
		units += f.advance(r)
	}
	return float64(units) * t.Size / float64(f.units)
}

// Reach returns how far the end of a text is to the right of its start, and
// how far above it.
func (t Text) Reach(text string) (right, up float64) {
	w := t.Width(text)
	return turnCos[t.Turn] * w, -turnSin[t.Turn] * w
}

// Fit returns text, with an ellipsis for its middle if it is longer than room:
// what tells one name from the next is mostly near its ends. Control characters
// become spaces, so that a text is one line.
func (t Text) Fit(text string, room float64) string {
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
	if s := string(clean); len(clean) < 2*most && t.Width(s) <= room {
		return s
	}
	for n := len(clean) - 1; n > 1; n-- {
		head, tail := clean[:(n+1)/2], clean[len(clean)-n/2:]
		s := strings.TrimRight(string(head), " ") + "…" + strings.TrimLeft(string(tail), " ")
		if t.Width(s) <= room {
			return s
		}
	}
	return "…"
}
