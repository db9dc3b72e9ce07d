package p2p

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/peer"
)

const (
	deafFor  = 10 * time.Second // connected without gossip, until we hang up
	deafLook = 2 * time.Second
	maxDeaf  = 256 // remembered, so that each is logged once
)

// deaf notes since when connected peers of our protocol have been without
// gossip. pubsub opens its stream again when it breaks, but gives up after a
// few times, or does not hear the other's subscription again, and no
// connection ever tells. Hanging up makes pubsub forget, and whichever side
// dialled dials again.
type deaf struct {
	mu    sync.Mutex
	since map[peer.ID]time.Time // those without gossip at the last look
	told  *simplelru.LRU[peer.ID, struct{}]
}

func newDeaf() *deaf {
	told, err := simplelru.NewLRU[peer.ID, struct{}](maxDeaf, nil)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return &deaf{told: told}
}

// tell reports whether p has not been spoken of since it last listened.
func (d *deaf) tell(p peer.ID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.told.Contains(p) {
		return false
	}
	d.told.Add(p, struct{}{})
	return true
}

// listens notes that p takes part again.
func (d *deaf) listens(p peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told.Remove(p)
}

// look takes the peers that are without gossip now, and returns those that
// have been for too long. It forgets all others.
func (d *deaf) look(without []peer.ID, now time.Time) (tooLong []peer.ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	since := make(map[peer.ID]time.Time, len(without))
	for _, p := range without {
		first, known := d.since[p]
		switch {
		case !known:
			since[p] = now
		case now.Sub(first) < deafFor:
			since[p] = first
		default:
			tooLong = append(tooLong, p)
		}
	}
	d.since = since
	return tooLong
}

// hangUpOnDeaf closes the connections to peers that speak our protocol but
// have not been in the gossip for deafFor.
func (n *Network) hangUpOnDeaf(now time.Time) {
	if n.ctx.Err() != nil {
		return // pubsub has ended and lists nobody
	}
	listening := map[peer.ID]bool{}
	for _, p := range n.topic.ListPeers() {
		listening[p] = true
		n.deaf.listens(p)
	}
	var without []peer.ID
	for _, p := range n.swarm.Peers() {
		// Nothing is known of a peer that has not been identified yet.
		ours, err := n.host.Peerstore().SupportsProtocols(p, n.protocol)
		if err == nil && len(ours) > 0 && !listening[p] {
			without = append(without, p)
		}
	}
	for _, p := range n.deaf.look(without, now) {
		if n.deaf.tell(p) {
			n.chatter.warn("peer is connected but takes no part in the gossip; disconnecting to start anew", "peer", p)
		}
		n.disconnect(p)
	}
}
