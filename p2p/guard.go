package p2p

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	maxStrikes   = 10               // invalid messages before a peer is banned
	strikeMemory = 10 * time.Minute // without a strike, after which they are forgotten
	banTime      = 10 * time.Minute
	maxOffenders = 1024 // remembered; 100 bytes each
)

// guard counts the invalid messages of each peer and shuts out those that
// sent too many. It is libp2p's gate for connections and pubsub's blacklist
// for messages, those that others forward included. A closed network's list
// of members belongs here too.
//
// It remembers [maxOffenders] peers and forgets the one whose last strike is
// the longest ago: whoever can make more identities than that gains the early
// return of one of them.
type guard struct {
	now func() time.Time

	mu        sync.Mutex
	offenders *simplelru.LRU[peer.ID, offender]
}

type offender struct {
	strikes     int
	last        time.Time
	bannedUntil time.Time // zero: not banned
}

func newGuard(now func() time.Time) *guard {
	offenders, err := simplelru.NewLRU[peer.ID, offender](maxOffenders, nil)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &guard{now: now, offenders: offenders}
}

// strike notes an invalid message of p and reports whether p is banned by it.
func (g *guard) strike(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	o, _ := g.offenders.Peek(p)
	if now.Before(o.bannedUntil) {
		return false // already
	}
	if now.Sub(o.last) > strikeMemory {
		o = offender{}
	}
	o.strikes++
	o.last = now
	banned := o.strikes >= maxStrikes
	if banned {
		o = offender{last: now, bannedUntil: now.Add(banTime)}
	}
	g.offenders.Add(p, o)
	return banned
}

// bannedUntil returns when the ban of p ends, zero if there is none.
func (g *guard) bannedUntil(p peer.ID) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	o, _ := g.offenders.Peek(p)
	if !g.now().Before(o.bannedUntil) {
		return time.Time{}
	}
	return o.bannedUntil
}

// bans returns the peers that are banned now.
func (g *guard) bans() []peer.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	var banned []peer.ID
	for _, p := range g.offenders.Keys() {
		if o, _ := g.offenders.Peek(p); g.now().Before(o.bannedUntil) {
			banned = append(banned, p)
		}
	}
	return banned
}

// Contains is the question of pubsub.Blacklist.
func (g *guard) Contains(p peer.ID) bool { return !g.bannedUntil(p).IsZero() }

// Add is the other half of pubsub.Blacklist. Only strikes ban.
func (g *guard) Add(peer.ID) bool { return false }

// The rest is connmgr.ConnectionGater.

func (g *guard) InterceptPeerDial(p peer.ID) bool                                { return !g.Contains(p) }
func (g *guard) InterceptAddrDial(peer.ID, ma.Multiaddr) bool                    { return true }
func (g *guard) InterceptAccept(network.ConnMultiaddrs) bool                     { return true }
func (g *guard) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
func (g *guard) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return !g.Contains(p)
}
