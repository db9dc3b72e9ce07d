package p2p

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

func newTestSenders(t rapid.TB, size int, last map[federation.PeerID]uint64, named ...peer.ID) *senders {
	s, err := newSenders(size, named, last, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Whatever comes in whatever order, the accepted numbers of each sender in the
// table grow and the newest is known. Against a slow reference: a list of
// senders, the one that has been silent longest first.
func TestSendersAgainstReference(t *testing.T) {
	type known struct {
		p     peer.ID
		seq   uint64
		heard time.Duration
	}
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 4).Draw(t, "size")
		named := peer.ID("a")
		s := newTestSenders(t, size, nil, named)
		var clock time.Duration
		epoch := time.Unix(0, 0)
		s.now = func() time.Time { return epoch.Add(clock) }
		var list []known
		for range rapid.IntRange(0, 60).Draw(t, "messages") {
			clock += time.Duration(rapid.IntRange(0, 40).Draw(t, "pause")) * time.Second
			origin := peer.ID(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}).Draw(t, "origin"))
			seq := rapid.Uint64Range(1, 20).Draw(t, "seq")
			at := slices.IndexFunc(list, func(k known) bool { return k.p == origin })
			if at < 0 && len(list) == size {
				oldest := slices.IndexFunc(list, func(k known) bool { return k.p != named })
				if oldest >= 0 && (origin == named || clock-list[oldest].heard >= recent) {
					list = slices.Delete(list, oldest, oldest+1)
				}
			}
			want := fresh
			switch {
			case at < 0 && len(list) == size:
				want = crowded
			case at >= 0 && seq <= list[at].seq:
				want = stale
			default:
				if at >= 0 {
					list = slices.Delete(list, at, at+1)
				}
				list = append(list, known{origin, seq, clock})
			}
			if got := s.admit(origin, seq, rapid.Bool().Draw(t, "direct")); got != want {
				t.Fatalf("%d of %s: %v, want %v", seq, origin, got, want)
			}
			if got := len(s.ids()); got != len(list) {
				t.Fatalf("%d senders, want %d", got, len(list))
			}
			for _, k := range list {
				if got := s.last(k.p); got != k.seq {
					t.Fatalf("newest of %s is %d, want %d", k.p, got, k.seq)
				}
			}
		}
	})
}

// A flood of throw-away keys neither costs those their place who publish, nor
// those whom the configuration names; and when it is over, newcomers get in.
func TestSendersUnderSybils(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 8
		s := newTestSenders(t, size, nil, "named")
		sybils, seq := 0, uint64(0)
		for range 200 {
			seq++
			if got := s.admit("honest", seq, true); got != fresh {
				t.Fatalf("%d of the honest sender: %v", seq, got)
			}
			for range 10 {
				sybils++
				s.admit(peer.ID(fmt.Sprintf("sybil %d", sybils)), 1, true)
			}
			if got := s.admit("newcomer", 1, true); got != crowded {
				t.Fatalf("a newcomer during the flood: %v", got)
			}
			time.Sleep(recent / 10)
		}
		if got := s.admit("named", 1, true); got != fresh {
			t.Errorf("the named sender: %v", got)
		}
		time.Sleep(recent)
		if got := s.admit("newcomer", 1, true); got != fresh {
			t.Errorf("a newcomer after the flood: %v", got)
		}
		if got := len(s.ids()); got != size {
			t.Errorf("%d senders in a table of %d", got, size)
		}
	})
}

func TestSendersRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestSenders(t, 2, nil)
		seq := uint64(0)
		send := func() verdict { seq++; return s.admit("a", seq, false) }
		for i := range maxBurst {
			if got := send(); got != fresh {
				t.Fatalf("%d of %d at once: %v", i, maxBurst, got)
			}
		}
		if got := send(); got != surplus {
			t.Errorf("one more: %v", got)
		}
		if got := s.admit("a", seq, false); got != stale {
			t.Errorf("the same again: %v", got)
		}
		// What others replay costs nothing; what the sender repeats does.
		for range floodFactor * maxBurst {
			if got := s.admit("a", 1, false); got != stale {
				t.Fatalf("replayed: %v", got)
			}
		}
		for i := range floodFactor*maxBurst - maxBurst - 1 {
			if got := s.admit("a", 1, true); got != stale {
				t.Fatalf("repeated %d times: %v", i, got)
			}
		}
		if got := s.admit("a", 1, true); got != flood {
			t.Errorf("repeated too often: %v", got)
		}
		if got := send(); got != flood {
			t.Errorf("far too many: %v", got)
		}
		time.Sleep(time.Second / maxRate)
		if got := send(); got != fresh {
			t.Errorf("later: %v", got)
		}
		if got := s.admit("b", 1, true); got != fresh {
			t.Errorf("another sender: %v", got)
		}
	})
}

// A store that remembers more senders than the manifest now allows keeps its
// memory until somebody new comes: what is remembered counts as oldest.
func TestSendersFromTheStore(t *testing.T) {
	a, b, c, d := testIdentity(t), testIdentity(t), testIdentity(t), testIdentity(t)
	s := newTestSenders(t, 1, map[federation.PeerID]uint64{a.ID(): 5, b.ID(): 6})
	for i, step := range []struct {
		origin Identity
		seq    uint64
		want   verdict
	}{{a, 5, stale}, {b, 6, stale}, {a, 6, fresh}, {c, 1, fresh}, {d, 1, crowded}, {b, 7, crowded}, {a, 6, stale}, {a, 7, fresh}} {
		if got := s.admit(step.origin.id, step.seq, true); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}
