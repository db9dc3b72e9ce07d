// Package p2p connects a peer to its federation over libp2p: who it is
// ([Identity]), where the others are, and the gossip that carries updates
// ([Network]).
//
//	identity, err := p2p.LoadIdentity(path)
//	n, err := p2p.Start(ctx, p2p.Config{Identity: identity, Manifest: m, Listen: addrs, Peers: peers})
//	go func() { for u := range n.Updates() { peer.Receive(u) } }()
//	err = n.Publish(ctx, update)
//
// # What always holds
//
//   - An update that comes out of [Network.Updates] has been decoded by the
//     manifest, was signed by the sender that it names, and has a greater
//     sequence number than every update of that sender before it, also those
//     before a restart ([Config].LastSeq). The exception is a sender that was
//     silent while more than the manifest's wire.max_peers others were heard:
//     it is forgotten. Nothing is known of its weights:
//     liars send well-formed updates.
//   - No sequence number is published twice, and nothing that others would
//     refuse or that contradicts what was said of this peer's prototypes.
//   - A set that comes out of [Network.Prototypes] has the hash that its sender
//     has signed in an update. A key that signs two hashes for one epoch is shut
//     out for good by everybody whom both updates reach, and they are forwarded
//     for that reason; the two are the evidence ([VerifyEvidence]), which nobody
//     else can make.
//   - Messages that no honest peer sends count against their sender, and ten
//     of them shut it out for a while. Old, repeated and surplus updates can
//     happen to anybody and are ignored, unless they are a flood.
//   - Whatever peers send, each table and queue here is bounded, and so is the
//     rate of each line that they can cause in the log. A reader that is slow
//     finds the newest update of each sender.
//   - A connection without gossip does not last, and no number of throw-away
//     keys keeps newcomers out for good, or configured peers at all.
//   - With a [Ledger], nothing of this peer's own leaves before the ledger has
//     it, and all bytes of all streams come to be in it. A write to a stream
//     costs a tenth of a microsecond more and no memory, what comes in nothing.
//   - The private key appears in no log, error or printed value.
//   - After [Network.Close] no goroutine is left.
//
// # Prototypes
//
// Sets are asked for, not gossiped. Every update names the hash of its sender's
// set, so whoever sees a hash that it does not know asks the peer that brought
// the update, or the sender itself, over a stream of its own; peers that come
// late do the same, and a set that nobody asks for costs nothing. Answers need
// no signature, since only one text has the hash.
//
// # What is not promised
//
// Delivery. Gossip loses updates when links are slow, peers restart or the
// topology changes; rounds need a quorum and a deadline.
//
// # Layout
//
// hostOptions builds the libp2p host: transports (TCP and QUIC), limits and,
// one day, relays and NAT traversal. guard decides who may connect: the place
// for a closed network's list of members. A peer of another federation has no
// gossip protocol in common with us, since the name of the protocol holds the
// federation's ID; it is told from libp2p's identification, logged once and
// disconnected. keeper dials one peer for ever, deaf ends connections without
// gossip, and ownOrigin finds out when two daemons share one identity.
package p2p
