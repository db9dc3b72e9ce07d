package q8

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Affine is the scale and zero point of a tensor of bytes: q stands for
// Scale·(q - Zero).
type Affine struct {
	Scale float32
	Zero  uint8
}

// Sum adds two tensors of bytes.
type Sum struct {
	on     cpu.Path
	ma, mb int32 // multipliers
	k      int32 // zero points, rounding
	shift  uint8
	lo, hi uint8
}

// mostFraction is the most bits below the point of a sum or a product: above
// them there is room for a byte and a sign.
const mostFraction = 22

// NewSum returns the sum y = a + b, clamped to [lo, hi]:
//
//	y = clamp(((a-a.Zero)·Ma + (b-b.Zero)·Mb + 2^(s-1)) >> s + y.Zero)
//
// with multipliers below 2^20 that stand for the ratios of the scales. A ratio
// of 2^20 or more, or one that is not positive, is an error that wraps
// [ErrScale].
func NewSum(a, b, y Affine, lo, hi uint8) (*Sum, error) {
	return newSum(cpu.Active(), a, b, y, lo, hi)
}

func newSum(on cpu.Path, a, b, y Affine, lo, hi uint8) (*Sum, error) {
	ra, rb := float64(a.Scale)/float64(y.Scale), float64(b.Scale)/float64(y.Scale)
	s, err := fraction(max(ra, rb), min(ra, rb), 20)
	if err != nil {
		return nil, err
	}
	t := &Sum{on: on, shift: s, lo: lo, hi: hi,
		ma: int32(math.RoundToEven(math.Ldexp(ra, int(s)))), mb: int32(math.RoundToEven(math.Ldexp(rb, int(s))))}
	t.k = 1<<(s-1) + int32(y.Zero)<<s - int32(a.Zero)*t.ma - int32(b.Zero)*t.mb
	return t, nil
}

// fraction returns how many bits below the point a multiplier that stands for
// the ratio most may have so that it stays below 2^bits.
func fraction(most, least float64, bits int) (uint8, error) {
	if !(least > 0) || !(most < math.Ldexp(1, bits-1)) {
		return 0, fmt.Errorf("q8: %w: ratios of %v and %v", ErrScale, least, most)
	}
	_, exponent := math.Frexp(most) // most < 2^exponent
	return uint8(min(bits-exponent, mostFraction)), nil
}

// Run computes y. The slices have the same length; y may be a or b.
func (t *Sum) Run(y, a, b []uint8) {
	must("second operand", len(b), len(a))
	must("sum", len(y), len(a))
	n := runSum(t, y, a, b)
	for i := n; i < len(a); i++ {
		v := (int32(a[i])*t.ma + int32(b[i])*t.mb + t.k) >> t.shift
		y[i] = uint8(min(max(v, int32(t.lo)), int32(t.hi)))
	}
}

// Times multiplies a tensor of bytes by one that repeats over the pixels.
type Times struct {
	on           cpu.Path
	za, zb, m, k int32
	shift        uint8
	lo, hi       uint8
}

// NewTimes returns the product y = a·b, clamped to [lo, hi]:
//
//	y = clamp(((a-a.Zero)·(b-b.Zero)·M + 2^(s-1)) >> s + y.Zero)
//
// with a multiplier below 2^14 that stands for the ratio of the scales. A
// ratio of 2^13 or more, or one that is not positive, is an error that wraps
// [ErrScale].
func NewTimes(a, b, y Affine, lo, hi uint8) (*Times, error) {
	return newTimes(cpu.Active(), a, b, y, lo, hi)
}

func newTimes(on cpu.Path, a, b, y Affine, lo, hi uint8) (*Times, error) {
	r := float64(a.Scale) * float64(b.Scale) / float64(y.Scale)
	s, err := fraction(r, r, 14)
	if err != nil {
		return nil, err
	}
	return &Times{on: on, za: int32(a.Zero), zb: int32(b.Zero), m: int32(math.RoundToEven(math.Ldexp(r, int(s)))),
		k: 1<<(s-1) + int32(y.Zero)<<s, shift: s, lo: lo, hi: hi}, nil
}

// Run computes y, as long as a, whose pixels of len(b) bytes are each
// multiplied by b; len(a) is a multiple of len(b). y may be a.
func (t *Times) Run(y, a, b []uint8) {
	must("product", len(y), len(a))
	for len(b) > 0 && len(a) >= len(b) {
		n := runTimes(t, y, a, b)
		for i := n; i < len(b); i++ {
			v := ((int32(a[i])-t.za)*(int32(b[i])-t.zb)*t.m + t.k) >> t.shift
			y[i] = uint8(min(max(v, int32(t.lo)), int32(t.hi)))
		}
		a, y = a[len(b):], y[len(b):]
	}
}

// Lookup writes table[x] of every byte. dst may be x.
func Lookup(dst, x []uint8, table *[256]uint8) {
	lookupOn(cpu.Active(), dst, x, table)
}

func lookupOn(on cpu.Path, dst, x []uint8, table *[256]uint8) {
	must("looked up bytes", len(dst), len(x))
	n := lookup(on, dst, x, table)
	dst, x = dst[n:len(x)], x[n:]
	for i, v := range x {
		dst[i] = table[v]
	}
}

// Rescale returns the table that turns bytes of one scale and zero point into
// those of another, rounding halves to even.
func Rescale(from, to Affine) *[256]uint8 {
	var table [256]uint8
	for q := range table {
		real := float64(float64(from.Scale) * float64(q-int(from.Zero)))
		r := math.RoundToEven(real/float64(to.Scale)) + float64(to.Zero)
		table[q] = uint8(min(max(r, 0), 255))
	}
	return &table
}

// CopyChannels copies a range of channels of every pixel: from src, whose
// pixels take srcStride bytes, from channel srcFirst, to dst likewise.
func CopyChannels(dst []uint8, dstStride, dstFirst int, src []uint8, srcStride, srcFirst, channels, pixels int) {
	if pixels == 0 || channels == 0 {
		return
	}
	must("copy", len(dst), (pixels-1)*dstStride+dstFirst+channels)
	must("channels", len(src), (pixels-1)*srcStride+srcFirst+channels)
	for p := range pixels {
		copy(dst[p*dstStride+dstFirst:][:channels], src[p*srcStride+srcFirst:])
	}
}

// GatherChannels writes dst[p][i] = src[p][index[i]] for every pixel.
func GatherChannels(dst []uint8, dstStride int, src []uint8, srcStride int, index []int, pixels int) {
	for p := range pixels {
		to, from := dst[p*dstStride:][:len(index)], src[p*srcStride:][:srcStride]
		for i, c := range index {
			to[i] = from[c]
		}
	}
}
