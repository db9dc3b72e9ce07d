package learner

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
)

// PretrainConfig says how [Pretrain] trains a backbone. Everything but
// Workers decides the bytes of the result.
type PretrainConfig struct {
	// Data is what to train on, nil for the built-in letters, of which
	// Images are drawn anew in each epoch. Source names Data in the model's
	// metadata.
	Data   *data.Set
	Source string
	Images int

	Seed         uint64
	Epochs       int
	Batch        int     // samples per step
	LearningRate float64 // the highest: it rises over the first steps and falls to 0
	Workers      int     // goroutines; changes nothing but the time
}

// DefaultPretrain is the configuration of the embedded backbone.
func DefaultPretrain() PretrainConfig {
	return PretrainConfig{
		Source:       "built-in letters",
		Images:       60 * 1040, // a multiple of the 52 classes
		Seed:         1,
		Epochs:       4,
		Batch:        64,
		LearningRate: 8e-3,
		Workers:      runtime.GOMAXPROCS(0),
	}
}

// check returns what is wrong with the configuration.
func (c *PretrainConfig) check() error {
	switch {
	case c.Epochs < 1 || c.Batch < 1 || c.Workers < 1:
		return fmt.Errorf("learner: pretrain with %d epochs, batches of %d and %d workers: each must be at least 1", c.Epochs, c.Batch, c.Workers)
	case !(c.LearningRate > 0 && c.LearningRate < 1):
		return fmt.Errorf("learner: pretrain with learning rate %v: it must be above 0 and below 1", c.LearningRate)
	case c.Data == nil && c.Images < c.Batch:
		return fmt.Errorf("learner: pretrain with %d images per epoch: draw at least a batch, %d", c.Images, c.Batch)
	case c.Data != nil && c.Data.Shape != [3]int{1, 28, 28}:
		return fmt.Errorf("learner: pretrain on pictures of %v: the backbone takes 1 channel of 28 x 28 pixels", c.Data.Shape)
	case c.Data != nil && len(c.Data.Samples) < 2*c.Batch:
		return fmt.Errorf("learner: pretrain on %d pictures: at least two batches, %d, are needed", len(c.Data.Samples), 2*c.Batch)
	}
	return nil
}

// PretrainProgress is how far [Pretrain] has come.
type PretrainProgress struct {
	Epoch, Epochs int // from 1
	Step, Steps   int // of all epochs, from 1
	Loss          float32
}

// The metadata that [Pretrain] writes into the model.
const (
	MetaSource   = "source"   // what the backbone was trained on
	MetaSeed     = "seed"     // of drawing and training
	MetaEpochs   = "epochs"   //
	MetaImages   = "images"   // per epoch
	MetaAccuracy = "accuracy" // on held-out samples of the source
	MetaRawRMS   = "raw_rms"  // of the features over samples, see [Freeze]
)

// Pretrained is a network as [Pretrain] leaves it.
type Pretrained struct {
	Net     *graph.Graph // float32, with its output layer
	HeldOut data.Set     // samples that it was not trained on
}

// Backbone returns the file of the backbone that the network makes.
func (p *Pretrained) Backbone() ([]byte, error) { return Freeze(p.Net, p.HeldOut) }

// Pretrain trains Bristle's LeNet on letters, or on any set of that shape. The
// configuration decides the result to the last bit, on every architecture and
// with any number of workers. Progress, if not nil, is called after every
// step. The loss is the mean cross-entropy, the optimizer Adam without decay,
// the learning rate rises linearly over the first twentieth of the steps and
// falls linearly to zero (Smith and Topin, Super-convergence, 2018, less its
// last phase).
func Pretrain(ctx context.Context, cfg PretrainConfig, progress func(PretrainProgress)) (*Pretrained, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	src := newPretrainSource(cfg)
	net, err := zoo.New("lenet", zoo.Options{Classes: len(src.classes), Seed: cfg.Seed})
	if err != nil {
		return nil, err
	}
	steps := src.perEpoch / cfg.Batch * cfg.Epochs
	trainer, err := nn.NewTrainer(net, nn.TrainOptions{
		Options:   nn.Options{Workers: cfg.Workers, Exact: true},
		Batch:     cfg.Batch,
		Loss:      nn.CrossEntropy{},
		Optimizer: nn.Optimizer{Kind: nn.Adam, LearningRate: cfg.LearningRate},
		Schedule:  nn.Linear{Total: steps, Warm: steps/20 + 1},
	})
	if err != nil {
		return nil, err
	}
	targets := make([]float32, cfg.Batch*len(src.classes))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for b := range src.batches(ctx, steps) {
		if err := nn.OneHot(targets, b.labels, len(src.classes), 0); err != nil {
			return nil, fmt.Errorf("learner: pretrain: %w", err)
		}
		loss, err := trainer.Step(b.pixels, targets)
		if err != nil {
			return nil, fmt.Errorf("learner: pretrain: %w", err)
		}
		if progress != nil {
			progress(PretrainProgress{b.step*cfg.Epochs/steps + 1, cfg.Epochs, b.step + 1, steps, float32(loss)})
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("learner: pretrain stopped: %w", err)
	}
	right, err := accuracy(net, src.heldOut)
	if err != nil {
		return nil, err
	}
	net.Metadata = map[string]string{
		MetaSource:   cfg.Source,
		MetaSeed:     strconv.FormatUint(cfg.Seed, 10),
		MetaEpochs:   strconv.Itoa(cfg.Epochs),
		MetaImages:   strconv.Itoa(src.perEpoch),
		MetaAccuracy: strconv.FormatFloat(right, 'f', 4, 64),
	}
	return &Pretrained{net, src.heldOut}, nil
}

// accuracy returns the share of samples whose label has the largest output.
// The set must have the network's input shape.
func accuracy(net *graph.Graph, set data.Set) (float64, error) {
	const batch = 64
	runner, err := nn.NewRunner(net, batch, nn.Options{Exact: true})
	if err != nil {
		return 0, err
	}
	right := 0
	for first := 0; first < len(set.Samples); first += batch {
		samples := set.Samples[first:min(first+batch, len(set.Samples))]
		var x []float32
		for _, s := range samples {
			x = appendPixels(x, s.Pixels)
		}
		out := runner.Forward(x, len(samples))
		n := runner.Outputs()
		for i, s := range samples {
			row := out[i*n : (i+1)*n]
			if slices.Index(row, slices.Max(row)) == s.Label {
				right++
			}
		}
	}
	return float64(right) / float64(len(set.Samples)), nil
}

// appendPixels appends pixels as the network takes them: 0 to 1.
func appendPixels(x []float32, pixels []uint8) []float32 {
	for _, p := range pixels {
		x = append(x, float32(p)/255)
	}
	return x
}

// pretrainSource yields the batches of a training.
type pretrainSource struct {
	classes  []string
	perEpoch int
	batch    int
	heldOut  data.Set
	// at returns sample i of an epoch, 0 <= i < perEpoch.
	at func(epoch, i int) data.Sample
}

func newPretrainSource(cfg PretrainConfig) *pretrainSource {
	if cfg.Data != nil {
		return setSource(cfg)
	}
	heldOut := min(5200, cfg.Images)
	letters := data.Letters(cfg.Seed)
	return &pretrainSource{
		classes:  letters.Classes(),
		perEpoch: cfg.Images,
		batch:    cfg.Batch,
		heldOut:  letters.Set(0, heldOut),
		at: func(epoch, i int) data.Sample {
			return letters.Sample(heldOut + epoch*cfg.Images + i)
		},
	}
}

// setSource trains on a set in a new order every epoch and holds out a tenth
// of it, at most 5,000 samples.
func setSource(cfg PretrainConfig) *pretrainSource {
	set := *cfg.Data
	samples := slices.Clone(set.Samples)
	rng := rand.New(rand.NewPCG(cfg.Seed, 1))
	rng.Shuffle(len(samples), func(i, j int) { samples[i], samples[j] = samples[j], samples[i] })
	n := min(len(samples)/10+1, 5000)
	held, kept := samples[:n], samples[n:]
	order, shuffled := []int(nil), -1
	return &pretrainSource{
		classes:  set.Classes,
		perEpoch: len(kept),
		batch:    cfg.Batch,
		heldOut:  data.Set{Shape: set.Shape, Samples: held, Classes: set.Classes},
		at: func(epoch, i int) data.Sample {
			if shuffled != epoch {
				order, shuffled = rng.Perm(len(kept)), epoch
			}
			return kept[order[i]]
		},
	}
}

// trainingBatch is one step's input.
type trainingBatch struct {
	step   int
	pixels []float32
	labels []int
}

// batches sends the batches of all steps, drawn while the one before them is
// being learned. The channel is closed at the end and when ctx is done.
func (s *pretrainSource) batches(ctx context.Context, steps int) <-chan trainingBatch {
	out := make(chan trainingBatch)
	go func() {
		defer close(out)
		for step := range steps {
			b := trainingBatch{step: step}
			perEpoch := s.perEpoch / s.batch
			epoch, first := step/perEpoch, step%perEpoch*s.batch
			for i := range s.batch {
				sample := s.at(epoch, first+i)
				b.pixels = appendPixels(b.pixels, sample.Pixels)
				b.labels = append(b.labels, sample.Label)
			}
			select {
			case out <- b:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}
