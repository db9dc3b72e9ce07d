package store

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/dgraph-io/badger/v4"
)

// maxPrune bounds how many rounds a commit prunes, so that it stays one
// transaction when Options.Keep has become smaller.
const maxPrune = 256

// Commit makes r the newest round, atomically: after a crash at any moment
// [Store.Latest] is r or the round before it. When it returns nil, r is on
// the disk. Only the states of the last two rounds are kept, and the records
// and verdicts of the last Options.Keep. r may be changed afterwards.
//
// After [ErrDiskFull] nothing has changed and the same round can be tried
// again. [ErrStale]: r.Number is not above that of the newest round.
func (s *Store) Commit(r *Round) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return s.wrap("committing to", ErrClosed)
	}
	if err := s.commit(r); err != nil {
		return s.wrap(fmt.Sprintf("committing round %d to", r.Number), err)
	}
	return nil
}

func (s *Store) commit(r *Round) error {
	if err := r.check(); err != nil {
		return err
	}
	if s.index.some && r.Number <= s.index.last {
		return fmt.Errorf("%w, which is %d", ErrStale, s.index.last)
	}
	sums := setSums(r)
	parts := []part{
		// Weights do not compress.
		{key: key{kindState, r.Number}, size: stateSize(r), write: func(w io.Writer) error { return writeState(w, r, sums) }},
		packed(key{kindRecord, r.Number}, r.Record),
		packed(key{kindVerdicts, r.Number}, r.Verdicts),
	}
	size, fresh := int64(0), s.newSets(sums)
	for _, id := range fresh {
		size += int64(len(r.Sets[id]))
	}
	for _, p := range parts {
		size += p.size
	}
	if err := s.checkSpace(2 * size); err != nil {
		return err
	}

	// What is too large for Badger becomes files first; nothing refers to
	// them until the transaction does.
	for _, id := range fresh {
		if err := s.placeSet(r.Sets[id], sums[id]); err != nil {
			return err
		}
	}
	values, err := s.placeAll(parts, len(fresh))
	if err != nil {
		return err
	}
	doomed := s.index.doomed(r.Number, s.opts.Keep)
	err = s.db.Update(func(txn *badger.Txn) error {
		for _, k := range doomed {
			if err := txn.Delete(k.bytes()); err != nil {
				return err
			}
		}
		for i, p := range parts {
			if err := txn.SetEntry(values[i].entry(p.key)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err // the files stay: what failed may still have been written
	}
	// The database syncs its files, but not the name of every new one.
	if err := syncDir(s.badgerDir()); err != nil {
		return err
	}

	for _, k := range doomed {
		s.removeFile(k)
		s.index.forget(k)
	}
	for i, p := range parts {
		if old, ok := s.index.files[p.key]; ok && old != values[i].sum {
			s.removeFile(p.key) // of a damaged round that is now replaced
		}
		s.index.note(p.key)
		delete(s.index.files, p.key)
		if values[i].isFile() {
			s.index.files[p.key] = values[i].sum
		}
	}
	s.keepSets(sums)
	s.index.last, s.index.some = r.Number, true
	return nil
}

// part is one of the things that a round is stored as: size bytes, which
// write writes.
type part struct {
	key    key
	layout byte
	size   int64
	write  func(io.Writer) error
}

// placeAll places every part, or none, and makes the names of their files and
// of the given number of others durable.
func (s *Store) placeAll(parts []part, files int) (values []value, err error) {
	defer func() {
		if err == nil {
			return
		}
		for i, v := range values {
			if v.isFile() {
				err = errors.Join(err, os.Remove(s.blobPath(parts[i].key, v.sum)))
			}
		}
	}()
	for _, p := range parts {
		v, err := s.place(p)
		if err != nil {
			return values, err
		}
		values = append(values, v)
		if v.isFile() {
			files++
		}
	}
	if files > 0 {
		err = syncDir(s.blobDir())
	}
	return values, err
}

// removeFile removes the file of k, if it has one. A file that cannot be
// removed is a stray for the next opening.
func (s *Store) removeFile(k key) {
	sum, ok := s.index.files[k]
	if !ok {
		return
	}
	if err := os.Remove(s.blobPath(k, sum)); err != nil {
		s.log.Warn("an old file could not be removed; the next start tries again", "error", err)
	}
}
