package sim

import (
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// crowd returns an experiment with prototypes of more peers than one keeps sets
// of: 70 honest ones and 10 liars with false prototypes.
func crowd(t testing.TB) Experiment {
	e := small(t, "bristle+")
	const classes, width = 6, 48
	m := *e.Manifest
	e.Manifest = &m
	m.Wire.MaxPeers = 80
	m.Prototypes = federation.PrototypeSpec{Use: true, Least: 2}
	holds := Spread(70, 3, classes)
	for range 10 {
		holds = append(holds, Window(0, classes, classes))
	}
	hands, err := NewDeck(Pool{Samples: clusters(1, classes, 300, width), Width: width}, 3).Deal(holds, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	e.Honest, e.Liars, e.Iterations = hands[:70], hands[70:], 5
	e.Attack = attack.Named("fp-perm(prototypes=false)", 5)
	return e
}

// held returns whose sets each honest peer holds after so many iterations.
func held(t *testing.T, e Experiment, iterations int64) []map[federation.PeerID]bool {
	t.Helper()
	w, err := newWorld(e)
	if err != nil {
		t.Fatal(err)
	}
	for now := w.agenda.next(); now < iterations*unit; now = w.agenda.next() {
		if err := w.step(now, w.agenda.take()); err != nil {
			t.Fatal(err)
		}
	}
	var all []map[federation.PeerID]bool
	for _, m := range w.honest {
		of := map[federation.PeerID]bool{}
		for id := range m.Round().Sets {
			if id != m.ID() {
				of[id] = true
			}
		}
		all = append(all, of)
	}
	return all
}

// TestWhoseSetsAreKept: of more than a peer keeps, chance decides.
func TestWhoseSetsAreKept(t *testing.T) {
	total, keepers := 0, map[federation.PeerID]int{}
	for i, of := range held(t, crowd(t), 4) {
		liars := 0
		for id := range of {
			keepers[id]++
			if id >= name(70) {
				liars++
			}
		}
		if len(of) != 64 || liars == 0 {
			t.Errorf("peer %d holds the sets of %d others, of %d liars among them", i, len(of), liars)
		}
		total += liars
	}
	// 64 of 79 are 81%, of 700.
	if total < 520 || total > 620 {
		t.Errorf("of 700 sets of liars %d are held", total)
	}
	for i := range 80 {
		if k := keepers[name(i)]; k < 35 || k == 70 {
			t.Errorf("the set of peer %d is held by %d of 70", i, k)
		}
	}
}

// TestRoomForSets: where peers fall silent, those there was no room for come in.
func TestRoomForSets(t *testing.T) {
	e := crowd(t)
	e.Iterations, e.MaxAge = 20, 2
	e.Life = make([]Life, 20)
	for i := range e.Life {
		e.Life[i].Away = []Absence{{3, 20, false}}
	}
	for i, of := range held(t, e, 20) {
		if i < 20 {
			continue
		}
		for other := 20; other < 80; other++ {
			if other != i && !of[name(other)] {
				t.Errorf("peer %d has no set of peer %d, though others have been silent for long", i, other)
			}
		}
	}
}

// TestOneSeedGivesOneResultWithPrototypes: lies that are told to each peer its own
// way do not depend on who works when, or where.
func TestOneSeedGivesOneResultWithPrototypes(t *testing.T) {
	for _, c := range []struct {
		name, attack, want string
		crowd              bool
	}{
		{"false", "fp-perm(prototypes=false)", "c4b94b485f7bb762", false},
		{"equivocated", "fp-perm(prototypes=equivocated)", "41973d66893d4082", false},
		{"crowd", "fp-perm(prototypes=false)", "fff309eaa268a886", true},
		{"equivocating crowd", "fp-perm(prototypes=equivocated)", "9082171cae2cf684", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				e := small(t, "bristle+")
				if c.crowd {
					e = crowd(t)
				}
				e.Manifest.Prototypes = federation.PrototypeSpec{Use: true, Least: 2}
				e.Attack, e.Workers = attack.Named(c.attack, 5), workers
				r, err := Run(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if got := checksum(r.Heads); got != c.want {
					t.Errorf("%d workers: the heads have the checksum %s, want %s", workers, got, c.want)
				}
			}
		})
	}
}
