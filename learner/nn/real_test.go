package nn

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// shared returns the path of a file of the shared data, and skips the test if
// it is not there.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(filepath.Dir(golden(t, "README.md"))), filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the data are not beside the repository: %v", err)
	}
	return path
}

// unzipped returns the content of a gzipped file of the shared data.
func unzipped(t testing.TB, name string) []byte {
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
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pictures is labelled test data, pixels 0 to 255 as planes.
type pictures struct {
	pixels [][]uint8
	labels []int
}

// cifar returns the first n test pictures of CIFAR-10.
func cifar(t testing.TB, n int) pictures {
	raw := unzipped(t, "cifar10/test_batch_first1000.bin.gz")
	var p pictures
	for i := range n {
		p.labels = append(p.labels, int(raw[i*3073]))
		p.pixels = append(p.pixels, raw[i*3073+1:(i+1)*3073])
	}
	return p
}

// mnist returns the first n test pictures of MNIST.
func mnist(t testing.TB, n int) pictures {
	raw, labels := unzipped(t, "mnist/t10k-images-idx3-ubyte.gz"), unzipped(t, "mnist/t10k-labels-idx1-ubyte.gz")
	var p pictures
	for i := range n {
		p.labels = append(p.labels, int(labels[8+i]))
		p.pixels = append(p.pixels, raw[16+i*784:16+(i+1)*784])
	}
	return p
}

// accuracyOf returns the share of pictures that a network names right, each
// pixel p being (p/255 - mean)/std.
func accuracyOf(t testing.TB, g *graph.Graph, p pictures, mean, std []float32) float64 {
	t.Helper()
	r, err := NewRunner(g, 10, Options{})
	if err != nil {
		t.Fatal(err)
	}
	right := 0
	x := make([]float32, r.Input())
	for i, pixels := range p.pixels {
		plane := len(pixels) / len(mean)
		for j, v := range pixels {
			x[j] = (float32(v)/255 - mean[j/plane]) / std[j/plane]
		}
		out := r.Forward(x, 1)
		if slices.Index(out, slices.Max(out)) == p.labels[i] {
			right++
		}
	}
	return float64(right) / float64(len(p.pixels))
}

// TestRealNetworks holds trained networks to the accuracy that the data's
// description states.
func TestRealNetworks(t *testing.T) {
	imagenet := [2][]float32{{.485, .456, .406}, {.229, .224, .225}}
	for _, c := range []struct {
		file      string
		mean, std []float32
		pictures  func(t testing.TB, n int) pictures
		n         int
		want      float64
	}{
		{"mnist-8", []float32{0}, []float32{1 / 255.}, mnist, 500, .986},
		{"resnet20-cifar10", imagenet[0], imagenet[1], cifar, 1000, .921},
		{"resnet_2b-cifar10", []float32{.4914, .4822, .4465}, []float32{.247, .2435, .2616}, cifar, 1000, .702},
	} {
		t.Run(c.file, func(t *testing.T) {
			g, err := onnx.ReadFile(shared(t, "models/onnx/"+c.file+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			got := accuracyOf(t, g, c.pictures(t, c.n), c.mean, c.std)
			t.Logf("%d pictures: %.1f%%", c.n, 100*got)
			if got < c.want-1e-9 {
				t.Errorf("accuracy %.4f, the description says %.4f", got, c.want)
			}
		})
	}
}
