package quant

import (
	"compress/gzip"
	"io"
	"os"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// cifar reads up to count pictures and labels of a CIFAR-10 file.
func cifar(t *testing.T, name string, count int) (pixels, labels []uint8) {
	t.Helper()
	f, err := os.Open(shared(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(io.LimitReader(z, int64(count)*(1+3*32*32)))
	if err != nil {
		t.Fatal(err)
	}
	for row := range slices.Chunk(b, 1+3*32*32) {
		labels = append(labels, row[0])
		pixels = append(pixels, row[1:]...)
	}
	return pixels, labels
}

// TestResNet20 quantizes a trained network: int8 must be within a point of
// float32 on a thousand pictures.
func TestResNet20(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a network on 1100 pictures twice")
	}
	g, err := onnx.ReadFile(shared(t, "models/onnx/resnet20-cifar10.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if g.Metadata == nil {
		g.Metadata = map[string]string{}
	}
	g.Metadata[MetadataMean], g.Metadata[MetadataStd] = "0.485,0.456,0.406", "0.229,0.224,0.225"
	mean, std, err := normalisation(g)
	if err != nil {
		t.Fatal(err)
	}
	pixels, labels := cifar(t, "cifar10/test_batch_first1000.bin.gz", 1000)
	x := make([]float32, len(pixels))
	for i, p := range pixels {
		c := i / 1024 % 3
		x[i] = (float32(p)/255 - mean[c]) / std[c]
	}
	// Calibrated on pictures of the training set.
	train, _ := cifar(t, "cifar10/data_batch_1.bin.gz", 128)
	calibration := make([]float32, 128*3072)
	for i := range calibration {
		c := i / 1024 % 3
		calibration[i] = (float32(train[i])/255 - mean[c]) / std[c]
	}
	const batch = 50
	float, err := nn.Compile(g, []int{batch, 3, 32, 32}, nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	right := func(y []float32, labels []uint8) (n int) {
		for i, l := range labels {
			if largest(y[10*i:10*i+10]) == int(l) {
				n++
			}
		}
		return n
	}
	var want []float32
	for part := range slices.Chunk(x, batch*3072) {
		want = append(want, float.Forward(part)...)
	}
	before := float64(right(want, labels)) / 1000
	for name, m := range map[string]Method{"percentile": Percentile(DefaultPercentile), "mse": MSE()} {
		ranges, err := Calibrate(g, slices.Chunk(calibration, 64*3072), Options{Ranges: m})
		if err != nil {
			t.Fatal(err)
		}
		q, err := Quantize(g, ranges)
		if err != nil {
			t.Fatal(err)
		}
		p := compiled(t, again(t, q), batch, 0)
		var got []float32
		for part := range slices.Chunk(pixels, batch*3072) {
			y, err := p.ForwardPixels(part)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, y...)
		}
		after := float64(right(got, labels)) / 1000
		c := Compare(want, got, 10)
		t.Logf("%s: float32 %.1f%%, int8 %.1f%%, agreement %.1f%%, %.1f dB", name, 100*before, 100*after, 100*c.Agreement, c.SNR)
		if err := CheckDrop(before, after, .01); err != nil || before < .915 {
			t.Errorf("%s: float32 %v, int8 %v: %v", name, before, after, err)
		}
	}
}

// again returns a graph after it was written and read.
func again(t *testing.T, g *graph.Graph) *graph.Graph {
	t.Helper()
	b, err := onnx.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	g, err = onnx.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestGoldenNetworks quantizes the golden networks, transformers among them,
// writes them, reads them again and holds them to float32.
func TestGoldenNetworks(t *testing.T) {
	for _, name := range []string{"mlp", "mlp_tied", "lenet", "resnet_op11", "resnet_bottleneck", "mobilenetv2_op9", "mobilenetv3_op14_folded",
		"squeezenet", "densenet", "vgg", "efficientnet", "shufflenet", "convzoo", "har1d", "vit", "vit_dyn", "swin"} {
		t.Run(name, func(t *testing.T) {
			g, err := onnx.ReadFile(shared(t, "golden/"+name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			batch := max(g.Inputs[0].Dims[0], 1)
			x := images(1, g, batch)
			p := compiled(t, again(t, made(t, g, x, MinMax())), batch, 1)
			float, err := nn.Compile(g, batchOf(g.Inputs[0].Dims, batch), nn.Options{Workers: 1})
			if err != nil {
				t.Fatal(err)
			}
			want := float.Forward(x)
			c := Compare(want, pass(t, p, x), len(want)/batch)
			t.Logf("%.1f dB", c.SNR)
			if !(c.SNR > 18) {
				t.Errorf("%.1f dB", c.SNR)
			}
		})
	}
}
