package learner

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"testing"

	"go.uber.org/goleak"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/data"
)

// smallPretrain takes a fraction of a second.
func smallPretrain() PretrainConfig {
	cfg := DefaultPretrain()
	cfg.Images, cfg.Epochs, cfg.Batch = 208, 2, 16
	return cfg
}

func pretrained(t *testing.T, cfg PretrainConfig) []byte {
	t.Helper()
	p, err := Pretrain(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := p.Backbone()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestPretrainIsDeterministic(t *testing.T) {
	defer goleak.VerifyNone(t)
	one, three, other := smallPretrain(), smallPretrain(), smallPretrain()
	one.Workers, three.Workers = 1, 3
	other.Seed++
	want := pretrained(t, one)
	if !bytes.Equal(pretrained(t, three), want) {
		t.Error("three workers train another network than one")
	}
	if bytes.Equal(pretrained(t, other), want) {
		t.Error("another seed trains the same network")
	}
	// The same on every architecture, and unless arithmetic or drawing change
	// on purpose, tomorrow. If they do, run go generate ./learner.
	const golden = "46e07bfa0c1328153d4e1ce17b2ec1db88d0aee89ec9eed3de11f15e61cacb7d"
	if got := fmt.Sprintf("%x", sha256.Sum256(want)); got != golden {
		t.Errorf("the network hashes to %s, not %s", got, golden)
	}
}

func TestPretrainReports(t *testing.T) {
	var got []PretrainProgress
	cfg := smallPretrain()
	p, err := Pretrain(t.Context(), cfg, func(p PretrainProgress) { got = append(got, p) })
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 26 || got[0].Step != 1 || got[0].Epoch != 1 || got[12].Epoch != 1 || got[13].Epoch != 2 || got[25].Step != 26 || got[25].Steps != 26 {
		t.Errorf("progress %v", got)
	}
	if first, last := got[0].Loss, got[25].Loss; first < 2 || last >= first {
		t.Errorf("the loss went from %v to %v", first, last)
	}
	for key, want := range map[string]string{
		MetaSource: cfg.Source, MetaSeed: "1", MetaEpochs: "2", MetaImages: "208",
	} {
		if p.Net.Metadata[key] != want {
			t.Errorf("metadata says %s = %q, not %q", key, p.Net.Metadata[key], want)
		}
	}
	file, err := p.Backbone()
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadBackbone(file)
	if err != nil {
		t.Fatal(err)
	}
	rms, err := b.MeasureRMS(data.Letters(99).Set(0, 520))
	if err != nil || math.Abs(b.RawRMS()/rms-1) > .1 {
		t.Errorf("the file says that the RMS is %v, it is %v (%v)", b.RawRMS(), rms, err)
	}
}

func TestPretrainLearnsASet(t *testing.T) {
	set := data.Digits(1).Set(0, 3000)
	cfg := smallPretrain()
	cfg.Data, cfg.Source, cfg.Epochs = &set, "built-in digits", 3
	p, err := Pretrain(t.Context(), cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if acc, err := accuracy(p.Net, data.Digits(2).Set(0, 500)); err != nil || acc < .8 {
		t.Errorf("accuracy on other digits is %v (%v)", acc, err)
	}
	if n := p.Net.Outputs[0].Dims[1]; n != 10 || p.Net.Metadata[MetaImages] != "2699" { // a tenth and one are held out
		t.Errorf("%d classes, metadata %v", n, p.Net.Metadata)
	}
}

func TestPretrainStops(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, cancel := context.WithCancel(t.Context())
	steps := 0
	_, err := Pretrain(ctx, smallPretrain(), func(PretrainProgress) {
		if steps++; steps == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || steps > 5 {
		t.Errorf("stopped after %d steps with %v", steps, err)
	}
}

func TestPretrainRefuses(t *testing.T) {
	small := data.Set{Shape: [3]int{1, 28, 28}, Classes: []string{"a"}, Samples: make([]data.Sample, 20)}
	colour := data.Set{Shape: [3]int{3, 28, 28}, Classes: []string{"a"}, Samples: make([]data.Sample, 2000)}
	for name, change := range map[string]func(*PretrainConfig){
		"no epochs":       func(c *PretrainConfig) { c.Epochs = 0 },
		"no workers":      func(c *PretrainConfig) { c.Workers = 0 },
		"no batch":        func(c *PretrainConfig) { c.Batch = 0 },
		"too few images":  func(c *PretrainConfig) { c.Images = c.Batch - 1 },
		"rate is nothing": func(c *PretrainConfig) { c.LearningRate = math.NaN() },
		"rate too high":   func(c *PretrainConfig) { c.LearningRate = 1 },
		"too few samples": func(c *PretrainConfig) { c.Data = &small },
		"another shape":   func(c *PretrainConfig) { c.Data = &colour },
	} {
		cfg := smallPretrain()
		change(&cfg)
		if _, err := Pretrain(t.Context(), cfg, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The file must have been made with the configuration that the source states.
func TestDefaultBackboneIsOfDefaultPretrain(t *testing.T) {
	cfg := DefaultPretrain()
	meta := defaultBackbone(t).graph.Metadata
	for key, want := range map[string]string{
		MetaSource: cfg.Source,
		MetaSeed:   strconv.FormatUint(cfg.Seed, 10),
		MetaEpochs: strconv.Itoa(cfg.Epochs),
		MetaImages: strconv.Itoa(cfg.Images),
	} {
		if meta[key] != want {
			t.Errorf("the embedded backbone says %s = %q, the default is %q: run go generate ./learner", key, meta[key], want)
		}
	}
}

func TestDefaultBackboneIsReproduced(t *testing.T) {
	if os.Getenv("BRISTLED_LONG") == "" {
		t.Skip("takes about a minute; set BRISTLED_LONG=1")
	}
	net, err := Pretrain(t.Context(), DefaultPretrain(), nil)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := net.Backbone()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(raw, defaultONNX) {
		t.Error("training gives another file than the embedded one: run go generate ./learner")
	}
}

// The yardstick: a softmax regression without bias on the features that the
// embedded backbone computes of real MNIST, tested on all 10,000 test images.
// A trial with letters of 200 desktop fonts gave .917 with 10 samples per
// class and .991 with 50,000.
func TestLinearProbeOnMNIST(t *testing.T) {
	dir := cmp.Or(os.Getenv("BRISTLED_MNIST"), filepath.Join("..", "..", "shared", "data", "mnist"))
	if !data.IsMNIST(dir) {
		t.Skip("MNIST is not at ", dir)
	}
	train, test, err := data.ReadMNIST(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := defaultBackbone(t)
	features := func(samples []data.Sample) Samples {
		bytes, err := b.Extract(t.Context(), samples, runtime.GOMAXPROCS(0))
		if err != nil {
			t.Fatal(err)
		}
		s := Samples{Features: make([]float32, len(bytes))}
		b.Floats(s.Features, bytes, 1/b.RawRMS())
		for _, v := range samples {
			s.Labels = append(s.Labels, v.Label)
		}
		return s
	}
	tests := features(test.Samples)

	t.Run("10 per class", func(t *testing.T) {
		const draws = 5
		var sum float64
		for draw := range uint64(draws) {
			few := features(perClass(train.Samples[:50000], 10, rand.New(rand.NewPCG(2024, draw))))
			head := federation.NewHead(10, 800)
			fitProbe(t, &head, few, federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 20}, 300)
			sum += probeAccuracy(head, tests)
		}
		t.Logf("accuracy %.4f, mean of %d draws", sum/draws, draws)
		if sum/draws < .92 {
			t.Errorf("accuracy %.4f, want .92", sum/draws)
		}
	})
	t.Run("50,000", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes some seconds")
		}
		all := features(train.Samples[:50000])
		head := federation.NewHead(10, 800)
		for _, rate := range []float64{1e-3, 3e-4, 1e-4} {
			fitProbe(t, &head, all, federation.TrainingSpec{LearningRate: rate, Batch: 50}, 3000)
		}
		acc := probeAccuracy(head, tests)
		t.Logf("accuracy %.4f", acc)
		if acc < .988 {
			t.Errorf("accuracy %.4f, want .988", acc)
		}
	})
}

// perClass picks n samples of each of ten classes at random.
func perClass(samples []data.Sample, n int, rng *rand.Rand) []data.Sample {
	var picked []data.Sample
	var have [10]int
	for _, i := range rng.Perm(len(samples)) {
		if s := samples[i]; have[s.Label] < n {
			have[s.Label]++
			picked = append(picked, s)
		}
	}
	return picked
}

func fitProbe(t *testing.T, head *federation.Head, s Samples, spec federation.TrainingSpec, steps int) {
	t.Helper()
	trainer := NewTrainer(spec, head.Classes, head.Features, false, 1)
	if err := trainer.SetSamples(s); err != nil {
		t.Fatal(err)
	}
	trainer.Adopt(*head)
	trainer.Train(steps)
	*head = trainer.Consolidated().Clone()
}

func probeAccuracy(h federation.Head, s Samples) float64 {
	right := 0
	for i, label := range s.Labels {
		x := s.Features[i*h.Features : (i+1)*h.Features]
		logits := make([]float32, h.Classes)
		for c := range logits {
			for k, w := range h.Row(c) {
				logits[c] += w * x[k]
			}
		}
		if slices.Index(logits, slices.Max(logits)) == label {
			right++
		}
	}
	return float64(right) / float64(len(s.Labels))
}

func BenchmarkPretrainEpoch(b *testing.B) {
	cfg := DefaultPretrain()
	cfg.Images, cfg.Epochs = 52*64, 1
	for b.Loop() {
		if _, err := Pretrain(b.Context(), cfg, nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N*cfg.Images)*1e6, "us/image")
}

func ExamplePretrain() {
	cfg := DefaultPretrain()
	cfg.Images, cfg.Epochs = 520, 1 // a taste; the default takes a minute
	trained, err := Pretrain(context.Background(), cfg, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	file, err := trained.Backbone()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	backbone, err := LoadBackbone(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Println(trained.Net.Outputs[0].Dims[1], "classes,", backbone.Features(), "features")
	// Output: 52 classes, 800 features
}
