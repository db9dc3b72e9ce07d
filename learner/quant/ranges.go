package quant

import "math"

// Range is the smallest and the largest number that a value is quantized
// for; what lies outside is clipped.
type Range struct {
	Lo, Hi float32
}

// Ranges are those of a network's values, by ONNX name.
type Ranges map[string]Range

// union returns the range that contains both.
func (r Range) union(o Range) Range {
	return Range{min(r.Lo, o.Lo), max(r.Hi, o.Hi)}
}

// Method is how a range follows from the numbers seen.
type Method struct {
	kind       methodKind
	percentile float64
}

type methodKind int

const (
	byExtremes methodKind = iota
	byPercentile
	byError
)

// MinMax takes the smallest and the largest number seen.
func MinMax() Method { return Method{kind: byExtremes} }

// DefaultPercentile is a usual choice for [Percentile].
const DefaultPercentile = 99.99

// Percentile leaves out the most extreme numbers, so that p percent of them
// stay, which is above 0 and at most 100. Other numbers are taken as the
// nearest of these.
func Percentile(p float64) Method {
	if !(p >= 1) {
		p = 1
	}
	return Method{kind: byPercentile, percentile: min(p, 100)}
}

// MSE clips where the mean squared error of rounding and clipping is least.
func MSE() Method { return Method{kind: byError} }

// of returns the range of one value. Where clipping would leave nothing, as
// of a value that is nearly always zero, it clips nothing.
func (m Method) of(h *histogram) Range {
	lo, hi := h.lo, h.hi
	switch m.kind {
	case byPercentile:
		lo, hi = h.percentile(m.percentile)
	case byError:
		lo, hi = h.leastError()
	}
	if max(hi, 0) == min(lo, 0) {
		return Range{h.lo, h.hi}
	}
	return Range{lo, hi}
}

// finite tells whether no element is NaN or infinite.
func finite(data []float32) bool {
	const exponent = 0x7f800000
	for _, v := range data {
		if math.Float32bits(v)&exponent == exponent {
			return false
		}
	}
	return true
}

// hasNaN tells whether an element is NaN.
func hasNaN(data []float32) bool {
	for _, v := range data {
		if v != v {
			return true
		}
	}
	return false
}
