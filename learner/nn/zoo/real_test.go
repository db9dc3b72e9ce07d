package zoo_test

import (
	"compress/gzip"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// shared returns the path of a file of the data beside the repository, or
// skips.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the data are not beside the repository: %v", err)
	}
	return path
}

// side is the width and the height of CIFAR's pictures.
const side = 32

// pictures are colour pictures, three planes of side x side pixels each, and
// their labels.
type pictures struct {
	planes []uint8
	labels []int
}

// cifar returns the first n pictures of a file of CIFAR-10.
func cifar(t testing.TB, name string, n int) pictures {
	t.Helper()
	f, err := os.Open(shared(t, "cifar10/"+name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]byte, n*(1+3*side*side))
	if _, err := io.ReadFull(z, raw); err != nil {
		t.Fatal(err)
	}
	var p pictures
	for record := range slices.Chunk(raw, 1+3*side*side) {
		p.labels = append(p.labels, int(record[0]))
		p.planes = append(p.planes, record[1:]...)
	}
	return p
}

// weights returns the tensors of a file of trained weights.
func weights(t testing.TB, file string) map[string]*graph.Tensor {
	t.Helper()
	tensors, _, err := safetensors.ReadFile(shared(t, "models/safetensors/"+file+".safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	return tensors
}

// TestTrainedResNets gives networks of the zoo weights from elsewhere, and
// holds them to the accuracy that the data's description states.
func TestTrainedResNets(t *testing.T) {
	if testing.Short() {
		t.Skip("runs two networks on 500 pictures")
	}
	const count = 500
	test := cifar(t, "test_batch_first1000.bin.gz", count)
	mean, std := []float32{.485, .456, .406}, []float32{.229, .224, .225}
	x := make([]float32, len(test.planes))
	for i, v := range test.planes {
		c := i / (side * side) % 3
		x[i] = (float32(v)/255 - mean[c]) / std[c]
	}
	for _, c := range []struct {
		name, file string
		want       float64
	}{
		{"cifar_resnet32", "resnet32-cifar10", .932},
		{"cifar_resnet56", "resnet56-cifar10", .940},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := network(t, c.name, zoo.Options{})
			if err := safetensors.Bind(g, weights(t, c.file)); err != nil {
				t.Fatal(err)
			}
			r, err := nn.NewRunner(g, 25, nn.Options{})
			if err != nil {
				t.Fatal(err)
			}
			got := accuracy(r.Forward(x, count), test.labels)
			t.Logf("%d pictures: %.1f%%", count, 100*got)
			if got < c.want-1e-9 {
				t.Errorf("accuracy %.4f, the description says %.4f", got, c.want)
			}
		})
	}
}

// accuracy returns the share of rows whose largest logit is that of the label.
func accuracy(logits []float32, labels []int) float64 {
	right, classes := 0, len(logits)/len(labels)
	for i, label := range labels {
		row := logits[i*classes : (i+1)*classes]
		if slices.Index(row, slices.Max(row)) == label {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// TestLinearProbeOnMobileNet puts a linear classifier on what MobileNetV1,
// trained on ImageNet, sees in small pictures of other classes. Its features
// must be worth far more than the pixels.
func TestLinearProbeOnMobileNet(t *testing.T) {
	if os.Getenv("BRISTLED_LONG") == "" {
		t.Skip("takes about a minute; set BRISTLED_LONG=1")
	}
	train := cifar(t, "data_batch_1.bin.gz", 2000)
	test := cifar(t, "test_batch_first1000.bin.gz", 1000)
	pixels := func(p pictures) []float32 {
		x := make([]float32, len(p.planes))
		for i, v := range p.planes {
			x[i] = float32(v)
		}
		return x
	}
	raw := probed(t, pixels(train), train.labels, pixels(test), test.labels)

	r := mobileNet(t, mobileSide)
	got := probed(t, featuresOf(r, train), train.labels, featuresOf(r, test), test.labels)
	t.Logf("%d pictures to learn from, %d to test: %.1f%%, on raw pixels %.1f%%", len(train.labels), len(test.labels), 100*got, 100*raw)
	if got < .82 || got < raw+.3 {
		t.Errorf("accuracy %.4f, on raw pixels %.4f", got, raw)
	}
}

// Pictures are enlarged to this side for MobileNet, and go through it this many
// at a time.
const mobileSide, mobileBatch = 160, 10

// mobileNet returns MobileNetV1 up to its twelfth block, the last of which
// the file has weights, for pictures of side x side pixels. Its features are
// the means of the channels.
func mobileNet(t testing.TB, side int) *nn.Runner {
	t.Helper()
	last := "conv_pw_12_bn_relu6"
	g, err := graph.Cut(network(t, "mobilenet_v1", zoo.Options{Height: side, Width: side}), last)
	if err != nil {
		t.Fatal(err)
	}
	if err := safetensors.Bind(g, weights(t, "mobilenet_v1_1.0_imagenet_blocks1-12")); err != nil {
		t.Fatal(err)
	}
	g.Nodes = append(g.Nodes, graph.Node{Op: "GlobalAveragePool", Inputs: []string{last}, Outputs: []string{"features"}})
	g.Outputs[0].Name = "features"
	r, err := nn.NewRunner(g, mobileBatch, nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// featuresOf returns the features of pictures, which are enlarged to what the
// network takes and scaled from -1 to 1.
func featuresOf(r *nn.Runner, p pictures) []float32 {
	large := int(math.Sqrt(float64(r.Input() / 3)))
	x := make([]float32, 0, mobileBatch*r.Input())
	var features []float32
	for some := range slices.Chunk(p.planes, mobileBatch*3*side*side) {
		x = x[:0]
		for plane := range slices.Chunk(some, side*side) {
			x = enlarged(x, plane, large)
		}
		features = append(features, r.Forward(x, len(x)/r.Input())...)
	}
	return features
}

// enlarged appends a plane of pixels, resized to large x large by bilinear
// interpolation between the centres of pixels and scaled from -1 to 1.
func enlarged(x []float32, plane []uint8, large int) []float32 {
	// at returns the pixels on both sides of a place, and the weight of the second.
	at := func(i int) (a, b int, w float32) {
		place := min(max((float64(i)+.5)*side/float64(large)-.5, 0), side-1)
		a = int(place)
		return a, min(a+1, side-1), float32(place - float64(a))
	}
	for i := range large {
		top, bottom, v := at(i)
		for j := range large {
			left, right, h := at(j)
			row := func(y int) float32 {
				return (1-h)*float32(plane[y*side+left]) + h*float32(plane[y*side+right])
			}
			x = append(x, ((1-v)*row(top)+v*row(bottom))/127.5-1)
		}
	}
	return x
}

// probed trains a softmax layer on samples that lie one after another in
// train, and returns its accuracy on others.
func probed(t testing.TB, train []float32, trainLabels []int, test []float32, testLabels []int) float64 {
	t.Helper()
	const classes, batch, epochs = 10, 50, 40
	width := len(train) / len(trainLabels)
	standardised(train, test, width)
	g := &graph.Graph{
		Opset:  13,
		Inputs: []graph.Value{{Name: "x", Type: graph.Float32, Dims: []int{-1, width}}},
		Nodes: []graph.Node{{
			Op: "Gemm", Inputs: []string{"x", "weight", "bias"}, Outputs: []string{"logits"},
			Attrs: map[string]graph.Attr{"transB": int64(1)},
		}},
		Outputs: []graph.Value{{Name: "logits", Type: graph.Float32, Dims: []int{-1, classes}}},
		Consts: map[string]*graph.Tensor{
			"weight": graph.Floats(make([]float32, classes*width), classes, width),
			"bias":   graph.Floats(make([]float32, classes), classes),
		},
	}
	steps := epochs * len(trainLabels) / batch
	trainer, err := nn.NewTrainer(g, nn.TrainOptions{
		Batch: batch, Loss: nn.CrossEntropy{}, Schedule: nn.Cosine{Total: steps},
		Optimizer: nn.Optimizer{Kind: nn.AdamW, LearningRate: 3e-4, WeightDecay: 10},
	})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 0))
	x, targets, labels := make([]float32, batch*width), make([]float32, batch*classes), make([]int, batch)
	var order []int
	for range steps {
		if len(order) < batch {
			order = rng.Perm(len(trainLabels))
		}
		for i, s := range order[:batch] {
			copy(x[i*width:], train[s*width:(s+1)*width])
			labels[i] = trainLabels[s]
		}
		order = order[batch:]
		if err := nn.OneHot(targets, labels, classes, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := trainer.Step(x, targets); err != nil {
			t.Fatal(err)
		}
	}
	r, err := nn.NewRunner(g, batch, nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return accuracy(r.Forward(test, len(testLabels)), testLabels)
}

// standardised shifts and scales every column of both matrices so that those
// of train have mean 0 and variance 1.
func standardised(train, test []float32, width int) {
	for c := range width {
		var sum, squares float64
		for i := c; i < len(train); i += width {
			sum += float64(train[i])
			squares += float64(train[i]) * float64(train[i])
		}
		n := float64(len(train) / width)
		mean := sum / n
		// A feature that is always 0 stays so.
		scale := 1 / math.Sqrt(squares/n-mean*mean+1e-6)
		for _, x := range [][]float32{train, test} {
			for i := c; i < len(x); i += width {
				x[i] = float32((float64(x[i]) - mean) * scale)
			}
		}
	}
}
