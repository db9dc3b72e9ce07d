// Package wholefile writes files at once or not at all: whoever looks, after
// whatever crash, sees all of the new one or all of the old one.
package wholefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// Unfinished begins the names of files that are not complete yet. A process
// that was killed may leave some, beside the file that it was to replace.
const Unfinished = ".unfinished-"

// Write makes b the content of a file with the given mode. When it returns
// nil the file is on the disk under its name.
func Write(path string, mode fs.FileMode, b []byte) error {
	return Replace(path, mode, func(f *os.File) error { _, err := f.Write(b); return err })
}

// Replace is [Write] with what fill writes.
func Replace(path string, mode fs.FileMode, fill func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), Unfinished+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // it is unfinished either way
		}
	}()
	err = fill(f)
	if err == nil {
		err = errors.Join(f.Chmod(mode), f.Sync())
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}
