package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/store"
)

var (
	// ErrDiskFull is wrapped when a result cannot be written for want of space.
	ErrDiskFull = errors.New("the disk is full")
	// ErrNotEmpty says that a directory has results already.
	ErrNotEmpty = errors.New("the directory is not empty")
	// ErrBusy says that another sweep works in a directory.
	ErrBusy = errors.New("another sweep works in this directory")
)

// writeFile replaces a file in one step.
func writeFile(path string, b []byte) error {
	return replace(path, func(f *os.File) error { _, err := f.Write(b); return err })
}

// replace is [writeFile] with what write writes.
func replace(path string, write func(*os.File) error) error {
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = wholefile.Replace(path, 0o644, write)
	}
	if err != nil {
		return Unwritten(path, err)
	}
	return nil
}

// Unwritten says which file could not be written. The error wraps [ErrDiskFull] if
// there is no space left.
func Unwritten(path string, err error) error {
	for _, e := range append([]error{store.ErrDiskFull}, errsDiskFull...) {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: writing %s: free some space and run it again, a sweep with --resume; finished cells are kept", ErrDiskFull, path)
		}
	}
	return fmt.Errorf("writing %s: %w", path, err)
}

// isEmpty reports whether a directory holds nothing but locks, or is not there. Where
// shards begin at the same time, what another one is writing is nothing either.
func isEmpty(dir string, shards bool) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	for _, e := range entries {
		ours := strings.HasPrefix(e.Name(), lockName) || shards && strings.HasPrefix(e.Name(), wholefile.Unfinished)
		if !ours {
			return false, nil
		}
	}
	return err == nil, err
}
