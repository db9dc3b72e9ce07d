package nn

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// TrainerOptions are the options of a [Trainer].
type TrainerOptions struct {
	Workers int     // goroutines, at least 1; changes nothing but the time
	L2      float32 // weight decay, added to the gradients of all parameters
}

// Trainer fits a network to labelled samples: softmax cross-entropy and Adam
// (Kingma and Ba, 2015) with decay rates 0.9 and 0.999. It is not for several
// goroutines at once.
type Trainer struct {
	net     *Net
	l2      float32
	workers []*worker
	shards  [shards]shard

	// Adam: moments, steps made, and the decay rates to the power of that.
	m, v           []float32
	steps          int
	decay1, decay2 float64

	// The step at hand.
	x      []float32
	labels []int
	used   int // shards that have samples
	adam   kernel.AdamStep

	// What the workers share at the moment: task(worker, i) for i < tasks.
	task  func(w *worker, i int)
	tasks int
	next  atomic.Int64
	done  sync.WaitGroup

	// The methods backprop and update as values, made once because making
	// them allocates.
	backpropTask, updateTask func(w *worker, i int)
}

const (
	// A batch is cut into at most this many shards, and into fewer if they
	// would get less than shardSamples, whatever the number of workers. Each
	// has its own gradients; they are summed in the shards' order.
	shards       = 8
	shardSamples = 4

	// updateChunk is how many parameters a worker updates at a time.
	updateChunk = 4096

	beta1, beta2, epsilon = 0.9, 0.999, 1e-8
)

// shard is a part of a batch and what came of it.
type shard struct {
	gradient tensors
	loss     float64
}

// worker is the memory of one goroutine.
type worker struct {
	tape     *tape
	d, spare []float32 // gradients with respect to the layers' outputs
	run      func()    // made once, because go statements with arguments allocate
}

// NewTrainer returns a trainer that changes net in place. It panics if there
// are no workers.
func NewTrainer(net *Net, options TrainerOptions) *Trainer {
	if options.Workers < 1 {
		panic(fmt.Sprintf("nn: trainer with %d workers", options.Workers))
	}
	t := &Trainer{
		net: net, l2: options.L2,
		m: make([]float32, len(net.memory.flat)), v: make([]float32, len(net.memory.flat)),
		decay1: 1, decay2: 1,
	}
	t.backpropTask, t.updateTask = t.backprop, t.update
	for i := range t.shards {
		t.shards[i].gradient = net.memory.like()
	}
	largest := net.in.size()
	for _, l := range net.layers {
		largest = max(largest, l.output().size())
	}
	for range min(options.Workers, shards) {
		w := &worker{tape: newTape(net)}
		w.d, w.spare = make([]float32, w.tape.block*largest), make([]float32, w.tape.block*largest)
		w.run = func() {
			t.work(w)
			t.done.Done()
		}
		t.workers = append(t.workers, w)
	}
	return t
}

// Step makes one step of Adam on a batch: len(labels) samples, one after
// another in x, with labels in [0, Outputs). It returns the mean loss before
// the step. On an error, which may wrap [ErrDiverged], no weight has changed.
func (t *Trainer) Step(x []float32, labels []int, learningRate float32) (float32, error) {
	outputs := t.net.Outputs()
	if len(labels) == 0 || len(x) != len(labels)*t.net.in.size() {
		return 0, fmt.Errorf("nn: training batch of %d labels and %d numbers: every label needs a sample of %d numbers",
			len(labels), len(x), t.net.in.size())
	}
	for i, label := range labels {
		if label < 0 || label >= outputs {
			return 0, fmt.Errorf("nn: sample %d of the batch has label %d, the network only %d classes: check the data or train with more classes",
				i, label, outputs)
		}
	}
	loss := t.gradients(x, labels)
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("nn: step %d: %w", t.steps+1, ErrDiverged)
	}
	t.steps++
	t.decay1 *= beta1
	t.decay2 *= beta2
	t.adam = kernel.AdamStep{
		LearningRate: learningRate, Beta1: beta1, Beta2: beta2, Epsilon: epsilon, L2: t.l2,
		Correction1: float32(1 - t.decay1), Correction2: float32(1 - t.decay2),
	}
	t.share(t.updateTask, (len(t.m)+updateChunk-1)/updateChunk)
	return float32(loss), nil
}

// gradients leaves every shard's gradients of the mean loss in it, and
// returns that loss.
func (t *Trainer) gradients(x []float32, labels []int) float64 {
	t.x, t.labels = x, labels
	t.used = min((len(labels)+shardSamples-1)/shardSamples, shards)
	t.share(t.backpropTask, t.used)
	t.x, t.labels = nil, nil
	var loss float64
	for i := range t.used {
		loss += t.shards[i].loss
	}
	return loss / float64(len(labels))
}

// share runs task(worker, i) for 0 <= i < tasks on all workers.
func (t *Trainer) share(task func(*worker, int), tasks int) {
	t.task, t.tasks = task, tasks
	t.next.Store(0)
	others := t.workers[1:min(len(t.workers), max(tasks, 1))]
	t.done.Add(len(others))
	for _, w := range others {
		go w.run()
	}
	t.work(t.workers[0])
	t.done.Wait()
}

func (t *Trainer) work(w *worker) {
	for {
		i := int(t.next.Add(1)) - 1
		if i >= t.tasks {
			return
		}
		t.task(w, i)
	}
}

// backprop runs shard i forward and backward.
func (t *Trainer) backprop(w *worker, i int) {
	s, n, in := &t.shards[i], len(t.labels), t.net.in.size()
	s.loss = 0
	clear(s.gradient.flat)
	end := (i + 1) * n / t.used
	for lo := i * n / t.used; lo < end; lo += w.tape.block {
		hi := min(lo+w.tape.block, end)
		s.loss += w.backprop(t.x[lo*in:hi*in], t.labels[lo:hi], n, s.gradient, nil)
	}
}

// backprop runs a block of samples of a batch forward and backward. It adds
// to g, fills dx as [tape.backward] does, and returns the sum of the losses.
func (w *worker) backprop(x []float32, labels []int, batch int, g tensors, dx []float32) (loss float64) {
	n, outputs := len(labels), w.tape.net.Outputs()
	logits, d := w.spare[:n*outputs], w.d[:n*outputs]
	transpose(logits, w.tape.forward(x, n), outputs, n)
	for i, label := range labels {
		loss += float64(crossEntropy(logits[i*outputs:(i+1)*outputs], label, float32(batch)))
	}
	transpose(d, logits, n, outputs)
	w.tape.backward(n, g, w.d, w.spare, dx)
	return loss
}

// update sums chunk i of the shards' gradients and moves the weights.
func (t *Trainer) update(_ *worker, i int) {
	lo := i * updateChunk
	hi := min(lo+updateChunk, len(t.m))
	g := t.shards[0].gradient.flat[lo:hi]
	for _, s := range t.shards[1:t.used] {
		kernel.Axpy(1, s.gradient.flat[lo:hi], g)
	}
	kernel.Adam(t.net.memory.flat[lo:hi], g, t.m[lo:hi], t.v[lo:hi], t.adam)
}
