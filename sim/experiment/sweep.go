package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/sim/report"
)

// Options say how a sweep is run. None of them changes what it shows.
type Options struct {
	Dir    string // where results go
	Resume bool   // run only what is not finished in Dir
	// Shard of Shards, from 0, runs every Shards-th cell; [Merge] collects them.
	// Without shards, Shards is 0 or 1.
	Shard, Shards int
	Workers       int // goroutines, at least 1
	// Parallel is how many cells run at once; 0 leaves the choice, which is one
	// per worker unless cells are few or large.
	Parallel int
	// Version names the program; results of two versions are not mixed.
	Version string
	About   report.About
	// Progress, if set, is called after every iteration of every cell, from one
	// goroutine at a time.
	Progress func(Progress)
}

// Progress is how far a sweep is.
type Progress struct {
	Done, Total int     // cells, those finished before among them
	Part        float64 // of the work of this run that is done, 0 to 1
}

// largeCell is the number of peers from which on a cell is run alone, on all
// workers: many such at once would need much memory.
const largeCell = 500

// sweeper is a sweep at work.
type sweeper struct {
	Options
	lib   *Library
	write func(path string, b []byte) error
	data  map[string]string // fingerprints by the key of a cell
	start time.Time

	mu    sync.Mutex
	state Progress
	work  float64 // of this run, in rounds times updates
	done  float64
}

// Sweep runs the cells of a file and leaves the results in a directory: each cell
// in a file of its own as soon as it is finished and, when all are there, tables
// in the order of the file. These have the same bytes whatever the number of
// workers, shards and interruptions; timings.csv and about.json have what depends
// on the machine. All cells are checked before the first one runs.
//
// A context that ends stops it between two iterations; what is finished stays,
// and a sweep with Resume goes on from there.
//
// Errors wrap [ErrFile], [ErrLinks], [ErrImpossible], [ErrNoData], [ErrNotEmpty],
// [ErrBusy], [ErrOther] or [ErrDiskFull].
func Sweep(ctx context.Context, f *File, lib *Library, o Options) (Results, error) {
	return (&sweeper{Options: o, lib: lib, write: writeFile}).sweep(ctx, f)
}

func (s *sweeper) sweep(ctx context.Context, f *File) (res Results, err error) {
	s.Shards, s.Workers = max(1, s.Shards), max(1, s.Workers)
	if s.Shard < 0 || s.Shard >= s.Shards {
		return res, fmt.Errorf("shard %d of %d: shards count from 0", s.Shard, s.Shards)
	}
	cells, err := f.Cells()
	if err != nil {
		return res, err
	}
	p := plan{Name: f.Name, Title: f.Title, Note: f.Note, Version: s.Version, Data: map[string]string{}, Explain: f.Explain}
	if err := s.check(ctx, cells, &p); err != nil {
		return res, f.named(err)
	}
	release, err := lockDir(s.Dir, s.Options)
	if err != nil {
		return res, err
	}
	defer release()
	if err := s.prepare(p, f.Text); err != nil {
		return res, err
	}
	var pending []Cell
	for i, c := range cells {
		if p.finished(s.Dir, c.Key) {
			s.state.Done++
		} else if i%s.Shards == s.Shard {
			pending = append(pending, c)
		}
	}
	s.state.Total, s.start = len(cells), time.Now()
	if s.Shards > 1 {
		s.state.Done, s.state.Total = 0, len(pending)
	}
	if err := s.run(ctx, pending); err != nil {
		return res, err
	}
	about := s.About
	if about.Finished = time.Now().UTC().Round(time.Second); about.Started.IsZero() {
		about.Started = s.start.UTC().Round(time.Second)
	}
	if len(pending) < len(cells) { // others have worked here
		other, err := readAbout(s.Dir)
		if err != nil {
			return res, err
		}
		about = together(about, other)
	}
	if err := writeAbout(filepath.Join(s.Dir, aboutName(s.Options)), about); err != nil {
		return res, err
	}
	if s.Shards > 1 {
		return Results{Name: f.Name, Title: f.Title, Note: f.Note, About: about}, nil
	}
	return finish(s.Dir, p)
}

// check opens the data and refuses cells that cannot be run.
func (s *sweeper) check(ctx context.Context, cells []Cell, p *plan) error {
	type hand struct {
		source    Source
		partition Partition
		peers     Peers
		seed      uint64
	}
	seen := map[hand]bool{}
	s.data = map[string]string{}
	for _, c := range cells {
		p.Cells = append(p.Cells, plannedCell{c.Key, c.Labels, c.ruleName(), c.attackName()})
		d, err := s.lib.Open(ctx, c.Settings.Data)
		if err != nil {
			return fmt.Errorf("%s%w", c.where(), err)
		}
		s.data[c.Key] = d.Fingerprint
		if err := d.checkMemory(c); err != nil {
			return fmt.Errorf("%s%w", c.where(), err)
		}
		h := hand{c.Settings.Data, c.Settings.Partition, c.Settings.Peers, c.Seed}
		if seen[h] {
			continue
		}
		seen[h] = true
		name, err := json.Marshal(c.Settings.Data)
		if err != nil {
			return err
		}
		p.Data[string(name)] = d.Fingerprint
		if err := d.Check(c); err != nil {
			return err
		}
		if c.Explain && c.Settings.Peers.Honest > maxExplained {
			return fmt.Errorf("%s%w", c.where(), c.impossible("peers.honest", "explain is true and there are %d honest peers; verdicts of at most %d are kept",
				c.Settings.Peers.Honest, maxExplained))
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes sure that the directory is fit for the plan and writes it.
func (s *sweeper) prepare(p plan, text []byte) error {
	old, err := readPlan(s.Dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		empty, err := isEmpty(s.Dir, s.Shards > 1)
		if !empty && s.Shards > 1 && exists(filepath.Join(s.Dir, planFile)) {
			return s.prepare(p, text) // another shard has begun since
		}
		if err != nil || !empty {
			return errors.Join(fmt.Errorf("%w: %s: choose another directory", ErrNotEmpty, s.Dir), err)
		}
	case err != nil:
		return err
	case !s.Resume && (s.Shards == 1 || s.ownDone(p)):
		return fmt.Errorf("%w: %s has results: go on with --resume or choose another directory", ErrNotEmpty, s.Dir)
	case p.strange(old):
		return fmt.Errorf("%w: %s holds the experiment %q, which has no cell of %q: use another directory", ErrOther, s.Dir, old.Name, p.Name)
	case s.Shards > 1 && !p.same(old):
		return fmt.Errorf("%w: %s holds shards of another experiment: use another directory", ErrOther, s.Dir)
	default:
		if err := p.fits(old, s.Dir); err != nil {
			return err
		}
	}
	if err := s.checkData(p); err != nil {
		return err
	}
	if s.Shards == 1 {
		if err := sweepUp(s.Dir); err != nil {
			return err
		}
	}
	return p.write(s.Dir, text)
}

// checkData refuses finished cells of other data. The plan of a directory does not
// tell: another file may have been run there since.
func (s *sweeper) checkData(p plan) error {
	for _, c := range p.Cells {
		if !p.finished(s.Dir, c.Key) {
			continue
		}
		o, err := readCell(s.Dir, c)
		if err != nil {
			return err
		}
		if o.Data != s.data[c.Key] {
			return fmt.Errorf("%w: %s is of other data under the same name: use another directory, or remove it to run the cell again",
				ErrOther, cellPath(s.Dir, c.Key))
		}
	}
	return nil
}

// ownDone reports whether one of this shard's cells is there.
func (s *sweeper) ownDone(p plan) bool {
	for i := s.Shard; i < len(p.Cells); i += s.Shards {
		if p.finished(s.Dir, p.Cells[i].Key) {
			return true
		}
	}
	return false
}

// run runs cells side by side.
func (s *sweeper) run(ctx context.Context, pending []Cell) error {
	parallel := s.Parallel
	if parallel == 0 {
		parallel = s.Workers
	}
	for _, c := range pending {
		s.work += c.work()
		if s.Parallel == 0 && c.Settings.Peers.Honest > largeCell {
			parallel = 1
		}
	}
	parallel = max(1, min(parallel, s.Workers, len(pending)))
	each := s.Workers / parallel
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var pool sync.WaitGroup
	for range parallel {
		pool.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(pending)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := s.cell(ctx, pending[i], each); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	pool.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}

// work is how long a cell takes compared to others, roughly: what its honest peers
// have to look at.
func (c *Cell) work() float64 {
	return float64(c.Settings.Iterations) * float64(c.Settings.Peers.Honest) * float64(4+min(c.heads, 64))
}

// cell runs one cell and keeps what it showed.
func (s *sweeper) cell(ctx context.Context, c Cell, workers int) (err error) {
	d, err := s.lib.Open(ctx, c.Settings.Data)
	if err != nil {
		return err
	}
	step := c.work() / float64(c.Settings.Iterations)
	iteration := func(int) { s.report(step, 0) }
	var r *recorder
	var o Outcome
	if c.Explain {
		if r, err = newRecorder(s.Dir, c.Key, c.Settings.Peers.Honest); err != nil {
			return err
		}
		o, err = runCell(ctx, d, c, workers, s.Dir, iteration, r.record)
		if err != nil {
			return errors.Join(err, r.abandon())
		}
		if err := r.finish(); err != nil {
			return err
		}
	} else if o, err = runCell(ctx, d, c, workers, s.Dir, iteration, nil); err != nil {
		return err
	}
	b, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("%sits result: %w", c.where(), err)
	}
	if err := s.write(cellPath(s.Dir, c.Key), append(b, '\n')); err != nil {
		return err
	}
	if err := addTiming(s.Dir, o.Timing); err != nil {
		return err
	}
	s.report(0, 1)
	return nil
}

// report says how far it is.
func (s *sweeper) report(work float64, cells int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done += work
	s.state.Done += cells
	if s.Progress == nil {
		return
	}
	if s.state.Part = 0; s.work > 0 {
		s.state.Part = min(1, s.done/s.work)
	}
	s.Progress(s.state)
}

// sweepUp removes what a process that was killed had not finished. Nobody else is at
// work in the directory.
func sweepUp(dir string) error {
	for _, sub := range []string{"", "cells", "verdicts"} {
		entries, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for _, e := range entries {
			if path := filepath.Join(dir, sub, e.Name()); strings.HasPrefix(e.Name(), wholefile.Unfinished) {
				if err := os.RemoveAll(path); err != nil {
					return Unwritten(path, err)
				}
			}
		}
	}
	return nil
}

// copyFile copies a file in one step unless it is there already.
func copyFile(to, from string, most int64) error {
	if exists(to) {
		return nil
	}
	b, err := readBounded(from, most)
	if err != nil {
		return err
	}
	return writeFile(to, b)
}
