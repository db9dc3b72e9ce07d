package quant

import "math"

// bins is the size of a histogram. At least half of them are in use once
// values differ, because the width of a bin doubles only when it must.
const bins = 4096

// histogram counts the values of one tensor over many batches. Bin i counts
// values v with floor(v/width) == start+i. The width is a power of two, so
// that doubling it joins bins in pairs and no count is split.
type histogram struct {
	lo, hi float32 // smallest and largest value
	total  uint64
	width  float64 // 0 before the first value
	start  int64
	counts []uint64
}

// add counts the values, which are finite.
func (h *histogram) add(data []float32) {
	if len(data) == 0 {
		return
	}
	lo, hi := data[0], data[0]
	for _, v := range data {
		lo, hi = min(lo, v), max(hi, v)
	}
	if h.total > 0 {
		lo, hi = min(lo, h.lo), max(hi, h.hi)
	}
	h.lo, h.hi = lo, hi
	h.total += uint64(len(data))
	h.cover()
	inverse := 1 / h.width // exact: a power of two
	for _, v := range data {
		h.counts[int64(math.Floor(float64(v)*inverse))-h.start]++
	}
}

// cover widens the histogram until it holds the whole range.
func (h *histogram) cover() {
	if h.counts == nil {
		h.counts = make([]uint64, bins)
		spread := max(float64(h.hi)-float64(h.lo), math.SmallestNonzeroFloat32)
		h.width = math.Ldexp(1, math.Ilogb(spread/bins))
	}
	// A narrow range far from zero still needs bins whose numbers are exact,
	// and all of them must fit.
	shift, width := 0, h.width
	largest := math.Max(math.Abs(float64(h.lo)), math.Abs(float64(h.hi)))
	for largest/width > 1<<50 || math.Floor(float64(h.hi)/width)-math.Floor(float64(h.lo)/width) >= bins {
		width *= 2
		shift++
	}
	first := int64(math.Floor(float64(h.lo) / width))
	if shift == 0 && first == h.start {
		return
	}
	counts := make([]uint64, bins)
	for i, n := range h.counts {
		if n > 0 {
			counts[(h.start+int64(i))>>shift-first] += n
		}
	}
	h.counts, h.start = counts, first
	h.width = width
}

// centre returns the value that stands for a bin.
func (h *histogram) centre(i int) float64 {
	return (float64(h.start+int64(i)) + 0.5) * h.width
}

// percentile returns the range that leaves out at most (100-p)% of the
// values, half of them on either side.
func (h *histogram) percentile(p float64) (lo, hi float32) {
	out := uint64(float64(h.total) * (100 - p) / 200)
	lo, hi = h.lo, h.hi
	var below, above uint64
	for i := range h.counts {
		if below += h.counts[i]; below > out {
			lo = max(lo, float32(float64(h.start+int64(i))*h.width))
			break
		}
	}
	for i := len(h.counts) - 1; i >= 0; i-- {
		if above += h.counts[i]; above > out {
			hi = min(hi, float32(float64(h.start+int64(i)+1)*h.width))
			break
		}
	}
	return lo, hi
}

// clips is how many clipping points the search for the least error tries on
// each side, from the whole range down to a fifth of it.
const clips = 64

// leastError returns the range whose code has the smallest squared error over
// the histogram. It tries one end at a time, twice.
func (h *histogram) leastError() (lo, hi float32) {
	used := h.compact()
	bestLo, bestHi := h.lo, h.hi
	least := used.error(fit(bestLo, bestHi))
	for range 2 {
		for _, end := range []*float32{&bestHi, &bestLo} {
			whole := *end
			for i := 1; i <= clips; i++ {
				kept := *end
				*end = whole * (1 - 0.8*float32(i)/clips)
				if e := used.error(fit(bestLo, bestHi)); e < least {
					least = e
				} else {
					*end = kept
				}
			}
		}
	}
	return bestLo, bestHi
}

// weighted is the bins that are not empty.
type weighted struct{ value, weight []float64 }

func (h *histogram) compact() weighted {
	var w weighted
	for i, n := range h.counts {
		if n > 0 {
			w.value = append(w.value, h.centre(i))
			w.weight = append(w.weight, float64(n))
		}
	}
	return w
}

// error returns the sum of squared errors of a code. The conversions keep
// compilers from fusing, so that every machine finds the same minimum.
func (w weighted) error(a affine) float64 {
	sum, scale, zero := 0.0, float64(a.scale), float64(a.zero)
	inverse := 1 / scale
	for i, v := range w.value {
		q := math.RoundToEven(float64(v*inverse)) + zero
		q = min(max(q, 0), 255)
		d := v - float64((q-zero)*scale)
		sum += float64(float64(d*d) * w.weight[i])
	}
	return sum
}
