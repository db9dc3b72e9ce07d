package kernel

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// FuzzGemm compares all kinds of product on all paths with the definition.
func FuzzGemm(f *testing.F) {
	f.Add(uint64(1), uint8(8), uint8(48), uint8(25), uint8(0), uint8(0))
	f.Add(uint64(2), uint8(7), uint8(47), uint8(3), uint8(0x15), uint8(1))
	f.Add(uint64(3), uint8(21), uint8(9), uint8(140), uint8(0x2a), uint8(2))
	f.Fuzz(func(t *testing.T, seed uint64, m, n, k, pads, source uint8) {
		s := product{
			int(m)%40 + 1, int(n)%110 + 1, int(k) + 1,
			int(pads) & 3, int(pads) >> 2 & 3, int(pads) >> 4 & 3,
		}
		s.check(t, rand.New(rand.NewPCG(seed, 0)), sources[int(source)%len(sources)].make)
	})
}

// FuzzVectors compares the vector routines on all paths with the
// definitions, on numbers of any bits.
func FuzzVectors(f *testing.F) {
	f.Add([]byte("sixteen bytes make one number of each of the four vectors, and this is more than sixteen of them"+
		"; a fuzzer makes infinities, NaN and subnormal numbers of it soon enough, given a few seconds, whatever the words;"+
		" the length is what matters here: two full turns of lanes and a tail of some."), float32(0.5))
	f.Add(make([]byte, 16*35), float32(math.Inf(1)))
	f.Fuzz(func(t *testing.T, raw []byte, alpha float32) {
		n := len(raw) / 16
		var x [4][]float32
		for i := range x {
			for j := range n {
				x[i] = append(x[i], math.Float32frombits(binary.LittleEndian.Uint32(raw[(i*n+j)*4:])))
			}
		}
		step := AdamStep{LearningRate: alpha, Beta1: 0.9, Beta2: 0.99, Epsilon: 1e-8, L2: 0.1, Correction1: 0.3, Correction2: 0.4}
		wantAxpy := slices.Clone(x[1])
		for i, v := range x[0] {
			wantAxpy[i] += float32(alpha * v)
		}
		w, m, v := slices.Clone(x[0]), slices.Clone(x[2]), slices.Clone(x[3])
		adamOf(w, x[1], m, v, step)
		for _, on := range cpu.Available() {
			mustBeSame(t, "Dot on "+on.String(), []float32{dotOn(on, x[0], x[1])}, []float32{sumOf(productsOf(x[0], x[1]))})
			mustBeSame(t, "SquaredDistance on "+on.String(), []float32{squaredDistanceOn(on, x[0], x[1])}, []float32{sumOf(squaresOf(x[0], x[1]))})
			y := slices.Clone(x[1])
			axpyOn(on, alpha, x[0], y)
			mustBeSame(t, "Axpy on "+on.String(), y, wantAxpy)
			gotW, gotM, gotV := slices.Clone(x[0]), slices.Clone(x[2]), slices.Clone(x[3])
			adamOn(on, gotW, x[1], gotM, gotV, step)
			mustBeSame(t, "Adam weights on "+on.String(), gotW, w)
			mustBeSame(t, "Adam first moments on "+on.String(), gotM, m)
			mustBeSame(t, "Adam second moments on "+on.String(), gotV, v)
		}
	})
}

// FuzzExpLog holds Exp and Log to their error on numbers of any bits.
func FuzzExpLog(f *testing.F) {
	for _, g := range goldenExpLog {
		f.Add(g.x)
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		x := math.Float32frombits(bits)
		e, l := Exp(x), Log(x)
		if x != x {
			if e == e || l == l {
				t.Fatalf("Exp and Log of NaN are %g and %g", e, l)
			}
			return
		}
		if d := distance(e, math.Exp(float64(x))); !(d <= 0.51) {
			t.Errorf("Exp(%g) = %g is off by %g units in the last place", x, e, d)
		}
		if x >= 0 {
			if d := distance(l, math.Log(float64(x))); !(d <= 0.51) {
				t.Errorf("Log(%g) = %g is off by %g units in the last place", x, l, d)
			}
		} else if l == l {
			t.Errorf("Log(%g) = %g, want NaN", x, l)
		}
	})
}
