package experiment

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// lockName is the file that a sweep holds a lock on. The system lets go of it
// when the process ends, however it ends.
const lockName = "lock"

// lockDir locks a directory for one sweep, or for one of the shards of one.
// Release it by closing what it returns.
func lockDir(dir string, o Options) (release func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, Unwritten(dir, err)
	}
	var held []*os.File
	release = func() {
		for _, f := range held {
			f.Close() //nolint:errcheck // nothing was written
		}
	}
	take := func(name string, shared bool) error {
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			return Unwritten(dir, err)
		}
		held = append(held, f)
		if err := lockFile(f, shared); err != nil {
			return err
		}
		return nil
	}
	err = take(lockName, o.Shards > 1)
	if err == nil && o.Shards > 1 {
		err = take(fmt.Sprintf("%s-%d-of-%d", lockName, o.Shard, o.Shards), false)
	}
	if err != nil {
		release()
		if errors.Is(err, errLocked) {
			err = fmt.Errorf("%w: %s: wait for it to end or choose another directory", ErrBusy, dir)
		}
		return nil, err
	}
	return release, nil
}
