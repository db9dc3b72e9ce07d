package learner

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
	"github.com/bristle-fl/bristled/learner/quant"
)

// noisySeries is a set of random series of three axes that differ in mean and
// spread.
func noisySeries(steps, n int) data.Set {
	rng := rand.New(rand.NewPCG(5, 5))
	set := data.Set{Shape: [3]int{3, 1, steps}, Classes: []string{"only"}}
	for range n {
		var pixels []uint8
		for axis := range 3 {
			for range steps {
				pixels = append(pixels, uint8(60*axis+rng.IntN(40<<axis)/2))
			}
		}
		set.Samples = append(set.Samples, data.Sample{Pixels: pixels})
	}
	return set
}

// weightsFile writes the weights of an architecture the way that other tools
// keep convolutions over time: with one more axis.
func weightsFile(t *testing.T, architecture string) string {
	t.Helper()
	g, err := zoo.New(architecture, zoo.Options{Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Consts {
		if len(c.Dims) == 3 {
			c.Dims = append(c.Dims, 1)
		}
	}
	file, err := safetensors.Marshal(g.Consts, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "weights.safetensors")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTransfer(t *testing.T) {
	weights, set := weightsFile(t, "bristle_wisdm"), noisySeries(41, 30)
	file, err := Transfer("bristle_wisdm", weights, set, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Transfer("bristle_wisdm", weights, set, true)
	if err != nil || !bytes.Equal(file, again) {
		t.Errorf("the same arguments gave another file (%v)", err)
	}
	b, err := LoadBackbone(file)
	if err != nil {
		t.Fatal(err)
	}
	if b.Input() != set.Shape || b.Features() != 128 {
		t.Errorf("%v -> %d features", b.Input(), b.Features())
	}
	net, err := transferred("bristle_wisdm", weights, set, true)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := signalToNoise(floatFeatures(t, net, set), byteFeatures(t, b, set)); ratio < 20 {
		t.Errorf("the noise is %.1f dB below the signal, want 20", ratio)
	}
	// What it does not standardise, it takes as it is.
	plain, err := Transfer("bristle_wisdm", weights, set, false)
	if err != nil || bytes.Equal(file, plain) {
		t.Errorf("standardising changed nothing (%v)", err)
	}
}

func TestTransferRefuses(t *testing.T) {
	weights, set := weightsFile(t, "bristle_wisdm"), noisySeries(41, 3)
	broken := filepath.Join(t.TempDir(), "broken.safetensors")
	if err := os.WriteFile(broken, []byte("no weights"), 0o600); err != nil {
		t.Fatal(err)
	}
	mismatch := func(err error) bool {
		_, ok := errors.AsType[*safetensors.MismatchError](err)
		return ok
	}
	is := func(want error) func(error) bool {
		return func(err error) bool { return errors.Is(err, want) }
	}
	for name, c := range map[string]struct {
		architecture, weights string
		set                   data.Set
		want                  func(error) bool
	}{
		"no samples":           {"bristle_wisdm", weights, data.Set{Shape: set.Shape}, is(data.ErrEmpty)},
		"unknown architecture": {"bristle", weights, set, is(zoo.ErrUnknown)},
		"no file":              {"bristle_wisdm", broken + "x", set, is(fs.ErrNotExist)},
		"broken file":          {"bristle_wisdm", broken, set, is(safetensors.ErrCorrupt)},
		"other weights":        {"har1d", weights, set, mismatch},
		"the same picture":     {"bristle_wisdm", weights, data.Set{Shape: set.Shape, Samples: []data.Sample{set.Samples[0], set.Samples[0]}}, is(quant.ErrSameImage)},
	} {
		if _, err := Transfer(c.architecture, c.weights, c.set, false); !c.want(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFreezeRefusesScaling(t *testing.T) {
	set := noisySeries(41, 3)
	for key, bad := range map[string]string{quant.MetadataMean: "some", quant.MetadataStd: "1,0,1"} {
		net, err := zoo.New("har1d", zoo.Options{Width: 41})
		if err != nil {
			t.Fatal(err)
		}
		net.Metadata[key] = bad
		if _, err := Freeze(net, set); err == nil {
			t.Errorf("%s %q was taken", key, bad)
		}
	}
}

// The author's networks are of use for the data of the experiments, and int8
// keeps that: a softmax layer trained on their features does much better than
// one on the standardised pixels, which gets 31% of WISDM and 36% of CIFAR-10
// right. Not all samples are used, to be quick; BRISTLED_LONG=1 takes 5,000.
func TestTransferReal(t *testing.T) {
	if testing.Short() {
		t.Skip("trains output layers")
	}
	root := filepath.Join("..", "..", "shared", "data")
	for _, c := range []struct {
		architecture, weights, dir string
		read                       func(string) (train, test data.Set, err error)
		standardise                bool
		most                       int // samples of training; 0: it takes too long
		want                       float64
	}{
		{"bristle_wisdm", "wisdm", "wisdm/wisdm51-phone-accel", data.ReadWISDM, true, 600, .60},
		{"bristle_cifar10_2", "cifar10-2", "cifar10", data.ReadCIFAR10, false, 250, .38},
		{"bristle_cifar10", "cifar10", "cifar10", data.ReadCIFAR10, false, 0, .55},
	} {
		t.Run(c.architecture, func(t *testing.T) {
			weights := filepath.Join(root, "models", "safetensors", "bristle-transfer-"+c.weights+".safetensors")
			dir := filepath.Join(root, filepath.FromSlash(c.dir))
			for _, path := range []string{weights, dir} {
				if _, err := os.Stat(path); err != nil {
					t.Skip("not beside the repository: ", err)
				}
			}
			most, tests := c.most, 500
			if os.Getenv("BRISTLED_LONG") != "" {
				most, tests = 5000, 1000
			}
			if most == 0 {
				t.Skip("takes 10 seconds; set BRISTLED_LONG=1")
			}
			train, test, err := c.read(dir)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(2, 2))
			pick(rng, &train, most)
			pick(rng, &test, tests)
			file, err := Transfer(c.architecture, weights, train, c.standardise)
			if err != nil {
				t.Fatal(err)
			}
			b, err := LoadBackbone(file)
			if err != nil {
				t.Fatal(err)
			}
			net, err := transferred(c.architecture, weights, train, c.standardise)
			if err != nil {
				t.Fatal(err)
			}
			float := linearProbe(floatFeatures(t, net, train), train, floatFeatures(t, net, test), test)
			int8 := linearProbe(byteFeatures(t, b, train), train, byteFeatures(t, b, test), test)
			t.Logf("%d samples of %v -> %d features: accuracy %.3f in float32, %.3f in int8", len(train.Samples), b.Input(), b.Features(), float, int8)
			if float < c.want || int8 < float-.04 {
				t.Errorf("accuracy %.3f in float32 and %.3f in int8, want %.2f and no less than .04 below", float, int8, c.want)
			}
		})
	}
}

// pick leaves n samples of a set, chosen at random.
func pick(rng *rand.Rand, set *data.Set, n int) {
	rng.Shuffle(len(set.Samples), func(i, j int) { set.Samples[i], set.Samples[j] = set.Samples[j], set.Samples[i] })
	set.Samples = set.Samples[:min(n, len(set.Samples))]
}

// floatFeatures is what the output layer of a network reads.
func floatFeatures(t *testing.T, net *graph.Graph, set data.Set) []float32 {
	t.Helper()
	g, err := graph.Cut(net, "features")
	if err != nil {
		t.Fatal(err)
	}
	normalise, err := quant.Normaliser(net.Metadata, set.Shape[0], set.Shape[1]*set.Shape[2])
	if err != nil {
		t.Fatal(err)
	}
	r, err := nn.NewRunner(g, 32, nn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	size := r.Input()
	out := make([]float32, len(set.Samples)*size)
	for i, s := range set.Samples {
		normalise(out[i*size:], s.Pixels)
	}
	return r.Forward(out, len(set.Samples))
}

func byteFeatures(t *testing.T, b *Backbone, set data.Set) []float32 {
	t.Helper()
	bytes, err := b.Extract(context.Background(), set.Samples, 2)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, len(bytes))
	b.Floats(out, bytes, 1)
	return out
}

// signalToNoise is the ratio of want's power to that of its difference from
// got, in decibels.
func signalToNoise(want, got []float32) float64 {
	var signal, noise float64
	for i, v := range want {
		signal += float64(v) * float64(v)
		noise += float64(v-got[i]) * float64(v-got[i])
	}
	return 10 * math.Log10(signal/noise)
}

// linearProbe trains a softmax layer by gradient descent with momentum on
// features x of one set, and returns its accuracy on features y of another.
func linearProbe(x []float32, train data.Set, y []float32, test data.Set) float64 {
	const batch, momentum, epochs = 50, .9, 20
	n, classes := len(train.Samples), len(train.Classes)
	width := len(x) / n
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	// The step is such that it does not depend on the size of the features.
	rate := float32(.3 * float64(n) / squares)
	weights, velocity := make([]float32, classes*width), make([]float32, classes*width)
	p := make([]float64, classes)
	rng := rand.New(rand.NewPCG(1, 1))
	for range epochs {
		order := rng.Perm(n)
		for ; len(order) >= batch; order = order[batch:] {
			for j := range velocity {
				velocity[j] *= momentum
			}
			for _, i := range order[:batch] {
				row, sum := x[i*width:(i+1)*width], 0.
				for c := range p {
					p[c] = math.Exp(min(80, float64(kernel.Dot(weights[c*width:(c+1)*width], row))))
					sum += p[c]
				}
				for c := range p {
					g := p[c] / sum
					if c == train.Samples[i].Label {
						g--
					}
					kernel.Axpy(-rate*float32(g)/batch, row, velocity[c*width:(c+1)*width])
				}
			}
			kernel.Axpy(1, velocity, weights)
		}
	}
	right := 0
	for i, s := range test.Samples {
		best, top := 0, float32(math.Inf(-1))
		for c := range classes {
			if z := kernel.Dot(weights[c*width:(c+1)*width], y[i*width:(i+1)*width]); z > top {
				best, top = c, z
			}
		}
		right += map[bool]int{true: 1}[best == s.Label]
	}
	return float64(right) / float64(len(test.Samples))
}
