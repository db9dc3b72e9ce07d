package q8

import (
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// Quantize writes clamp(x·inverse rounded half to even + zero) of every
// number; NaN gives the zero point. The product is rounded to float32.
func Quantize(dst []uint8, x []float32, inverse float32, zero uint8) {
	quantizeOn(cpu.Active(), dst, x, inverse, zero)
}

func quantizeOn(on cpu.Path, dst []uint8, x []float32, inverse float32, zero uint8) {
	must("quantized numbers", len(dst), len(x))
	for i := quantizeMost(on, dst, x, inverse, zero); i < len(x); i++ {
		dst[i] = quantize(x[i], inverse, zero)
	}
}

func quantize(v, inverse float32, zero uint8) uint8 {
	r := math.RoundToEven(float64(v * inverse))
	switch {
	case r != r:
		return zero
	case r <= -float64(zero):
		return 0
	case r >= 255-float64(zero):
		return 255
	}
	return uint8(int32(r) + int32(zero))
}

// Dequantize writes (q - zero)·scale of every byte.
func Dequantize(dst []float32, q []uint8, scale float32, zero uint8) {
	dequantizeOn(cpu.Active(), dst, q, scale, zero)
}

func dequantizeOn(on cpu.Path, dst []float32, q []uint8, scale float32, zero uint8) {
	must("dequantized numbers", len(dst), len(q))
	for i := dequantizeMost(on, dst, q, scale, zero); i < len(q); i++ {
		dst[i] = float32(int32(q[i])-int32(zero)) * scale
	}
}
