package report

import "image/color"

// drawing is a picture in units of CSS pixels, y pointing down. It is a list of
// shapes, later ones on top, that both the SVG and the PNG writer walk through.
type drawing struct {
	width, height float64
	title         string // read aloud in place of the picture
	shapes        []shape
}

// point is a place in a drawing.
type point struct{ x, y float64 }

// shape is a filled polygon, a polyline or a line of text.
type shape struct {
	kind    shapeKind
	ink     ink
	points  []point // text has one, on its baseline
	opacity float64 // of polygons
	width   float64 // of polylines
	dash    []float64
	text    string
	size    float64 // of text, in pixels
	bold    bool
	anchor  anchor
	turn    turn
}

type shapeKind int

const (
	polygon shapeKind = iota
	polyline
	words
)

// anchor is which part of a text is at its point.
type anchor int

const (
	start anchor = iota
	middle
	end
)

// turn is the direction a text runs in.
type turn int

const (
	level   turn = iota
	upwards      // 90 degrees counter-clockwise
	slanted      // 35 degrees counter-clockwise
)

// cosine and sine of the angle of each turn, and the angle as SVG states it.
// They are written out because layout rests on them and the functions of
// package math differ between architectures in the last bit.
var (
	turnCos   = [...]float64{level: 1, upwards: 0, slanted: 0.8191520442889918}
	turnSin   = [...]float64{level: 0, upwards: -1, slanted: -0.5735764363510461}
	turnAngle = [...]string{level: "0", upwards: "-90", slanted: "-35"}
)

// ink is a colour. Inks with a name change with the reader's dark mode; color
// is what they are in light mode, and in PNG.
type ink struct {
	color color.NRGBA
	name  string
}

var (
	dark  = ink{color.NRGBA{0x1f, 0x23, 0x28, 0xff}, "ink"}   // words and axes
	faint = ink{color.NRGBA{0x5c, 0x63, 0x6b, 0xff}, "faint"} // small words
	hair  = ink{color.NRGBA{0xdd, 0xe0, 0xe4, 0xff}, "hair"}  // grid lines
	paper = color.NRGBA{0xff, 0xff, 0xff, 0xff}
)

// palette is that of Okabe and Ito (Color Universal Design, 2008), made to be
// told apart with any kind of colour vision, the colours that are hardest to
// see on white last.
var palette = [8]ink{
	{color: color.NRGBA{0x00, 0x72, 0xb2, 0xff}}, // blue
	{color: color.NRGBA{0xd5, 0x5e, 0x00, 0xff}}, // vermilion
	{color: color.NRGBA{0x00, 0x9e, 0x73, 0xff}}, // bluish green
	{color: color.NRGBA{0xe6, 0x9f, 0x00, 0xff}}, // orange
	{color: color.NRGBA{0xcc, 0x79, 0xa7, 0xff}}, // reddish purple
	{color: color.NRGBA{0x56, 0xb4, 0xe9, 0xff}}, // sky blue
	dark,
	{color: color.NRGBA{0xf0, 0xe4, 0x42, 0xff}}, // yellow
}

// dashes tell lines apart once the palette is used up.
var dashes = [4][]float64{nil, {7, 4}, {2, 3}, {9, 3, 2, 3}}

func (d *drawing) line(k ink, width float64, points ...point) {
	d.shapes = append(d.shapes, shape{kind: polyline, ink: k, width: width, points: points})
}

func (d *drawing) rect(k ink, x, y, width, height float64) {
	d.shapes = append(d.shapes, shape{kind: polygon, ink: k, opacity: 1, points: []point{
		{x, y}, {x + width, y}, {x + width, y + height}, {x, y + height},
	}})
}

func (d *drawing) write(k ink, size float64, a anchor, x, y float64, text string) {
	d.shapes = append(d.shapes, shape{kind: words, ink: k, size: size, anchor: a, points: []point{{x, y}}, text: text})
}

func (d *drawing) writeTurned(t turn, k ink, size float64, a anchor, x, y float64, text string) {
	d.write(k, size, a, x, y, text)
	d.shapes[len(d.shapes)-1].turn = t
}

// head writes the title and the line under it and returns the y below them.
// Both are cut to the drawing's width.
func (d *drawing) head(title, under string) float64 {
	d.title = title
	room := d.width - 2*margin
	d.write(dark, 15, start, margin, 26, fit(title, 15, true, room))
	d.shapes[len(d.shapes)-1].bold = true
	d.write(faint, 11.5, start, margin, 45, fit(under, 11.5, false, room))
	return 62
}

// margin is the empty border of a drawing.
const margin = 16
