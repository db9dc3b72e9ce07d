package q8

import (
	xcpu "golang.org/x/sys/cpu"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// runTile computes a tile on a path.
func runTile(on cpu.Path, t *tile) {
	if t.m == 0 || t.n == 0 {
		return
	}
	switch {
	case on == cpu.VNNI && t.steps > 0:
		t.seek()
		tileVNNI(t)
	case on == cpu.AVX2 && t.steps > 0:
		t.seek()
		for column := 0; column < t.n; column += 16 {
			tileAVX2(t, column)
		}
	default:
		tileGeneric(t)
	}
}

// tileVNNI computes a tile. No extent may be 0.
//
//go:noescape
func tileVNNI(t *tile)

// tileAVX2 computes up to 16 columns of a tile from column, 0 or 16. No extent
// may be 0.
//
//go:noescape
func tileAVX2(t *tile, column int)

// runDeep computes one row of pixels of a depthwise convolution, whose
// windows lie step pixels apart.
func runDeep(d *depthwise, y, x []uint8, pixels, step int) {
	must("padded rows", len(x), (pixels-1)*step*d.stride+d.offsets[d.taps-1]+d.channels)
	for i := range d.blocks {
		if d.on == cpu.AVX2 {
			b := &d.blocks[i]
			for c := 0; c < b.channels; c += 32 {
				deepAVX2(b, &y[64*i+c], &x[64*i+c], pixels, d.stride, step*d.stride, &d.offsets[0], len(d.offsets)/4, c)
			}
			continue
		}
		deepVNNI(&d.blocks[i], &y[64*i], &x[64*i], pixels, d.stride, step*d.stride, &d.offsets[0], len(d.offsets)/4)
	}
}

// deepVNNI computes the channels of a block for a row of pixels. No extent
// may be 0.
//
//go:noescape
func deepVNNI(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups int)

// deepAVX2 is deepVNNI for the 32 channels from first, 0 or 32, where y and x
// begin. It reads up to [slack] bytes beyond the channels.
//
//go:noescape
func deepAVX2(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)

// stretch is the most bytes of one call of an element-wise routine, which
// cannot be preempted.
const stretch = 1 << 16

// runSum adds as many elements as it can and returns their number.
func runSum(t *Sum, y, a, b []uint8) int {
	if t.on != cpu.VNNI && t.on != cpu.AVX2 {
		return 0
	}
	whole := len(a) &^ 15
	for i := 0; i < whole; i += stretch {
		if n := min(stretch, whole-i); t.on == cpu.VNNI {
			sumVNNI(t, &y[i], &a[i], &b[i], n)
		} else {
			sumAVX2(t, &y[i], &a[i], &b[i], n)
		}
	}
	return whole
}

// runTimes multiplies as many elements of a pixel as it can and returns their
// number.
func runTimes(t *Times, y, a, b []uint8) int {
	whole := min(len(b)&^15, stretch)
	switch {
	case whole == 0:
	case t.on == cpu.VNNI:
		timesVNNI(t, &y[0], &a[0], &b[0], whole)
	case t.on == cpu.AVX2:
		timesAVX2(t, &y[0], &a[0], &b[0], whole)
	default:
		return 0
	}
	return whole
}

func maxBytes(on cpu.Path, dst, x []uint8) {
	n := min(len(x), len(dst))
	switch {
	case on == cpu.VNNI && n > 0:
		maxBytesVNNI(&dst[0], &x[0], n)
	case on == cpu.AVX2 && n >= 32:
		maxBytesAVX2(&dst[0], &x[0], n&^31)
		// Taking a maximum twice does no harm.
		maxBytesAVX2(&dst[n-32], &x[n-32], 32)
	default:
		maxBytesGeneric(dst, x)
	}
}

// hasVBMI says whether bytes can be looked up in registers.
var hasVBMI = xcpu.X86.HasAVX512VBMI

// lookup looks up as many bytes as it can and returns their number.
func lookup(on cpu.Path, dst, x []uint8, table *[256]uint8) int {
	if on != cpu.VNNI || !hasVBMI {
		return 0
	}
	whole := len(x) &^ 63
	for i := 0; i < whole; i += stretch {
		lookupVBMI(&dst[i], &x[i], min(stretch, whole-i), table)
	}
	return whole
}

// quantizeMost and dequantizeMost convert as many numbers as they can and
// return how many those are. Both paths share them: memory is the limit.
func quantizeMost(on cpu.Path, dst []uint8, x []float32, inverse float32, zero uint8) int {
	if on == cpu.Generic {
		return 0
	}
	whole := len(x) &^ 15
	for i := 0; i < whole; i += stretch {
		quantizeAVX2(&dst[i], &x[i], min(stretch, whole-i), inverse, int(zero))
	}
	return whole
}

func dequantizeMost(on cpu.Path, dst []float32, q []uint8, scale float32, zero uint8) int {
	if on == cpu.Generic {
		return 0
	}
	whole := len(q) &^ 7
	for i := 0; i < whole; i += stretch {
		dequantizeAVX2(&dst[i], &q[i], min(stretch, whole-i), scale, int(zero))
	}
	return whole
}

//go:noescape
func sumVNNI(t *Sum, y, a, b *uint8, n int)

//go:noescape
func timesVNNI(t *Times, y, a, b *uint8, n int)

//go:noescape
func maxBytesVNNI(dst, x *uint8, n int)

//go:noescape
func sumAVX2(t *Sum, y, a, b *uint8, n int)

//go:noescape
func timesAVX2(t *Times, y, a, b *uint8, n int)

// maxBytesAVX2 takes n bytes, a positive multiple of 32.
//
//go:noescape
func maxBytesAVX2(dst, x *uint8, n int)

// lookupVBMI takes n bytes, a positive multiple of 64.
//
//go:noescape
func lookupVBMI(dst, x *uint8, n int, table *[256]uint8)

// quantizeAVX2 takes n numbers, a positive multiple of 16.
//
//go:noescape
func quantizeAVX2(dst *uint8, x *float32, n int, inverse float32, zero int)

// dequantizeAVX2 takes n numbers, a positive multiple of 8.
//
//go:noescape
func dequantizeAVX2(dst *float32, q *uint8, n int, scale float32, zero int)

// addMost adds the pixels of as many channels as it can and returns their
// number.
func addMost(on cpu.Path, sums []int32, x []uint8, step, pixels int) int {
	whole := len(sums) &^ 15
	if on == cpu.Generic || whole == 0 {
		return 0
	}
	most := max(stretch/whole, 1)
	for p := 0; p < pixels; p += most {
		n := min(most, pixels-p)
		if on == cpu.VNNI {
			addPixelsVNNI(&sums[0], &x[p*step], step, n, whole)
		} else {
			addPixelsAVX2(&sums[0], &x[p*step], step, n, whole)
		}
	}
	return whole
}

// addPixelsVNNI adds n pixels; channels is a positive multiple of 16.
//
//go:noescape
func addPixelsVNNI(sums *int32, x *uint8, step, n, channels int)

// addPixelsAVX2 is addPixelsVNNI with narrower registers.
//
//go:noescape
func addPixelsAVX2(sums *int32, x *uint8, step, n, channels int)
