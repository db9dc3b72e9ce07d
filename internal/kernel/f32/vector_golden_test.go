package f32

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// TestGoldenBits pins results on one set of numbers,
// so that another architecture that rounds once more or once less shows.
func TestGoldenBits(t *testing.T) {
	const rows, cols = 5, 83
	const n = rows * cols
	rng := rand.New(rand.NewPCG(27, 28))
	a, b, ordinary := mixed(rng, n), mixed(rng, n), numbers(rng, n)
	gamma, beta := numbers(rng, cols), numbers(rng, cols)
	for _, on := range cpu.Available() {
		var results [][]float32
		result := func() []float32 {
			results = append(results, make([]float32, n))
			return results[len(results)-1]
		}
		for o := range opCount {
			elementwise(on, o, result(), a, b, -0.75, 1.5)
			elementwise(on, o, result(), ordinary, ordinary, 0.25, 0.5)
		}
		softmaxOn(on, result(), ordinary, rows, cols)
		logSoftmaxOn(on, result(), ordinary, result()[:cols], rows, cols)
		mean, rstd := result()[:rows], result()[:rows]
		layerNormOn(on, result(), ordinary, gamma, beta, rows, cols, 1e-5, mean, rstd)
		layerNormGradOn(on, result(), result()[:cols], result()[:cols], ordinary, ordinary, gamma, mean, rstd, rows, cols)
		powOn(on, result(), ordinary, 2.7)
		powOn(on, result(), ordinary, -3)
		for _, x := range results {
			for i, v := range x {
				if v != v {
					x[i] = float32(math.NaN())
				}
			}
		}
		const want uint32 = 0xf24f4214
		if got := checksum(results...); got != want {
			t.Errorf("on %v the results have the checksum %#x instead of %#x", on, got, want)
		}
	}
}
