package quant

import "math"

// smallestScale keeps the inverse of a scale finite and harmless.
const smallestScale = 0x1p-23

// affine says what the bytes of a tensor mean: the byte q stands for
// (q-zero)*scale.
type affine struct {
	scale float32
	zero  uint8
}

// fit returns the affine code of the range from lo to hi, which is widened to
// contain zero, so that zero is exactly a byte.
func fit(lo, hi float32) affine {
	lo, hi = min(lo, 0), max(hi, 0)
	// Half of each first: the difference may overflow.
	scale := max((hi/2-lo/2)/255*2, smallestScale)
	if math.IsInf(float64(scale), 0) {
		scale = math.MaxFloat32 / 128
	}
	zero := -math.RoundToEven(float64(lo / scale))
	return affine{scale, uint8(min(max(zero, 0), 255))}
}

// encode returns the byte nearest to x, halves to even. NaN becomes zero.
func (a affine) encode(x float32) uint8 {
	y := math.RoundToEven(float64(x*(1/a.scale))) + float64(a.zero)
	switch {
	case y != y:
		return a.zero
	case y <= 0:
		return 0
	case y >= 255:
		return 255
	}
	return uint8(y)
}

// decode returns the number that a byte stands for.
func (a affine) decode(q uint8) float32 {
	return float32(int32(q)-int32(a.zero)) * a.scale
}

// biggestBias bounds a quantized bias, so that a sum of products has room
// beside it in an int32.
const biggestBias = 1 << 30

// quantizeWeights quantizes rows of weights, one row per output channel:
// symmetric, -127..127, the largest magnitude of the row at 127. A row whose
// bias would not fit beside such small weights gets a larger scale; bias may
// be nil and xScale is the scale of what the weights multiply.
func quantizeWeights(w []float32, rows int, bias []float32, xScale float32) (q []int8, scale []float32) {
	q, scale = make([]int8, len(w)), make([]float32, rows)
	if rows == 0 {
		return q, scale
	}
	n := len(w) / rows
	for r := range rows {
		row := w[r*n : (r+1)*n]
		largest := float32(0)
		for _, v := range row {
			largest = max(largest, float32(math.Abs(float64(v))))
		}
		s := max(largest/127, smallestScale)
		if bias != nil {
			s = max(s, float32(math.Abs(float64(bias[r]))/float64(xScale)/biggestBias))
		}
		scale[r] = s
		for i, v := range row {
			q[r*n+i] = int8(min(max(math.RoundToEven(float64(v*(1/s))), -127), 127))
		}
	}
	return q, scale
}

// quantizeBias returns the bias in units of the products, xScale*wScale[c].
func quantizeBias(bias, wScale []float32, xScale float32) []int32 {
	q := make([]int32, len(bias))
	for c, b := range bias {
		unit := float64(xScale) * float64(wScale[c])
		q[c] = int32(min(max(math.RoundToEven(float64(b)/unit), -biggestBias), biggestBias))
	}
	return q
}
