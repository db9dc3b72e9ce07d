package f32

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

func TestSoftmaxSameOnPaths(t *testing.T) {
	check := func(t rapid.TB, rng *rand.Rand, rows, cols int) {
		x, y := mixed(rng, rows*cols), mixed(rng, rows*cols)
		dst := make([]float32, rows*cols)
		samePaths(t, "Softmax", func(on cpu.Path, v [][]float32) { softmaxOn(on, v[0], v[1], rows, cols) }, dst, x)
		samePaths(t, "Softmax in place", func(on cpu.Path, v [][]float32) { softmaxOn(on, v[0], v[0], rows, cols) }, x)
		samePaths(t, "Softmax of ordinary numbers", func(on cpu.Path, v [][]float32) { softmaxOn(on, v[0], v[0], rows, cols) },
			numbers(rng, rows*cols))
		samePaths(t, "LogSoftmax", func(on cpu.Path, v [][]float32) { logSoftmaxOn(on, v[0], v[1], v[2], rows, cols) },
			dst, numbers(rng, rows*cols), make([]float32, cols))
		samePaths(t, "SoftmaxGrad", func(on cpu.Path, v [][]float32) { softmaxGradOn(on, v[0], v[1], v[2], rows, cols) }, dst, x, y)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, drawRand(t), rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 210).Draw(t, "cols"))
	})
	check(t, rand.New(rand.NewPCG(13, 14)), 2, vecStretch+50)
}

// softmaxOf is Softmax in float64.
func softmaxOf(x []float32) []float64 {
	largest, sum := math.Inf(-1), 0.0
	y := make([]float64, len(x))
	for _, v := range x {
		largest = max(largest, float64(v))
	}
	for i, v := range x {
		y[i] = math.Exp(float64(v) - largest)
		sum += y[i]
	}
	for i := range y {
		y[i] /= sum
	}
	return y
}

func TestSoftmaxAccuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	for _, cols := range []int{1, 2, 10, 197, 1000} {
		x := numbers(rng, cols)
		for i := range x {
			x[i] *= 20
		}
		dst, logs := make([]float32, cols), make([]float32, cols)
		Softmax(dst, x, 1, cols)
		LogSoftmax(logs, x, make([]float32, cols), 1, cols)
		for i, want := range softmaxOf(x) {
			if e := relativeError(dst[i], want); e > 3e-6 { // mostly the rounding of x-m
				t.Fatalf("Softmax of %d: element %d is %g instead of %g", cols, i, dst[i], want)
			}
			if d := math.Abs(float64(logs[i]) - math.Log(want)); d > 4e-6 {
				t.Fatalf("LogSoftmax of %d: element %d is %g instead of %g", cols, i, logs[i], math.Log(want))
			}
		}
	}
}

// TestSoftmaxGradient compares gradients with differences in float64.
func TestSoftmaxGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(17, 18))
	const cols, h = 13, 1.0 / 256
	x, dy := numbers(rng, cols), numbers(rng, cols)
	y, dx, dlog := make([]float32, cols), make([]float32, cols), make([]float32, cols)
	Softmax(y, x, 1, cols)
	SoftmaxGrad(dx, dy, y, 1, cols)
	LogSoftmax(y, x, make([]float32, cols), 1, cols)
	LogSoftmaxGrad(dlog, dy, y, 1, cols)
	loss := func() (plain, logs float64) {
		for i, v := range softmaxOf(x) {
			plain += v * float64(dy[i])
			logs += math.Log(v) * float64(dy[i])
		}
		return plain, logs
	}
	for i, v := range x {
		x[i] = v + h
		plain, logs := loss()
		x[i] = v - h
		less, lessLogs := loss()
		x[i] = v
		if want := (plain - less) / (2 * h); math.Abs(float64(dx[i])-want) > 1e-5 {
			t.Errorf("SoftmaxGrad: element %d is %g instead of %g", i, dx[i], want)
		}
		if want := (logs - lessLogs) / (2 * h); math.Abs(float64(dlog[i])-want) > 1e-4 {
			t.Errorf("LogSoftmaxGrad: element %d is %g instead of %g", i, dlog[i], want)
		}
	}
}

func TestSoftmaxEdges(t *testing.T) {
	inf, nan := float32(math.Inf(1)), float32(math.NaN())
	for _, test := range []struct{ x, want []float32 }{
		{[]float32{3}, []float32{1}},
		{[]float32{-inf, 0, -inf}, []float32{0, 1, 0}},
		{[]float32{1e30, -1e30}, []float32{1, 0}},
		{[]float32{5, 5}, []float32{0.5, 0.5}},
		{[]float32{-inf, -inf}, []float32{nan, nan}},
		{[]float32{1, inf}, []float32{nan, nan}},
		{[]float32{nan, 1}, []float32{nan, nan}},
	} {
		got := make([]float32, len(test.x))
		Softmax(got, test.x, 1, len(test.x))
		mustBeSame(t, "Softmax", cpu.Active(), got, test.want)
	}
}
