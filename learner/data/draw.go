package data

import (
	"math"
	"math/rand/v2"
)

// recipe is how a glyph is varied. Lengths are in pixels unless said; the
// glyph is 20 long.
type recipe struct {
	pen     float64    // share of glyphs drawn by a pen, not from a font
	jitter  float64    // deviation of a pen's knots, in 1/100 of the height
	turn    float64    // largest rotation, as the tangent of half the angle
	slant   [2]float64 // range of the shear, x per y
	aspect  float64    // twice the deviation of the stretch along x
	elastic float64    // deviation of the nodes of the elastic field
	width   [2]float64 // range of the strokes' width
	taper   float64    // how much a pen's width varies along its way, 0 to 1
	longest [2]float64 // range of the longer side
	blur    float64    // largest weight of either neighbour
	gain    [2]float64 // range of the contrast
	noise   float64    // largest amplitude of the noise on ink
}

// Digits look about as varied as MNIST's. Letters are what a backbone learns
// from, and it learns more from a stronger distortion than a reader would
// like: on handwritten digits, a probe with 10 samples per class gained .01
// from an elastic field of 3 pixels over one of 2, and nothing from more.
var (
	digitRecipe = recipe{
		pen:     .5,
		jitter:  3.5,
		turn:    .1,
		slant:   [2]float64{-.15, .45},
		aspect:  .2,
		elastic: 2,
		width:   [2]float64{1.4, 4},
		taper:   .2,
		longest: [2]float64{19, 20.5},
		blur:    .15,
		gain:    [2]float64{1, 1.6},
		noise:   .15,
	}
	letterRecipe = recipe{
		pen:     .5,
		jitter:  3.5,
		turn:    .1,
		slant:   [2]float64{-.15, .45},
		aspect:  .2,
		elastic: 3,
		width:   [2]float64{1.2, 3.6},
		taper:   .2,
		longest: [2]float64{19, 20.5},
		blur:    .15,
		gain:    [2]float64{1, 1.6},
		noise:   .15,
	}
)

// normal is a deviate with mean 0 and deviation 1, bounded by 3: a sum of
// uniform ones, which needs no logarithm.
func normal(rng *rand.Rand) float64 {
	return 2 * (rng.Float64() + rng.Float64() + rng.Float64() - 1.5)
}

func within(rng *rand.Rand, r [2]float64) float64 {
	return r[0] + mul(r[1]-r[0], rng.Float64())
}

// drawGlyph draws a character, given by its index in [characters].
func drawGlyph(rng *rand.Rand, r *recipe, character int) []uint8 {
	w := newWarp(rng, r)
	width := within(rng, r.width)
	longest := within(rng, r.longest)
	var c canvas
	if rng.Float64() < r.pen {
		ways := skeletons()[character]
		drawPen(&c, rng, r, ways[rng.IntN(len(ways))], w, width, longest)
	} else {
		faces := outlines()[character]
		drawOutline(&c, &faces[rng.IntN(len(faces))], w, width, longest)
	}
	return develop(&c, rng, r)
}

// drawOutline fills a font's glyph, its strokes made about as wide as given.
func drawOutline(c *canvas, o *outline, w *warp, width, longest float64) {
	var store [512]point
	vertices := append(store[:0], o.vertices...)
	b := w.bend(vertices)
	b.fit(vertices, longest)

	// A stroke of length l and width w has the area l*w and a border of about
	// 2l, so twice the area over the border is its width.
	var area, border float64
	begin := 0
	for _, end := range o.ends {
		last := vertices[end-1]
		for _, v := range vertices[begin:end] {
			area += mul(last.x, v.y) - mul(last.y, v.x)
			border += distance(last, v)
			last = v
		}
		begin = end
	}
	now := max(area, 0) / border
	// A thin part vanishes when more than half its width is taken off.
	grow := max(width-now, mul(now, -.4)) / 2

	var f fill
	begin = 0
	b = emptyBox
	var grownStore [512]point
	grown := append(grownStore[:0], vertices...)
	for _, end := range o.ends {
		embolden(grown[begin:end], vertices[begin:end], grow)
		for _, v := range grown[begin:end] {
			b.add(v)
		}
		begin = end
	}
	b.fit(grown, longest)
	begin = 0
	for _, end := range o.ends {
		f.polygon(grown[begin:end])
		begin = end
	}
	f.paint(c)
}

// embolden writes to out the vertices of a clockwise polygon moved outwards.
func embolden(out, vertices []point, by float64) {
	n := len(vertices)
	for i, v := range vertices {
		a := direction(vertices[(i+n-1)%n], v)
		b := direction(v, vertices[(i+1)%n])
		// The normal of an edge points left of its direction, which is
		// outwards; at a corner the two normals are added, and the shorter
		// their sum the further the corner moves, up to twice as far.
		m := point{a.y + b.y, -a.x - b.x}
		square := max(mul(m.x, m.x)+mul(m.y, m.y), 1)
		out[i] = point{v.x + mul(m.x, 2*by/square), v.y + mul(m.y, 2*by/square)}
	}
}

// direction is the unit vector from a to b, zero if they are one.
func direction(a, b point) point {
	d := distance(a, b)
	if d == 0 {
		return point{}
	}
	return point{(b.x - a.x) / d, (b.y - a.y) / d}
}

func distance(a, b point) float64 {
	dx, dy := b.x-a.x, b.y-a.y
	return math.Sqrt(mul(dx, dx) + mul(dy, dy))
}

// drawPen draws a skeleton with a round pen.
func drawPen(c *canvas, rng *rand.Rand, r *recipe, way []knot, w *warp, width, longest float64) {
	var knotStore [32]knot
	knots := append(knotStore[:0], way...)
	for i := range knots {
		knots[i].x += mul(r.jitter, normal(rng))
		knots[i].y += mul(r.jitter, normal(rng))
	}
	var pathStore [256]point
	var liftStore [256]bool
	path, lifts := flatten(pathStore[:0], liftStore[:0], knots)
	b := w.bend(path)
	b.fit(path, longest-width)

	radius := width / 2
	from := mul(radius, 1+mul(r.taper, normal(rng))/2)
	for i := range path {
		to := mul(radius, 1+mul(r.taper, normal(rng))/2)
		to = from + mul(to-from, .25)
		if i > 0 && !lifts[i-1] {
			c.stroke(path[i-1], path[i], from, to)
		}
		from = to
	}
}

// flatten turns knots into short straight pieces along a Catmull-Rom spline
// through them. lifts[i] says that the pen lifts behind path[i].
func flatten(path []point, lifts []bool, knots []knot) ([]point, []bool) {
	for i, k := range knots {
		if i == 0 || knots[i-1].last {
			path, lifts = append(path, k.point), append(lifts, false)
			continue
		}
		from := knots[i-1]
		before, after := from.point, k.point
		if !from.corner && i > 1 && !knots[i-2].last {
			before = knots[i-2].point
		}
		if !k.corner && !k.last {
			after = knots[i+1].point
		}
		n := int(distance(from.point, k.point)/12) + 1
		for s := 1; s <= n; s++ {
			path = append(path, spline(before, from.point, k.point, after, float64(s)/float64(n)))
			lifts = append(lifts, false)
		}
		lifts[len(lifts)-1] = k.last
	}
	return path, lifts
}

// spline is the Catmull-Rom curve between b and c with neighbours a and d, a
// cubic Bézier curve with the tangents (c-a)/2 and (d-b)/2.
func spline(a, b, c, d point, t float64) point {
	p := point{b.x + (c.x-a.x)/6, b.y + (c.y-a.y)/6}
	q := point{c.x - (d.x-b.x)/6, c.y - (d.y-b.y)/6}
	bp, pq, qc := lerp(b, p, t), lerp(p, q, t), lerp(q, c, t)
	return lerp(lerp(bp, pq, t), lerp(pq, qc, t), t)
}

// develop turns coverage into pixels: the centre of mass moves to the middle,
// as far as the glyph stays whole, then lens and film do their part.
func develop(c *canvas, rng *rand.Rand, r *recipe) []uint8 {
	var mass, mx, my float64
	for i, v := range c {
		mass += float64(v)
		mx += mul(float64(v), float64(i%side))
		my += mul(float64(v), float64(i/side))
	}
	dx, dy := recentre(mx, mass), recentre(my, mass)
	var moved canvas
	for y := range side {
		for x := range side {
			sx, sy := x-dx, y-dy
			if sx >= 0 && sx < side && sy >= 0 && sy < side {
				moved[y*side+x] = c[sy*side+sx]
			}
		}
	}
	blur := mul(r.blur, rng.Float64())
	gain := within(rng, r.gain)
	grain := mul(r.noise, rng.Float64())
	moved.blur(float32(blur))
	pixels := make([]uint8, side*side)
	for i, v := range moved {
		if v <= 0 {
			continue
		}
		p := mul(float64(v), gain)
		p += mul(grain, 2*rng.Float64()-1)
		pixels[i] = uint8(mul(min(max(p, 0), 1), 255) + .5)
	}
	return pixels
}

// recentre is how far to move a glyph that stands in the middle of the
// picture with its box, so that its centre of mass stands there: at most the
// margin.
func recentre(moment, mass float64) int {
	const middle, margin = (side - 1) / 2., (side - 20) / 2
	if mass <= 0 {
		return 0
	}
	return min(max(int(math.Floor(middle-moment/mass+.5)), -margin), margin)
}

// blur gives weight w to each of the two neighbours, along rows and columns.
// The outermost pixels keep what they have.
func (c *canvas) blur(w float32) {
	for _, step := range [2]int{1, side} {
		source := *c
		for y := 1; y < side-1; y++ {
			for i := y*side + 1; i < (y+1)*side-1; i++ {
				c[i] = source[i] + float32(w*(source[i-step]-2*source[i]+source[i+step]))
			}
		}
	}
}
