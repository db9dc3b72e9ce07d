package p2p

import (
	"context"
	"io"
	"testing"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

// attacker speaks the federation's gossip and says what it likes.
type attacker struct {
	t     *testing.T
	id    federation.PeerID
	host  host.Host
	topic *pubsub.Topic
}

func newAttacker(t *testing.T, m *federation.Manifest, victim *Network) *attacker {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() {
		cancel()
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	ps, err := pubsub.NewGossipSub(ctx, h,
		pubsub.WithGossipSubProtocols([]protocol.ID{gossipProtocol(m)}, gossipFeature),
		pubsub.WithFloodPublish(true),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithPeerOutboundQueueSize(10_000),
		pubsub.WithMaxMessageSize(1<<24),
	)
	if err != nil {
		t.Fatal(err)
	}
	topic, err := ps.Join(gossipTopic(m.ID()))
	if err != nil {
		t.Fatal(err)
	}
	a := &attacker{t, peerID(h.ID()), h, topic}
	a.connect(victim)
	return a
}

func (a *attacker) connect(victim *Network) {
	a.t.Helper()
	if err := a.dial(victim); err != nil {
		a.t.Fatal(err)
	}
	eventually(a.t, "attacker sees the victim in the topic", func() bool {
		return len(a.topic.ListPeers()) > 0
	})
}

func (a *attacker) dial(victim *Network) error {
	infos, err := parsePeers(victim.Addrs(), a.host.ID())
	if err != nil {
		a.t.Fatal(err)
	}
	return a.host.Connect(a.t.Context(), infos[0])
}

func (a *attacker) send(data []byte, options ...pubsub.PubOpt) {
	a.t.Helper()
	if err := a.topic.Publish(a.t.Context(), data, options...); err != nil {
		a.t.Fatal(err)
	}
}

func (a *attacker) connected() bool { return len(a.host.Network().Peers()) > 0 }

func encode(t testing.TB, m *federation.Manifest, u *federation.Update) []byte {
	t.Helper()
	b, err := u.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// asIdentity publishes a message that another key signs.
func asIdentity(i Identity) pubsub.PubOpt {
	return pubsub.WithSecretKeyAndPeerId(i.key, i.id)
}

// rawAttacker writes pubsub's frames by itself, for what pubsub would not.
type rawAttacker struct {
	t      *testing.T
	host   host.Host
	stream network.Stream
}

func newRawAttacker(t *testing.T, m *federation.Manifest, victim *Network) *rawAttacker {
	t.Helper()
	h, err := libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	h.SetStreamHandler(gossipProtocol(m), func(s network.Stream) {
		_, _ = io.Copy(io.Discard, s)
		_ = s.Reset()
	})
	infos, err := parsePeers(victim.Addrs(), h.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(t.Context(), infos[0]); err != nil {
		t.Fatal(err)
	}
	s, err := h.NewStream(t.Context(), victim.self, gossipProtocol(m))
	if err != nil {
		t.Fatal(err)
	}
	return &rawAttacker{t, h, s}
}

// send writes one frame. The victim may have hung up: that is not an error
// here.
func (a *rawAttacker) send(rpc *pb.RPC) {
	a.t.Helper()
	b, err := proto.Marshal(rpc)
	if err != nil {
		a.t.Fatal(err)
	}
	_, _ = a.stream.Write(protowire.AppendBytes(nil, b))
}
