package robust

import (
	"math/rand/v2"
	"testing"
)

// BenchmarkRules measures the rules on two workers at n = 64, d = 65,536, f = 8,
// but Multi-Krum at n = 80, f = 20 and MDA at n = 30, d = 2048, f = 10.
func BenchmarkRules(b *testing.B) {
	for _, c := range []struct {
		name    string
		n, d, f int
		more    Values
	}{
		{"mean", 64, 65536, 0, nil},
		{"median", 64, 65536, 0, nil},
		{"trimmed-mean", 64, 65536, 8, nil},
		{"meamed", 64, 65536, 8, nil},
		{"krum", 64, 65536, 8, nil},
		{"multi-krum", 80, 65536, 20, nil},
		{"bulyan", 64, 65536, 8, nil},
		{"geometric-median", 64, 65536, 0, Values{"steps": 3}},
		{"centered-clipping", 64, 65536, 0, nil},
		{"caf", 64, 65536, 8, nil},
		{"mda", 30, 2048, 10, nil},
		{"dnc", 64, 65536, 8, nil},
		{"clipped-clustering", 64, 65536, 0, nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			rng := rand.New(rand.NewPCG(1, 1))
			vectors := make([][]float32, c.n)
			for i := range vectors {
				vectors[i] = make([]float32, c.d)
				for j := range vectors[i] {
					vectors[i][j] = rng.Float32()
				}
			}
			v := Values{"f": float64(c.f)}
			for name, x := range c.more {
				v[name] = x
			}
			rule := build(b, c.name, 2, v)
			dst := make([]float32, c.d)
			in := input(vectors, 1)
			b.ReportAllocs()
			for b.Loop() {
				rule.Aggregate(dst, in)
			}
		})
	}
}
