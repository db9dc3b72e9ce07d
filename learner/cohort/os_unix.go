//go:build linux || darwin || freebsd

package cohort

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// errLocked is what lockFile says if somebody else holds the lock.
var errLocked error = unix.EWOULDBLOCK

// errsDiskFull are what a system says when there is no space left.
var errsDiskFull = []error{unix.ENOSPC, unix.EDQUOT}

func lockFile(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
