package experiment

import (
	"os"

	"golang.org/x/sys/windows"
)

// errLocked is what lockFile says if somebody else holds the lock.
var errLocked error = windows.ERROR_LOCK_VIOLATION

// errsDiskFull are what a system says when there is no space left.
var errsDiskFull = []error{windows.ERROR_DISK_FULL, windows.ERROR_HANDLE_DISK_FULL}

func lockFile(f *os.File, shared bool) error {
	flags := uint32(windows.LOCKFILE_FAIL_IMMEDIATELY)
	if !shared {
		flags |= windows.LOCKFILE_EXCLUSIVE_LOCK
	}
	return windows.LockFileEx(windows.Handle(f.Fd()), flags, 0, 1, 0, new(windows.Overlapped))
}
