package node

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// manifest returns one of a small federation.
func manifest(t testing.TB, rule string, classes, features int) *federation.Manifest {
	t.Helper()
	spec, err := aggregation.Defaults(rule)
	if err != nil {
		t.Fatal(err)
	}
	m := &federation.Manifest{
		Name:     "test",
		Backbone: federation.BackboneSpec{SHA256: federation.Hash{1}, Features: features, Input: [3]int{1, 28, 28}, Prepare: federation.PrepareCentre, RawRMS: 1, RMS: 1},
		Rule:     spec,
		Training: federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: 1, Probe: 10},
		Wire:     federation.WireSpec{Rows: federation.RowsInt8, MaxPeers: 64},
	}
	for c := range classes {
		m.Classes = append(m.Classes, fmt.Sprint("class ", c))
	}
	m.Wire.MaxMessage = m.MaxUpdateSize()
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	return m
}

// clusters returns n samples of each class around the class's own centre.
func clusters(seed uint64, classes []int, n, width int) learner.Samples {
	var s learner.Samples
	noise := rand.New(rand.NewPCG(seed, 0))
	for _, c := range classes {
		centre := rand.New(rand.NewPCG(99, uint64(c)))
		middle := make([]float64, width)
		for j := range middle {
			middle[j] = centre.NormFloat64()
		}
		for range n {
			s.Labels = append(s.Labels, c)
			for _, m := range middle {
				s.Features = append(s.Features, float32(m+0.8*noise.NormFloat64()))
			}
		}
	}
	return s
}

// newPeer returns a peer that is familiar with the given classes.
func newPeer(t testing.TB, m *federation.Manifest, name string, seed uint64, classes ...int) *Peer {
	t.Helper()
	rule, err := aggregation.New(m.Rule)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPeer(Config{
		ID:        federation.PeerID(name),
		Manifest:  m,
		Rule:      rule,
		WholeHead: rule.WholeHead(),
		Train:     clusters(2*seed, classes, 10, m.Backbone.Features),
		Probe:     clusters(2*seed+1, classes, 10, m.Backbone.Features),
		Seed:      seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func update(t *testing.T, p *Peer, seq uint64) *federation.Update {
	t.Helper()
	u, err := p.Update(seq)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPeersTeachEachOther(t *testing.T) {
	m := manifest(t, "bristle+", 4, 40)
	peers := []*Peer{newPeer(t, m, "a", 1, 0, 1, 2), newPeer(t, m, "b", 2, 1, 2, 3), newPeer(t, m, "c", 3, 0, 2, 3)}
	test := learner.NewProbe(clusters(77, []int{0, 1, 2, 3}, 50, 40), 40)
	alone := newPeer(t, m, "d", 1, 0, 1, 2)
	for round := range 60 {
		alone.Train(1)
		for _, p := range peers {
			p.Train(1)
		}
		for _, p := range peers {
			for _, q := range peers {
				if p != q {
					if err := p.Receive(update(t, q, uint64(round+1))); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		for _, p := range peers {
			r, err := p.Integrate()
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Verdicts) != 2 {
				t.Fatalf("%d verdicts for 2 updates", len(r.Verdicts))
			}
		}
	}
	if acc := test.Scores(alone.Head()).Accuracy; acc > .76 {
		t.Errorf("a peer that lacks a class reaches %v alone", acc)
	}
	for _, p := range peers {
		if acc := test.Scores(p.Head()).Accuracy; acc < .95 {
			t.Errorf("peer %s reaches %v", p.ID(), acc)
		}
	}
}

func TestUpdateCarriesWhatTheRuleNeeds(t *testing.T) {
	for rule, rows := range map[string][]int{"bristle+": {1, 3}, "mean": {0, 1, 2, 3, 4}, "bristle": {0, 1, 2, 3, 4}} {
		m := manifest(t, rule, 5, 8)
		p := newPeer(t, m, "a", 1, 1, 3)
		p.Train(2)
		u := update(t, p, 7)
		if !slices.Equal(u.Rows.Classes, rows) || !slices.Equal(u.Claims, []int{1, 3}) || u.Seq != 7 || u.Federation != m.ID() || u.Sender != "a" {
			t.Errorf("%s: update is %+v", rule, u)
		}
		if _, err := u.Encode(m); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
		u.Rows.Weights[0] = 1e6
		if p.Head().Row(rows[0])[0] == 1e6 {
			t.Errorf("%s: an update shares memory with the head", rule)
		}
	}
	nobody := newPeer(t, manifest(t, "mean", 5, 8), "a", 1)
	if _, err := nobody.Update(1); !errors.Is(err, ErrNoClaims) {
		t.Errorf("a peer without samples publishes: %v", err)
	}
}

func TestReceiveKeepsTheNewest(t *testing.T) {
	m := manifest(t, "mean", 3, 8)
	m.Wire.MaxPeers = 2
	p := newPeer(t, m, "me", 1, 0, 1)
	from := func(sender federation.PeerID, seq uint64) *federation.Update {
		u := *update(t, newPeer(t, m, "x", 2, 0, 1), seq)
		u.Sender = sender
		return &u
	}
	for _, step := range []struct {
		sender federation.PeerID
		seq    uint64
		want   error
	}{
		{"a", 5, nil},
		{"a", 5, ErrStale},
		{"a", 4, ErrStale},
		{"a", 6, nil},
		{"me", 9, ErrOwn},
		{"b", 1, nil},
		{"c", 1, ErrTooMany},
		{"b", 2, nil},
	} {
		if err := p.Receive(from(step.sender, step.seq)); !errors.Is(err, step.want) {
			t.Errorf("update %d of %s: %v, want %v", step.seq, step.sender, err, step.want)
		}
	}
	if fresh, expected := p.Heard(); fresh != 2 || expected != 2 {
		t.Errorf("%d fresh and %d expected senders", fresh, expected)
	}
	r, err := p.Integrate()
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Verdicts) != 2 || r.Verdicts[0].Seq != 6 || r.Verdicts[1].Seq != 2 {
		t.Errorf("verdicts %+v", r.Verdicts)
	}
	if fresh, expected := p.Heard(); fresh != 0 || expected != 2 {
		t.Errorf("after a round %d fresh and %d expected senders", fresh, expected)
	}
}

// TestSilentPeersAreForgotten: the newest update counts for 20 rounds
// more, not for ever; and a replay of it does not bring it back.
func TestSilentPeersAreForgotten(t *testing.T) {
	m := manifest(t, "mean", 3, 8)
	p, q := newPeer(t, m, "p", 1, 0, 1), newPeer(t, m, "q", 2, 1, 2)
	u := update(t, q, 1)
	if err := p.Receive(u); err != nil {
		t.Fatal(err)
	}
	for round := range defaultMaxAge + 3 {
		r, err := p.Integrate()
		if err != nil {
			t.Fatal(err)
		}
		want := 1
		if round > defaultMaxAge {
			want = 0
		}
		if len(r.Verdicts) != want {
			t.Fatalf("%d rounds later there are %d verdicts", round, len(r.Verdicts))
		}
	}
	if err := p.Receive(u); !errors.Is(err, ErrStale) {
		t.Errorf("a replay after the sender was forgotten: %v", err)
	}
}

// TestTableOfSendersIsNotClosed: names that were used once and fell silent
// make room for newcomers; those that take part do not.
func TestTableOfSendersIsNotClosed(t *testing.T) {
	m := manifest(t, "mean", 3, 8)
	m.Wire.MaxPeers = 3
	p, q := newPeer(t, m, "p", 1, 0, 1), newPeer(t, m, "q", 2, 1, 2)
	from := func(name federation.PeerID, seq uint64) error {
		u := *update(t, q, seq)
		u.Sender = name
		return p.Receive(&u)
	}
	for _, name := range []federation.PeerID{"x1", "x2", "good"} {
		if err := from(name, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := from("new", 1); !errors.Is(err, ErrTooMany) {
		t.Errorf("a newcomer pushed out somebody whose update counts: %v", err)
	}
	for round := range defaultMaxAge + 2 {
		if err := from("good", uint64(round+2)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Integrate(); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []federation.PeerID{"new", "newer"} {
		if err := from(name, 1); err != nil {
			t.Errorf("%s is refused though others are gone: %v", name, err)
		}
	}
	if err := from("newest", 1); !errors.Is(err, ErrTooMany) {
		t.Errorf("a flood of names went on: %v", err)
	}
	if err := from("good", 2); !errors.Is(err, ErrStale) {
		t.Errorf("the sender that took part was forgotten: %v", err)
	}
}

// TestClassesWithoutProbe: samples of a class that are too few to hold any
// out neither cost an honest sender its certainty nor open the door.
func TestClassesWithoutProbe(t *testing.T) {
	m := manifest(t, "bristle+", 4, 24)
	q := newPeer(t, m, "q", 2, 0, 1, 2, 3)
	q.Train(60)
	for _, c := range []struct {
		probe []int
		taken bool
	}{{[]int{0, 1}, true}, {nil, false}} {
		p := newPeer(t, m, "p", 1, 0, 1, 2)
		if err := p.SetSamples(clusters(1, []int{0, 1, 2}, 10, 24), clusters(9, c.probe, 10, 24)); err != nil {
			t.Fatal(err)
		}
		p.Train(60)
		if err := p.Receive(update(t, q, 1)); err != nil {
			t.Fatal(err)
		}
		r, err := p.Integrate()
		if err != nil {
			t.Fatal(err)
		}
		if taken := r.Verdicts[0].Weights[3] > .5; taken != c.taken {
			t.Errorf("probe of %v: certainty %v and weights %v", c.probe, r.Verdicts[0].Certainty, r.Verdicts[0].Weights)
		}
	}
}

// TestResume: a peer restored from its last round decides as the one that
// went on.
func TestResume(t *testing.T) {
	m := manifest(t, "bristle+", 4, 24)
	q := newPeer(t, m, "q", 2, 1, 2, 3)
	round := func(p *Peer, seq uint64) {
		p.Train(1)
		if err := p.Receive(update(t, q, seq)); err != nil {
			t.Fatal(err)
		}
		if _, err := p.Integrate(); err != nil {
			t.Fatal(err)
		}
	}
	whole, first, second := newPeer(t, m, "p", 1, 0, 1, 2), newPeer(t, m, "p", 1, 0, 1, 2), newPeer(t, m, "p", 1, 0, 1, 2)
	for i := range 20 {
		q.Train(1)
		round(whole, uint64(i+1))
		if i < 9 {
			round(first, uint64(i+1))
			continue
		}
		if i == 9 {
			last := first.Round()
			if err := second.Resume(&last); err != nil {
				t.Fatal(err)
			}
			if err := second.Receive(update(t, q, 9)); !errors.Is(err, ErrStale) {
				t.Errorf("after a restart an old update is taken: %v", err)
			}
		}
		round(second, uint64(i+1))
	}
	if diff := cmp.Diff(whole.Round(), second.Round()); diff != "" {
		t.Errorf("a resumed peer differs from one that went on (-whole +resumed):\n%s", diff)
	}
	other := newPeer(t, manifest(t, "bristle+", 5, 24), "p", 1, 0).Round()
	if err := second.Resume(&other); err == nil {
		t.Error("a round of another shape was taken")
	}
}

// TestOrderOfArrivalChangesNothing delivers the same updates in two orders.
func TestOrderOfArrivalChangesNothing(t *testing.T) {
	m := manifest(t, "bristle+", 6, 32)
	var updates []*federation.Update
	for i := range 40 { // more than the prioritizer looks at
		q := newPeer(t, m, fmt.Sprintf("q%02d", i), uint64(i+10), i%6, (i+1)%6, (i+2)%6)
		q.Train(3)
		updates = append(updates, update(t, q, 1))
	}
	var heads [2][]float32
	for k := range heads {
		p := newPeer(t, m, "p", 1, 0, 1, 2)
		p.Train(3)
		slices.Reverse(updates)
		for _, u := range updates {
			if err := p.Receive(u); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Integrate(); err != nil {
			t.Fatal(err)
		}
		heads[k] = p.Head().Weights
	}
	if !slices.Equal(heads[0], heads[1]) {
		t.Error("the order in which updates came changed the head")
	}
}

// The features of a large data directory are most of a daemon's memory: they
// must not be there twice for ever.
func TestReplacedSamplesAreLetGo(t *testing.T) {
	m := manifest(t, "bristle+", 4, 32)
	p := newPeer(t, m, "a", 1, 0, 1)
	old := weak.Make(&p.cfg.Train.Features[0])
	p.Train(1)
	if err := p.SetSamples(clusters(5, []int{2}, 10, 32), clusters(6, []int{2}, 10, 32)); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	if old.Value() != nil {
		t.Error("the old training samples are still in memory")
	}
	if got := p.Familiar(); !slices.Equal(got, []int{2}) {
		t.Errorf("familiar with %v, want [2]", got)
	}
}

// BenchmarkRound is one round of a peer among thirty others: a step of local
// training, the distances, the F1 of every received head, and the new head;
// 800 features, 10 classes, a probe of 40 samples.
func BenchmarkRound(b *testing.B) {
	for _, rule := range []string{"bristle+", "bristle", "bristle:paper", "mean", "median", "trimmed-mean", "krum"} {
		b.Run(rule, func(b *testing.B) {
			m := manifest(b, rule, 10, 800)
			p := newPeer(b, m, "p", 1, 0, 1, 2, 3)
			var updates []*federation.Update
			for i := range 30 {
				q := newPeer(b, m, fmt.Sprintf("q%02d", i), uint64(i+10), i%10, (i+1)%10, (i+2)%10, (i+3)%10)
				q.Train(30)
				u, err := q.Update(1)
				if err != nil {
					b.Fatal(err)
				}
				updates = append(updates, u)
			}
			p.Train(30)
			b.ReportAllocs()
			for b.Loop() {
				for _, u := range updates {
					u.Seq++
					if err := p.Receive(u); err != nil {
						b.Fatal(err)
					}
				}
				p.Train(1)
				if _, err := p.Integrate(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
