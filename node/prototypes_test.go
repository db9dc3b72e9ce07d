package node

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// publishing returns the manifest of a small federation that has them.
func publishing(t testing.TB, rule string, classes, features int) *federation.Manifest {
	t.Helper()
	m := manifest(t, rule, classes, features)
	m.Prototypes = federation.PrototypeSpec{Use: true, Least: 2}
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	return m
}

// renamed returns a set like another, of another sender and epoch, with one number
// changed.
func renamed(set *federation.Prototypes, sender federation.PeerID, epoch uint64, change float32) *federation.Prototypes {
	other := *set
	other.Sender, other.Epoch = sender, epoch
	other.Means.Weights = slices.Clone(set.Means.Weights)
	other.Means.Weights[0] += change
	return &other
}

func TestOwnPrototypes(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	p := newPeer(t, m, "p", 1, 0, 2)
	first := p.Prototypes()
	if first == nil || first.Epoch != 1 || !slices.Equal(first.Means.Classes, []int{0, 2}) || !slices.Equal(first.Samples, []int{10, 10}) {
		t.Fatalf("own set %+v", first)
	}
	if _, err := first.Encode(m); err != nil {
		t.Error(err)
	}
	if u := update(t, p, 1); u.Prototypes != first.Hash() || u.Epoch != 1 {
		t.Errorf("the update names epoch %d and %s", u.Epoch, u.Prototypes)
	}
	set := func(seed uint64, classes ...int) {
		t.Helper()
		if err := p.SetSamples(clusters(seed, classes, 10, 24), clusters(seed+1, classes, 10, 24)); err != nil {
			t.Fatal(err)
		}
	}
	set(2, 0, 2) // what it had
	if again := p.Prototypes(); again.Hash() != first.Hash() {
		t.Errorf("the same samples give epoch %d", again.Epoch)
	}
	set(5, 1, 2)
	if second := p.Prototypes(); second.Epoch != 2 || second.Hash() == first.Hash() {
		t.Errorf("other samples give epoch %d", second.Epoch)
	}
	// A peer that had no set in between does not use an epoch twice.
	set(5)
	if p.Prototypes() != nil {
		t.Error("there is a set without samples")
	}
	set(7, 1, 2)
	if third := p.Prototypes(); third.Epoch != 3 {
		t.Errorf("then epoch %d", third.Epoch)
	}
	few := clusters(9, []int{0, 1}, 2, 24)
	few.Labels, few.Features = few.Labels[:3], few.Features[:3*24]
	if err := p.SetSamples(few, learner.Samples{}); err != nil {
		t.Fatal(err)
	}
	if fourth := p.Prototypes(); !slices.Equal(fourth.Means.Classes, []int{0}) {
		t.Errorf("means of %v; class 1 has one sample", fourth.Means.Classes)
	}
}

func TestNoPrototypes(t *testing.T) {
	m, with := manifest(t, "bristle+", 4, 24), publishing(t, "bristle+", 4, 24)
	p := newPeer(t, m, "p", 1, 0, 2)
	if u := update(t, p, 1); p.Prototypes() != nil || u.Epoch != 0 || u.Prototypes != (federation.Hash{}) {
		t.Errorf("a federation without prototypes has %+v", p.Prototypes())
	}
	if err := p.ReceivePrototypes(newPeer(t, with, "q", 2, 0, 2).Prototypes()); !errors.Is(err, ErrNoPrototypes) {
		t.Errorf("a set: %v", err)
	}
}

// TestNoiseKey: the noise on means is none that others can compute.
func TestNoiseKey(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	m.Prototypes.Noise = .3
	p := newPeer(t, m, "p", 1, 0, 2)
	cfg := p.cfg
	cfg.NoiseKey[5] = 1
	q, err := NewPeer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	clean := learner.ClassMeans(cfg.Train, 24)
	if slices.Equal(p.Prototypes().Means.Weights, q.Prototypes().Means.Weights) || slices.Equal(clean.Weights, q.Prototypes().Means.Weights) {
		t.Error("the noise does not depend on the key")
	}
	if !slices.Equal(p.known.own.Means.Weights, clean.Weights) {
		t.Error("a peer judges others by its own noise")
	}
}

func TestEquivocation(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	q := newPeer(t, m, "q", 2, 1, 2)
	one := q.Prototypes()
	other, later := renamed(one, "q", 1, 1), renamed(one, "q", 2, 2)
	says := func(seq uint64, set *federation.Prototypes) *federation.Update {
		u := *update(t, q, seq)
		u.Prototypes, u.Epoch = federation.Hash{}, 0
		if set != nil {
			u.Prototypes, u.Epoch = set.Hash(), set.Epoch
		}
		return &u
	}
	type step struct {
		message any
		want    error
	}
	for name, steps := range map[string][]step{
		"two sets":               {{one, nil}, {other, ErrEquivocation}, {one, ErrBanned}, {later, ErrBanned}, {says(1, one), ErrBanned}},
		"the same set twice":     {{one, nil}, {one, ErrStale}},
		"a set and an update":    {{one, nil}, {says(1, one), nil}, {says(2, other), ErrEquivocation}, {says(3, one), ErrBanned}},
		"an update and a set":    {{says(1, one), nil}, {other, ErrEquivocation}},
		"two updates":            {{says(1, one), nil}, {says(2, other), ErrEquivocation}},
		"a new epoch":            {{one, nil}, {says(1, one), nil}, {says(2, later), nil}, {later, nil}},
		"a new epoch, late":      {{says(5, later), nil}, {one, ErrStale}, {says(6, later), nil}, {later, nil}, {one, ErrStale}},
		"old updates are stale":  {{says(5, later), nil}, {says(4, one), ErrStale}, {says(6, one), nil}},
		"of an old epoch":        {{later, nil}, {other, ErrStale}, {one, ErrStale}},
		"no set, then one":       {{says(1, nil), nil}, {says(2, one), nil}, {one, nil}, {says(3, nil), nil}},
		"two sets of epoch two":  {{one, nil}, {later, nil}, {renamed(one, "q", 2, 3), ErrEquivocation}},
		"an old lie, found late": {{one, nil}, {later, nil}, {says(1, other), nil}},
	} {
		p := newPeer(t, m, "p", 1, 0, 1)
		for i, s := range steps {
			err := receive(p, s.message)
			if !errors.Is(err, s.want) {
				t.Errorf("%s, message %d: %v, want %v", name, i, err, s.want)
			}
			if errors.Is(err, ErrEquivocation) && (len(p.Inbox()) != 0 || p.KnownPrototypes() != 0) {
				t.Errorf("%s: something of the key is left", name)
			}
		}
	}
}

// receive gives a peer a set or an update.
func receive(p *Peer, message any) error {
	if set, ok := message.(*federation.Prototypes); ok {
		return p.ReceivePrototypes(set)
	}
	return p.Receive(message.(*federation.Update))
}

// TestFewClaims: whoever publishes means of a class claims it in its updates.
func TestFewClaims(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	q := newPeer(t, m, "q", 2, 1, 2, 3)
	broad := q.Prototypes()
	narrow := renamed(broad, "q", 2, 0)
	narrow.Samples, narrow.Means.Classes, narrow.Means.Weights = broad.Samples[:2], broad.Means.Classes[:2], broad.Means.Weights[:48]
	says := func(seq uint64, claims ...int) *federation.Update {
		u := *update(t, q, seq)
		u.Claims, u.Prototypes, u.Epoch = claims, federation.Hash{}, 0
		return &u
	}
	p := newPeer(t, m, "p", 1, 0, 1)
	for i, s := range []struct {
		message any
		want    error
		held    int // of how many senders an update is held afterwards
	}{
		{says(1, 1, 3), nil, 1}, {broad, nil, 0}, {says(2, 1, 3), ErrFewClaims, 0}, {says(3, 1, 2, 3), nil, 1},
		{says(4, 3), ErrFewClaims, 1}, {narrow, nil, 1}, {says(5, 1), ErrFewClaims, 1}, {says(6, 1, 2), nil, 1},
		{says(7, 0, 1, 2), nil, 1}, {broad, ErrStale, 1},
	} {
		err := receive(p, s.message)
		if !errors.Is(err, s.want) || len(p.Inbox()) != s.held {
			t.Errorf("message %d: %v with %d updates held, want %v and %d", i, err, len(p.Inbox()), s.want, s.held)
		}
	}
}

// TestNobodyIsFramed: whatever of an honest peer's messages arrives, in whatever
// order and how often, it is not banned.
func TestNobodyIsFramed(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	q := newPeer(t, m, "q", 2, 1, 2)
	var sets []*federation.Prototypes
	var updates []*federation.Update
	for seq := range uint64(12) {
		if seq%3 == 2 {
			if err := q.SetSamples(clusters(seq, []int{1, 2}, 10, 24), learner.Samples{}); err != nil {
				t.Fatal(err)
			}
		}
		q.Train(1)
		sets, updates = append(sets, q.Prototypes()), append(updates, update(t, q, seq+1))
		if _, err := q.Integrate(); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 0))
		p := newPeer(t, m, "p", 1, 0, 1)
		for range 60 {
			var err error
			if rng.IntN(2) == 0 {
				err = p.ReceivePrototypes(sets[rng.IntN(len(sets))])
			} else {
				err = p.Receive(updates[rng.IntN(len(updates))])
			}
			if err != nil && !errors.Is(err, ErrStale) && !errors.Is(err, ErrFewClaims) {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
		if err := p.ReceivePrototypes(sets[11]); err != nil && !errors.Is(err, ErrStale) || p.known.sets["q"].Epoch != sets[11].Epoch {
			t.Fatalf("seed %d: the newest set is not held: %v", seed, err)
		}
	}
}

func TestRoomForSets(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	m.Wire.MaxPeers = 3
	p, q := newPeer(t, m, "p", 1, 0, 1), newPeer(t, m, "q", 2, 1, 2)
	set := func(name federation.PeerID) error {
		return p.ReceivePrototypes(renamed(q.Prototypes(), name, 1, 0))
	}
	for _, name := range []federation.PeerID{"x1", "x2", "x3"} {
		if err := set(name); err != nil {
			t.Fatal(err)
		}
	}
	if err := set("x4"); !errors.Is(err, ErrTooMany) || len(p.known.heard) != 3 {
		t.Errorf("a set more: %v, %d commitments", err, len(p.known.heard))
	}
	if err := set("p"); !errors.Is(err, ErrOwn) {
		t.Errorf("an own set: %v", err)
	}
	for _, name := range []federation.PeerID{"a", "b", "c"} {
		u := *update(t, q, 1)
		u.Sender, u.Prototypes = name, renamed(q.Prototypes(), name, 1, 0).Hash()
		if err := p.Receive(&u); err != nil {
			t.Fatal(err)
		}
		if err := set(name); err != nil {
			t.Errorf("the set of a sender that takes part: %v", err)
		}
	}
	if got := slices.Sorted(maps.Keys(p.known.sets)); !slices.Equal(got, []federation.PeerID{"a", "b", "c"}) {
		t.Errorf("sets of %v", got)
	}
	if err := set("x1"); !errors.Is(err, ErrTooMany) || len(p.known.heard) != 3 {
		t.Errorf("a flood goes on: %v, %d commitments", err, len(p.known.heard))
	}
	for i := range 2 * maxBanned {
		p.Ban(federation.PeerID(fmt.Sprint("k", i)))
	}
	p.Ban("p")
	if len(p.known.banned) != maxBanned || slices.Contains(p.known.banned, "p") {
		t.Errorf("%d keys are banned", len(p.known.banned))
	}
}

// TestOrderOfSetsChangesNothing: the same sets in two orders give one result.
func TestOrderOfSetsChangesNothing(t *testing.T) {
	m := publishing(t, "bristle+", 6, 32)
	var others []*Peer
	for i := range 12 {
		others = append(others, newPeer(t, m, fmt.Sprintf("q%02d", i), uint64(i+10), i%6, (i+1)%6))
	}
	var known [2]any
	for k := range known {
		p := newPeer(t, m, "p", 1, 0, 1, 2)
		slices.Reverse(others)
		for _, q := range others {
			if err := p.ReceivePrototypes(q.Prototypes()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := p.Integrate(); err != nil {
			t.Fatal(err)
		}
		known[k] = p.known.Knowledge
	}
	if diff := cmp.Diff(known[0], known[1]); diff != "" {
		t.Error(diff)
	}
}

// TestPrototypesSurviveARestart: sets, bans and the own epoch are as they were.
func TestPrototypesSurviveARestart(t *testing.T) {
	m := publishing(t, "bristle+", 4, 24)
	p, q, r := newPeer(t, m, "p", 1, 0, 1), newPeer(t, m, "q", 2, 1, 2, 3), newPeer(t, m, "r", 3, 0, 3)
	if err := p.SetSamples(clusters(50, []int{0, 1}, 10, 24), clusters(51, []int{0, 1}, 10, 24)); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(9) {
		q.Train(1)
		p.Train(1)
		if err := p.Receive(update(t, q, seq+1)); err != nil {
			t.Fatal(err)
		}
		if seq == 0 {
			for _, s := range []*federation.Prototypes{overTheWire(t, m, q.Prototypes()), r.Prototypes()} {
				if err := p.ReceivePrototypes(s); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := p.Integrate(); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.ReceivePrototypes(renamed(r.Prototypes(), "r", 1, 1)); !errors.Is(err, ErrEquivocation) {
		t.Fatal(err)
	}
	if _, err := p.Integrate(); err != nil {
		t.Fatal(err)
	}
	last := p.Round()
	back, err := NewPeer(p.cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := back.Resume(&last); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(last, back.Round()); diff != "" {
		t.Errorf("the round after the restart (-before +after):\n%s", diff)
	}
	if own := back.Prototypes(); own.Epoch != 2 || own.Hash() != p.Prototypes().Hash() {
		t.Errorf("after the restart the own epoch is %d", own.Epoch)
	}
	if err := back.ReceivePrototypes(r.Prototypes()); !errors.Is(err, ErrBanned) {
		t.Errorf("a banned key after the restart: %v", err)
	}
	if err := back.ReceivePrototypes(renamed(q.Prototypes(), "q", 1, 1)); !errors.Is(err, ErrEquivocation) {
		t.Errorf("a second set of a known key after the restart: %v", err)
	}
	back, err = NewPeer(p.cfg)
	if err == nil {
		err = back.Resume(&last)
	}
	if err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(5) {
		q.Train(1)
		u := update(t, q, seq+20)
		for _, x := range []*Peer{p, back} {
			x.Train(1)
			if err := x.Receive(u); err != nil {
				t.Fatal(err)
			}
			if _, err := x.Integrate(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !slices.Equal(p.Head().Weights, back.Head().Weights) {
		t.Error("a resumed peer differs from one that went on")
	}
	// Other data, or a lost set, lead to an epoch that was never used.
	delete(last.Sets, "p")
	cfg := p.cfg
	cfg.Train = clusters(60, []int{0, 1}, 10, 24)
	if back, err = NewPeer(cfg); err == nil {
		err = back.Resume(&last)
	}
	if err != nil || back.Prototypes().Epoch != last.Number+1 {
		t.Errorf("a peer that has lost its set has epoch %d after %d rounds: %v", back.Prototypes().Epoch, last.Number, err)
	}
	last.Sets["q"][3] ^= 1
	if err = back.Resume(&last); err != nil || back.KnownPrototypes() != 0 {
		t.Errorf("a damaged set: %v, %d are known", err, back.KnownPrototypes())
	}
}

// overTheWire returns a set as another peer reads it.
func overTheWire(t *testing.T, m *federation.Manifest, set *federation.Prototypes) *federation.Prototypes {
	t.Helper()
	b, err := set.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	if set, err = federation.DecodePrototypes(m, b); err != nil {
		t.Fatal(err)
	}
	return set
}
