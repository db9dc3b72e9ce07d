package p2p

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"testing"
	"time"

	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"google.golang.org/protobuf/proto"

	"github.com/bristle-fl/bristled/federation"
)

// A ring's worth of hops: 0-1-2-3-4 in a line, so that updates travel up to
// four hops in both kinds of gossip.
func TestFivePeersInALine(t *testing.T) {
	for _, maxPeers := range []int{floodPeers, floodPeers + 1} {
		t.Run(fmt.Sprintf("max_peers %d", maxPeers), func(t *testing.T) {
			m := testManifest("line")
			m.Wire.MaxPeers = maxPeers
			var line []*Network
			for i := range 5 {
				config := Config{Manifest: m}
				if i > 0 {
					config.Peers = line[i-1].Addrs()
				}
				line = append(line, start(t, config))
			}
			for i, n := range line {
				members(t, n, min(i, 1)+min(len(line)-1-i, 1))
			}
			// Gossip promises no delivery: publish until everybody has heard
			// of everybody, as rounds do.
			heard := make([]map[federation.PeerID]uint64, len(line))
			for i := range heard {
				heard[i] = map[federation.PeerID]uint64{}
			}
			seq, round := uint64(0), 0
			eventually(t, "all have heard of all", func() bool {
				if round++; round%50 == 1 {
					seq++
					for _, n := range line {
						publish(t, n, testUpdate(m, n.ID(), seq, 1))
					}
				}
				all := true
				for i, n := range line {
					for {
						select {
						case u := <-n.Updates():
							if u.Seq <= heard[i][u.Sender] {
								t.Fatalf("%d heard %d of %s after %d", i, u.Seq, u.Sender, heard[i][u.Sender])
							}
							heard[i][u.Sender] = u.Seq
							continue
						default:
						}
						break
					}
					all = all && len(heard[i]) == len(line)-1
				}
				return all
			})
		})
	}
}

func TestStaleUpdateIsIgnored(t *testing.T) {
	m := testManifest("stale")
	n := start(t, Config{Manifest: m})
	a := newAttacker(t, m, n)
	for i, seq := range []uint64{5, 5, 4, 1, 6} {
		u := testUpdate(m, a.id, seq, 1)
		u.Round = uint64(i) // another message each time
		before := n.Stats()
		a.send(encode(t, m, u))
		eventually(t, "it arrived", func() bool {
			after := n.Stats()
			return after.Received+after.Ignored > before.Received+before.Ignored
		})
	}
	if s := n.Stats(); s.Received != 2 || s.Ignored != 3 || s.Rejected != 0 {
		t.Errorf("%+v", s)
	}
	if u := next(t, n); u.Seq != 5 && u.Seq != 6 {
		t.Errorf("got %d", u.Seq)
	}
	if p := find(n, a.id); p.LastSeq != 6 {
		t.Errorf("last sequence number is %d", p.LastSeq)
	}
	if !a.connected() {
		t.Error("a peer with old updates was disconnected")
	}
}

// After a restart, what the store remembers decides what is new.
func TestSequenceNumbersSurviveRestart(t *testing.T) {
	m := testManifest("restart")
	sender, identity := testIdentity(t), testIdentity(t)
	last := map[federation.PeerID]uint64{sender.ID(): 7, identity.ID(): 3}
	n := start(t, Config{Manifest: m, Identity: identity, LastSeq: last})
	s := start(t, Config{Manifest: m, Identity: sender, Peers: n.Addrs()})
	members(t, s, 1)

	if err := n.Publish(t.Context(), testUpdate(m, n.ID(), 3, 1)); !errors.Is(err, ErrUsedSequence) {
		t.Errorf("published 3 again: %v", err)
	}
	members(t, n, 1)
	publish(t, n, testUpdate(m, n.ID(), 4, 1))
	if got := next(t, s); got.Seq != 4 {
		t.Errorf("got %d", got.Seq)
	}

	publish(t, s, testUpdate(m, s.ID(), 7, 1))
	eventually(t, "7 is ignored", func() bool { return n.Stats().Ignored == 1 })
	publish(t, s, testUpdate(m, s.ID(), 8, 1))
	if got := next(t, n); got.Seq != 8 {
		t.Errorf("got %d", got.Seq)
	}
}

func TestInvalidMessagesAreRejected(t *testing.T) {
	m := testManifest("invalid")
	other := testManifest("another")
	somebody := testIdentity(t)
	tests := []struct {
		name string
		send func(a *attacker)
	}{
		{"empty", func(a *attacker) { a.send(nil) }},
		{"garbage", func(a *attacker) { a.send([]byte("garbage")) }},
		{"cut off", func(a *attacker) {
			b := encode(t, m, testUpdate(m, a.id, 1, 2))
			a.send(b[:len(b)-1])
		}},
		{"update of another federation", func(a *attacker) {
			a.send(encode(t, other, testUpdate(other, a.id, 1, 2)))
		}},
		{"in the name of another", func(a *attacker) {
			a.send(encode(t, m, testUpdate(m, somebody.ID(), 1, 2)))
		}},
		{"larger than the manifest allows", func(a *attacker) {
			a.send(make([]byte, m.Wire.MaxMessage+1))
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := start(t, Config{Manifest: m})
			a := newAttacker(t, m, n)
			test.send(a)
			eventually(t, "it is rejected", func() bool { return n.Stats().Rejected == 1 })
			// One strike is not the end, and a good update counts.
			a.send(encode(t, m, testUpdate(m, a.id, 1, 2)))
			if got := next(t, n); got.Sender != a.id {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// What cannot be read from the stream costs the stream and nothing else.
func TestMessageAboveTheLinksLimit(t *testing.T) {
	m := testManifest("oversize")
	n := start(t, Config{Manifest: m})
	a := newAttacker(t, m, n)
	a.send(make([]byte, 10*messageLimit(m)))
	honest := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, honest, 1)
	publish(t, honest, testUpdate(m, honest.ID(), 1, 1))
	if got := next(t, n); got.Sender != honest.ID() {
		t.Errorf("got %+v", got)
	}
	if s := n.Stats(); s.Received != 1 {
		t.Errorf("%+v", s)
	}
}

func TestFloodOfInvalidMessages(t *testing.T) {
	m := testManifest("flood")
	var log logBuffer
	n := start(t, Config{Manifest: m, Log: log.logger()})
	honest := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, honest, 1)
	a := newAttacker(t, m, n)
	before := heapInUse()
	for i := range 1000 {
		a.send(binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	eventually(t, "the attacker is disconnected", func() bool { return !a.connected() })
	s := n.Stats()
	if got := heapAbove(before); got > 8<<20 {
		t.Errorf("%d KiB are held, want at most 8 MiB", got>>10)
	}
	// What was in the queue, and the one being looked at, when the ban came.
	if s.Bans != 1 || s.Rejected < maxStrikes || s.Rejected > maxStrikes+queueMost+1 {
		t.Errorf("banned %d after %d messages", s.Bans, s.Rejected)
	}
	if p := find(n, a.id); p.BannedUntil.IsZero() || p.Connected {
		t.Errorf("the ban does not show: %+v", p)
	}
	if log.count("too many invalid messages") != 1 {
		t.Error("not logged once")
	}
	// libp2p's dial succeeds before the other side has looked who it is.
	if err := a.dial(n); err != nil {
		t.Log(err) // or after: both are fine
	}
	eventually(t, "it is not let in again", func() bool { return !a.connected() && !find(n, a.id).Connected })

	publish(t, honest, testUpdate(m, honest.ID(), 1, 1))
	if got := next(t, n); got.Sender != honest.ID() {
		t.Errorf("got %+v", got)
	}
}

// Whoever forges messages is banned; the peer in whose name they are is not.
func TestForgedSignatures(t *testing.T) {
	m := testManifest("forged")
	signed := []byte("no signature")
	for _, signature := range [][]byte{nil, signed} {
		t.Run(string(signature), func(t *testing.T) {
			n := start(t, Config{Manifest: m})
			honest := start(t, Config{Manifest: m, Peers: n.Addrs()})
			members(t, honest, 1)
			a := newRawAttacker(t, m, n)
			for i := range maxStrikes {
				a.send(&pb.RPC{Publish: []*pb.Message{{
					From:      []byte(honest.self),
					Data:      encode(t, m, testUpdate(m, honest.ID(), uint64(100+i), 1)),
					Topic:     proto.String(gossipTopic(m.ID())),
					Seqno:     []byte{byte(i)},
					Signature: signature,
				}}})
			}
			eventually(t, "the forger is banned", func() bool {
				return !find(n, peerID(a.host.ID())).BannedUntil.IsZero()
			})
			if p := find(n, honest.ID()); !p.BannedUntil.IsZero() || p.LastSeq != 0 {
				t.Errorf("honest peer: %+v", p)
			}
			publish(t, honest, testUpdate(m, honest.ID(), 1, 1))
			if got := next(t, n); got.Seq != 1 {
				t.Errorf("got %d", got.Seq)
			}
		})
	}
}

// Somebody who stores a peer's updates and sends them again later, when
// pubsub has forgotten them, must neither renew them nor harm their sender.
func TestReplayedUpdates(t *testing.T) {
	m := testManifest("replay")
	n := start(t, Config{Manifest: m})
	victim := testIdentity(t)
	a := newAttacker(t, m, n)
	a.send(encode(t, m, testUpdate(m, victim.ID(), 10_000, 1)), asIdentity(victim))
	eventually(t, "the newest arrived", func() bool { return n.Stats().Received == 1 })
	const old = floodFactor*maxBurst + 100
	for seq := range uint64(old) {
		a.send(encode(t, m, testUpdate(m, victim.ID(), seq+1, 1)), asIdentity(victim))
	}
	eventually(t, "the old ones are ignored", func() bool { return n.Stats().Ignored+n.Stats().Overrun == old })
	if p := find(n, victim.ID()); !p.BannedUntil.IsZero() {
		t.Errorf("victim: %+v", p)
	}
	a.send(encode(t, m, testUpdate(m, victim.ID(), 10_001, 1)), asIdentity(victim))
	eventually(t, "a new one counts", func() bool { return n.Stats().Received == 2 })
}

// Whoever signs invalid messages is banned even if others bring them, and so
// are those.
func TestOriginOfInvalidMessagesIsBanned(t *testing.T) {
	m := testManifest("origin")
	n := start(t, Config{Manifest: m})
	origin := testIdentity(t)
	a := newAttacker(t, m, n)
	for i := range maxStrikes {
		a.send([]byte{byte(i)}, asIdentity(origin))
	}
	eventually(t, "both are banned", func() bool {
		return !find(n, a.id).BannedUntil.IsZero() && !find(n, origin.ID()).BannedUntil.IsZero()
	})
}

// heapAbove returns by how much what is alive exceeds before.
func heapAbove(before uint64) int64 { return int64(heapInUse()) - int64(before) }

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Many keys send as many valid updates of the largest kind as they can. What
// gets through lies in pubsub's memory for some seconds; it must be little,
// and whoever goes on is shut out.
func TestFloodOfValidUpdates(t *testing.T) {
	m := testManifest("valid flood")
	m.Backbone.Features = 400
	m.Wire.Rows = federation.RowsInt8
	m.Wire.MaxMessage = m.MaxUpdateSize()
	const (
		keys = 10
		each = 600
		// Of each key, what it may send at once and in three heartbeats: 250
		// messages of 4 KiB and as much as 1 KiB of pubsub's own around each.
		budget = 20 << 20
	)
	n := start(t, Config{Manifest: m})
	// Two messages take a millisecond, however slow this machine is.
	var clock time.Time
	n.senders.mu.Lock()
	n.senders.now = func() time.Time {
		clock = clock.Add(time.Millisecond / 2)
		return clock
	}
	n.senders.mu.Unlock()
	a := newRawAttacker(t, m, n)
	// Who listens to nothing is hung up on after a while (deaf.go).
	a.send(&pb.RPC{Subscriptions: []*pb.RPC_SubOpts{{Subscribe: proto.Bool(true), Topicid: proto.String(gossipTopic(m.ID()))}}})
	go func() {
		for range n.Updates() {
		}
	}()
	identities := make([]Identity, keys)
	for i := range identities {
		identities[i] = testIdentity(t)
	}
	before := heapInUse()
	arrived := func() uint64 { s := n.Stats(); return s.Received + s.Ignored }
	sent := uint64(0)
	for seq := uint64(1); seq <= each; seq++ {
		for _, identity := range identities {
			a.send(&pb.RPC{Publish: []*pb.Message{signed(t, m, identity, testUpdate(m, identity.ID(), seq, len(m.Classes)))}})
			sent++
		}
		if seq%10 == 0 { // or the queue in front of the validator overflows
			eventually(t, "they arrived", func() bool { return arrived() == sent })
		}
	}
	if got := heapAbove(before); got > budget {
		t.Errorf("%d KiB are held, want at most %d", got>>10, budget>>10)
	} else {
		t.Logf("%d KiB are held", got>>10)
	}
	s := n.Stats()
	if s.Received < keys*maxBurst || s.Ignored == 0 || s.Bans != 0 {
		t.Errorf("%+v", s)
	}
	for seq := uint64(each + 1); n.Stats().Bans == 0; seq++ {
		if seq > 20_000 {
			t.Fatalf("never banned: %+v", n.Stats())
		}
		u := testUpdate(m, identities[0].ID(), seq, 1)
		a.send(&pb.RPC{Publish: []*pb.Message{signed(t, m, identities[0], u)}})
	}
}

// A full table turns newcomers away while all in it have been heard of lately,
// except those that the configuration names. The tests of senders say more.
func TestNewcomersBeyondMaxPeersAreIgnored(t *testing.T) {
	m := testManifest("crowd")
	m.Wire.MaxPeers = 2
	var log logBuffer
	named := testIdentity(t)
	n := start(t, Config{
		Manifest: m, Log: log.logger(), Peers: []string{"/ip4/127.0.0.1/tcp/1/p2p/" + string(named.ID())},
	})
	a := newAttacker(t, m, n)
	arrived := uint64(0)
	send := func(sender Identity) {
		t.Helper()
		a.send(encode(t, m, testUpdate(m, sender.ID(), 1, 1)), asIdentity(sender))
		arrived++
		eventually(t, "it arrived", func() bool { s := n.Stats(); return s.Received+s.Ignored == arrived })
	}
	for range 4 {
		send(testIdentity(t))
	}
	if s := n.Stats(); s.Received != 2 || s.Ignored != 2 || s.Bans != 0 {
		t.Errorf("%+v", s)
	}
	send(named)
	if s := n.Stats(); s.Received != 3 || s.Bans != 0 {
		t.Errorf("the configured peer has no place: %+v", s)
	}
	if got := log.count("newcomers wait"); got != 1 {
		t.Errorf("logged %d times", got)
	}
}

func TestSlowReaderGetsTheNewest(t *testing.T) {
	m := testManifest("slow")
	n := start(t, Config{Manifest: m})
	a := start(t, Config{Manifest: m, Peers: n.Addrs()})
	b := start(t, Config{Manifest: m, Peers: n.Addrs()})
	members(t, a, 1)
	members(t, b, 1)
	publish(t, b, testUpdate(m, b.ID(), 1, 1)) // the quiet one
	eventually(t, "it is waiting", func() bool { return n.Stats().Received == 1 })
	const busy = 100
	for seq := uint64(1); seq <= busy; seq++ {
		publish(t, a, testUpdate(m, a.ID(), seq, 1))
	}
	eventually(t, "all arrived", func() bool { return n.Stats().Received == busy+1 })
	// One update may have been on its way to the reader before the newer
	// ones came; what is left is the newest of each.
	got := map[federation.PeerID]uint64{}
	for got[a.ID()] < busy || got[b.ID()] < 1 {
		u := next(t, n)
		if u.Seq <= got[u.Sender] {
			t.Fatalf("%d of %s after %d", u.Seq, u.Sender, got[u.Sender])
		}
		got[u.Sender] = u.Seq
	}
	if s := n.Stats(); s.Superseded < busy-2 || s.Overrun != 0 {
		t.Errorf("%+v", s)
	}
}

func TestPublishRefuses(t *testing.T) {
	m, other := testManifest("refuse"), testManifest("other")
	n := start(t, Config{Manifest: m})
	publish(t, n, testUpdate(m, n.ID(), 2, 1))
	tests := []struct {
		name   string
		update *federation.Update
		want   error
	}{
		{"used number", testUpdate(m, n.ID(), 2, 1), ErrUsedSequence},
		{"smaller number", testUpdate(m, n.ID(), 1, 1), ErrUsedSequence},
		{"number 0", testUpdate(m, n.ID(), 0, 1), federation.ErrMalformed},
		{"another's", testUpdate(m, testIdentity(t).ID(), 3, 1), ErrNotOurs},
		{"another federation", testUpdate(other, n.ID(), 3, 1), federation.ErrWrongFederation},
		{"no class", testUpdate(m, n.ID(), 3, 0), federation.ErrMalformed},
	}
	for _, test := range tests {
		if err := n.Publish(t.Context(), test.update); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
	if s := n.Stats(); s.Published != 1 || s.PublishedBytes != uint64(len(encode(t, m, testUpdate(m, n.ID(), 2, 1)))) {
		t.Errorf("%+v", s)
	}
}

// The manifest makes room for every update it allows, so one that is too
// large needs a manifest that has changed behind our back.
func TestPublishTooLarge(t *testing.T) {
	m := testManifest("too large")
	n := start(t, Config{Manifest: m})
	m.Wire.MaxMessage /= 2
	u := testUpdate(m, n.ID(), 1, len(m.Classes))
	if err := n.Publish(t.Context(), u); !errors.Is(err, federation.ErrTooLarge) {
		t.Errorf("published: %v", err)
	}
}

func TestMessageID(t *testing.T) {
	number := func(n byte) []byte { return []byte{n} }
	base := &pb.Message{From: []byte("a"), Data: []byte("x"), Seqno: number(1)}
	if messageID(base) != messageID(&pb.Message{From: []byte("a"), Data: []byte("x"), Seqno: number(2)}) {
		t.Error("pubsub's number, which is a clock, is in the ID")
	}
	if messageID(base) == messageID(&pb.Message{From: []byte("b"), Data: []byte("x"), Seqno: number(1)}) {
		t.Error("the sender is not in the ID")
	}
	if messageID(base) == messageID(&pb.Message{From: []byte("a"), Data: []byte("y"), Seqno: number(1)}) {
		t.Error("the content is not in the ID")
	}
}
