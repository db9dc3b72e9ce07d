package figure

import "image/color"

// Ink is a colour. Inks with a name change with the reader's dark mode; color
// is what they are in light mode, and in PNG.
type Ink struct {
	color color.NRGBA
	name  string
}

// The inks that follow the reader's dark mode.
var (
	Dark  = Ink{color.NRGBA{0x1f, 0x23, 0x28, 0xff}, "ink"}   // words and axes
	Faint = Ink{color.NRGBA{0x5c, 0x63, 0x6b, 0xff}, "faint"} // small words
	Hair  = Ink{color.NRGBA{0xdd, 0xe0, 0xe4, 0xff}, "hair"}  // grid lines
	Paper = Ink{color.NRGBA{0xff, 0xff, 0xff, 0xff}, "paper"} // the background
)

// palette is that of Okabe and Ito (Color Universal Design, 2008), made to be
// told apart with any kind of colour vision, the colours that are hardest to
// see on white last.
var palette = [8]Ink{
	{color: color.NRGBA{0x00, 0x72, 0xb2, 0xff}}, // blue
	{color: color.NRGBA{0xd5, 0x5e, 0x00, 0xff}}, // vermilion
	{color: color.NRGBA{0x00, 0x9e, 0x73, 0xff}}, // bluish green
	{color: color.NRGBA{0xe6, 0x9f, 0x00, 0xff}}, // orange
	{color: color.NRGBA{0xcc, 0x79, 0xa7, 0xff}}, // reddish purple
	{color: color.NRGBA{0x56, 0xb4, 0xe9, 0xff}}, // sky blue
	Dark,
	{color: color.NRGBA{0xf0, 0xe4, 0x42, 0xff}}, // yellow
}

// Colours is how many colours there are that can be told apart.
const Colours = len(palette)

// Colour returns a colour for the i-th of several things, i >= 0. After
// [Colours] they begin again.
func Colour(i int) Ink { return palette[i%Colours] }

// dashes tell lines apart without colour.
var dashes = [4][]float64{nil, {7, 4}, {2, 3}, {9, 3, 2, 3}}

// Dash returns a dash pattern for the i-th of several lines, i >= 0; the first
// is unbroken. After four they begin again.
func Dash(i int) []float64 { return dashes[i%len(dashes)] }

// Over returns the ink for words on a ground of this ink: black or white,
// whichever stands out.
func (k Ink) Over() Ink {
	if k.name != "" {
		return Paper
	}
	// Rec. 601 luma, in thousandths.
	if 299*int(k.color.R)+587*int(k.color.G)+114*int(k.color.B) > 112_000 {
		return Ink{color: color.NRGBA{0, 0, 0, 0xff}}
	}
	return Ink{color: Paper.color}
}

// cividis holds colours at equal distances along the map of Nuñez, Anderton
// and Renslow (PLoS ONE 13(7), 2018), whose lightness rises evenly with and
// without colour-blindness.
var cividis = [...]color.NRGBA{
	{0x00, 0x22, 0x4e, 0xff}, {0x2a, 0x3f, 0x6d, 0xff}, {0x57, 0x5c, 0x6d, 0xff}, {0x7d, 0x7c, 0x78, 0xff},
	{0xa5, 0x9c, 0x74, 0xff}, {0xd2, 0xc0, 0x60, 0xff}, {0xfe, 0xe8, 0x38, 0xff},
}

// Heat returns the colour of a share, 0 to 1.
func Heat(v float64) Ink {
	at := float64(v * float64(len(cividis)-1)) // not fused with the difference below
	i := min(int(at), len(cividis)-2)
	part := at - float64(i)
	mix := func(a, b uint8) uint8 {
		return uint8(float64(a) + float64(part*(float64(b)-float64(a))) + .5)
	}
	a, b := cividis[i], cividis[i+1]
	return Ink{color: color.NRGBA{mix(a.R, b.R), mix(a.G, b.G), mix(a.B, b.B), 0xff}}
}
