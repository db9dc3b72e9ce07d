package f32

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

func TestLayerNormSameOnPaths(t *testing.T) {
	check := func(t rapid.TB, rng *rand.Rand, rows, cols int, source func(rng *rand.Rand, n int) []float32) {
		x, dy := source(rng, rows*cols), source(rng, rows*cols)
		gamma, beta := source(rng, cols), source(rng, cols)
		mean, rstd := make([]float32, rows), make([]float32, rows)
		samePaths(t, "LayerNorm", func(on cpu.Path, v [][]float32) {
			layerNormOn(on, v[0], v[0], v[1], v[2], rows, cols, 1e-5, v[3], v[4])
		}, x, gamma, beta, mean, rstd)
		LayerNorm(make([]float32, rows*cols), x, gamma, beta, rows, cols, 1e-5, mean, rstd)
		samePaths(t, "LayerNormGrad", func(on cpu.Path, v [][]float32) {
			layerNormGradOn(on, v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], rows, cols)
		}, make([]float32, rows*cols), make([]float32, cols), make([]float32, cols), dy, x, gamma, mean, rstd)
		samePaths(t, "LayerNormGrad in place", func(on cpu.Path, v [][]float32) {
			layerNormGradOn(on, v[0], v[1], v[2], v[0], v[3], v[4], v[5], v[6], rows, cols)
		}, dy, make([]float32, cols), make([]float32, cols), x, gamma, mean, rstd)
	}
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.SampledFrom([]func(rng *rand.Rand, n int) []float32{numbers, mixed}).Draw(t, "source")
		check(t, drawRand(t), rapid.IntRange(1, 4).Draw(t, "rows"), rapid.IntRange(1, 100).Draw(t, "cols"), from)
	})
	check(t, rand.New(rand.NewPCG(19, 20)), 2, vecStretch+50, numbers)
}

// layerNormOf is LayerNorm of one row in float64.
func layerNormOf(x, gamma, beta []float32, eps float64) (y []float64, mean, rstd float64) {
	n := float64(len(x))
	for _, v := range x {
		mean += float64(v) / n
	}
	for _, v := range x {
		rstd += (float64(v) - mean) * (float64(v) - mean) / n
	}
	rstd = 1 / math.Sqrt(rstd+eps)
	for i, v := range x {
		y = append(y, (float64(v)-mean)*rstd*float64(gamma[i])+float64(beta[i]))
	}
	return y, mean, rstd
}

func TestLayerNormAccuracy(t *testing.T) {
	rng := rand.New(rand.NewPCG(21, 22))
	for _, cols := range []int{1, 5, 24, 768, 1000} {
		x, gamma, beta := numbers(rng, cols), numbers(rng, cols), numbers(rng, cols)
		y, mean, rstd := make([]float32, cols), make([]float32, 1), make([]float32, 1)
		LayerNorm(y, x, gamma, beta, 1, cols, 1e-3, mean, rstd)
		want, m, d := layerNormOf(x, gamma, beta, 1e-3)
		if math.Abs(float64(mean[0])-m) > 1e-6 || relativeError(rstd[0], d) > 1e-6 {
			t.Errorf("LayerNorm of %d: mean %g and deviation %g instead of %g and %g", cols, mean[0], rstd[0], m, d)
		}
		for i := range y {
			if math.Abs(float64(y[i])-want[i]) > 2e-6 {
				t.Fatalf("LayerNorm of %d: element %d is %g instead of %g", cols, i, y[i], want[i])
			}
		}
	}
}

func TestLayerNormGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	const rows, cols, h, eps = 3, 21, 1.0 / 256, 1e-3
	x, dy, gamma, beta := numbers(rng, rows*cols), numbers(rng, rows*cols), numbers(rng, cols), numbers(rng, cols)
	mean, rstd := make([]float32, rows), make([]float32, rows)
	LayerNorm(make([]float32, rows*cols), x, gamma, beta, rows, cols, eps, mean, rstd)
	dx, dgamma, dbeta := make([]float32, rows*cols), make([]float32, cols), make([]float32, cols)
	LayerNormGrad(dx, dgamma, dbeta, dy, x, gamma, mean, rstd, rows, cols)
	loss := func() (sum float64) {
		for r := range rows {
			y, _, _ := layerNormOf(x[r*cols:][:cols], gamma, beta, eps)
			for i, v := range y {
				sum += v * float64(dy[r*cols+i])
			}
		}
		return sum
	}
	for name, pair := range map[string][2][]float32{"dx": {x, dx}, "dgamma": {gamma, dgamma}, "dbeta": {beta, dbeta}} {
		for i, v := range pair[0] {
			pair[0][i] = v + h
			more := loss()
			pair[0][i] = v - h
			want := (more - loss()) / (2 * h)
			pair[0][i] = v
			if math.Abs(float64(pair[1][i])-want) > 2e-4 {
				t.Errorf("%s: element %d is %g instead of %g", name, i, pair[1][i], want)
			}
		}
	}
	only := make([]float32, rows*cols)
	LayerNormGrad(only, nil, nil, dy, x, gamma, mean, rstd, rows, cols)
	mustBeSame(t, "dx alone", cpu.Active(), only, dx)
	LayerNormGrad(nil, gamma, beta, dy, x, gamma, mean, rstd, rows, cols)
	mustBeSame(t, "dgamma alone", cpu.Active(), gamma, dgamma)
	mustBeSame(t, "dbeta alone", cpu.Active(), beta, dbeta)
}
