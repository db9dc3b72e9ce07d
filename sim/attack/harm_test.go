package attack

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

func TestOptimisedIsNoWeaker(t *testing.T) {
	for _, rule := range []string{"mean", "median", "trimmed-mean", "krum", "bristle+"} {
		for _, pair := range [][2]string{{"ipm", "ipm:optimised"}, {"alie", "alie:optimised"}, {"ipm(epsilon=3)", "ipm:optimised(epsilon=3)"}} {
			for seed := range uint64(5) {
				g := stage{rule: rule, classes: 3, features: 8, honest: 8, liars: 3, seed: seed}
				if rule == "bristle+" {
					g.hold = 2
				}
				harm := func(name string) float64 {
					s, u := g.scene(t), forge(t, name, g)
					truth, all := vectors(s)
					for i := range all {
						m := all[i].mean()
						all[i].set(m, 0, m)
					}
					return harmTo(s.Outcome(u.Claims, u.Rows), truth)
				}
				if plain, best := harm(pair[0]), harm(pair[1]); best < plain {
					t.Errorf("%s, seed %d: %s does harm %v, %s only %v", rule, seed, pair[0], plain, pair[1], best)
				}
			}
		}
	}
}

func TestFurthestFindsAPeak(t *testing.T) {
	for _, peak := range []float64{0, .3, 1, 7.2, 40} {
		calls := 0
		got := furthest(1, func(f float64) float64 { calls++; return -(f - peak) * (f - peak) })
		if d := got - peak; d > .05*max(1, peak) || d < -.05*max(1, peak) || calls > evaluations {
			t.Errorf("a peak at %v is found at %v after %d calls", peak, got, calls)
		}
	}
	if f := furthest(0, func(f float64) float64 { return f }); f < 100 {
		t.Errorf("without an end it stops at %v", f)
	}
}

// TestFangKrum: the actual Krum chooses the lie, which pushes each weight against
// where the honest go, farther than half as much would.
func TestFangKrum(t *testing.T) {
	for seed := range uint64(10) {
		g := stage{rule: "krum", classes: 3, features: 20, honest: 10, liars: 5, seed: seed}
		for _, author := range []bool{false, true} {
			name := "fang-krum"
			if author {
				name += ":author"
			}
			s, u := g.scene(t), forge(t, name, g)
			if head := s.Outcome(u.Claims, u.Rows); !slices.Equal(head.Weights, u.Rows.Weights) {
				t.Fatalf("seed %d: Krum does not choose %s", seed, name)
			}
			_, all := vectors(s)
			middle := mean(append(slices.Clone(all[0].honest), s.Own.Weights))
			lambda, right := 0.0, 0
			for i, m := range all[0].mean() {
				before, push := float64(s.Before.Weights[i]), float64(u.Rows.Weights[i])-middle[i]
				lambda = max(lambda, push)
				if (m >= before) == (push > 0) == author {
					right++
				}
			}
			if right != len(u.Rows.Weights) || lambda < .01 {
				t.Errorf("seed %d: %s pushes %d of %d weights the right way, by %v", seed, name, right, len(u.Rows.Weights), lambda)
			}
			// A tenth more is refused: the search leaves no factor of two.
			far := federation.Rows{Classes: u.Rows.Classes, Features: u.Rows.Features, Weights: slices.Clone(u.Rows.Weights)}
			for i, m := range middle {
				far.Weights[i] = float32(m + 1.1*(float64(u.Rows.Weights[i])-m))
			}
			if picks(s, far) {
				t.Errorf("seed %d: %s could go a tenth farther", seed, name)
			}
		}
	}
}

// TestFangTrimmedMean: with more liars than the rule drops, the actual trimmed mean
// goes against where the honest go in nearly every weight; the author's sign does
// the opposite.
func TestFangTrimmedMean(t *testing.T) {
	for seed := range uint64(10) {
		g := stage{rule: "trimmed-mean", classes: 3, features: 20, honest: 10, liars: 5, seed: seed}
		for _, author := range []bool{false, true} {
			name := "fang-trimmed-mean"
			if author {
				name += ":author"
			}
			s, u := g.scene(t), forge(t, name, g)
			head := s.Outcome(u.Claims, u.Rows)
			_, all := vectors(s)
			right := 0
			for i, m := range all[0].mean() {
				up := m >= float64(s.Before.Weights[i])
				if (float64(head.Weights[i]) > m) == (up == author) {
					right++
				}
			}
			if n := len(head.Weights); right < n*95/100 {
				t.Errorf("seed %d: %s moves %d of %d weights the right way", seed, name, right, n)
			}
		}
	}
}

func TestOmniscientTakesTheWorst(t *testing.T) {
	g := stage{rule: "mean", classes: 6, features: 5, honest: 6, liars: 3, hold: 2, victim: 0}
	s, u := g.scene(t), forge(t, "fp-omniscient", g)
	experts := map[int][]float64{}
	for c := range g.classes {
		var rows [][]float32
		if s.familiar(c) {
			rows = append(rows, s.Own.Row(c))
		}
		for _, x := range s.Inbox {
			if slices.Contains(x.Claims, c) {
				rows = append(rows, rowOf(x.Rows, c))
			}
		}
		experts[c] = mean(rows)
	}
	turn := 0
	for c := range g.classes {
		from := -1
		for d := range g.classes {
			same := true
			for k, w := range experts[d] {
				same = same && u.Rows.Row(c)[k] == float32(w)
			}
			if same {
				from = d
			}
		}
		if s.familiar(c) != (from == c) || from < 0 || s.familiar(c) != s.familiar(from) {
			t.Fatalf("for class %d it sends the row of %d", c, from)
		}
		if !s.familiar(c) {
			turn = (from - c + 4) % 4
		}
	}
	// The rotation is the most harmful of the three.
	facts := s.Own.Select(s.foreign())
	for i, c := range facts.Classes {
		for k, w := range experts[c] {
			facts.Row(i)[k] = float32(w)
		}
	}
	most := harmTo(s.Outcome(u.Claims, u.Rows), facts)
	for by := 1; by < 4; by++ {
		other := s.Own.Select(truth(g.classes))
		copy(other.Weights, u.Rows.Weights)
		for i := range 4 {
			for k, w := range experts[2+(i+by)%4] {
				other.Row(2 + i)[k] = float32(w)
			}
		}
		if h := harmTo(s.Outcome(u.Claims, other), facts); h > most {
			t.Errorf("a turn by %d does harm %v, the one by %d only %v", by, h, turn, most)
		}
	}
}

// TestFangSeesThroughHalfSteps: picks recognises a rule that goes half the way.
func TestFangSeesThroughHalfSteps(t *testing.T) {
	s := hand([]float32{0, 0}, []float32{1, 0}, []float32{0, 2})
	lie := federation.Rows{Classes: []int{0}, Features: 2, Weights: []float32{-1, -1}}
	for _, c := range []struct {
		head []float32
		want bool
	}{
		{[]float32{-.5, -.5}, true}, {[]float32{-1, -1}, true}, {[]float32{.5, 0}, false},
		{[]float32{0, 2}, false}, {[]float32{0, 0}, false},
	} {
		s.Outcome = func([]int, federation.Rows) federation.Head {
			return federation.Head{Classes: 1, Features: 2, Weights: c.head}
		}
		if picks(s, lie) != c.want {
			t.Error(fmt.Sprint(c.head), "is taken for", !c.want)
		}
	}
}

// TestGeometricMedianStandsFarLies: five liars of fifteen who send what is far away
// leave the geometric median nearer to the mean of the honest than they are.
func TestGeometricMedianStandsFarLies(t *testing.T) {
	for _, name := range []string{"gaussian(sd=2000)", "gaussian(sd=1e6)", "ipm(epsilon=1e6)", "sign-flip(factor=1e6)", "fp-norm(factor=1e6)"} {
		for seed := range uint64(5) {
			g := stage{rule: "geometric-median", classes: 10, features: 20, honest: 10, liars: 5, seed: seed}
			s, u := g.scene(t), forge(t, name, g)
			middle, all := vectors(s)
			honest := append(slices.Clone(all[0].honest), s.Own.Weights)
			all[0].set(mean(honest), 0, mean(honest))
			nearest := distance(middle.Weights, s.Own.Weights)
			for _, x := range honest {
				nearest = min(nearest, distance(middle.Weights, x))
			}
			if far := distance(s.Outcome(u.Claims, u.Rows).Weights, middle.Weights); far >= nearest {
				t.Errorf("%s, seed %d: the result is %v away, the nearest honest head %v", name, seed, far, nearest)
			}
		}
	}
}
