package data

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// winding is the winding number of a polygon around a point, clockwise with
// y down being positive: the slow reference of fill.
func winding(p point, polygon []point) int {
	n := 0
	last := polygon[len(polygon)-1]
	for _, v := range polygon {
		// The ray to the left of p meets this edge?
		if (last.y <= p.y) != (v.y <= p.y) && last.x+(p.y-last.y)*(v.x-last.x)/(v.y-last.y) < p.x {
			if v.y < last.y {
				n++
			} else {
				n--
			}
		}
		last = v
	}
	return n
}

func pointIn(lo, hi float64) *rapid.Generator[point] {
	return rapid.Custom(func(t *rapid.T) point {
		return point{rapid.Float64Range(lo, hi).Draw(t, "x"), rapid.Float64Range(lo, hi).Draw(t, "y")}
	})
}

// Where polygons do not overlap, coverage is the area of ink in a pixel.
func TestFillAgainstSampling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// A triangle, oriented clockwise, is the simplest polygon without
		// overlap.
		p := rapid.SliceOfN(pointIn(1, 27), 3, 3).Draw(t, "triangle")
		a, b := point{p[1].x - p[0].x, p[1].y - p[0].y}, point{p[2].x - p[0].x, p[2].y - p[0].y}
		if a.x*b.y-a.y*b.x < 0 {
			p[1], p[2] = p[2], p[1]
		}
		var f fill
		f.polygon(p)
		var c canvas
		f.paint(&c)
		const fineness = 16
		for y := range side {
			for x := range side {
				inside := 0
				for i := range fineness * fineness {
					at := point{float64(x) + (float64(i%fineness)+.5)/fineness, float64(y) + (float64(i/fineness)+.5)/fineness}
					if winding(at, p) > 0 {
						inside++
					}
				}
				want := float64(inside) / (fineness * fineness)
				if got := float64(c[y*side+x]); math.Abs(got-want) > .12 {
					t.Fatalf("pixel %d,%d is covered by %.3f, not %.3f", x, y, want, got)
				}
			}
		}
	})
}

// The hole of a ring runs the other way and is no ink; what lies outside the
// picture is cut off.
func TestFillWinding(t *testing.T) {
	square := func(lo, hi float64) []point { return []point{{lo, lo}, {hi, lo}, {hi, hi}, {lo, hi}} }
	hole := square(10, 18)
	hole[1], hole[3] = hole[3], hole[1]
	var f fill
	f.polygon(square(-40, 24.5))
	f.polygon(hole)
	var c canvas
	f.paint(&c)
	for _, want := range []struct {
		x, y  int
		cover float32
	}{{0, 0, 1}, {9, 9, 1}, {10, 10, 0}, {17, 17, 0}, {18, 12, 1}, {24, 3, .5}, {24, 24, .25}, {25, 3, 0}, {27, 27, 0}} {
		if got := c[want.y*side+want.x]; got != want.cover {
			t.Errorf("pixel %d,%d is covered by %v, want %v", want.x, want.y, got, want.cover)
		}
	}
}

func TestStrokeAgainstDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := pointIn(-3, 31).Draw(t, "a"), pointIn(-3, 31).Draw(t, "b")
		r := rapid.Float64Range(.5, 3).Draw(t, "r")
		var c canvas
		c.stroke(a, b, r, r)
		for i := range c {
			p := point{float64(i%side) + .5, float64(i/side) + .5}
			nearest := math.Inf(1)
			for k := range 801 {
				nearest = min(nearest, distance(p, lerp(a, b, float64(k)/800)))
			}
			want := min(max(r+.5-nearest, 0), 1)
			if math.Abs(float64(c[i])-want) > .04 {
				t.Fatalf("pixel %v is covered by %v, want %v", p, c[i], want)
			}
		}
	})
}

func TestEmbolden(t *testing.T) {
	square := []point{{10, 10}, {14, 10}, {14, 14}, {10, 14}}
	out := make([]point, 4)
	embolden(out, square, 1)
	for i, want := range []point{{9, 9}, {15, 9}, {15, 15}, {9, 15}} {
		if distance(out[i], want) > 1e-12 {
			t.Errorf("corner %d moved to %v, want %v", i, out[i], want)
		}
	}
}

// The grid's basis sums to one, so a constant field is a plain shift.
func TestSplineWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Float64Range(0, warpCells).Draw(t, "v")
		cell, weights := splineWeights(v)
		sum, mean := 0.0, 0.0
		for i, w := range weights {
			if w < 0 {
				t.Errorf("weight %v", w)
			}
			sum += w
			mean += w * float64(cell+i-1)
		}
		if math.Abs(sum-1) > 1e-12 || math.Abs(mean-v) > 1e-12 {
			t.Errorf("weights sum to %v around %v, not %v", sum, mean, v)
		}
	})
}
