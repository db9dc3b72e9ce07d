package kernel

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// BenchmarkGemm measures the products of a round: heads times probe
// features, head training, and the convolutions of LeNet, forward and
// backward, as im2col makes them. A multiply-add is two operations, a product
// and a sum; a core that issues two 512-bit ones per cycle does at most 16
// multiply-adds per cycle.
func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, s := range []struct {
		what    string
		kind    string
		m, n, k int
	}{
		{"heads", "NN", 310, 48, 800},
		{"heads", "NN", 120, 40, 800},
		{"heads", "NT", 310, 48, 800},
		{"logits", "NN", 32, 10, 800},
		{"logits", "NT", 32, 10, 800},
		{"gradient", "TN", 10, 800, 32},
		{"conv1", "NN", 10, 576, 25},
		{"conv2", "NN", 50, 64, 250},
		{"conv1 weights", "NT", 10, 25, 576},
		{"conv2 weights", "NT", 50, 250, 64},
		{"conv2 input", "TN", 250, 64, 50},
		{"large", "NN", 512, 512, 512},
		{"large", "NT", 512, 512, 512},
	} {
		a, x := ordinary(rng, s.m*s.k), ordinary(rng, s.k*s.n)
		c := make([]float32, s.m*s.n)
		for _, on := range cpu.Available() {
			b.Run(fmt.Sprintf("%s/%s/%dx%dx%d/%v", s.what, s.kind, s.m, s.n, s.k, on), func(b *testing.B) {
				for b.Loop() {
					switch s.kind {
					case "NN":
						gemmBlocks(on, s.m, s.n, s.k, a, s.k, 1, x, s.n, c, s.n)
					case "NT":
						gemmNT(on, s.m, s.n, s.k, a, s.k, x, s.k, c, s.n)
					case "TN":
						gemmBlocks(on, s.m, s.n, s.k, a, 1, s.m, x, s.n, c, s.n)
					}
				}
				reportRate(b, s.m*s.n*s.k, "GMAC/s")
			})
		}
	}
}

// BenchmarkVector measures the vector routines on one head of 10 x 800.
func BenchmarkVector(b *testing.B) {
	const n = 8000
	rng := rand.New(rand.NewPCG(3, 4))
	x, y, m, v := ordinary(rng, n), ordinary(rng, n), make([]float32, n), make([]float32, n)
	var acc [lanes]float32
	// No weight decay: it would bring the gradient, and with it the moments,
	// down to subnormal numbers in the course of the benchmark.
	step := adamConstants{0, 0.9, 0.1, 0.999, 0.001, 1e-3, 1e-8, 0.1, 0.001}
	for _, f := range []struct {
		name string
		do   func(on cpu.Path)
	}{
		{"Dot", func(on cpu.Path) { dot(on, &acc, x, y) }},
		{"SquaredDistance", func(on cpu.Path) { squaredDistance(on, &acc, x, y) }},
		{"Axpy", func(on cpu.Path) { axpy(on, 1e-6, x, y) }},
		{"Adam", func(on cpu.Path) { adam(on, y, x, m, v, &step) }},
	} {
		for _, on := range cpu.Available() {
			b.Run(fmt.Sprintf("%s/%v", f.name, on), func(b *testing.B) {
				for b.Loop() {
					f.do(on)
				}
				reportRate(b, n, "Gelem/s")
			})
		}
	}
}

func BenchmarkExp(b *testing.B) {
	x := float32(-3)
	for b.Loop() {
		x = -Exp(x) - 1
	}
}

func BenchmarkLog(b *testing.B) {
	x := float32(3)
	for b.Loop() {
		x = Log(x) + 2
	}
}

func reportRate(b *testing.B, n int, unit string) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, unit)
}
