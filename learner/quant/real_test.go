package quant

import (
	"compress/gzip"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// pictures are labelled test data, pixels 0 to 255 as planes.
type pictures struct {
	pixels []uint8
	labels []int
}

// unzipped returns up to count bytes of a gzipped file of the shared data.
func unzipped(t testing.TB, name string, count int) []byte {
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
	b, err := io.ReadAll(io.LimitReader(z, int64(count)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// cifar reads the first count pictures of a CIFAR-10 file.
func cifar(t testing.TB, name string, count int) (p pictures) {
	t.Helper()
	for row := range slices.Chunk(unzipped(t, "cifar10/"+name+".bin.gz", count*(1+3*32*32)), 1+3*32*32) {
		p.labels = append(p.labels, int(row[0]))
		p.pixels = append(p.pixels, row[1:]...)
	}
	return p
}

// mnist reads the first count pictures of an MNIST file, "t10k" or "train".
func mnist(t testing.TB, name string, count int) (p pictures) {
	t.Helper()
	p.pixels = unzipped(t, "mnist/"+name+"-images-idx3-ubyte.gz", 16+count*28*28)[16:]
	for _, l := range unzipped(t, "mnist/"+name+"-labels-idx1-ubyte.gz", 8+count)[8:] {
		p.labels = append(p.labels, int(l))
	}
	return p
}

// bind gives a network weights from elsewhere.
func bind(t testing.TB, g *graph.Graph, file string) {
	t.Helper()
	tensors, _, err := safetensors.ReadFile(shared(t, "models/safetensors/"+file+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Bind(g, tensors); err != nil {
		t.Fatal(err)
	}
}

// normalised returns pixels as numbers, as the graph's metadata say.
func normalised(t testing.TB, g *graph.Graph, pixels []uint8) []float32 {
	t.Helper()
	mean, std, err := normalisation(g.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	plane := graph.Size(g.Inputs[0].Dims[2:])
	x := make([]float32, len(pixels))
	for i, p := range pixels {
		c := i / plane % len(mean)
		x[i] = (float32(p)/255 - mean[c]) / std[c]
	}
	return x
}

// inFloat32 returns what a network makes of pixels.
func inFloat32(t testing.TB, g *graph.Graph, pixels []uint8, batch int) (y []float32) {
	t.Helper()
	p, err := nn.Compile(g, batchOf(g.Inputs[0].Dims, batch), nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk(pixels, batch*graph.Size(g.Inputs[0].Dims[1:])) {
		y = append(y, p.Forward(normalised(t, g, part))...)
	}
	return y
}

// inInt8 returns what a network makes of pixels after it was quantized,
// written and read again.
func inInt8(t testing.TB, g *graph.Graph, m Method, calibration, pixels []uint8, batch int) (y []float32) {
	t.Helper()
	whole := batch * graph.Size(g.Inputs[0].Dims[1:])
	ranges, err := Calibrate(g, slices.Chunk(normalised(t, g, calibration), whole), Options{Ranges: m})
	if err != nil {
		t.Fatal(err)
	}
	q, err := Quantize(g, ranges)
	if err != nil {
		t.Fatal(err)
	}
	p := compiled(t, again(t, q), batch, 0)
	for part := range slices.Chunk(pixels, whole) {
		some, err := p.ForwardPixels(part)
		if err != nil {
			t.Fatal(err)
		}
		y = append(y, some...)
	}
	return y
}

// accuracy returns the share of rows whose largest number is that of the label.
func accuracy(y []float32, labels []int) float64 {
	right, classes := 0, len(y)/len(labels)
	for i, l := range labels {
		if largest(y[i*classes:(i+1)*classes]) == l {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// TestTrainedNetworks quantizes networks that were trained elsewhere: int8
// must be within a point of float32 on pictures that neither the training nor
// the calibration saw.
func TestTrainedNetworks(t *testing.T) {
	if testing.Short() {
		t.Skip("runs networks on hundreds of pictures, twice")
	}
	digits := func(t testing.TB, count int) (calibration, test pictures) {
		return mnist(t, "train", 100), mnist(t, "t10k", count)
	}
	photos := func(t testing.TB, count int) (calibration, test pictures) {
		return cifar(t, "data_batch_1", 100), cifar(t, "test_batch_first1000", count)
	}
	percentile, mse := Percentile(DefaultPercentile), MSE()
	for _, c := range []struct {
		name      string
		file      string // ONNX, or the weights of the zoo's network of this name
		mean, std string
		pictures  func(t testing.TB, count int) (calibration, test pictures)
		count     int
		batch     int
		ranges    map[string]Method
		least     float64 // accuracy in float32
	}{
		// Its pixels are not scaled.
		{"mnist-8", "mnist-8.onnx", "0", "0.00392156862745098", digits, 500, 1,
			map[string]Method{"percentile": percentile, "mse": mse}, .986},
		{"resnet20", "resnet20-cifar10.onnx", "0.485,0.456,0.406", "0.229,0.224,0.225", photos, 1000, 50,
			map[string]Method{"percentile": percentile, "mse": mse}, .921},
		{"cifar_resnet32", "resnet32-cifar10", "0.485,0.456,0.406", "0.229,0.224,0.225", photos, 500, 50,
			map[string]Method{"percentile": percentile}, .932},
		{"cifar_resnet56", "resnet56-cifar10", "0.485,0.456,0.406", "0.229,0.224,0.225", photos, 500, 50,
			map[string]Method{"percentile": percentile}, .940},
	} {
		t.Run(c.name, func(t *testing.T) {
			var g *graph.Graph
			var err error
			if strings.HasSuffix(c.file, ".onnx") {
				g, err = onnx.ReadFile(shared(t, "models/onnx/"+c.file))
			} else {
				g, err = zoo.New(c.name, zoo.Options{})
			}
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(c.file, ".onnx") {
				bind(t, g, c.file)
			}
			g.Metadata = map[string]string{MetadataMean: c.mean, MetadataStd: c.std}
			calibration, test := c.pictures(t, c.count)
			float := inFloat32(t, g, test.pixels, c.batch)
			before := accuracy(float, test.labels)
			for name, m := range c.ranges {
				int8 := inInt8(t, g, m, calibration.pixels, test.pixels, c.batch)
				after := accuracy(int8, test.labels)
				near := Compare(float, int8, 10)
				t.Logf("%s: float32 %.1f%%, int8 %.1f%%, agreement %.1f%%, %.1f dB", name, 100*before, 100*after, 100*near.Agreement, near.SNR)
				if err := CheckDrop(before, after, .01); err != nil || before < c.least-1e-9 {
					t.Errorf("%s: float32 %v, int8 %v: %v", name, before, after, err)
				}
			}
		})
	}
}

// TestMobileNetFeatures quantizes MobileNetV1, trained on ImageNet, up to its
// twelfth block, the last of which there are weights. Its features in int8
// must point where those in float32 do.
func TestMobileNetFeatures(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a large network on some pictures, twice")
	}
	const side, count, width = 128, 40, 1024
	const last = "conv_pw_12_bn_relu6"
	g, err := zoo.New("mobilenet_v1", zoo.Options{Height: side, Width: side})
	if err != nil {
		t.Fatal(err)
	}
	if g, err = graph.Cut(g, last); err != nil {
		t.Fatal(err)
	}
	bind(t, g, "mobilenet_v1_1.0_imagenet_blocks1-12")
	g.Nodes = append(g.Nodes, graph.Node{Op: "GlobalAveragePool", Inputs: []string{last}, Outputs: []string{"features"}})
	g.Outputs[0].Name = "features"
	g.Metadata = map[string]string{MetadataMean: "0.5", MetadataStd: "0.5"}

	calibration := enlarged(cifar(t, "data_batch_1", count).pixels, side/32)
	test := enlarged(cifar(t, "test_batch_first1000", count).pixels, side/32)
	float := inFloat32(t, g, test, 10)
	int8 := inInt8(t, g, Percentile(DefaultPercentile), calibration, test, 10)
	sum, least := 0.0, 1.0
	for i := range count {
		c := cosine(float[i*width:(i+1)*width], int8[i*width:(i+1)*width])
		sum += c
		least = min(least, c)
	}
	t.Logf("cosine similarity of the features: mean %.4f, least %.4f", sum/count, least)
	if !(sum/count > .98) {
		t.Errorf("cosine similarity %.4f in the mean", sum/count)
	}
}

// enlarged returns CIFAR's pictures with every pixel as many times in both
// directions.
func enlarged(pixels []uint8, times int) []uint8 {
	large := make([]uint8, 0, len(pixels)*times*times)
	for row := range slices.Chunk(pixels, 32) {
		start := len(large)
		for _, p := range row {
			large = append(large, slices.Repeat([]uint8{p}, times)...)
		}
		wide := large[start:]
		for range times - 1 {
			large = append(large, wide...)
		}
	}
	return large
}

// cosine returns the cosine of the angle between two vectors.
func cosine(a, b []float32) float64 {
	var ab, aa, bb float64
	for i := range a {
		ab += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return ab / math.Sqrt(aa*bb)
}

// again returns a graph after it was written and read.
func again(t testing.TB, g *graph.Graph) *graph.Graph {
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
