package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/federation"
)

// Latest returns the newest round that was committed. [ErrEmpty] if there is
// none. A damaged record, damaged verdicts and damaged sets are left out with a
// warning: the peer goes on without its account of one round, and asks others
// for the sets.
func (s *Store) Latest() (*Round, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return nil, s.wrap("reading", ErrClosed)
	}
	if !s.index.some {
		return nil, s.wrap("reading", ErrEmpty)
	}
	r, sets, err := s.readState(s.index.last)
	if err != nil {
		return nil, s.wrap("reading", err)
	}
	r.Sets = s.readSets(sets)
	for k, into := range map[kind]*[]byte{kindRecord: &r.Record, kindVerdicts: &r.Verdicts} {
		*into, err = s.load(key{k, r.Number})
		switch {
		case errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNotKept):
			s.log.Warn("going on without a damaged part of the last round", "store", s.dir, "error", err)
		case err != nil:
			return nil, s.wrap("reading", err)
		}
	}
	return r, nil
}

// Record returns the record of round n. [ErrNotKept] if there is none, or
// none any more.
func (s *Store) Record(n uint64) ([]byte, error) { return s.read(key{kindRecord, n}) }

// Verdicts returns the verdicts of round n. [ErrNotKept] if there are none,
// or none any more.
func (s *Store) Verdicts(n uint64) ([]byte, error) { return s.read(key{kindVerdicts, n}) }

func (s *Store) read(k key) ([]byte, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return nil, s.wrap("reading", ErrClosed)
	}
	b, err := s.load(k)
	if err != nil {
		return nil, s.wrap("reading", err)
	}
	return b, nil
}

// Rounds returns the numbers of the newest rounds whose records are kept, at
// most last of them, in ascending order.
func (s *Store) Rounds(last int) []uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	n := len(s.index.records)
	return slices.Clone(s.index.records[n-min(max(last, 0), n):])
}

// readState reads and decodes the state of round n: all but its sets, of which
// it returns the hashes.
func (s *Store) readState(n uint64) (*Round, map[federation.PeerID]federation.Hash, error) {
	b, err := s.load(key{kindState, n})
	if errors.Is(err, ErrNotKept) { // the index says that it is there
		err = fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	if err != nil {
		return nil, nil, err
	}
	r, sets, err := readState(b)
	if err == nil && r.Number != n {
		err = fmt.Errorf("it says that it is of round %d", r.Number)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("state of round %d: %w (%w)", n, ErrCorrupt, err)
	}
	return r, sets, nil
}
