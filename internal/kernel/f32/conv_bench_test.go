package f32

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// square returns the geometry of a layer on square images, padded to keep
// their size, or half of it with a stride of 2.
func square(batch, size, in, out, kernel, stride, groups int) Geometry {
	return Geometry{
		Batch: batch, InH: size, InW: size, InC: in, OutH: size / stride, OutW: size / stride, OutC: out,
		KernelH: kernel, KernelW: kernel, StrideH: stride, StrideW: stride, PadTop: kernel / 2, PadLeft: kernel / 2,
		DilationH: 1, DilationW: 1, Groups: groups,
	}
}

// BenchmarkConv measures layers of ResNets and MobileNets in all directions,
// on one worker.
func BenchmarkConv(b *testing.B) {
	for _, batch := range []int{1, 8} {
		for _, g := range []Geometry{
			square(batch, 224, 3, 64, 7, 2, 1), square(batch, 224, 3, 32, 3, 2, 1),
			square(batch, 56, 64, 64, 3, 1, 1), square(batch, 28, 128, 128, 3, 1, 1),
			square(batch, 14, 256, 256, 3, 1, 1), square(batch, 7, 512, 512, 3, 1, 1),
			square(batch, 56, 64, 128, 3, 2, 1), square(batch, 56, 64, 128, 1, 2, 1),
			square(batch, 14, 256, 512, 3, 2, 1), square(batch, 28, 512, 1024, 1, 2, 1),
			square(batch, 56, 64, 256, 1, 1, 1), square(batch, 56, 256, 64, 1, 1, 1), square(batch, 14, 256, 1024, 1, 1, 1), square(batch, 14, 1024, 256, 1, 1, 1),
			square(batch, 7, 2048, 512, 1, 1, 1), square(batch, 7, 512, 2048, 1, 1, 1), square(batch, 112, 32, 16, 1, 1, 1), square(batch, 28, 32, 192, 1, 1, 1),
			square(batch, 14, 128, 128, 3, 1, 32),
			square(batch, 112, 32, 32, 3, 1, 32), square(batch, 112, 96, 96, 3, 2, 96), square(batch, 56, 144, 144, 3, 1, 144),
			square(batch, 28, 192, 192, 3, 1, 192), square(batch, 14, 576, 576, 3, 1, 576), square(batch, 14, 576, 576, 3, 2, 576), square(batch, 7, 960, 960, 3, 1, 960),
			square(batch, 28, 120, 120, 5, 1, 120),
		} {
			for _, on := range cpu.Available() {
				if batch > 1 && on == cpu.Generic {
					continue
				}
				name := fmt.Sprintf("%dx%d-%d-%d-k%d-s%d-g%d/%v/", batch, g.InH, g.InC, g.OutC, g.KernelH, g.StrideH, g.Groups, on)
				benchmarkConv(b, name, newConv(on, g))
			}
		}
	}
}

func benchmarkConv(b *testing.B, name string, c *Conv) {
	rng := rand.New(rand.NewPCG(1, 2))
	p := pool.New(1)
	x, w, y := numbers(rng, c.inSize()), numbers(rng, c.weightsSize()), numbers(rng, c.outSize())
	dx, dw := make([]float32, len(x)), make([]float32, len(w))
	bias := numbers(rng, c.g.OutC)
	flops := 2 * c.outSize() * c.depth
	c.Pack(w)
	run := func(direction string, f func()) {
		b.Run(name+direction, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			reportFlops(b, flops)
			b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e6, "us")
		})
	}
	run("forward", func() { c.Forward(p, y, x, ReLU(bias)) })
	run("input", func() { c.BackwardInput(p, dx, y, w) })
	run("weights", func() { c.BackwardWeights(p, dw, x, y) })
}

// BenchmarkPack measures what comes before the products when weights change,
// in elements.
func BenchmarkPack(b *testing.B) {
	for _, g := range []Geometry{square(1, 7, 512, 512, 3, 1, 1), square(1, 28, 128, 128, 3, 1, 1), square(1, 7, 2048, 512, 1, 1, 1), square(1, 14, 256, 512, 3, 2, 1)} {
		for _, on := range cpu.Available() {
			c := newConv(on, g)
			c.p = pool.New(1)
			w := numbers(rand.New(rand.NewPCG(1, 2)), c.weightsSize())
			turned := newConv(on, g)
			turned.resetPanels()
			run := func(name string, f func()) {
				b.Run(fmt.Sprintf("%d-%d-k%d/%v/%s", g.InC, g.OutC, g.KernelH, on, name), func(b *testing.B) {
					for b.Loop() {
						f()
					}
					b.ReportMetric(b.Elapsed().Seconds()/float64(b.N)*1e9/float64(len(w)), "ns/element")
					b.ReportMetric(0, "ns/op")
				})
			}
			run("forward", func() { c.Pack(w) })
			c.resetTurned()
			c.w = w
			run("weights", func() { c.unturn() })
			if g.InC == g.OutC {
				c.backward = turned
				run("input", func() {
					c.w = w
					c.p.Run(turned.panels[0].panels(), c.tasks.packTurned)
				})
			}
		}
	}
}
