package p2p

import (
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/bristle-fl/bristled/federation"
)

// maxProofs is how many proofs wait for a reader at most. Each is two messages.
const maxProofs = 16

// equivocated shuts out a key that signed both messages, and hands the proof
// on. It is called from pubsub's validator and must not wait.
func (n *Network) equivocated(origin peer.ID, a, b *pb.Message) {
	if !n.guard.outlaw(origin) {
		return
	}
	n.counts.bans.Add(1)
	n.chatter.warn("peer has named two sets of prototypes for one epoch; shutting it out for good", "peer", origin)
	evidence, err := evidenceOf(a, b)
	if err != nil {
		n.log.Error("the evidence is lost", "peer", origin, "error", err)
	}
	n.proofs.put(peerID(origin), &federation.Equivocation{Key: peerID(origin), Evidence: evidence})
	select {
	case n.banned <- origin:
	default:
	}
}

// Equivocations returns the channel of keys that have been found out: each
// once, and not again after a restart if [Config].Equivocated names it. The
// key is shut out already; the evidence is what [VerifyEvidence] reads. The
// channel is closed by [Network.Close].
func (n *Network) Equivocations() <-chan *federation.Equivocation { return n.proven }
