package p2p

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestDeaf(t *testing.T) {
	d := newDeaf()
	start := time.Unix(0, 0)
	for i, step := range []struct {
		at      time.Duration
		without []peer.ID
		tooLong []peer.ID
	}{
		{0, []peer.ID{"a", "b"}, nil},
		{deafFor - 1, []peer.ID{"a", "b", "c"}, nil},
		{deafFor, []peer.ID{"a", "c"}, []peer.ID{"a"}},       // b has come back
		{deafFor + 1, []peer.ID{"a", "b", "c"}, nil},         // all but c begin anew
		{2*deafFor - 1, []peer.ID{"b", "c"}, []peer.ID{"c"}}, // c was first seen late
		{2*deafFor + 1, []peer.ID{"a", "b"}, []peer.ID{"b"}}, // a was gone in between
	} {
		if got := d.look(step.without, start.Add(step.at)); !slices.Equal(got, step.tooLong) {
			t.Errorf("step %d: %v, want %v", i, got, step.tooLong)
		}
	}
}

// A peer that speaks our protocol and takes no part is hung up on after a
// while, and dialled again if it is ours to dial.
func TestConnectionWithoutGossip(t *testing.T) {
	m := testManifest("deaf")
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	h.SetStreamHandler(gossipProtocol(m), func(s network.Stream) {
		_, _ = io.Copy(io.Discard, s)
		_ = s.Reset()
	})
	full, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	var log logBuffer
	n := start(t, Config{Manifest: m, Peers: []string{full[0].String()}, Log: log.logger()})
	honest := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, n, 1)
	kept := n.swarm.ConnsToPeer(honest.self)[0]

	const line = "takes no part in the gossip"
	for range 2 {
		eventually(t, "it has been seen without gossip", func() bool {
			n.hangUpOnDeaf(time.Now())
			n.deaf.mu.Lock()
			defer n.deaf.mu.Unlock()
			return len(n.deaf.since) == 1
		})
		conn := n.swarm.ConnsToPeer(h.ID())[0]
		n.hangUpOnDeaf(time.Now().Add(deafFor))
		if !conn.IsClosed() || log.count(line) != 1 {
			t.Fatalf("connection closed: %v; said %d times", conn.IsClosed(), log.count(line))
		}
	}
	n.deaf.listens(h.ID())
	if !n.deaf.tell(h.ID()) || n.deaf.tell(h.ID()) {
		t.Error("it is not said again, once, of a peer that had come back")
	}
	if kept.IsClosed() {
		t.Error("the honest peer was disconnected")
	}
}

// Links heal, whatever pubsub makes of the loss of its streams.
func TestLostStreams(t *testing.T) {
	m := testManifest("lost streams")
	a := start(t, Config{Manifest: m})
	b := start(t, Config{Manifest: m, Peers: a.Addrs()})
	members(t, a, 1)
	members(t, b, 1)
	// a has a gossip stream to b and is called by it: the side that must not
	// rely on a keeper.
	eventually(t, "a loses sight of b", func() bool {
		for _, c := range a.swarm.ConnsToPeer(b.self) {
			for _, s := range c.GetStreams() {
				if s.Protocol() == a.protocol {
					_ = s.Reset()
				}
			}
		}
		return !find(a, b.ID()).Member
	})
	a.hangUpOnDeaf(time.Now())
	a.hangUpOnDeaf(time.Now().Add(deafFor))
	members(t, a, 1)
	members(t, b, 1)
	publish(t, a, testUpdate(m, a.ID(), 1, 1))
	publish(t, b, testUpdate(m, b.ID(), 1, 1))
	next(t, a)
	next(t, b)
}
