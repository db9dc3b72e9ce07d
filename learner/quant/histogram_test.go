package quant

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestHistogram: whatever comes in whatever pieces, everything is counted, in
// the bin where it belongs, and the order of the pieces does not matter but
// for where the bins begin.
func TestHistogram(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scale := float32(math.Pow(10, float64(rapid.IntRange(-20, 20).Draw(t, "scale"))))
		shift := rapid.Float32Range(-1000, 1000).Draw(t, "shift")
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Float32Range(-1, 1), 1, 50), 1, 6).Draw(t, "parts")
		h := &histogram{}
		var all []float32
		for _, p := range parts {
			for i := range p {
				p[i] = (p[i] + shift) * scale
			}
			h.add(p)
			all = append(all, p...)
		}
		lo, hi := slices.Min(all), slices.Max(all)
		if h.lo != lo || h.hi != hi || h.total != uint64(len(all)) {
			t.Fatalf("range %v to %v of %d, want %v to %v of %d", h.lo, h.hi, h.total, lo, hi, len(all))
		}
		want := make([]uint64, bins)
		for _, v := range all {
			want[int64(math.Floor(float64(v)/h.width))-h.start]++
		}
		if !slices.Equal(h.counts, want) {
			t.Fatal("a number is in another bin")
		}
		if used := float64(hi-lo) / h.width; hi > lo && float64(hi-lo) > 1e-12*math.Abs(float64(hi)) && used < bins/4 {
			t.Fatalf("only %.0f bins are in use", used)
		}
		for _, m := range []Method{MinMax(), Percentile(99), MSE()} {
			r := m.of(h)
			if !(r.Lo <= r.Hi) || r.Lo < min(lo, 0) || r.Hi > max(hi, 0) {
				t.Fatalf("range %v of numbers from %v to %v", r, lo, hi)
			}
		}
	})
}

// TestHistogramOfTinyNumbers: numbers near the smallest of a float32 fill the
// bins too, also when a lone zero came first.
func TestHistogramOfTinyNumbers(t *testing.T) {
	for _, parts := range [][][]float32{
		{{1.2e-24, 1.2000001e-24}},
		{{math.SmallestNonzeroFloat32, 1e-41}},
		{{0}, {1e-41, 2e-41}},
	} {
		h := &histogram{}
		for _, p := range parts {
			h.add(p)
		}
		if used := float64(h.hi-h.lo) / h.width; used < bins/4 {
			t.Errorf("%v use only %.0f bins", parts, used)
		}
	}
}

func TestPercentileLeavesOut(t *testing.T) {
	h := &histogram{}
	x := make([]float32, 100_000)
	for i := range x {
		x[i] = float32(i%1000) / 1000
	}
	x[7], x[8] = 50, -50
	h.add(x)
	if r := MinMax().of(h); r != (Range{-50, 50}) {
		t.Errorf("min-max gives %v", r)
	}
	if r := Percentile(99.99).of(h); r.Lo < -.1 || r.Hi > 1.1 || r.Hi < .99 {
		t.Errorf("percentile gives %v", r)
	}
	if r := Percentile(100).of(h); r != (Range{-50, 50}) {
		t.Errorf("the whole percentile gives %v", r)
	}
}

// TestLeastError: no clipping that was tried is better than the one found,
// measured on the numbers themselves.
func TestLeastError(t *testing.T) {
	h := &histogram{}
	x := make([]float32, 20_000)
	for i := range x {
		u := float64(i)/float64(len(x)) - .5
		x[i] = float32(math.Copysign(math.Pow(math.Abs(u), 6)*600, u)) // long tails
	}
	h.add(x)
	cost := func(r Range) (sum float64) {
		a := fit(r.Lo, r.Hi)
		for _, v := range x {
			d := float64(v) - float64(a.decode(a.encode(v)))
			sum += d * d
		}
		return sum
	}
	best := MSE().of(h)
	if got, whole := cost(best), cost(MinMax().of(h)); !(got <= whole) {
		t.Errorf("clipping at %v costs %v, no clipping %v", best, got, whole)
	}
	for _, f := range []float32{.9, .95, 1.05, 1.1} {
		r := Range{best.Lo * f, best.Hi * f}
		if got, other := cost(best), cost(r); got > 1.02*other {
			t.Errorf("clipping at %v costs %v, at %v %v", best, got, r, other)
		}
	}
}

// TestFit: zero is exactly a byte, and every number in range is within half a
// step of what its byte stands for.
func TestFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lo := rapid.Float32Range(-1e30, 1e30).Draw(t, "lo")
		hi := rapid.Float32Range(lo, 1e30).Draw(t, "hi")
		a := fit(lo, hi)
		if a.decode(a.zero) != 0 || a.encode(0) != a.zero {
			t.Fatal("zero is no byte")
		}
		x := rapid.Float32Range(lo, hi).Draw(t, "x")
		if d := math.Abs(float64(x) - float64(a.decode(a.encode(x)))); d > 1.002*float64(a.scale) {
			t.Fatalf("%v is off by %v, a step is %v", x, d, a.scale)
		}
		for q := range 256 {
			if got := a.encode(a.decode(uint8(q))); int(got) != q {
				t.Fatalf("byte %d comes back as %d", q, got)
			}
		}
	})
	if a := fit(-math.MaxFloat32, math.MaxFloat32); math.IsInf(float64(a.scale), 0) || a.encode(float32(math.Inf(1))) != 255 || a.encode(float32(math.NaN())) != a.zero {
		t.Errorf("the widest range gives %v", a)
	}
}

// TestDeadChannel: a bias far above its weights still fits.
func TestDeadChannel(t *testing.T) {
	bias := []float32{3, -2}
	q, scale := quantizeWeights([]float32{1e-20, 0, 1, -2}, 2, bias, .01)
	b := quantizeBias(bias, scale, .01)
	for c, v := range bias {
		if back := float64(b[c]) * float64(scale[c]) * .01; math.Abs(back-float64(v)) > 1e-4 {
			t.Errorf("bias %v comes back as %v", v, back)
		}
	}
	if q[2] != 64 && q[2] != 63 || q[3] != -127 {
		t.Errorf("weights %v", q)
	}
}
