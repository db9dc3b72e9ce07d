package p2p

import (
	"bufio"
	"crypto/sha256"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

// tap is a member that reads by itself all that a peer sends to it, and keeps
// the messages.
type tap struct {
	traffic
	host host.Host
	out  network.Stream // to the peer

	mu       sync.Mutex
	received map[protocol.ID]uint64 // bytes, by protocol
	messages []*pb.Message
}

func (p *tap) LogRecvMessageStream(size int64, id protocol.ID, _ peer.ID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if size > 0 {
		p.received[id] += uint64(size)
	}
}

func newTap(t *testing.T, m *federation.Manifest, n *Network) *tap {
	t.Helper()
	p := &tap{received: map[protocol.ID]uint64{}}
	var err error
	p.host, err = libp2p.New(libp2p.NoListenAddrs, libp2p.DisableMetrics(), libp2p.BandwidthReporter(p))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.host.Close(); err != nil {
			t.Error(err)
		}
	})
	p.host.SetStreamHandler(gossipProtocol(m), p.listen)
	infos, err := parsePeers(n.Addrs(), p.host.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.host.Connect(t.Context(), infos[0]); err != nil {
		t.Fatal(err)
	}
	// It subscribes as a member does.
	if p.out, err = p.host.NewStream(t.Context(), n.self, gossipProtocol(m)); err != nil {
		t.Fatal(err)
	}
	topic := &pb.RPC_SubOpts{Subscribe: proto.Bool(true), Topicid: proto.String(gossipTopic(m.ID()))}
	if err := p.say(&pb.RPC{Subscriptions: []*pb.RPC_SubOpts{topic}}); err != nil {
		t.Fatal(err)
	}
	return p
}

// say writes a frame to the peer.
func (p *tap) say(rpc *pb.RPC) error {
	b, err := proto.Marshal(rpc)
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(varint.ToUvarint(uint64(len(b))), b...))
	return err
}

// listen keeps the messages of a gossip stream, and asks for those that it is
// told of, once each.
func (p *tap) listen(s network.Stream) {
	defer func() { _ = s.Reset() }()
	in := bufio.NewReader(s)
	asked := map[string]bool{}
	for {
		size, err := varint.ReadUvarint(in)
		if err != nil {
			return
		}
		b, rpc := make([]byte, size), &pb.RPC{}
		if _, err := io.ReadFull(in, b); err != nil {
			return
		}
		if err := proto.Unmarshal(b, rpc); err != nil {
			return
		}
		p.mu.Lock()
		p.messages = append(p.messages, rpc.GetPublish()...)
		for _, message := range rpc.GetPublish() {
			asked[messageID(message)] = true
		}
		p.mu.Unlock()
		want := &pb.ControlIWant{}
		for _, have := range rpc.GetControl().GetIhave() {
			for _, id := range have.GetMessageIDs() {
				if !asked[id] {
					asked[id] = true
					want.MessageIDs = append(want.MessageIDs, id)
				}
			}
		}
		if want.MessageIDs != nil {
			if err := p.say(&pb.RPC{Control: &pb.ControlMessage{Iwant: []*pb.ControlIWant{want}}}); err != nil {
				return
			}
		}
	}
}

// ask asks for a set, as prototypesProtocol says.
func (p *tap) ask(t *testing.T, m *federation.Manifest, n *Network, set federation.Hash) []byte {
	t.Helper()
	s, err := p.host.NewStream(t.Context(), n.self, prototypesProtocol(m.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(set[:]); err != nil {
		t.Fatal(err)
	}
	if err := s.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(s) // nothing, if it is refused
	_ = s.Reset()
	return b
}

// Whoever reads all that a peer sends finds nothing in it that is not in the
// ledger: every byte of every protocol is counted, and every message of the
// peer's own has its sum there, which was recorded for this reader.
func TestNothingElseIsSent(t *testing.T) {
	m := prototypeManifest("tap")
	records := &book{}
	n := start(t, Config{Manifest: m, Ledger: records})
	other := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, n, 1)
	set := publishSet(t, n, m, 1, 1) // before the tap is there
	p := newTap(t, m, n)
	members(t, n, 2)
	for seq := uint64(2); seq < 12; seq++ {
		publish(t, n, naming(m, set, seq))
		publish(t, other, testUpdate(m, other.ID(), seq, 2))
	}
	answer := p.ask(t, m, n, set.Hash())
	if b := p.ask(t, m, n, federation.Hash{1}); len(b) != 0 {
		t.Errorf("%d bytes of a set that is not there", len(b))
	}
	tapID := peerID(p.host.ID())
	eventually(t, "the tap has what was sent to it", func() bool {
		if err := n.recordTraffic(); err != nil {
			t.Fatal(err)
		}
		var gossip uint64
		for _, e := range records.of(KindTraffic) {
			if slices.Equal(e.To, []federation.PeerID{tapID}) && e.Protocol == string(gossipProtocol(m)) {
				gossip += e.Bytes
			}
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		var all uint64
		for _, bytes := range p.received {
			all += bytes
		}
		sum := records.total(tapID)
		messages := sum.HeadRows.Count + sum.Forwarded.Count
		return len(p.messages) >= 21 && messages == uint64(len(p.messages)) && all == sum.Bytes && gossip == p.received[gossipProtocol(m)]
	})

	to := func(e Sent) bool { return slices.Contains(e.To, tapID) }
	recorded := map[federation.Hash]Kind{}
	for _, kind := range []Kind{KindHeadRows, KindMeans} {
		for _, e := range records.of(kind) {
			if to(e) || e.Seq == 1 { // which the tap may have asked for
				recorded[e.SHA256] = kind
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var own, others Share
	for _, message := range p.messages {
		if string(message.GetFrom()) != string(n.self) {
			others.add(Share{1, uint64(len(message.GetData()))})
			continue
		}
		own.add(Share{1, uint64(len(message.GetData()))})
		if got := recorded[sha256.Sum256(message.GetData())]; got != KindHeadRows {
			t.Errorf("a message in topic %s is recorded as %q", message.GetTopic(), got)
		}
	}
	if got := recorded[sha256.Sum256(answer)]; len(answer) == 0 || got != KindMeans {
		t.Errorf("an answer of %d bytes is recorded as %q", len(answer), got)
	}
	sum := records.total(tapID)
	if got := sum.HeadRows; got != own || sum.Forwarded != others ||
		sum.MeansSent != (Share{1, uint64(len(answer))}) || own.Count < 10 || others.Count < 10 {
		t.Errorf("the tap got %+v and %+v of others, the ledger has %+v", own, others, sum)
	}
	known := []protocol.ID{"", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", gossipProtocol(m), prototypesProtocol(m.ID())}
	for id := range p.received {
		if !slices.Contains(known, id) {
			t.Errorf("protocol %s", id)
		}
	}
	// What an officer reads of a message.
	first := records.of(KindHeadRows)[0]
	if first.Seq != 1 || first.Round != 1 || first.Epoch != 1 || first.Rows != 1 || !slices.Equal(first.Claims, []string{"0"}) ||
		!slices.Equal(first.To, []federation.PeerID{other.ID()}) || first.Bytes == 0 {
		t.Errorf("head rows: %+v", first)
	}
	offer := records.of(KindMeansOffered)
	if len(offer) != 1 || offer[0].SHA256 != set.Hash() || !slices.Equal(offer[0].Means, []string{"3", "7"}) ||
		!slices.Equal(offer[0].Samples, []int{10, 20}) || len(offer[0].To) > 0 {
		t.Errorf("offer: %+v", offer)
	}
}
