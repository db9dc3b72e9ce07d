package data

import "math"

// The glyphs must come out with the same bits on every machine, because the
// backbone is trained on them and its bytes name a federation. So every
// product is rounded before it is added to (a compiler may fuse x*y+z on some
// architectures, and [mul] forbids it), no function is used that the standard
// library may compute differently elsewhere, and outlines are filled in
// integers.

// mul is a*b, rounded.
func mul(a, b float64) float64 { return float64(a * b) }

func abs(a float64) float64 { return math.Abs(a) }

// lerp is a at t=0 and b at t=1.
func lerp(a, b point, t float64) point {
	return point{a.x + mul(b.x-a.x, t), a.y + mul(b.y-a.y, t)}
}

const (
	side  = 28 // of a glyph's picture, in pixels
	fine  = 8  // bits of a pixel's fraction while filling
	pixel = 1 << fine
)

// canvas is a picture of coverage, 0 to 1.
type canvas [side * side]float32

// fill accumulates the coverage of polygons that run clockwise around ink:
// cover is the height of the edges inside a pixel, upward edges positive,
// area twice the part of the pixel to the right of them.
type fill struct {
	cover [side * (side + 1)]int32
	area  [side * (side + 1)]int32
}

// polygon adds a closed polygon; vertices are in pixels and those outside
// the picture are clamped to it.
func (f *fill) polygon(vertices []point) {
	last := fixPoint(vertices[len(vertices)-1])
	for _, v := range vertices {
		p := fixPoint(v)
		f.edge(last[0], last[1], p[0], p[1])
		last = p
	}
}

func fixPoint(p point) [2]int {
	return [2]int{fix(p.x), fix(p.y)}
}

// fix rounds a coordinate to a fraction of a pixel inside the picture.
func fix(v float64) int {
	return min(max(int(math.Floor(mul(v, pixel)+.5)), 0), side*pixel)
}

// edge adds one edge, split at the rows and columns of pixels it crosses.
func (f *fill) edge(x0, y0, x1, y1 int) {
	dx, dy := x1-x0, y1-y0
	if dy == 0 {
		return
	}
	x, y := x0, y0
	for y != y1 {
		// The next row's border, or the end.
		ny := (y>>fine + 1) << fine
		if dy < 0 {
			ny = (y - 1) >> fine << fine
		}
		nx := x1
		if (dy > 0 && ny < y1) || (dy < 0 && ny > y1) {
			nx = x0 + dx*(ny-y0)/dy
		} else {
			ny = y1
		}
		f.span(min(y, ny)>>fine, x, y, nx, ny)
		x, y = nx, ny
	}
}

// span adds an edge that stays within one row of pixels.
func (f *fill) span(row, x0, y0, x1, y1 int) {
	dx, dy := x1-x0, y1-y0
	x, y := x0, y0
	for {
		column := x >> fine
		nx, ny := x1, y1
		if dx > 0 && x1 > (column+1)<<fine {
			nx = (column + 1) << fine
			ny = y0 + dy*(nx-x0)/dx
		}
		if dx < 0 {
			column = (x - 1) >> fine
			if x1 < column<<fine {
				nx = column << fine
				ny = y0 + dy*(nx-x0)/dx
			}
		}
		i := row*(side+1) + column
		f.cover[i] += int32(y - ny)
		f.area[i] += int32((y - ny) * (2*((column+1)<<fine) - x - nx))
		x, y = nx, ny
		if nx == x1 {
			// The last piece of a span reaches y1 by construction.
			return
		}
	}
}

// paint writes what has been filled where the winding number is positive.
func (f *fill) paint(c *canvas) {
	const whole = 2 * pixel * pixel
	for row := range side {
		var left int32 // cover of the pixels to the left
		for column := range side {
			i := row*(side+1) + column
			sum := 2*pixel*left + f.area[i]
			left += f.cover[i]
			c[row*side+column] = float32(min(max(sum, 0), whole)) / whole
		}
	}
}

// stroke paints a straight stroke of a round pen from a to b, in pixels, with
// the pen's radius at both ends. A pixel keeps the strongest coverage it got.
func (c *canvas) stroke(a, b point, ra, rb float64) {
	r := max(ra, rb) + .5
	left, right := pixelRange(min(a.x, b.x)-r, max(a.x, b.x)+r)
	top, bottom := pixelRange(min(a.y, b.y)-r, max(a.y, b.y)+r)
	d := point{b.x - a.x, b.y - a.y}
	length := mul(d.x, d.x) + mul(d.y, d.y)
	inverse := 0.0
	if length > 0 {
		inverse = 1 / length
	}
	for y := top; y < bottom; y++ {
		py := float64(y) + .5 - a.y
		for x := left; x < right; x++ {
			px := float64(x) + .5 - a.x
			t := mul(mul(px, d.x)+mul(py, d.y), inverse)
			t = min(max(t, 0), 1)
			ex, ey := px-mul(d.x, t), py-mul(d.y, t)
			square := mul(ex, ex) + mul(ey, ey)
			reach := ra + mul(rb-ra, t) + .5
			if square >= mul(reach, reach) {
				continue
			}
			cover := float32(min(reach-math.Sqrt(square), 1))
			if i := y*side + x; cover > c[i] {
				c[i] = cover
			}
		}
	}
}

// pixelRange returns the pixels of a row or column that lie between two
// coordinates, from the first up to but not including the last.
func pixelRange(from, to float64) (first, last int) {
	return min(max(int(math.Floor(from)), 0), side), min(max(int(math.Ceil(to)), 0), side)
}
