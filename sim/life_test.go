package sim

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestTransit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var busy int64
	if at, lost := (Link{}).transit(7*unit, &busy, 1000, rng); at != 7*unit || lost {
		t.Errorf("a perfect link delivers at %d, lost: %v", at, lost)
	}
	slow := Link{Latency: 2, Bandwidth: 500}
	for i := range int64(3) { // two iterations each, one after the other
		if at, _ := slow.transit(unit, &busy, 1000, rng); at != unit+2*(i+1)*unit+2*unit {
			t.Errorf("message %d arrives at %d", i, at)
		}
	}
	lost := 0
	for range 1000 {
		if _, gone := (Link{Loss: .3}).transit(0, &busy, 1, rng); gone {
			lost++
		}
	}
	if lost < 250 || lost > 350 {
		t.Errorf("%d of 1000 messages were lost at .3", lost)
	}
	for range 100 {
		if at, _ := (Link{Latency: 1, Jitter: .5}).transit(0, &busy, 1, rng); at < unit || at > unit*3/2 {
			t.Errorf("delay of 1 to 1.5 iterations is %d", at)
		}
	}
	for _, bad := range []Link{{Loss: 1.1}, {Latency: -1}, {Bandwidth: -1}, {Jitter: 1e7}} {
		if bad.check() == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestChurn(t *testing.T) {
	away := 0
	for i, l := range Churn(20, 100, .05, 3, true, 1) {
		if err := l.check(i); err != nil {
			t.Fatal(err)
		}
		away += len(l.Away)
	}
	if away < 50 || away > 120 { // about 1 in 23 iterations
		t.Errorf("%d absences in 20 lives of 100 iterations", away)
	}
	for _, bad := range []Life{{Join: -1}, {Speed: -1}, {Away: []Absence{{3, 3, false}}}, {Away: []Absence{{3, 5, false}, {4, 6, false}}}} {
		if err := bad.check(0); !errors.Is(err, ErrLife) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// TestAbsences compares what a peer has on waking with one that is followed in
// steps of a quarter of an iteration.
func TestAbsences(t *testing.T) {
	const tick = unit / 4
	rapid.Check(t, func(t *rapid.T) {
		var l Life
		from := 0
		for range rapid.IntRange(0, 4).Draw(t, "absences") {
			from += rapid.IntRange(0, 3).Draw(t, "there")
			to := from + rapid.IntRange(1, 3).Draw(t, "away")
			l.Away = append(l.Away, Absence{from, to, rapid.Bool().Draw(t, "crash")})
			from = to
		}
		if err := l.check(0); err != nil {
			t.Fatal(err)
		}
		away := func(at int64) (is, crash bool) {
			for _, a := range l.Away {
				if at >= int64(a.From)*unit && at < int64(a.To)*unit {
					return true, a.Crash
				}
			}
			return false, false
		}
		there := func(at int64) int64 {
			for is := true; is; at += tick {
				if is, _ = away(at); !is {
					return at
				}
			}
			return at
		}
		draw := rapid.Int64Range(0, 80)
		last, now := draw.Draw(t, "last")*tick, draw.Draw(t, "now")*tick
		last, now = min(last, now), max(last, now)
		for _, at := range []int64{last, now} {
			if got := l.back(at); got != there(at) {
				t.Fatalf("%+v: away at %d until %d, want %d", l.Away, at, got, there(at))
			}
		}
		if last, now = there(last), there(now); last == now {
			return
		}
		var mail []letter
		for i, at := range rapid.SliceOf(rapid.Int64Range(last/tick, 90)).Draw(t, "mail") {
			mail = append(mail, letter{at: at * tick, from: i})
		}
		var memory []letter
		crashed := false
		for at := last; at <= now; at += tick {
			is, crash := away(at)
			if crash {
				memory, crashed = nil, true
			}
			for _, m := range mail {
				if m.at == at && !is {
					memory = append(memory, m)
				}
			}
		}
		for _, m := range mail {
			if m.at > now {
				memory = append(memory, m)
			}
		}
		slices.SortFunc(memory, func(a, b letter) int { return a.from - b.from })
		left, got := l.wake(last, now, slices.Clone(mail))
		if got != crashed || !slices.Equal(left, memory) {
			t.Fatalf("%+v, from %d to %d: crashed %v with %v, want %v with %v", l.Away, last, now, got, left, crashed, memory)
		}
	})
}

func TestAgenda(t *testing.T) {
	var a agenda
	for _, e := range [][2]int{{5, 1}, {3, 9}, {5, 0}, {3, 2}, {4, 4}} {
		a.add(int64(e[0]), e[1])
	}
	var got []int
	for _, want := range []int64{3, 4, 5} {
		if a.next() != want {
			t.Fatalf("next is %d, want %d", a.next(), want)
		}
		got = append(got, a.take()...)
	}
	for i, want := range []int{2, 9, 4, 0, 1} {
		if got[i] != want {
			t.Fatalf("order %v", got)
		}
	}
}

// TestSlowestLine: on a line so slow that its delay has no number, nothing arrives.
func TestSlowestLine(t *testing.T) {
	for _, bandwidth := range []float64{1e-3, 1e-12, 1e-300} {
		busy := int64(0)
		for range 100 {
			at, lost := Link{Bandwidth: bandwidth}.transit(5, &busy, 1<<20, rand.New(rand.NewPCG(1, 1)))
			if lost || at < 1000*unit || busy > never {
				t.Fatalf("bandwidth %v: there at %d, busy until %d, lost %v", bandwidth, at, busy, lost)
			}
		}
	}
}
