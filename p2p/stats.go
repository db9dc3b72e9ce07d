package p2p

import (
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Stats counts what happened since Start.
type Stats struct {
	Published      uint64 `json:"published"`       // updates of our own
	PublishedBytes uint64 `json:"published_bytes"` // their encoded bytes, once each
	SentBytes      uint64 `json:"sent_bytes"`      // encoded bytes of updates queued for peers, own and forwarded, once per peer

	Received      uint64 `json:"received"`       // new valid updates of others
	ReceivedBytes uint64 `json:"received_bytes"` // their encoded bytes
	Superseded    uint64 `json:"superseded"`     // of those, replaced by newer ones before anybody read them

	Prototypes       uint64 `json:"prototypes"`        // sets of others that came
	PrototypesServed uint64 `json:"prototypes_served"` // answers to those who asked for a set

	Duplicates uint64 `json:"duplicates"` // copies of messages that had come already
	Rejected   uint64 `json:"rejected"`   // invalid messages
	Ignored    uint64 `json:"ignored"`    // valid but old, too many, or from more senders than the manifest allows
	Blocked    uint64 `json:"blocked"`    // from banned peers
	Overrun    uint64 `json:"overrun"`    // dropped unseen because too many came at once
	Unsent     uint64 `json:"unsent"`     // dropped because a peer was too slow to take them
	Bans       uint64 `json:"bans"`       // peers shut out
	// Impostors counts updates that another daemon published under this
	// peer's identity. More than none needs somebody to act.
	Impostors uint64 `json:"impostors"`

	// TrafficIn and TrafficOut are all bytes of all streams: gossip, its
	// control messages and libp2p's own. Encryption and framing, which come
	// on top, are about 1%.
	TrafficIn  uint64 `json:"traffic_in"`
	TrafficOut uint64 `json:"traffic_out"`
}

type counts struct {
	published, publishedBytes, sentBytes            atomic.Uint64
	received, receivedBytes, superseded             atomic.Uint64
	duplicates, rejected, ignored, blocked, overrun atomic.Uint64
	unsent, bans, crowded, impostors                atomic.Uint64
	sets, served                                    atomic.Uint64
}

// Stats returns the counters as they are now.
func (n *Network) Stats() Stats {
	c := &n.counts
	return Stats{
		Published:        c.published.Load(),
		PublishedBytes:   c.publishedBytes.Load(),
		SentBytes:        c.sentBytes.Load(),
		Received:         c.received.Load(),
		ReceivedBytes:    c.receivedBytes.Load(),
		Superseded:       c.superseded.Load(),
		Prototypes:       c.sets.Load(),
		PrototypesServed: c.served.Load(),
		Duplicates:       c.duplicates.Load(),
		Rejected:         c.rejected.Load(),
		Ignored:          c.ignored.Load(),
		Blocked:          c.blocked.Load(),
		Overrun:          c.overrun.Load(),
		Unsent:           c.unsent.Load(),
		Bans:             c.bans.Load(),
		Impostors:        c.impostors.Load(),
		TrafficIn:        uint64(n.traffic.in.Load()),
		TrafficOut:       uint64(n.traffic.out.Load()),
	}
}

// tracer hears from pubsub what becomes of each message. It is called from
// pubsub's own goroutines and must not wait.
type tracer struct{ n *Network }

// RejectMessage is called for everything that is not accepted, with reasons
// that only partly are the sender's fault.
func (t tracer) RejectMessage(m *pubsub.Message, reason string) {
	c := &t.n.counts
	switch reason {
	case pubsub.RejectValidationFailed:
		c.rejected.Add(1)
		t.n.strike(m.ReceivedFrom)
		// The signature is right, so its owner made the message.
		if origin := m.GetFrom(); origin != m.ReceivedFrom {
			t.n.strike(origin)
		}
	case pubsub.RejectMissingSignature, pubsub.RejectInvalidSignature:
		c.rejected.Add(1)
		t.n.strike(m.ReceivedFrom)
	case pubsub.RejectBlacklstedPeer, pubsub.RejectBlacklistedSource:
		c.blocked.Add(1)
	case pubsub.RejectValidationQueueFull, pubsub.RejectValidationThrottled:
		c.overrun.Add(1)
	case pubsub.RejectSelfOrigin:
		t.n.ownOrigin(m)
	default: // old
		c.ignored.Add(1)
	}
}

func (t tracer) DuplicateMessage(*pubsub.Message) { t.n.counts.duplicates.Add(1) }

func (t tracer) SendRPC(rpc *pubsub.RPC, _ peer.ID) {
	for _, m := range rpc.GetPublish() {
		t.n.counts.sentBytes.Add(uint64(len(m.GetData())))
	}
}

func (t tracer) DropRPC(rpc *pubsub.RPC, _ peer.ID) {
	t.n.counts.unsent.Add(uint64(len(rpc.GetPublish())))
}

func (t tracer) OnNewOutboundStream(p peer.ID, _ protocol.ID) {
	t.n.chatter.info("peer connected", "peer", p)
}

func (t tracer) OnClosedOutboundStream(p peer.ID) {
	t.n.chatter.info("peer disconnected", "peer", p)
}

// The rest of pubsub.RawTracer is of no interest.

func (tracer) Join(string)                          {}
func (tracer) Leave(string)                         {}
func (tracer) Graft(peer.ID, string)                {}
func (tracer) Prune(peer.ID, string)                {}
func (tracer) ValidateMessage(*pubsub.Message)      {}
func (tracer) DeliverMessage(*pubsub.Message)       {}
func (tracer) UndeliverableMessage(*pubsub.Message) {}
func (tracer) ThrottlePeer(peer.ID)                 {}
func (tracer) RecvRPC(*pubsub.RPC)                  {}

// traffic is a metrics.Reporter that keeps two numbers, and for the ledger what
// was sent to whom. libp2p's own keeps some per peer and some per protocol, but
// not of both together, for ever, and a goroutine.
type traffic struct {
	in, out atomic.Int64
	tally   *tally // nil without a ledger
}

func (t *traffic) LogSentMessage(size int64) { t.out.Add(size) }
func (t *traffic) LogRecvMessage(size int64) { t.in.Add(size) }

func (t *traffic) GetBandwidthTotals() metrics.Stats {
	return metrics.Stats{TotalIn: t.in.Load(), TotalOut: t.out.Load()}
}

// LogSentMessageStream is called for every write to a stream.
func (t *traffic) LogSentMessageStream(size int64, p protocol.ID, to peer.ID) {
	if t.tally != nil {
		t.tally.wrote(size, p, to)
	}
}

func (*traffic) LogRecvMessageStream(int64, protocol.ID, peer.ID)      {}
func (*traffic) GetBandwidthForPeer(peer.ID) metrics.Stats             { return metrics.Stats{} }
func (*traffic) GetBandwidthForProtocol(protocol.ID) metrics.Stats     { return metrics.Stats{} }
func (*traffic) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (*traffic) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (*traffic) Reset()                                                {}
func (*traffic) TrimIdle(time.Time)                                    {}
