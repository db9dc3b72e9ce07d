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
	"path/filepath"
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
	// Progress, if set, hears how many of the samples of a data set have features.
	Progress func(source string, done, total int)

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
	root := cmp.Or(l.Dir, s.Dir)
	train, test, err := read(s, root)
	if err != nil {
		return nil, err
	}
	b, err := l.backbone(s, root, train)
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
				l.Progress(s.Source, done, total)
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

// read returns the samples.
func read(s Source, root string) (train, test data.Set, err error) {
	if s.Source == "digits" {
		return data.Digits(1).Set(0, s.Train), data.Digits(2).Set(0, cmp.Or(s.Test, drawnTest)), nil
	}
	if root == "" {
		return train, test, fmt.Errorf("%w: say where %s lies, with data.dir in the file or --data", ErrNoData, s.Source)
	}
	kind := map[string]struct {
		is   func(string) bool
		read func(string) (data.Set, data.Set, error)
		dirs []string
	}{
		"mnist":   {data.IsMNIST, data.ReadMNIST, []string{"mnist"}},
		"cifar10": {data.IsCIFAR10, data.ReadCIFAR10, []string{"cifar10"}},
		"wisdm":   {data.IsWISDM, data.ReadWISDM, []string{"wisdm", filepath.Join("wisdm", "wisdm51-phone-accel")}},
	}[s.Source]
	for _, dir := range append([]string{"."}, kind.dirs...) {
		if dir = filepath.Join(root, dir); kind.is(dir) {
			return kind.read(dir)
		}
	}
	return train, test, fmt.Errorf("%w: neither %s nor its folder %s holds the files of %s", ErrNoData, root, kind.dirs[0], s.Source)
}

// transfers are the architectures that the weights of Bristle's author are for,
// where they lie beside the data, and whether they want standardised input.
var transfers = map[string]struct {
	architecture, weights string
	standardise           bool
}{
	"cifar10": {"bristle_cifar10", filepath.Join("models", "safetensors", "bristle-transfer-cifar10.safetensors"), false},
	"wisdm":   {"bristle_wisdm", filepath.Join("models", "safetensors", "bristle-transfer-wisdm.safetensors"), true},
}

// backbone returns the frozen network of a source.
func (l *Library) backbone(s Source, root string, train data.Set) (*learner.Backbone, error) {
	path := s.Backbone
	from, other := transfers[s.Source]
	if path == "" && !other {
		return learner.DefaultBackbone()
	}
	if path = cmp.Or(path, from.weights); !filepath.IsAbs(path) {
		if beside := filepath.Join(root, path); exists(beside) {
			path = beside
		}
	}
	if !exists(path) {
		return nil, fmt.Errorf("%w: no backbone %s: give the file of one for %s in data.backbone", ErrNoData, path, s.Source)
	}
	file, err := readBounded(path, maxBackbone)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(path) == ".safetensors" {
		if !other {
			return nil, fmt.Errorf("%w: data.backbone is %s; for %s it is an ONNX file", learner.ErrBackbone, path, s.Source)
		}
		train.Samples = train.Samples[:min(calibrate, len(train.Samples))]
		made := ""
		if l.Cache != "" {
			made = filepath.Join(l.Cache, fmt.Sprintf("%s-%x.onnx", from.architecture, sha256.Sum256(append(file, trainKey(train)...))))
		}
		if made != "" && exists(made) {
			file, err = readBounded(made, maxBackbone)
		} else if file, err = learner.Transfer(from.architecture, path, train, from.standardise); err == nil && made != "" {
			err = writeFile(made, file)
		}
		if err != nil {
			return nil, err
		}
	}
	return learner.LoadBackbone(file)
}

// trainKey names the samples that a backbone was made with.
func trainKey(set data.Set) []byte {
	sum := sha256.New()
	for _, s := range set.Samples {
		sum.Write(s.Pixels)
	}
	return sum.Sum(nil)
}

// maxBackbone bounds the file of a backbone, in bytes.
const maxBackbone = 1 << 30

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
