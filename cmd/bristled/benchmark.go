package main

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/quant"
)

// benchmark measures one network.
type benchmark struct {
	ctx            context.Context
	network        *network
	batch, workers int
	layers         bool
	long           time.Duration // of each measurement
	start          time.Time     // when the file was begun to be read
	report         *benchReport
	macs           map[string]int64 // of a batch, by the node's label
}

// count fills in how much there is to compute.
func (b *benchmark) count() error {
	static, err := specialized(b.network.graph, b.batch, graph.Options{KeepQDQ: true})
	if err != nil {
		return err
	}
	b.macs = map[string]int64{}
	for _, l := range graph.Count(static) {
		b.report.MACs += l.MACs
		b.macs[l.Name] += l.MACs
	}
	return nil
}

// answered notes when the first answer was there, and then how much there was
// to compute for it.
func (b *benchmark) answered() error {
	if b.macs != nil {
		return nil
	}
	b.report.Cold = time.Since(b.start).Seconds()
	return b.count()
}

// noise returns random numbers in [0, 1), the same every time.
func noise(n int) []float32 {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float32, n)
	for i := range x {
		x[i] = r.Float32()
	}
	return x
}

// input returns a batch of noise and its extents.
func (b *benchmark) input(batch int) ([]float32, []int) {
	dims := slices.Clone(b.network.graph.Inputs[0].Dims)
	dims[0] = batch
	return noise(graph.Size(dims)), dims
}

// float measures the float32 network.
func (b *benchmark) float() (err error) {
	b.report.Float32, err = b.forward(b.network.graph)
	return err
}

// int8 measures the quantized network, or quantizes the float32 one first.
func (b *benchmark) int8() (err error) {
	g := b.network.graph
	if !b.network.quantized() {
		one, _ := b.input(max(1, b.network.fixedBatch()))
		ranges, err := quant.Calibrate(g, slices.Values([][]float32{one}), quant.Options{Workers: b.workers})
		if err != nil {
			return err
		}
		if g, err = quant.Quantize(g, ranges); err != nil {
			return err
		}
	}
	b.report.Int8, err = b.forward(g)
	return err
}

// forward measures passes of a network in the form that g has.
func (b *benchmark) forward(g *graph.Graph) (*pass, error) {
	x, dims := b.input(b.batch)
	o := nn.Options{Workers: b.workers, Exact: quantizedGraph(g)}
	prog, err := nn.Compile(g, dims, o)
	if err != nil {
		return nil, err
	}
	run := func() error { prog.Forward(x); return nil }
	prog.Forward(x)
	if err := b.answered(); err != nil {
		return nil, err
	}
	p := &pass{Batch: b.batch, Activations: uint64(prog.Memory())}
	if p.timing, err = measure(b.ctx, b.long, run); err != nil {
		return nil, err
	}
	p.GOPS = 2 * float64(b.report.MACs) / p.Min / 1e9
	if !b.layers {
		return p, nil
	}
	// Another program: holding a clock to it takes time of its own.
	watch := newStopwatch()
	o.Trace = watch.trace
	if prog, err = nn.Compile(g, dims, o); err != nil {
		return nil, err
	}
	prog.Forward(x)
	watch.reset()
	if _, err = measure(b.ctx, b.long, run); err != nil {
		return nil, err
	}
	p.Layers = b.steps(watch)
	return p, nil
}

// steps turns what the stopwatch saw into lines, the slowest first.
func (b *benchmark) steps(watch *stopwatch) []benchStep {
	var all time.Duration
	for _, s := range watch.steps {
		all += s.total
	}
	var out []benchStep
	for _, s := range watch.steps {
		if s.runs == 0 {
			continue
		}
		step := benchStep{Node: s.node, Operator: s.operator, Seconds: s.total.Seconds() / float64(s.runs)}
		if all > 0 {
			step.Share = float64(s.total) / float64(all)
		}
		if macs := b.macs[s.node]; macs > 0 && step.Seconds > 0 && multiplies(s.operator) {
			step.GOPS = 2 * float64(macs) / step.Seconds / 1e9
		}
		out = append(out, step)
	}
	slices.SortStableFunc(out, func(a, b benchStep) int { return cmp.Compare(b.Seconds, a.Seconds) })
	return out
}

// multiplies says whether an operator is one of those whose multiply-adds are
// counted.
func multiplies(operator string) bool {
	return slices.Contains([]string{"Conv", "Gemm", "MatMul", "Linear"}, operator)
}

// training measures a training step.
func (b *benchmark) training() error {
	batch := trainingBatch
	if fixed := b.network.fixedBatch(); fixed > 0 {
		batch = fixed
	}
	x, _ := b.input(batch)
	trainer, err := nn.NewTrainer(b.network.graph.Clone(), nn.TrainOptions{
		Options: nn.Options{Workers: b.workers}, Batch: batch, Loss: nn.CrossEntropy{},
		// So small that hours of steps on noise do not diverge.
		Optimizer: nn.Optimizer{Kind: nn.SGD, LearningRate: 1e-12, Momentum: .9},
	})
	if err != nil {
		return err
	}
	targets := make([]float32, batch*trainer.Columns())
	labels := make([]int, batch)
	for i := range labels {
		labels[i] = i % trainer.Columns()
	}
	if err := nn.OneHot(targets, labels, trainer.Columns(), 0); err != nil {
		return err
	}
	p := &pass{Batch: batch, Activations: uint64(trainer.Memory())}
	p.timing, err = measure(b.ctx, b.long, func() error {
		_, err := trainer.Step(x, targets)
		return err
	})
	if err != nil {
		return err
	}
	// A step multiplies three times what a pass forward does.
	p.GOPS = 3 * 2 * float64(b.report.MACs) / float64(b.batch) * float64(batch) / p.Min / 1e9
	b.report.Training = p
	return nil
}
