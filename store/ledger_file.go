package store

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxLedgerTail is how far from the end of a file the end of its last line may
// be: an interrupted write, and interrupted attempts to note it.
const maxLedgerTail = 4 * maxLedgerLine

const ledgerSuffix = ".jsonl"

// ledgerName names the file of a time's day in UTC.
func ledgerName(t time.Time) string { return t.UTC().Format(time.DateOnly) + ledgerSuffix }

// ledgerFiles returns the names of the files in dir, the oldest first.
func ledgerFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir) // in order of their names
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		day, ok := strings.CutSuffix(e.Name(), ledgerSuffix)
		if _, err := time.Parse(time.DateOnly, day); !ok || err != nil {
			continue
		}
		if !e.Type().IsRegular() {
			return nil, fmt.Errorf("%s is no file: move it away", filepath.Join(dir, e.Name()))
		}
		names = append(names, e.Name())
	}
	return names, nil
}

// ledgerFile is the file that grows.
type ledgerFile struct {
	*os.File        // nil: none is open
	name     string // in the ledger's directory; empty before the first
	size     int64  // where the next line begins
	torn     bool   // a write failed, and there may be something behind that
}

func (f *ledgerFile) close() error {
	if f.File == nil {
		return nil
	}
	err := f.Close()
	f.File = nil
	return err
}

// open opens the newest file, finds the sum of the last line, which may be in an
// older one, and returns what stands behind the last line of the newest.
func (l *Ledger) open() (tail []byte, err error) {
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return nil, err
	}
	if err := syncDir(filepath.Dir(l.dir)); err != nil {
		return nil, err
	}
	names, err := ledgerFiles(l.dir)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	l.file.name = names[len(names)-1]
	if l.file.File, err = os.OpenFile(filepath.Join(l.dir, l.file.name), os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	info, err := l.file.Stat()
	if err != nil {
		return nil, err
	}
	l.file.size = info.Size()
	line, tail, err := lastLine(l.file.File, l.file.size)
	switch {
	case err != nil:
		return nil, err
	case line == nil:
	case len(tail) > 0:
		tail = tail[1:]
	default: // all of the line is there but its end
		err = l.write(l.file.name, []byte("\n"))
	}
	for i := len(names) - 2; i >= 0 && line == nil && err == nil; i-- {
		line, err = lastLineOf(filepath.Join(l.dir, names[i]))
	}
	if line != nil {
		l.last = sha256.Sum256(line)
	}
	return tail, err
}

// lastLine returns the last line of a file, nil if there is none, and what
// stands behind it, which begins with the line's end. Only the end may be
// missing.
func lastLine(f *os.File, size int64) (line, tail []byte, err error) {
	from := max(0, size-maxLedgerTail)
	b := make([]byte, size-from)
	if _, err := f.ReadAt(b, from); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	for end := len(b); end >= 0; {
		start := bytes.LastIndexByte(b[:end], '\n')
		if start < 0 && from > 0 {
			break // that line begins further up
		}
		if _, ok := parseLedgerLine(b[start+1 : end]); ok {
			return b[start+1 : end], b[end:], nil
		}
		end = start
	}
	if from > 0 {
		return nil, nil, fmt.Errorf("%w (%s)", ErrLedgerDamaged, f.Name())
	}
	return nil, b, nil
}

// lastLineOf returns the last line of a file that grows no more.
func lastLineOf(path string) (line []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	line, _, err = lastLine(f, info.Size())
	return line, err
}

// write adds whole lines to the file of that name, all of them or none.
func (l *Ledger) write(name string, b []byte) error {
	free, err := l.opts.FreeSpace(l.dir)
	if err != nil {
		return err
	}
	if free < Reserve+uint64(len(b)) {
		return fmt.Errorf("%w (%d MiB are free, %d MiB stay reserved)", ErrDiskFull, free>>20, Reserve>>20)
	}
	f := &l.file
	if err := f.restore(); err != nil {
		return err
	}
	if f.File == nil || f.name != name {
		if err := l.turn(name); err != nil {
			return err
		}
	}
	f.torn = true
	if _, err = f.WriteAt(b, f.size); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.restore())
	}
	f.torn = false
	f.size += int64(len(b))
	return nil
}

// restore takes off what a failed write has left.
func (f *ledgerFile) restore() error {
	if !f.torn {
		return nil
	}
	if err := f.Truncate(f.size); err != nil {
		return err
	}
	f.torn = false
	return nil
}

// turn goes on in a new file.
func (l *Ledger) turn(name string) error {
	path := filepath.Join(l.dir, name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := syncDir(l.dir); err != nil {
		return errors.Join(err, f.Close(), os.Remove(path))
	}
	err = l.file.close()
	l.file = ledgerFile{File: f, name: name}
	return err
}
