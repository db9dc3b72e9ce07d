package sim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/sim/attack"
)

// Experiment is one run: honest peers, liars, a rule (the manifest's) and a test
// set. The zero values of what is not given are the Bristle experiments: a
// perfect network in which everybody sends to everybody, one round of every peer
// per iteration.
type Experiment struct {
	Manifest *federation.Manifest
	Honest   []Hand
	Liars    []Hand // the samples they hold, with the true labels
	// Attack makes the liar with the given number out of so many; nil makes
	// honest ones that never integrate.
	Attack     func(liar, liars int) (attack.Attack, error)
	Test       learner.Samples
	Iterations int
	Seed       uint64
	Workers    int // goroutines
	// Every, if positive, also evaluates after every so many iterations.
	Every    int
	Topology Topology
	Link     Link
	Life     []Life // of each honest peer; shorter: the rest is always there
	// MaxAge is for how many rounds after it came an update is used; 0: as the
	// daemon does it.
	MaxAge uint64
	// Dir is where peers that crash have their stores; needed if one does.
	Dir string
	// Progress, if set, is called after every iteration.
	Progress func(iteration int)
	// Verdicts, if set, gets what each honest peer's rule said in each of its
	// rounds, from 1 on. It is called from several goroutines, for one peer in
	// order; the result is valid during the call.
	Verdicts func(peer int, round uint64, r aggregation.Result) error
}

// Result is what an experiment showed. All but RuleTime depends on the
// experiment alone.
type Result struct {
	// Accuracy of each honest peer on the test set after the last iteration.
	Accuracy []float64
	// The mean accuracy over honest peers, their standard deviation and the
	// worst, after the iterations in Evaluated.
	Curve, Deviation, WorstCurve []float64
	Evaluated                    []int
	// UpdateBytes is the mean size of an honest peer's encoded update. SentBytes is
	// the mean of what it sent in a round to all its targets together: its update,
	// and in its first round its set of prototypes, if it has one. Both are payload
	// without the network's own bytes; what liars send is not in them.
	UpdateBytes, SentBytes float64
	// Idle is the share, from 0 to 1, of the honest peers' rounds with at least one
	// update in which the rule kept the own head because it had fewer heads than
	// its constants can bear, or more. Near 1 the rule never ran, and the result
	// says nothing of it.
	Idle float64
	// Heads are the honest peers' heads.
	Heads []federation.Head
	// RuleTime is what one call of the rule took, on average.
	RuleTime time.Duration
}

// Mean returns the mean accuracy.
func (r Result) Mean() float64 { return mean(r.Accuracy) }

// Worst returns the accuracy of the worst honest peer.
func (r Result) Worst() float64 { return slices.Min(r.Accuracy) }

func mean(x []float64) float64 {
	var sum float64
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// deviation is the standard deviation of the population.
func deviation(x []float64) float64 {
	m, sum := mean(x), 0.0
	for _, v := range x {
		sum += float64((v - m) * (v - m))
	}
	return math.Sqrt(sum / float64(len(x)))
}

// WithRule returns the same experiment under another rule at its defaults.
// The wire limits grow as far as that rule needs.
func WithRule(e Experiment, rule string) (Experiment, error) {
	m := *e.Manifest
	var err error
	if m.Rule, err = aggregation.Defaults(rule); err != nil {
		return e, err
	}
	m.Wire.MaxMessage = max(m.Wire.MaxMessage, m.MaxUpdateSize())
	e.Manifest = &m
	return e, m.Validate()
}

// Run runs an experiment. A context that ends stops it.
func Run(ctx context.Context, e Experiment) (res Result, err error) {
	w, err := newWorld(e)
	if err != nil {
		return Result{}, err
	}
	defer func() { err = w.close(err) }()
	for done := 0; done < e.Iterations; {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		now := w.agenda.next()
		for ; done < e.Iterations && now >= int64(done+1)*unit; done++ {
			if err := w.mark(done+1, &res); err != nil {
				return res, err
			}
		}
		if done == e.Iterations {
			break
		}
		if err := w.step(now, w.agenda.take()); err != nil {
			return res, fmt.Errorf("iteration %d: %w", done+1, err)
		}
	}
	for _, m := range w.honest {
		res.Heads = append(res.Heads, m.Head().Clone())
	}
	res.UpdateBytes = float64(w.bytes) / float64(max(1, w.count))
	res.SentBytes = float64(w.sent) / float64(max(1, w.count))
	res.Idle = float64(w.idle.Load()) / float64(max(1, w.told.Load()))
	res.RuleTime = w.ruleTime()
	return res, nil
}

// mark ends an iteration.
func (w *world) mark(iteration int, res *Result) error {
	if iteration == w.Iterations || w.Every > 0 && iteration%w.Every == 0 {
		acc, err := w.evaluate(iteration)
		if err != nil {
			return err
		}
		res.Accuracy = acc
		res.Curve = append(res.Curve, mean(acc))
		res.Deviation = append(res.Deviation, deviation(acc))
		res.WorstCurve = append(res.WorstCurve, slices.Min(acc))
		res.Evaluated = append(res.Evaluated, iteration)
	}
	if w.Progress != nil {
		w.Progress(iteration)
	}
	return nil
}

// testedTogether is how many heads are tested at once: the logits of ten classes and
// 10,000 samples take 0.4 MB of memory for each.
const testedTogether = 5

// evaluate returns the accuracy of each honest peer that has joined.
func (w *world) evaluate(iteration int) ([]float64, error) {
	acc := make([]float64, len(w.honest))
	err := w.parallel((len(acc)+testedTogether-1)/testedTogether, func(_, i int) error {
		from, to := i*testedTogether, min(len(acc), (i+1)*testedTogether)
		heads := make([]federation.Head, to-from)
		for k := range heads {
			heads[k] = w.honest[from+k].Head()
		}
		w.test.Accuracies(heads, acc[from:to])
		return nil
	})
	joined := acc[:0] // not empty: checkJoins
	for i, a := range acc {
		if w.honest[i].life.Join < iteration {
			joined = append(joined, a)
		}
	}
	return joined, err
}
