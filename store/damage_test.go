package store

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// committed returns the directory of a closed store with rounds 1 to n, whose
// states are files.
func committed(t *testing.T, n uint64) string {
	t.Helper()
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		if err := s.Commit(testRound(i+1, 10, 800)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// damage flips a bit in the middle of the files that match the pattern.
func damage(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", pattern, files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 0x10
		if err := os.WriteFile(f, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDamagedLastRound(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, file string){
		"bit":     func(t *testing.T, file string) { damage(t, file) },
		"removed": func(t *testing.T, file string) { must(t, os.Remove(file)) },
		"cut":     func(t *testing.T, file string) { must(t, os.Truncate(file, 1000)) },
		"empty":   func(t *testing.T, file string) { must(t, os.Truncate(file, 0)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := committed(t, 5)
			files, err := filepath.Glob(filepath.Join(dir, "blobs", "s-5-*"))
			if err != nil || len(files) != 1 {
				t.Fatal(files, err)
			}
			harm(t, files[0])

			var log bytes.Buffer
			s, err := Open(dir, Options{Federation: testFederation, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := s.Latest(); err != nil || !sameRound(got, testRound(4, 10, 800)) {
				t.Errorf("not round 4: %v", err)
			}
			if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "round=5") {
				t.Errorf("log: %s", log.String())
			}
			// The peer makes round 5 again, with another outcome.
			again := testRound(5, 10, 800)
			again.Head.Weights[0]++
			must(t, s.Commit(again))
			if got, err := s.Latest(); err != nil || !sameRound(got, again) {
				t.Errorf("not the new round 5: %v", err)
			}
			must(t, s.Close())
			s = open(t, dir)
			if got, err := s.Latest(); err != nil || !sameRound(got, again) {
				t.Errorf("not the new round 5 after reopening: %v", err)
			}
			if files, err := os.ReadDir(filepath.Join(dir, "blobs")); err != nil || len(files) != 2 {
				t.Errorf("files %v, %v", files, err)
			}
		})
	}
}

// A damaged round that the peer skips over is not fallen back to.
func TestDamagedRoundIsPruned(t *testing.T) {
	dir := committed(t, 5)
	damage(t, filepath.Join(dir, "blobs", "s-5-*"))
	s := open(t, dir)
	must(t, s.Commit(testRound(6, 10, 800)))
	if want := []uint64{4, 6}; !slices.Equal(s.index.states, want) {
		t.Errorf("states of rounds %v, want %v", s.index.states, want)
	}
}

func TestDamagedBeyondRepair(t *testing.T) {
	label := func(dir string) string { return filepath.Join(dir, labelFile) }
	seq := func(dir string) string { return filepath.Join(dir, seqFile) }
	for _, test := range []struct {
		name string
		// apart says to open the store in a process of its own: when Badger
		// does not open it leaves goroutines behind.
		apart bool
		harm  func(t *testing.T, dir string)
	}{
		{"all states", false, func(t *testing.T, dir string) { damage(t, filepath.Join(dir, "blobs", "s-*")) }},
		{"label cut", false, func(t *testing.T, dir string) { must(t, os.Truncate(label(dir), 9)) }},
		{"label empty", false, func(t *testing.T, dir string) { must(t, os.Truncate(label(dir), 0)) }},
		{"label missing", false, func(t *testing.T, dir string) { must(t, os.Remove(label(dir))) }},
		{"label of schema 0", false, func(t *testing.T, dir string) { must(t, os.WriteFile(label(dir), []byte("{}"), 0o600)) }},
		{"sequence", false, func(t *testing.T, dir string) { damage(t, seq(dir)) }},
		{"sequence empty", false, func(t *testing.T, dir string) { must(t, os.Truncate(seq(dir), 0)) }},
		{"sequence missing", false, func(t *testing.T, dir string) { must(t, os.Remove(seq(dir))) }},
		{"list of tables", true, func(t *testing.T, dir string) { damage(t, filepath.Join(dir, "badger", "MANIFEST")) }},
		{"table", true, func(t *testing.T, dir string) { damage(t, filepath.Join(dir, "badger", "*.sst")) }},
		{"tables missing", true, func(t *testing.T, dir string) {
			tables, err := filepath.Glob(filepath.Join(dir, "badger", "*.sst"))
			if err != nil || len(tables) == 0 {
				t.Fatal(tables, err)
			}
			for _, table := range tables {
				must(t, os.Remove(table))
			}
		}},
		{"list of tables emptied", true, func(t *testing.T, dir string) {
			s, err := Open(dir, Options{Federation: testFederation})
			must(t, err)
			_, err = s.NextSeq() // notes that there is a round
			must(t, err)
			must(t, s.Close())
			// A list that ends in the middle of an entry counts as complete.
			must(t, os.Truncate(filepath.Join(dir, "badger", "MANIFEST"), 17))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := committed(t, 3)
			test.harm(t, dir)
			if test.apart {
				out, err := child(t, "open", dir).Output()
				if err != nil || !strings.Contains(string(out), ErrCorrupt.Error()) || !strings.Contains(string(out), dir) {
					t.Errorf("%s, %v; want %v", out, err, ErrCorrupt)
				}
				return
			}
			s, err := Open(dir, Options{Federation: testFederation})
			if err == nil {
				must(t, s.Close())
			}
			if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), dir) {
				t.Errorf("error %v, want %v", err, ErrCorrupt)
			}
		})
	}
}

// One flipped bit anywhere in the database is an error, or is harmless, or
// costs the last round or, if it hits Badger's list of tables, records; it is
// never a round or a record that nobody committed.
func TestDamageIsNoticed(t *testing.T) {
	const last = 20
	origin := committed(t, last-2)
	s, err := Open(origin, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	d := &disk{} // full from now on: what follows stays in the log
	s.opts.FreeSpace = d.space
	d.free.Store(10 * Reserve)
	must(t, s.Commit(testRound(last-1, 10, 800)))
	must(t, s.Commit(testRound(last, 10, 800)))
	d.free.Store(0)
	db := s.db
	if err := s.Close(); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	crashed := t.TempDir()
	must(t, os.CopyFS(crashed, os.DirFS(origin)))
	must(t, db.Close())

	files, err := os.ReadDir(filepath.Join(crashed, "badger"))
	must(t, err)
	rng := rand.New(rand.NewPCG(1, 2))
	outcomes := map[string]int{}
	flips := 3
	if testing.Short() {
		flips = 1
	}
	for _, f := range files {
		for range flips {
			dir := t.TempDir()
			must(t, os.CopyFS(dir, os.DirFS(crashed)))
			path := filepath.Join(dir, "badger", f.Name())
			b, err := os.ReadFile(path)
			must(t, err)
			if len(b) == 0 {
				continue
			}
			at := rng.IntN(min(len(b), 800)) // the logs have little more in them
			b[at] ^= 1 << rng.IntN(8)
			must(t, os.WriteFile(path, b, 0o600))
			out, err := child(t, "open", dir).Output()
			switch {
			case err == nil && strings.Contains(string(out), ErrCorrupt.Error()):
				outcomes["error"]++
			case err == nil && string(out) == fmt.Sprintf("opened with round %d\n", last):
				outcomes["harmless"]++
			case err == nil && string(out) == fmt.Sprintf("opened with round %d\n", last-1):
				outcomes["back"]++
			case err == nil && f.Name() == "MANIFEST" && string(out) == fmt.Sprintf("opened with round %d without some records\n", last):
				outcomes["records"]++
			default:
				t.Errorf("%s, byte %d: %s, %v", f.Name(), at, out, err)
			}
		}
	}
	t.Log(outcomes)
	if outcomes["error"] == 0 || outcomes["harmless"] == 0 {
		t.Error("the test has lost its aim")
	}
}

// A peer goes on without its account of a round.
func TestDamagedVerdicts(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	r := testRound(1, 2, 2)
	for len(r.Verdicts) < 4*inlineLimit {
		r.Verdicts = append(r.Verdicts, testRound(uint64(len(r.Verdicts)), 100, 1).Verdicts...)
	}
	must(t, s.Commit(r))
	must(t, s.Close())
	damage(t, filepath.Join(dir, "blobs", "v-1-*"))
	s = open(t, dir)
	got, err := s.Latest()
	if err != nil {
		t.Fatal(err)
	}
	if got.Verdicts != nil || !bytes.Equal(got.Record, r.Record) || got.Head.Weights[3] != r.Head.Weights[3] {
		t.Errorf("got %v", got)
	}
	if _, err := s.Verdicts(1); !errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// What a crash leaves without a reference goes when the store is opened.
func TestStraysAreRemoved(t *testing.T) {
	dir := committed(t, 3)
	blobs := filepath.Join(dir, "blobs")
	before, err := os.ReadDir(blobs)
	if err != nil || len(before) != 2 {
		t.Fatal(before, err)
	}
	for _, name := range []string{"new", "s-4-" + strings.Repeat("0", 64), "v-1-" + strings.Repeat("f", 64)} {
		must(t, os.WriteFile(filepath.Join(blobs, name), []byte("half"), 0o600))
	}
	s := open(t, dir)
	after, err := os.ReadDir(blobs)
	if err != nil || len(after) != 2 || after[0].Name() != before[0].Name() || after[1].Name() != before[1].Name() {
		t.Errorf("before %v, after %v, %v", before, after, err)
	}
	if got, err := s.Latest(); err != nil || got.Number != 3 {
		t.Error(got, err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
