package finetune

import (
	"context"
	"flag"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

var benchEpochs = flag.Int("finetune.epochs", 4, "epochs of BenchmarkFineTune; 20 are what docs/performance.md tells of")

// BenchmarkFineTune trains ResNet-18 on 100 pictures of 224 x 224 by each plan,
// on one goroutine.
func BenchmarkFineTune(b *testing.B) {
	set := noise(100, 224)
	net, err := zoo.New("resnet18", zoo.Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	if net, err = ReplaceHead(net, 2, nil, 1); err != nil {
		b.Fatal(err)
	}
	for _, name := range []string{"full", "progressive", "probe"} {
		for _, augment := range []bool{false, true} {
			label := name
			plan, err := NewPlan(name, net, 0, *benchEpochs)
			if err != nil {
				b.Fatal(err)
			}
			if augment {
				label, plan.Augment = name+"/augmented", Radiographs()
			}
			b.Run(label, func(b *testing.B) {
				for range b.N {
					var last time.Time
					r, err := Train(context.Background(), net, plan, set, all(100), Options{Workers: 1, Progress: func(p Progress) {
						if p.Epoch == p.Epochs-1 && p.Step == p.Steps {
							last = time.Now()
						}
					}})
					if err != nil {
						b.Fatal(err)
					}
					b.ReportMetric(time.Since(last).Seconds(), "s/last-epoch")
					b.ReportMetric(float64(r.Memory)/(1<<20), "MiB")
				}
			})
		}
	}
}

// noise is a set of n grey noisy pictures.
func noise(n, side int) data.Set {
	rng := rand.New(rand.NewPCG(1, 1))
	set := data.Set{Shape: [3]int{3, side, side}, Classes: []string{"a", "b"}}
	for i := range n {
		p := make([]uint8, 3*side*side)
		for j := range p {
			p[j] = uint8(rng.IntN(200) + 50*(i%2))
		}
		set.Samples = append(set.Samples, data.Sample{Pixels: p, Label: i % 2})
	}
	return set
}
