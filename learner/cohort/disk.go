package cohort

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// disk is how a store's files are written. Tests put one in its place that
// fails.
type disk struct {
	write  func(f *os.File, b []byte) error
	sync   func(f *os.File) error
	rename func(from, to string) error
}

func realDisk() disk {
	return disk{
		write:  func(f *os.File, b []byte) error { _, err := f.Write(b); return err },
		sync:   (*os.File).Sync,
		rename: os.Rename,
	}
}

// unfinished begins the names of files that are not complete yet.
const unfinished = ".unfinished-"

// writeFile writes or replaces a file of mode 0600 in one step: whoever looks,
// after whatever crash, sees all of the new one or none of it. Until then it
// is an unfinished one in the directory dir.
func (d disk) writeFile(dir, path string, b []byte) (err error) {
	f, err := os.CreateTemp(dir, unfinished+"*") // mode 0600
	if err != nil {
		return writing(path, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name()) //nolint:errcheck // the next import would
			err = writing(path, err)
		}
	}()
	err = d.write(f, b)
	if err == nil {
		err = d.sync(f)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := d.rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// writing names the file that could not be written, and says so of a full disk.
func writing(path string, err error) error {
	err = cause(err)
	for _, e := range errsDiskFull {
		if errors.Is(err, e) {
			return fileError(path, fmt.Errorf("%w: %w", ErrDiskFull, err), "free some space and import again: what the store had, it has")
		}
	}
	return fileError(path, fmt.Errorf("write it: %w", err), "see that the directory can be written")
}
