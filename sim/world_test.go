package sim

import (
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// hard returns an experiment with everything that can befall peers.
func hard(t testing.TB, rule string) Experiment {
	e := small(t, rule)
	e.Iterations = 30
	e.Link = Link{Latency: .3, Jitter: 1.5, Loss: .1, Bandwidth: 40_000}
	e.Topology = Random(10, 4, 7)
	e.Life = []Life{
		{Speed: .4},
		{Join: 9},
		{Speed: 1.7, Away: []Absence{{4, 7, false}}},
		{Away: []Absence{{5, 9, true}, {15, 16, true}}},
		{Away: []Absence{{1, 3, false}, {20, 25, true}}},
	}
	e.Dir = t.TempDir()
	e.MaxAge = 3
	return e
}

// TestHardWorld: late joiners, slow peers, lost and late messages and crashes
// give one result for one seed, on every architecture, with any number of workers.
func TestOneSeedGivesOneResultInAHardWorld(t *testing.T) {
	for rule, want := range map[string]string{
		"bristle+": "514ff649a178697a",
		"median":   "5842a34e1010ca9b",
	} {
		for _, workers := range []int{1, 3} {
			e := hard(t, rule)
			e.Workers = workers
			r, err := Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if got := checksum(r.Heads); got != want {
				t.Errorf("%s, %d workers: the heads have the checksum %s, want %s", rule, workers, got, want)
			}
		}
	}
}

// rounds counts the rounds of each peer and what it was told.
type rounds struct {
	sync.Mutex
	count map[int]int
	from  map[int][]federation.PeerID // senders in its last round
}

func (r *rounds) note(peer int, _ uint64, res aggregation.Result) error {
	r.Lock()
	defer r.Unlock()
	if r.count == nil {
		r.count, r.from = map[int]int{}, map[int][]federation.PeerID{}
	}
	r.count[peer]++
	r.from[peer] = nil
	for _, v := range res.Verdicts {
		r.from[peer] = append(r.from[peer], v.Sender)
	}
	return nil
}

func TestLives(t *testing.T) {
	e := small(t, "bristle+")
	e.Iterations, e.Every = 20, 5
	e.Life = []Life{{Speed: .2}, {Join: 12}, {Speed: 2}, {Away: []Absence{{3, 8, false}}}, {Away: []Absence{{3, 8, true}}}}
	e.Dir = t.TempDir()
	var seen rounds
	e.Verdicts = seen.note
	r, err := Run(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for peer, want := range []int{4, 8, 40, 15, 15, 20, 20, 20} {
		if seen.count[peer] != want {
			t.Errorf("peer %d worked %d rounds, want %d", peer, seen.count[peer], want)
		}
	}
	if len(r.Curve) != 4 || len(r.Accuracy) != 8 {
		t.Errorf("%d evaluations, %d peers in the last", len(r.Curve), len(r.Accuracy))
	}
	for peer := range 8 {
		if len(seen.from[peer]) != 9 {
			t.Errorf("peer %d heard %v in its last round", peer, seen.from[peer])
		}
	}
}

// TestAwayBetweenRounds: a peer that is slow may be away between two of its
// rounds. It loses what came then, and in a crash all that it had not written down.
func TestAwayBetweenRounds(t *testing.T) {
	run := func(away ...Absence) (seq uint64, heads string) {
		e := small(t, "bristle+")
		e.Honest, e.Liars, e.Iterations, e.Dir = e.Honest[:2], nil, 11, t.TempDir()
		e.Life = []Life{{Speed: .2, Away: away}}
		e.Verdicts = func(peer int, round uint64, r aggregation.Result) error {
			if peer == 0 && round == 3 && len(r.Verdicts) > 0 { // at 10
				seq = r.Verdicts[0].Seq
			}
			return nil
		}
		r, err := Run(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return seq, checksum(r.Heads[:1])
	}
	// The other peer's n-th message comes at n-1.
	always, head := run()
	if always != 10 {
		t.Errorf("the newest message has number %d, want 10", always)
	}
	if seq, _ := run(Absence{6, 10, false}); seq != 6 {
		t.Errorf("away from 6 to 10, the newest message has number %d, want 6", seq)
	}
	if seq, same := run(Absence{6, 8, false}); seq != 10 || same != head {
		t.Errorf("away from 6 to 8, the newest message has number %d, want 10 and the same head", seq)
	}
	if seq, same := run(Absence{6, 8, true}); seq != 10 || same == head {
		t.Errorf("a crash from 6 to 8 leaves the message with number %d, want 10, and no trace in the head: %v", seq, same == head)
	}
	if seq, _ := run(Absence{6, 10, true}); seq != 0 {
		t.Errorf("after a crash from 6 to 10 there is the message with number %d", seq)
	}
}

// TestAdjacentAbsences: where one begins when another ends, nobody is there.
func TestAdjacentAbsences(t *testing.T) {
	e := small(t, "bristle+")
	e.Iterations, e.Dir = 20, t.TempDir()
	e.Life = []Life{{Away: []Absence{{5, 10, false}, {10, 12, true}}}, {Away: []Absence{{5, 10, true}, {10, 12, false}}}}
	var seen rounds
	e.Verdicts = seen.note
	if _, err := Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if seen.count[0] != 13 || seen.count[1] != 13 {
		t.Errorf("away from 5 to 12 of 20, peers work %d and %d rounds, want 13", seen.count[0], seen.count[1])
	}
}

func TestJoins(t *testing.T) {
	for _, c := range []struct {
		every int
		joins []int
		ok    bool
	}{
		{0, []int{11}, true},
		{0, []int{12}, false},
		{4, []int{3, 3, 3, 3, 3, 3, 3, 3}, true},
		{4, []int{4, 5, 4, 4, 4, 4, 4, 4}, false},
		{20, []int{11, 11, 11, 11, 11, 11, 11, 11}, true},
		{4, []int{11, 11, 11, 11, 11, 11, 11}, true}, // the eighth is there from the start
	} {
		e := small(t, "local")
		e.Every = c.every
		for _, j := range c.joins {
			e.Life = append(e.Life, Life{Join: j})
		}
		_, err := Run(t.Context(), e)
		if c.ok && err != nil || !c.ok && !errors.Is(err, ErrLife) {
			t.Errorf("evaluated every %d of 12 iterations, joining at %v: %v", c.every, c.joins, err)
		}
	}
}

// TestCrashIsARestart: a peer that crashes loses no round, because its store
// has them all; only its training since the last one.
func TestCrashIsARestart(t *testing.T) {
	run := func(crash bool) Result {
		e := small(t, "bristle+")
		e.Liars, e.Iterations, e.Dir = nil, 20, t.TempDir()
		e.Life = []Life{{Away: []Absence{{10, 11, crash}}}}
		r, err := Run(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	with, without := run(true), run(false)
	if checksum(with.Heads) == checksum(without.Heads) {
		t.Error("a crash leaves no trace")
	}
	if with.Accuracy[0] < without.Accuracy[0]-.1 {
		t.Errorf("after a crash the peer reaches %v, without %v", with.Accuracy[0], without.Accuracy[0])
	}
	e := small(t, "bristle+")
	e.Life = []Life{{Away: []Absence{{1, 2, true}}}}
	if _, err := Run(t.Context(), e); err == nil {
		t.Error("a peer crashes without a store")
	}
}

func TestLostMessages(t *testing.T) {
	e := small(t, "mean")
	e.Link.Loss = 1
	var seen rounds
	e.Verdicts = seen.note
	if _, err := Run(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	for peer, from := range seen.from {
		if len(from) > 0 {
			t.Errorf("peer %d heard %v on a dead link", peer, from)
		}
	}
}

// witness is an attack that looks at what it is shown and sends ones.
type witness struct {
	attack.Honest
	t *testing.T
}

func (w witness) Forge(s *attack.Scene) bool {
	if len(s.Inbox) != 7 || len(s.Holds) != 8 || s.Liars != 2 || s.Classes != 6 || len(s.Familiar) != 3 {
		w.t.Errorf("liar %d of %d sees %d updates, %d peers, %d classes, %v", s.Liar, s.Liars, len(s.Inbox), len(s.Holds), s.Classes, s.Familiar)
	}
	if s.Round > 1 && slices.Equal(s.Own.Weights, s.Before.Weights) {
		w.t.Error("the victim's head does not move")
	}
	honest := s.Outcome(s.Update.Claims, s.Update.Rows)
	rows := federation.Rows{Classes: s.Update.Rows.Classes, Features: s.Update.Rows.Features, Weights: slices.Clone(s.Update.Rows.Weights)}
	for i := range rows.Weights {
		rows.Weights[i] = 100
	}
	if slices.Equal(honest.Weights, s.Outcome(s.Update.Claims, rows).Weights) {
		w.t.Error("under plain averaging it makes no difference what a liar sends")
	}
	copy(s.Update.Rows.Weights, rows.Weights)
	return s.Victim != 3
}

func TestWhatLiarsSee(t *testing.T) {
	e := small(t, "mean")
	e.Iterations = 6
	e.Attack = func(int, int) (attack.Attack, error) { return witness{t: t}, nil }
	var seen rounds
	e.Verdicts = seen.note
	r, err := Run(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	for peer, from := range seen.from {
		want := 9
		if peer == 3 {
			want = 7 // they send it nothing
		}
		if len(from) != want {
			t.Errorf("peer %d heard %v", peer, from)
		}
	}
	if w := r.Heads[0].Weights[0]; w < 15 {
		t.Errorf("with two liars of ten who send 100, a weight is %v", w)
	}
	failing := e
	failing.Attack = func(int, int) (attack.Attack, error) { return nil, errors.New("no such liar") }
	if _, err := Run(t.Context(), failing); err == nil {
		t.Error("an attack that cannot be made was left out")
	}
}
