package p2p

import (
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// book is a ledger in memory.
type book struct {
	mu      sync.Mutex
	entries []Sent
	fail    error // what Record returns
}

func (b *book) Record(entries []Sent) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return b.fail
	}
	b.entries = append(b.entries, entries...)
	return nil
}

func (b *book) failWith(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fail = err
}

// of returns the entries of a kind.
func (b *book) of(kind Kind) []Sent {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(func(yield func(Sent) bool) {
		for _, e := range b.entries {
			if e.Kind == kind && !yield(e) {
				return
			}
		}
	})
}

// total adds up the traffic to a peer, to all for "".
func (b *book) total(to federation.PeerID) (sum Sent) {
	for _, e := range b.of(KindTraffic) {
		if to != "" && !slices.Equal(e.To, []federation.PeerID{to}) {
			continue
		}
		sum.Bytes += e.Bytes
		sum.Writes += e.Writes
		sum.HeadRows.add(e.HeadRows)
		sum.MeansSent.add(e.MeansSent)
		sum.Forwarded.add(e.Forwarded)
	}
	return sum
}

// wire is a TCP proxy in front of a network that counts what goes over it.
type wire struct {
	addr             string // to dial instead of the network's
	toHost, fromHost atomic.Int64
	listening, open  sync.WaitGroup
	connections      atomic.Int64
}

func newWire(t *testing.T, n *Network) *wire {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	target, id, _ := strings.Cut(n.Addrs()[0], "/p2p/")
	_, port, _ := strings.Cut(target, "/tcp/")
	_, own, _ := net.SplitHostPort(l.Addr().String())
	w := &wire{addr: "/ip4/127.0.0.1/tcp/" + own + "/p2p/" + id}
	pass := func(to, from net.Conn, count *atomic.Int64) {
		w.open.Go(func() {
			_, _ = io.Copy(io.MultiWriter(to, counter{count}), from)
			_, _ = to.Close(), from.Close()
		})
	}
	w.listening.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp4", "127.0.0.1:"+port)
			if err != nil {
				_ = in.Close()
				return
			}
			w.connections.Add(1)
			pass(out, in, &w.toHost)
			pass(in, out, &w.fromHost)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		w.listening.Wait()
		w.open.Wait()
	})
	return w
}

type counter struct{ n *atomic.Int64 }

func (c counter) Write(b []byte) (int, error) {
	c.n.Add(int64(len(b)))
	return len(b), nil
}

// frames is what TCP carries at most beyond the traffic in the ledger: per
// connection the choice of Noise and its handshake, some pings and the end; per
// write a header of yamux (12 bytes) and the length and tag of a Noise message
// (18), and when it is the only one of its stream, the same again for the
// stream's opening and end; twice more per 64 KiB, where writes are cut; and the
// same for a window update, now and then, for what comes in.
func (w *wire) frames(sent, received Sent) int64 {
	return 2048*w.connections.Load() + int64(90*sent.Writes+sent.Bytes/1000+received.Bytes/1000)
}

// The sum of the ledger's traffic is what went over the wire, up to the framing
// of encryption.
func TestLedgerAddsUpToTheWire(t *testing.T) {
	m := prototypeManifest("wire")
	books := []*book{{}, {}, {}}
	a := start(t, Config{Manifest: m, Ledger: books[0]})
	ab := newWire(t, a)
	b := start(t, Config{Manifest: m, Ledger: books[1], Peers: []string{ab.addr}})
	bc := newWire(t, b)
	c := start(t, Config{Manifest: m, Ledger: books[2], Peers: []string{bc.addr}})
	members(t, a, 1)
	members(t, b, 2)
	members(t, c, 1)
	all := []*Network{a, b, c}
	sets := map[federation.PeerID]*federation.Prototypes{}
	for _, n := range all {
		sets[n.ID()] = publishSet(t, n, m, 1, 1)
	}
	seq := uint64(1)
	again := func() {
		seq++
		for _, n := range all {
			publish(t, n, naming(m, sets[n.ID()], seq))
		}
	}
	for _, n := range all {
		want := map[federation.PeerID]federation.Hash{}
		for _, o := range all {
			if o != n {
				want[o.ID()] = sets[o.ID()].Hash()
			}
		}
		collectSets(t, n, want, again)
	}
	for range 30 {
		again()
	}
	for _, n := range all {
		eventually(t, "everybody has everything", func() bool {
			last := 0
			for _, p := range n.Peers() {
				if p.LastSeq == seq {
					last++
				}
			}
			return last == 2
		})
	}
	links := []struct {
		from, to int
		wire     *wire
		sent     *atomic.Int64
	}{
		{0, 1, ab, &ab.fromHost}, {1, 0, ab, &ab.toHost},
		{1, 2, bc, &bc.fromHost}, {2, 1, bc, &bc.toHost},
	}
	before := map[*atomic.Int64]int64{}
	for _, link := range links {
		before[link.sent] = link.sent.Load()
	}
	for _, n := range all {
		if err := n.recordTraffic(); err != nil {
			t.Fatal(err)
		}
	}
	check := func(when string, count func(*atomic.Int64) int64) {
		for _, link := range links {
			sum, back := books[link.from].total(all[link.to].ID()), books[link.to].total(all[link.from].ID())
			if most := int64(sum.Bytes) + link.wire.frames(sum, back); count(link.sent) > most {
				t.Errorf("%s, from %d to %d: %d bytes on the wire, %d at most by the ledger: %+v", when, link.from, link.to, count(link.sent), most, sum)
			}
		}
	}
	// What was on the wire before is in the ledger, and what is in the ledger
	// comes to be on the wire.
	check("running", func(n *atomic.Int64) int64 { return before[n] })
	for _, link := range links {
		sum := books[link.from].total(all[link.to].ID())
		eventually(t, "the wire has it all", func() bool { return link.sent.Load() > int64(sum.Bytes+sum.Writes*20) })
	}
	for i, n := range all {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		if sum := books[i].total(""); sum.Bytes != n.Stats().TrafficOut {
			t.Errorf("%d: the ledger has %d bytes, %d were written", i, sum.Bytes, n.Stats().TrafficOut)
		}
		if first, last := books[i].entries[0], books[i].entries[len(books[i].entries)-1]; first.Kind != KindStart || last.Kind != KindStop ||
			len(books[i].of(KindStart)) != 1 || len(books[i].of(KindStop)) != 1 {
			t.Errorf("%d: begins with %+v and ends with %+v", i, first, last)
		}
	}
	ab.open.Wait()
	bc.open.Wait()
	check("at the end", (*atomic.Int64).Load)

	// What was recorded before it was sent is among it. Gossip sends again
	// what others ask for because they hear of it before it comes.
	for _, link := range links {
		var rows, means Share
		to := all[link.to].ID()
		for _, e := range books[link.from].entries {
			if !slices.Contains(e.To, to) {
				continue
			}
			switch one := (Share{1, e.Bytes}); e.Kind {
			case KindHeadRows:
				rows.add(one)
			case KindMeans:
				means.add(one)
			}
		}
		sum := books[link.from].total(to)
		enough := func(counted, recorded Share) bool {
			return counted.Count >= recorded.Count && counted.Bytes >= recorded.Bytes
		}
		if !enough(sum.HeadRows, rows) || sum.MeansSent != means || rows.Count < 31 {
			t.Errorf("from %d to %d: recorded rows %+v, means %+v; counted %+v", link.from, link.to, rows, means, sum)
		}
		// Only the one in the middle has messages of others to pass on.
		if forwards := sum.Forwarded.Count > 30; forwards != (link.from == 1) {
			t.Errorf("from %d to %d: forwarded %+v", link.from, link.to, sum.Forwarded)
		}
		if parts := sum.HeadRows.Bytes + sum.MeansSent.Bytes + sum.Forwarded.Bytes; parts > sum.Bytes {
			t.Errorf("from %d to %d: %d bytes of messages in %d", link.from, link.to, parts, sum.Bytes)
		}
	}
}
