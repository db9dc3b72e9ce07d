package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// memTable is the size of Badger's write buffer. A transaction must fit
	// into 15% of it, with everything that Badger adds.
	memTable = 1 << 20
	maxTxn   = memTable * 15 / 100

	// inlineLimit is the largest value that is written into Badger; larger
	// ones are files. Badger writes a value to its log, to a table and to
	// another one when it compacts: that is little for a record and twice
	// the wear on a flash card for a head that the next round replaces.
	// Three values of this size and the deletions of a commit fit into
	// maxTxn. See also badgerOptions.
	inlineLimit = 16 << 10
)

// The layout of a value in Badger is its user meta byte: where the contents
// are, and whether they are compressed. The value is their SHA-256, followed
// by themselves or by the size of their file.
const (
	layoutFile = 1 << iota
	layoutZstd
)

// kind says what a value is about its round.
type kind byte

const (
	kindState    kind = 's'
	kindRecord   kind = 'r'
	kindVerdicts kind = 'v'
	kindBan      kind = 'b' // numbered from 1, of no round
)

// key names a value. In Badger it is the kind and the round's number, big
// endian, so that keys are ordered as numbers are.
type key struct {
	kind  kind
	round uint64
}

func (k key) bytes() []byte {
	return binary.BigEndian.AppendUint64([]byte{byte(k.kind)}, k.round)
}

func parseKey(b []byte) (key, bool) {
	if len(b) != 9 {
		return key{}, false
	}
	k := key{kind(b[0]), binary.BigEndian.Uint64(b[1:])}
	return k, k.kind == kindState || k.kind == kindRecord || k.kind == kindVerdicts || k.kind == kindBan
}

// value is what is about to be stored under a key, or was found there.
type value struct {
	layout byte
	sum    federation.Hash
	size   int64
	inline []byte // the contents, unless they are a file
}

func (v value) isFile() bool { return v.layout&layoutFile != 0 }

// entry returns what Badger stores of v under k.
func (v value) entry(k key) *badger.Entry {
	b := slices.Clone(v.sum[:])
	if v.isFile() {
		b = binary.LittleEndian.AppendUint64(b, uint64(v.size))
	} else {
		b = append(b, v.inline...)
	}
	return badger.NewEntry(k.bytes(), b).WithMeta(v.layout)
}

// parseValue reads what entry wrote. The contents share memory with b.
func parseValue(layout byte, b []byte) (value, error) {
	v := value{layout: layout}
	n := copy(v.sum[:], b)
	b = b[n:]
	switch {
	case n < len(v.sum) || layout&^(layoutFile|layoutZstd) != 0 || v.isFile() && len(b) != 8:
		return value{}, fmt.Errorf("%w (a value of layout %d with %d bytes)", ErrCorrupt, layout, n+len(b))
	case v.isFile():
		v.size = int64(binary.LittleEndian.Uint64(b))
	default:
		v.inline, v.size = b, int64(len(b))
	}
	return v, nil
}

func (s *Store) badgerDir() string { return filepath.Join(s.dir, "badger") }
func (s *Store) blobDir() string   { return filepath.Join(s.dir, "blobs") }

func (s *Store) blobPath(k key, sum federation.Hash) string {
	return filepath.Join(s.blobDir(), blobName(k, sum))
}

// blobName returns the name of the file with the contents of k. The number
// keeps equal contents of two rounds apart, so that each can be removed
// without a look at the others.
func blobName(k key, sum federation.Hash) string {
	return fmt.Sprintf("%c-%d-%s", k.kind, k.round, sum)
}

// place makes p a value: inline if it is small, and otherwise as a file that
// is durable when place returns, but for its name, which syncDir makes so.
func (s *Store) place(p part) (value, error) {
	v := value{layout: p.layout, size: p.size}
	if p.size <= inlineLimit {
		buf := bytes.NewBuffer(make([]byte, 0, p.size))
		if err := p.write(buf); err != nil {
			return value{}, err
		}
		v.inline = buf.Bytes()
		v.sum = sha256.Sum256(v.inline)
		return v, nil
	}
	v.layout |= layoutFile
	sum := sha256.New()
	path := filepath.Join(s.blobDir(), "new")
	err := writeFile(path, func(w io.Writer) error { return p.write(io.MultiWriter(w, sum)) })
	if err != nil {
		return value{}, err
	}
	v.sum = federation.Hash(sum.Sum(nil))
	return v, os.Rename(path, s.blobPath(p.key, v.sum))
}

// writeFile creates or replaces the file at path with what write writes, and
// syncs it. It leaves nothing behind when it fails.
func writeFile(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	return f.Sync()
}

// replaceFile replaces a file in the store's directory atomically and durably.
func (s *Store) replaceFile(name string, b []byte) error {
	path := filepath.Join(s.dir, name)
	err := writeFile(path+".new", func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
	if err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	return syncDir(s.dir)
}

// load returns the contents that are stored under k, checked against their
// sum. Errors: [ErrNotKept], [ErrCorrupt].
func (s *Store) load(k key) ([]byte, error) {
	var b []byte
	err := s.db.View(func(txn *badger.Txn) error {
		item, err := txn.Get(k.bytes())
		if errors.Is(err, badger.ErrKeyNotFound) {
			return ErrNotKept
		}
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrCorrupt, err)
		}
		raw, err := item.ValueCopy(nil)
		if err != nil {
			return fmt.Errorf("%w (%w)", ErrCorrupt, err)
		}
		v, err := parseValue(item.UserMeta(), raw)
		if err != nil {
			return err
		}
		if b = v.inline; v.isFile() {
			if b, err = s.readBlob(k, v); err != nil {
				return err
			}
		}
		if federation.Hash(sha256.Sum256(b)) != v.sum {
			return fmt.Errorf("%w (the contents do not have their checksum)", ErrCorrupt)
		}
		if v.layout&layoutZstd != 0 {
			b, err = unpack(b)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s of round %d: %w", k.kind, k.round, err)
	}
	return b, nil
}

func (s *Store) readBlob(k key, v value) ([]byte, error) {
	path := s.blobPath(k, v.sum)
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	if err != nil {
		return nil, err
	}
	if info.Size() != v.size {
		return nil, fmt.Errorf("%w (%s has %d bytes, not %d)", ErrCorrupt, path, info.Size(), v.size)
	}
	return os.ReadFile(path)
}

func (k kind) String() string {
	switch k {
	case kindState:
		return "state"
	case kindRecord:
		return "record"
	case kindVerdicts:
		return "verdicts"
	case kindBan:
		return "ban"
	}
	return fmt.Sprintf("kind %q", byte(k))
}
