package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// BenchmarkForward is the latency of standard networks on one picture of
// 224 x 224 pixels; docs/performance.md compares it.
func BenchmarkForward(b *testing.B) {
	for _, name := range []string{"resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1", "vit_b_16"} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				g := network(b, name)
				p, err := Compile(g, []int{1, 3, 224, 224}, Options{Workers: workers})
				if err != nil {
					b.Fatal(err)
				}
				x := normal(rand.New(rand.NewPCG(1, 1)), p.input.size())
				p.Forward(x)
				b.ReportAllocs()
				for b.Loop() {
					p.Forward(x)
				}
				b.ReportMetric(float64(p.Memory())/(1<<20), "MiB")
			})
		}
	}
}

// BenchmarkTraining is one step of SGD on a batch of eight pictures.
func BenchmarkTraining(b *testing.B) {
	for _, name := range []string{"resnet18", "resnet50"} {
		b.Run(name, func(b *testing.B) {
			t, err := NewTrainer(network(b, name), TrainOptions{Options: Options{Workers: 1}, Batch: 8, Loss: CrossEntropy{},
				Optimizer: Optimizer{Kind: SGD, LearningRate: 1e-6, Momentum: .9}})
			if err != nil {
				b.Fatal(err)
			}
			x := normal(rand.New(rand.NewPCG(1, 1)), t.prog.input.size())
			targets := make([]float32, 8*t.Columns())
			if err := OneHot(targets, []int{0, 1, 2, 3, 4, 5, 6, 7}, t.Columns(), 0); err != nil {
				b.Fatal(err)
			}
			if _, err := t.Step(x, targets); err != nil { // what only the first one does
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := t.Step(x, targets); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(t.Memory())/(1<<20), "MiB")
		})
	}
}

func network(b testing.TB, name string) *graph.Graph {
	b.Helper()
	g, err := zoo.New(name, zoo.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	return g
}
