package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/node"
)

const (
	// settle is how long a data directory must be quiet before it is read
	// again: somebody may be copying a thousand pictures into it.
	settle = time.Second
	// settleMost is when it is read although it is not: something may be
	// adding pictures for ever.
	settleMost = 10 * time.Second

	// chunk is how many samples go through the backbone at once: few enough
	// to say how far it has come, and to need little memory beside the
	// result.
	chunk = 1024
	// progressEvery is the time between two lines about that.
	progressEvery = 2 * time.Second
)

// shelf reads a peer's data directory, once and whenever it changes.
type shelf struct {
	peer    *peer
	cache   *learner.Cache
	log     *slog.Logger
	watcher *fsnotify.Watcher

	told []string // files that were reported as unusable
}

// openShelf begins to watch, so that whatever changes after the first reading
// is noticed.
func openShelf(p *peer, cache *learner.Cache, log *slog.Logger) (*shelf, error) {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watch %s: %w", p.settings.Data, err)
	}
	s := &shelf{peer: p, cache: cache, log: log, watcher: w}
	s.watchFolders()
	return s, nil
}

// read returns the features of all samples, split into training set and
// probe. The pictures themselves are not kept.
func (s *shelf) read(ctx context.Context) (node.Samples, error) {
	m := s.peer.manifest
	s.log.Info("reading data", "from", s.peer.settings.Data)
	set, skipped, err := readData(s.peer.settings.Data, m.Classes, m.Backbone.Input, m.Backbone.Prepare)
	if err != nil {
		return node.Samples{}, err
	}
	for _, err := range skipped {
		if text := err.Error(); !slices.Contains(s.told, text) {
			s.told = append(s.told, text)
			s.log.Warn("picture not used", "error", err)
		}
	}
	// What is left of the pictures would otherwise stay with the process for
	// as long as the collector finds nothing else to do.
	defer debug.FreeOSMemory()
	train, probe := learner.Split(set, m.Training.Probe)
	out, err := s.peer.extract(ctx, s.cache, s.log, train, probe)
	if err != nil {
		return node.Samples{}, err
	}
	var thin []string
	for _, c := range out.Train.Familiar() {
		if !slices.Contains(out.Probe.Labels, c) {
			thin = append(thin, m.Classes[c])
		}
	}
	if len(thin) > 0 {
		s.log.Warn("too few samples to hold any out, so nobody's updates can be judged on these classes: add pictures, three of each at least",
			"classes", strings.Join(thin, ", "))
	}
	return out, nil
}

// extract computes the features of a training set and a probe.
func (p *peer) extract(ctx context.Context, cache *learner.Cache, log *slog.Logger, train, probe []data.Sample) (s node.Samples, err error) {
	if s.Train, err = p.features(ctx, cache, log, train); err != nil {
		return s, err
	}
	s.Probe, err = p.features(ctx, cache, log, probe)
	return s, err
}

// features computes the features of samples, or finds them in the cache, and
// says how far it is when that takes long.
func (p *peer) features(ctx context.Context, cache *learner.Cache, log *slog.Logger, samples []data.Sample) (learner.Samples, error) {
	out := learner.Samples{
		Features: make([]float32, 0, len(samples)*p.manifest.Backbone.Features),
		Labels:   make([]int, 0, len(samples)),
	}
	told := time.Now()
	for part := range slices.Chunk(samples, chunk) {
		f, err := cache.Features(ctx, part, p.scale())
		if err != nil {
			return learner.Samples{}, err
		}
		out.Features = append(out.Features, f.Features...)
		out.Labels = append(out.Labels, f.Labels...)
		if time.Since(told) > progressEvery {
			told = time.Now()
			log.Info("computing features", "done", len(out.Labels), "of", len(samples))
		}
	}
	return out, nil
}

// follow sends the samples again whenever the data directory has changed,
// until stop is called. What cannot be read is reported, and the samples stay
// as they were.
func (s *shelf) follow(ctx context.Context) (fresh <-chan node.Samples, stop func()) {
	out := make(chan node.Samples, 1)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.loop(ctx, out)
	}()
	return out, func() {
		cancel()
		<-done
	}
}

// loop reads the data again once they have settled, until ctx ends.
func (s *shelf) loop(ctx context.Context, out chan node.Samples) {
	var since time.Time // of the first change that was not read yet
	quiet := time.NewTimer(settle)
	quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-s.watcher.Events:
			if !open {
				return
			}
			if since.IsZero() {
				since = time.Now()
			}
			quiet.Reset(max(0, min(settle, settleMost-time.Since(since))))
		case err, open := <-s.watcher.Errors:
			if !open {
				return
			}
			s.log.Warn("watching the data directory", "error", err)
		case <-quiet.C:
			since = time.Time{}
			s.watchFolders() // before reading, so that nothing falls between
			samples, err := s.read(ctx)
			if err != nil {
				if ctx.Err() == nil {
					s.log.Warn("the data have changed and cannot be read; learning goes on with what was there", "error", err)
				}
				// What is gone has nothing to watch until it is back.
				quiet.Reset(settleMost)
				continue
			}
			select { // the newest set replaces one that nobody took
			case <-out:
			default:
			}
			out <- samples
			s.log.Info("data have changed", "training", len(samples.Train.Labels), "probe", len(samples.Probe.Labels))
		}
	}
}

// watchFolders watches the data directory and the folders in it. Adding one
// that is watched already does nothing.
func (s *shelf) watchFolders() {
	err := filepath.WalkDir(s.peer.settings.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return s.watcher.Add(path)
	})
	// Reading complains about a directory that is not there.
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.log.Warn("not all of the data directory is watched; new samples there count after a restart", "error", err)
	}
}

// close ends the watching.
func (s *shelf) close() { s.watcher.Close() }
