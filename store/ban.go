package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// maxBans is how many keys the store keeps evidence against.
	maxBans = 1024
	// maxEvidence bounds all of it, in bytes before compression: keys cost
	// nothing, and whoever makes thousands of them must not fill the disk.
	maxEvidence = 64 << 20
)

// ErrTooManyBans says that the store keeps as much evidence as it ever does. The
// key is not remembered after a restart.
var ErrTooManyBans = errors.New("the store keeps no more evidence of equivocation: move the old away together with the store if it is needed no longer")

// Ban is a key that is not listened to any more, and why.
type Ban struct {
	Key  federation.PeerID `json:"key"`
	Time time.Time         `json:"time"` // when it was found out
	// Evidence is what convinces others. The store does not look inside. It is
	// empty if half of it was known from before a restart only.
	Evidence []byte `json:"evidence"`
}

// Ban remembers a key for ever: bans are never pruned, whatever Options.Keep
// says. It is durable when nil returns. A key that is banned already keeps its
// evidence, unless it has none: then this one is taken. Errors: [ErrDiskFull],
// [ErrTooManyBans].
func (s *Store) Ban(b Ban) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return s.wrap("remembering a ban in", ErrClosed)
	}
	if err := s.ban(b); err != nil {
		return s.wrap("remembering the ban of "+string(b.Key)+" in", err)
	}
	return nil
}

func (s *Store) ban(b Ban) error {
	if len(b.Key) == 0 || len(b.Key) > maxPeerID {
		return fmt.Errorf("a peer ID of %d bytes", len(b.Key))
	}
	b.Time = b.Time.UTC()
	number, known := s.index.banned[b.Key]
	switch {
	case known && (number.evidence > 0 || len(b.Evidence) == 0):
		return nil
	case !known:
		number.at = uint64(len(s.index.banned)) + 1
	}
	total := len(b.Evidence)
	for _, n := range s.index.banned {
		total += n.evidence
	}
	if number.at > maxBans || total > maxEvidence {
		return ErrTooManyBans
	}
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	p := packed(key{kindBan, number.at}, text)
	if err := s.checkSpace(2 * p.size); err != nil {
		return err
	}
	values, err := s.placeAll([]part{p}, 0)
	if err != nil {
		return err
	}
	if err := s.db.Update(func(txn *badger.Txn) error { return txn.SetEntry(values[0].entry(p.key)) }); err != nil {
		return err
	}
	if err := syncDir(s.badgerDir()); err != nil {
		return err
	}
	if old, ok := s.index.files[p.key]; ok && old != values[0].sum {
		s.removeFile(p.key)
	}
	delete(s.index.files, p.key)
	if values[0].isFile() {
		s.index.files[p.key] = values[0].sum
	}
	s.index.banned[b.Key] = banned{number.at, len(b.Evidence)}
	return nil
}

// Bans returns all bans in the order in which they came. Damaged ones are left
// out with a warning.
func (s *Store) Bans() ([]Ban, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.db == nil {
		return nil, s.wrap("reading", ErrClosed)
	}
	numbers := make([]uint64, 0, len(s.index.banned))
	for _, b := range s.index.banned {
		numbers = append(numbers, b.at)
	}
	slices.Sort(numbers)
	var bans []Ban
	for _, n := range numbers {
		b, err := s.readBan(n)
		if err != nil {
			s.log.Warn("the evidence against a key is damaged", "store", s.dir, "error", err)
			continue
		}
		bans = append(bans, b)
	}
	return bans, nil
}

func (s *Store) readBan(n uint64) (b Ban, err error) {
	text, err := s.load(key{kindBan, n})
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal(text, &b); err != nil {
		return b, fmt.Errorf("ban %d: %w (%w)", n, ErrCorrupt, err)
	}
	return b, nil
}

// banned is where a ban is stored and how much evidence it has.
type banned struct {
	at       uint64
	evidence int
}

// findBans reads the bans into the index. A damaged one keeps its number, so
// that no other takes its place.
func (s *Store) findBans() {
	s.index.banned = map[federation.PeerID]banned{}
	for _, n := range s.index.bans {
		b, err := s.readBan(n)
		if err != nil {
			s.log.Warn("a ban is damaged: that key will be listened to until it is found out again", "store", s.dir, "error", err)
			b.Key = federation.PeerID(fmt.Sprint("damaged ", n))
		}
		s.index.banned[b.Key] = banned{n, len(b.Evidence)}
	}
}
