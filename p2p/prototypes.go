package p2p

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/bristle-fl/bristled/federation"
)

// ErrNoPrototypes says that the manifest's prototypes.use is false.
var ErrNoPrototypes = errors.New("the federation has no prototypes")

// askTimeout bounds one question and its answer, at both ends.
const askTimeout = 10 * time.Second

// prototypesProtocol names the protocol by which peers ask each other for sets
// of prototypes. The question is a SHA-256, the answer the set's canonical
// bytes until the end of the stream; none if the set is not held. That the set
// is its sender's is known before it comes, from the hash in an update that the
// sender signed.
func prototypesProtocol(id federation.ID) protocol.ID {
	return protocol.ID(fmt.Sprintf("%s%s/prototypes/1", protocolPrefix, id))
}

// joinPrototypes starts what a federation with prototypes has beside updates.
// The channels are there, and closed in the end, in others too.
func (n *Network) joinPrototypes() {
	n.tasks.Go(func() { deliver(n.ctx, n.proofs, n.proven) })
	n.tasks.Go(func() { deliver(n.ctx, n.sets, n.prototypes) })
	if !n.manifest.Prototypes.Use {
		return
	}
	n.host.SetStreamHandler(prototypesProtocol(n.federation), func(s network.Stream) {
		if !n.task(func() { n.serveSet(s) }) {
			_ = s.Reset()
		}
	})
}

// task runs f beside the caller unless the network is closing; Close waits for
// it.
func (n *Network) task(f func()) bool {
	n.peersMu.Lock()
	defer n.peersMu.Unlock()
	if n.ctx.Err() != nil {
		return false
	}
	n.tasks.Go(f)
	return true
}

// serveSet answers one question.
func (n *Network) serveSet(s network.Stream) {
	var set federation.Hash
	err := s.SetDeadline(time.Now().Add(askTimeout))
	if err == nil {
		_, err = io.ReadFull(s, set[:])
	}
	// A question that never comes counts too.
	reader := s.Conn().RemotePeer()
	b, own, ok := n.library.lend(reader, set)
	if err != nil || !ok || own && !n.recordAnswer(reader, b) {
		_ = s.Reset()
		return
	}
	if _, err := s.Write(b); err != nil {
		_ = s.Reset()
		return
	}
	if len(b) > 0 {
		n.countAnswer(reader, own, len(b))
	}
	if s.Close() == nil && len(b) > 0 {
		n.counts.served.Add(1)
	}
}

// wantSet asks for the set that an update of sender names, if it is not here.
// from brought the update. The sender's next updates are occasions to ask again
// until the set comes.
func (n *Network) wantSet(sender peer.ID, u *federation.Update, from peer.ID) {
	if u.Epoch == 0 || !n.manifest.Prototypes.Use {
		return
	}
	sources := []peer.ID{from}
	if from != sender && n.swarm.Connectedness(sender) == network.Connected {
		sources = append(sources, sender)
	}
	f := n.library.want(sender, u.Epoch, u.Prototypes, sources)
	if f == nil {
		return
	}
	if !n.task(func() { n.fetchSet(f) }) {
		n.library.end(f, nil, false)
	}
}

// fetchSet asks for a set and hands it on.
func (n *Network) fetchSet(f *fetch) {
	b, err := n.ask(f.source, f.set)
	if err != nil {
		n.log.Debug("a set of prototypes did not come; will ask again", "of", f.sender, "from", f.source, "error", err)
		n.library.end(f, nil, false)
		return
	}
	if federation.Hash(sha256.Sum256(b)) != f.set {
		n.log.Debug("another set than was asked for", "of", f.sender, "from", f.source)
		n.strike(f.source)
		n.library.end(f, nil, false)
		return
	}
	p, err := federation.DecodePrototypes(n.manifest, b)
	if err == nil && (p.Sender != peerID(f.sender) || p.Epoch != f.epoch) {
		err = fmt.Errorf("it is of %s, epoch %d", p.Sender, p.Epoch)
	}
	if err != nil {
		// Its sender has put its name to something that is no set of its own.
		n.log.Debug("invalid prototypes", "of", f.sender, "error", err)
		n.strike(f.sender)
		n.library.end(f, nil, true)
		return
	}
	n.library.end(f, b, false)
	n.counts.sets.Add(1)
	n.sets.put(p.Sender, p)
}

// errNotHeld: the peer that was asked does not have the set.
var errNotHeld = errors.New("it does not have the set")

// ask returns what a connected peer answers, which may be anything.
func (n *Network) ask(source peer.ID, set federation.Hash) ([]byte, error) {
	ctx, cancel := context.WithTimeout(n.ctx, askTimeout)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(ctx, "prototypes"), source, prototypesProtocol(n.federation))
	if err != nil {
		return nil, err
	}
	// Nothing is left to say after the answer, or after an error.
	defer func() { _ = s.Reset() }()
	if err := s.SetDeadline(time.Now().Add(askTimeout)); err != nil {
		return nil, err
	}
	if _, err := s.Write(set[:]); err != nil {
		return nil, err
	}
	if err := s.CloseWrite(); err != nil {
		return nil, err
	}
	most := n.manifest.MaxPrototypesSize()
	b, err := io.ReadAll(io.LimitReader(s, int64(most)+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) == 0:
		return nil, errNotHeld
	case len(b) > most:
		return nil, fmt.Errorf("%w: more than %d bytes", federation.ErrTooLarge, most)
	}
	return b, nil
}

// Prototypes returns the channel of the sets of other peers. Each comes once:
// when the first update arrives that names it, and as soon as somebody who is
// connected has it. The channel is closed by [Network.Close].
func (n *Network) Prototypes() <-chan *federation.Prototypes { return n.prototypes }

// PublishPrototypes makes the peer's set available to all: whoever sees an
// update that names it asks for it. It must come before the first such update.
// The error wraps [ErrNoPrototypes], [ErrNotOurs], [ErrNotRecorded], [ErrClosed]
// or what [federation.Prototypes.Encode] says.
func (n *Network) PublishPrototypes(_ context.Context, p *federation.Prototypes) error {
	switch {
	case !n.manifest.Prototypes.Use:
		return fmt.Errorf("publishing prototypes: %w", ErrNoPrototypes)
	case n.ctx.Err() != nil:
		return fmt.Errorf("publishing prototypes: %w", ErrClosed)
	case p.Sender != peerID(n.self):
		return fmt.Errorf("publishing prototypes: %w: they name %s, this is %s", ErrNotOurs, p.Sender, n.self)
	}
	b, err := p.Encode(n.manifest)
	if err != nil {
		return fmt.Errorf("publishing prototypes: %w", err)
	}
	if err := n.recordOffer(p, b); err != nil {
		return fmt.Errorf("publishing prototypes: %w", err)
	}
	n.library.publish(p.Hash(), b)
	return nil
}
