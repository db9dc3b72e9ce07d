package p2p

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/bristle-fl/bristled/federation"
)

// prototypeManifest is a small valid federation with prototypes.
func prototypeManifest(name string) *federation.Manifest {
	m := testManifest(name)
	m.Prototypes = federation.PrototypeSpec{Use: true, Least: 2}
	return m
}

// testSet is a set of two classes; fill tells two apart.
func testSet(m *federation.Manifest, sender federation.PeerID, epoch uint64, fill float32) *federation.Prototypes {
	head := federation.NewHead(len(m.Classes), m.Backbone.Features)
	for i := range head.Weights {
		head.Weights[i] = fill + float32(i%5)
	}
	return &federation.Prototypes{Federation: m.ID(), Sender: sender, Epoch: epoch, Samples: []int{10, 20}, Means: head.Select([]int{3, 7})}
}

// naming is an update that names a set.
func naming(m *federation.Manifest, set *federation.Prototypes, seq uint64) *federation.Update {
	u := testUpdate(m, set.Sender, seq, 1)
	u.Prototypes, u.Epoch = set.Hash(), set.Epoch
	return u
}

// publishSet publishes a set and the update that names it.
func publishSet(t testing.TB, n *Network, m *federation.Manifest, epoch, seq uint64) *federation.Prototypes {
	t.Helper()
	set := testSet(m, n.ID(), epoch, float32(epoch))
	if err := n.PublishPrototypes(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	publish(t, n, naming(m, set, seq))
	return set
}

// collectSets reads the sets that n hands out until it has one of each of the
// senders with the wanted hash, publishing in between as rounds do.
func collectSets(t testing.TB, n *Network, want map[federation.PeerID]federation.Hash, again func()) {
	t.Helper()
	got := map[federation.PeerID]federation.Hash{}
	round := 0
	eventually(t, "all sets have come", func() bool {
		if round++; round%50 == 49 {
			again()
		}
		select {
		case set := <-n.Prototypes():
			got[set.Sender] = set.Hash()
		default:
		}
		for sender, hash := range want {
			if got[sender] != hash {
				return false
			}
		}
		return true
	})
}

// Sets travel with updates over several hops, in both kinds of gossip, and who
// comes late gets them too.
func TestSetsFollowUpdates(t *testing.T) {
	for _, maxPeers := range []int{floodPeers, floodPeers + 1} {
		m := prototypeManifest("sets")
		m.Wire.MaxPeers = maxPeers
		a := start(t, Config{Manifest: m})
		b := start(t, Config{Manifest: m, Peers: a.Addrs()})
		c := start(t, Config{Manifest: m, Peers: b.Addrs()})
		members(t, a, 1)
		members(t, b, 2)
		members(t, c, 1)
		seq := uint64(1)
		all := []*Network{a, b, c}
		hashes := map[federation.PeerID]federation.Hash{}
		for _, n := range all {
			hashes[n.ID()] = publishSet(t, n, m, 4, seq).Hash()
		}
		again := func() {
			seq++
			for _, n := range all {
				publish(t, n, naming(m, testSet(m, n.ID(), 4, 4), seq))
			}
		}
		others := func(n *Network) map[federation.PeerID]federation.Hash {
			want := map[federation.PeerID]federation.Hash{}
			for _, o := range all {
				if o != n {
					want[o.ID()] = hashes[o.ID()]
				}
			}
			return want
		}
		for _, n := range all {
			collectSets(t, n, others(n), again)
		}
		late := start(t, Config{Manifest: m, Peers: c.Addrs()})
		members(t, late, 1)
		collectSets(t, late, others(late), again)
		// Once each: more updates bring no more sets.
		again()
		for _, n := range all {
			select {
			case set := <-n.Prototypes():
				t.Errorf("%s has come again", set.Sender)
			default:
			}
			if s := n.Stats(); s.Prototypes != 2 {
				t.Errorf("%d sets came, want 2", s.Prototypes)
			}
		}
		// A new epoch brings a new set.
		seq++
		next := publishSet(t, a, m, 5, seq)
		collectSets(t, b, map[federation.PeerID]federation.Hash{a.ID(): next.Hash()}, func() {
			seq++
			publish(t, a, naming(m, next, seq))
		})
	}
}

func TestPublishingPrototypesIsRefused(t *testing.T) {
	m := prototypeManifest("refused")
	n := start(t, Config{Manifest: m})
	if err := n.PublishPrototypes(t.Context(), testSet(m, testIdentity(t).ID(), 1, 1)); !errors.Is(err, ErrNotOurs) {
		t.Errorf("the set of another: %v", err)
	}
	few := testSet(m, n.ID(), 1, 1)
	few.Samples[0] = 1
	if err := n.PublishPrototypes(t.Context(), few); !errors.Is(err, federation.ErrMalformed) {
		t.Errorf("the mean of one sample: %v", err)
	}
	publishSet(t, n, m, 3, 1)
	for _, set := range []*federation.Prototypes{testSet(m, n.ID(), 3, 9), testSet(m, n.ID(), 2, 1)} {
		if err := n.Publish(t.Context(), naming(m, set, 2)); !errors.Is(err, ErrContradiction) {
			t.Errorf("another set for epoch %d: %v", set.Epoch, err)
		}
	}
	publish(t, n, testUpdate(m, n.ID(), 2, 1)) // without a set
	without := start(t, Config{Manifest: testManifest("without")})
	if err := without.PublishPrototypes(t.Context(), testSet(m, without.ID(), 1, 1)); !errors.Is(err, ErrNoPrototypes) {
		t.Errorf("in a federation without: %v", err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.PublishPrototypes(t.Context(), testSet(m, n.ID(), 3, 3)); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	for _, closed := range []bool{done(n.Prototypes()), done(n.Equivocations())} {
		if !closed {
			t.Error("a channel is still open")
		}
	}
}

func done[T any](c <-chan T) bool {
	select {
	case _, open := <-c:
		return !open
	case <-time.After(patience):
		return false
	}
}

// Whatever is answered to a question, nothing comes of it but strikes for those
// who must have known better, and the next source is asked.
func TestHostileLibrary(t *testing.T) {
	m := prototypeManifest("hostile")
	liar := testIdentity(t)
	honest := testSet(m, liar.ID(), 1, 1)
	good, err := honest.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	other, err := testSet(m, liar.ID(), 1, 2).Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		answer  []byte
		reset   bool
		strikes int
	}{
		"nothing":     {},
		"reset":       {reset: true},
		"another set": {answer: other, strikes: 1},
		"too much":    {answer: make([]byte, 1<<20)},
		"half":        {answer: good[:len(good)/2], strikes: 1},
	} {
		t.Run(name, func(t *testing.T) {
			n := start(t, Config{Manifest: m})
			a := newAttacker(t, m, n)
			asked := make(chan struct{}, 10)
			a.host.SetStreamHandler(prototypesProtocol(m.ID()), func(s network.Stream) {
				asked <- struct{}{}
				if c.reset {
					_ = s.Reset()
					return
				}
				_, _ = s.Write(c.answer)
				_ = s.Close()
			})
			a.send(encode(t, m, naming(m, honest, 1)), asIdentity(liar))
			<-asked
			strikes := func() int {
				n.guard.mu.Lock()
				defer n.guard.mu.Unlock()
				o, _ := n.guard.offenders.Peek(a.host.ID())
				return o.strikes
			}
			eventually(t, "the answer is judged", func() bool {
				n.library.mu.Lock()
				defer n.library.mu.Unlock()
				return n.library.fetches == 0
			})
			if got := strikes(); got != c.strikes {
				t.Errorf("%d strikes, want %d", got, c.strikes)
			}
			// A second later somebody else has it.
			helper := start(t, Config{Manifest: m, Identity: liar, Peers: n.Addrs()})
			members(t, helper, 1)
			if err := helper.PublishPrototypes(t.Context(), honest); err != nil {
				t.Fatal(err)
			}
			seq := uint64(1)
			collectSets(t, n, map[federation.PeerID]federation.Hash{liar.ID(): honest.Hash()}, func() {
				seq++
				publish(t, helper, naming(m, honest, seq))
			})
		})
	}
}

// A hash of something that is no set of the sender's is the sender's own fault,
// and nobody asks again.
func TestUselessCommitment(t *testing.T) {
	m := prototypeManifest("useless")
	stranger := testIdentity(t)
	n := start(t, Config{Manifest: m})
	a := newAttacker(t, m, n)
	asked := make(chan struct{}, 10)
	b, err := testSet(m, stranger.ID(), 1, 1).Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	a.host.SetStreamHandler(prototypesProtocol(m.ID()), func(s network.Stream) {
		asked <- struct{}{}
		_, _ = s.Write(b)
		_ = s.Close()
	})
	u := testUpdate(m, a.id, 1, 1)
	u.Epoch, u.Prototypes = 1, testSet(m, stranger.ID(), 1, 1).Hash() // another's
	a.send(encode(t, m, u))
	<-asked
	eventually(t, "a strike", func() bool {
		n.guard.mu.Lock()
		defer n.guard.mu.Unlock()
		o, _ := n.guard.offenders.Peek(a.host.ID())
		return o.strikes == 1
	})
	time.Sleep(fetchFirst + fetchFirst/2)
	u.Seq = 2
	a.send(encode(t, m, u))
	eventually(t, "the update came", func() bool { return n.Stats().Received == 2 })
	select {
	case <-asked:
		t.Error("asked again")
	case <-time.After(100 * time.Millisecond):
	}
	if s := n.Stats(); s.Prototypes != 0 {
		t.Errorf("%+v", s)
	}
}

func TestLibraryWants(t *testing.T) {
	clock := time.Unix(0, 0)
	l := newLibrary(8, func() time.Time { return clock })
	sources := func(p ...peer.ID) []peer.ID { return p }
	set := func(n byte) federation.Hash { return federation.Hash{n} }
	first := l.want("a", 1, set(1), sources("a"))
	if first == nil || first.source != "a" {
		t.Fatal("nobody is asked")
	}
	if l.want("a", 1, set(1), sources("b")) != nil {
		t.Error("asked twice at once")
	}
	l.end(first, nil, false)
	if l.want("a", 1, set(1), sources("b", "a")) != nil {
		t.Error("asked again at once")
	}
	clock = clock.Add(2 * fetchFirst)
	second := l.want("a", 1, set(1), sources("b", "a"))
	if second == nil || second.source != "a" {
		t.Fatalf("the second try asks %+v, want the other source", second)
	}
	if l.want("a", 2, set(2), sources("a")) != nil {
		t.Error("another epoch within a second")
	}
	l.end(second, []byte{1}, false)
	if b, own, ok := l.lend("x", set(1)); !ok || own || !slices.Equal(b, []byte{1}) {
		t.Errorf("lends %v, %v", b, ok)
	}
	clock = clock.Add(2 * fetchFirst)
	third := l.want("a", 2, set(2), sources("a"))
	if third == nil {
		t.Fatal("a new epoch is not asked for")
	}
	l.end(third, nil, true)
	clock = clock.Add(time.Hour)
	if l.want("a", 2, set(2), sources("a")) != nil || l.want("a", 1, set(1), sources("a")) != nil {
		t.Error("asked for what is useless, or old")
	}
	if b, _, ok := l.lend("x", set(2)); !ok || b != nil {
		t.Error("lends what it does not have")
	}
	// No peer is asked for more than two sets at once, and all together for
	// sixteen.
	one := 0
	for i := range 5 {
		if l.want(peer.ID(rune('f'+i)), 1, set(byte(10+i)), sources("slow")) != nil {
			one++
		}
	}
	for i := range 30 {
		if l.want(peer.ID(rune('A'+i)), 1, set(byte(50+i)), sources(peer.ID(rune('A'+i)))) != nil {
			one++
		}
	}
	if one != maxFetches || l.asked["slow"] != maxFetchesOne {
		t.Errorf("%d fetches at once, %d from one", one, l.asked["slow"])
	}
	// Nor does anybody get answers without end.
	answers := 0
	for range 1000 {
		if _, _, ok := l.lend("greedy", set(1)); ok {
			answers++
		}
	}
	if answers != servedBurst {
		t.Errorf("%d answers", answers)
	}
	if _, _, ok := l.lend("modest", set(1)); !ok {
		t.Error("a greedy one takes from others")
	}
}
