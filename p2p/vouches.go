package p2p

import (
	"context"
	"fmt"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/bristle-fl/bristled/federation"
)

// vouches is the gossip of vouches, in a topic of its own: they have sequence
// numbers of their own too.
type vouches struct {
	topic   *pubsub.Topic // nil in a federation without prototypes
	senders *senders
	mailbox *mailbox[federation.Vouches]
	out     chan *federation.Vouches

	mu        sync.Mutex
	published uint64
}

func vouchesTopic(id federation.ID) string { return gossipTopic(id) + "/vouches" }

// joinVouches joins the topic.
func (n *Network) joinVouches(ps *pubsub.PubSub) (err error) {
	v := &n.vouches
	if v.senders, err = newSenders(n.senders.size, n.senders.namedPeers(), nil, n.senders.now); err != nil {
		return err
	}
	v.mailbox = newMailbox[federation.Vouches](n.senders.size)
	if v.topic, err = join(ps, vouchesTopic(n.federation), n.validateVouches, n.receiveVouches); err != nil {
		return err
	}
	n.tasks.Go(func() { deliver(n.ctx, v.mailbox, v.out) })
	return nil
}

// validateVouches is to vouches what validate is to updates.
func (n *Network) validateVouches(ctx context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == n.self {
		return pubsub.ValidationAccept
	}
	if ctx.Err() != nil {
		return pubsub.ValidationIgnore
	}
	origin := m.GetFrom()
	v, err := federation.DecodeVouches(n.manifest, m.GetData())
	if err == nil && v.Sender != peerID(origin) {
		err = fmt.Errorf("signed by %s in the name of %s", origin, v.Sender)
	}
	if err != nil {
		n.log.Debug("invalid vouches", "from", from, "origin", origin, "error", err)
		return pubsub.ValidationReject
	}
	switch n.vouches.senders.admit(origin, v.Seq, from == origin) {
	case stale, surplus, crowded:
		return pubsub.ValidationIgnore
	case flood:
		n.strike(origin)
		return pubsub.ValidationIgnore
	}
	m.ValidatorData = v
	return pubsub.ValidationAccept
}

func (n *Network) receiveVouches(m *pubsub.Message) bool {
	if v, ok := m.ValidatorData.(*federation.Vouches); ok {
		m.ValidatorData = nil
		n.counts.vouches.Add(1)
		n.vouches.mailbox.put(v.Sender, v)
	}
	return false
}

// Vouches returns the channel of what other peers say of sets, as
// [Network.Updates] does of updates: an unread message gives way to a newer
// one of the same sender. Messages from before a restart can come again once.
func (n *Network) Vouches() <-chan *federation.Vouches { return n.vouches.out }

// PublishVouches sends what this peer says of the sets of others. Numbers grow
// from one message to the next; they may be those of updates. Errors as of
// [Network.Publish], and [ErrNoPrototypes].
func (n *Network) PublishVouches(ctx context.Context, v *federation.Vouches) error {
	switch {
	case n.vouches.topic == nil:
		return fmt.Errorf("publishing vouches: %w", ErrNoPrototypes)
	case v.Sender != peerID(n.self):
		return fmt.Errorf("publishing vouches: %w: they name %s, this is %s", ErrNotOurs, v.Sender, n.self)
	}
	b, err := v.Encode(n.manifest)
	if err != nil {
		return fmt.Errorf("publishing vouches: %w", err)
	}
	if err := n.recordVouches(v, b); err != nil {
		return fmt.Errorf("publishing vouches %d: %w", v.Seq, err)
	}
	n.vouches.mu.Lock()
	defer n.vouches.mu.Unlock()
	if err := n.mayVouch(v); err != nil {
		return fmt.Errorf("publishing vouches %d: %w", v.Seq, err)
	}
	if err := n.vouches.topic.Publish(ctx, b); err != nil {
		if n.ctx.Err() != nil {
			err = ErrClosed
		}
		return fmt.Errorf("publishing vouches: %w", err)
	}
	n.vouches.published = v.Seq
	return nil
}

// mayVouch is to vouches what mayPublish is to updates. n.vouches.mu is held.
func (n *Network) mayVouch(v *federation.Vouches) error {
	switch {
	case n.ctx.Err() != nil:
		return ErrClosed
	case v.Seq <= n.vouches.published:
		return fmt.Errorf("%w: %d was the last", ErrUsedSequence, n.vouches.published)
	}
	return nil
}
