package quant

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// quantizedZoo returns a standard architecture in int8, calibrated on noise.
func quantizedZoo(b testing.TB, name string) *graph.Graph {
	b.Helper()
	g, err := zoo.New(name, zoo.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 2*3*224*224)
	for i := range x {
		x[i] = float32(rng.NormFloat64())
	}
	ranges, err := Calibrate(g, slices.Values([][]float32{x}), Options{})
	if err != nil {
		b.Fatal(err)
	}
	q, err := Quantize(g, ranges)
	if err != nil {
		b.Fatal(err)
	}
	return q
}

// BenchmarkForward is the latency of standard networks in int8 on one picture
// of 224 x 224 pixels; docs/performance.md compares it.
func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1"} {
		q := quantizedZoo(b, name)
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				p, err := Compile(q, 1, Options{Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				pixels := make([]uint8, 3*224*224)
				for i := range pixels {
					pixels[i] = uint8(i * 7)
				}
				if _, err := p.ForwardPixels(pixels); err != nil {
					b.Fatal(err)
				}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := p.ForwardPixels(pixels); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
