package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"golang.org/x/time/rate"

	"github.com/bristle-fl/bristled/federation"
)

var (
	// ErrClosed: the network has been closed.
	ErrClosed = errors.New("network is closed")

	// ErrNotOurs: a peer publishes nobody's updates but its own.
	ErrNotOurs = errors.New("update is not from this peer")

	// ErrUsedSequence: the sequence number has been published already, or a
	// greater one. Other peers would take the update for an old one.
	ErrUsedSequence = errors.New("sequence number has been used")

	// ErrContradiction: the update names another set of prototypes for an
	// epoch than one before, or goes back to an older epoch. Other peers would
	// shut this one out for good.
	ErrContradiction = errors.New("update contradicts an earlier one about this peer's prototypes")
)

// Config says who a peer is, what it agreed to and where the others are.
type Config struct {
	Identity Identity
	Manifest *federation.Manifest // valid; not changed after Start

	Listen []string // multiaddrs over TCP or QUIC; none: only dial
	Peers  []string // multiaddrs ending in /p2p/ID; dialled until they answer
	MDNS   bool     // look for peers of the federation in the local network

	// LastSeq is the newest sequence number per sender that the store
	// remembers. What is not greater is old. This peer's own number need not
	// be among them when something else guards it, as the store's lease does.
	LastSeq map[federation.PeerID]uint64

	// Equivocated are the keys that were found out before a restart. They are
	// shut out from the start.
	Equivocated []federation.PeerID

	// Ledger is told of everything that leaves this peer. What it does not
	// take of the peer's own is not sent ([ErrNotRecorded]). Nil: none.
	Ledger Ledger

	Log *slog.Logger // nil: none
}

// Network is one running peer: a libp2p host in the gossip of one federation.
// All methods may be called at any time from any goroutine.
type Network struct {
	self       peer.ID
	manifest   *federation.Manifest
	federation federation.ID
	protocol   protocol.ID
	key        crypto.PubKey
	log        *slog.Logger
	chatter    *chatter

	host    host.Host
	swarm   *swarm.Swarm
	topic   *pubsub.Topic
	guard   *guard
	senders *senders
	mailbox *mailbox[federation.Update]
	updates chan *federation.Update
	library *library

	sets       *mailbox[federation.Prototypes]
	prototypes chan *federation.Prototypes
	proofs     *mailbox[federation.Equivocation]
	proven     chan *federation.Equivocation
	counts     counts
	traffic    traffic
	recorder   recorder

	publishing sync.Mutex
	published  uint64        // newest sequence number of our own
	said       commitment    // the newest of our own
	newest     atomic.Uint64 // the same, in this run and before it is sent

	peersMu sync.Mutex
	keepers map[peer.ID]*keeper // those we dial
	foreign foreigners
	deaf    *deaf

	banned chan peer.ID // to be disconnected
	mdns   mdns.Service // nil when off

	ctx    context.Context
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	close  func() error // once
}

// Start listens, joins the gossip and begins to dial. It returns when every
// address is open; peers come later (see [Network.Peers]). The network ends
// with ctx or with [Network.Close].
//
// Errors name the address ([AddressError]) or the setting that is wrong, and
// leave nothing open.
func Start(ctx context.Context, config Config) (_ *Network, err error) {
	if config.Identity.key == nil {
		return nil, errors.New("starting network: no identity; create or load one")
	}
	if config.Manifest == nil {
		return nil, errors.New("starting network: no manifest")
	}
	if err := config.Manifest.Validate(); err != nil {
		return nil, fmt.Errorf("starting network: %w", err)
	}
	addrs, err := parseListen(config.Listen)
	if err != nil {
		return nil, err
	}
	peers, err := parsePeers(config.Peers, config.Identity.id)
	if err != nil {
		return nil, err
	}
	named := make([]peer.ID, len(peers))
	for i, info := range peers {
		named[i] = info.ID
	}
	table, err := newSenders(config.Manifest.Wire.MaxPeers, named, config.LastSeq, time.Now)
	if err != nil {
		return nil, err
	}
	guard, err := newGuardAgainst(config.Equivocated)
	if err != nil {
		return nil, err
	}
	log := config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	demoteLibraryLog(log)
	n := &Network{
		self:       config.Identity.id,
		manifest:   config.Manifest,
		federation: config.Manifest.ID(),
		protocol:   gossipProtocol(config.Manifest),
		key:        config.Identity.key.GetPublic(),
		log:        log,
		chatter:    newChatter(log, time.Now),
		guard:      guard,
		senders:    table,
		mailbox:    newMailbox[federation.Update](table.size),
		updates:    make(chan *federation.Update),
		library:    newLibrary(table.size, time.Now),
		sets:       newMailbox[federation.Prototypes](table.size),
		prototypes: make(chan *federation.Prototypes),
		proofs:     newMailbox[federation.Equivocation](maxProofs),
		proven:     make(chan *federation.Equivocation),
		published:  config.LastSeq[config.Identity.ID()],
		keepers:    map[peer.ID]*keeper{},
		foreign:    newForeigners(),
		deaf:       newDeaf(),
		banned:     make(chan peer.ID, maxConnections),
		recorder:   recorder{ledger: config.Ledger, answers: rate.NewLimiter(answerRate, answerBurst)},
	}
	n.ctx, n.cancel = context.WithCancel(ctx)
	n.close = sync.OnceValue(n.shutDown)
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if config.Ledger != nil {
		n.traffic.tally = newTally()
	}
	if err := n.beginRecords(config); err != nil {
		return nil, err
	}
	if n.host, n.swarm, err = newHost(config.Identity, n.guard, &n.traffic); err != nil {
		return nil, err
	}
	if err := n.joinGossip(); err != nil {
		return nil, err
	}
	events, err := n.host.EventBus().Subscribe([]any{
		new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(maxConnections), eventbus.Name("bristled"))
	if err != nil {
		return nil, fmt.Errorf("subscribing to libp2p's events: %w", err)
	}
	n.tasks.Go(func() { n.watch(events) })
	n.swarm.Notify(n.notifiee())
	if err := listen(n.swarm, addrs); err != nil {
		return nil, err
	}
	for _, info := range peers {
		n.keep(info, false)
	}
	if config.MDNS {
		n.startMDNS()
	}
	context.AfterFunc(n.ctx, func() { _ = n.close() }) // Close returns the error
	return n, nil
}

// ID returns the peer's own ID.
func (n *Network) ID() federation.PeerID { return peerID(n.self) }

// Addrs returns the addresses under which others on the same networks can
// reach the peer, as multiaddrs with its ID, ready for their Config.Peers.
func (n *Network) Addrs() []string {
	// The host's own list comes later than the listeners; this one does not.
	addrs, err := n.swarm.InterfaceListenAddresses()
	if err != nil {
		addrs = n.swarm.ListenAddresses()
	}
	full := make([]string, len(addrs))
	for i, a := range addrs {
		full[i] = fmt.Sprintf("%s/p2p/%s", a, n.self)
	}
	return full
}

// Close leaves the federation, stops everything that Start began and waits
// for it. It may be called more than once.
func (n *Network) Close() error { return n.close() }

func (n *Network) shutDown() error {
	n.cancel()
	n.peersMu.Lock()   // whoever is about to start a task has started it
	n.peersMu.Unlock() //nolint:staticcheck // or will see that we are closing
	if n.mdns != nil {
		_ = n.mdns.Close() // nil, always
	}
	var err error
	if n.host != nil {
		err = n.host.Close()
	}
	n.tasks.Wait()
	err = errors.Join(err, n.endRecords())
	if err != nil {
		return fmt.Errorf("closing network: %w", err)
	}
	return nil
}
