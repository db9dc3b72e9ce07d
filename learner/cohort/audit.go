package cohort

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode"
)

// What became of a file that was read for a store.
const (
	outcomeStored  = "stored"  // its image is in the store now
	outcomeKnown   = "known"   // its image was there already
	outcomeRefused = "refused" // the reason says why
)

// auditLine is a line of a store's audit log: a file that was read. It names no
// file and no patient.
type auditLine struct {
	Time    time.Time `json:"time"`
	SHA256  string    `json:"sha256"`            // of the file; of an image in an npz file, of its pixels
	Bytes   int64     `json:"bytes"`             // of the same
	Archive string    `json:"archive,omitempty"` // SHA-256 of the npz file
	Format  string    `json:"format,omitempty"`
	Outcome string    `json:"outcome"`
	Sample  string    `json:"sample,omitempty"` // SHA-256 of the sample in the store
	Reason  string    `json:"reason,omitempty"`
	// Dropped has the keywords, such as PatientName, of the identifying DICOM
	// elements that were in the file and are not in the store.
	Dropped []string `json:"dropped,omitempty"`
}

func (r *converted) line(now time.Time) auditLine {
	l := auditLine{Time: now.UTC(), SHA256: hex.EncodeToString(r.sum[:]), Bytes: r.bytes, Archive: r.archive, Format: r.picture.format, Outcome: r.outcome, Dropped: r.picture.dropped}
	if r.outcome == outcomeRefused {
		l.Reason = r.reason
	} else {
		l.Sample = hex.EncodeToString(r.sample[:])
	}
	return l
}

const (
	maxLine  = 1 << 16 // bytes of a line of the log, much more than it has
	together = 64      // lines that are written and synced at once
)

// errTail says that the end of the log is none.
var errTail = errors.New("it does not end in a line: move it away and keep it, and a new one begins")

// audit is the log of what was read into a store. Lines are only added.
type audit struct {
	disk  disk
	file  *os.File
	lines bytes.Buffer // not written yet
	count int          // of these
	err   error        // of the write that failed, after which nothing is written
}

// openAudit opens the log at its end. What an interrupted write has left of a
// line there is cut off: no index has the image that it was about.
func (s *sampleStore) openAudit() (*audit, error) {
	f, err := os.OpenFile(s.path(auditName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, writing(s.path(auditName), err)
	}
	a := &audit{disk: s.disk, file: f}
	if err := errors.Join(a.cutTail(), syncDir(s.dir)); err != nil {
		f.Close()
		return nil, writing(s.path(auditName), err)
	}
	return a, nil
}

// cutTail cuts off what is behind the end of the last line, and goes there.
func (a *audit) cutTail() error {
	size, err := a.file.Seek(0, io.SeekEnd)
	if err != nil || size == 0 {
		return err
	}
	tail := make([]byte, min(size, together*maxLine))
	if _, err := a.file.ReadAt(tail, size-int64(len(tail))); err != nil {
		return err
	}
	end := bytes.LastIndexByte(tail, '\n')
	if end < 0 && size > int64(len(tail)) {
		return errTail
	}
	size += int64(end + 1 - len(tail))
	if err := a.file.Truncate(size); err != nil {
		return err
	}
	_, err = a.file.Seek(size, io.SeekStart)
	return err
}

// add adds a line, which is durable after the next flush.
func (a *audit) add(l auditLine) error {
	line, err := json.Marshal(l)
	if err != nil {
		return err
	}
	a.lines.Write(append(line, '\n'))
	if a.count++; a.count < together {
		return nil
	}
	return a.flush()
}

// flush writes and syncs the lines that were added.
func (a *audit) flush() error {
	if a.count == 0 || a.err != nil {
		return a.err
	}
	if a.err = a.disk.write(a.file, a.lines.Bytes()); a.err == nil {
		a.err = a.disk.sync(a.file)
	}
	if a.err != nil {
		a.err = writing(a.file.Name(), a.err)
		return a.err
	}
	a.lines.Reset()
	a.count = 0
	return nil
}

// withoutName takes the name of a file out of a reason, and what is no text.
func withoutName(reason, path string) string {
	for _, name := range []string{path, filepath.Base(path)} {
		reason = strings.ReplaceAll(reason, name, "the file")
	}
	letters := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsGraphic(r) {
			return ' '
		}
		return r
	}, reason))
	const most = 300
	return string(letters[:min(len(letters), most)])
}
