package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// ErrDiverged is returned by [Trainer.Step] when the loss is no longer a
// finite number.
var ErrDiverged = errors.New("training diverged: the loss is not finite (start again with a lower learning rate and check that the input is scaled)")

// TrainOptions say how a graph is trained.
type TrainOptions struct {
	Options
	Batch     int // most samples in a pass, at least 1
	Loss      Loss
	Optimizer Optimizer
	Schedule  Schedule // nil: constant

	// Freeze is the freeze line: the name of a value. The parameters that it
	// depends on stay as they are, and no gradient is computed for them.
	// Empty trains everything.
	Freeze string

	// Dropout is the share of features, the head's inputs, that are dropped
	// in a pass, in [0, 1); Seed and the number of the step decide which.
	Dropout float32
	Seed    uint64
}

// Trainer fits a graph's parameters to samples, in place. It belongs to one
// goroutine at a time. After the first step a step allocates nothing.
type Trainer struct {
	graph   *graph.Graph
	options TrainOptions
	input   []int
	prog    *Program
	opt     *optimizer
	columns int
	x       []float32   // a batch that is not full
	sums    [][]float32 // gradients of the passes before, where a step has several
}

// NewTrainer returns a trainer that changes the constants of g in place. The
// extents of g's input beyond the batch must be known.
func NewTrainer(g *graph.Graph, o TrainOptions) (*Trainer, error) {
	if o.Batch < 1 {
		return nil, fmt.Errorf("nn: training with batches of %d", o.Batch)
	}
	if o.Optimizer.LearningRate <= 0 || o.Loss == nil {
		return nil, errors.New("nn: training needs a loss and a learning rate above 0")
	}
	if o.Dropout < 0 || o.Dropout >= 1 {
		return nil, fmt.Errorf("nn: dropout of %v: it must be from 0 to below 1", o.Dropout)
	}
	input, err := batchOf(g, o.Batch)
	if err != nil {
		return nil, err
	}
	t := &Trainer{graph: g, options: o, input: input, opt: newOptimizer(o.Optimizer, o.Schedule)}
	if err := t.Freeze(o.Freeze); err != nil {
		return nil, err
	}
	return t, nil
}

// Freeze moves the freeze line, see [TrainOptions]. What the optimizer
// remembers of the parameters stays.
func (t *Trainer) Freeze(line string) error {
	frozen := map[string]bool{}
	if line != "" {
		var err error
		if frozen, err = above(t.graph, line); err != nil {
			return err
		}
	}
	prog, err := compileTraining(t.graph, t.input, t.options, func(p string) bool { return !frozen[p] })
	if err != nil {
		return err
	}
	out := prog.output.dims
	if len(out) < 1 || out[0] != t.options.Batch {
		return &graph.UnsupportedError{Reason: fmt.Sprintf("an output of extents %v for a batch of %d: one row per sample can be trained", out, t.options.Batch)}
	}
	if !prog.output.root().wants {
		return fmt.Errorf("nn: the freeze line %.80q leaves nothing to train: choose a value further from the output", line)
	}
	t.prog, t.columns, t.sums = prog, graph.Size(out[1:]), nil
	t.x = make([]float32, graph.Size(t.input))
	return nil
}

// above returns the constants that a value depends on.
func above(g *graph.Graph, value string) (map[string]bool, error) {
	makers := g.Makers()
	if _, ok := makers[value]; !ok && value != g.Inputs[0].Name {
		return nil, fmt.Errorf("nn: the network has no value %.80q to freeze up to: see `bristled model inspect` for where it can be frozen", value)
	}
	seen := map[string]bool{}
	var visit func(v string)
	visit = func(v string) {
		if v == "" || seen[v] {
			return
		}
		seen[v] = true
		if i, ok := makers[v]; ok {
			for _, in := range g.Nodes[i].Inputs {
				visit(in)
			}
		}
	}
	visit(value)
	return seen, nil
}

// batchOf returns the extents of g's input with the given batch.
func batchOf(g *graph.Graph, batch int) ([]int, error) {
	if len(g.Inputs) != 1 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("%d inputs: one is", len(g.Inputs))}
	}
	dims := slices.Clone(g.Inputs[0].Dims)
	if len(dims) < 2 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an input of extents %v: a batch of samples is", dims)}
	}
	if dims[0] >= 0 && dims[0] != batch {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("batches of %d only, not of %d: export the model with a dynamic batch axis", dims[0], batch)}
	}
	dims[0] = batch
	for _, d := range dims[1:] {
		if d < 1 {
			return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("an input of extents %v: only the batch may be open", g.Inputs[0].Dims)}
		}
	}
	return dims, nil
}

// Columns returns how many outputs a sample has.
func (t *Trainer) Columns() int { return t.columns }

// Params returns the parameters, with the gradients of the last step in
// those that are not frozen.
func (t *Trainer) Params() []*Param { return t.prog.params }

// Memory returns the bytes of activations and their gradients in a step.
func (t *Trainer) Memory() int { return t.prog.Memory() }

// Step makes one step on samples that lie one after another in x, with
// Columns() targets each, and returns the mean loss before the step. More
// samples than [TrainOptions].Batch go through in several passes, whose
// gradients are added: the step is the same but for rounding and dropout, if
// the loss is a mean over rows. On an error, which may wrap [ErrDiverged], no
// weight has changed.
func (t *Trainer) Step(x, targets []float32) (float64, error) {
	sample, batch := len(t.x)/t.options.Batch, t.options.Batch
	rows := len(targets) / max(t.columns, 1)
	if rows < 1 || len(targets) != rows*t.columns || len(x) != rows*sample {
		return 0, fmt.Errorf("nn: training batch of %d numbers and %d targets: samples of %d numbers and %d targets each are needed",
			len(x), len(targets), sample, t.columns)
	}
	if t.prog.drop != nil {
		t.prog.drop.reseed(uint64(t.opt.made))
	}
	var loss float64
	for lo := 0; lo < rows; lo += batch {
		n := min(batch, rows-lo)
		share := float64(n) / float64(rows)
		loss += share * t.gradients(x[lo*sample:(lo+n)*sample], targets[lo*t.columns:(lo+n)*t.columns], n)
		if rows > batch {
			t.accumulate(float32(share), lo == 0, lo+n == rows)
		}
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return 0, fmt.Errorf("nn: step %d: %w", t.opt.made+1, ErrDiverged)
	}
	t.opt.step(t.prog.params, t.prog.pool)
	return loss, nil
}

// accumulate adds the gradients of a pass, which has that share of the step's
// samples, to those of the passes before, and after the last pass puts the
// sum in their place.
func (t *Trainer) accumulate(share float32, first, last bool) {
	if t.sums == nil {
		t.sums = make([][]float32, len(t.prog.params))
		for i, p := range t.prog.params {
			t.sums[i] = make([]float32, len(p.Grad))
		}
	}
	for i, p := range t.prog.params {
		sum := t.sums[i]
		for j, g := range p.Grad {
			g *= share
			if !first {
				g += sum[j]
			}
			sum[j] = g
		}
		if last {
			copy(p.Grad, sum)
		}
	}
}

// gradients leaves the gradients of the mean loss in the parameters and
// returns that loss. Samples that a full batch would have beyond the rows are
// zeros without weight.
func (t *Trainer) gradients(x, targets []float32, rows int) float64 {
	if rows < t.options.Batch {
		n := copy(t.x, x)
		clear(t.x[n:])
		x = t.x
	}
	logits := t.prog.Forward(x)
	grad := t.prog.outputGrad()
	loss := t.options.Loss.Gradient(grad, logits, targets, rows, t.columns)
	clear(grad[rows*t.columns:])
	t.prog.backward()
	return loss
}
