package data

import (
	"image"
	"math"
)

// unit is 1 in the weights of [resize16].
const (
	unitBits = 14
	unit     = 1 << unitBits
)

// taps are the weights with which one row of pixels enters a pixel of a scaled
// row: those of the pixels from first on. They add up to unit.
type taps struct {
	first   int
	weights []int32
}

// resize16 scales a grey picture of 16 bits with the cubic filter of E. Catmull
// and R. Rom, widened where the picture shrinks so that no pixel is passed
// over, and rounds to 8 bits at the end. What shrinks to a quarter or less is
// first reduced by a whole number of pixels, to no less than double of what is
// wanted, which takes half of the time. It computes in whole numbers.
func resize16(img *image.Gray16, height, width int) []uint8 {
	size := img.Rect.Size()
	rx, ry := min(max(size.X/(2*width), 1), mostReduced), min(max(size.Y/(2*height), 1), mostReduced)
	w, h := (size.X+rx-1)/rx, (size.Y+ry-1)/ry
	across := cubic(w, float64(size.X)/float64(rx), width)
	down := cubic(h, float64(size.Y)/float64(ry), height)
	row, columns := make([]int32, w), make([]uint32, size.X)
	// narrow is the picture scaled across; its values may leave the 16 bits by
	// what the filter overshoots.
	narrow := make([]int32, h*width)
	for y := range h {
		reduceRow(row, columns, img, y, rx, ry)
		to := narrow[y*width:][:width]
		for x, t := range across {
			part := row[t.first:][:len(t.weights)]
			sum := int32(unit / 2) // stays below 2 * unit * 65535
			for k, w := range t.weights {
				sum += w * part[k]
			}
			to[x] = sum >> unitBits
		}
	}
	out := make([]uint8, height*width)
	sums := make([]int64, width)
	for y, t := range down {
		for x := range sums {
			sums[x] = unit / 2
		}
		for k, w := range t.weights {
			for x, v := range narrow[(t.first+k)*width:][:width] {
				sums[x] += int64(w) * int64(v)
			}
		}
		for x, sum := range sums {
			v := min(max(sum>>unitBits, 0), math.MaxUint16)
			out[y*width+x] = uint8((v + 128) / 257)
		}
	}
	return out
}

// mostReduced bounds the side of the blocks that [reduceRow] takes means of:
// the sums of their columns have 32 bits.
const mostReduced = 1 << 12

// reduceRow puts into row the means of the blocks of rx x ry pixels that begin
// in row y*ry of the picture; at its right and lower border they are smaller.
// It needs columns as long as the picture is wide.
func reduceRow(row []int32, columns []uint32, img *image.Gray16, y, rx, ry int) {
	b := img.Rect
	clear(columns)
	first, last := b.Min.Y+y*ry, min(b.Min.Y+y*ry+ry, b.Max.Y)
	for at := first; at < last; at++ {
		from := img.Pix[img.PixOffset(b.Min.X, at):][:2*len(columns)]
		for x := range columns {
			columns[x] += uint32(from[2*x])<<8 | uint32(from[2*x+1])
		}
	}
	for x := range row {
		block := columns[x*rx : min(x*rx+rx, len(columns))]
		var sum uint64
		for _, v := range block {
			sum += uint64(v)
		}
		n := uint64(len(block) * (last - first))
		row[x] = int32((sum + n/2) / n)
	}
}

// cubic returns the taps that scale a row of n pixels, which is length pixels
// long, to one of the length to.
func cubic(n int, length float64, to int) []taps {
	all := make([]taps, to)
	ratio := length / float64(to)
	wide := max(ratio, 1)
	reach := 2 * wide
	weights := make([]float64, 0, int(2*reach)+2)
	for i := range all {
		// The conversions forbid fused multiply-add, which has other bits.
		centre := float64((float64(i)+.5)*ratio) - .5
		first := max(int(math.Ceil(centre-reach)), 0)
		last := min(int(math.Floor(centre+reach)), n-1)
		weights = weights[:0]
		total := 0.
		for k := first; k <= last; k++ {
			w := catmullRom(math.Abs(float64(k)-centre) / wide)
			weights = append(weights, w)
			total += w
		}
		// Rounding the running sum keeps the total, however small they are.
		t := taps{first, make([]int32, len(weights))}
		sum, before := 0., int32(0)
		for k, w := range weights {
			sum += w
			now := int32(math.Round(float64(sum / total * unit)))
			t.weights[k], before = now-before, now
		}
		all[i] = t
	}
	return all
}

// catmullRom is the cubic that passes through its points, for t from 0 on.
func catmullRom(t float64) float64 {
	switch {
	case t < 1:
		return float64(float64(t*t)*(float64(1.5*t)-2.5)) + 1
	case t < 2:
		return float64(t*(float64(t*(2.5-float64(.5*t)))-4)) + 2
	}
	return 0
}
