package p2p

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	redialFirst = 250 * time.Millisecond
	redialLast  = time.Minute
	dialTimeout = 15 * time.Second
	maxFound    = 64 // peers kept that the local network told us of
	foundTries  = 10 // dials in a row that fail before such a peer is forgotten
	foundMemory = 10 * time.Minute
)

// keeper dials one peer whenever there is no connection to it, and waits
// longer each time. A configured peer is dialled for ever: it may be switched
// on next week.
type keeper struct {
	n     *Network
	info  peer.AddrInfo
	found bool          // by mDNS: given up after foundTries
	stir  chan struct{} // holds a token when the connection may have come or gone
	// member is set when the peer turned out to be of our federation: the
	// next dial after it goes away need not be a slow one.
	member atomic.Bool
}

// keep begins to dial a peer, unless that goes on already. found says that
// mDNS told us of it.
func (n *Network) keep(info peer.AddrInfo, found bool) {
	k := &keeper{n: n, info: info, found: found, stir: make(chan struct{}, 1)}
	n.peersMu.Lock()
	defer n.peersMu.Unlock()
	if n.ctx.Err() != nil {
		return
	}
	if n.keepers[info.ID] != nil {
		// A peer that mDNS finds again may have moved; the next dial tries
		// every address that libp2p knows of it.
		n.host.Peerstore().AddAddrs(info.ID, info.Addrs, foundMemory)
		return
	}
	if found && n.foundPeers() >= maxFound {
		n.log.Debug("too many peers in the local network", "ignored", info.ID)
		return
	}
	n.keepers[info.ID] = k
	if !found {
		// Trimming too many connections must not hit the configured ones.
		n.host.ConnManager().Protect(info.ID, "configured")
	}
	n.tasks.Go(func() {
		k.run(n.ctx)
		n.peersMu.Lock()
		defer n.peersMu.Unlock()
		delete(n.keepers, info.ID)
	})
}

// foundPeers counts the keepers of peers that mDNS found. n.peersMu is held.
func (n *Network) foundPeers() int {
	count := 0
	for _, k := range n.keepers {
		if k.found {
			count++
		}
	}
	return count
}

func (n *Network) keeper(p peer.ID) *keeper {
	n.peersMu.Lock()
	defer n.peersMu.Unlock()
	return n.keepers[p]
}

// stirred tells the keeper of p, if there is one, to look at the connection.
func (n *Network) stirred(p peer.ID) {
	k := n.keeper(p)
	if k == nil {
		return
	}
	select {
	case k.stir <- struct{}{}:
	default:
	}
}

// run dials, waits while there is a connection, whoever opened it, and dials
// again after a pause. The pause grows until the peer proves to be a member:
// one that answers and turns us away is not pestered.
func (k *keeper) run(ctx context.Context) {
	pause := redialFirst
	for tries := 1; ; tries++ {
		if err := k.dial(ctx); err != nil && ctx.Err() == nil {
			level := slog.LevelDebug
			if tries == 1 {
				level = slog.LevelWarn
			}
			k.n.chatter.say(level, "cannot reach peer; will go on trying", "peer", k.info.ID, "addresses", k.info.Addrs, "error", err)
		}
		k.whileConnected(ctx)
		if k.member.Swap(false) {
			tries, pause = 0, redialFirst
		}
		if ctx.Err() != nil || k.found && tries >= foundTries {
			return
		}
		k.rest(ctx, jitter(pause))
		pause = min(2*pause, redialLast)
	}
}

func (k *keeper) connected() bool {
	return k.n.swarm.Connectedness(k.info.ID) == network.Connected
}

func (k *keeper) dial(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	// The pause is ours to choose; libp2p has one of its own.
	k.n.swarm.Backoff().Clear(k.info.ID)
	return k.n.host.Connect(ctx, k.info)
}

func (k *keeper) whileConnected(ctx context.Context) {
	for k.connected() {
		select {
		case <-k.stir:
		case <-ctx.Done():
			return
		}
	}
}

// rest returns after d, or when the peer has dialled us.
func (k *keeper) rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !k.connected() {
		select {
		case <-k.stir:
		case <-timer.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// jitter spreads the dials of peers that lost each other at the same moment.
func jitter(d time.Duration) time.Duration {
	return d*3/4 + rand.N(d/2)
}
