package p2p

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/bristle-fl/bristled/federation"
)

const (
	protocolPrefix = "/bristled/"

	// farewell is how long a peer of another federation stays connected: long
	// enough for it, too, to learn who we are and say so in its log.
	farewell = 500 * time.Millisecond

	maxForeigners = 256 // remembered, so that each is logged once
)

// PeerInfo is what is known of another peer.
type PeerInfo struct {
	ID         federation.PeerID `json:"id"`
	Addrs      []string          `json:"addrs"`      // multiaddrs: of the connections, or else as configured
	Configured bool              `json:"configured"` // in Config.Peers
	Connected  bool              `json:"connected"`
	Direction  string            `json:"direction,omitempty"` // "inbound" or "outbound" while connected
	// Member says that the peer listens to the federation's gossip: what we
	// publish goes to it.
	Member  bool   `json:"member"`
	LastSeq uint64 `json:"last_seq"` // of its newest update, 0 if there was none
	// Foreign says what the peer was last heard to speak instead of our
	// gossip. Empty for members and for peers that never answered.
	Foreign     string    `json:"foreign,omitempty"`
	BannedUntil time.Time `json:"banned_until,omitzero"` // zero: not banned
	// Equivocated says that the peer is shut out for good because it has
	// committed itself to two sets of prototypes for one epoch.
	Equivocated bool `json:"equivocated,omitempty"`
}

// Peers returns everybody the network knows: connected, configured, found,
// heard of through others, or shut out; in order of their IDs.
func (n *Network) Peers() []PeerInfo {
	infos := map[peer.ID]*PeerInfo{}
	at := func(p peer.ID) *PeerInfo {
		info, ok := infos[p]
		if !ok {
			info = &PeerInfo{ID: peerID(p), LastSeq: n.senders.last(p), BannedUntil: n.guard.bannedUntil(p), Equivocated: n.guard.outlawed(p)}
			infos[p] = info
		}
		return info
	}
	for _, p := range n.senders.ids() {
		at(p)
	}
	for _, p := range n.guard.bans() {
		at(p)
	}
	n.peersMu.Lock()
	for _, p := range n.foreign.Keys() {
		at(p).Foreign, _ = n.foreign.Peek(p)
	}
	for p, k := range n.keepers {
		info := at(p)
		info.Configured = !k.found
		for _, a := range k.info.Addrs {
			info.Addrs = append(info.Addrs, a.String())
		}
	}
	n.peersMu.Unlock()
	for _, p := range n.swarm.Peers() {
		var addrs []string
		direction := ""
		for _, c := range n.swarm.ConnsToPeer(p) {
			addrs = append(addrs, c.RemoteMultiaddr().String())
			direction = strings.ToLower(c.Stat().Direction.String())
		}
		if addrs != nil {
			info := at(p)
			info.Connected, info.Addrs, info.Direction = true, addrs, direction
		}
	}
	for _, p := range n.topic.ListPeers() {
		at(p).Member = true
	}
	delete(infos, n.self) // LastSeq may hold our own number too
	list := make([]PeerInfo, 0, len(infos))
	for _, p := range slices.SortedFunc(maps.Keys(infos), func(a, b peer.ID) int { return strings.Compare(string(infos[a].ID), string(infos[b].ID)) }) {
		list = append(list, *infos[p])
	}
	return list
}

// foreigners remembers what the peers that speak something else speak.
type foreigners struct {
	*simplelru.LRU[peer.ID, string]
}

func newForeigners() foreigners {
	lru, err := simplelru.NewLRU[peer.ID, string](maxForeigners, nil)
	if err != nil {
		panic(err) // the size is a positive constant
	}
	return foreigners{lru}
}

// watch tends to what happens on connections until the network closes.
func (n *Network) watch(events event.Subscription) {
	defer func() { _ = events.Close() }()
	look := time.NewTicker(deafLook)
	defer look.Stop()
	for {
		select {
		case e := <-events.Out():
			if e, ok := e.(event.EvtPeerIdentificationCompleted); ok {
				n.identified(e.Peer, e.Protocols)
			}
		case p := <-n.banned:
			n.tasks.Go(func() { n.disconnect(p) })
		case <-look.C:
			n.tasks.Go(func() { n.hangUpOnDeaf(time.Now()) })
		case <-n.ctx.Done():
			return
		}
	}
}

// identified looks at what a peer speaks, which libp2p asks on every new
// connection.
func (n *Network) identified(p peer.ID, speaks []protocol.ID) {
	if slices.Contains(speaks, n.protocol) {
		n.welcome(p)
		return
	}
	n.tasks.Go(func() {
		select {
		case <-time.After(farewell):
		case <-n.ctx.Done():
			return
		}
		// A peer that was just starting may have said more by now; one that
		// has left is forgotten.
		if more, err := n.host.Peerstore().GetProtocols(p); err == nil && len(more) > 0 {
			speaks = more
		}
		if slices.Contains(speaks, n.protocol) {
			n.welcome(p)
			return
		}
		n.dismiss(p, speaks)
	})
}

func (n *Network) welcome(p peer.ID) {
	n.peersMu.Lock()
	n.foreign.Remove(p)
	n.peersMu.Unlock()
	if k := n.keeper(p); k != nil {
		k.member.Store(true)
	}
}

// dismiss disconnects a peer that is none of ours and says so once.
func (n *Network) dismiss(p peer.ID, speaks []protocol.ID) {
	theirs := language(n.federation, speaks)
	n.peersMu.Lock()
	known, ok := n.foreign.Get(p)
	n.foreign.Add(p, theirs)
	n.peersMu.Unlock()
	if !ok || known != theirs {
		n.chatter.warn("peer is not of this federation; disconnecting. All peers need the same manifest",
			"peer", p, "theirs", theirs, "ours", n.federation)
	}
	n.disconnect(p)
}

func (n *Network) disconnect(p peer.ID) {
	if err := n.swarm.ClosePeer(p); err != nil {
		n.log.Debug("closing the connections of a peer", "peer", p, "error", err)
	}
}

// language describes the protocols of a peer that does not speak ours.
func language(ours federation.ID, speaks []protocol.ID) string {
	for _, s := range speaks {
		rest, ok := strings.CutPrefix(string(s), protocolPrefix)
		if !ok {
			continue
		}
		text, _, _ := strings.Cut(rest, "/")
		theirs, err := federation.ParseHash(text)
		switch {
		case err != nil:
			continue
		case theirs == ours:
			return "this federation in another version of bristled"
		}
		return fmt.Sprintf("federation %s", theirs)
	}
	return "not bristled"
}

// notifiee tells keepers of connections that come and go.
func (n *Network) notifiee() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { n.stirred(c.RemotePeer()) },
		DisconnectedF: func(_ network.Network, c network.Conn) { n.stirred(c.RemotePeer()) },
	}
}
