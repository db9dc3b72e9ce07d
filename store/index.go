package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"github.com/bristle-fl/bristled/federation"
)

// index is what the store remembers of its own contents: small, and enough to
// prune and to clean up without searching the database.
type index struct {
	states  []uint64                 // rounds with a state, ascending
	records []uint64                 // rounds with a record or verdicts, ascending
	bans    []uint64                 // ascending
	files   map[key]federation.Hash  // values that are files
	sets    map[federation.Hash]bool // whether the newest round has it
	banned  map[federation.PeerID]banned
	some    bool   // whether a state is intact
	last    uint64 // the newest round with an intact state
}

// scan fills the index from the database.
func (s *Store) scan() error {
	s.index = index{files: map[key]federation.Hash{}, sets: map[federation.Hash]bool{}}
	return s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			item := it.Item()
			k, ok := parseKey(item.Key())
			if !ok {
				return fmt.Errorf("%w (a key %x)", ErrCorrupt, item.Key())
			}
			s.index.note(k)
			if item.UserMeta()&layoutFile == 0 {
				continue
			}
			raw, err := item.ValueCopy(nil)
			if err != nil {
				return fmt.Errorf("%w (%w)", ErrCorrupt, err)
			}
			v, err := parseValue(item.UserMeta(), raw)
			if err != nil {
				return err
			}
			s.index.files[k] = v.sum
		}
		return nil
	})
}

// findLast finds the newest round whose state can be read.
func (s *Store) findLast() error {
	var damage error
	for _, n := range slices.Backward(s.index.states) {
		_, _, err := s.readState(n)
		if err == nil {
			s.index.last, s.index.some = n, true
			return nil
		}
		if !errors.Is(err, ErrCorrupt) {
			return err
		}
		s.log.Warn("a round is damaged; going back to the one before it", "store", s.dir, "round", n, "error", err)
		damage = errors.Join(damage, err)
	}
	if damage == nil && len(s.index.records) > 0 {
		damage = fmt.Errorf("%w (there are records and no state)", ErrCorrupt)
	}
	return damage
}

// removeStrays removes the files that a crash left without a reference, and
// sets that are damaged, so that the next commit writes them again.
func (s *Store) removeStrays() error {
	known := map[string]bool{}
	for k, sum := range s.index.files {
		known[blobName(k, sum)] = true
	}
	for _, n := range s.index.states {
		_, sets, err := s.readState(n)
		if err != nil {
			continue // findLast has said so
		}
		for _, sum := range sets {
			if _, err := s.readSet(sum); err == nil {
				known[setName(sum)] = true
				s.index.sets[sum] = s.index.sets[sum] || n == s.index.last
			}
		}
	}
	found, err := os.ReadDir(s.blobDir())
	if err != nil {
		return err
	}
	for _, f := range found {
		if !known[f.Name()] {
			if err := os.Remove(filepath.Join(s.blobDir(), f.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// doomed returns the keys that go when round n is committed: every state but
// that of n and the newest intact one, and the records and verdicts beyond
// the newest keep.
func (x *index) doomed(n uint64, keep int) []key {
	var keys []key
	for _, old := range x.states {
		if old != n && old != x.last {
			keys = append(keys, key{kindState, old})
		}
	}
	records := insert(slices.Clone(x.records), n)
	for _, old := range records[:min(max(len(records)-keep, 0), maxPrune)] {
		keys = append(keys, key{kindRecord, old}, key{kindVerdicts, old})
	}
	return keys
}

// note adds a key to the lists.
func (x *index) note(k key) {
	switch k.kind {
	case kindState:
		x.states = insert(x.states, k.round)
	case kindBan:
		x.bans = insert(x.bans, k.round)
	default:
		x.records = insert(x.records, k.round)
	}
}

// forget removes a key from the index.
func (x *index) forget(k key) {
	if k.kind == kindState {
		x.states = remove(x.states, k.round)
	} else {
		x.records = remove(x.records, k.round)
	}
	delete(x.files, k)
}

func (x *index) empty() bool { return len(x.states)+len(x.records)+len(x.bans) == 0 }

// insert and remove keep a list ascending and distinct.
func insert(list []uint64, n uint64) []uint64 {
	at, found := slices.BinarySearch(list, n)
	if found {
		return list
	}
	return slices.Insert(list, at, n)
}

func remove(list []uint64, n uint64) []uint64 {
	at, found := slices.BinarySearch(list, n)
	if !found {
		return list
	}
	return slices.Delete(list, at, at+1)
}
