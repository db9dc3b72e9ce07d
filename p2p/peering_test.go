package p2p

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/bristle-fl/bristled/federation"
)

func TestPortInUse(t *testing.T) {
	m := testManifest("port")
	for _, listen := range []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"} {
		t.Run(listen, func(t *testing.T) {
			first := start(t, Config{Manifest: m, Listen: []string{listen}})
			taken, _, _ := strings.Cut(first.Addrs()[0], "/p2p/")
			// One free address does not make up for the other.
			_, err := Start(t.Context(), Config{
				Identity: testIdentity(t), Manifest: m,
				Listen: []string{"/ip4/127.0.0.1/tcp/0", taken},
			})
			var address *AddressError
			if !errors.Is(err, ErrAddressInUse) || !errors.As(err, &address) || address.Address != taken {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestPortInUseByAnotherProgram(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = Start(t.Context(), Config{
		Identity: testIdentity(t), Manifest: testManifest("port"), Listen: []string{"/ip4/127.0.0.1/tcp/" + port},
	})
	if !errors.Is(err, ErrAddressInUse) || !strings.Contains(err.Error(), port) {
		t.Errorf("got %v", err)
	}
}

func TestBadAddresses(t *testing.T) {
	id := string(testIdentity(t).ID())
	for _, listen := range []string{
		"", "127.0.0.1:4001", "/ip4/127.0.0.1", "/ip4/300.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/70000",
		"/ip4/127.0.0.1/udp/0", "/ip4/127.0.0.1/tcp/0/ws", "/ip4/127.0.0.1/tcp/0/p2p/" + id,
	} {
		checkBadAddress(t, "listen", listen, Config{Listen: []string{"/ip4/127.0.0.1/tcp/0", listen}})
	}
	for _, p := range []string{
		"", "127.0.0.1:4001", "/ip4/127.0.0.1/tcp/1", "/p2p/" + id, "/ip4/127.0.0.1/tcp/1/p2p/nobody",
	} {
		checkBadAddress(t, "peer", p, Config{Peers: []string{p}})
	}
}

func checkBadAddress(t *testing.T, use, bad string, config Config) {
	t.Helper()
	config.Identity, config.Manifest = testIdentity(t), testManifest("bad address")
	_, err := Start(t.Context(), config)
	var address *AddressError
	if !errors.Is(err, ErrBadAddress) || !errors.As(err, &address) || address.Address != bad || address.Use != use ||
		!strings.Contains(err.Error(), "it should look like") {
		t.Errorf("%s %q: %v", use, bad, err)
	}
}

func TestStartRefuses(t *testing.T) {
	identity, m := testIdentity(t), testManifest("refuse")
	invalid := *m
	invalid.Wire.MaxMessage = 1
	for name, config := range map[string]Config{
		"no identity":      {Manifest: m},
		"no manifest":      {Identity: identity},
		"invalid manifest": {Identity: identity, Manifest: &invalid},
		"bad sender":       {Identity: identity, Manifest: m, LastSeq: map[federation.PeerID]uint64{"nobody": 1}},
	} {
		if n, err := Start(t.Context(), config); err == nil {
			t.Errorf("%s: started (%v)", name, n.Close())
		}
	}
}

func TestParsePeersMerges(t *testing.T) {
	self, other := testIdentity(t), testIdentity(t)
	infos, err := parsePeers([]string{
		"/ip4/127.0.0.1/tcp/1/p2p/" + string(other.ID()),
		"/ip4/127.0.0.1/tcp/2/p2p/" + string(self.ID()),
		"/dns4/example.org/udp/3/quic-v1/p2p/" + string(other.ID()),
	}, self.id)
	if err != nil {
		t.Fatal(err)
	}
	if len(infos) != 1 || infos[0].ID != other.id || len(infos[0].Addrs) != 2 {
		t.Errorf("got %v", infos)
	}
}

// A peer that is switched on later, off and on again is found each time.
func TestPeersAreDialledForEver(t *testing.T) {
	m := testManifest("redial")
	identity := testIdentity(t)
	first := start(t, Config{Manifest: m, Identity: identity})
	addrs := first.Addrs()
	listen, _, _ := strings.Cut(addrs[0], "/p2p/")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}

	var log logBuffer
	n := start(t, Config{Manifest: m, Peers: addrs, Log: log.logger()})
	eventually(t, "the peer is missed", func() bool { return log.count("cannot reach peer") == 1 })
	for range 2 {
		later := start(t, Config{Manifest: m, Identity: identity, Listen: []string{listen}})
		members(t, n, 1)
		if err := later.Close(); err != nil {
			t.Fatal(err)
		}
		members(t, n, 0)
		eventually(t, "the connection is gone", func() bool { return !find(n, identity.ID()).Connected })
	}
	if p := find(n, identity.ID()); !p.Configured || len(p.Addrs) != 1 || p.Addrs[0] != listen {
		t.Errorf("got %+v", p)
	}
}

// Two peers that name each other dial at the same moment.
func TestPeersThatNameEachOther(t *testing.T) {
	m := testManifest("mutual")
	var identities []Identity
	var addrs, listen []string
	for range 2 {
		identity := testIdentity(t)
		n := start(t, Config{Manifest: m, Identity: identity})
		identities = append(identities, identity)
		addrs = append(addrs, n.Addrs()...)
		at, _, _ := strings.Cut(n.Addrs()[0], "/p2p/")
		listen = append(listen, at)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
	networks := make([]*Network, 2)
	var started sync.WaitGroup
	for i := range networks {
		started.Go(func() {
			var err error
			networks[i], err = Start(t.Context(), Config{
				Manifest: m, Identity: identities[i], Listen: listen[i : i+1], Peers: addrs,
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	started.Wait()
	if t.Failed() {
		t.FailNow()
	}
	a, b := networks[0], networks[1]
	t.Cleanup(func() {
		if err := errors.Join(a.Close(), b.Close()); err != nil {
			t.Error(err)
		}
	})
	members(t, a, 1)
	members(t, b, 1)
	for seq := uint64(1); seq <= 20; seq++ {
		publish(t, a, testUpdate(m, a.ID(), seq, 1))
		publish(t, b, testUpdate(m, b.ID(), seq, 1))
		for _, n := range networks {
			if got := next(t, n); got.Seq != seq {
				t.Fatalf("got %d, want %d", got.Seq, seq)
			}
		}
	}
}

func TestPeerOfAnotherFederation(t *testing.T) {
	ours, theirs := testManifest("ours"), testManifest("theirs")
	var log, otherLog logBuffer
	n := start(t, Config{Manifest: ours, Log: log.logger()})
	other := start(t, Config{Manifest: theirs, Peers: n.Addrs(), Log: otherLog.logger()})
	for _, side := range []struct {
		n, peer *Network
		log     *logBuffer
	}{{n, other, &log}, {other, n, &otherLog}} {
		eventually(t, "both know what the other is", func() bool {
			p := find(side.n, side.peer.ID())
			return p.Foreign == "federation "+side.peer.federation.String() && !p.Connected && !p.Member
		})
		eventually(t, "the log names the other federation", func() bool {
			return side.log.count(side.peer.federation.String()) > 0
		})
	}
	// They meet again and again, and it is said once.
	eventually(t, "they meet again", func() bool { return find(n, other.ID()).Connected })
	eventually(t, "and part", func() bool { return !find(n, other.ID()).Connected })
	for _, l := range []*logBuffer{&log, &otherLog} {
		if got := l.count("not of this federation"); got != 1 {
			t.Errorf("said %d times", got)
		}
	}
}

func TestPeerThatIsNotBristled(t *testing.T) {
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	full, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	n := start(t, Config{Manifest: testManifest("alone"), Peers: []string{full[0].String()}})
	eventually(t, "it is sent away", func() bool {
		p := find(n, peerID(h.ID()))
		return p.Foreign == "not bristled" && !p.Connected
	})
}

func TestLanguage(t *testing.T) {
	ours, theirs := testManifest("ours"), testManifest("theirs")
	older := *ours
	for want, speaks := range map[string][]protocol.ID{
		"not bristled":                                   {"/ipfs/id/1.0.0", "/bristled/x/y", "/bristled/"},
		"federation " + theirs.ID().String():             {"/ipfs/id/1.0.0", gossipProtocol(theirs)},
		"this federation in another version of bristled": {gossipProtocol(&older) + "0"},
	} {
		if got := language(ours.ID(), speaks); got != want {
			t.Errorf("%v: %s", speaks, got)
		}
	}
}

// The message limit is part of the protocol's name.
func TestGossipProtocol(t *testing.T) {
	m := testManifest("protocol")
	larger := *m
	larger.Wire.MaxMessage++
	if gossipProtocol(m) == gossipProtocol(&larger) {
		t.Error("two limits, one protocol")
	}
}

func TestCloseTwiceAndLater(t *testing.T) {
	m := testManifest("close")
	n := start(t, Config{Manifest: m})
	other := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, n, 1)
	for range 2 {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, ok := <-n.Updates(); ok {
		t.Error("updates are not closed")
	}
	if err := n.Publish(t.Context(), testUpdate(m, n.ID(), 1, 1)); !errors.Is(err, ErrClosed) {
		t.Errorf("published: %v", err)
	}
	n.Peers()
	n.Stats()
	n.Addrs()
	members(t, other, 0)
}

func TestContextEndsTheNetwork(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n, err := Start(ctx, Config{
		Identity: testIdentity(t), Manifest: testManifest("context"), Listen: []string{"/ip4/127.0.0.1/tcp/0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case _, ok := <-n.Updates():
		if ok {
			t.Error("an update from nobody")
		}
	case <-time.After(patience):
		t.Error("still open")
	}
	if err := n.Close(); err != nil { // waits for the rest
		t.Error(err)
	}
}

func TestMDNSService(t *testing.T) {
	ours, theirs := testManifest("ours").ID(), testManifest("theirs").ID()
	if mdnsService(ours) == mdnsService(theirs) {
		t.Error("two federations, one service")
	}
	// RFC 6335: at most 15 letters, digits and hyphens, a letter among them.
	name, ok := strings.CutSuffix(strings.TrimPrefix(mdnsService(ours), "_"), "._udp")
	if !ok || len(name) > 15 {
		t.Errorf("service is %s", mdnsService(ours))
	}
}

// Anybody in the local network can make up peers there.
func TestFoundPeersAreBounded(t *testing.T) {
	n := start(t, Config{Manifest: testManifest("found"), Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	nowhere, err := parseListen([]string{"/ip4/127.0.0.1/tcp/1"})
	if err != nil {
		t.Fatal(err)
	}
	for range maxFound + 5 {
		found{n}.HandlePeerFound(peer.AddrInfo{ID: testIdentity(t).id, Addrs: nowhere})
	}
	n.peersMu.Lock()
	defer n.peersMu.Unlock()
	if len(n.keepers) != maxFound {
		t.Errorf("%d peers are dialled", len(n.keepers))
	}
}
