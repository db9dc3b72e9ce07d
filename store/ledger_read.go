package store

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/bristle-fl/bristled/federation"
)

// maxBreaks is how many places a [Chain] lists at most.
const maxBreaks = 20

// LedgerLine is a line as [ReadLedger] finds it.
type LedgerLine struct {
	File string // name in the ledger's directory
	Line int    // from 1
	Time time.Time
	// Entry is what was appended. It is nil in a notice of an interrupted
	// write, which has Torn instead.
	Entry json.RawMessage
	Torn  *Torn
}

// Chain says how the lines of a ledger hang together. Whoever may write to the
// directory can make a whole chain anew; it is the sums that others keep which
// that contradicts.
type Chain struct {
	Files int `json:"files"`
	Lines int `json:"lines"`
	// Before is what the first line says of the line before it. It is not zero
	// when older files were moved away.
	Before federation.Hash `json:"before,omitzero"`
	Last   federation.Hash `json:"last,omitzero"` // sum of the last line
	// Breaks are the first places at which lines were changed, removed or
	// added by something else than a [Ledger], and Broken is how many there
	// are.
	Breaks []Break `json:"breaks,omitempty"`
	Broken int     `json:"broken"`
	// Torn counts writes that were interrupted and noted. Unfinished is how
	// many bytes stand behind the last line: an interrupted write that no
	// daemon has noted yet, or one that goes on.
	Torn       int   `json:"torn"`
	Unfinished int64 `json:"unfinished"`
}

// Break is a place at which a ledger's chain is broken.
type Break struct {
	File   string `json:"file"`
	Line   int    `json:"line"` // from 1
	Reason string `json:"reason"`
}

func (b Break) String() string { return fmt.Sprintf("%s, line %d: %s", b.File, b.Line, b.Reason) }

const (
	breakLink = "it does not follow from the line before it: one of the two was changed, or others were removed or put between them"
	breakLine = "it is no line of a ledger"
	breakTorn = "it tells of an interrupted write that is not in front of it"
)

// ReadLedger reads the ledger in dir, the oldest line first, whether a daemon
// adds to it or not, and checks its chain. It calls visit for each line, those
// behind a break included, and stops when visit returns an error, which it
// returns.
//
// Errors: fs.ErrNotExist if there is no such directory, or that of the file
// system. A broken chain is none: see [Chain].Broken.
func ReadLedger(dir string, visit func(LedgerLine) error) (Chain, error) {
	r := &ledgerReader{visit: visit, junk: sha256.New()}
	names, err := ledgerFiles(dir)
	for i := 0; i < len(names) && err == nil; i++ {
		err = r.file(filepath.Join(dir, names[i]), i == len(names)-1)
	}
	if err != nil {
		err = fmt.Errorf("ledger %s: %w", dir, err)
	}
	return r.chain, err
}

// ledgerReader is in the middle of a ledger.
type ledgerReader struct {
	visit func(LedgerLine) error
	chain Chain
	name  string // of the file
	line  int    // the number of the line that is being read

	// junk is what is no line, since the last one: torn, or worse.
	junk      hash.Hash
	junkBytes int64
	junkLine  int  // where it begins
	ended     bool // it has a line end
	amid      bool // it ends in the middle of a line
}

// file reads one file.
func (r *ledgerReader) file(path string, newest bool) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r.chain.Files++
	r.name, r.line = filepath.Base(path), 1
	in := bufio.NewReaderSize(f, maxLedgerLine+1)
	for {
		b, err := in.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			r.discard(b)
			r.amid = true
			continue
		case errors.Is(err, io.EOF):
			r.discard(b)
			r.end(newest)
			return nil
		case err != nil:
			return err
		}
		if l, ok := parseLedgerLine(b[:len(b)-1]); ok && !r.amid {
			err = r.take(l, sumLine(b))
		} else {
			r.discard(b)
			r.ended, r.amid = true, false
		}
		if err != nil {
			return err
		}
		r.line++
	}
}

// take takes in a line.
func (r *ledgerReader) take(l ledgerLine, sum federation.Hash) error {
	c := &r.chain
	explained := l.Torn != nil && l.Torn.Bytes == r.junkBytes && l.Torn.SHA256 == federation.Hash(r.junk.Sum(nil))
	switch {
	case r.junkBytes > 0 && !explained:
		r.broken(r.junkLine, breakLine)
	case r.junkBytes == 0 && l.Torn != nil:
		r.broken(r.line, breakTorn)
	case c.Lines > 0 && l.Prev != c.Last:
		r.broken(r.line, breakLink)
	}
	if c.Lines == 0 {
		c.Before = l.Prev
	}
	if l.Torn != nil {
		c.Torn++
	}
	c.Lines++
	c.Last = sum
	r.forget()
	return r.visit(LedgerLine{File: r.name, Line: r.line, Time: l.Time, Entry: l.Entry, Torn: l.Torn})
}

// discard notes bytes that are no line.
func (r *ledgerReader) discard(b []byte) {
	if r.junkBytes == 0 {
		r.junkLine = r.line
	}
	r.junkBytes += int64(len(b))
	r.junk.Write(b)
}

// end judges what stands behind the last line of a file.
func (r *ledgerReader) end(newest bool) {
	switch {
	case r.junkBytes == 0:
	case newest && !r.ended:
		r.chain.Unfinished = r.junkBytes
	default:
		r.broken(r.junkLine, breakLine)
	}
	r.forget()
}

func (r *ledgerReader) forget() {
	r.junk.Reset()
	r.junkBytes, r.ended, r.amid = 0, false, false
}

func (r *ledgerReader) broken(line int, reason string) {
	r.chain.Broken++
	if len(r.chain.Breaks) < maxBreaks {
		r.chain.Breaks = append(r.chain.Breaks, Break{File: r.name, Line: line, Reason: reason})
	}
}
