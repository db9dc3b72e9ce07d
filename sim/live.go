package sim

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/sim/attack"
	"github.com/bristle-fl/bristled/store"
)

// Live is an experiment with real parts instead of the bus: every peer is a
// libp2p host on loopback TCP with an identity and a store of its own under
// Dir, driven by node.Daemon. The order in which messages arrive is the
// network's, so the result is not the same to the last bit every time. Liars lie
// to themselves only (attack.Attack's Label): gossip carries one update to all.
// Topology, Link and Life are the machine's.
type Live struct {
	Experiment
	Dir string
	Log *slog.Logger
	// OnRound, if set, is called after every committed round of every peer
	// from that peer's goroutine, honest peers first in numbering. The head
	// is valid during the call.
	OnRound func(peer int, head federation.Head, r node.Record)
}

// Traffic is what honest peers sent, per peer and round.
type Traffic struct {
	UpdateBytes float64 // one encoded update
	WireBytes   float64 // everything, to all neighbours, with what libp2p adds
}

const (
	// liveDeadline is how long a live peer waits in a round for a message
	// that was lost.
	liveDeadline = 2 * time.Second
	// meetDeadline is how long peers may take to find each other.
	meetDeadline = 30 * time.Second
)

// livePeer is the real parts of one peer.
type livePeer struct {
	net    *p2p.Network
	store  *store.Store
	daemon *node.Daemon
}

// RunLive runs an experiment on real hosts until every honest peer has
// integrated Iterations rounds. Each is judged on its head after exactly that
// round.
func RunLive(ctx context.Context, l Live) (res Result, traffic Traffic, err error) {
	peers, err := l.peers()
	if err != nil {
		return Result{}, Traffic{}, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	heads := make([]federation.Head, len(l.Honest))
	finished := make(chan struct{}, len(heads))
	parts := make([]livePeer, 0, len(peers))
	defer func() {
		for _, p := range parts {
			err = errors.Join(err, p.net.Close(), p.store.Close())
		}
	}()
	for i, peer := range peers {
		p, err := l.start(ctx, i, parts)
		if err != nil {
			return Result{}, Traffic{}, fmt.Errorf("start peer %d: %w", i, err)
		}
		parts = append(parts, p)
		p.daemon = node.NewDaemon(node.DaemonConfig{
			Peer: peer, Gossip: p.net, Journal: p.store, Clock: node.RealClock{}, Log: l.Log, Deadline: liveDeadline,
			OnRound: func(r node.Record, _ []aggregation.Verdict) {
				if l.OnRound != nil {
					l.OnRound(i, peer.Head(), r)
				}
				if i < len(heads) && r.Round == uint64(l.Iterations) {
					heads[i] = peer.Head().Clone()
					finished <- struct{}{}
				}
			},
		})
		parts[i] = p
	}
	if err := meet(ctx, parts); err != nil {
		return Result{}, Traffic{}, err
	}
	if err := runAll(ctx, cancel, parts, finished); err != nil {
		return Result{}, Traffic{}, err
	}
	test := learner.NewProbe(l.Test, l.Manifest.Backbone.Features)
	for _, h := range heads {
		res.Accuracy = append(res.Accuracy, test.Scores(h).Accuracy)
	}
	res.Heads = heads
	for _, p := range parts[:len(heads)] {
		s := p.net.Stats()
		sent := float64(len(heads)) * float64(s.Published)
		traffic.UpdateBytes += float64(s.PublishedBytes) / sent
		traffic.WireBytes += float64(s.TrafficOut) / sent
	}
	res.UpdateBytes = traffic.UpdateBytes
	return res, traffic, nil
}

// peers makes the peers, honest ones first.
func (l Live) peers() ([]*node.Peer, error) {
	var peers []*node.Peer
	add := func(h Hand, rule federation.RuleSpec) error {
		id, err := l.identity(len(peers))
		if err != nil {
			return err
		}
		own, err := aggregation.New(rule)
		if err != nil {
			return err
		}
		wire, err := aggregation.New(l.Manifest.Rule)
		if err != nil {
			return err
		}
		p, err := node.NewPeer(node.Config{
			ID: id, Manifest: l.Manifest, Rule: own, WholeHead: wire.WholeHead(),
			Train: h.Train, Probe: h.Probe, Seed: l.Seed<<16 + uint64(len(peers)),
		})
		peers = append(peers, p)
		return err
	}
	for _, h := range l.Honest {
		if err := add(h, l.Manifest.Rule); err != nil {
			return nil, err
		}
	}
	alone, err := aggregation.Defaults("local")
	if err != nil {
		return nil, err
	}
	for i, h := range l.Liars {
		var a attack.Attack = attack.Honest{}
		if l.Attack != nil {
			if a, err = l.Attack(i, len(l.Liars)); err != nil {
				return nil, err
			}
		}
		if err := add(relabel(a, h, len(l.Manifest.Classes)), alone); err != nil {
			return nil, err
		}
	}
	return peers, nil
}

// runAll runs every daemon until the honest ones have finished or one fails.
func runAll(ctx context.Context, cancel context.CancelFunc, parts []livePeer, finished <-chan struct{}) error {
	failed := make(chan error, len(parts))
	var running sync.WaitGroup
	for _, p := range parts {
		running.Go(func() {
			if err := p.daemon.Run(ctx); err != nil {
				failed <- err
			}
		})
	}
	var err error
	for left := cap(finished); left > 0 && err == nil; {
		select {
		case <-finished:
			left--
		case err = <-failed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	cancel()
	running.Wait()
	return err
}

func (l Live) dir(i int) string { return filepath.Join(l.Dir, fmt.Sprintf("peer-%02d", i)) }

// identity makes the identity of peer i.
func (l Live) identity(i int) (federation.PeerID, error) {
	if err := os.MkdirAll(l.dir(i), 0o700); err != nil {
		return "", err
	}
	id, err := p2p.CreateIdentity(filepath.Join(l.dir(i), "identity.key"))
	return id.ID(), err
}

// start starts the network and the store of peer i, which dials those that
// were started before.
func (l Live) start(ctx context.Context, i int, before []livePeer) (livePeer, error) {
	identity, err := p2p.LoadIdentity(filepath.Join(l.dir(i), "identity.key"))
	if err != nil {
		return livePeer{}, err
	}
	s, err := store.Open(filepath.Join(l.dir(i), "store"), store.Options{Federation: l.Manifest.ID(), Log: l.Log})
	if err != nil {
		return livePeer{}, err
	}
	var addresses []string
	for _, p := range before {
		addresses = append(addresses, p.net.Addrs()...)
	}
	net, err := p2p.Start(ctx, p2p.Config{
		Identity: identity,
		Manifest: l.Manifest,
		Listen:   []string{"/ip4/127.0.0.1/tcp/0"},
		Peers:    addresses,
		Log:      l.Log,
	})
	if err != nil {
		return livePeer{}, errors.Join(err, s.Close())
	}
	return livePeer{net: net, store: s}, nil
}

// meet waits until every peer is in touch with every other.
func meet(ctx context.Context, parts []livePeer) error {
	ctx, cancel := context.WithTimeout(ctx, meetDeadline)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		missing := 0
		for _, p := range parts {
			missing += len(parts) - 1
			for _, other := range p.net.Peers() {
				if other.Member {
					missing--
				}
			}
		}
		if missing == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the peers did not all find each other on loopback, %d links are missing: %w", missing, ctx.Err())
		}
	}
}
