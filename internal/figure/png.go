package figure

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/vector"
)

// pixelRatio is how many pixels of a PNG a unit of a drawing gets.
const pixelRatio = 2

// WritePNG writes the drawing in light mode, two pixels to the unit.
func (d *Drawing) WritePNG(w io.Writer) error {
	c := newCanvas(d.Width, d.Height)
	for _, s := range d.shapes {
		switch s.kind {
		case polygon:
			c.polygon(s.points)
		case polyline:
			for _, part := range split(s.points, s.dash) {
				c.stroke(part, s.width)
			}
		case words:
			c.words(s)
		}
		k := s.ink.color
		if s.kind == polygon {
			k.A = uint8(math.Round(255 * s.opacity))
		}
		c.fill(k)
	}
	return png.Encode(w, c.img)
}

// canvas collects the segments of a shape and fills them at once, so that the
// parts of a stroke that overlap are covered once. All contours that may
// overlap run in the same direction, because the rasterizer lets opposite ones
// cancel.
type canvas struct {
	img      *image.RGBA
	segments []outline
	raster   vector.Rasterizer
}

func newCanvas(width, height float64) *canvas {
	r := image.Rect(0, 0, int(math.Ceil(width*pixelRatio)), int(math.Ceil(height*pixelRatio)))
	c := &canvas{img: image.NewRGBA(r)}
	draw.Draw(c.img, r, image.NewUniform(Paper.color), image.Point{}, draw.Src)
	return c
}

func (c *canvas) polygon(points []Point) {
	for i, p := range points {
		op := sfnt.SegmentOpLineTo
		if i == 0 {
			op = sfnt.SegmentOpMoveTo
		}
		c.segments = append(c.segments, outline{op: op, points: [3]Point{p}})
	}
}

// stroke adds a line of some width: a bar for each piece and a disc at each
// bend.
func (c *canvas) stroke(points []Point, width float64) {
	h := width / 2
	for i, p := range points {
		if i > 0 && i < len(points)-1 && width > 1 {
			const corners = 16
			disc := make([]Point, corners)
			for k := range disc {
				sin, cos := math.Sincos(2 * math.Pi * float64(k) / corners)
				disc[k] = Point{p.X + h*cos, p.Y + h*sin}
			}
			c.polygon(disc)
		}
		if i == 0 {
			continue
		}
		from := points[i-1]
		dx, dy := p.X-from.X, p.Y-from.Y
		l := math.Hypot(dx, dy)
		if l == 0 {
			continue
		}
		nx, ny := h*dy/l, -h*dx/l
		c.polygon([]Point{{from.X + nx, from.Y + ny}, {p.X + nx, p.Y + ny}, {p.X - nx, p.Y - ny}, {from.X - nx, from.Y - ny}})
	}
}

func (c *canvas) words(s shape) {
	x := 0.0
	switch s.style.Anchor {
	case Middle:
		x = -s.style.Width(s.text) / 2
	case End:
		x = -s.style.Width(s.text)
	}
	at, cos, sin := s.points[0], turnCos[s.style.Turn], turnSin[s.style.Turn]
	for _, o := range s.style.outlines(s.text) {
		for i, p := range o.points {
			p.X += x
			o.points[i] = Point{at.X + p.X*cos - p.Y*sin, at.Y + p.X*sin + p.Y*cos}
		}
		c.segments = append(c.segments, o)
	}
}

// fill draws the collected segments. The rasterizer covers no more than their
// box, which makes hundreds of words on a large picture cheap.
func (c *canvas) fill(k color.NRGBA) {
	box := image.Rectangle{}
	for _, s := range c.segments {
		for _, p := range s.points[:s.count()] {
			x, y := p.X*pixelRatio, p.Y*pixelRatio
			box = box.Union(image.Rect(int(math.Floor(x)), int(math.Floor(y)), int(math.Floor(x))+1, int(math.Floor(y))+1))
		}
	}
	box = box.Intersect(c.img.Rect)
	if !box.Empty() {
		c.raster.Reset(box.Dx(), box.Dy())
		place := func(p Point) (x, y float32) {
			return float32(p.X*pixelRatio - float64(box.Min.X)), float32(p.Y*pixelRatio - float64(box.Min.Y))
		}
		for _, s := range c.segments {
			ax, ay := place(s.points[0])
			bx, by := place(s.points[1])
			cx, cy := place(s.points[2])
			switch s.op {
			case sfnt.SegmentOpMoveTo:
				c.raster.ClosePath()
				c.raster.MoveTo(ax, ay)
			case sfnt.SegmentOpLineTo:
				c.raster.LineTo(ax, ay)
			case sfnt.SegmentOpQuadTo:
				c.raster.QuadTo(ax, ay, bx, by)
			case sfnt.SegmentOpCubeTo:
				c.raster.CubeTo(ax, ay, bx, by, cx, cy)
			}
		}
		c.raster.ClosePath()
		c.raster.Draw(c.img, box, image.NewUniform(k), image.Point{})
	}
	c.segments = c.segments[:0]
}

// count returns how many points the segment has.
func (o outline) count() int {
	switch o.op {
	case sfnt.SegmentOpQuadTo:
		return 2
	case sfnt.SegmentOpCubeTo:
		return 3
	}
	return 1
}

// split cuts a polyline into its dashes.
func split(points []Point, dash []float64) [][]Point {
	if dash == nil || len(points) < 2 {
		return [][]Point{points}
	}
	var parts [][]Point
	part := []Point{points[0]}
	index, left, drawn := 0, dash[0], true
	for i := 1; i < len(points); i++ {
		from, to := points[i-1], points[i]
		l := math.Hypot(to.X-from.X, to.Y-from.Y)
		done := 0.0
		for l-done > left {
			done += left
			cut := Point{from.X + (to.X-from.X)*done/l, from.Y + (to.Y-from.Y)*done/l}
			if drawn {
				parts = append(parts, append(part, cut))
			}
			part = []Point{cut}
			drawn = !drawn
			index = (index + 1) % len(dash)
			left = dash[index]
		}
		left -= l - done
		part = append(part, to)
	}
	if drawn {
		parts = append(parts, part)
	}
	return parts
}
