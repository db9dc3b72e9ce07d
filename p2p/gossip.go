package p2p

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/bristle-fl/bristled/federation"
)

const (
	// envelope is what pubsub adds to an update at most: sender, signature,
	// topic, number and their tags take about 230 bytes.
	envelope = 1024

	// queueMemory bounds what each of pubsub's queues can hold, and
	// queueMost how many messages when they are small. pubsub's own 32 lose
	// messages silently as soon as ten peers publish at once.
	queueMemory = 8 << 20
	queueLeast  = 16
	queueMost   = 512

	// floodPeers is up to how many senders a publisher sends to every peer
	// it is connected to instead of to its mesh: in a small federation that
	// is one hop to everybody.
	floodPeers = 64

	// seenFor is how long a message ID is remembered. It only has to outlive
	// the history that peers offer each other, 3 s; older repetitions are
	// caught by their sequence numbers.
	seenFor = 30 * time.Second

	// Updates stay in memory for as many heartbeats, of a second each, as
	// others may ask for them. They are offered twice, so that an answer
	// that was lost can be asked for again, and the last offer leaves a
	// heartbeat to ask.
	historyOffered = 2
	historyLength  = 3
)

// gossipProtocol names the gossip of a federation. The message limit is in
// the name because two peers that disagree on it would wedge their link: the
// smaller one resets the stream at the first message that is too large. The
// federation is in the name so that peers of different ones have no protocol
// in common and can tell from libp2p's identification why.
func gossipProtocol(m *federation.Manifest) protocol.ID {
	return protocol.ID(fmt.Sprintf("%s%s/%d/gossip/1", protocolPrefix, m.ID(), messageLimit(m)))
}

// messageLimit is the largest message of pubsub: it carries an update.
func messageLimit(m *federation.Manifest) int { return m.Wire.MaxMessage + envelope }

func gossipTopic(id federation.ID) string { return "bristled/" + id.String() }

// messageID identifies a message by its sender and content. pubsub's default
// takes the sender and a number that starts at the clock, which repeats when
// the clock is set back.
func messageID(m *pb.Message) string {
	h := sha256.New()
	h.Write(m.GetFrom())
	h.Write(m.GetData())
	return string(h.Sum(nil)[:16])
}

// gossipParams chooses between two kinds of gossip.
//
// In a small federation a publisher sends to every peer it is connected to
// (flood publishing), and there is no mesh: with one, each of ten connected
// peers gets 3.3 useless copies of every update. Who is not connected to the
// publisher hears of an update with the next heartbeat and asks for it, so a
// hop costs half a second on average and nothing is sent twice.
//
// In a large one nobody can send to all, and the mesh takes over.
func gossipParams(small bool) pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	if small {
		p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout = 0, 0, 0, 0, 0
		p.GossipFactor = 1 // tell all of them what is here
	}
	p.HistoryGossip, p.HistoryLength = historyOffered, historyLength
	p.Connectors, p.MaxPendingConnections = 1, 1 // for peer exchange, which is off
	p.MaxIHaveLength = 1000
	p.MaxIDontWantMessages = 100
	return p
}

func (n *Network) joinGossip() error {
	limit := messageLimit(n.manifest)
	queue := min(max(queueMemory/limit, queueLeast), queueMost)
	small := n.manifest.Wire.MaxPeers <= floodPeers
	silent := slog.New(slog.DiscardHandler) // peers decide how much pubsub has to say
	ps, err := pubsub.NewGossipSub(n.ctx, n.host,
		pubsub.WithGossipSubProtocols([]protocol.ID{n.protocol}, gossipFeature),
		pubsub.WithGossipSubParams(gossipParams(small)),
		pubsub.WithFloodPublish(small),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(limit),
		pubsub.WithMaxControlMessageSize(64<<10),
		pubsub.WithSeenMessagesTTL(seenFor),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(gossipTopic(n.federation)), 16)),
		pubsub.WithPeerOutboundQueueSize(queue),
		pubsub.WithValidateQueueSize(queue),
		// One worker keeps a sender's updates in order and a flood on one
		// core. It checks some ten thousand updates per second.
		pubsub.WithValidateWorkers(1),
		pubsub.WithBlacklist(n.guard),
		pubsub.WithRawTracer(tracer{n}),
		pubsub.WithLogger(silent),
		pubsub.WithRPCLogger(silent),
	)
	if err != nil {
		return fmt.Errorf("starting gossip: %w", err)
	}
	if n.topic, err = join(ps, gossipTopic(n.federation), n.validate, n.receive); err != nil {
		return err
	}
	n.tasks.Go(func() { deliver(n.ctx, n.mailbox, n.updates) })
	n.joinPrototypes()
	return nil
}

// join takes part in a topic. What validate accepts goes to receive, which is
// the filter in front of the subscription's channel and lets nothing pass: the
// channel drops what is not fetched at once, a mailbox never has to.
func join(ps *pubsub.PubSub, topic string, validate pubsub.ValidatorEx, receive func(*pubsub.Message) bool) (*pubsub.Topic, error) {
	// Inline: in the worker itself, without a goroutine for each message.
	if err := ps.RegisterTopicValidator(topic, validate, pubsub.WithValidatorInline(true)); err != nil {
		return nil, fmt.Errorf("starting gossip: %w", err)
	}
	t, err := ps.Join(topic)
	if err != nil {
		return nil, fmt.Errorf("joining topic %s: %w", topic, err)
	}
	if _, err := t.Subscribe(pubsub.WithMessageFilter(receive)); err != nil {
		return nil, fmt.Errorf("subscribing to topic %s: %w", topic, err)
	}
	return t, nil
}

// gossipFeature says that every peer of our protocol has the mesh and can
// decline large messages, and that none exchanges peers: the configuration
// says who is dialled.
func gossipFeature(f pubsub.GossipSubFeature, _ protocol.ID) bool {
	return f == pubsub.GossipSubFeatureMesh || f == pubsub.GossipSubFeatureIdontwant
}

// validate is pubsub's validator of the topic. Signature and size have been
// checked. Reject means that the sender must have known better; whatever can
// happen to an honest peer is Ignore. Weights are no business of the network.
func (n *Network) validate(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == n.self {
		return pubsub.ValidationAccept // Publish made it; no ValidatorData
	}
	if ctx.Err() != nil {
		return pubsub.ValidationIgnore // closing: a verdict now would still count
	}
	origin := m.GetFrom()
	u, err := federation.DecodeUpdate(n.manifest, m.GetData())
	if err == nil && u.Sender != peerID(origin) {
		err = fmt.Errorf("signed by %s in the name of %s", origin, u.Sender)
	}
	if err != nil {
		n.log.Debug("invalid update", "from", from, "origin", origin, "error", err)
		return pubsub.ValidationReject
	}
	verdict := n.senders.admit(origin, u.Seq, from == origin)
	// Also of old updates: who is shown another one than the rest sees the
	// rest's a moment later.
	if against := n.senders.commit(origin, u, m.Message); against != nil {
		n.equivocated(origin, against, m.Message)
	}
	if n.guard.outlawed(origin) && verdict != flood {
		if verdict == fresh || verdict == stale {
			// Forwarded, and not handed on. Both versions: some have seen
			// only the one, some only the other, and gossip may have lost
			// the first of either.
			return pubsub.ValidationAccept
		}
		return pubsub.ValidationIgnore
	}
	switch verdict {
	case stale, surplus:
		return pubsub.ValidationIgnore
	case crowded:
		n.warnCrowded(origin)
		return pubsub.ValidationIgnore
	case flood:
		n.strike(origin)
		return pubsub.ValidationIgnore
	}
	n.wantSet(origin, u, from)
	m.ValidatorData = u // decoded once
	return pubsub.ValidationAccept
}

func (n *Network) warnCrowded(origin peer.ID) {
	if n.counts.crowded.Add(1) == 1 {
		n.log.Warn("more senders than the manifest's wire.max_peers; newcomers wait until others are silent",
			"max_peers", n.manifest.Wire.MaxPeers, "newcomer", origin)
	}
}

// strike notes what p did and shuts it out when it was once too often.
func (n *Network) strike(p peer.ID) {
	if !n.guard.strike(p) {
		return
	}
	n.counts.bans.Add(1)
	n.chatter.warn("peer sent too many invalid messages; disconnecting", "peer", p, "for", banTime)
	select {
	case n.banned <- p: // this is pubsub's goroutine: it must not wait
	default:
	}
}

// receive puts the updates that pubsub hands out into the mailbox.
func (n *Network) receive(m *pubsub.Message) bool {
	u, ok := m.ValidatorData.(*federation.Update)
	if !ok {
		return false // our own, or evidence
	}
	// pubsub keeps the message, and would keep the decoded update with it.
	m.ValidatorData = nil
	n.counts.received.Add(1)
	n.counts.receivedBytes.Add(uint64(len(m.GetData())))
	if n.mailbox.put(u.Sender, u) {
		n.counts.superseded.Add(1)
	}
	return false
}

// Updates returns the channel of valid updates from other peers. Those of one
// sender come in order of their sequence numbers. When the reader is slow, an
// unread update gives way to a newer one of the same sender, and to nothing
// else. The channel is closed by [Network.Close].
func (n *Network) Updates() <-chan *federation.Update { return n.updates }

// Publish sends an update of this peer to the federation. It does not wait
// for anybody to receive it, nor for there to be anybody.
//
// The error wraps [ErrNotOurs], [ErrUsedSequence], [ErrContradiction],
// [ErrNotRecorded], [ErrClosed] or what [federation.Update.Encode] says about an
// update that others would refuse, federation.ErrTooLarge for one.
func (n *Network) Publish(ctx context.Context, u *federation.Update) error {
	if u.Sender != peerID(n.self) {
		return fmt.Errorf("publishing update %d: %w: it names %s, this is %s", u.Seq, ErrNotOurs, u.Sender, n.self)
	}
	b, err := u.Encode(n.manifest)
	if err != nil {
		return fmt.Errorf("publishing update %d: %w", u.Seq, err)
	}
	if err := n.recordUpdate(u, b); err != nil {
		return fmt.Errorf("publishing update %d: %w", u.Seq, err)
	}
	n.publishing.Lock()
	defer n.publishing.Unlock()
	if err := n.mayPublish(u); err != nil { // also after what happened meanwhile
		return fmt.Errorf("publishing update %d: %w", u.Seq, err)
	}
	n.newest.Store(max(u.Seq, n.newest.Load())) // before anybody can send it back
	// pubsub drops what is too large and returns nil. Encode has kept to
	// MaxMessage, and pubsub's limit is that and the envelope.
	if err := n.topic.Publish(ctx, b); err != nil {
		if n.ctx.Err() != nil {
			err = ErrClosed
		}
		return fmt.Errorf("publishing update %d: %w", u.Seq, err)
	}
	n.published = u.Seq
	if u.Epoch > 0 {
		n.said = commitment{epoch: u.Epoch, set: u.Prototypes}
	}
	n.counts.published.Add(1)
	n.counts.publishedBytes.Add(uint64(len(b)))
	return nil
}

// mayPublish says whether an update contradicts what was published before.
// n.publishing is held.
func (n *Network) mayPublish(u *federation.Update) error {
	switch {
	case n.ctx.Err() != nil:
		return ErrClosed
	case u.Seq <= n.published:
		return fmt.Errorf("%w: %d was the last", ErrUsedSequence, n.published)
	case u.Epoch > 0 && (u.Epoch < n.said.epoch || u.Epoch == n.said.epoch && u.Prototypes != n.said.set):
		return ErrContradiction
	}
	return nil
}
