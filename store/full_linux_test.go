package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestFullFileSystem fills a real file system under an open store.
func TestFullFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, fmt.Sprintf("size=%d", Reserve+24<<20)); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error("unmounting:", err)
		}
	})
	dir, filler := filepath.Join(mount, "store"), filepath.Join(mount, "filler")

	s, err := Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for range 20 {
		n++
		must(t, s.Commit(testRound(n, 10, 800)))
	}
	for range 3 {
		fill(t, filler)
		for range 10 {
			if err := s.Commit(testRound(n+1, 10, 800)); !errors.Is(err, ErrDiskFull) {
				t.Fatalf("on a full disk: %v", err)
			}
		}
		if got, err := s.Latest(); err != nil || !sameRound(got, testRound(n, 10, 800)) {
			t.Fatalf("the last round did not stay: %v", err)
		}
		must(t, os.Remove(filler))
		for range 20 {
			n++
			must(t, s.Commit(testRound(n, 10, 800)))
		}
	}
	must(t, s.Close())

	// Without room the store does not open, and nothing is lost.
	fill(t, filler)
	if _, err := Open(dir, Options{Federation: testFederation}); !errors.Is(err, ErrDiskFull) {
		t.Fatalf("opening on a full disk: %v", err)
	}
	must(t, os.Remove(filler))
	s, err = Open(dir, Options{Federation: testFederation})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Latest(); err != nil || !sameRound(got, testRound(n, 10, 800)) {
		t.Errorf("after reopening: %v", err)
	}

	// A write that fails in the middle, past a check that was fooled, leaves
	// nothing behind either.
	s.opts.FreeSpace = func(string) (uint64, error) { return 1 << 40, nil }
	before := listing(t, filepath.Join(dir, "blobs"))
	fill(t, filler)
	info, err := os.Stat(filler)
	must(t, err)
	must(t, os.Truncate(filler, info.Size()-64<<10)) // half a state
	if err := s.Commit(testRound(n+1, 10, 800)); !errors.Is(err, ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a round larger than the disk: %v", err)
	}
	if after := listing(t, filepath.Join(dir, "blobs")); after != before {
		t.Errorf("files before\n%s\nand after\n%s", before, after)
	}
	must(t, os.Remove(filler))
	must(t, s.Commit(testRound(n+1, 10, 800)))
	must(t, s.Close())
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	must(t, err)
	for size := 1 << 20; size > 0; {
		n, err := f.Write(make([]byte, size))
		if errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else if err != nil || n == 0 {
			t.Fatal(n, err)
		}
	}
	must(t, f.Close())
}
