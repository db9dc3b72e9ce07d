package p2p

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

var errFull = errors.New("no room in the book")

// What the ledger does not take is not sent, and may be sent later.
func TestWhatIsNotRecordedIsNotSent(t *testing.T) {
	m := prototypeManifest("unrecorded")
	records := &book{}
	var log logBuffer
	n := start(t, Config{Manifest: m, Ledger: records, Log: log.logger()})
	other := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, n, 1)
	members(t, other, 1)
	set := testSet(m, n.ID(), 1, 1)

	records.failWith(errFull)
	for what, err := range map[string]error{
		"an update":  n.Publish(t.Context(), testUpdate(m, n.ID(), 1, 1)),
		"prototypes": n.PublishPrototypes(t.Context(), set),
		"traffic":    n.recordTraffic(),
	} {
		if !errors.Is(err, ErrNotRecorded) || !errors.Is(err, errFull) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, own, _ := n.library.lend("x", set.Hash()); own {
		t.Error("the set can be asked for")
	}
	if s := n.Stats(); s.Published != 0 || s.SentBytes != 0 {
		t.Errorf("%+v", s)
	}

	// The same again with room for it. Nothing was lost of the traffic.
	records.failWith(nil)
	if err := n.PublishPrototypes(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	records.failWith(errFull) // who asks for the set gets none
	if n.recordAnswer(other.self, []byte("set")) {
		t.Error("an answer that is not recorded")
	}
	if log.count("asks for this peer's prototypes and gets none") != 1 {
		t.Error("nothing in the log")
	}
	records.failWith(nil)
	publish(t, n, naming(m, set, 1))
	if u := next(t, other); u.Seq != 1 {
		t.Errorf("got %d", u.Seq)
	}
	collectSets(t, other, map[federation.PeerID]federation.Hash{n.ID(): set.Hash()}, func() {})
	if got := records.of(KindMeans); len(got) != 1 || got[0].SHA256 != set.Hash() || !slices.Equal(got[0].To, []federation.PeerID{other.ID()}) {
		t.Errorf("answers: %+v", got)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if sum := records.total(""); sum.Bytes != n.Stats().TrafficOut {
		t.Errorf("the ledger has %d bytes of %d", sum.Bytes, n.Stats().TrafficOut)
	}
	if err := n.Publish(t.Context(), testUpdate(m, n.ID(), 2, 1)); !errors.Is(err, ErrClosed) || len(records.of(KindHeadRows)) != 1 {
		t.Errorf("after Close: %v, %d recorded", err, len(records.of(KindHeadRows)))
	}
}

// A ledger that fails keeps a network from starting, and its end from being a
// good one.
func TestLedgerFailsAtTheEnds(t *testing.T) {
	m := testManifest("ends")
	records := &book{fail: errFull}
	config := Config{Identity: testIdentity(t), Manifest: m, Ledger: records, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, MDNS: false}
	if _, err := Start(t.Context(), config); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, errFull) {
		t.Errorf("starting: %v", err)
	}
	records.failWith(nil)
	n, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	records.failWith(errFull)
	if err := n.Close(); !errors.Is(err, ErrNotRecorded) || !errors.Is(err, errFull) {
		t.Errorf("closing: %v", err)
	}
	if got := records.of(KindStart); len(got) != 1 || !slices.Equal(got[0].Listen, config.Listen) || len(records.of(KindStop)) != 0 {
		t.Errorf("entries %+v", records.entries)
	}
	// A start that fails for another reason has its end too.
	records.failWith(nil)
	config.Listen = []string{"/ip4/127.0.0.1/tcp/0/ws"}
	if _, err := Start(t.Context(), config); !errors.Is(err, ErrBadAddress) {
		t.Errorf("starting: %v", err)
	}
	if len(records.of(KindStart)) != 2 || len(records.of(KindStop)) != 1 {
		t.Errorf("entries %+v", records.entries)
	}
}

// curious is a ledger that uses the network while it is told.
type curious struct {
	book
	publish func()
}

func (c *curious) Record(entries []Sent) error {
	if entries[0].Kind == KindHeadRows && entries[0].Seq == 1 {
		c.publish()
	}
	return c.book.Record(entries)
}

// No lock is held while the ledger writes: whatever happens meanwhile counts.
func TestLedgerIsCalledWithoutLocks(t *testing.T) {
	m := testManifest("curious")
	records := &curious{}
	n := start(t, Config{Manifest: m, Ledger: records})
	records.publish = func() {
		n.Peers()
		n.Stats()
		publish(t, n, testUpdate(m, n.ID(), 2, 1))
	}
	if err := n.Publish(t.Context(), testUpdate(m, n.ID(), 1, 1)); !errors.Is(err, ErrUsedSequence) {
		t.Errorf("the first was overtaken, and got %v", err)
	}
	// What is refused anyway is not recorded.
	if err := n.Publish(t.Context(), testUpdate(m, n.ID(), 2, 1)); !errors.Is(err, ErrUsedSequence) {
		t.Errorf("got %v", err)
	}
	if got := records.of(KindHeadRows); len(got) != 2 || got[0].Seq != 2 || got[1].Seq != 1 {
		t.Errorf("recorded %+v", got)
	}
}

// Others can make the ledger grow so fast and no faster.
func TestAnswersAreBounded(t *testing.T) {
	m := prototypeManifest("answers")
	records := &book{}
	n := start(t, Config{Manifest: m, Ledger: records})
	for i := range 5000 {
		n.recordAnswer(peer.ID(fmt.Sprint(i)), []byte("set"))
	}
	if got := len(records.of(KindMeans)); got < answerBurst || got > answerBurst+20 {
		t.Errorf("%d entries", got)
	}
}

// Sent is written for people to read: what a kind does not have is not there.
func TestSentIsLegible(t *testing.T) {
	for want, sent := range map[string]Sent{
		`{"kind":"stop"}`: {Kind: KindStop},
		`{"kind":"head rows","to":["a"],"bytes":3,"sha256":"` + strings.Repeat("01", 32) + `","seq":2,"rows":1,"claims":["cat"]}`: {
			Kind: KindHeadRows, To: []federation.PeerID{"a"}, Bytes: 3, SHA256: federation.Hash([]byte(strings.Repeat("\x01", 32))), Seq: 2, Rows: 1, Claims: []string{"cat"},
		},
		`{"kind":"traffic","bytes":9,"writes":2,"forwarded":{"count":1,"bytes":4}}`: {Kind: KindTraffic, Bytes: 9, Writes: 2, Forwarded: Share{1, 4}},
	} {
		b, err := json.Marshal(sent)
		if err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
		var back Sent
		if err := json.Unmarshal(b, &back); err != nil || fmt.Sprint(back) != fmt.Sprint(sent) {
			t.Errorf("%+v comes back as %+v, %v", sent, back, err)
		}
	}
}

// The tally adds up to what went in, however often it is taken, given back, or
// full.
func TestTallyAddsUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type share struct {
			kind Kind
			id   protocol.ID
		}
		ids := []protocol.ID{"", "gossip", "identify"}
		kinds := []Kind{"", KindHeadRows, KindMeans}
		tl := newTally()
		wrote, writes := map[protocol.ID]uint64{}, map[protocol.ID]uint64{}
		counts, bytes := map[share]uint64{}, map[share]uint64{}
		gotWrote, gotWrites := map[protocol.ID]uint64{}, map[protocol.ID]uint64{}
		gotCounts, gotBytes := map[share]uint64{}, map[share]uint64{}
		take := func() {
			flows := tl.take()
			if len(flows) > maxFlows+len(ids) {
				t.Fatalf("%d flows", len(flows))
			}
			if rapid.Bool().Draw(t, "give back") {
				tl.giveBack(flows)
				return
			}
			for _, e := range entriesOf(flows) {
				id := protocol.ID(e.Protocol)
				gotWrote[id] += e.Bytes
				gotWrites[id] += e.Writes
				for kind, s := range map[Kind]Share{"": e.Forwarded, KindHeadRows: e.HeadRows, KindMeans: e.MeansSent} {
					if s.Count > 0 {
						gotCounts[share{kind, id}] += s.Count
						gotBytes[share{kind, id}] += s.Bytes
					}
				}
			}
		}
		peers := rapid.SampledFrom([]int{1, 3, 2 * maxFlows}).Draw(t, "peers")
		n := 0
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			for range rapid.IntRange(0, peers).Draw(t, "writes") {
				n++
				id, to := ids[n%3], peer.ID(fmt.Sprint(n*n%peers))
				tl.wrote(int64(n%7), id, to)
				if n%7 > 0 {
					wrote[id] += uint64(n % 7)
					writes[id]++
				}
				s := share{kinds[n/3%3], id}
				tl.message(s.kind, n%5, id, to)
				counts[s]++
				bytes[s] += uint64(n % 5)
			}
			take()
		}
		for len(tl.flows) > 0 {
			take()
		}
		if !maps.Equal(gotWrote, wrote) || !maps.Equal(gotWrites, writes) || !maps.Equal(gotCounts, counts) || !maps.Equal(gotBytes, bytes) {
			t.Fatalf("got %v %v %v %v, want %v %v %v %v", gotWrote, gotWrites, gotCounts, gotBytes, wrote, writes, counts, bytes)
		}
	})
}

// Counting takes no memory per write or message, and nothing at all of what
// comes in.
func TestCountingAllocatesNothing(t *testing.T) {
	n := &Network{self: "me", protocol: "gossip", traffic: traffic{tally: newTally()}}
	rpc := &pubsub.RPC{RPC: pb.RPC{Publish: []*pb.Message{
		{From: []byte("me"), Data: make([]byte, 10), Topic: proto.String("t")},
		{From: []byte("other"), Data: make([]byte, 7), Topic: proto.String("t")},
	}}}
	if allocs := testing.AllocsPerRun(1000, func() {
		n.traffic.LogSentMessageStream(100, "gossip", "peer")
		tracer{n}.SendRPCCompleted(rpc, "peer", 0)
	}); allocs > 0 {
		t.Errorf("%v allocations per write", allocs)
	}
	n.traffic.LogRecvMessageStream(100, "gossip", "stranger")
	entries := entriesOf(n.traffic.tally.take())
	if len(entries) != 1 || entries[0].HeadRows != (Share{1001, 10010}) || entries[0].Forwarded != (Share{1001, 7007}) || entries[0].Bytes != 100100 {
		t.Errorf("%+v", entries)
	}
}

func BenchmarkTally(b *testing.B) {
	tl := newTally()
	to := testIdentity(b).id
	id := gossipProtocol(testManifest("tally"))
	b.ReportAllocs()
	for b.Loop() {
		tl.wrote(1000, id, to)
	}
}
