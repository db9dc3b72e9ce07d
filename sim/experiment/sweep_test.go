package experiment

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/sim/report"
	"github.com/bristle-fl/bristled/store"
)

const tiny = `
title: A moment
data: {source: digits, train: 500, test: 60}
peers: {honest: 4, liars: 1}
partition: {classes: 7, train: 3, probe: 3}
iterations: 6
evaluate: 3
seeds: 2
sweep:
  rule: [mean, bristle+]
  attack: [none, flip-all]
`

// library is shared by the tests, as a sweep's cells share it.
var library = sync.OnceValue(func() *Library { return &Library{Workers: 2} })

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// tables are the files whose bytes must not depend on how a sweep was run.
var tables = []string{"results.csv", "curves.csv", "results.parquet", "curves.parquet", "heads.sha256", planFile, experimentFile}

func readTables(t *testing.T, dir string) string {
	t.Helper()
	var all []byte
	for _, name := range tables {
		b := must[[]byte](t)(os.ReadFile(filepath.Join(dir, name)))
		if len(b) == 0 {
			t.Errorf("%s is empty", name)
		}
		all = fmt.Appendf(all, "%s %d\n%s", name, len(b), b)
	}
	return string(all)
}

func run(t *testing.T, text string, o Options) (Results, error) {
	t.Helper()
	return Sweep(t.Context(), must[*File](t)(Parse([]byte(text))), library(), o)
}

// TestSameBytes runs one file in many ways.
func TestSameBytes(t *testing.T) {
	base := t.TempDir()
	first := must[Results](t)(run(t, tiny, Options{Dir: filepath.Join(base, "1"), Workers: 1}))
	want := readTables(t, filepath.Join(base, "1"))
	if n := len(first.Cells); n != 8 || len(first.Timings) != n || len(first.Heads) != n {
		t.Fatalf("%d cells, %d timings, %d checksums; want 8 each", n, len(first.Timings), len(first.Heads))
	}
	for _, c := range first.Cells {
		if c.Labels["rule"] != c.Rule || len(c.Mean) != 2 || len(c.Accuracy) != 4 || c.BytesPerPeerRound <= 0 {
			t.Errorf("cell %+v", c)
		}
	}

	t.Run("more workers", func(t *testing.T) {
		for _, o := range []Options{{Workers: 2}, {Workers: 3, Parallel: 1}} {
			o.Dir = t.TempDir()
			must[Results](t)(run(t, tiny, o))
			if got := readTables(t, o.Dir); got != want {
				t.Errorf("%+v: other bytes:\n%s\nwant\n%s", o, got, want)
			}
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		dir := t.TempDir()
		f := must[*File](t)(Parse([]byte(tiny)))
		ctx, stop := context.WithCancel(t.Context())
		o := Options{Dir: dir, Workers: 2, Progress: func(p Progress) {
			if p.Done >= 3 {
				stop()
			}
		}}
		if _, err := Sweep(ctx, f, library(), o); !errors.Is(err, context.Canceled) {
			t.Fatalf("a stopped sweep returns %v", err)
		}
		done := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(dir, "cells")))
		if len(done) < 3 || len(done) > 5 {
			t.Errorf("%d cells are finished, want 3 to 5", len(done))
		}
		if _, err := Read(dir); !errors.Is(err, ErrUnfinished) {
			t.Errorf("reading it gives %v", err)
		}
		o.Progress = nil
		if _, err := Sweep(t.Context(), f, library(), o); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("without Resume it gives %v", err)
		}
		// What a killed process leaves behind does no harm.
		must[any](t)(nil, os.WriteFile(filepath.Join(dir, "cells", ".unfinished-1"), []byte("{"), 0o600))
		o.Resume = true
		before := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, "cells", done[0].Name())))
		res := must[Results](t)(Sweep(t.Context(), f, library(), o))
		after := must[os.FileInfo](t)(os.Stat(filepath.Join(dir, "cells", done[0].Name())))
		if before.ModTime() != after.ModTime() {
			t.Error("a finished cell was run again")
		}
		if got := readTables(t, dir); got != want || len(res.Timings) != 8 {
			t.Errorf("other bytes, or %d timings:\n%s", len(res.Timings), got)
		}
	})
	t.Run("shards", func(t *testing.T) {
		one, two, all := t.TempDir(), t.TempDir(), t.TempDir()
		for i, dir := range []string{one, two} {
			must[Results](t)(run(t, tiny, Options{Dir: dir, Shard: i, Shards: 2, Workers: 1}))
		}
		if _, err := Merge(t.TempDir(), one); !errors.Is(err, ErrUnfinished) {
			t.Errorf("one shard of two merges: %v", err)
		}
		res := must[Results](t)(Merge(all, two, one))
		if got := readTables(t, all); got != want || len(res.Timings) != 8 {
			t.Errorf("other bytes, or %d timings:\n%s", len(res.Timings), got)
		}
	})
	t.Run("shards in one directory", func(t *testing.T) {
		dir := t.TempDir()
		var pool sync.WaitGroup
		errs := make([]error, 3)
		f := must[*File](t)(Parse([]byte(tiny)))
		for i := range errs {
			pool.Go(func() {
				_, errs[i] = Sweep(t.Context(), f, library(), Options{Dir: dir, Shard: i, Shards: 3})
			})
		}
		pool.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if _, err := run(t, tiny, Options{Dir: dir, Shard: 1, Shards: 3}); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("a finished shard again: %v", err)
		}
		must[Results](t)(run(t, tiny, Options{Dir: dir, Shard: 1, Shards: 3, Resume: true}))
		must[Results](t)(Merge(dir))
		if got := readTables(t, dir); got != want {
			t.Errorf("other bytes:\n%s", got)
		}
	})
}

// TestGrownFile adds a value to a finished sweep: only its cells run.
func TestGrownFile(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2}))
	ran := 0
	o := Options{Dir: dir, Workers: 2, Resume: true, Progress: func(p Progress) { ran++ }}
	must[Results](t)(run(t, strings.Replace(small, "[mean, bristle+]", "[median, bristle+, mean]", 1), o))
	if ran != 2*6+2 {
		t.Errorf("%d reports of progress, want those of two cells of six iterations", ran)
	}
}

func TestNotMixed(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2, Version: "a"}))
	if _, err := run(t, small, Options{Dir: dir, Resume: true, Version: "b"}); !errors.Is(err, ErrOther) {
		t.Errorf("another version: %v", err)
	}
	path := filepath.Join(dir, planFile)
	b := must[[]byte](t)(os.ReadFile(path))
	sum := must[*Data](t)(library().Open(t.Context(), must[*File](t)(Parse([]byte(small))).base.Data)).Fingerprint
	must[any](t)(nil, os.WriteFile(path, bytes.ReplaceAll(b, []byte(sum), []byte("other")), 0o600))
	if _, err := run(t, small, Options{Dir: dir, Resume: true, Version: "a"}); !errors.Is(err, ErrOther) {
		t.Errorf("other data: %v", err)
	}
	full := t.TempDir()
	must[any](t)(nil, os.WriteFile(filepath.Join(full, "mine"), nil, 0o600))
	for _, shards := range []int{1, 2} {
		if _, err := run(t, small, Options{Dir: full, Shards: shards}); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("somebody's directory, %d shards: %v", shards, err)
		}
	}
	other := "{name: other, iterations: 2, data: {train: 500, test: 60}, partition: {train: 2, probe: 2}, rule: mean}"
	if _, err := run(t, other, Options{Dir: dir, Resume: true, Version: "a"}); !errors.Is(err, ErrOther) {
		t.Errorf("another experiment: %v", err)
	}
	if _, err := Merge(dir, full); err == nil {
		t.Error("a directory without a plan merges")
	}
}

// TestOtherDataBetween runs a file, another one on other data, and the first one
// again after its data have changed: the plan no longer knows the first.
func TestOtherDataBetween(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2}))
	other := strings.Replace(small, "train: 500", "train: 501", 1)
	must[Results](t)(run(t, other, Options{Dir: dir, Workers: 2, Resume: true}))
	f := must[*File](t)(Parse([]byte(small)))
	changed := *must[*Data](t)(library().Open(t.Context(), f.base.Data))
	changed.Fingerprint = "changed"
	lib := &Library{open: map[Source]*Data{f.base.Data: &changed}}
	_, err := Sweep(t.Context(), f, lib, Options{Dir: dir, Resume: true})
	key := must[[]Cell](t)(f.Cells())[0].Key
	if !errors.Is(err, ErrOther) || !strings.Contains(err.Error(), cellPath(dir, key)) {
		t.Errorf("other data under the same name: %v", err)
	}
	must[Results](t)(run(t, small, Options{Dir: dir, Resume: true}))
}

// TestNewNames calls a rule otherwise in a file whose cells are finished.
func TestNewNames(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2}))
	res := must[Results](t)(run(t, strings.Replace(small, "[mean,", "[{rule: mean, label: average},", 1), Options{Dir: dir, Resume: true}))
	if r := res.Cells[0].Rule; r != "average" {
		t.Errorf("the rule is called %s", r)
	}
}

// TestDamagedCell: a power cut leaves an empty file.
func TestDamagedCell(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	res := must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2}))
	path := cellPath(dir, res.Cells[1].Key)
	must[any](t)(nil, os.WriteFile(path, nil, 0o600))
	_, err := run(t, small, Options{Dir: dir, Resume: true})
	if err == nil || !strings.Contains(err.Error(), path+": it is damaged: remove it and go on with --resume") {
		t.Errorf("an empty cell: %v", err)
	}
	must[any](t)(nil, os.Remove(path))
	must[Results](t)(run(t, small, Options{Dir: dir, Resume: true}))
}

// TestStoresOfTheKilled: what crashing peers needed is removed after a power cut.
func TestStoresOfTheKilled(t *testing.T) {
	dir := t.TempDir()
	small := strings.Replace(tiny, "seeds: 2", "seeds: 1", 1)
	must[Results](t)(run(t, small, Options{Dir: dir, Workers: 2}))
	store := filepath.Join(dir, wholefile.Unfinished+"1", "peer-00001")
	must[any](t)(nil, os.MkdirAll(store, 0o700))
	must[Results](t)(run(t, small, Options{Dir: dir, Resume: true}))
	if _, err := os.Stat(store); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the store is left: %v", err)
	}
}

func TestAboutOfShards(t *testing.T) {
	at := func(minute int) time.Time { return time.Date(2026, 1, 1, 0, minute, 0, 0, time.UTC) }
	one, all := t.TempDir(), t.TempDir()
	// Two shards of three in one directory, begun in another order than ended.
	for shard, machine := range []string{"amd64", "arm64"} {
		o := Options{Dir: one, Shard: shard, Shards: 3, About: report.About{Machine: machine, Started: at(7 - shard)}}
		must[Results](t)(run(t, tiny, o))
	}
	two := t.TempDir()
	must[Results](t)(run(t, tiny, Options{Dir: two, Shard: 2, Shards: 3, About: report.About{Machine: "amd64", Started: at(9), Version: "v"}}))
	a := must[Results](t)(Merge(all, one, two)).About
	if a.Machine != "amd64; arm64" || !a.Started.Equal(at(6)) || a.Finished.IsZero() {
		t.Errorf("together they are %+v", a)
	}
	// A sweep that goes on elsewhere says both.
	a = must[Results](t)(run(t, tiny, Options{Dir: all, Resume: true, About: report.About{Machine: "riscv64", Started: at(30)}})).About
	if a.Machine != "amd64; arm64; riscv64" || !a.Started.Equal(at(6)) {
		t.Errorf("after another one they are %+v", a)
	}
	early, late := report.About{Started: at(1), Finished: at(9)}, report.About{Started: at(2), Finished: at(3)}
	if a := together(late, early); !a.Started.Equal(at(1)) || !a.Finished.Equal(at(9)) {
		t.Errorf("from %v to %v", a.Started, a.Finished)
	}
	b := must[[]byte](t)(os.ReadFile(filepath.Join(one, timingsFile)))
	if !strings.HasPrefix(string(b), timingsHeader) || strings.Count(string(b), "key") != 1 {
		t.Errorf("the timings are\n%s", b)
	}
}

// TestShardsAtOnce: shards that end in one instant are all in what is said of them.
func TestShardsAtOnce(t *testing.T) {
	const shards = 8
	dir := t.TempDir()
	var all sync.WaitGroup
	for shard := range shards {
		all.Go(func() {
			machine := fmt.Sprintf("machine-%d", shard)
			if _, err := run(t, tiny, Options{Dir: dir, Shard: shard, Shards: shards, About: report.About{Machine: machine}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	machine := must[Results](t)(Read(dir)).About.Machine
	if n := strings.Count(machine, "machine-"); n != shards {
		t.Errorf("%d machines of %d are named: %s", n, shards, machine)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := lockDir(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, tiny, Options{Dir: dir}); !errors.Is(err, ErrBusy) {
		t.Errorf("two sweeps in one directory: %v", err)
	}
	release()
	shard := func(i int) Options { return Options{Shard: i, Shards: 2} }
	one := must[func()](t)(lockDir(dir, shard(0)))
	two := must[func()](t)(lockDir(dir, shard(1)))
	if _, err := lockDir(dir, shard(1)); !errors.Is(err, ErrBusy) {
		t.Errorf("the same shard twice: %v", err)
	}
	if _, err := lockDir(dir, Options{}); !errors.Is(err, ErrBusy) {
		t.Errorf("a sweep beside shards: %v", err)
	}
	one()
	two()
	must[func()](t)(lockDir(dir, Options{}))()
}

// TestDiskFull lets the disk fill up after three cells.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	f := must[*File](t)(Parse([]byte(tiny)))
	s := &sweeper{Options: Options{Dir: dir}, lib: library()}
	cells := 0
	s.write = func(path string, b []byte) error {
		if cells++; cells > 3 {
			// Half of it is written when the space ends.
			return replace(path, func(f *os.File) error {
				if _, err := f.Write(b[:len(b)/2]); err != nil {
					return err
				}
				return &os.PathError{Op: "write", Path: f.Name(), Err: syscall.ENOSPC}
			})
		}
		return writeFile(path, b)
	}
	_, err := s.sweep(t.Context(), f)
	if !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "--resume") {
		t.Fatalf("the error is %v", err)
	}
	if left := must[[]os.DirEntry](t)(os.ReadDir(filepath.Join(dir, "cells"))); len(left) != 3 {
		t.Errorf("%d files in cells, want the three finished ones", len(left))
	}
	res := must[Results](t)(run(t, tiny, Options{Dir: dir, Resume: true, Workers: 2}))
	if len(res.Cells) != 8 {
		t.Errorf("%d cells after resuming", len(res.Cells))
	}
}

func TestExplain(t *testing.T) {
	one, two := t.TempDir(), t.TempDir()
	text := strings.NewReplacer("seeds: 2", "seeds: [7]\nexplain: true", "[mean, bristle+]", "[bristle+]").Replace(tiny)
	res := must[Results](t)(run(t, text, Options{Dir: one, Workers: 2}))
	must[Results](t)(run(t, text, Options{Dir: two, Shards: 2, Shard: 0}))
	must[Results](t)(run(t, text, Options{Dir: two, Shards: 2, Shard: 1}))
	merged := t.TempDir()
	must[Results](t)(Merge(merged, two))
	flipped := res.Cells[slices.IndexFunc(res.Cells, func(c report.Cell) bool { return c.Attack == "flip-all" })]
	e := must[Explanation](t)(Explain(one, flipped.Key, 2, 4))
	if e.Round != 4 || len(e.Verdicts) != 4 || len(e.F1) != 10 {
		t.Fatalf("explained: %+v", e)
	}
	if v := e.Verdicts[3]; v.Sender != "peer-00004" || v.Weights[2] != 0 {
		t.Errorf("the liar is %s and weighs %v", v.Sender, v.Weights)
	}
	for _, c := range res.Cells {
		for i := range 4 {
			name := filepath.Join(verdictsDir("", c.Key), peerFile(i))
			a := must[[]byte](t)(os.ReadFile(filepath.Join(one, name)))
			b := must[[]byte](t)(os.ReadFile(filepath.Join(merged, name)))
			if !bytes.Equal(a, b) {
				t.Errorf("%s differs", name)
			}
		}
	}
	for _, c := range []struct {
		key   string
		peer  int
		round uint64
	}{{flipped.Key, 4, 1}, {flipped.Key, 0, 7}, {flipped.Key, 0, 0}, {"none", 0, 1}, {"../x", 0, 1}} {
		if _, err := Explain(one, c.key, c.peer, c.round); !errors.Is(err, ErrNoVerdicts) {
			t.Errorf("%v: %v", c, err)
		}
	}
}

// TestWorlds runs every partition, topology and kind of life once.
func TestWorlds(t *testing.T) {
	links := filepath.Join(t.TempDir(), "links")
	must[any](t)(nil, os.WriteFile(links, []byte("# a line\n0 1\n1 2\n\n2 3\n"), 0o600))
	text := `
data: {source: digits, train: 500, test: 60}
peers: {honest: 4, liars: 1}
partition: {classes: 7, train: 3, probe: 3}
iterations: 4
attack: flip-all
cases:
- partition.kind: iid
- {partition.kind: dirichlet, partition.train: 20, partition.probe: 2, partition.allow_missing: true}
- {partition.kind: shards, partition.shards: 3, partition.size: 5, partition.probe: 2, partition.allow_missing: true}
- topology: {kind: random, k: 2}
- topology.kind: round-robin
- topology.kind: hops
- topology.kind: ring
- topology: {kind: regular, k: 3}
- topology: {kind: erdos-renyi, p: .5}
- topology: {kind: small-world, k: 2, p: .3}
- topology: {kind: file, file: ` + links + `}
- link: {latency: 1, jitter: .5, loss: .1, bandwidth: 10000}
- life: {churn: .3, away: 2}
- life: {churn: .3, away: 1, crash: true}
- life.peers: [{peer: 1, speed: .5}, {peer: 2, join: 2}, {peer: 3, away: [{from: 1, to: 3, crash: true}]}]
- {life.churn: .1, life.away: 2, life.peers: [{peer: 0, speed: .2}]}
- {partition.probe: 0, rule: mean}
- rows: float32
- {max_age: 1, training.steps: 2, training.batch: 3, features_rms: 2}
- {attack: sybil(count=3)|flip-all, prototypes: {use: true, noise: .1}}
evaluate: 4
`
	dir := t.TempDir()
	res := must[Results](t)(run(t, text, Options{Dir: dir, Workers: 2}))
	if len(res.Cells) != 20 {
		t.Errorf("%d cells", len(res.Cells))
	}
	if !exists(filepath.Join(dir, "results.parquet")) {
		t.Error("there is no Parquet file")
	}
}

// TestFullStore: a store that finds the disk full is told as any other file.
func TestFullStore(t *testing.T) {
	if err := Unwritten("somewhere", fmt.Errorf("commit: %w", store.ErrDiskFull)); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), "--resume") {
		t.Error(err)
	}
}
