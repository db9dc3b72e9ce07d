package q8

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// Both paths of this architecture share these: memory is the limit.

// stretch is the most bytes of one call of an element-wise routine, which
// cannot be preempted.
const stretch = 1 << 16

// runSum adds as many elements as it can and returns their number.
func runSum(t *Sum, y, a, b []uint8) int {
	if t.on == cpu.Generic {
		return 0
	}
	whole := len(a) &^ 15
	for i := 0; i < whole; i += stretch {
		sumNEON(t, &y[i], &a[i], &b[i], min(stretch, whole-i))
	}
	return whole
}

// runTimes multiplies as many elements of a pixel as it can and returns their
// number.
func runTimes(t *Times, y, a, b []uint8) int {
	whole := min(len(b)&^15, stretch)
	if t.on == cpu.Generic || whole == 0 {
		return 0
	}
	timesNEON(t, &y[0], &a[0], &b[0], whole)
	return whole
}

func maxBytes(on cpu.Path, dst, x []uint8) {
	n := min(len(x), len(dst))
	if on == cpu.Generic || n < 16 {
		maxBytesGeneric(dst, x)
		return
	}
	maxBytesNEON(&dst[0], &x[0], n&^15)
	// Taking a maximum twice does no harm.
	maxBytesNEON(&dst[n-16], &x[n-16], 16)
}

// addMost adds the pixels of as many channels as it can and returns their
// number.
func addMost(on cpu.Path, sums []int32, x []uint8, step, pixels int) int {
	whole := len(sums) &^ 15
	if on == cpu.Generic || whole == 0 {
		return 0
	}
	most := max(stretch/whole, 1)
	for p := 0; p < pixels; p += most {
		addPixelsNEON(&sums[0], &x[p*step], step, min(most, pixels-p), whole)
	}
	return whole
}

// lookup looks up as many bytes as it can and returns their number.
func lookup(on cpu.Path, dst, x []uint8, table *[256]uint8) int {
	if on == cpu.Generic {
		return 0
	}
	whole := len(x) &^ 15
	for i := 0; i < whole; i += stretch {
		lookupNEON(&dst[i], &x[i], min(stretch, whole-i), table)
	}
	return whole
}

// quantizeMost and dequantizeMost convert as many numbers as they can and
// return how many those are.
func quantizeMost(on cpu.Path, dst []uint8, x []float32, inverse float32, zero uint8) int {
	if on == cpu.Generic {
		return 0
	}
	whole := len(x) &^ 15
	for i := 0; i < whole; i += stretch {
		quantizeNEON(&dst[i], &x[i], min(stretch, whole-i), inverse, int(zero))
	}
	return whole
}

func dequantizeMost(on cpu.Path, dst []float32, q []uint8, scale float32, zero uint8) int {
	if on == cpu.Generic {
		return 0
	}
	whole := len(q) &^ 15
	for i := 0; i < whole; i += stretch {
		dequantizeNEON(&dst[i], &q[i], min(stretch, whole-i), scale, int(zero))
	}
	return whole
}

// Each of these takes n bytes or numbers, a positive multiple of 16.
//
//go:noescape
func sumNEON(t *Sum, y, a, b *uint8, n int)

//go:noescape
func timesNEON(t *Times, y, a, b *uint8, n int)

//go:noescape
func maxBytesNEON(dst, x *uint8, n int)

//go:noescape
func lookupNEON(dst, x *uint8, n int, table *[256]uint8)

//go:noescape
func quantizeNEON(dst *uint8, x *float32, n int, inverse float32, zero int)

//go:noescape
func dequantizeNEON(dst *float32, q *uint8, n int, scale float32, zero int)

// addPixelsNEON adds n pixels; channels is a positive multiple of 16.
//
//go:noescape
func addPixelsNEON(sums *int32, x *uint8, step, n, channels int)
