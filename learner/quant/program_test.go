package quant

import (
	"errors"
	"hash/fnv"
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// made quantizes a network by images.
func made(t testing.TB, g *graph.Graph, x []float32, m Method) *graph.Graph {
	t.Helper()
	ranges, err := Calibrate(g, slices.Values([][]float32{x}), Options{Ranges: m, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(g, ranges)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func compiled(t testing.TB, q *graph.Graph, batch, workers int) *Program {
	t.Helper()
	p, err := Compile(q, batch, Options{Workers: workers})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func pass(t testing.TB, p *Program, x []float32) []float32 {
	t.Helper()
	y, err := p.Forward(x)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(y)
}

// TestAgainstFakeQuantization holds the program to what the nodes of the
// graph say. Roundings of values near a tie differ, and some of them reach
// the output.
func TestAgainstFakeQuantization(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			for seed := range uint64(3) {
				g := f.make(seed)
				x := images(seed, g, 3)
				q := made(t, g, x, MinMax())
				p := compiled(t, q, 3, 1)
				got, want := pass(t, p, x), fakeQuantized(q, x, 3)
				scale, _, ok := p.Scale()
				if !ok {
					t.Fatal("the output is not of bytes")
				}
				off := 0
				for i, v := range got {
					d := math.Abs(float64(v)-want[i]) / float64(scale)
					if d > 3.5 {
						t.Fatalf("seed %d: output %d is %v, want %v: %.1f steps", seed, i, v, want[i], d)
					}
					if d > .5 {
						off++
					}
				}
				if off > len(got)/4+1 {
					t.Errorf("seed %d: %d of %d outputs differ", seed, off, len(got))
				}
			}
		})
	}
}

// TestNearFloat holds the program to the float32 network.
func TestNearFloat(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			g := f.make(5)
			x := images(6, g, 8)
			for _, m := range []Method{MinMax(), Percentile(DefaultPercentile), MSE()} {
				p := compiled(t, made(t, g, x, m), 8, 1)
				float, err := nn.Compile(g, batchOf(g.Inputs[0].Dims, 8), nn.Options{Workers: 1})
				if err != nil {
					t.Fatal(err)
				}
				want := float.Forward(x)
				if c := Compare(want, pass(t, p, x), len(want)/8); !(c.SNR > 18) {
					t.Errorf("method %v: %.1f dB", m, c.SNR)
				}
			}
		})
	}
}

// featureBits are checksums of the families' features as bytes. They hold on
// every architecture and kernel path.
var featureBits = map[string]uint64{
	"mlp":          0x5f33048ad2bd1299,
	"lenet":        0xf54170a780c66d0e,
	"vgg":          0x9e3a364717b78ee3,
	"resnet":       0x1edeb95c6c9f8ec0,
	"mobilenet":    0x1cfe9090e579b167,
	"squeezenet":   0xafd49f5efa33a308,
	"densenet":     0x32d45d2c9fbc9f76,
	"mobilenet v3": 0x47d0314c74100a2b,
	"efficientnet": 0xc3c614783d76a4d,
	"shufflenet":   0x63d552f4d2a1536e,
	"sensors":      0x6c8515c7549e8ab7,
}

func TestFeatureBitsGolden(t *testing.T) {
	for _, f := range families {
		g := f.make(7)
		x := images(8, g, 4)
		p := compiled(t, roundRanges(t, g), 4, 1)
		pass(t, p, x)
		h := fnv.New64a()
		h.Write(p.Bytes())
		if got := h.Sum64(); got != featureBits[f.name] {
			t.Errorf("%s: checksum %#x, want %#x", f.name, got, featureBits[f.name])
		}
	}
}

func TestIndependence(t *testing.T) {
	for _, f := range families {
		t.Run(f.name, func(t *testing.T) {
			g := f.make(9)
			x := images(10, g, 3)
			q := made(t, g, x, MinMax())
			all := pass(t, compiled(t, q, 3, 1), x)
			if y := pass(t, compiled(t, q, 3, 3), x); !slices.Equal(y, all) {
				t.Error("three workers give another result")
			}
			one := compiled(t, q, 1, 1)
			in, out := len(x)/3, len(all)/3
			for i := range 3 {
				if y := pass(t, one, x[i*in:(i+1)*in]); !slices.Equal(y, all[i*out:(i+1)*out]) {
					t.Errorf("image %d alone gives another result", i)
				}
			}
		})
	}
}

func TestAllocatesNothing(t *testing.T) {
	for _, f := range families {
		g := f.make(11)
		x := images(12, g, 2)
		p := compiled(t, made(t, g, x, MinMax()), 2, 1)
		pass(t, p, x)
		p.Bytes()
		if n := testing.AllocsPerRun(5, func() { _, _ = p.Forward(x); p.Bytes() }); n != 0 {
			t.Errorf("%s: %v allocations in a pass", f.name, n)
		}
	}
}

func TestPixels(t *testing.T) {
	for _, name := range []string{"resnet", "mlp"} {
		for _, f := range families {
			if f.name != name {
				continue
			}
			g := f.make(13)
			g.Metadata[MetadataMean], g.Metadata[MetadataStd] = "0.5", "0.25"
			if name == "resnet" {
				g.Metadata[MetadataMean] = "0.4, 0.5,0.6"
			}
			pixels := make([]uint8, 2*graph.Size(g.Inputs[0].Dims[1:]))
			x := make([]float32, len(pixels))
			channels := 1
			if name == "resnet" {
				channels = 3
			}
			plane := len(pixels) / 2 / channels
			for i := range pixels {
				pixels[i] = uint8(i*37 + i/300)
				mean := []float32{.5}
				if channels == 3 {
					mean = []float32{.4, .5, .6}
				}
				x[i] = (float32(pixels[i])/255 - mean[i/plane%channels]) / .25
			}
			p := compiled(t, made(t, g, x, MinMax()), 2, 1)
			want := pass(t, p, x)
			got, err := p.ForwardPixels(pixels)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: pixels give %v (%v), want %v", name, got, err, want)
			}
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	g := families[3].make(1)
	q := made(t, g, images(1, g, 2), MinMax())
	p := compiled(t, q, 2, 1)
	var batch *BatchError
	if _, err := p.Forward(make([]float32, 7)); !errors.As(err, &batch) {
		t.Errorf("a batch of 7 numbers: %v", err)
	}
	if _, err := p.ForwardPixels(nil); !errors.As(err, &batch) {
		t.Errorf("no pixels: %v", err)
	}
	for _, bad := range []string{"a", "0.5,,", "NaN", "1,2"} {
		q.Metadata[MetadataMean] = bad
		if _, err := Compile(q, 2, Options{}); !errors.Is(err, graph.ErrCorrupt) {
			t.Errorf("%s=%q: %v", MetadataMean, bad, err)
		}
	}
	q.Metadata[MetadataMean], q.Metadata[MetadataStd] = "0", "0"
	if _, err := Compile(q, 2, Options{}); !errors.Is(err, graph.ErrCorrupt) {
		t.Errorf("a deviation of 0: %v", err)
	}
	var un *graph.UnsupportedError
	if _, err := Compile(q, 0, Options{}); !errors.As(err, &un) {
		t.Errorf("a batch of 0: %v", err)
	}
	if _, err := Quantize(q, Ranges{}); !errors.As(err, &un) {
		t.Errorf("quantizing twice: %v", err)
	}
}

// roundRanges quantizes with ranges that do not depend on the float32 engine,
// whose sums differ between paths.
func roundRanges(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	n, err := prepare(g)
	if err != nil {
		t.Fatal(err)
	}
	ranges := Ranges{}
	for i, v := range n.sources() {
		ranges[v] = Range{-2 - float32(i%3), 3 + float32(i%5)}
	}
	q, err := Quantize(g, ranges)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
