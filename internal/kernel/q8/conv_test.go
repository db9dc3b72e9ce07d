package q8

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// sample is a random convolution.
type sample struct {
	g     Geometry
	w     []int8
	x     []uint8
	xZero uint8
	r     Requant
}

func drawConv(t *rapid.T) sample {
	draw := func(name string, lo, hi int) int { return rapid.IntRange(lo, hi).Draw(t, name) }
	g := Geometry{Batch: draw("batch", 1, 3), InH: draw("height", 1, 9), InW: draw("width", 1, 12),
		KernelH: draw("kernel height", 1, 4), KernelW: draw("kernel width", 1, 4),
		StrideH: draw("stride", 1, 3), StrideW: draw("stride", 1, 3), PadTop: draw("pad", 0, 3), PadLeft: draw("pad", 0, 3),
		DilationH: draw("dilation", 1, 2), DilationW: draw("dilation", 1, 2), Groups: draw("groups", 1, 3)}
	g.OutH, g.OutW = draw("rows", 1, 8), draw("columns", 1, 17)
	switch draw("kind", 0, 2) {
	case 0: // depthwise
		g.Groups = draw("channels", 2, 150)
		g.InC, g.OutC = g.Groups, g.Groups
	case 1: // 1x1
		g.KernelH, g.KernelW, g.StrideH, g.StrideW, g.PadTop, g.PadLeft, g.Groups = 1, 1, 1, 1, 0, 0, 1
		g.OutH, g.OutW = g.InH, g.InW
		fallthrough
	default:
		g.InC, g.OutC = g.Groups*draw("inputs", 1, 40), g.Groups*draw("outputs", 1, 70)
	}
	return sampleOf(g, rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
}

func sampleOf(g Geometry, rng *rand.Rand) sample {
	s := sample{g: g, xZero: uint8(rng.Uint32())}
	s.w = make([]int8, g.OutC*g.InC/g.Groups*g.KernelH*g.KernelW)
	for i := range s.w {
		s.w[i] = int8(rng.Uint32())
	}
	s.x = make([]uint8, g.input())
	for i := range s.x {
		s.x[i] = uint8(rng.Uint32())
	}
	s.r = Requant{Zero: uint8(rng.Uint32()), Lo: uint8(rng.IntN(9)), Hi: 255 - uint8(rng.IntN(9))}
	for range g.OutC {
		m, shift, err := Fixed(rng.Float64() / float64(int(100)<<rng.IntN(8)))
		if err != nil {
			panic(err)
		}
		s.r.Bias, s.r.Multiplier, s.r.Shift = append(s.r.Bias, int32(rng.IntN(20001)-10000)), append(s.r.Multiplier, m), append(s.r.Shift, shift)
	}
	return s
}

// slow is the definition: every product in 64 bits.
func (s sample) slow() []uint8 {
	g := s.g
	y := make([]uint8, g.output())
	inPer, outPer := g.InC/g.Groups, g.OutC/g.Groups
	for n := range g.Batch {
		for oy := range g.OutH {
			for ox := range g.OutW {
				for o := range g.OutC {
					sum := int64(s.r.Bias[o])
					for ky := range g.KernelH {
						for kx := range g.KernelW {
							iy, ix := oy*g.StrideH-g.PadTop+ky*g.DilationH, ox*g.StrideW-g.PadLeft+kx*g.DilationW
							if iy < 0 || ix < 0 || iy >= g.InH || ix >= g.InW {
								continue
							}
							for i := range inPer {
								x := s.x[((n*g.InH+iy)*g.InW+ix)*Stride(g.InC)+o/outPer*inPer+i]
								sum += (int64(x) - int64(s.xZero)) * int64(s.w[((o*inPer+i)*g.KernelH+ky)*g.KernelW+kx])
							}
						}
					}
					v := (sum*int64(s.r.Multiplier[o]) + 1<<(s.r.Shift[o]-1)) >> s.r.Shift[o]
					v = min(max(v+int64(s.r.Zero), int64(s.r.Lo)), int64(s.r.Hi))
					y[((n*g.OutH+oy)*g.OutW+ox)*Stride(g.OutC)+o] = uint8(v)
				}
			}
		}
	}
	return y
}

// TestConv holds every path, with one worker and with three, against the
// definition.
func TestConv(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawConv(t)
		want := s.slow()
		for _, on := range cpu.Available() {
			c, err := newConv(on, s.g, s.w, s.xZero, s.r)
			if err != nil {
				t.Fatal(err)
			}
			for _, workers := range []int{1, 3} {
				y := make([]uint8, len(want))
				c.Forward(pool.New(workers), y, s.x)
				clearPadding(y, s.g.OutC)
				if !slices.Equal(y, want) {
					t.Fatalf("%v, %d workers: %+v differs", on, workers, s.g)
				}
			}
		}
	})
}

// clearPadding clears the bytes beyond the channels.
func clearPadding(y []uint8, channels int) {
	for i := range y {
		if i%Stride(channels) >= channels {
			y[i] = 0
		}
	}
}

func TestConvFloat(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawConv(t)
		if s.g.Groups == s.g.InC && s.g.OutC == s.g.InC && s.g.InC > 1 {
			t.Skip("a depthwise convolution was drawn: it has kernels and a test of its own")
		}
		scale := make([]float32, s.g.OutC)
		for i := range scale {
			scale[i] = 1 / float32(i+3)
		}
		var want []float32
		for _, on := range cpu.Available() {
			c, err := newConv(on, s.g, s.w, s.xZero, s.r)
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float32, s.g.Batch*s.g.OutH*s.g.OutW*s.g.OutC)
			c.ForwardFloat(pool.New(2), y, s.x, scale)
			if want == nil {
				want = y
			} else if !slices.Equal(y, want) {
				t.Fatalf("%v: %+v differs", on, s.g)
			}
		}
	})
}

func TestConvAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, g := range []Geometry{
		{2, 8, 8, 16, 8, 8, 40, 3, 3, 1, 1, 1, 1, 1, 1, 1},
		{2, 8, 8, 70, 8, 8, 70, 3, 3, 1, 1, 1, 1, 1, 1, 70},
	} {
		s := sampleOf(g, rng)
		c, err := NewConv(g, s.w, s.xZero, s.r)
		if err != nil {
			t.Fatal(err)
		}
		p, y := pool.New(2), make([]uint8, g.output())
		for range 3 {
			c.Forward(p, y, s.x)
		}
		if n := testing.AllocsPerRun(20, func() { c.Forward(p, y, s.x) }); n >= 1 {
			t.Errorf("%v allocations", n)
		}
	}
}

func TestConvRefuses(t *testing.T) {
	g := Geometry{1, 1, 1, 70000, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1}
	w := make([]int8, 70000)
	for i := range w {
		w[i] = 127
	}
	r := Requant{Bias: []int32{0}, Multiplier: []int32{1 << 30}, Shift: []uint8{40}, Hi: 255}
	if _, err := NewConv(g, w, 0, r); err == nil {
		t.Error("sums that overflow are accepted")
	}
	if _, err := NewConv(g, w[1:], 0, r); err == nil {
		t.Error("too few weights are accepted")
	}
	for _, f := range []float64{0, -1, .25, 1e9} {
		if _, _, err := Fixed(f); err == nil {
			t.Errorf("the factor %v is accepted", f)
		}
	}
}

func benchmarkConv(b *testing.B, g Geometry) {
	s := sampleOf(g, rand.New(rand.NewPCG(1, 1)))
	c, err := NewConv(g, s.w, s.xZero, s.r)
	if err != nil {
		b.Fatal(err)
	}
	p, y := pool.New(1), make([]uint8, g.output())
	c.Forward(p, y, s.x)
	for b.Loop() {
		c.Forward(p, y, s.x)
	}
	macs := float64(g.Batch*g.OutH*g.OutW) * float64(g.OutC*g.InC/g.Groups*g.KernelH*g.KernelW)
	b.ReportMetric(2*macs*float64(b.N)/b.Elapsed().Seconds()/1e9, "GOP/s")
}

// BenchmarkGemm is a dense layer of the shapes that docs/performance.md
// compares.
func BenchmarkGemm(b *testing.B) {
	for _, s := range [][3]int{{512, 512, 512}, {3136, 64, 576}, {784, 128, 1152}, {196, 256, 2304}, {49, 512, 4608}, {197, 333, 1001}, {1, 1000, 2048}} {
		b.Run(fmt.Sprintf("%dx%dx%d", s[0], s[1], s[2]), func(b *testing.B) {
			benchmarkConv(b, Geometry{1, 1, s[0], s[2], 1, s[0], s[1], 1, 1, 1, 1, 0, 0, 1, 1, 1})
		})
	}
}

// BenchmarkConv has layers of ResNet and MobileNet.
func BenchmarkConv(b *testing.B) {
	for _, c := range []struct {
		name string
		g    Geometry
	}{
		{"7x7 3-64 at 112", Geometry{1, 224, 224, 3, 112, 112, 64, 7, 7, 2, 2, 3, 3, 1, 1, 1}},
		{"3x3 64-64 at 56", Geometry{1, 56, 56, 64, 56, 56, 64, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
		{"3x3 128-128 at 28", Geometry{1, 28, 28, 128, 28, 28, 128, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
		{"3x3 256-256 at 14", Geometry{1, 14, 14, 256, 14, 14, 256, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
		{"3x3 512-512 at 7", Geometry{1, 7, 7, 512, 7, 7, 512, 3, 3, 1, 1, 1, 1, 1, 1, 1}},
		{"1x1 64-256 at 56", Geometry{1, 56, 56, 64, 56, 56, 256, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
		{"1x1 16-96 at 112", Geometry{1, 112, 112, 16, 112, 112, 96, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
		{"1x1 144-24 at 56", Geometry{1, 56, 56, 144, 56, 56, 24, 1, 1, 1, 1, 0, 0, 1, 1, 1}},
		{"depthwise 3x3 96 at 56, stride 2", Geometry{1, 112, 112, 96, 56, 56, 96, 3, 3, 2, 2, 1, 1, 1, 1, 96}},
		{"depthwise 3x3 144 at 56", Geometry{1, 56, 56, 144, 56, 56, 144, 3, 3, 1, 1, 1, 1, 1, 1, 144}},
		{"depthwise 5x5 672 at 14", Geometry{1, 14, 14, 672, 14, 14, 672, 5, 5, 1, 1, 2, 2, 1, 1, 672}},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkConv(b, c.g) })
	}
}
