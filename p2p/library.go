package p2p

import (
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// maxHeld is how many sets of others are held for those who ask. A set
	// takes as many bytes as the federation's largest update in int8, or less.
	maxHeld = 64

	maxFetches    = 16 // at once
	maxFetchesOne = 2  // from one peer, which may never answer
	fetchFirst    = time.Second
	fetchLast     = time.Minute

	// An honest peer asks for each set once, when it joins.
	servedRate  = 10 // answers per second to one peer in the long run
	servedBurst = 128
	maxReaders  = 256 // whose rates are remembered
)

// library is the sets of prototypes that this peer holds, its own and those of
// others, and the list of those that it wants. A set is known by its hash, and
// updates say whose the hash is: so it does not matter who brings it.
type library struct {
	now func() time.Time

	mu      sync.Mutex
	own     federation.Hash
	ownSet  []byte
	held    *simplelru.LRU[federation.Hash, []byte]
	wanted  *simplelru.LRU[peer.ID, *want] // by sender: the newest it named
	readers *simplelru.LRU[peer.ID, *rate.Limiter]
	asked   map[peer.ID]int // fetches that go on, by the peer that is asked
	fetches int             // all of them
}

// want is a set that a sender has named.
type want struct {
	epoch uint64
	set   federation.Hash
	busy  bool // being fetched
	done  bool // it came, or will never be of use
	tries int
	next  time.Time // the earliest time to ask again
}

func newLibrary(size int, now func() time.Time) *library {
	held, err := simplelru.NewLRU[federation.Hash, []byte](maxHeld, nil)
	if err != nil {
		panic(err) // the sizes are positive
	}
	wanted, err := simplelru.NewLRU[peer.ID, *want](max(size, 1), nil)
	if err != nil {
		panic(err)
	}
	readers, err := simplelru.NewLRU[peer.ID, *rate.Limiter](maxReaders, nil)
	if err != nil {
		panic(err)
	}
	return &library{now: now, held: held, wanted: wanted, readers: readers, asked: map[peer.ID]int{}}
}

// publish replaces the own set.
func (l *library) publish(set federation.Hash, b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own, l.ownSet = set, b
}

// lend returns the bytes of a set for a reader, nil if there are none, whether
// that is the own set, and whether the reader may have an answer at all.
func (l *library) lend(reader peer.ID, set federation.Hash) (b []byte, own, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	budget, known := l.readers.Get(reader)
	if !known {
		budget = rate.NewLimiter(servedRate, servedBurst)
		l.readers.Add(reader, budget)
	}
	if !budget.AllowN(l.now(), 1) {
		return nil, false, false
	}
	if set == l.own && l.ownSet != nil {
		return l.ownSet, true, true
	}
	b, _ = l.held.Get(set)
	return b, false, true
}

// want notes that a sender has named a set, and returns the fetch that is to be
// made for it now by asking one of the peers, nil if there is none: the set is
// here, somebody asks already, or it is too early to ask again.
func (l *library) want(sender peer.ID, epoch uint64, set federation.Hash, sources []peer.ID) *fetch {
	l.mu.Lock()
	defer l.mu.Unlock()
	w, known := l.wanted.Get(sender)
	if !known || epoch > w.epoch {
		next := time.Time{}
		if known {
			next = w.next // no more than one set a second
		}
		w = &want{epoch: epoch, set: set, next: next}
		l.wanted.Add(sender, w)
	}
	if w.set != set || w.done || w.busy || l.now().Before(w.next) || l.fetches >= maxFetches {
		return nil
	}
	// Who sent the update comes first: the sender itself, or somebody who
	// may have fetched the set already.
	at := slices.IndexFunc(sources, func(p peer.ID) bool { return l.asked[p] < maxFetchesOne })
	if at < 0 {
		return nil
	}
	// The next try begins with another one.
	if w.tries%2 == 1 && at+1 < len(sources) && l.asked[sources[at+1]] < maxFetchesOne {
		at++
	}
	w.busy, w.next = true, l.now().Add(fetchFirst)
	l.fetches++
	l.asked[sources[at]]++
	return &fetch{want: w, sender: sender, source: sources[at]}
}

// fetch is one question that is being asked.
type fetch struct {
	*want
	sender, source peer.ID
}

// end notes how a fetch ended: with the bytes of the set, with the knowledge
// that it is of no use, or with neither and another try later.
func (l *library) end(f *fetch, b []byte, useless bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetches--
	if l.asked[f.source]--; l.asked[f.source] == 0 {
		delete(l.asked, f.source)
	}
	f.busy = false
	switch {
	case useless:
		f.done = true
	case b != nil:
		f.done = true
		l.held.Add(f.set, b)
	default:
		f.next = l.now().Add(jitter(min(fetchFirst<<min(f.tries, 10), fetchLast)))
		f.tries++
	}
}
