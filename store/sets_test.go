package store

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// setFiles returns the names of the files that hold sets, ascending.
func setFiles(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "blobs", "set-*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Sets survive a restart; what stays is not written again, and what no round
// has any more is removed.
func TestSets(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	for n := uint64(1); n <= 4; n++ {
		must(t, s.Commit(withSets(testRound(n, 2, 3))))
	}
	before := setFiles(t, dir)
	if len(before) != 2 {
		t.Fatalf("files %v", before)
	}
	info, err := os.Stat(before[0])
	must(t, err)
	must(t, s.Commit(withSets(testRound(5, 2, 3))))
	if after := setFiles(t, dir); len(after) != 3 {
		t.Errorf("files %v: want those of the last two rounds", after)
	}
	must(t, s.Commit(withSets(testRound(6, 2, 3))))
	after := setFiles(t, dir)
	if len(after) != 2 || slices.Equal(after, before) {
		t.Errorf("files %v after %v", after, before)
	}
	for _, file := range after {
		if file == before[0] {
			if again, err := os.Stat(file); err != nil || !again.ModTime().Equal(info.ModTime()) {
				t.Errorf("a set that stayed was written again: %v", err)
			}
		}
	}
	must(t, s.Close())
	s = open(t, dir)
	want := withSets(testRound(6, 2, 3))
	got, err := s.Latest()
	if err != nil || !sameRound(got, want) || !maps.EqualFunc(got.Sets, want.Sets, slices.Equal) {
		t.Errorf("another round, %v", err)
	}
	// Without sets they go, a round later.
	must(t, s.Commit(testRound(7, 2, 3)))
	must(t, s.Commit(testRound(8, 2, 3)))
	if files := setFiles(t, dir); len(files) != 0 {
		t.Errorf("files %v are left", files)
	}
}

// A damaged set is left out, and the next commit that has it writes it again.
func TestDamagedSet(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, file string){
		"bit":     func(t *testing.T, file string) { damage(t, file) },
		"removed": func(t *testing.T, file string) { must(t, os.Remove(file)) },
		"cut":     func(t *testing.T, file string) { must(t, os.Truncate(file, 3)) },
		"huge":    func(t *testing.T, file string) { must(t, os.Truncate(file, maxSet+1)) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := Open(dir, Options{Federation: testFederation})
			must(t, err)
			must(t, s.Commit(withSets(testRound(1, 2, 3))))
			must(t, s.Close())
			want := withSets(testRound(1, 2, 3))
			sum := setSums(want)["stays"]
			harm(t, filepath.Join(dir, "blobs", setName(sum)))
			s = open(t, dir)
			got, err := s.Latest()
			must(t, err)
			if _, there := got.Sets["stays"]; there || len(got.Sets) != 1 {
				t.Errorf("sets of %v", slices.Sorted(maps.Keys(got.Sets)))
			}
			must(t, s.Commit(withSets(testRound(2, 2, 3))))
			if got, err = s.Latest(); err != nil || !slices.Equal(got.Sets["stays"], want.Sets["stays"]) {
				t.Errorf("not written again: %v", err)
			}
		})
	}
}

func TestStraySetsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, Options{Federation: testFederation})
	must(t, err)
	must(t, s.Commit(withSets(testRound(1, 2, 3))))
	must(t, s.Close())
	must(t, os.WriteFile(filepath.Join(dir, "blobs", setName(federation.Hash{1})), []byte("x"), 0o600))
	open(t, dir)
	if files := setFiles(t, dir); len(files) != 2 {
		t.Errorf("files %v", files)
	}
}

func TestOlderVersion(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, labelFile), []byte(`{"schema": 1, "federation": "`+testFederation.String()+`"}`), 0o600))
	if _, err := Open(dir, Options{Federation: testFederation}); !errors.Is(err, ErrOlder) {
		t.Error(err)
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("the store was touched: %v, %v", files, err)
	}
}
