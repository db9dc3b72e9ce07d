package experiment

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/sim"
)

// ErrNoData says that a data set is not where it should be.
var ErrNoData = errors.New("the data are not here")

const (
	drawnTest = 2_000 // digits of the test set that is drawn by code
	chunk     = 1_000 // samples whose features are computed between two reports
	calibrate = 1_000 // samples that find the ranges of a backbone made of float32 weights
)

// Data are the features of one data set, computed once and shared by all cells and
// peers. They are only read.
type Data struct {
	manifest *federation.Manifest // of a federation on these data
	pool     sim.Pool
	test     learner.Samples
	// Fingerprint is the SHA-256 of all features, labels and owners in
	// hexadecimal: results of different data are not to be mixed.
	Fingerprint string
}

// Classes returns the names of the classes.
func (d *Data) Classes() []string { return d.manifest.Classes }

// Library opens data sets, each once.
type Library struct {
	// Dir is where data sets lie, instead of where the files of experiments say:
	// the data set itself, or a folder named after it.
	Dir string
	// Cache is where features are kept; empty: nowhere.
	Cache   string
	Workers int // goroutines that compute features
	// Progress, if set, hears how far something that takes long is, and what.
	Progress func(what string, done, total int)

	mu   sync.Mutex
	open map[Source]*Data
}

// Open returns a data set. An error that wraps [ErrNoData] says where it was
// looked for.
func (l *Library) Open(ctx context.Context, s Source) (*Data, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if d, ok := l.open[s]; ok {
		return d, nil
	}
	d, err := l.compute(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("data %s: %w", s.Source, err)
	}
	if l.open == nil {
		l.open = map[Source]*Data{}
	}
	l.open[s] = d
	return d, nil
}

// compute reads the samples and computes their features.
func (l *Library) compute(ctx context.Context, s Source) (*Data, error) {
	train, test, b, err := l.load(ctx, s, cmp.Or(l.Dir, s.Dir))
	if err != nil {
		return nil, err
	}
	if test.Shape != train.Shape || b.Input() != train.Shape {
		return nil, fmt.Errorf("%w: samples are of %v and the backbone takes %v: set data.backbone to one for these data",
			learner.ErrBackbone, train.Shape, b.Input())
	}
	raw := b.RawRMS()
	if raw == 0 {
		if raw, err = b.MeasureRMS(train); err != nil {
			return nil, err
		}
	}
	train.Samples = train.Samples[:min(s.Train, len(train.Samples))]
	if s.Test > 0 {
		test.Samples = test.Samples[:min(s.Test, len(test.Samples))]
	}
	prepare := federation.PrepareResize
	if s.Source == "digits" || s.Source == "mnist" {
		prepare = federation.PrepareCentre
	}
	d := &Data{}
	if d.manifest, err = node.Found("simulation", train.Classes, b, raw, prepare, aggregation.DefaultRule); err != nil {
		return nil, err
	}
	d.manifest.Backbone.RMS = s.RMS
	cache, err := learner.OpenCache(l.Cache, b, max(1, l.Workers), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer cache.Close() //nolint:errcheck // what it could not keep is computed again
	done, total := 0, len(train.Samples)+len(test.Samples)
	features := func(set data.Set) (learner.Samples, error) {
		out := learner.Samples{Features: make([]float32, 0, len(set.Samples)*b.Features())}
		for rest := set.Samples; len(rest) > 0; rest = rest[min(chunk, len(rest)):] {
			part, err := cache.Features(ctx, rest[:min(chunk, len(rest))], s.RMS/raw)
			if err != nil {
				return out, err
			}
			out.Features = append(out.Features, part.Features...)
			out.Labels = append(out.Labels, part.Labels...)
			if done += len(part.Labels); l.Progress != nil {
				l.Progress("features of "+s.Source, done, total)
			}
		}
		return out, nil
	}
	d.pool.Width = b.Features()
	if d.pool.Samples, err = features(train); err != nil {
		return nil, err
	}
	if d.test, err = features(test); err != nil {
		return nil, err
	}
	for _, sample := range train.Samples {
		if sample.Owner != "" {
			d.pool.Owners = append(d.pool.Owners, sample.Owner)
		}
	}
	d.Fingerprint = d.fingerprint()
	return d, nil
}

func exists(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func readBounded(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("%s has more than %d bytes", path, most)
	}
	return b, err
}

func (d *Data) fingerprint() string {
	sum := sha256.New()
	for _, s := range []learner.Samples{d.pool.Samples, d.test} {
		hashFloats(sum, s.Features)
		for _, l := range s.Labels {
			sum.Write(binary.LittleEndian.AppendUint32(nil, uint32(l)))
		}
	}
	for _, o := range d.pool.Owners {
		sum.Write(append([]byte(o), 0))
	}
	return fmt.Sprintf("%x", sum.Sum(nil))
}

// hashFloats adds the bits of numbers to a hash.
func hashFloats(to hash.Hash, x []float32) {
	var buf [4096]byte
	for len(x) > 0 {
		n := min(len(x), len(buf)/4)
		for i, v := range x[:n] {
			binary.LittleEndian.PutUint32(buf[4*i:], math.Float32bits(v))
		}
		to.Write(buf[:4*n])
		x = x[n:]
	}
}
