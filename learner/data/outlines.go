package data

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"sync"
)

//go:generate go run -C internal/extract . -o ../../glyphs.bin.gz

// glyphFile holds the outlines that internal/extract took from the fonts that
// FONTS.md lists; the extractor documents the format.
//
//go:embed glyphs.bin.gz
var glyphFile []byte

// characters are all that the built-in sets draw.
const characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// point is a place on the plane, y down.
type point struct{ x, y float64 }

// outline is a glyph of a font as closed polygons, one after another. Its
// edges are short, so that a distortion of its vertices bends it. The longer
// side is 255 units.
type outline struct {
	vertices []point
	ends     []int // ends[i] is the index behind the last vertex of polygon i
}

// maxEdge is the longest edge of an outline: 2.5 pixels of the drawn glyph.
const maxEdge = 32

// outlines returns the outlines of every character in all faces that have
// it, by its index in [characters].
var outlines = sync.OnceValue(func() [len(characters)][]outline {
	z, err := gzip.NewReader(bytes.NewReader(glyphFile))
	if err != nil {
		panic("data: embedded glyphs: " + err.Error())
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		panic("data: embedded glyphs: " + err.Error())
	}
	return parseOutlines(raw)
})

// segmentPoints is how many points a segment of each kind carries: a move, a
// line, a quadratic and a cubic Bézier curve.
var segmentPoints = [4]int{1, 1, 2, 3}

func parseOutlines(raw []byte) [len(characters)][]outline {
	var all [len(characters)][]outline
	faces := int(raw[0])
	counts, raw := raw[1:1+2*faces*len(characters)], raw[1+2*faces*len(characters):]
	total := 0
	for i := 0; i < len(counts); i += 2 {
		total += int(counts[i])<<8 | int(counts[i+1])
	}
	kinds, raw := raw[:total], raw[total:]
	xs, ys := raw[:len(raw)/2], raw[len(raw)/2:]
	for i := 0; i < len(counts); i += 2 {
		n := int(counts[i])<<8 | int(counts[i+1])
		if n == 0 {
			continue
		}
		var o outline
		used := o.trace(kinds[:n], xs, ys)
		kinds, xs, ys = kinds[n:], xs[used:], ys[used:]
		c := i / 2 % len(characters)
		all[c] = append(all[c], o)
	}
	return all
}

// trace appends the glyph with the given segments and returns how many
// coordinates of xs and ys it took.
func (o *outline) trace(kinds, xs, ys []byte) int {
	used := 0
	var px, py byte
	var start, last point
	for _, kind := range kinds {
		var p [3]point
		for i := range segmentPoints[kind] {
			px, py = px+xs[used], py+ys[used]
			p[i] = point{float64(px), float64(py)}
			used++
		}
		switch kind {
		case 0:
			o.closePolygon(last, start)
			start = p[0]
		case 1:
			o.line(last, p[0])
		case 2:
			o.curve(last, quadratic(last, p[0], p[1]), p[1])
		case 3:
			o.curve(last, p[:2], p[2])
		}
		last = p[segmentPoints[kind]-1]
	}
	o.closePolygon(last, start)
	return used
}

// closePolygon ends the polygon that runs from start to last, if there is one.
func (o *outline) closePolygon(last, start point) {
	begun := 0
	if len(o.ends) > 0 {
		begun = o.ends[len(o.ends)-1]
	}
	if len(o.vertices) == begun {
		return
	}
	o.line(last, start)
	o.ends = append(o.ends, len(o.vertices))
}

// line appends the edges from a, exclusive, to b, inclusive.
func (o *outline) line(a, b point) {
	if a == b {
		return
	}
	n := int(max(abs(b.x-a.x), abs(b.y-a.y))/maxEdge) + 1
	for i := 1; i <= n; i++ {
		o.vertices = append(o.vertices, lerp(a, b, float64(i)/float64(n)))
	}
}

// quadratic returns the control points of the cubic that equals a quadratic.
func quadratic(a, c, b point) []point {
	return []point{lerp(a, c, 2./3), lerp(b, c, 2./3)}
}

// curve appends a cubic Bézier curve from a, exclusive, to b, inclusive.
func (o *outline) curve(a point, c []point, b point) {
	size := abs(c[0].x-a.x) + abs(c[0].y-a.y) + abs(c[1].x-c[0].x) + abs(c[1].y-c[0].y) + abs(b.x-c[1].x) + abs(b.y-c[1].y)
	n := int(size/maxEdge) + 2
	for i := 1; i <= n; i++ {
		t := float64(i) / float64(n)
		p, q, r := lerp(a, c[0], t), lerp(c[0], c[1], t), lerp(c[1], b, t)
		o.vertices = append(o.vertices, lerp(lerp(p, q, t), lerp(q, r, t), t))
	}
}
