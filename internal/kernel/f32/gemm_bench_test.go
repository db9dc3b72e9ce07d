package f32

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// BenchmarkGemm measures packed products of the shapes that the layers of
// ResNets have, dense layers at batch 1, and odd ones; on one worker.
func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := pool.New(1)
	for _, s := range [][3]int{
		{512, 512, 512}, {3136, 64, 576}, {784, 128, 1152}, {196, 256, 2304}, {49, 512, 4608},
		{3136, 256, 64}, {784, 512, 128}, {196, 1024, 256}, {49, 2048, 512}, {196, 256, 1024}, {49, 512, 2048},
		{1, 1000, 2048}, {8, 1000, 2048}, {197, 3072, 768}, {197, 768, 3072}, {333, 77, 431}, {100, 16, 96}, {3136, 24, 144},
	} {
		m, n, k := s[0], s[1], s[2]
		a, w, c := numbers(rng, m*k), numbers(rng, k*n), make([]float32, m*n)
		for _, on := range cpu.Available() {
			b.Run(fmt.Sprintf("%dx%dx%d/%v", m, n, k, on), func(b *testing.B) {
				var g Gemm
				q := packedOn(on, k, n, w)
				for b.Loop() {
					g.Packed(p, m, a, k, q, c, n, Epilogue{})
				}
				reportFlops(b, 2*m*n*k)
			})
		}
	}
}

// BenchmarkProduct measures products of matrices that are not packed.
func BenchmarkProduct(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := pool.New(1)
	for _, s := range [][3]int{{512, 512, 512}, {197, 197, 64}, {197, 64, 197}, {64, 576, 3136}, {256, 256, 1568}, {10, 800, 32}} {
		m, n, k := s[0], s[1], s[2]
		a, w, c := numbers(rng, m*k), numbers(rng, k*n), make([]float32, m*n)
		for _, on := range cpu.Available() {
			for _, kind := range []string{"NN", "TN", "NT"} {
				b.Run(fmt.Sprintf("%s/%dx%dx%d/%v", kind, m, n, k, on), func(b *testing.B) {
					g := Product{M: m, N: n, K: k, A: a, ARow: k, ACol: 1, B: w, BRow: n, BCol: 1, C: c, LDC: n}
					if kind == "TN" {
						g.ARow, g.ACol = 1, m
					}
					if kind == "NT" {
						g.BRow, g.BCol = 1, k
					}
					for b.Loop() {
						g.run(on, p)
					}
					reportFlops(b, 2*m*n*k)
				})
			}
		}
	}
}

func packedOn(on cpu.Path, k, n int, b []float32) *Packed {
	q := new(Packed)
	q.reset(on, k, n)
	for j := 0; j < n; j += q.nr {
		q.pack(j, b, n, 1)
	}
	return q
}

func reportFlops(b *testing.B, n int) {
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
	b.ReportMetric(0, "ns/op")
}
