package p2p

import (
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/bristle-fl/bristled/federation"
)

// What a sender may publish. Every update that is let through lies in memory
// for as long as gossip may be asked for it (historyLength), so this bounds
// what liars can fill: 250 updates each, which is 2 MiB with messages of 8 KiB
// and 125 MiB for a whole table of 64. The quickest honest rounds take some
// 20 ms.
const (
	maxRate  = 50  // updates per second in the long run; more are ignored
	maxBurst = 100 // at once

	// An honest peer on a fast machine may get beyond that. Nobody gets
	// beyond ten times that in good faith.
	floodFactor = 10
)

// recent is how long a sender keeps its place for certain. Whoever floods a
// full table with new keys gets no more places per minute than the table has,
// and none of those who publish.
const recent = time.Minute

// verdict says what to do with a well-formed update.
type verdict int

const (
	fresh   verdict = iota // newer than all before: hand on and forward
	stale                  // not newer: ignore
	surplus                // beyond maxRate: ignore
	flood                  // far beyond maxRate: ignore, and the sender's fault
	crowded                // a new sender, and the table is full: ignore
)

// senders knows the newest sequence number of each sender. When the table is
// full, a newcomer takes the place of the sender that has been silent longest,
// unless that was heard less than [recent] ago: then the newcomer is turned
// away. Those that the configuration names always have a place. Otherwise a
// few throw-away keys would fill the table and close the federation for ever.
//
// The price: an update of a forgotten sender, which anybody may have kept,
// counts as new when it is sent again, once each until the sender's next one.
type senders struct {
	now  func() time.Time
	size int

	mu       sync.Mutex
	table    map[peer.ID]*sender
	named    map[peer.ID]bool // by the configuration
	arrivals uint64           // new updates so far
}

type sender struct {
	seq     uint64
	arrival uint64 // of its newest update; 0 for what the store remembers
	heard   time.Time
	budget  *rate.Limiter
	excess  *rate.Limiter // beyond this it is a flood
	said    []commitment  // ascending by epoch, at most epochsKept
}

// newSenders returns a table of size senders that begins with what the store
// remembers. Those all have a place, and so have the named ones, even if the
// size has shrunk.
func newSenders(size int, named []peer.ID, last map[federation.PeerID]uint64, now func() time.Time) (*senders, error) {
	s := &senders{now: now, table: map[peer.ID]*sender{}, named: map[peer.ID]bool{}}
	for id, seq := range last {
		p, err := peer.Decode(string(id))
		if err != nil {
			return nil, fmt.Errorf("last sequence number of %q: not a peer ID: %w", id, err)
		}
		s.add(p).seq = seq
	}
	places := len(s.table)
	for _, p := range named {
		s.named[p] = true
		if s.table[p] == nil {
			places++
		}
	}
	s.size = max(size, places)
	return s, nil
}

func (s *senders) add(p peer.ID) *sender {
	entry := &sender{
		budget: rate.NewLimiter(maxRate, maxBurst),
		excess: rate.NewLimiter(floodFactor*maxRate, floodFactor*maxBurst),
	}
	s.table[p] = entry
	return entry
}

// makeRoom reports whether p, which is not in the table, may be added, and
// removes another for it if it must.
func (s *senders) makeRoom(p peer.ID, now time.Time) bool {
	if len(s.table) < s.size {
		return true
	}
	var oldest peer.ID
	for q, entry := range s.table {
		if s.named[q] {
			continue
		}
		// Those that the store remembers have no order: take the least ID,
		// so that the choice is not the map's.
		if other := s.table[oldest]; other == nil || entry.arrival < other.arrival || entry.arrival == other.arrival && q < oldest {
			oldest = q
		}
	}
	entry := s.table[oldest]
	if entry == nil || !s.named[p] && now.Sub(entry.heard) < recent {
		return false
	}
	delete(s.table, oldest)
	return true
}

// admit decides on the update seq that origin signed, and notes it. direct
// says that it came from origin itself and not through others.
func (s *senders) admit(origin peer.ID, seq uint64, direct bool) verdict {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	entry, known := s.table[origin]
	if !known {
		if !s.makeRoom(origin, now) {
			return crowded
		}
		entry = s.add(origin)
	}
	isFresh := seq > entry.seq
	if isFresh {
		s.arrivals++
		entry.seq, entry.arrival, entry.heard = seq, s.arrivals, now
	}
	// Old updates that others replay must not use up the sender's budget.
	if isFresh || direct {
		within := entry.budget.AllowN(now, 1)
		switch {
		case !entry.excess.AllowN(now, 1):
			return flood
		case isFresh && !within:
			return surplus
		}
	}
	if !isFresh {
		return stale
	}
	return fresh
}

// last returns the newest sequence number of p, 0 if there is none.
func (s *senders) last(p peer.ID) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if entry, ok := s.table[p]; ok {
		return entry.seq
	}
	return 0
}

// ids returns everybody in the table.
func (s *senders) ids() []peer.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]peer.ID, 0, len(s.table))
	for p := range s.table {
		ids = append(ids, p)
	}
	return ids
}
