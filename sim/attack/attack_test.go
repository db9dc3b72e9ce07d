package attack

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

// everyAttack is every name, wrappers around another.
func everyAttack() []string {
	var names []string
	for _, i := range List() {
		name := i.Name
		if i.Wraps {
			name += "|fp-perm"
		}
		names = append(names, name)
		if slices.ContainsFunc(i.Constants, func(c Constant) bool { return c.Name == "prototypes" }) {
			for _, w := range lies[1:] {
				names = append(names, i.Name+"(prototypes="+w+")")
			}
		}
	}
	return names
}

func TestWorkedExamples(t *testing.T) {
	// Two honest updates, (1, 4) and (3, 0): mean (2, 2), deviation (1, 2).
	a, b := []float32{1, 4}, []float32{3, 0}
	for _, c := range []struct {
		attack string
		want   []float64
	}{
		{"none", []float64{1, 1}},
		{"sign-flip(factor=3)", []float64{-3, -3}},
		{"ipm(epsilon=0.5)", []float64{-1, -1}},
		{"ipm(epsilon=100)", []float64{-200, -200}},
		{"alie(z=1.5)", []float64{.5, -1}},
		{"mimic", []float64{1, 4}},
		{"mimic(peer=3)", []float64{3, 0}},
		{"equivocation(z=2)", []float64{4, 6}},
		{"free-rider(noise=0)", []float64{2, 2}},
		// Both are sqrt(5) from the mean and sqrt(20) from each other. Along (-1, -2)
		// from the mean the honest (3, 0) is in the way: with m-x = (-1, 2) the inner
		// product is -3 and 5 - 6g + 5g^2 = 20; for (1, 4) it is 3. The lesser root is
		// (-3 + sqrt(84))/5.
		{"min-max", []float64{2 - (math.Sqrt(84)-3)/5, 2 - 2*(math.Sqrt(84)-3)/5}},
		// 10 + 2*5 g^2 = 20.
		{"min-sum", []float64{1, 0}},
		// 10 + 2*2 g^2 = 20.
		{"min-sum(direction=sign)", []float64{2 - math.Sqrt(2.5), 2 - math.Sqrt(2.5)}},
		// 10 + 2 g^2 = 20, along (-1, -1)/sqrt(2).
		{"min-sum(direction=unit)", []float64{2 - math.Sqrt(2.5), 2 - math.Sqrt(2.5)}},
	} {
		s := hand([]float32{1, 1}, a, b)
		if !liarOf(t, c.attack, stage{liars: 2}).Forge(s) {
			t.Errorf("%s sends nothing", c.attack)
		}
		for i, want := range c.want {
			near(t, c.attack, float64(s.Update.Rows.Weights[i]), want)
		}
	}
}

func TestFangTrimmedMeanIsBeyondTheHonest(t *testing.T) {
	// The honest go up in the first weight, down in the second, and in the last two
	// the edges have the other sign.
	own, h := []float32{1, 1, -9, 9}, []float32{3, -2, -5, 4}
	for name, want := range map[string][4][2]float64{
		"fang-trimmed-mean":        {{.5, 1}, {1, 2}, {-18, -9}, {9, 18}},
		"fang-trimmed-mean:author": {{3, 6}, {-4, -2}, {-5, -2.5}, {2, 4}},
	} {
		for seed := range uint64(50) {
			s := hand(own, h)
			s.Fresh = rand.New(rand.NewPCG(seed, 1))
			liarOf(t, name, stage{liars: 1}).Forge(s)
			for i, r := range want {
				if w := float64(s.Update.Rows.Weights[i]); w < r[0]-2e-5 || w > r[1]+2e-5 || w == r[0] || w == r[1] {
					t.Errorf("%s: weight %d is %v, not in %v", name, i, w, r)
				}
			}
		}
	}
}

func TestNoise(t *testing.T) {
	g := stage{rule: "mean", classes: 5, features: 200, honest: 3, liars: 1}
	for name, want := range map[string][2][2]float64{
		"noise":     {{-.5, 0}, {0, .5}},
		"noise:old": {{-.2, .3}, {-.2, .3}},
	} {
		u := forge(t, name, g)
		for c := range 5 {
			r := want[min(1, c/2)]
			low, high := slices.Min(u.Rows.Row(c)), slices.Max(u.Rows.Row(c))
			if float64(low) < r[0] || float64(high) > r[1] || high-low < .4 {
				t.Errorf("%s: class %d is from %v to %v, want %v", name, c, low, high, r)
			}
		}
	}
	g.features = 4000
	sum, square := 0.0, 0.0
	u := forge(t, "gaussian(sd=3)", g)
	for _, w := range u.Rows.Weights {
		sum, square = sum+float64(w), square+float64(w)*float64(w)
	}
	n := float64(len(u.Rows.Weights))
	if m, sd := sum/n, math.Sqrt(square/n); math.Abs(m) > .1 || math.Abs(sd-3) > .1 {
		t.Errorf("gaussian: mean %v, deviation %v", m, sd)
	}
}

func TestLabels(t *testing.T) {
	for name, want := range map[string][]int{"none": {0, 1, 2, 3}, "flip-all": {3, 0, 1, 2}, "flip-2": {1, 0, 2, 3}} {
		a := liarOf(t, name, stage{liars: 1})
		for c, w := range want {
			if got := a.Label(c, 4); got != w {
				t.Errorf("%s: class %d is labelled %d, want %d", name, c, got, w)
			}
		}
		if a.Label(0, 1) != 0 {
			t.Errorf("%s: the only class has another name", name)
		}
	}
}

func TestLargestZ(t *testing.T) {
	// 50 peers, 24 liars: the example of the paper's section 3.2 has s = 2 and
	// (50-24-2)/26 = .923, z = 1.43.
	near(t, "z of 50 and 24", math.Round(largestZ(50, 24)*100)/100, 1.43)
	near(t, "z of 15 and 5", largestZ(15, 5), .5244005127080409)
	near(t, "z of no liars", largestZ(10, 0), 0)
	near(t, "z of a majority", largestZ(10, 8), 4)
	for z := 0.0; z < 4; z += .01 {
		if want := .5 * math.Erfc(-z/math.Sqrt2); math.Abs(phi(z)-want) > 1e-14 {
			t.Fatalf("phi(%v) is %v, want %v", z, phi(z), want)
		}
	}
	// The same bits where products and sums could be fused.
	h := sha256.New()
	for z := -4.0; z <= 4; z += .01 {
		binary.Write(h, binary.LittleEndian, phi(z)) //nolint:errcheck // a hash takes everything
	}
	if got := hex.EncodeToString(h.Sum(nil))[:16]; got != "dd600c5a66d6c466" {
		t.Errorf("phi has the hash %s", got)
	}
}

func TestMimicTakesTheWidest(t *testing.T) {
	s := hand([]float32{0, 0}, []float32{1, 0}, []float32{0, 1}, []float32{0, -9}, []float32{1, 1})
	liarOf(t, "mimic:variance", stage{liars: 1}).Forge(s)
	if !slices.Equal(s.Update.Rows.Weights, []float32{0, -9}) {
		t.Errorf("it copies %v", s.Update.Rows.Weights)
	}
	s.Update.Rows.Weights[0] = 5
	if s.Inbox[2].Rows.Weights[0] == 5 {
		t.Error("it shares memory with the honest")
	}
	// Everybody the same, and one only.
	same := hand([]float32{0}, []float32{1}, []float32{1})
	liarOf(t, "mimic:variance", stage{liars: 1}).Forge(same)
	if same.Update.Rows.Weights[0] != 1 {
		t.Error("it copies nobody")
	}
	// Claims are copied, too.
	g := stage{rule: "bristle+", classes: 6, features: 4, honest: 5, liars: 2, hold: 3}
	if u := forge(t, "mimic", g); !slices.Equal(u.Claims, g.holds(1)) {
		t.Errorf("it claims %v, the copied %v", u.Claims, g.holds(1))
	}
}

func TestReplay(t *testing.T) {
	a := liarOf(t, "replay(at=3)", stage{liars: 1})
	for round := range uint64(10) {
		h := federation.Head{Classes: 1, Features: 1, Weights: []float32{float32(round)}}
		a.Learned(round, h)
		s := hand(h.Weights)
		a.Forge(s)
		if want := min(round, 3); s.Update.Rows.Weights[0] != float32(want) {
			t.Errorf("in round %d it sends what it learned in %v, want %d", round, s.Update.Rows.Weights[0], want)
		}
	}
}

func TestOnOff(t *testing.T) {
	for text, want := range map[string][]uint64{
		"on-off(period=5,duty=2)": {3, 4, 8, 9},
		"on-off(period=5)":        {2, 3, 4, 7, 8, 9},
		"on-off(period=6)":        {3, 4, 5, 9},
		"on-off(duty=13)":         {7, 8, 9},
		"on-off(period=1)":        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
		"on-off":                  nil, // from the tenth on
	} {
		a := liarOf(t, text+"|sign-flip", stage{liars: 1})
		var lied []uint64
		for round := range uint64(10) {
			s := hand([]float32{1})
			s.Round = round
			a.Forge(s)
			if s.Update.Rows.Weights[0] < 0 {
				lied = append(lied, round)
			}
		}
		if !slices.Equal(lied, want) {
			t.Errorf("%s lies in %v, want %v", text, lied, want)
		}
	}
}

func TestDrift(t *testing.T) {
	g := stage{rule: "mean", classes: 6, features: 20, honest: 4, liars: 2, hold: 3, victim: 1}
	s := g.scene(t)
	for _, name := range []string{"drift", "drift-foreign"} {
		u := forge(t, name, g)
		for c := range g.classes {
			moved := distance(u.Rows.Row(c), s.Own.Row(c))
			if name == "drift-foreign" && s.familiar(c) {
				if !slices.Equal(u.Rows.Row(c), s.Head.Row(c)) {
					t.Errorf("class %d of the victim is not what the liar learned", c)
				}
				continue
			}
			// It went .15 lengths of another class's row, towards it.
			on := false
			for d := range g.classes {
				step := .15 * distance(s.Head.Row(d), make([]float32, g.features))
				way := distance(s.Head.Row(d), s.Own.Row(c))
				on = on || d != c && math.Abs(moved-min(step, way)) < 1e-5 && math.Abs(distance(u.Rows.Row(c), s.Head.Row(d))-max(0, way-step)) < 1e-5
			}
			if !on {
				t.Errorf("%s: class %d moved %v, to no other class", name, c, moved)
			}
		}
	}
}

func TestAllAreSoundAndDeterministic(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.SampledFrom(everyAttack()).Draw(r, "attack")
		g := stage{
			rule:    rapid.SampledFrom([]string{"mean", "median", "bristle+"}).Draw(r, "rule"),
			classes: rapid.IntRange(1, 7).Draw(r, "classes"), features: rapid.IntRange(1, 9).Draw(r, "features"),
			honest: rapid.IntRange(1, 6).Draw(r, "honest"), liars: rapid.IntRange(1, 4).Draw(r, "liars"),
			round: rapid.Uint64Range(0, 50).Draw(r, "round"), seed: rapid.Uint64().Draw(r, "seed"),
		}
		g.victim, g.liar = rapid.IntRange(0, g.honest-1).Draw(r, "victim"), rapid.IntRange(0, g.liars-1).Draw(r, "liar")
		if g.rule == "bristle+" {
			g.hold = rapid.IntRange(0, g.classes).Draw(r, "hold")
		}
		one, two := forge(t, name, g), forge(t, name, g)
		sound(t, name, one, g.classes)
		if !slices.Equal(one.Claims, two.Claims) || !slices.Equal(one.Rows.Weights, two.Rows.Weights) {
			t.Fatalf("%s is not the same twice", name)
		}
		s := g.scene(t)
		inbox := federation.Rows{}
		if len(s.Inbox) > 0 {
			inbox = s.Inbox[0].Rows
			inbox.Weights = slices.Clone(inbox.Weights)
		}
		own := s.Own.Clone()
		a := liarOf(t, name, g)
		a.Forge(s)
		set := &federation.Prototypes{Samples: make([]int, g.classes), Means: normalHead(s.Fresh, g.classes, g.features, 1).Select(truth(g.classes))}
		a.Prototypes(s, set)
		for _, c := range set.Means.Classes {
			if !slices.Contains(s.Update.Claims, c) {
				t.Fatalf("%s publishes a mean of %d and claims %v", name, c, s.Update.Claims)
			}
		}
		if len(set.Samples) != len(set.Means.Classes) || !slices.Equal(own.Weights, s.Own.Weights) ||
			len(s.Inbox) > 0 && !slices.Equal(inbox.Weights, s.Inbox[0].Rows.Weights) {
			t.Fatalf("%s changes what is not its own", name)
		}
	})
}

func TestHugeInputsStayFinite(t *testing.T) {
	for _, name := range everyAttack() {
		g := stage{rule: "mean", classes: 4, features: 5, honest: 4, liars: 3}
		s := g.scene(t)
		for _, u := range s.Inbox {
			for i := range u.Rows.Weights {
				u.Rows.Weights[i] *= 1e11
			}
		}
		liarOf(t, name, g).Forge(s)
		sound(t, name, s.Update, 4)
	}
}

func TestConspirators(t *testing.T) {
	// What is planned together, or drawn for the victim, all liars send alike.
	for _, name := range []string{"fp-perm", "fp-public", "fang-krum", "alie:optimised", "fp-omniscient"} {
		g := stage{rule: "mean", classes: 8, features: 6, honest: 6, liars: 3, hold: 4, victim: 2}
		first := forge(t, name, g)
		g.liar, g.round = 2, 9
		if !slices.Equal(first.Rows.Weights, forge(t, name, g).Rows.Weights) {
			t.Errorf("%s: the third liar says something else", name)
		}
		calls := 0
		s := g.scene(t)
		s.Agree = func(plan func() federation.Rows) federation.Rows { calls++; return plan() }
		liarOf(t, name, g).Forge(s)
		if plans := !strings.HasPrefix(name, "fp-p"); (calls == 1) != plans || !slices.Equal(first.Rows.Weights, s.Update.Rows.Weights) {
			t.Errorf("%s agreed %d times", name, calls)
		}
	}
}

// TestGolden: the same bits on every architecture and kernel path.
func TestGolden(t *testing.T) {
	h := sha256.New()
	for _, name := range everyAttack() {
		for _, hold := range []int{0, 3} {
			g := stage{rule: "mean", classes: 6, features: 33, honest: 7, liars: 3, hold: hold, liar: 1, victim: 2, round: 15, seed: 5}
			u := forge(t, name, g)
			fmt.Fprintln(h, name, u.Claims, u.Rows.Classes)
			for _, w := range u.Rows.Weights {
				binary.Write(h, binary.LittleEndian, w) //nolint:errcheck // a hash takes everything
			}
		}
	}
	const want = "7e508ed9405761eec855520bffdff33c"
	if got := hex.EncodeToString(h.Sum(nil))[:32]; got != want {
		t.Errorf("what liars send has the hash %s, want %s", got, want)
	}
}
