package site

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/evaluation"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Experiment compares ways to fit a pretrained network to a site's pictures, by
// patient-level stratified k-fold cross-validation, repeated with other folds.
// What it finds is kept in a directory as it goes, and an experiment that was
// stopped goes on there to the same result.
type Experiment struct {
	Net   *graph.Graph // pretrained, in float32, with any output layer or none
	Set   data.Set     // Sample.Owner is the patient
	Names []string     // of the samples, for messages

	Plans         []string        // names of Own, or for [finetune.NewPlan]
	Own           []finetune.Plan // plans of the site's own, whose names tell them apart
	Probe, Epochs int             // for [finetune.NewPlan]
	// Adjust, if not nil, changes a plan of [finetune.NewPlan] before it is used.
	Adjust func(p *finetune.Plan)
	Hidden []int // widths of the head's hidden layers

	Folds, Runs int
	Seed        uint64

	Dir     string
	Workers int // trainings at a time, at least 1
	Memory  int // bytes for all of them together; 0: any number

	Now      func() time.Time
	Progress func(done, total int) // of training steps; may be nil
}

// ErrOtherExperiment says that the directory holds something else.
var ErrOtherExperiment = errors.New("the directory holds another experiment, with other data, plans or settings: choose a new one, or remove it")

// cell is one training: a plan, a run and a fold.
type cell struct{ plan, run, fold int }

// cellResult is what a cell left, as it is kept in a file.
type cellResult struct {
	Experiment    string           `json:"experiment"`
	Test          []int            `json:"test"` // samples
	Train         int              `json:"train"`
	Probabilities [][]float64      `json:"probabilities"`
	Epochs        []finetune.Epoch `json:"epochs"`
	Phases        []finetune.Phase `json:"phases"`
	Memory        int              `json:"memory"`
	Seconds       float64          `json:"seconds"`
}

// trial is an experiment at work.
type trial struct {
	Experiment
	name  string // hash of all that decides the result
	plans []finetune.Plan
	folds [][]evaluation.Fold // by run
	steps atomic.Int64
	total int
}

// Findings are the raw results of an experiment, by plan, run and fold.
type Findings struct {
	Plans []finetune.Plan
	cells [][][]cellResult
	set   data.Set
}

// Run makes all trainings that are not in the directory yet. No sample of a
// test fold is looked at before its training has ended. The error wraps
// [ErrOtherExperiment], or is one of packages evaluation and finetune.
func (e Experiment) Run(ctx context.Context) (*Findings, error) {
	t, err := e.prepare()
	if err != nil {
		return nil, err
	}
	f := &Findings{Plans: t.plans, set: e.Set, cells: make([][][]cellResult, len(t.plans))}
	var queue []cell
	for p := range t.plans {
		f.cells[p] = make([][]cellResult, e.Runs)
		for r := range e.Runs {
			f.cells[p][r] = make([]cellResult, e.Folds)
			for k := range e.Folds {
				queue = append(queue, cell{p, r, k})
			}
		}
	}
	next := make(chan cell)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var team sync.WaitGroup
	workers := min(e.Workers, len(queue))
	for range workers {
		team.Go(func() {
			for c := range next {
				r, err := t.cell(ctx, c, workers)
				if err != nil {
					cancel(fmt.Errorf("%s, run %d, fold %d: %w", t.plans[c.plan].Name, c.run+1, c.fold+1, err))
					continue
				}
				f.cells[c.plan][c.run][c.fold] = *r
			}
		})
	}
feed:
	for _, c := range queue {
		select {
		case next <- c:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	team.Wait()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return f, nil
}

// prepare makes the folds and the plans, and checks that no fold tests on what
// it trained on.
func (e Experiment) prepare() (*trial, error) {
	if e.Workers < 1 || e.Runs < 1 || len(e.Plans) == 0 {
		return nil, fmt.Errorf("site: %d workers, %d runs and %d plans: at least one of each is needed", e.Workers, e.Runs, len(e.Plans))
	}
	t := &trial{Experiment: e}
	net, err := e.network(e.Seed)
	if err != nil {
		return nil, err
	}
	for _, name := range e.Plans {
		p, err := e.plan(name, net)
		if err != nil {
			return nil, err
		}
		t.plans = append(t.plans, p)
	}
	labels, owners := make([]int, len(e.Set.Samples)), make([]string, len(e.Set.Samples))
	items := make([]evaluation.Item, len(e.Set.Samples))
	for i, s := range e.Set.Samples {
		labels[i], owners[i] = s.Label, s.Owner
		items[i] = evaluation.Item{Name: e.sampleName(i), Group: s.Owner, Hash: s.Hash(e.Set.Shape)}
	}
	for r := range e.Runs {
		folds, err := evaluation.StratifiedFolds(labels, owners, len(e.Set.Classes), e.Folds, e.Seed+uint64(r))
		if err != nil {
			return nil, err
		}
		for _, f := range folds {
			if err := evaluation.CheckLeak(pick(items, f.Train), pick(items, f.Test)); err != nil {
				return nil, err
			}
			for _, p := range t.plans {
				t.total += (p.Probe + p.Epochs) * ((len(f.Train) + p.Batch - 1) / p.Batch)
			}
		}
		t.folds = append(t.folds, folds)
	}
	if t.name, err = t.fingerprint(net, items); err != nil {
		return nil, err
	}
	return t, t.claim()
}

func (e Experiment) sampleName(i int) string {
	if i < len(e.Names) {
		return e.Names[i]
	}
	return fmt.Sprintf("sample %d", i+1)
}

func (e Experiment) plan(name string, net *graph.Graph) (finetune.Plan, error) {
	for _, p := range e.Own {
		if p.Name == name {
			return p, p.Check(net)
		}
	}
	p, err := finetune.NewPlan(name, net, e.Probe, e.Epochs)
	if err == nil && e.Adjust != nil {
		e.Adjust(&p)
	}
	return p, err
}

// network returns the pretrained network with a new head.
func (e Experiment) network(seed uint64) (*graph.Graph, error) {
	return finetune.ReplaceHead(e.Net, len(e.Set.Classes), e.Hidden, seed)
}

func pick[T any](list []T, chosen []int) []T {
	out := make([]T, len(chosen))
	for k, i := range chosen {
		out[k] = list[i]
	}
	return out
}

// fingerprint hashes what decides the result.
func (t *trial) fingerprint(net *graph.Graph, items []evaluation.Item) (string, error) {
	h := sha256.New()
	set := make([]any, len(items))
	for i, it := range items {
		set[i] = []any{hex.EncodeToString(it.Hash[:]), it.Group, t.Set.Samples[i].Label}
	}
	for _, part := range []any{t.plans, t.Hidden, t.Folds, t.Runs, t.Seed, t.Set.Classes, t.Set.Shape, set} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("site: %w", err)
		}
		h.Write(append(b, '\n'))
	}
	weights := finetune.HashWeights(net)
	h.Write(weights[:])
	return hex.EncodeToString(h.Sum(nil)), nil
}

// claim makes the directory this experiment's.
func (t *trial) claim() error {
	file := filepath.Join(t.Dir, "experiment")
	if err := os.MkdirAll(filepath.Join(t.Dir, "cells"), 0o700); err != nil {
		return fmt.Errorf("make the directory of the run: %w", err)
	}
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return keep(file, []byte(t.name+"\n"))
	}
	if err == nil && string(b) != t.name+"\n" {
		err = ErrOtherExperiment
	}
	if err != nil {
		return fmt.Errorf("%s: %w", t.Dir, err)
	}
	return nil
}

func (t *trial) file(c cell, ending string) string {
	return filepath.Join(t.Dir, "cells", fmt.Sprintf("%s-run%d-fold%d.%s", t.plans[c.plan].Name, c.run+1, c.fold+1, ending))
}

// cell returns the result of a cell, from its file or from training.
func (t *trial) cell(ctx context.Context, c cell, together int) (*cellResult, error) {
	plan, fold := t.plans[c.plan], t.folds[c.run][c.fold]
	perEpoch := (len(fold.Train) + plan.Batch - 1) / plan.Batch
	all := (plan.Probe + plan.Epochs) * perEpoch
	if r, err := t.kept(c); r != nil || err != nil {
		t.advance(all)
		return r, err
	}
	// All plans see the same draw of the head's weights.
	seed := t.Seed ^ uint64(c.run+1)<<32 ^ uint64(c.fold+1)<<16
	net, err := t.network(seed)
	if err != nil {
		return nil, err
	}
	began, done := t.Now(), 0
	r, err := finetune.Train(ctx, net, plan, t.Set, fold.Train, finetune.Options{
		Seed: seed, Workers: 1, Memory: t.Memory / together, Checkpoint: t.file(c, "checkpoint"),
		Progress: func(p finetune.Progress) {
			at := (p.Epoch-1)*perEpoch + p.Step // jumps ahead after a checkpoint
			t.advance(at - done)
			done = at
		},
	})
	if err != nil {
		return nil, t.named(err)
	}
	t.advance(all - done)
	p, err := finetune.Predict(ctx, r.Net, t.Set, fold.Test, 1)
	if err != nil {
		return nil, err
	}
	result := &cellResult{
		Experiment: t.name, Test: fold.Test, Train: len(fold.Train), Probabilities: p, Epochs: r.Epochs, Phases: r.Phases, Memory: r.Memory,
		Seconds: t.Now().Sub(began).Seconds(),
	}
	b, err := json.Marshal(result)
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	if err := keep(t.file(c, "json"), b); err != nil {
		return nil, err
	}
	return result, os.Remove(t.file(c, "checkpoint"))
}

// named adds the names of the samples to an error that numbers them.
func (e Experiment) named(err error) error {
	diverged, ok := errors.AsType[*finetune.DivergedError](err)
	if !ok {
		return err
	}
	var names []string
	for _, i := range diverged.Samples {
		names = append(names, e.sampleName(i))
	}
	return fmt.Errorf("%w (the batch is %q)", err, names)
}

// kept reads the file of a cell; nil if there is none.
func (t *trial) kept(c cell) (*cellResult, error) {
	b, err := os.ReadFile(t.file(c, "json"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r cellResult
	fold := t.folds[c.run][c.fold]
	if err := json.Unmarshal(b, &r); err != nil || r.Experiment != t.name || !slices.Equal(r.Test, fold.Test) || len(r.Probabilities) != len(fold.Test) {
		return nil, fmt.Errorf("%s: it is damaged: remove it, and it is computed again", t.file(c, "json"))
	}
	for _, p := range r.Probabilities {
		if len(p) != len(t.Set.Classes) {
			return nil, fmt.Errorf("%s: it is damaged: remove it, and it is computed again", t.file(c, "json"))
		}
	}
	return &r, nil
}

func (t *trial) advance(steps int) {
	done := t.steps.Add(int64(steps))
	if t.Progress != nil {
		t.Progress(int(done), t.total)
	}
}
