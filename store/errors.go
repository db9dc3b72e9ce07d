package store

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// The errors of this package. Each is wrapped with the directory and the
// cause; the message says what to do next.
var (
	// ErrEmpty: no round has been committed yet.
	ErrEmpty = errors.New("the store has no round yet")

	// ErrNotKept: the record or the verdicts of that round were never
	// committed, or were pruned; see Options.Keep.
	ErrNotKept = errors.New("the store does not keep that round")

	// ErrLocked: another process, or another Store of this one, has the
	// directory open.
	ErrLocked = errors.New("another daemon uses this store: stop it or choose another --dir")

	// ErrNewer: a later version of the program has written the store.
	ErrNewer = errors.New("the store was written by a newer version: upgrade bristled")

	// ErrOlder: a version of the program whose manifests this one does not
	// read has written the store.
	ErrOlder = errors.New("the store was written by an older version, whose federations this one cannot be in: start anew with `bristled init` in another directory")

	// ErrOtherFederation: the store belongs to another federation.
	ErrOtherFederation = errors.New("the store belongs to another federation: choose another --dir")

	// ErrDiskFull: there is less room than Reserve asks for. Nothing was
	// changed; free some space and try again.
	ErrDiskFull = errors.New("the disk is full: free some space; nothing was changed and the operation can be tried again")

	// ErrCorrupt: what is on disk is not what was written, and there is
	// nothing older to fall back to.
	ErrCorrupt = errors.New("the store is damaged: restore it from a backup, or move it away to start anew under a new identity")

	// ErrStale: the round's number is not above the last committed one.
	ErrStale = errors.New("the round is not newer than the last one committed")

	// ErrClosed: the store has been closed.
	ErrClosed = errors.New("the store is closed")
)

// diskFull says whether err means that a file system has no room.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, errWindowsDiskFull) ||
		// Badger turns some causes into text.
		err != nil && strings.Contains(err.Error(), syscall.ENOSPC.Error())
}

// locked says whether Badger could not lock its directory. Badger has no
// error of its own for that, only the words.
func locked(err error) bool {
	return err != nil && !errors.Is(err, fs.ErrPermission) &&
		strings.Contains(err.Error(), "Another process is using this Badger database")
}
