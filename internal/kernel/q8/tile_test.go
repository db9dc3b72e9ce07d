package q8

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// TestTiles holds the micro-kernel of every path against portable Go.
func TestTiles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		c := tile{m: rapid.IntRange(1, 33).Draw(t, "m"), n: rapid.IntRange(1, panel).Draw(t, "n"), steps: rapid.IntRange(1, 33).Draw(t, "steps")}
		c.segs = rapid.IntRange(1, 4).Draw(t, "segs")
		c.ars, c.aseg = 4*c.steps+rapid.IntRange(0, 9).Draw(t, "gap"), rapid.IntRange(0, 50).Draw(t, "segment")
		c.ldy = c.n + rapid.IntRange(0, 9).Draw(t, "gap of y")
		extreme := rapid.Bool().Draw(t, "extreme")
		c.a = make([]uint8, (c.m-1)*c.ars+(c.segs-1)*c.aseg+4*c.steps)
		c.b = make([]int8, c.segs*c.steps*panel*4)
		for i := range c.a {
			c.a[i] = uint8(rng.Uint32())
			if extreme {
				c.a[i] = 255
			}
		}
		for i := range c.b {
			c.b[i] = int8(rng.Uint32())
			if extreme {
				c.b[i] = -128
			}
		}
		r := Requant{Zero: uint8(rng.Uint32()), Lo: 3, Hi: 250}
		for range c.n {
			m, s, err := Fixed(rng.Float64() / float64(int(1)<<rng.IntN(12)) / 4.001)
			if err != nil {
				t.Fatal(err)
			}
			r.Bias, r.Multiplier, r.Shift = append(r.Bias, int32(rng.Uint32())>>8), append(r.Multiplier, m), append(r.Shift, s)
		}
		c.q = new(panelRequant)
		c.q.set(&r, 0, c.n)
		run := func(on cpu.Path, raw bool) ([]uint8, []int32) {
			d := c
			d.y = make([]uint8, (c.m-1)*c.ldy+c.n)
			if raw {
				d.sums = make([]int32, c.m*panel)
			}
			runTile(on, &d)
			for i := range d.sums {
				if i%panel >= c.n {
					d.sums[i] = 0
				}
			}
			return d.y, d.sums
		}
		for _, raw := range []bool{false, true} {
			wantY, wantSums := run(cpu.Generic, raw)
			for _, on := range cpu.Available()[1:] {
				y, sums := run(on, raw)
				if !slices.Equal(y, wantY) || !slices.Equal(sums, wantSums) {
					t.Fatalf("%v: m=%d n=%d steps=%d raw=%v differs", on, c.m, c.n, c.steps, raw)
				}
			}
		}
	})
}

// BenchmarkTile is the micro-kernel alone, on data that stay in the cache.
func BenchmarkTile(b *testing.B) {
	for _, on := range cpu.Available() {
		for _, steps := range []int{4, 16, 144} {
			b.Run(fmt.Sprint(on, "/", 4*steps), func(b *testing.B) {
				q := &panelRequant{hi: 255}
				for i := range q.shift {
					q.shift[i], q.even[i], q.odd[i] = 5, 1<<30, 1<<30
				}
				c := tile{m: 56, n: 32, segs: 1, steps: steps, ars: 4 * steps, ldy: 32, q: q,
					a: make([]uint8, 56*4*steps), b: make([]int8, steps*panel*4), y: make([]uint8, 56*32)}
				for b.Loop() {
					runTile(on, &c)
				}
				b.ReportMetric(2*56*32*4*float64(steps)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
			})
		}
	}
}
