package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// Reserve is the free space in bytes that the store wants to see, beyond
	// what it is about to write, before it writes anything. Badger writes
	// through memory maps, where a full disk is not an error but a signal
	// that kills the process; the reserve covers a log, two flushes and the
	// compaction they may start.
	Reserve = 64 << 20

	// closeReserve is what the last flush of a closing store may take.
	closeReserve = 16 << 20

	// defaultKeep is Options.Keep where that is 0.
	defaultKeep = 1000
)

// Options says how to open a store.
type Options struct {
	// Federation owns the store from its first opening on.
	Federation federation.ID
	// Keep is the number of rounds whose records and verdicts are kept; 0
	// means 1000.
	Keep int
	// Log receives what happens on the side: a damaged round that was passed
	// over (a warning) and the database's own messages (debug). Nil discards.
	Log *slog.Logger
	// FreeSpace returns the bytes that may still be written under dir. Nil
	// asks the operating system.
	FreeSpace func(dir string) (uint64, error)
}

// Store is one peer's directory. Its methods may be called concurrently.
type Store struct {
	dir  string
	opts Options
	log  *slog.Logger

	// mu guards what follows. Readers hold it too, so that no file vanishes
	// between reading its name and its contents.
	mu    sync.RWMutex
	db    *badger.DB // nil once closed
	seq   lease
	index index
}

// Open opens the store in dir, which it creates if need be, and makes sure
// that its newest round can be read. A newest round that is damaged is passed
// over with a warning for the one before it.
//
// Errors: [ErrLocked], [ErrNewer], [ErrOtherFederation], [ErrDiskFull],
// [ErrCorrupt], or that of the file system.
func Open(dir string, opts Options) (_ *Store, err error) {
	if opts.Keep <= 0 {
		opts.Keep = defaultKeep
	}
	if opts.FreeSpace == nil {
		opts.FreeSpace = freeSpace
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{dir: dir, opts: opts, log: opts.Log}

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, s.wrap("opening", err)
	}
	// A store of a later version or of others is left alone entirely.
	isNew, err := s.readLabel()
	if err != nil {
		return nil, s.wrap("opening", err)
	}
	if err := os.MkdirAll(s.blobDir(), 0o700); err != nil {
		return nil, s.wrap("opening", err)
	}
	if err := s.checkSpace(0); err != nil {
		return nil, s.wrap("opening", err)
	}
	s.db, err = badger.Open(badgerOptions(s.badgerDir(), opts.Log))
	switch {
	case locked(err):
		return nil, s.wrap("opening", fmt.Errorf("%w (%w)", ErrLocked, err))
	case isFileError(err) || diskFull(err):
		return nil, s.wrap("opening", err)
	case err != nil:
		return nil, s.wrap("opening", fmt.Errorf("%w (%w)", ErrCorrupt, err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.db.Close())
		}
	}()
	if err := verify(s.db); err != nil {
		return nil, s.wrap("opening", err)
	}
	if err := s.scan(); err != nil {
		return nil, s.wrap("opening", err)
	}
	if isNew { // still, now that nobody else can be creating it?
		if isNew, err = s.readLabel(); err != nil {
			return nil, s.wrap("opening", err)
		}
	}
	if isNew {
		if !s.index.empty() {
			return nil, s.wrap("opening", fmt.Errorf("%w (%s is missing)", ErrCorrupt, labelFile))
		}
		if err := s.writeLease(0); err != nil {
			return nil, s.wrap("opening", err)
		}
		if err := s.writeLabel(); err != nil { // last: the store is complete
			return nil, s.wrap("opening", err)
		}
	}
	if err := s.findLast(); err != nil {
		return nil, s.wrap("opening", err)
	}
	s.findBans()
	if err := s.readLease(); err != nil {
		return nil, s.wrap("opening", err)
	}
	if err := s.removeStrays(); err != nil {
		return nil, s.wrap("opening", err)
	}
	return s, nil
}

// badgerOptions fits the database to a peer on a small device: everything that
// is committed is synced first, and memory and files stay small. What it holds
// is small and compressed already (see packed), so that it needs no caches and
// compactions take little: a larger buffer, or compression by the database,
// cost three times the memory at their peaks.
//
// Sizes of blocks and tables are not free to choose. On 32-bit machines the
// memory from which Badger builds a table (ristretto's z.Allocator) starts
// over, and overwrites the table, once more than its first buffer is used:
// twice the table's size. Therefore no value is larger than a quarter of a
// block, so that at most a third is wasted; a buffer of writes is no larger
// than a table; and tables are equally large at all levels. The compaction of
// level 0 into itself has a table size that overflows there; it takes four
// tables, and writing stalls before there are as many.
func badgerOptions(dir string, log *slog.Logger) badger.Options {
	o := badger.DefaultOptions(dir).
		WithLogger(badgerLog{log}).
		WithMetricsEnabled(false).
		WithSyncWrites(true).
		WithDetectConflicts(false). // one writer at a time: Store.mu
		WithMemTableSize(memTable).
		WithNumMemtables(2).
		WithBaseTableSize(memTable).
		WithBlockSize(4 * inlineLimit).
		WithNumLevelZeroTables(2).
		WithNumLevelZeroTablesStall(3).
		WithNumCompactors(2).
		WithCompression(options.None).
		WithBlockCacheSize(0).
		WithChecksumVerificationMode(options.OnBlockRead).
		// Nothing is large enough for the value log, so it has no garbage to
		// collect, and compaction alone keeps the store small.
		WithValueThreshold(maxTxn).
		WithValueLogFileSize(1 << 20)
	o.TableSizeMultiplier = 1
	return o
}

// verify reads every table of the database. Badger itself takes a table that
// it cannot read for one that does not have the key, or stops the process.
func verify(db *badger.DB) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v)", ErrCorrupt, p)
		}
	}()
	if err := db.VerifyChecksum(); err != nil {
		return fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	return nil
}

// Close flushes and closes the store. Without room to do so it leaves that to
// the next Open, which finds everything that was committed, and returns
// [ErrDiskFull]; the directory then stays locked until the process ends.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	db := s.db
	s.db = nil
	if free, err := s.opts.FreeSpace(s.dir); err == nil && free < closeReserve {
		return s.wrap("closing", fmt.Errorf("%w (%d bytes are free)", ErrDiskFull, free))
	}
	if err := db.Close(); err != nil {
		return s.wrap("closing", err)
	}
	return nil
}

// checkSpace returns ErrDiskFull unless size bytes and the reserve are free.
func (s *Store) checkSpace(size int64) error {
	free, err := s.opts.FreeSpace(s.dir)
	if err != nil {
		return err
	}
	if need := uint64(Reserve + size); free < need {
		return fmt.Errorf("%w (%d MiB are free, %d MiB are needed)", ErrDiskFull, free>>20, (need+1<<20-1)>>20)
	}
	return nil
}

// wrap adds the operation and the directory to err, and turns what the
// operating system says of a full disk into ErrDiskFull.
func (s *Store) wrap(doing string, err error) error {
	if diskFull(err) && !errors.Is(err, ErrDiskFull) {
		err = fmt.Errorf("%w (%w)", ErrDiskFull, err)
	}
	return fmt.Errorf("%s store %s: %w", doing, s.dir, err)
}

// isFileError says whether err is about a path, such as a permission that is
// missing, and not about what is in a file.
func isFileError(err error) bool {
	_, ok := errors.AsType[*fs.PathError](err)
	return ok
}

// badgerLog passes the database's messages on at the level at which they
// matter to the daemon: nobody can act on most of them.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) Errorf(format string, args ...any)   { l.print(slog.LevelWarn, format, args) }
func (l badgerLog) Warningf(format string, args ...any) { l.print(slog.LevelDebug, format, args) }
func (l badgerLog) Infof(format string, args ...any)    { l.print(slog.LevelDebug, format, args) }
func (l badgerLog) Debugf(string, ...any)               {} // several per transaction: too many

func (l badgerLog) print(level slog.Level, format string, args []any) {
	if l.log.Enabled(context.Background(), level) {
		l.log.Log(context.Background(), level, "badger: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}
