package attack

import (
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// namesIn returns, for each row, the class whose true row it is, as [names] do; -1
// for none.
func namesIn(r federation.Rows, honest federation.Head) names {
	n := truth(honest.Classes)
	for i, c := range r.Classes {
		n[c] = -1
		for d := range honest.Classes {
			if slices.Equal(r.Row(i), honest.Row(d)) {
				n[c] = d
			}
		}
	}
	return n
}

// proto returns the names in the prototypes that a liar publishes to a victim.
func proto(t *testing.T, text string, g stage) names {
	s := g.scene(t)
	set := &federation.Prototypes{Samples: make([]int, g.classes), Means: s.Head.Select(truth(g.classes))}
	a := liarOf(t, text, g)
	a.Forge(s)
	a.Prototypes(s, set)
	return namesIn(set.Means, s.Head)
}

func TestPoison(t *testing.T) {
	g := stage{rule: "bristle+", classes: 10, features: 4, honest: 10, liars: 5, hold: 4}
	for _, c := range []struct {
		attack  string
		changed int  // classes with a false name, at most
		alike   bool // all victims are told the same
	}{
		{"fp-perm", 6, false}, {"fp-copied", 6, false}, {"fp-perm(prototypes=equivocated)", 6, false}, {"fp-norm(factor=1)", 6, false},
		{"fp-two", 2, false}, {"narrow", 2, false}, {"window", 4, false},
		{"fp-perm(prototypes=false)", 5, false}, {"fp-two(prototypes=false)", 2, false},
		{"fp-public", 5, true}, {"fp-public(prototypes=false)", 5, true}, {"window:public", 2, true}, {"window:spread", 2, true},
	} {
		most, different := 0, false
		var first names
		for g.victim = range g.honest {
			s := g.scene(t)
			u := forge(t, c.attack, g)
			n := namesIn(u.Rows, s.Head)
			if g.victim == 0 {
				first = n
			}
			different = different || !slices.Equal(n, first)
			most = max(most, len(n.changed()))
			for class, from := range n {
				if from < 0 {
					t.Fatalf("%s: the row of class %d is nobody's", c.attack, class)
				}
				if !c.alike && class != from && (s.familiar(class) || s.familiar(from)) {
					t.Errorf("%s: victim %d can tell that %d is %d", c.attack, g.victim, class, from)
				}
			}
		}
		if most != c.changed || different == c.alike {
			t.Errorf("%s: at most %d false names, want %d; not the same to all: %v", c.attack, most, c.changed, different)
		}
	}
}

func TestPoisonClaims(t *testing.T) {
	g := stage{rule: "bristle+", classes: 10, features: 4, honest: 10, liars: 5, hold: 4, liar: 4, victim: 1}
	for name, want := range map[string][]int{
		"fp-perm": truth(10), "window": {2, 3, 4, 5}, "window:public": {2, 3, 4, 5}, "window(first=8)": {0, 1, 8, 9},
		"window:spread": {0, 1, 8, 9}, "window:public(size=20)": truth(10),
	} {
		if u := forge(t, name, g); !slices.Equal(u.Claims, want) {
			t.Errorf("%s claims %v, want %v", name, u.Claims, want)
		}
	}
	s := g.scene(t)
	u := forge(t, "narrow", g)
	if n := namesIn(u.Rows, s.Head); len(u.Claims) != 2 || !slices.Equal(n.changed(), u.Claims) {
		t.Errorf("narrow claims %v and tells %v", u.Claims, n)
	}
	if n := namesIn(forge(t, "window:public", g).Rows, s.Head); n[2] != 3 || n[3] != 2 {
		t.Errorf("on {2..5} it tells %v, want 2 and 3 exchanged", n)
	}
	// A victim that knows all but one class cannot be told a false name unnoticed.
	g.hold = 9
	s = g.scene(t)
	for _, name := range []string{"fp-perm", "fp-two", "narrow", "window"} {
		if n := namesIn(forge(t, name, g).Rows, s.Head); len(n.changed()) > 0 {
			t.Errorf("%s tells %v to a victim that lacks one class", name, n)
		}
	}
}

func TestFactorOnForeignRows(t *testing.T) {
	g := stage{rule: "bristle+", classes: 6, features: 3, honest: 6, liars: 2, hold: 4}
	plain, long, s := forge(t, "fp-perm", g), forge(t, "fp-norm", g), g.scene(t)
	for c := range g.classes {
		for k, w := range plain.Rows.Row(c) {
			want := w
			if !s.familiar(c) {
				want *= 100
			}
			near(t, "a weight", float64(long.Rows.Row(c)[k]), float64(want))
		}
	}
}

func TestPrototypes(t *testing.T) {
	g := stage{rule: "bristle+", classes: 10, features: 4, honest: 10, liars: 5, hold: 4}
	told := func(name string) names {
		return namesIn(forge(t, name, g).Rows, g.scene(t).Head)
	}
	seen := map[string][]names{}
	for g.victim = range 10 {
		if n := proto(t, "fp-perm", g); n.changed() != nil {
			t.Errorf("honest prototypes tell %v", n)
		}
		if n := proto(t, "fp-perm(prototypes=equivocated)", g); !slices.Equal(n, told("fp-perm")) {
			t.Errorf("equivocated prototypes tell victim %d %v, the rows %v", g.victim, n, told("fp-perm"))
		}
		// What rows a liar with false prototypes tells, these confirm.
		n, rows := proto(t, "fp-perm(prototypes=false)", g), told("fp-perm(prototypes=false)")
		for _, c := range rows.changed() {
			if rows[c] != n[c] {
				t.Errorf("victim %d is told %v, the prototypes say %v", g.victim, rows, n)
			}
		}
		if n := proto(t, "fp-public(prototypes=false)", g); !slices.Equal(n, told("fp-public")) || n.changed()[0] != 5 {
			t.Errorf("fp-public tells %v with prototypes %v", told("fp-public"), n)
		}
		for _, name := range []string{"fp-perm(prototypes=false)", "fp-copied", "window:public(prototypes=false)"} {
			seen[name] = append(seen[name], proto(t, name, g))
		}
	}
	for name, all := range seen {
		for _, n := range all {
			if !slices.Equal(n, all[0]) || n.changed() == nil {
				t.Errorf("%s publishes %v and %v", name, n, all[0])
			}
		}
	}
	if n := seen["fp-copied"][0]; len(n.changed()) != 10 {
		t.Errorf("of ten copied prototypes %d are of another class", len(n.changed()))
	}
}

// TestNarrowPrototypes: a liar publishes means of what it claims and of nothing else,
// since updates that claim less than that are refused.
func TestNarrowPrototypes(t *testing.T) {
	g := stage{rule: "bristle+", classes: 10, features: 4, honest: 10, liars: 5, hold: 4, liar: 4}
	for name, want := range map[string]int{
		"fp-two(prototypes=false)": 10, "narrow": 0, "narrow(prototypes=false)": 2, "narrow(prototypes=copied)": 0,
		"window": 4, "window:public(prototypes=false)": 4, "window:spread(prototypes=false)": 4,
		"window(size=10)": 10, "window(size=20,prototypes=false)": 10, "window:public(size=10,prototypes=copied)": 10,
		"window:public(size=20,prototypes=false)": 10, "window:spread(size=10,prototypes=equivocated)": 10, "window:spread(size=9)": 9,
	} {
		for g.victim = range g.honest {
			s := g.scene(t)
			set := &federation.Prototypes{Samples: make([]int, g.classes), Means: s.Head.Select(truth(g.classes))}
			a := liarOf(t, name, g)
			a.Forge(s)
			a.Prototypes(s, set)
			if len(set.Samples) != want || len(set.Means.Classes) != want || len(set.Means.Weights) != 4*want {
				t.Errorf("%s publishes means of %v, want %d", name, set.Means.Classes, want)
			}
			for _, c := range set.Means.Classes {
				if !slices.Contains(s.Update.Claims, c) {
					t.Errorf("%s publishes a mean of %d and claims %v", name, c, s.Update.Claims)
				}
			}
		}
	}
}
