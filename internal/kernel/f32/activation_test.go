package f32

import (
	"math"
	"testing"
)

// each calls f with every so-many-th float32 between lo and hi and its
// negative.
func each(lo, hi float32, f func(x float32)) {
	for bits := math.Float32bits(lo); bits <= math.Float32bits(hi); bits += 997 {
		x := math.Float32frombits(bits)
		f(x)
		f(-x)
	}
}

func TestActivationAccuracy(t *testing.T) {
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	gelu := func(x float64) float64 { return x / 2 * (1 + math.Erf(x/math.Sqrt2)) }
	for _, test := range []struct {
		name     string
		f        func(float32) float32
		want     func(float64) float64
		lo, hi   float32
		relative float64
		absolute float64
	}{
		{"exp", expOf, math.Exp, 1e-10, 87, 1.5e-7, 0},
		{"exp to subnormal", expOf, math.Exp, 87, 200, 1.5e-7, 0x1p-149},
		{"sigmoid", sigmoidOf, sigmoid, 1e-10, 87, 3e-7, 0},
		{"sigmoid", sigmoidOf, sigmoid, 87, 1e30, 3e-7, 1e-37},
		{"tanh", tanhOf, math.Tanh, 1e-30, 1e30, 3e-7, 0},
		{"erf", erfOf, math.Erf, 1e-30, 1e30, math.Inf(1), 1.2e-7},
		{"erf of little", erfOf, math.Erf, 1e-30, 0.1, 2.5e-7, 0},
		{"gelu", func(x float32) float32 { return 0.5 * x * (1 + erfOf(x*sqrtHalf)) }, gelu, 1e-30, 1e30, math.Inf(1), 4e-7},
	} {
		worst := 0.0
		each(test.lo, test.hi, func(x float32) {
			got, want := test.f(x), test.want(float64(x))
			e := relativeError(got, want)
			if d := math.Abs(float64(got) - want); d <= test.absolute || math.IsInf(test.relative, 1) && d <= test.absolute*max(1, math.Abs(want)) {
				return
			}
			if worst = max(worst, e); !(e <= test.relative) || math.IsInf(test.relative, 1) {
				t.Fatalf("%s(%g) = %g instead of %g, relative error %g", test.name, x, got, want, e)
			}
		})
		t.Logf("%s: largest relative error %.3g", test.name, worst)
	}
}

func TestActivationEdges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, test := range []struct {
		name    string
		f       func(dst, x []float32)
		x, want float32
	}{
		{"Exp", Exp, inf, inf}, {"Exp", Exp, -inf, 0}, {"Exp", Exp, 0, 1}, {"Exp", Exp, nan, nan}, {"Exp", Exp, 89, inf},
		{"Sigmoid", Sigmoid, inf, 1}, {"Sigmoid", Sigmoid, -inf, 0}, {"Sigmoid", Sigmoid, 0, 0.5}, {"Sigmoid", Sigmoid, nan, nan},
		{"Tanh", Tanh, inf, 1}, {"Tanh", Tanh, -inf, -1}, {"Tanh", Tanh, 0, 0}, {"Tanh", Tanh, nan, nan},
		{"Erf", Erf, inf, 1}, {"Erf", Erf, -inf, -1}, {"Erf", Erf, 0, 0}, {"Erf", Erf, nan, nan},
		{"Relu", Relu, -1, 0}, {"Relu", Relu, 2, 2}, {"Relu", Relu, nan, nan}, {"Relu", Relu, inf, inf},
		{"Log", Log, 0, -inf}, {"Log", Log, -1, nan}, {"Log", Log, 1, 0},
		{"Sqrt", Sqrt, 4, 2}, {"Sqrt", Sqrt, -1, nan},
		{"Gelu", Gelu, 0, 0}, {"Gelu", Gelu, 100, 100}, {"Gelu", Gelu, -100, 0},
		{"Silu", Silu, 0, 0}, {"Silu", Silu, 100, 100},
		{"HardSwish", HardSwish, -3, 0}, {"HardSwish", HardSwish, 3, 3}, {"HardSwish", HardSwish, 4, 4},
		{"Abs", Abs, -2, 2}, {"Neg", Neg, 2, -2}, {"Reciprocal", Reciprocal, 4, 0.25},
	} {
		got := make([]float32, 1)
		test.f(got, []float32{test.x})
		if got[0] != test.want && (got[0] == got[0] || test.want == test.want) {
			t.Errorf("%s(%g) = %g, want %g", test.name, test.x, got[0], test.want)
		}
	}
}

func TestActivationGradients(t *testing.T) {
	type pair struct {
		name     string
		forward  func(dst, x []float32)
		backward func(dx, dy, x, y []float32)
		positive bool
		kinks    []float32
	}
	pow := func(p float32) pair {
		return pair{"Pow", func(y, x []float32) { Pow(y, x, p) },
			func(dx, dy, x, y []float32) { PowGrad(dx, dy, x, p) }, true, nil}
	}
	for _, test := range []pair{
		{"Relu", Relu, func(dx, dy, x, y []float32) { ReluGrad(dx, dy, y) }, false, []float32{0}},
		{"Clip", func(y, x []float32) { Clip(y, x, -0.5, 1) },
			func(dx, dy, x, y []float32) { ClipGrad(dx, dy, x, -0.5, 1) }, false, []float32{-0.5, 1}},
		{"LeakyRelu", func(y, x []float32) { LeakyRelu(y, x, 0.1) },
			func(dx, dy, x, y []float32) { LeakyReluGrad(dx, dy, x, 0.1) }, false, []float32{0}},
		{"Sigmoid", Sigmoid, func(dx, dy, x, y []float32) { SigmoidGrad(dx, dy, y) }, false, nil},
		{"Tanh", Tanh, func(dx, dy, x, y []float32) { TanhGrad(dx, dy, y) }, false, nil},
		{"Exp", Exp, func(dx, dy, x, y []float32) { ExpGrad(dx, dy, y) }, false, nil},
		{"Log", Log, func(dx, dy, x, y []float32) { LogGrad(dx, dy, x) }, true, nil},
		{"Sqrt", Sqrt, func(dx, dy, x, y []float32) { SqrtGrad(dx, dy, y) }, true, nil},
		{"Erf", Erf, func(dx, dy, x, y []float32) { ErfGrad(dx, dy, x) }, false, nil},
		{"Gelu", Gelu, func(dx, dy, x, y []float32) { GeluGrad(dx, dy, x) }, false, nil},
		{"Silu", Silu, func(dx, dy, x, y []float32) { SiluGrad(dx, dy, x) }, false, nil},
		{"HardSigmoid", func(y, x []float32) { HardSigmoid(y, x, 0.2, 0.4) },
			func(dx, dy, x, y []float32) { HardSigmoidGrad(dx, dy, x, 0.2, 0.4) }, false, []float32{-2, 3}},
		{"HardSwish", HardSwish, func(dx, dy, x, y []float32) { HardSwishGrad(dx, dy, x) }, false, []float32{-3, 3}},
		{"Abs", Abs, func(dx, dy, x, y []float32) { AbsGrad(dx, dy, x) }, false, []float32{0}},
		{"Neg", Neg, func(dx, dy, x, y []float32) { NegGrad(dx, dy) }, false, nil},
		{"Reciprocal", Reciprocal, func(dx, dy, x, y []float32) { ReciprocalGrad(dx, dy, y) }, true, nil},
		pow(2), pow(3), pow(-1), pow(0.5), pow(2.7), pow(-1.3), pow(1), pow(0),
	} {
		const h = 1.0 / 64
		for v := float32(-4); v <= 4; v += 0.171 {
			if test.positive && v < 0.3 {
				continue
			}
			smooth := true
			for _, kink := range test.kinks {
				smooth = smooth && math.Abs(float64(v-kink)) > 2*h
			}
			if !smooth {
				continue
			}
			x, dx := []float32{v - 2*h, v - h, v, v + h, v + 2*h}, make([]float32, 1)
			y := make([]float32, len(x))
			test.forward(y, x)
			// The five-point rule.
			want := (float64(y[0]) - 8*float64(y[1]) + 8*float64(y[3]) - float64(y[4])) / (12 * h)
			test.backward(dx, []float32{3}, x[2:3], y[2:3])
			if d := math.Abs(float64(dx[0]) - 3*want); d > 3e-4*(1+math.Abs(3*want)) {
				t.Errorf("%s: gradient at %g is %g instead of %g", test.name, v, dx[0], 3*want)
			}
		}
	}
}

// TestGradientsAtKinks pins what the gradient is where there are two.
func TestGradientsAtKinks(t *testing.T) {
	for _, test := range []struct {
		name     string
		backward func(dx, dy, x []float32)
		x, want  float32
	}{
		{"Relu", ReluGrad, 0, 0},
		{"Clip", func(dx, dy, x []float32) { ClipGrad(dx, dy, x, -1, 2) }, -1, 0},
		{"Clip", func(dx, dy, x []float32) { ClipGrad(dx, dy, x, -1, 2) }, 2, 0},
		{"LeakyRelu", func(dx, dy, x []float32) { LeakyReluGrad(dx, dy, x, 0.5) }, 0, 0.5},
		{"HardSigmoid", func(dx, dy, x []float32) { HardSigmoidGrad(dx, dy, x, 0.5, 0.5) }, 1, 0},
		{"HardSwish", HardSwishGrad, -3, 0},
		{"Abs", AbsGrad, 0, 0},
	} {
		dx := make([]float32, 1)
		test.backward(dx, []float32{1}, []float32{test.x})
		if dx[0] != test.want {
			t.Errorf("%s: gradient at %g is %g, want %g", test.name, test.x, dx[0], test.want)
		}
	}
}

func TestPow(t *testing.T) {
	exponents := append([]float32{2, 3, -1, 0.5, -0.5, 1.5, 2.5, 7, -3, 0.1, 30, -12.25}, edges...)
	for _, p := range exponents {
		for _, x := range append([]float32{1.5, 2, 0.1, -7.25, 1000, -0.001}, edges...) {
			got, want := powOf(x, p), math.Pow(float64(x), float64(p))
			if want != want && got != got || x != x || p != p {
				continue
			}
			if float64(float32(want)) == float64(got) || math.Abs(float64(got)-want) <= max(1e-7*math.Abs(want), 0x1p-149) {
				continue
			}
			t.Errorf("%g to the power %g is %g instead of %g", x, p, got, want)
		}
	}
}
