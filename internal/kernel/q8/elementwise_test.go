package q8

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

func drawAffine(t *rapid.T, name string) Affine {
	return Affine{float32(math.Exp(rapid.Float64Range(-6, 1).Draw(t, name+" scale"))), rapid.Uint8().Draw(t, name+" zero")}
}

func drawBytes(rng *rand.Rand, n int) []uint8 {
	x := make([]uint8, n)
	for i := range x {
		x[i] = uint8(rng.Uint32())
	}
	return x
}

func real(a Affine, q uint8) float64 { return float64(a.Scale) * float64(int(q)-int(a.Zero)) }

// near reports whether a byte stands for v as well as a byte can, but for a
// little.
func near(y Affine, q uint8, v float64, lo, hi uint8) bool {
	exact := v/float64(y.Scale) + float64(y.Zero)
	return math.Abs(float64(q)-min(max(exact, float64(lo)), float64(hi))) < .6
}

func TestSumAndTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, y := drawAffine(t, "a"), drawAffine(t, "b"), drawAffine(t, "y")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		n := rapid.IntRange(1, 70).Draw(t, "n")
		qa, qb := drawBytes(rng, n), drawBytes(rng, n)
		var sums, products []uint8
		for _, on := range cpu.Available() {
			sum, err := newSum(on, a, b, y, 2, 251)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]uint8, n)
			sum.Run(got, qa, qb)
			if sums == nil {
				sums = got
				for i, q := range got {
					if v := real(a, qa[i]) + real(b, qb[i]); !near(y, q, v, 2, 251) {
						t.Fatalf("%v + %v = %v, got %v", real(a, qa[i]), real(b, qb[i]), v, real(y, q))
					}
				}
			}
			if !slices.Equal(got, sums) {
				t.Fatalf("%v: the sum differs", on)
			}
			times, err := newTimes(on, a, b, y, 0, 255)
			if err != nil {
				t.Fatal(err)
			}
			got = make([]uint8, 3*n)
			times.Run(got, slices.Concat(qa, qb, qa), qb)
			if products == nil {
				products = got
				for i, q := range got[:n] {
					if v := real(a, qa[i]) * real(b, qb[i]); !near(y, q, v, 0, 255) {
						t.Fatalf("%v * %v = %v, got %v", real(a, qa[i]), real(b, qb[i]), v, real(y, q))
					}
				}
			}
			if !slices.Equal(got, products) {
				t.Fatalf("%v: the product differs", on)
			}
		}
	})
}

func TestPooling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
		g := Geometry{Batch: draw("batch", 1, 2), InH: draw("height", 1, 9), InW: draw("width", 1, 9), InC: draw("channels", 1, 70),
			OutH: draw("rows", 1, 5), OutW: draw("columns", 1, 5), KernelH: draw("kernel", 1, 3), KernelW: draw("kernel", 1, 3),
			StrideH: draw("stride", 1, 3), StrideW: draw("stride", 1, 3), PadTop: draw("pad", 0, 2), PadLeft: draw("pad", 0, 2),
			DilationH: draw("dilation", 1, 2), DilationW: 1, Groups: 1}
		g.OutC = g.InC
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		x := drawBytes(rng, g.input())
		ax, ay := drawAffine(t, "x"), drawAffine(t, "y")
		countPad := rapid.Bool().Draw(t, "count padding")
		mean, err := NewMean(g, ax, ay, countPad)
		if err != nil {
			t.Skip(err)
		}
		averages := make([]uint8, g.output())
		mean.runOn(cpu.Generic, averages, x, 0, g.Batch*g.OutH, make([]int32, g.InC))
		for _, on := range cpu.Available()[1:] {
			got := make([]uint8, g.output())
			mean.runOn(on, got, x, 0, g.Batch*g.OutH, make([]int32, g.InC))
			if !slices.Equal(got, averages) {
				t.Fatalf("%v: the mean differs", on)
			}
		}
		for _, on := range cpu.Available() {
			y := make([]uint8, g.output())
			half := g.Batch * g.OutH / 2
			maxPool(on, y, x, &g, 0, half)
			maxPool(on, y, x, &g, half, g.Batch*g.OutH)
			for i := range g.Batch * g.OutH * g.OutW {
				n, oy, ox := i/g.OutW/g.OutH, i/g.OutW%g.OutH, i%g.OutW
				for c := range g.InC {
					var largest uint8
					var sum float64
					count := 0
					g.window(oy, ox, func(iy, ix int) {
						v := x[((n*g.InH+iy)*g.InW+ix)*Stride(g.InC)+c]
						largest = max(largest, v)
						sum += real(ax, v)
						count++
					})
					if got := y[i*Stride(g.InC)+c]; got != largest {
						t.Fatalf("%v: largest of pixel %d, channel %d is %d, not %d", on, i, c, got, largest)
					}
					if countPad {
						count = g.KernelH * g.KernelW
					}
					if got := averages[i*Stride(g.InC)+c]; !near(ay, got, sum/float64(max(count, 1)), 0, 255) {
						t.Fatalf("mean of pixel %d, channel %d is %v, not %v", i, c, real(ay, got), sum/float64(count))
					}
				}
			}
		}
	})
}

func TestQuantize(t *testing.T) {
	nan := float32(math.NaN())
	inf := float32(math.Inf(1))
	x := []float32{0, .5, 1.5, 2.5, -1, -1e9, 1e9, nan, inf, -inf, 245, 244.4}
	q := make([]uint8, len(x))
	Quantize(q, x, 1, 10)
	if want := []uint8{10, 10, 12, 12, 9, 0, 255, 10, 255, 0, 255, 254}; !slices.Equal(q, want) {
		t.Errorf("%v, want %v", q, want)
	}
	back := make([]float32, 3)
	Dequantize(back, []uint8{0, 10, 255}, .5, 10)
	if want := []float32{-5, 0, 122.5}; !slices.Equal(back, want) {
		t.Errorf("%v, want %v", back, want)
	}
}

func TestTablesAndChannels(t *testing.T) {
	table := Rescale(Affine{.5, 10}, Affine{1, 20})
	for q, want := range map[uint8]uint8{10: 20, 12: 21, 0: 15, 255: 142, 11: 20, 13: 22} {
		if table[q] != want {
			t.Errorf("%d becomes %d, not %d", q, table[q], want)
		}
	}
	x := []uint8{1, 2, 3, 4, 5, 6, 7, 8}
	y := make([]uint8, 8)
	CopyChannels(y, 4, 1, x, 4, 2, 2, 2)
	if want := []uint8{0, 3, 4, 0, 0, 7, 8, 0}; !slices.Equal(y, want) {
		t.Errorf("copied %v, want %v", y, want)
	}
	GatherChannels(y, 4, x, 4, []int{3, 0, 1}, 2)
	if want := []uint8{4, 1, 2, 0, 8, 5, 6, 0}; !slices.Equal(y, want) {
		t.Errorf("gathered %v, want %v", y, want)
	}
	Lookup(y, x, table)
	for i, v := range x {
		if y[i] != table[v] {
			t.Errorf("looked up %d for %d, want %d", y[i], v, table[v])
		}
	}
}
