package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// leNetMACs is the multiply-adds of one LeNet image: forward, and forward and
// backward (the first convolution needs no gradient of its input).
func leNetMACs(classes int) (forward, training float64) {
	conv1, conv2, dense := 24*24*10*25.0, 8*8*50*250.0, 800.0*float64(classes)
	return conv1 + conv2 + dense, 2*conv1 + 3*conv2 + 3*dense
}

func BenchmarkForward(b *testing.B) {
	n := LeNet(26, false, rand.New(rand.NewPCG(1, 2)))
	x, _ := batch(n, 64, 3)
	r := NewRunner(n, 64)
	b.ReportAllocs()
	images := 0
	for b.Loop() {
		r.Forward(x, 64)
		images += 64
	}
	macs, _ := leNetMACs(26)
	rate := float64(images) / b.Elapsed().Seconds()
	b.ReportMetric(1e6/rate, "µs/image")
	b.ReportMetric(rate*macs/1e9, "GMAC/s")
	b.ReportMetric(0, "ns/op")
	b.Logf("kernel path %s", cpu.Active().String())
}

func BenchmarkTraining(b *testing.B) {
	for _, size := range []int{32, 64} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("batch=%d/workers=%d", size, workers), func(b *testing.B) {
				n := LeNet(26, false, rand.New(rand.NewPCG(1, 2)))
				x, labels := batch(n, size, 3)
				t := NewTrainer(n, TrainerOptions{Workers: workers})
				b.ReportAllocs()
				images := 0
				for b.Loop() {
					if _, err := t.Step(x, labels, 1e-4); err != nil {
						b.Fatal(err)
					}
					images += size
				}
				_, macs := leNetMACs(26)
				rate := float64(images) / b.Elapsed().Seconds()
				b.ReportMetric(rate, "images/s")
				b.ReportMetric(rate*macs/1e9, "GMAC/s")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}

// batch returns random samples and labels.
func batch(n *Net, size int, seed uint64) ([]float32, []int) {
	rng := rand.New(rand.NewPCG(seed, 4))
	x, labels := make([]float32, size*n.in.size()), make([]int, size)
	for i := range x {
		x[i] = rng.Float32()*2 - 0.5
	}
	for i := range labels {
		labels[i] = rng.IntN(n.Outputs())
	}
	return x, labels
}
