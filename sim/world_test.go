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
		"bristle+": "222b93dacda4ce2f",
		"median":   "72b87a0f48ba4ee1",
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
