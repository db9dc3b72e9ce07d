package p2p

import (
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/bristle-fl/bristled/federation"
)

const (
	maxStrikes   = 10               // invalid messages before a peer is banned
	strikeMemory = 10 * time.Minute // without a strike, after which they are forgotten
	banTime      = 10 * time.Minute
	maxOffenders = 1024 // remembered; 100 bytes each
	maxOutlaws   = 4096
)

// guard counts the invalid messages of each peer and shuts out those that
// sent too many. It is libp2p's gate for connections and pubsub's blacklist
// for messages, those that others forward included. A closed network's list
// of members belongs here too.
//
// It remembers [maxOffenders] peers and forgets the one whose last strike is
// the longest ago: whoever can make more identities than that gains the early
// return of one of them. Keys that equivocate are shut out for good, as far as
// [maxOutlaws] go.
type guard struct {
	now func() time.Time

	mu        sync.Mutex
	offenders *simplelru.LRU[peer.ID, offender]
	outlaws   *simplelru.LRU[peer.ID, time.Time] // since when; zero: since before the start
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
	outlaws, err := simplelru.NewLRU[peer.ID, time.Time](maxOutlaws, nil)
	if err != nil {
		panic(err)
	}
	return &guard{now: now, offenders: offenders, outlaws: outlaws}
}

// newGuardAgainst returns a guard that knows some outlaws.
func newGuardAgainst(outlaws []federation.PeerID) (*guard, error) {
	g := newGuard(time.Now)
	for _, id := range outlaws {
		p, err := peer.Decode(string(id))
		if err != nil {
			return nil, fmt.Errorf("a key that has equivocated, %q: not a peer ID: %w", id, err)
		}
		g.outlaws.Add(p, time.Time{})
	}
	return g, nil
}

// outlaw shuts p out for good and reports whether that is new.
func (g *guard) outlaw(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.outlaws.Contains(p) {
		return false
	}
	g.outlaws.Add(p, g.now())
	return true
}

// outlawed says whether p is shut out for good.
func (g *guard) outlawed(p peer.ID) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outlaws.Contains(p)
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

// bans returns the peers that are banned now, for a while or for good.
func (g *guard) bans() []peer.ID {
	g.mu.Lock()
	defer g.mu.Unlock()
	banned := g.outlaws.Keys()
	for _, p := range g.offenders.Keys() {
		if o, _ := g.offenders.Peek(p); g.now().Before(o.bannedUntil) {
			banned = append(banned, p)
		}
	}
	return banned
}

// convicting is for how long what an outlaw signed still goes through the
// validator, which hands nothing on but forwards it, so that those who have
// seen one version only get to see the other.
const convicting = 5 * time.Second

// Contains is the question of pubsub.Blacklist.
func (g *guard) Contains(p peer.ID) bool {
	g.mu.Lock()
	since, outlaw := g.outlaws.Peek(p)
	g.mu.Unlock()
	return outlaw && g.now().Sub(since) >= convicting || !g.bannedUntil(p).IsZero()
}

// refuses says whether p may not connect.
func (g *guard) refuses(p peer.ID) bool { return g.outlawed(p) || g.Contains(p) }

// Add is the other half of pubsub.Blacklist. Only strikes and equivocation ban.
func (g *guard) Add(peer.ID) bool { return false }

// The rest is connmgr.ConnectionGater.

func (g *guard) InterceptPeerDial(p peer.ID) bool                                { return !g.refuses(p) }
func (g *guard) InterceptAddrDial(peer.ID, ma.Multiaddr) bool                    { return true }
func (g *guard) InterceptAccept(network.ConnMultiaddrs) bool                     { return true }
func (g *guard) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
func (g *guard) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return !g.refuses(p)
}
