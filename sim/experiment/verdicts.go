package experiment

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/internal/wholefile"
)

const (
	// maxExplained bounds the peers of a cell whose verdicts are kept: each has an
	// open file and a compressor.
	maxExplained = 1000
	window       = 1 << 18 // bytes that a compressor remembers
	maxLine      = 64 << 20
)

// Explanation is what one peer's rule said in one round. Classes and peers count
// from 0, rounds from 1; the sender peer-00012 is peer 12, the honest ones first.
type Explanation struct {
	Round    uint64                `json:"round"`
	F1       []float64             `json:"f1,omitempty"` // of the own head
	Warning  aggregation.Warning   `json:"warning,omitempty"`
	Verdicts []aggregation.Verdict `json:"verdicts"`
}

// ErrNoVerdicts says that verdicts were not kept, or not those asked for.
var ErrNoVerdicts = errors.New("no verdicts of this peer and round")

func verdictsDir(dir, key string) string { return filepath.Join(dir, "verdicts", key) }

func peerFile(peer int) string { return fmt.Sprintf("peer-%d.jsonl.zst", peer) }

// Explain reads what a peer's rule said in a round of a cell of a sweep with
// explain: true. The error wraps [ErrNoVerdicts] if that is not there.
func Explain(dir, key string, peer int, round uint64) (Explanation, error) {
	path := filepath.Join(verdictsDir(dir, filepath.Base(key)), peerFile(peer))
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Explanation{}, fmt.Errorf("%w: there is no %s: run the experiment with explain: true", ErrNoVerdicts, path)
	} else if err != nil {
		return Explanation{}, err
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(1<<34))
	if err != nil {
		return Explanation{}, fmt.Errorf("%s: %w", path, err)
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, maxLine)
	var found *Explanation
	last := uint64(0)
	for lines.Scan() {
		var e Explanation
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return Explanation{}, fmt.Errorf("%s: %w", path, err)
		}
		// A peer that crashed may work a round twice; the later one counts.
		if last = max(last, e.Round); e.Round == round {
			found = &e
		}
	}
	if err := lines.Err(); err != nil {
		return Explanation{}, fmt.Errorf("%s: %w", path, err)
	}
	if found == nil {
		return Explanation{}, fmt.Errorf("%w: peer %d worked rounds 1 to %d of cell %s", ErrNoVerdicts, peer, last, key)
	}
	return *found, nil
}

// recorder writes the verdicts of one cell to a directory that gets its name when
// all are there.
type recorder struct {
	dir, unfinished string
	files           []*os.File
	streams         []*zstd.Encoder
}

func newRecorder(dir, key string, peers int) (*recorder, error) {
	r := &recorder{dir: verdictsDir(dir, key)}
	if err := os.MkdirAll(filepath.Dir(r.dir), 0o755); err != nil {
		return nil, Unwritten(r.dir, err)
	}
	var err error
	if r.unfinished, err = os.MkdirTemp(filepath.Dir(r.dir), wholefile.Unfinished+"*"); err != nil {
		return nil, Unwritten(r.dir, err)
	}
	for i := range peers {
		f, err := os.Create(filepath.Join(r.unfinished, peerFile(i)))
		if err != nil {
			return nil, errors.Join(Unwritten(r.dir, err), r.abandon())
		}
		r.files = append(r.files, f)
		// One goroutine and one level, so that the bytes are always the same.
		z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			return nil, errors.Join(err, r.abandon())
		}
		r.streams = append(r.streams, z)
	}
	return r, nil
}

// record is what sim.Experiment calls.
func (r *recorder) record(peer int, round uint64, result aggregation.Result) error {
	b, err := json.Marshal(Explanation{round, result.F1, result.Warning, result.Verdicts})
	if err == nil {
		_, err = r.streams[peer].Write(append(b, '\n'))
	}
	if err != nil {
		return Unwritten(r.dir, err)
	}
	return nil
}

// finish makes the verdicts visible.
func (r *recorder) finish() error {
	var err error
	for i, z := range r.streams {
		err = errors.Join(err, z.Close(), r.files[i].Sync())
	}
	if err != nil {
		return errors.Join(Unwritten(r.dir, err), r.abandon())
	}
	for _, f := range r.files {
		err = errors.Join(err, f.Close())
	}
	r.files, r.streams = nil, nil
	// What an interrupted run left is replaced: it is the same or unfinished.
	if err = errors.Join(err, os.RemoveAll(r.dir), os.Chmod(r.unfinished, 0o755)); err == nil {
		err = os.Rename(r.unfinished, r.dir)
	}
	if err == nil {
		err = wholefile.SyncDir(filepath.Dir(r.dir))
	}
	if err != nil {
		return errors.Join(Unwritten(r.dir, err), r.abandon())
	}
	return nil
}

// abandon removes what was written.
func (r *recorder) abandon() error {
	for _, z := range r.streams {
		z.Close() //nolint:errcheck // the files are removed
	}
	for _, f := range r.files {
		f.Close() //nolint:errcheck // they are removed
	}
	r.streams, r.files = nil, nil
	return os.RemoveAll(r.unfinished)
}
