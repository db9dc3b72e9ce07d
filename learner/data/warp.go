package data

import (
	"math"
	"math/rand/v2"
)

// warp is a random smooth distortion of the plane: an affine map, then a
// displacement that varies slowly from place to place (Simard, Steinkraus and
// Platt, Best practices for convolutional neural networks, 2003; here a
// uniform cubic B-spline over a coarse grid in place of blurred noise).
type warp struct {
	xx, xy, yx, yy float64 // the affine map
	nodes          [warpNodes * warpNodes]point
}

const (
	warpCells = 3 // along a side of the glyph
	warpNodes = warpCells + 3
)

func newWarp(rng *rand.Rand, r *recipe) *warp {
	// A rotation by an angle whose half has the tangent t.
	t := mul(r.turn, 2*rng.Float64()-1)
	cos := (1 - mul(t, t)) / (1 + mul(t, t))
	sin := 2 * t / (1 + mul(t, t))
	slant := within(rng, r.slant)
	stretch := 1 + mul(r.aspect, normal(rng))/2
	// First stretch and slant, then turn.
	w := &warp{
		xx: mul(cos, stretch), xy: -mul(cos, slant) - sin,
		yx: mul(sin, stretch), yy: cos - mul(sin, slant),
	}
	for i := range w.nodes {
		w.nodes[i] = point{mul(r.elastic, normal(rng)), mul(r.elastic, normal(rng))}
	}
	return w
}

// bend applies the warp to points of any scale, puts them where the longer
// side is 20 and returns the box around them.
func (w *warp) bend(points []point) box {
	b := emptyBox
	for i, p := range points {
		p = point{mul(w.xx, p.x) + mul(w.xy, p.y), mul(w.yx, p.x) + mul(w.yy, p.y)}
		points[i] = p
		b.add(p)
	}
	scale := 20 / max(b.longest(), 1e-9)
	bent := emptyBox
	for i, p := range points {
		p = point{mul(p.x-b.left, scale), mul(p.y-b.top, scale)}
		d := w.at(p)
		p = point{p.x + d.x, p.y + d.y}
		points[i] = p
		bent.add(p)
	}
	return bent
}

// at returns the displacement at a point of the square [0, 20]².
func (w *warp) at(p point) point {
	cx, wx := splineWeights(mul(p.x, warpCells/20.))
	cy, wy := splineWeights(mul(p.y, warpCells/20.))
	var d point
	for j, v := range wy {
		row := w.nodes[(cy+j)*warpNodes+cx:]
		for i, u := range wx {
			k := mul(u, v)
			d.x += mul(k, row[i].x)
			d.y += mul(k, row[i].y)
		}
	}
	return d
}

// splineWeights returns the cell of a coordinate and the weights of the four
// nodes around it.
func splineWeights(v float64) (cell int, weights [4]float64) {
	cell = min(max(int(math.Floor(v)), 0), warpCells-1)
	t := v - float64(cell)
	s := 1 - t
	tt, ss := mul(t, t), mul(s, s)
	return cell, [4]float64{
		mul(ss, s) / 6,
		(4 - mul(6, tt) + mul(3, mul(tt, t))) / 6,
		(4 - mul(6, ss) + mul(3, mul(ss, s))) / 6,
		mul(tt, t) / 6,
	}
}

// box is the smallest upright rectangle around some points.
type box struct{ left, top, right, bottom float64 }

var emptyBox = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}

func (b *box) add(p point) {
	b.left, b.right = min(b.left, p.x), max(b.right, p.x)
	b.top, b.bottom = min(b.top, p.y), max(b.bottom, p.y)
}

func (b *box) longest() float64 { return max(b.right-b.left, b.bottom-b.top) }

// fit scales and moves the points in the box so that its longer side is as
// given and its centre the picture's.
func (b *box) fit(points []point, longest float64) {
	scale := longest / max(b.longest(), 1e-9)
	for i, p := range points {
		points[i] = point{
			side/2 + mul(p.x-(b.left+b.right)/2, scale),
			side/2 + mul(p.y-(b.top+b.bottom)/2, scale),
		}
	}
}
