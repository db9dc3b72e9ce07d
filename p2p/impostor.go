package p2p

import (
	pubsub "github.com/libp2p/go-libp2p-pubsub"

	"github.com/bristle-fl/bristled/federation"
)

// ownOrigin looks at a message in our own name that another peer brought. Ours
// come back when we were restarted, and anybody can send an old one again. One
// that is newer than all of ours was signed by another daemon that has our
// key, most likely a copy of this peer's directory: each of the two is ignored
// in turn, and neither would ever know.
//
// It is called in pubsub's main loop, before pubsub has checked the signature.
func (n *Network) ownOrigin(m *pubsub.Message) {
	n.counts.ignored.Add(1)
	// Before the first update of our own, the numbers of an earlier run are
	// not known for certain.
	ours := n.newest.Load()
	if ours == 0 {
		return
	}
	u, err := federation.DecodeUpdate(n.manifest, m.GetData())
	if err != nil || u.Sender != peerID(n.self) || u.Seq <= ours {
		return
	}
	if !signedBy(n.key, m.Message) {
		n.strike(m.ReceivedFrom)
		return
	}
	if n.counts.impostors.Add(1) == 1 {
		n.log.Error("another daemon publishes under this identity: stop one of the two, or give one a new identity",
			"identity", n.self, "its_update", u.Seq, "our_update", ours)
	}
}
