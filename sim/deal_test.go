package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner"
)

func TestDeal(t *testing.T) {
	pool := Pool{Width: 2}
	for i := range 300 {
		pool.Labels = append(pool.Labels, i%3)
		pool.Features = append(pool.Features, float32(i), float32(-i))
	}
	holds := [][]int{{0, 1}, {1, 2}, {0, 1, 2}}
	hands, err := NewDeck(pool, 1).Deal(holds, 7, 4)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float32]bool{}
	for i, h := range hands {
		for _, part := range []struct {
			learner.Samples
			each int
		}{{h.Train, 7}, {h.Probe, 4}} {
			if !slices.Equal(part.Familiar(), holds[i]) || len(part.Labels) != part.each*len(holds[i]) {
				t.Errorf("peer %d got labels %v", i, part.Labels)
			}
			for k, l := range part.Labels {
				id := part.Features[2*k]
				if seen[id] || int(id)%3 != l || part.Features[2*k+1] != -id {
					t.Errorf("sample %v: seen before is %v, label %d", id, seen[id], l)
				}
				seen[id] = true
			}
		}
	}
	again, err := NewDeck(pool, 1).Deal(holds, 7, 4)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewDeck(pool, 2).Deal(holds, 7, 4)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(hands[2].Train.Features, again[2].Train.Features) || slices.Equal(hands[2].Train.Features, other[2].Train.Features) {
		t.Error("the seed does not decide")
	}
	if _, err := NewDeck(pool, 1).Deal(holds, 40, 4); !errors.Is(err, ErrTooFew) {
		t.Error("more samples were dealt than there are")
	}
}

// TestDealtAgain: peers may share samples, but nobody has one twice; and what
// the first shuffle suffices for is dealt as without sharing.
func TestDealtAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		train, probe := rapid.IntRange(0, 45).Draw(t, "train"), rapid.IntRange(0, 15).Draw(t, "probe")
		seed := rapid.Uint64().Draw(t, "seed")
		holds := rapid.SliceOfN(rapid.SliceOfNDistinct(rapid.IntRange(0, 4), 1, 3, rapid.ID[int]), 1, 8).Draw(t, "holds")
		deck := NewDeck(pool60(), seed)
		deck.Again = true
		hands, err := deck.Deal(holds, train, probe)
		if err != nil {
			t.Fatal(err)
		}
		for i := range hands {
			check(t, hands[i:i+1])
			if len(hands[i].Train.Labels) != train*len(holds[i]) || len(hands[i].Probe.Labels) != probe*len(holds[i]) {
				t.Fatalf("peer %d got %d and %d samples", i, len(hands[i].Train.Labels), len(hands[i].Probe.Labels))
			}
		}
		for n := range holds {
			once, err := NewDeck(pool60(), seed).Deal(holds[:n+1], train, probe)
			if err != nil {
				break
			}
			if !slices.Equal(once[n].Train.Features, hands[n].Train.Features) || !slices.Equal(once[n].Probe.Features, hands[n].Probe.Features) {
				t.Fatalf("peer %d has another hand because samples may be dealt again", n)
			}
		}
	})
	deck := NewDeck(pool60(), 1)
	deck.Again = true
	if _, err := deck.Deal([][]int{{0}}, 45, 16); !errors.Is(err, ErrTooFew) {
		t.Errorf("61 samples of 60 in one hand: %v", err)
	}
}

func TestWindows(t *testing.T) {
	for _, w := range []struct {
		start, m, classes int
		want              []int
	}{
		{0, 4, 10, []int{0, 1, 2, 3}},
		{8, 4, 10, []int{0, 1, 8, 9}},
		{3, 10, 10, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{12, 2, 10, []int{2, 3}},
	} {
		if got := Window(w.start, w.m, w.classes); !slices.Equal(got, w.want) {
			t.Errorf("window of %d from %d: %v, want %v", w.m, w.start, got, w.want)
		}
	}
	covered := map[int]int{}
	for _, w := range Spread(7, 4, 10) {
		for _, c := range w {
			covered[c]++
		}
	}
	for c := range 10 {
		if covered[c] < 2 {
			t.Errorf("class %d is held by %d of seven peers", c, covered[c])
		}
	}
}

// pool60 has 60 samples of each of 5 classes, each of one of six owners; the
// feature of a sample is its number.
func pool60() Pool {
	p := Pool{Width: 1}
	for i := range 300 {
		p.Labels = append(p.Labels, i%5)
		p.Features = append(p.Features, float32(i))
		p.Owners = append(p.Owners, fmt.Sprint("owner", i/50))
	}
	return p
}

// check fails if a sample is in two hands or under a wrong label.
func check(t interface{ Fatalf(string, ...any) }, hands []Hand) {
	seen := map[float32]bool{}
	for i, h := range hands {
		for _, s := range []learner.Samples{h.Train, h.Probe} {
			for k, x := range s.Features {
				if seen[x] || int(x)%5 != s.Labels[k] {
					t.Fatalf("peer %d: sample %v with label %d, seen before: %v", i, x, s.Labels[k], seen[x])
				}
				seen[x] = true
			}
		}
	}
}

func TestDirichlet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alpha := rapid.Float64Range(.02, 50).Draw(t, "alpha")
		hands, err := NewDeck(pool60(), rapid.Uint64().Draw(t, "seed")).Dirichlet(4, 5, alpha, 12, 2)
		if err != nil {
			t.Fatal(err)
		}
		check(t, hands)
		for i, h := range hands {
			if len(h.Train.Labels) != 12 || !slices.Equal(h.Train.Familiar(), h.Probe.Familiar()) {
				t.Fatalf("peer %d trains on %v and is probed on %v", i, h.Train.Labels, h.Probe.Labels)
			}
		}
	})
	if _, err := NewDeck(pool60(), 1).Dirichlet(4, 5, .05, 100, 2); !errors.Is(err, ErrTooFew) {
		t.Errorf("400 samples of 300: %v", err)
	}
	// The mean of the greatest share says whether alpha does what it should:
	// near 1 for a small one, near 1/5 for a great one.
	for alpha, want := range map[float64][2]float64{.01: {.97, 1}, 1: {.4, .52}, 1000: {.2, .25}} {
		rng, sum := rand.New(rand.NewPCG(3, 3)), 0.0
		for range 500 {
			sum += slices.Max(dirichlet(rng, 5, alpha)) / 500
		}
		if sum < want[0] || sum > want[1] {
			t.Errorf("alpha %v: the greatest share is %v on average, want %v", alpha, sum, want)
		}
	}
}

func TestShards(t *testing.T) {
	hands, err := NewDeck(pool60(), 2).Shards(5, 2, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	check(t, hands)
	for i, h := range hands {
		if len(h.Train.Labels) != 10 || len(h.Train.Familiar()) > 2 || len(h.Probe.Labels) != 3*len(h.Train.Familiar()) {
			t.Errorf("peer %d has %v and %v", i, h.Train.Labels, h.Probe.Labels)
		}
	}
	if _, err := NewDeck(pool60(), 2).Shards(5, 20, 5, 3); !errors.Is(err, ErrTooFew) {
		t.Errorf("500 samples of 300: %v", err)
	}
}

func TestByOwner(t *testing.T) {
	for _, c := range []struct{ peers, each, train, probe, left int }{{4, 1, 5, 3, 100}, {3, 2, 7, 4, 0}} {
		d := NewDeck(pool60(), 2)
		hands, err := d.ByOwner(c.peers, c.each, c.train, c.probe)
		if err != nil {
			t.Fatal(err)
		}
		check(t, hands)
		for i, h := range hands {
			for _, x := range slices.Concat(h.Train.Features, h.Probe.Features) {
				if int(x)/50/c.each != i {
					t.Errorf("of %d owners each, peer %d has sample %v of another", c.each, i, x)
				}
			}
			if len(h.Train.Labels) != 5*c.train || len(h.Probe.Labels) != 5*c.probe {
				t.Errorf("of %d owners, peer %d has %d and %d samples", c.each, i, len(h.Train.Labels), len(h.Probe.Labels))
			}
		}
		left := 0
		for _, cards := range d.cards {
			left += len(cards)
		}
		if left != c.left {
			t.Errorf("%d samples of the other owners are left, want %d", left, c.left)
		}
	}
	if _, err := NewDeck(pool60(), 2).ByOwner(7, 1, 5, 3); !errors.Is(err, ErrTooFew) {
		t.Errorf("seven of six owners: %v", err)
	}
	if _, err := NewDeck(Pool{Samples: pool60().Samples, Width: 1}, 2).ByOwner(2, 1, 5, 3); err == nil {
		t.Error("data without owners were dealt by owner")
	}
}
