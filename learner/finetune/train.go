package finetune

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/quant"
)

// Options say how a training runs. But for Seed they do not change its result,
// Memory apart from rounding and dropout.
type Options struct {
	Seed    uint64
	Workers int // goroutines; 0: one per processor

	// Memory is how many bytes weights, gradients, moments, activations and
	// kept maps may take together; 0: any number. The pictures are not counted.
	Memory int

	// Checkpoint is a file that is written after every epoch, and from which
	// training goes on if it is there. Empty: none.
	Checkpoint string

	// Progress, if not nil, is called after every step.
	Progress func(Progress)
}

// Progress is how far a training has come.
type Progress struct {
	Epoch, Epochs int // from 1, probing included
	Step, Steps   int // of the epoch, from 1
	Loss          float64
	Trained       string // the lowest group that trains
}

// Result is what a training leaves.
type Result struct {
	Net    *graph.Graph // the trained network, in float32
	Epochs []Epoch
	Phases []Phase
	Memory int // bytes that the most hungry phase takes, see [Options]
}

// Epoch is one pass over as many samples as there are.
type Epoch struct {
	Loss float64 `json:"loss"` // mean over its samples
	Rate float64 `json:"rate"` // the head's learning rate at its last step
}

// Phase is a time in which the same groups train.
type Phase struct {
	From, To int    // epochs, from 0, To excluded
	Probe    bool   // linear probing
	Stages   int    // how many of the plan's stages train
	Prefix   string // how the layers below the line run
	Pass     int    // samples in a pass
	Memory   int    // bytes
	Trained  int    // parameters
	Total    int    // parameters of the network
}

// MemoryError says that training does not fit into the memory it may take.
type MemoryError struct {
	Need, Limit int    // bytes, with one sample in a pass
	Trained     string // the lowest group that was to train
}

func (e *MemoryError) Error() string {
	return fmt.Sprintf("training down to group %q takes %.1f MiB with a single sample in a pass, more than the limit of %.1f MiB: raise the limit, thaw fewer groups, or take smaller pictures",
		e.Trained, float64(e.Need)/(1<<20), float64(e.Limit)/(1<<20))
}

// DivergedError says that the loss became infinite or no number. It wraps
// [nn.ErrDiverged].
type DivergedError struct {
	Epoch, Batch int    // from 1
	Samples      []int  // of the batch
	Checkpoint   string // that holds the state after the epoch before; may be empty
	Err          error
}

func (e *DivergedError) Error() string {
	kept := "nothing was kept"
	if e.Checkpoint != "" {
		kept = "the state before this epoch is kept in " + e.Checkpoint
	}
	return fmt.Sprintf("epoch %d, batch %d (samples %v): %v; %s", e.Epoch, e.Batch, e.Samples, e.Err, kept)
}

func (e *DivergedError) Unwrap() error { return e.Err }

// Train fits a network that [ReplaceHead] made to the given samples of a set.
// Its error wraps [ErrNoGroup], [ErrCheckpoint] or that of the context, or is a
// [*DivergedError], a [*MemoryError] or a [*graph.UnsupportedError].
func Train(ctx context.Context, net *graph.Graph, plan Plan, set data.Set, train []int, o Options) (*Result, error) {
	s, err := newSession(net, plan, set, train, o)
	if err != nil {
		return nil, err
	}
	first, err := s.resume()
	if err != nil {
		return nil, err
	}
	for epoch := first; epoch < plan.Probe+plan.Epochs; epoch++ {
		if err := s.enter(ctx, epoch); err != nil {
			return nil, err
		}
		if err := s.epoch(ctx, epoch); err != nil {
			return nil, err
		}
		if err := s.save(); err != nil {
			return nil, err
		}
	}
	r := &s.result
	for _, p := range r.Phases {
		r.Memory = max(r.Memory, p.Memory)
	}
	return r, nil
}

// session is one training.
type session struct {
	plan    resolved
	options Options
	net     *graph.Graph // whose numbers train
	samples []data.Sample
	classes int
	train   []int
	input   [3]int
	picture int // numbers of one
	weights int // bytes of all parameters and constants

	parameters int // that training could change

	normalise func(dst []float32, pixels []uint8)
	augmenter *augmenter
	int8      quantized

	// The phase at hand.
	stages  int // of the plan that train; 0 while probing
	trainer *nn.Trainer
	prefix  *prefix // nil: everything trains
	batch   batch
	mixer   mixer

	result  Result
	resumed *nn.TrainState // of the optimizer, from a checkpoint
	name    string         // see fingerprint
}

// batch is the memory of one step.
type batch struct {
	pixels  []uint8
	x       []float32 // pictures
	maps    []float32 // what enters the trained part
	targets []float32
}

func newSession(net *graph.Graph, plan Plan, set data.Set, train []int, o Options) (*session, error) {
	r, err := plan.resolve(net)
	if err != nil {
		return nil, err
	}
	if len(train) == 0 {
		return nil, errors.New("finetune: there are no samples to train on")
	}
	s := &session{plan: r, options: o, samples: set.Samples, classes: len(set.Classes), train: train, input: set.Shape}
	s.picture = set.Shape[0] * set.Shape[1] * set.Shape[2]
	if want := graph.Size(net.Inputs[0].Dims[1:]); want != s.picture {
		return nil, fmt.Errorf("finetune: pictures of %v for a network that takes %v", set.Shape, net.Inputs[0].Dims[1:])
	}
	if out := net.Outputs[0].Dims; len(out) != 2 || out[1] != s.classes {
		return nil, fmt.Errorf("finetune: a network with outputs %v for %d classes", out, s.classes)
	}
	if err := checkSamples(set, train, s.picture); err != nil {
		return nil, err
	}
	if s.normalise, err = quant.Normaliser(net.Metadata, set.Shape[0], set.Shape[1]*set.Shape[2]); err != nil {
		return nil, err
	}
	points, err := pointsBelowHead(net)
	if err != nil {
		return nil, err
	}
	features := points[len(points)-1]
	s.int8 = quantized{net: net, line: features.Value}
	s.parameters = int(features.Params)
	for _, name := range headParams(net) {
		s.parameters += net.Consts[name].Len()
	}
	s.augmenter = newAugmenter(plan.Augment, set.Shape)
	s.net = net.Clone()
	for name, c := range s.net.Consts {
		if c.Type == graph.Float32 {
			c.F32 = slices.Clone(c.F32)
			s.net.Consts[name] = c
		}
		s.weights += 4 * c.Len()
	}
	s.result.Net = s.net
	return s, nil
}

// probing says whether an epoch is one of linear probing.
func (s *session) probing(epoch int) bool { return epoch < s.plan.Probe }

// enter makes what an epoch trains with, if it is other than in the epoch
// before.
func (s *session) enter(ctx context.Context, epoch int) error {
	probe, stages := s.probing(epoch), 0
	if !probe {
		stages = s.plan.thawed(epoch - s.plan.Probe)
	}
	if s.trainer != nil && stages == s.stages {
		s.result.Phases[len(s.result.Phases)-1].To = epoch + 1
		return nil
	}
	state := s.resumed
	s.resumed = nil
	if s.trainer != nil && s.stages > 0 {
		now := s.trainer.State()
		state = &now
	}
	return s.begin(ctx, epoch, stages, state)
}

// begin starts a phase. A state is one of the same optimizer.
func (s *session) begin(ctx context.Context, epoch, stages int, state *nn.TrainState) error {
	line, group := s.int8.line, Head
	if stages > 0 {
		line, group = s.plan.lines[stages-1], s.plan.Stages[stages-1].Group
	}
	s.trainer, s.prefix = nil, nil // their memory may go
	phase := Phase{From: epoch, To: epoch + 1, Probe: stages == 0, Stages: stages}
	pass := s.plan.Batch
	for {
		if err := s.build(ctx, line, pass, phase.Probe); err != nil {
			return err
		}
		phase.Pass, phase.Memory, phase.Trained, phase.Prefix = pass, s.memory(pass), s.trained(), "none: every layer trains"
		phase.Total = s.parameters
		if s.prefix != nil {
			phase.Prefix = s.prefix.about
		}
		if s.options.Memory == 0 || phase.Memory <= s.options.Memory {
			break
		}
		if pass == 1 {
			return &MemoryError{phase.Memory, s.options.Memory, group}
		}
		pass /= 2
	}
	s.stages = stages
	if n := len(s.result.Phases); n > 0 && s.result.Phases[n-1].Stages == stages {
		phase.From = s.result.Phases[n-1].From // gone on from a checkpoint
		s.result.Phases = s.result.Phases[:n-1]
	}
	s.result.Phases = append(s.result.Phases, phase)
	if state != nil {
		return s.trainer.Restore(*state)
	}
	return nil
}

// build makes the trained part above the line and the prefix below it, for
// passes of a given number of samples.
func (s *session) build(ctx context.Context, line string, pass int, probe bool) error {
	upper := s.net
	if line != "" {
		static, err := specialize(s.net, pass)
		if err != nil {
			return err
		}
		shape := slices.Clone(static.Shapes[line])
		if s.prefix == nil || s.prefix.live != nil { // what is kept does not depend on the pass
			if s.prefix, err = s.newPrefix(ctx, line, shape, probe); err != nil {
				return err
			}
		}
		shape[0] = -1
		if upper, err = graph.From(s.net, line, shape); err != nil {
			return err
		}
	}
	o := nn.TrainOptions{
		Options: nn.Options{Workers: s.options.Workers}, Batch: pass, Loss: nn.CrossEntropy{},
		Optimizer: nn.Optimizer{Kind: nn.AdamW, LearningRate: s.plan.ProbeRate, WeightDecay: s.plan.ProbeDecay},
		Dropout:   s.plan.Dropout, Seed: s.options.Seed,
	}
	if !probe {
		rates := s.rates()
		o.Optimizer.LearningRate = s.plan.Stages[0].Rate
		o.Optimizer.Of = func(param string) (rate, decay float64) { return rates[param].Rate, rates[param].Decay }
		o.Schedule = nn.OneCycle{Total: s.plan.Epochs * s.steps()}
	}
	var err error
	s.trainer, err = nn.NewTrainer(upper, o)
	return err
}

// newPrefix returns the prefix below a line. What enters it changes from step
// to step if pictures are augmented or mixed.
func (s *session) newPrefix(ctx context.Context, line string, shape []int, probe bool) (*prefix, error) {
	front, err := graph.Cut(s.net, line)
	if err != nil {
		return nil, err
	}
	mixed := !probe && s.plan.CutMix.Probability > 0 && !s.plan.CutMix.Features
	if mixed || !s.plan.Augment.none() {
		return livePrefix(front, shape, shape[0], s.options.Workers)
	}
	return s.keptPrefix(ctx, line, front, shape)
}

// rates returns the stage of every parameter: the first, from the head down,
// whose layers it belongs to.
func (s *session) rates() map[string]Stage {
	rates := map[string]Stage{}
	for i, line := range s.plan.lines {
		for _, param := range paramsAbove(s.net, line) {
			if _, ok := rates[param]; !ok {
				rates[param] = s.plan.Stages[i]
			}
		}
	}
	return rates
}

// paramsAbove returns the constants that a network reads above a line.
func paramsAbove(net *graph.Graph, line string) []string {
	g := net.Clone()
	makers := g.Makers()
	seen := map[string]bool{line: true}
	var params []string
	var visit func(v string)
	visit = func(v string) {
		if v == "" || seen[v] {
			return
		}
		seen[v] = true
		if g.Consts[v] != nil {
			params = append(params, v)
		}
		if i, ok := makers[v]; ok {
			for _, in := range g.Nodes[i].Inputs {
				visit(in)
			}
		}
	}
	visit(g.Outputs[0].Name)
	return params
}

// steps returns how many steps an epoch has.
func (s *session) steps() int { return (len(s.train) + s.plan.Batch - 1) / s.plan.Batch }

// trained returns how many parameters train.
func (s *session) trained() int {
	n := 0
	for _, p := range s.trainer.Params() {
		n += len(p.Grad)
	}
	return n
}

// memory returns the bytes that the phase takes: weights, for each trained
// parameter its gradient and two moments, and their sum where a step has
// several passes, activations, and the prefix.
func (s *session) memory(pass int) int {
	each := 12
	if pass < s.plan.Batch {
		each += 4
	}
	n := s.weights + each*s.trained() + s.trainer.Memory()
	if s.prefix != nil {
		n += s.prefix.memory
	}
	return n
}

// epoch trains on as many samples as there are, drawn so that all classes are
// equally likely.
func (s *session) epoch(ctx context.Context, epoch int) error {
	order := balanced(s.samples, s.train, len(s.train), stream(s.options.Seed, streamOrder, epoch, 0))
	mix := stream(s.options.Seed, streamMix, epoch, 0)
	group := Head
	if s.stages > 0 {
		group = s.plan.Stages[s.stages-1].Group
	}
	var sum float64
	for step := range s.steps() {
		if err := ctx.Err(); err != nil {
			return err
		}
		lo := step * s.plan.Batch
		rows := order[lo:min(lo+s.plan.Batch, len(order))]
		if err := s.fill(rows, epoch, lo, mix); err != nil {
			return err
		}
		loss, err := s.trainer.Step(s.batch.maps, s.batch.targets)
		if errors.Is(err, nn.ErrDiverged) {
			e := &DivergedError{Epoch: epoch + 1, Batch: step + 1, Samples: slices.Clone(rows), Err: err}
			if epoch > 0 {
				e.Checkpoint = s.options.Checkpoint
			}
			return e
		}
		if err != nil {
			return err
		}
		sum += loss * float64(len(rows))
		if s.options.Progress != nil {
			s.options.Progress(Progress{epoch + 1, s.plan.Probe + s.plan.Epochs, step + 1, s.steps(), loss, group})
		}
	}
	s.result.Epochs = append(s.result.Epochs, Epoch{Loss: sum / float64(len(order)), Rate: s.headRate(epoch)})
	return nil
}

// headRate returns the head's learning rate at the last step of an epoch.
func (s *session) headRate(epoch int) float64 {
	if s.probing(epoch) {
		return s.plan.ProbeRate
	}
	last := (epoch-s.plan.Probe+1)*s.steps() - 1
	return s.plan.Stages[0].Rate * nn.OneCycle{Total: s.plan.Epochs * s.steps()}.Rate(last)
}

// fill makes a batch of samples, of which the first is at place first of its
// epoch.
func (s *session) fill(rows []int, epoch, first int, mix *rand.Rand) error {
	b := &s.batch
	labels := make([]int, len(rows))
	for k, i := range rows {
		labels[k] = s.samples[i].Label
	}
	b.targets = slices.Grow(b.targets[:0], len(rows)*s.classes)[:len(rows)*s.classes]
	if err := nn.OneHot(b.targets, labels, s.classes, 0); err != nil {
		return err
	}
	mixed := !s.probing(epoch) && mix.Float64() < s.plan.CutMix.Probability
	if s.prefix != nil && s.prefix.live == nil {
		n := len(rows) * s.prefix.size()
		b.maps = slices.Grow(b.maps[:0], n)[:n]
		s.prefix.rows(b.maps, rows)
	} else {
		s.pictures(rows, epoch, first)
		if mixed && !s.plan.CutMix.Features {
			s.mixer.cutMix(b.x, b.targets, len(rows), s.input, mix)
		}
		b.maps = append(b.maps[:0], b.x...)
		if s.prefix != nil {
			b.maps = append(b.maps[:0], s.prefix.live.Forward(b.x, len(rows))...)
		}
	}
	dims := s.input
	if s.prefix != nil {
		dims = s.prefix.dims
	}
	if mixed && s.plan.CutMix.Features && dims[1]*dims[2] > 1 {
		s.mixer.cutMix(b.maps, b.targets, len(rows), dims, mix)
	}
	return nil
}

// pictures fills b.x with normalised pictures, augmented if the plan says so.
func (s *session) pictures(rows []int, epoch, first int) {
	b := &s.batch
	n := len(rows) * s.picture
	b.pixels, b.x = slices.Grow(b.pixels[:0], n)[:n], slices.Grow(b.x[:0], n)[:n]
	for k, i := range rows {
		to := b.pixels[k*s.picture : (k+1)*s.picture]
		if s.plan.Augment.none() {
			copy(to, s.samples[i].Pixels)
			continue
		}
		s.augmenter.apply(to, s.samples[i].Pixels, stream(s.options.Seed, streamAugment, epoch, first+k))
	}
	s.normalise(b.x, b.pixels)
}
