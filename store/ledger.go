package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/bristle-fl/bristled/federation"
)

// maxLedgerLine is the longest line of a ledger in bytes, its end excluded. The
// longest that a peer writes names a thousand classes and two hundred peers.
const maxLedgerLine = 256 << 10

var (
	// ErrLongEntry: an entry takes more than 256 KiB as a line. Nothing of
	// it was written.
	ErrLongEntry = errors.New("the entry is too long for a line of the ledger")

	// ErrLedgerDamaged: the end of a file is nothing that an interrupted
	// write leaves.
	ErrLedgerDamaged = errors.New("a file of the ledger is damaged at its end: move it away and keep it, and the ledger goes on in a new one")
)

// Ledger is a log for people, to which lines are only ever added: JSON objects,
// one a line, in one file per UTC day. Each line holds the SHA-256 of the line
// before it, over midnight too, so that a line that was changed or removed shows
// ([ReadLedger]). What is cut off at the end does not: whoever must be certain
// of that keeps the sum of the last line elsewhere. Nothing is ever removed.
//
// It needs no [Store]. One Ledger has the directory open at a time; the daemon's
// lock on its store sees to that. The methods may be called concurrently.
type Ledger struct {
	dir  string
	opts LedgerOptions

	mu     sync.Mutex
	file   ledgerFile      // the newest
	last   federation.Hash // sum of the last line; zeros before the first
	closed bool
}

// LedgerOptions says how to open a ledger.
type LedgerOptions struct {
	// Now dates the lines and names the files. When it goes back, the newest
	// file goes on.
	Now func() time.Time
	// Log receives a warning when a write was interrupted. Nil discards.
	Log *slog.Logger
	// FreeSpace returns the bytes that may still be written under dir. Nil
	// asks the operating system.
	FreeSpace func(dir string) (uint64, error)
}

// Torn is what an interrupted write has left between two lines, with the line
// end that was added to it. Its Append had not returned.
type Torn struct {
	Bytes  int64           `json:"bytes"`
	SHA256 federation.Hash `json:"sha256"`
}

// ledgerLine is a line: what somebody has entered, or a notice of what is torn
// in front of it.
type ledgerLine struct {
	Time  time.Time       `json:"time"`
	Prev  federation.Hash `json:"prev"` // sum of the line before; zeros: there is none
	Torn  *Torn           `json:"torn,omitempty"`
	Entry json.RawMessage `json:"entry,omitempty"`
}

// encode returns the line with its end.
func (l ledgerLine) encode() ([]byte, error) {
	b, err := appendJSON(nil, l)
	if err == nil && len(b)-1 > maxLedgerLine {
		err = fmt.Errorf("%w (%d bytes of at most %d)", ErrLongEntry, len(b)-1, maxLedgerLine)
	}
	return b, err
}

// appendJSON appends v and a line end. Unlike json.Marshal it leaves <, > and &
// as they are, which would take six times the room.
func appendJSON(b []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(b)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return buf.Bytes(), err
}

// sumLine returns the sum of a line with its end, which does not count.
func sumLine(line []byte) federation.Hash { return sha256.Sum256(line[:len(line)-1]) }

// parseLedgerLine reads a line without its end.
func parseLedgerLine(b []byte) (l ledgerLine, ok bool) {
	if len(b) > maxLedgerLine || json.Unmarshal(b, &l) != nil {
		return ledgerLine{}, false
	}
	return l, (l.Torn == nil) != (l.Entry == nil)
}

// OpenLedger opens the ledger in dir, which it creates if need be. If the last
// write was interrupted, by a crash or a power cut, what is there stays, and a
// line is added that says so.
//
// Errors: [ErrLedgerDamaged], [ErrDiskFull], or that of the file system.
func OpenLedger(dir string, opts LedgerOptions) (*Ledger, error) {
	if opts.FreeSpace == nil {
		opts.FreeSpace = freeSpace
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	l := &Ledger{dir: dir, opts: opts}
	tail, err := l.open()
	if err == nil && len(tail) > 0 {
		err = l.note(tail)
	}
	if err != nil {
		return nil, l.wrap(errors.Join(err, l.file.close()))
	}
	return l, nil
}

// note adds the line that says what an interrupted write has left.
func (l *Ledger) note(tail []byte) error {
	l.opts.Log.Warn("the ledger's last write was interrupted; what it was about has not left", "file", l.file.name, "bytes", len(tail))
	var end []byte
	if tail[len(tail)-1] != '\n' {
		end = []byte("\n")
	}
	tail = append(tail, end...)
	line, err := ledgerLine{
		Time: l.opts.Now().UTC(),
		Prev: l.last,
		Torn: &Torn{Bytes: int64(len(tail)), SHA256: sha256.Sum256(tail)},
	}.encode()
	if err != nil {
		return err
	}
	if err := l.write(l.file.name, append(end, line...)); err != nil {
		return err
	}
	l.last = sumLine(line)
	return nil
}

// Append adds a line for each entry, which becomes JSON, and returns when all of
// them will survive a power cut. With an error, none of them is there:
// [ErrDiskFull], [ErrLongEntry], [ErrClosed], or that of the file system or the
// encoder. It may then be tried again.
func (l *Ledger) Append(entries ...any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return l.wrap(ErrClosed)
	}
	now, last := l.opts.Now().UTC(), l.last
	var lines []byte
	for _, entry := range entries {
		b, err := appendJSON(nil, entry)
		if err != nil {
			return l.wrap(err)
		}
		line, err := ledgerLine{Time: now, Prev: last, Entry: b}.encode()
		if err != nil {
			return l.wrap(err)
		}
		lines, last = append(lines, line...), sumLine(line)
	}
	if len(lines) == 0 {
		return nil
	}
	// The newest file goes on when the clock went back.
	if err := l.write(max(l.file.name, ledgerName(now)), lines); err != nil {
		return l.wrap(err)
	}
	l.last = last
	return nil
}

// Close closes the ledger. All of it is on disk already.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if err := l.file.close(); err != nil {
		return l.wrap(err)
	}
	return nil
}

// wrap adds the directory to err, and turns what the operating system says of a
// full disk into ErrDiskFull.
func (l *Ledger) wrap(err error) error {
	if diskFull(err) && !errors.Is(err, ErrDiskFull) {
		err = fmt.Errorf("%w (%w)", ErrDiskFull, err)
	}
	return fmt.Errorf("ledger %s: %w", l.dir, err)
}
