package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

var (
	// ErrDiskFull is wrapped when a result cannot be written for want of space.
	ErrDiskFull = errors.New("the disk is full")
	// ErrNotEmpty says that a directory has results already.
	ErrNotEmpty = errors.New("the directory is not empty")
	// ErrBusy says that another sweep works in a directory.
	ErrBusy = errors.New("another sweep works in this directory")
)

// unfinished begins the names of what is not complete yet.
const unfinished = ".unfinished-"

// writeFile replaces a file in one step: whoever looks sees all of the new one or
// none of it, whatever fails meanwhile.
func writeFile(path string, b []byte) error {
	return replace(path, func(f *os.File) error { _, err := f.Write(b); return err })
}

// replace is [writeFile] with what write writes.
func replace(path string, write func(*os.File) error) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return full(path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), unfinished+"*")
	if err != nil {
		return full(path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // it is unfinished either way
			err = full(path, err)
		}
	}()
	if err := errors.Join(write(f), f.Chmod(0o644), f.Sync()); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// full gives a full disk its name.
func full(path string, err error) error {
	for _, e := range errsDiskFull {
		if errors.Is(err, e) {
			return fmt.Errorf("%w: writing %s: free some space and go on with --resume; finished cells are kept", ErrDiskFull, path)
		}
	}
	return fmt.Errorf("writing %s: %w", path, err)
}

// isEmpty reports whether a directory holds nothing but locks, or is not there.
func isEmpty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), lockName) {
			return false, nil
		}
	}
	return err == nil, err
}
