package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A write that fails in the middle, past a check that was fooled, leaves nothing
// behind, and the ledger goes on when there is room.
func TestLedgerOnFullFileSystem(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	mount := t.TempDir()
	if err := unix.Mount("tmpfs", mount, "tmpfs", 0, "size=1m"); err != nil {
		t.Skip("cannot mount a tmpfs:", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(mount, unix.MNT_DETACH); err != nil {
			t.Error("unmounting:", err)
		}
	})
	dir, filler := filepath.Join(mount, "audit"), filepath.Join(mount, "filler")
	now := ledgerDay
	l, err := OpenLedger(dir, LedgerOptions{Now: func() time.Time { return now }, FreeSpace: func(string) (uint64, error) { return 1 << 40, nil }})
	must(t, err)
	must(t, l.Append(sent{0, "good"}))
	for day := range 3 {
		now = ledgerDay.AddDate(0, 0, day)
		fill(t, filler)
		info, err := os.Stat(filler)
		must(t, err)
		must(t, os.Truncate(filler, info.Size()-20<<10)) // less than the next line takes
		size := l.file.size
		for range 2 {
			if err := l.Append(sent{day + 1, strings.Repeat("long", 10<<10)}); !errors.Is(err, ErrDiskFull) || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("day %d: %v", day, err)
			}
			if day > 0 {
				size = 0 // of the new file
			}
			if info, err := l.file.Stat(); err != nil || info.Size() != size {
				t.Errorf("day %d: the file has %d bytes, had %d: %v", day, info.Size(), size, err)
			}
		}
		must(t, os.Remove(filler))
		must(t, l.Append(sent{day + 1, "room"}))
	}
	must(t, l.Close())
	if lines, c := readAll(t, dir); len(lines) != 4 || c.Files != 3 || c.Broken+c.Torn != 0 || c.Unfinished != 0 {
		t.Errorf("%d lines, %+v", len(lines), c)
	}
}
