package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// disk is a disk whose free space a test sets.
type disk struct{ free atomic.Uint64 }

func (d *disk) space(string) (uint64, error) { return d.free.Load(), nil }

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	d := &disk{}
	opts := Options{Federation: testFederation, FreeSpace: d.space}

	d.free.Store(Reserve - 1)
	if _, err := Open(dir, opts); !errors.Is(err, ErrDiskFull) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opening: %v", err)
	}
	d.free.Store(10 * Reserve)
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	must(t, s.Commit(testRound(1, 10, 800)))

	d.free.Store(Reserve + 1000) // room for the reserve and not for the round
	before := listing(t, dir)
	for range 3 {
		if err := s.Commit(testRound(2, 10, 800)); !errors.Is(err, ErrDiskFull) {
			t.Fatalf("committing: %v", err)
		}
	}
	if after := listing(t, dir); after != before {
		t.Errorf("a refused commit changed the store from\n%s\nto\n%s", before, after)
	}
	if got, err := s.Latest(); err != nil || !sameRound(got, testRound(1, 10, 800)) {
		t.Errorf("the last round did not stay: %v", err)
	}

	// A lease that is there may be used up; a new one is a write.
	first, err := s.NextSeq()
	must(t, err)
	d.free.Store(0)
	for range seqLease - 1 {
		_, err := s.NextSeq()
		must(t, err)
	}
	if _, err := s.NextSeq(); !errors.Is(err, ErrDiskFull) {
		t.Errorf("a lease: %v", err)
	}

	d.free.Store(10 * Reserve)
	if n, err := s.NextSeq(); err != nil || n != first+seqLease {
		t.Errorf("sequence number %d, %v", n, err)
	}
	must(t, s.Commit(testRound(2, 10, 800)))
	must(t, s.Close())
	s = open(t, dir)
	if got, err := s.Latest(); err != nil || !sameRound(got, testRound(2, 10, 800)) {
		t.Errorf("not round 2: %v", err)
	}
}

// listing returns the names and sizes of all files under dir.
func listing(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			b.WriteString(path + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	must(t, err)
	return b.String()
}

func TestFreeSpaceError(t *testing.T) {
	broken := errors.New("no such device")
	_, err := Open(t.TempDir(), Options{Federation: testFederation, FreeSpace: func(string) (uint64, error) { return 0, broken }})
	if !errors.Is(err, broken) || errors.Is(err, ErrDiskFull) {
		t.Error(err)
	}
}

// A store that has no room to close properly loses nothing by not doing so.
func TestCloseOnFullDisk(t *testing.T) {
	dir := t.TempDir()
	d := &disk{}
	d.free.Store(10 * Reserve)
	s, err := Open(dir, Options{Federation: testFederation, FreeSpace: d.space})
	if err != nil {
		t.Fatal(err)
	}
	must(t, s.Commit(testRound(1, 10, 800)))
	seq, err := s.NextSeq()
	must(t, err)
	db := s.db
	d.free.Store(0)
	if err := s.Close(); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Federation: testFederation}); !errors.Is(err, ErrLocked) {
		t.Errorf("the directory is free: %v", err)
	}
	must(t, db.Close()) // as the end of the process would

	s = open(t, dir)
	if got, err := s.Latest(); err != nil || !sameRound(got, testRound(1, 10, 800)) {
		t.Errorf("not round 1: %v", err)
	}
	if n, err := s.NextSeq(); err != nil || n <= seq {
		t.Errorf("sequence number %d after %d, %v", n, seq, err)
	}
}
