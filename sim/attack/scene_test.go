package attack

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// stage is what a scene is made of, so that tests make equal ones twice.
type stage struct {
	rule              string
	constants         map[string]float64
	classes, features int
	honest, liars     int // the victim is one of the honest
	hold              int // consecutive classes of each; 0: all, and whole heads travel
	liar, victim      int
	round, seed       uint64
}

func normalHead(rng *rand.Rand, classes, features int, sd float64) federation.Head {
	h := federation.NewHead(classes, features)
	for i := range h.Weights {
		h.Weights[i] = float32(float64(i%7)/10 + float64(sd*kernel.Normal(rng)))
	}
	return h
}

func (g stage) holds(i int) []int {
	if g.hold == 0 {
		return truth(g.classes)
	}
	var w []int
	for k := range g.hold {
		w = append(w, (i+k)%g.classes)
	}
	slices.Sort(w)
	return w
}

// scene makes a scene whose outcome is that of the actual rule.
func (g stage) scene(t testing.TB) *Scene {
	t.Helper()
	spec, err := aggregation.Defaults(g.rule)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range g.constants {
		spec.Constants[k] = v
	}
	rule, err := aggregation.New(spec)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(g.seed, 7))
	s := &Scene{
		Round: g.round, Classes: g.classes, Rule: spec, Head: normalHead(rng, g.classes, g.features, .05),
		Liar: g.liar, Liars: g.liars, Victim: g.victim, Familiar: g.holds(g.victim),
		Own: normalHead(rng, g.classes, g.features, .05), Before: normalHead(rng, g.classes, g.features, .05),
		Rand:  rand.New(rand.NewPCG(g.seed, uint64(g.victim))),
		Fresh: rand.New(rand.NewPCG(g.seed^uint64(g.liar+1)<<40, g.round)),
	}
	for i := range g.honest {
		s.Holds = append(s.Holds, g.holds(i))
		h := normalHead(rng, g.classes, g.features, .05)
		if i == g.victim {
			continue
		}
		travels := truth(g.classes)
		if g.hold > 0 {
			travels = g.holds(i)
		}
		s.Inbox = append(s.Inbox, &federation.Update{
			Sender: federation.PeerID(fmt.Sprintf("h%02d", i)), Seq: 1, Claims: g.holds(i), Rows: h.Select(travels),
		})
	}
	all := truth(g.classes)
	s.Update = &federation.Update{Sender: "liar", Seq: 1, Claims: all, Rows: s.Head.Select(all)}
	s.Outcome = func(claims []int, rows federation.Rows) federation.Head {
		updates := slices.Clone(s.Inbox)
		for i := range g.liars {
			updates = append(updates, &federation.Update{
				Sender: federation.PeerID(fmt.Sprintf("l%02d", i)), Seq: 1, Claims: claims, Rows: rows,
			})
		}
		r, err := rule.Integrate(aggregation.Input{
			Own: s.Own, Familiar: s.Familiar, Updates: updates, Probe: perfect{}, Rand: rand.New(rand.NewPCG(1, 1)),
		})
		if err != nil {
			t.Fatal(err)
		}
		return r.Head.Clone()
	}
	return s
}

// perfect is a probe in which all are equally good.
type perfect struct{}

func (perfect) F1(_ federation.Head, _ []federation.Rows, out [][]float64) {
	for i := range out {
		for c := range out[i] {
			out[i][c] = 1
		}
	}
}

func liarOf(t testing.TB, text string, g stage) Attack {
	t.Helper()
	spec, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	a, err := New(spec, g.liar, g.liars, 42)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// forge returns what a liar sends.
func forge(t testing.TB, text string, g stage) *federation.Update {
	t.Helper()
	s := g.scene(t)
	if !liarOf(t, text, g).Forge(s) {
		t.Fatalf("%s sends nothing", text)
	}
	return s.Update
}

func sound(t testing.TB, text string, u *federation.Update, classes int) {
	t.Helper()
	last := -1
	for _, c := range u.Claims {
		if c <= last || c >= classes || rowOf(u.Rows, c) == nil {
			t.Fatalf("%s claims %v with rows %v", text, u.Claims, u.Rows.Classes)
		}
		last = c
	}
	if len(u.Claims) == 0 || len(u.Rows.Weights) != len(u.Rows.Classes)*u.Rows.Features {
		t.Fatalf("%s claims %v with %d weights", text, u.Claims, len(u.Rows.Weights))
	}
	for _, w := range u.Rows.Weights {
		if math.IsNaN(float64(w)) || math.Abs(float64(w)) > limit {
			t.Fatalf("%s sends %v", text, w)
		}
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// hand is a scene of one class with two weights, whose honest updates are given.
func hand(own []float32, honest ...[]float32) *Scene {
	s := &Scene{
		Classes: 1, Liars: 2, Familiar: []int{0},
		Own:    federation.Head{Classes: 1, Features: len(own), Weights: own},
		Before: federation.Head{Classes: 1, Features: len(own), Weights: own},
		Head:   federation.Head{Classes: 1, Features: len(own), Weights: slices.Clone(own)},
		Update: &federation.Update{Claims: []int{0}, Rows: federation.Rows{Classes: []int{0}, Features: len(own), Weights: slices.Clone(own)}},
		Rand:   rand.New(rand.NewPCG(1, 1)), Fresh: rand.New(rand.NewPCG(2, 2)),
	}
	for i, h := range honest {
		s.Inbox = append(s.Inbox, &federation.Update{
			Sender: federation.PeerID(fmt.Sprintf("h%d", i)), Claims: []int{0},
			Rows: federation.Rows{Classes: []int{0}, Features: len(own), Weights: h},
		})
	}
	return s
}
