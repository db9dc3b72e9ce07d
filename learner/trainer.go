package learner

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// Adam's constants, as in Kingma and Ba (2015) and in every experiment of the
// Bristle paper's author.
const (
	beta1   = 0.9
	beta2   = 0.999
	epsilon = 1e-8
)

// Samples are labelled feature vectors.
type Samples struct {
	Features []float32 // len(Labels) x width, row after row
	Labels   []int     // class of each row
}

// Familiar returns the classes that occur in s, ascending.
func (s Samples) Familiar() []int {
	seen := slices.Clone(s.Labels)
	slices.Sort(seen)
	return slices.Compact(seen)
}

// State is everything a [Trainer] needs to go on after a restart.
type State struct {
	Consolidated federation.Head
	Moment1      []float32 // Adam's first moment of every weight
	Moment2      []float32 // Adam's second moment of every weight
	Step         uint64    // minibatches trained so far
}

// Trainer trains a softmax head on cached features by Adam, one minibatch at
// a time.
//
// It keeps two copies of the weights, as CWR* does (Lomonaco et al., 2019;
// docs/bristle.md, a1). A minibatch moves every row of the training copy,
// because softmax couples the classes; only the rows of familiar classes are
// taken back into the consolidated copy, so that a class this peer has no data
// of keeps the value that other peers gave it.
//
// A Trainer is not safe for concurrent use.
type Trainer struct {
	spec     federation.TrainingSpec
	seed     uint64
	takeAll  bool
	samples  Samples
	familiar []int

	consolidated federation.Head
	training     federation.Head
	gradient     []float32
	m, v         []float32
	step         uint64
	pow1, pow2   float64 // beta1^step, beta2^step

	negatives *Pseudo
	negative  []float32 // one of them
	source    rand.PCG
	draws     *rand.Rand // from source

	order  []int // shuffled sample indices of one epoch
	epoch  uint64
	logits []float32
}

// NewTrainer returns a trainer whose head is all zeros. The seed decides the
// order of samples. With takeAll every row is taken back from training, not
// only the familiar ones; then the two copies are one.
func NewTrainer(spec federation.TrainingSpec, classes, features int, takeAll bool, seed uint64) *Trainer {
	return &Trainer{
		spec:         spec,
		seed:         seed,
		takeAll:      takeAll,
		consolidated: federation.NewHead(classes, features),
		training:     federation.NewHead(classes, features),
		gradient:     make([]float32, classes*features),
		m:            make([]float32, classes*features),
		v:            make([]float32, classes*features),
		pow1:         1,
		pow2:         1,
		logits:       make([]float32, classes),
	}
}

// SetSamples replaces the training samples. Labels outside the head and a
// feature matrix of another shape are errors.
func (t *Trainer) SetSamples(s Samples) error {
	if want := len(s.Labels) * t.consolidated.Features; len(s.Features) != want {
		return fmt.Errorf("%d samples need %d feature values, got %d", len(s.Labels), want, len(s.Features))
	}
	for _, l := range s.Labels {
		if l < 0 || l >= t.consolidated.Classes {
			return fmt.Errorf("label %d is not one of the federation's %d classes", l, t.consolidated.Classes)
		}
	}
	t.samples = s
	t.familiar = s.Familiar()
	t.order = nil
	return nil
}

// Familiar returns the classes with training samples, ascending. The caller
// must not change it.
func (t *Trainer) Familiar() []int { return t.familiar }

// Consolidated returns the head that is exchanged and evaluated. It shares
// memory with the trainer.
func (t *Trainer) Consolidated() federation.Head { return t.consolidated }

// Adopt copies h into the consolidated weights: the result of an aggregation.
func (t *Trainer) Adopt(h federation.Head) { copy(t.consolidated.Weights, h.Weights) }

// Train starts a training copy from the consolidated weights, trains it for
// the given number of minibatches and takes back the familiar classes' rows.
// Without samples it does nothing.
func (t *Trainer) Train(steps int) {
	if len(t.samples.Labels) == 0 {
		return
	}
	copy(t.training.Weights, t.consolidated.Weights)
	for range steps {
		t.minibatch()
	}
	if t.takeAll {
		copy(t.consolidated.Weights, t.training.Weights)
		return
	}
	for _, c := range t.familiar {
		copy(t.consolidated.Row(c), t.training.Row(c))
	}
}

// minibatch takes one Adam step on the mean cross-entropy of a batch. The
// batches are consecutive stretches of one endless stream of shuffled epochs,
// so the step number alone says which samples come next.
func (t *Trainer) minibatch() {
	width := t.training.Features
	clear(t.gradient)
	batch := min(t.spec.Batch, len(t.samples.Labels))
	for i := range batch {
		s := t.sample(t.step*uint64(batch) + uint64(i))
		t.backward(t.samples.Features[s*width:(s+1)*width], t.samples.Labels[s], float32(batch))
	}
	t.addNegatives()
	t.step++
	t.pow1 *= beta1
	t.pow2 *= beta2
	kernel.Adam(t.training.Weights, t.gradient, t.m, t.v, kernel.AdamStep{
		LearningRate: float32(t.spec.LearningRate),
		Beta1:        beta1,
		Beta2:        beta2,
		Epsilon:      epsilon,
		L2:           float32(t.spec.L2),
		Correction1:  float32(1 - t.pow1),
		Correction2:  float32(1 - t.pow2),
	})
}

// backward adds the gradient of the cross-entropy of one sample out of so many.
func (t *Trainer) backward(x []float32, label int, of float32) {
	for c := range t.logits {
		t.logits[c] = kernel.Dot(t.training.Row(c), x)
	}
	softmax(t.logits)
	t.logits[label] -= 1
	for c, g := range t.logits {
		kernel.Axpy(g/of, x, t.gradient[c*len(x):(c+1)*len(x)])
	}
}

// sample returns the index of the k-th sample of the stream.
func (t *Trainer) sample(k uint64) int {
	n := uint64(len(t.samples.Labels))
	if epoch := k / n; t.order == nil || epoch != t.epoch {
		t.epoch = epoch
		t.order = t.order[:0]
		for i := range int(n) {
			t.order = append(t.order, i)
		}
		rng := rand.New(rand.NewPCG(t.seed, epoch))
		rng.Shuffle(len(t.order), func(i, j int) { t.order[i], t.order[j] = t.order[j], t.order[i] })
	}
	return t.order[k%n]
}

// softmax replaces logits by probabilities.
func softmax(z []float32) {
	top := slices.Max(z)
	var sum float32
	for i, x := range z {
		z[i] = kernel.Exp(x - top)
		sum += z[i]
	}
	for i := range z {
		z[i] /= sum
	}
}

// lossSamples bounds what a loss costs.
const lossSamples = 100

// Loss returns the mean cross-entropy of a head on the training samples, the
// first hundred of them; 0 without any.
func (t *Trainer) Loss(h federation.Head) float64 {
	n := min(lossSamples, len(t.samples.Labels))
	sum := 0.0
	for s := range n {
		x := t.samples.Features[s*h.Features : (s+1)*h.Features]
		for c := range t.logits {
			t.logits[c] = kernel.Dot(h.Row(c), x)
		}
		softmax(t.logits)
		sum -= float64(kernel.Log(max(t.logits[t.samples.Labels[s]], smallest)))
	}
	return sum / float64(max(1, n))
}

// smallest keeps the loss of a sample finite.
const smallest = 0x1p-126

// State returns a copy of what must be kept to go on later.
func (t *Trainer) State() State {
	return State{t.consolidated.Clone(), slices.Clone(t.m), slices.Clone(t.v), t.step}
}

// Restore goes on from a state of a trainer of the same shape.
func (t *Trainer) Restore(s State) error {
	n := len(t.m)
	if len(s.Consolidated.Weights) != n || len(s.Moment1) != n || len(s.Moment2) != n {
		return fmt.Errorf("state of %d weights does not fit a head of %d x %d",
			len(s.Consolidated.Weights), t.consolidated.Classes, t.consolidated.Features)
	}
	copy(t.consolidated.Weights, s.Consolidated.Weights)
	copy(t.m, s.Moment1)
	copy(t.v, s.Moment2)
	t.step, t.pow1, t.pow2 = s.Step, 1, 1
	// Multiplied up one by one, as training does, so that the bits agree;
	// the powers are zero long before this takes time.
	for i := uint64(0); i < s.Step && (t.pow1 != 0 || t.pow2 != 0); i++ {
		t.pow1 *= beta1
		t.pow2 *= beta2
	}
	return nil
}
