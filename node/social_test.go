package node

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/store"
)

// withPrototypes is the manifest of a federation of four classes.
func withPrototypes(t testing.TB) *federation.Manifest {
	m := manifest(t, "bristle+", 4, 24)
	m.Prototypes = federation.PrototypeSpec{Use: true, Least: 2}
	return m
}

// newSocialBench is newBench in a federation with prototypes.
func newSocialBench(t *testing.T, w *wire, name string, change func(*DaemonConfig), classes ...int) *bench {
	m := withPrototypes(t)
	return newBench(t, w, name, func(c *DaemonConfig) {
		c.Peer = newPeer(t, m, name, uint64(len(w.ports)), classes...)
		if change != nil {
			change(c)
		}
	}, classes...)
}

func TestDaemonsExchangePrototypes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wire{}
		long := func(c *DaemonConfig) { c.Rounds = 60 }
		a := newSocialBench(t, w, "a", long, 0, 1, 2)
		b := newSocialBench(t, w, "b", long, 1, 2, 3)
		c := newSocialBench(t, w, "c", long, 2, 3, 0)
		together(t, a, b, c)
		for _, d := range []*bench{a, b, c} {
			if last := d.seen[59]; last.Prototypes != 2 || len(last.Disputes) != 0 {
				t.Errorf("in the end the record is %+v", last)
			}
			// Nothing is named that is not on disk yet.
			set := d.cfg.Peer.Prototypes()
			want := commitment{set.Epoch, set.Hash()}
			if d.port.named[0] != (commitment{}) || slices.ContainsFunc(d.port.named[1:], func(c commitment) bool { return c != want }) {
				t.Errorf("the updates named %v", d.port.named[:3])
			}
			if len(d.book.bans) != 0 {
				t.Errorf("banned %v", d.book.bans)
			}
		}
	})
}

// Another set comes with new samples: under a new epoch, and not before the
// round that has it is on disk.
func TestNewPrototypesAreNamedOnceCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		samples := make(chan Samples, 1)
		var d *bench
		d = newSocialBench(t, &wire{}, "a", func(c *DaemonConfig) {
			c.Samples, c.Rounds = samples, 6
			c.OnRound = func(r Record, _ []aggregation.Verdict) {
				if r.Round == 2 {
					samples <- Samples{clusters(5, []int{0, 1, 3}, 10, 24), clusters(6, []int{0, 1, 3}, 4, 24)}
					d.book.refuse = 2 // and the disk is full for a while
				}
			}
		}, 0, 1)
		first := d.cfg.Peer.Prototypes()
		together(t, d)
		second := d.cfg.Peer.Prototypes()
		one, two := commitment{first.Epoch, first.Hash()}, commitment{second.Epoch, second.Hash()}
		if second.Epoch <= first.Epoch || len(second.Samples) != 3 {
			t.Errorf("epoch %d after %d, with %d classes", second.Epoch, first.Epoch, len(second.Samples))
		}
		if want := []commitment{{}, one, {}, two, two, two}; !slices.Equal(d.port.named, want) {
			t.Errorf("named %v, want %v", d.port.named, want)
		}
	})
}

// A set that others cannot get is not named.
func TestPrototypesThatCannotBePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newSocialBench(t, &wire{}, "a", nil, 0, 1)
		d.port.fail = errFull
		go func() {
			time.Sleep(25 * time.Second)
			d.port.wire.mu.Lock()
			defer d.port.wire.mu.Unlock()
			d.port.fail = nil
		}()
		together(t, d)
		if n := len(d.port.named); n != 2 || d.port.named[0].epoch == 0 {
			t.Errorf("named %v", d.port.named)
		}
	})
}

func TestEquivocatorIsBanned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := &wire{}
		a := newSocialBench(t, w, "a", func(c *DaemonConfig) {
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
			c.Rounds = 8
		}, 0, 1, 2)
		liar := newPeer(t, withPrototypes(t), "liar", 9, 1, 2, 3)
		forgetful := newPeer(t, withPrototypes(t), "forgetful", 10, 1, 2, 3)
		a.book.noBans = 2
		send := func(p *Peer, seq uint64) *federation.Update {
			u, err := p.Update(seq)
			if err != nil {
				t.Error(err)
			}
			a.port.in <- u
			return u
		}
		go func() {
			send(liar, 1)
			send(forgetful, 1)
			a.port.sets <- liar.Prototypes()
			time.Sleep(5 * time.Second)
			a.port.proofs <- &federation.Equivocation{Key: "liar", Evidence: []byte("two messages")}
			u, err := forgetful.Update(2)
			if err != nil {
				t.Error(err)
			}
			u.Prototypes[0]++
			a.port.in <- u
			time.Sleep(15 * time.Second)
			send(liar, 3)
			send(forgetful, 3)
		}()
		together(t, a)
		want := []store.Ban{{Key: "forgetful"}, {Key: "liar", Evidence: []byte("two messages")}}
		slices.SortFunc(a.book.bans, func(a, b store.Ban) int { return strings.Compare(string(a.Key), string(b.Key)) })
		if !slices.EqualFunc(a.book.bans, want, func(a, b store.Ban) bool {
			return a.Key == b.Key && bytes.Equal(a.Evidence, b.Evidence) && !a.Time.IsZero()
		}) {
			t.Errorf("the store has %v", a.book.bans)
		}
		if n := strings.Count(log.String(), "nothing of it counts any more"); n != 2 {
			t.Errorf("said %d times of two", n)
		}
		if last := a.seen[7]; last.Active != 0 || last.Prototypes != 0 {
			t.Errorf("in the end the record is %+v", last)
		}
		if got := a.cfg.Peer.Round().Banned; !slices.Equal(got, []federation.PeerID{"forgetful", "liar"}) {
			t.Errorf("the round remembers %v", got)
		}
	})
}

// Two sets that say different things of a class that the peer lacks are warned
// of once.
func TestDisputeAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		a := newSocialBench(t, &wire{}, "a", func(c *DaemonConfig) {
			c.Log = slog.New(slog.NewTextHandler(&log, nil))
		}, 0, 1, 2)
		m := withPrototypes(t)
		honest := newPeer(t, m, "honest", 9, 1, 2, 3).Prototypes()
		lie := *newPeer(t, m, "liar", 10, 1, 2, 3).Prototypes()
		lie.Means.Weights = slices.Clone(lie.Means.Weights)
		slices.Reverse(lie.Means.Row(2))
		a.port.sets <- honest
		a.port.sets <- &lie
		together(t, a)
		disputes := a.seen[4].Disputes
		if len(disputes) != 1 || disputes[0].Class != 3 || disputes[0].Share >= .7 {
			t.Errorf("disputes %v", disputes)
		}
		if n := strings.Count(log.String(), `class="class 3"`); n != 1 {
			t.Errorf("said %d times:\n%s", n, log.String())
		}
	})
}
