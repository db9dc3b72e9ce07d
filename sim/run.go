package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
)

// Experiment is one run: honest peers, attackers, a rule (the manifest's) and
// a test set. Every peer sends to every other in every iteration.
type Experiment struct {
	Manifest   *federation.Manifest
	Honest     []Hand
	Attackers  []Hand // the samples they hold, with the true labels
	Attack     Attack
	Test       learner.Samples
	Iterations int
	Seed       uint64
	Workers    int // goroutines
	// Every, if positive, also evaluates after every so many iterations.
	Every int
}

// Result is what an experiment showed.
type Result struct {
	// Accuracy of each honest peer on the test set after the last iteration.
	Accuracy []float64
	// Curve is the mean accuracy over honest peers after the iterations in
	// Evaluated.
	Curve     []float64
	Evaluated []int
	// UpdateBytes is the mean size of an honest peer's encoded update.
	UpdateBytes float64
	// Heads are the honest peers' heads.
	Heads []federation.Head
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

// world is a running experiment.
type world struct {
	Experiment
	honest, attackers []*node.Peer
	tests             []*learner.Probe // one per worker
	sent              []*federation.Update
	bytes, count      int
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

// Run runs an experiment.
func Run(ctx context.Context, e Experiment) (Result, error) {
	w, err := newWorld(e, func(i int) (string, error) { return fmt.Sprintf("peer-%04d", i), nil })
	if err != nil {
		return Result{}, err
	}
	var res Result
	evaluate := func(iteration int) error {
		if res.Accuracy, err = w.evaluate(); err != nil {
			return err
		}
		res.Curve = append(res.Curve, res.Mean())
		res.Evaluated = append(res.Evaluated, iteration)
		return nil
	}
	for t := 1; t <= e.Iterations; t++ {
		if err := ctx.Err(); err != nil {
			return res, err
		}
		if err := w.iterate(uint64(t)); err != nil {
			return res, fmt.Errorf("iteration %d: %w", t, err)
		}
		if t == e.Iterations || e.Every > 0 && t%e.Every == 0 {
			if err := evaluate(t); err != nil {
				return res, err
			}
		}
	}
	for _, p := range w.honest {
		res.Heads = append(res.Heads, p.Head().Clone())
	}
	res.UpdateBytes = float64(w.bytes) / float64(max(1, w.count))
	return res, nil
}

// newWorld makes the peers. name returns the ID of peer i, honest ones first.
func newWorld(e Experiment, name func(i int) (string, error)) (*world, error) {
	w := &world{Experiment: e}
	w.Workers = max(1, w.Workers)
	test := learner.NewProbe(e.Test, e.Manifest.Backbone.Features)
	for range w.Workers {
		w.tests = append(w.tests, test.Share())
	}
	add := func(to *[]*node.Peer, h Hand, rule federation.RuleSpec) error {
		i := len(w.honest) + len(w.attackers)
		id, err := name(i)
		if err != nil {
			return err
		}
		r, err := aggregation.New(rule)
		if err != nil {
			return err
		}
		wire, err := aggregation.New(e.Manifest.Rule)
		if err != nil {
			return err
		}
		p, err := node.NewPeer(node.Config{
			ID:        federation.PeerID(id),
			Manifest:  e.Manifest,
			Rule:      r,
			WholeHead: wire.WholeHead(),
			Train:     h.Train,
			Probe:     h.Probe,
			Seed:      e.Seed<<16 + uint64(i),
		})
		*to = append(*to, p)
		return err
	}
	// Attackers train alone and never integrate, as in the Bristle
	// experiments: what they send is the best that a liar can know.
	alone, err := aggregation.Defaults("local")
	if err != nil {
		return nil, err
	}
	for _, h := range e.Honest {
		if err := add(&w.honest, h, e.Manifest.Rule); err != nil {
			return nil, err
		}
	}
	for _, h := range e.Attackers {
		h.Train = e.Attack.Relabel(h.Train, len(e.Manifest.Classes))
		h.Probe = e.Attack.Relabel(h.Probe, len(e.Manifest.Classes))
		if err := add(&w.attackers, h, alone); err != nil {
			return nil, err
		}
	}
	w.sent = make([]*federation.Update, len(w.honest)+len(w.attackers))
	return w, nil
}

// iterate is one step of every peer, in the order of the Bristle node loop
// (docs/bristle.md, a1): integrate what came, train, send.
func (w *world) iterate(t uint64) error {
	peers := slices.Concat(w.honest, w.attackers)
	sizes := make([]int, len(peers))
	err := w.parallel(len(peers), func(_, i int) error {
		p := peers[i]
		if _, err := p.Integrate(); err != nil {
			return err
		}
		p.Train(w.Manifest.Training.Steps)
		u, err := p.Update(t)
		if err != nil {
			return err
		}
		w.sent[i], sizes[i], err = w.wire(u)
		return err
	})
	if err != nil {
		return err
	}
	for _, n := range sizes[:len(w.honest)] {
		w.bytes += n
		w.count++
	}
	return w.parallel(len(w.honest), w.deliver)
}

// wire sends an update through the wire format.
func (w *world) wire(u *federation.Update) (*federation.Update, int, error) {
	b, err := u.Encode(w.Manifest)
	if err != nil {
		return nil, 0, err
	}
	u, err = federation.DecodeUpdate(w.Manifest, b)
	return u, len(b), err
}

// deliver gives honest peer i what everybody else sent.
func (w *world) deliver(_, i int) error {
	victim := w.honest[i]
	for j, u := range w.sent {
		if j == i {
			continue
		}
		if j >= len(w.honest) && w.Attack.Forge != nil {
			forged := *u
			forged.Rows.Weights = slices.Clone(u.Rows.Weights)
			w.Attack.Forge(&forged, victim.Familiar(), rand.New(rand.NewPCG(w.Seed, uint64(i))))
			u = &forged
		}
		if err := victim.Receive(u); err != nil {
			return fmt.Errorf("%s: update of %s: %w", victim.ID(), u.Sender, err)
		}
	}
	return nil
}

// evaluate returns the accuracy of each honest peer.
func (w *world) evaluate() ([]float64, error) {
	acc := make([]float64, len(w.honest))
	err := w.parallel(len(w.honest), func(worker, i int) error {
		acc[i] = w.tests[worker].Scores(w.honest[i].Head()).Accuracy
		return nil
	})
	return acc, err
}

// parallel calls f for 0..n-1 on the workers. No call depends on another, so
// the result does not depend on the number of workers.
func (w *world) parallel(n int, f func(worker, i int) error) error {
	errs := make([]error, n)
	var pool sync.WaitGroup
	for worker := range min(w.Workers, n) {
		pool.Go(func() {
			for i := worker; i < n; i += w.Workers {
				errs[i] = f(worker, i)
			}
		})
	}
	pool.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
