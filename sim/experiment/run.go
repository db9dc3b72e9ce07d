package experiment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/sim"
	"github.com/bristle-fl/bristled/sim/attack"
	"github.com/bristle-fl/bristled/sim/report"
	"github.com/bristle-fl/bristled/store"
)

// Outcome is what one cell showed.
type Outcome struct {
	Cell report.Cell `json:"cell"`
	// Heads is the SHA-256 of every bit of every honest peer's head, in
	// hexadecimal.
	Heads string `json:"heads"`
	// Data is the fingerprint of the data that it ran on.
	Data   string        `json:"data"`
	Timing report.Timing `json:"-"` // depends on the machine
}

func crashes(l sim.Life) bool {
	return slices.ContainsFunc(l.Away, func(a sim.Absence) bool { return a.Crash })
}

// RunCell runs one cell on so many workers. All but the timing depends on the cell
// and the data alone. iteration, if set, is called after each; verdicts, if set,
// as sim.Experiment has it.
func RunCell(ctx context.Context, d *Data, c Cell, workers int, iteration func(int), verdicts func(peer int, round uint64, r aggregation.Result) error) (Outcome, error) {
	return runCell(ctx, d, c, workers, "", iteration, verdicts)
}

// runCell is [RunCell] with a directory for what crashing peers need while it
// runs; empty: the system's for temporary files.
func runCell(ctx context.Context, d *Data, c Cell, workers int, dir string, iteration func(int), verdicts func(peer int, round uint64, r aggregation.Result) error) (Outcome, error) {
	e, err := c.experiment(d)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s%w", c.where(), err)
	}
	e.Workers, e.Progress, e.Verdicts = workers, iteration, verdicts
	if slices.ContainsFunc(e.Life, crashes) {
		name := "bristled-cell-*"
		if dir != "" {
			name = wholefile.Unfinished + "*" // so that sweepUp finds it after a power cut
		}
		if e.Dir, err = os.MkdirTemp(dir, name); err != nil {
			return Outcome{}, fmt.Errorf("a directory for the stores of peers that crash: %w", Unwritten(cmp.Or(dir, os.TempDir()), err))
		}
		defer os.RemoveAll(e.Dir) //nolint:errcheck // what stays is removed by sweepUp, or is the system's to remove
	}
	start := time.Now()
	r, err := sim.Run(ctx, e)
	if errors.Is(err, store.ErrDiskFull) {
		return Outcome{}, Unwritten(e.Dir, err)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%s%w", c.where(), err)
	}
	s := &c.Settings
	out := Outcome{
		Data: d.Fingerprint,
		Cell: report.Cell{
			Key: c.Key, Labels: c.Labels, Rule: c.ruleName(), Attack: c.attackName(), Seed: c.Seed,
			Honest: s.Peers.Honest, Liars: s.Peers.Liars,
			Iterations: r.Evaluated, Mean: r.Curve, Worst: r.WorstCurve, SD: r.Deviation,
			Accuracy: r.Accuracy, BytesPerPeerRound: r.SentBytes, Idle: r.Idle,
		},
		Timing: report.Timing{Key: c.Key, Seconds: time.Since(start).Seconds(), RuleNanoseconds: float64(r.RuleTime)},
	}
	for i, a := range r.Curve {
		if a >= .9 {
			out.Cell.IterationsTo90 = r.Evaluated[i]
			break
		}
	}
	sum := sha256.New()
	for _, h := range r.Heads {
		hashFloats(sum, h.Weights)
	}
	out.Heads = fmt.Sprintf("%x", sum.Sum(nil))
	return out, nil
}

// experiment makes what the simulator runs.
func (c *Cell) experiment(d *Data) (sim.Experiment, error) {
	s := &c.Settings
	m, err := c.manifest(d.manifest)
	if err != nil {
		return sim.Experiment{}, err
	}
	honest, liars, err := c.deal(d.pool, len(m.Classes))
	if err != nil {
		return sim.Experiment{}, err
	}
	e := sim.Experiment{
		Manifest: m, Honest: honest, Test: d.test, Iterations: s.Iterations, Seed: c.Seed,
		Every: s.Evaluate, Link: s.Link, MaxAge: uint64(s.MaxAge),
		Attack: func(liar, liars int) (attack.Attack, error) { return attack.New(c.attack.spec, liar, liars, c.Seed) },
	}
	for _, l := range liars {
		for range c.attack.keys {
			e.Liars = append(e.Liars, l)
		}
	}
	if e.Topology, err = c.topology(); err != nil {
		return e, fmt.Errorf("%w: %w", ErrImpossible, err)
	}
	if s.Life.Churn > 0 {
		e.Life = sim.Churn(s.Peers.Honest, s.Iterations, s.Life.Churn, s.Life.Away, s.Life.Crash, c.Seed)
	}
	if len(s.Life.Peers) > 0 {
		e.Life = append(e.Life, make([]sim.Life, s.Peers.Honest-len(e.Life))...)
	}
	for _, l := range s.Life.Peers {
		e.Life[l.Peer] = l.Life
	}
	return e, nil
}

// manifest returns the federation's manifest with the cell's settings.
func (c *Cell) manifest(base *federation.Manifest) (*federation.Manifest, error) {
	s, m := &c.Settings, *base
	m.Rule, m.Training, m.Prototypes = c.rule.spec, s.Training, s.Prototypes
	// A peer without held-out samples has a manifest that asks for some, as every
	// manifest does; its rule does not test.
	m.Training.Probe = max(1, s.Partition.Probe)
	m.Wire.Rows = s.Rows
	m.Wire.MaxPeers = max(m.Wire.MaxPeers, s.Peers.Honest+c.liars())
	m.Wire.MaxMessage = m.MaxUpdateSize()
	if err := m.Validate(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrImpossible, err)
	}
	return &m, nil
}

func (c *Cell) topology() (sim.Topology, error) {
	s, t := &c.Settings, &c.Settings.Topology
	n := s.Peers.Honest
	all := n + c.liars()
	switch t.Kind {
	case "random":
		return sim.Random(all, t.K, c.Seed), nil
	case "round-robin":
		return sim.RoundRobin(all), nil
	case "hops":
		return sim.Hops(all), nil
	case "ring":
		return sim.Ring(n), nil
	case "regular":
		return sim.Regular(n, t.K, c.Seed)
	case "erdos-renyi":
		return sim.ErdosRenyi(n, t.P, c.Seed), nil
	case "small-world":
		return sim.SmallWorld(n, t.K, t.P, c.Seed), nil
	case "file":
		return sim.Edges(n, t.list.links)
	}
	return sim.All(), nil
}
