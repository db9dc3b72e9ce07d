package q8

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// MaxPool writes the largest byte of every window for the output rows lo to
// hi-1 of all images, of which there are Batch·OutH. Beyond the image there
// is nothing; a window that sees nothing gives 0.
func MaxPool(y, x []uint8, g *Geometry, lo, hi int) { maxPool(cpu.Active(), y, x, g, lo, hi) }

func maxPool(on cpu.Path, y, x []uint8, g *Geometry, lo, hi int) {
	must("pooled images", len(y), g.output())
	must("images", len(x), g.input())
	stride := Stride(g.InC)
	for row := lo; row < hi; row++ {
		n, oy := row/g.OutH, row%g.OutH
		for ox := range g.OutW {
			to := y[(row*g.OutW+ox)*stride:][:stride]
			first := true
			g.window(oy, ox, func(iy, ix int) {
				from := x[((n*g.InH+iy)*g.InW+ix)*stride:][:stride]
				if first {
					copy(to, from)
					first = false
				} else {
					maxBytes(on, to, from)
				}
			})
			if first {
				clear(to)
			}
		}
	}
}

// window calls f with every place inside the image that the window of an
// output pixel sees.
func (g *Geometry) window(oy, ox int, f func(iy, ix int)) {
	for ky := range g.KernelH {
		iy := oy*g.StrideH - g.PadTop + ky*g.DilationH
		if iy < 0 || iy >= g.InH {
			continue
		}
		for kx := range g.KernelW {
			if ix := ox*g.StrideW - g.PadLeft + kx*g.DilationW; ix >= 0 && ix < g.InW {
				f(iy, ix)
			}
		}
	}
}

func maxBytesGeneric(dst, x []uint8) {
	for i, v := range x {
		dst[i] = max(dst[i], v)
	}
}

// Mean averages the bytes of windows.
type Mean struct {
	g        Geometry
	x        Affine
	countPad bool
	rules    map[int]meanRule // by the number of places that count
}

type meanRule struct {
	multiplier int32
	shift      uint8
	offset     int64 // rounding and the zero point of y above the fraction
}

// NewMean returns an average pooling from bytes like x to bytes like y. With
// countPad the places beyond the image count, as zeros. One over all of an
// image's pixels is a global average. A ratio of scales that cannot be
// represented is an error that wraps [ErrScale], an impossible geometry one
// that wraps [ErrGeometry], and a window whose sum could overflow 32 bits is
// one too.
func NewMean(g Geometry, x, y Affine, countPad bool) (*Mean, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	m := &Mean{g: g, x: x, countPad: countPad, rules: map[int]meanRule{}}
	if most := min(g.KernelH, g.InH) * min(g.KernelW, g.InW); most > math.MaxInt32/255 {
		return nil, fmt.Errorf("q8: the mean of %d pixels: up to %d are", most, math.MaxInt32/255)
	}
	for n := range g.counts(countPad) {
		factor := float64(x.Scale) / float64(y.Scale) / float64(n)
		// Shifted up by some bits, which the sums of bytes have to spare.
		const spare = 20
		multiplier, shift, err := Fixed(math.Ldexp(factor, -spare))
		if err != nil {
			return nil, err
		}
		shift -= spare
		m.rules[n] = meanRule{multiplier, shift, 1<<(shift-1) + int64(y.Zero)<<shift}
	}
	return m, nil
}

// counts returns how many places the windows of a mean have that count.
func (g *Geometry) counts(countPad bool) map[int]bool {
	if countPad {
		return map[int]bool{g.KernelH * g.KernelW: true}
	}
	rows, columns, both := map[int]bool{}, map[int]bool{}, map[int]bool{}
	for oy := range g.OutH {
		rows[seen(oy*g.StrideH-g.PadTop, g.KernelH, g.DilationH, g.InH)] = true
	}
	for ox := range g.OutW {
		columns[seen(ox*g.StrideW-g.PadLeft, g.KernelW, g.DilationW, g.InW)] = true
	}
	for r := range rows {
		for c := range columns {
			both[max(r*c, 1)] = true
		}
	}
	return both
}

// seen returns how many places of a window that begins at first lie inside an
// axis of the given extent.
func seen(first, kernel, dilation, extent int) int {
	n := 0
	for k := range kernel {
		if i := first + k*dilation; i >= 0 && i < extent {
			n++
		}
	}
	return n
}

// Run computes the output rows lo to hi-1 of all images. sums is scratch for
// a pixel's channels.
func (m *Mean) Run(y, x []uint8, lo, hi int, sums []int32) { m.runOn(cpu.Active(), y, x, lo, hi, sums) }

func (m *Mean) runOn(on cpu.Path, y, x []uint8, lo, hi int, sums []int32) {
	g := &m.g
	must("pooled images", len(y), g.output())
	must("images", len(x), g.input())
	must("sums", len(sums), g.InC)
	sums = sums[:g.InC]
	stride := Stride(g.InC)
	for row := lo; row < hi; row++ {
		n, oy := row/g.OutH, row%g.OutH
		for ox := range g.OutW {
			clear(sums)
			count := 0
			for ky := range g.KernelH {
				iy := oy*g.StrideH - g.PadTop + ky*g.DilationH
				if iy < 0 || iy >= g.InH {
					continue
				}
				first, pixels := g.inside(ox)
				if pixels == 0 {
					continue
				}
				count += pixels
				from := x[((n*g.InH+iy)*g.InW+first)*stride:]
				addPixels(on, sums, from, g.DilationW*stride, pixels)
			}
			m.store(y[(row*g.OutW+ox)*stride:][:len(sums)], sums, count)
		}
	}
}

// inside returns the first column of the image that the window of an output
// column sees, and how many it sees.
func (g *Geometry) inside(ox int) (first, pixels int) {
	for kx := range g.KernelW {
		if ix := ox*g.StrideW - g.PadLeft + kx*g.DilationW; ix >= 0 && ix < g.InW {
			if pixels == 0 {
				first = ix
			}
			pixels++
		}
	}
	return first, pixels
}

// store writes the means of sums over count pixels.
func (m *Mean) store(to []uint8, sums []int32, count int) {
	zeros := int32(count) * int32(m.x.Zero)
	if m.countPad {
		count = m.g.KernelH * m.g.KernelW
	}
	r := m.rules[max(count, 1)]
	for c, s := range sums {
		v := (int64(s-zeros)*int64(r.multiplier) + r.offset) >> r.shift
		to[c] = uint8(min(max(v, 0), 255))
	}
}

// addPixels adds the bytes of some pixels, step bytes apart, to the sums of
// their channels.
func addPixels(on cpu.Path, sums []int32, x []uint8, step, pixels int) {
	must("pixels", len(x), (pixels-1)*step+len(sums))
	done := addMost(on, sums, x, step, pixels)
	for p := range pixels {
		from := x[p*step:][:len(sums)]
		for c := done; c < len(sums); c++ {
			sums[c] += int32(from[c])
		}
	}
}
