package figure

// Drawing is a picture in units of CSS pixels, y pointing down. Later shapes
// lie on top of earlier ones.
type Drawing struct {
	Width, Height float64
	Title         string // read aloud in place of the picture; see also [Drawing.Head]

	shapes []shape
}

// Point is a place in a drawing.
type Point struct{ X, Y float64 }

// shape is a filled polygon, a polyline or a line of text.
type shape struct {
	kind    shapeKind
	ink     Ink
	points  []Point // text has one, on its baseline
	opacity float64 // of polygons
	width   float64 // of polylines
	dash    []float64
	text    string
	style   Text
}

type shapeKind int

const (
	polygon shapeKind = iota
	polyline
	words
)

// Stroke is how a line looks.
type Stroke struct {
	Ink   Ink
	Width float64
	Dash  []float64 // lengths of strokes and gaps by turns, an even number of them, all above 0; nil: unbroken
}

// Margin is the empty border of a drawing.
const Margin = 16

// Line draws a line through points.
func (d *Drawing) Line(s Stroke, points ...Point) {
	d.shapes = append(d.shapes, shape{kind: polyline, ink: s.Ink, width: s.Width, dash: s.Dash, points: points})
}

// Area fills a polygon. Opacity is 0 to 1.
func (d *Drawing) Area(k Ink, opacity float64, points ...Point) {
	d.shapes = append(d.shapes, shape{kind: polygon, ink: k, opacity: opacity, points: points})
}

// Rect fills a rectangle that has its upper left corner at x, y.
func (d *Drawing) Rect(k Ink, x, y, width, height float64) {
	d.Area(k, 1, Point{x, y}, Point{x + width, y}, Point{x + width, y + height}, Point{x, y + height})
}

// Write writes a line of text with its anchor at x, y on the baseline.
func (d *Drawing) Write(t Text, x, y float64, text string) {
	d.shapes = append(d.shapes, shape{kind: words, ink: t.Ink, style: t, points: []Point{{x, y}}, text: text})
}

// Head gives the drawing a title, writes it and the line under it, and returns
// the y below them. Both are cut to the drawing's width.
func (d *Drawing) Head(title, under string) float64 {
	d.Title = title
	room := d.Width - 2*Margin
	t := Text{Ink: Dark, Size: 15, Bold: true}
	d.Write(t, Margin, 26, t.Fit(title, room))
	d.Write(Small, Margin, 45, Small.Fit(under, room))
	return 62
}

// Place draws another drawing's shapes with its upper left corner at x, y.
func (d *Drawing) Place(other *Drawing, x, y float64) {
	for _, s := range other.shapes {
		points := make([]Point, len(s.points))
		for i, p := range s.points {
			points[i] = Point{p.X + x, p.Y + y}
		}
		s.points = points
		d.shapes = append(d.shapes, s)
	}
}
