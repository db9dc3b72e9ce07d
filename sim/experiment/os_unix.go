//go:build linux || darwin || freebsd

package experiment

import (
	"os"

	"golang.org/x/sys/unix"
)

// errLocked is what lockFile says if somebody else holds the lock.
var errLocked error = unix.EWOULDBLOCK

// errsDiskFull are what a system says when there is no space left.
var errsDiskFull = []error{unix.ENOSPC, unix.EDQUOT}

func lockFile(f *os.File, shared bool) error {
	how := unix.LOCK_EX
	if shared {
		how = unix.LOCK_SH
	}
	return unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
}
