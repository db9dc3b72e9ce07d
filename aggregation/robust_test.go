package aggregation

import (
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"pgregory.net/rapid"
)

func isInput(err error) bool { return errors.Is(err, ErrInput) }

// Peers equal to me leave me where I am: to the bit where the rule chooses or
// sorts, up to rounding where it takes a weighted mean.
func TestEqualPeersLeaveMeWhereIAm(t *testing.T) {
	for _, name := range quick() {
		constants := map[string]float64{}
		bristles := slices.Contains([]string{"bristle", "bristle:paper", "bristle+"}, name)
		if bristles {
			constants["centre"] = 0
		}
		r := defaults(t, name, constants)
		rapid.Check(t, func(rt *rapid.T) {
			own := noisyHead(random(rapid.Uint64().Draw(rt, "seed")), 6, 50)
			n := rapid.IntRange(1, 40).Draw(rt, "updates")
			f1 := rapid.Float64Range(0, 1).Draw(rt, "f1")
			var updates []*federation.Update
			for i := range n {
				updates = append(updates, whole(i, own, 1, 2, 3))
			}
			result := integrate(t, r, Input{Own: own, Familiar: []int{0, 1, 2}, Updates: updates, Probe: flat(n, 6, f1), Rand: random(1)})
			tolerance := 0.0
			if !slices.Contains([]string{"bristle+", "median", "trimmed-mean", "krum", "local"}, name) {
				tolerance = 1e-4 // of a length of 10
			}
			if d := distance(result.Head.Weights, own.Weights); d > tolerance {
				rt.Fatalf("%s moves by %v", name, d)
			}
		})
	}
}

// liars replaces the weights of the first updates by a few hostile patterns.
func liars(seed uint64, updates []*federation.Update, n int) {
	r := random(seed)
	for _, u := range updates[:n] {
		size := float32(math.Pow(10, float64(r.IntN(34)-16)))
		clear(u.Rows.Weights)
		noise(r, u.Rows.Weights, size)
		if r.IntN(2) == 0 {
			for k := range u.Rows.Weights {
				u.Rows.Weights[k] = size
			}
		}
	}
}

// honest draws an own head and n others around it, all of them useful.
func honest(rt *rapid.T, n int) Input {
	rng := random(rapid.Uint64().Draw(rt, "seed"))
	in := Input{Own: noisyHead(rng, 4, 10), Familiar: all(4), Probe: flat(n, 4, .9), Rand: rng}
	for i := range n {
		h := in.Own.Clone()
		noise(rng, h.Weights, 0.1)
		in.Updates = append(in.Updates, whole(i, h, 0, 1, 2, 3))
	}
	return in
}

// A minority of liars leaves each weight of the median, and b liars each one
// of the trimmed mean, within the range of the honest ones.
func TestMedianAndTrimmedMeanStayInRange(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(2, 25).Draw(rt, "updates")
		bad := rapid.IntRange(0, n/2).Draw(rt, "liars") // of n+1 heads
		in := honest(rt, n)
		seed := rapid.Uint64().Draw(rt, "liars' seed")
		liars(seed, in.Updates, bad)
		for _, name := range []string{"median", "trimmed-mean"} {
			constants := map[string]float64{}
			if name == "trimmed-mean" {
				constants["f"] = float64(bad)
			}
			result := integrate(t, defaults(t, name, constants), in)
			for k, w := range result.Head.Weights {
				least, most := in.Own.Weights[k], in.Own.Weights[k]
				for _, u := range in.Updates[bad:] {
					least, most = min(least, u.Rows.Weights[k]), max(most, u.Rows.Weights[k])
				}
				if w < least || w > most {
					rt.Fatalf("%s with %d liars of %d: weight %d is %v, honest ones are from %v to %v", name, bad, n, k, w, least, most)
				}
			}
		}
	})
}

// With 2b+3 heads and b liars the winner of Krum has an honest head within
// sqrt(n-b-2) times the diameter of the honest ones: its score is at most that
// of an honest head with honest neighbours, and at least one of its own
// neighbours is honest.
func TestKrumStaysNearHonestHeads(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.IntRange(1, 6).Draw(rt, "b")
		n := 2*b + 2 + rapid.IntRange(0, 8).Draw(rt, "more")
		in := honest(rt, n)
		seed := rapid.Uint64().Draw(rt, "liars' seed")
		liars(seed, in.Updates, b)
		result := integrate(t, defaults(t, "krum", map[string]float64{"f": float64(b)}), in)
		heads := [][]float32{in.Own.Weights}
		for _, u := range in.Updates[b:] {
			heads = append(heads, u.Rows.Weights)
		}
		diameter, nearest := 0.0, math.Inf(1)
		for _, x := range heads {
			nearest = min(nearest, distance(x, result.Head.Weights))
			for _, y := range heads {
				diameter = max(diameter, distance(x, y))
			}
		}
		if bound := math.Sqrt(float64(n+1-b-2)) * diameter * (1 + 1e-5); nearest > bound {
			rt.Fatalf("the nearest honest head is %v away, allowed are %v", nearest, bound)
		}
	})
}

// Nothing that any number of peers send moves a row of bristle+ further from
// the own one than the clipping length plus the length of the own row, because
// the geometric median is a convex combination of clipped rows, and centring
// is a projection.
func TestBristlePlusIsBounded(t *testing.T) {
	r, plain := defaults(t, "bristle+", nil), defaults(t, "bristle+", map[string]float64{"centre": 0})
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 35).Draw(rt, "updates")
		in := honest(rt, n)
		in.Familiar = all(4)[:rapid.IntRange(1, 4).Draw(rt, "familiar")]
		seed := rapid.Uint64().Draw(rt, "liars' seed")
		liars(seed, in.Updates, rapid.IntRange(1, n).Draw(rt, "liars"))
		limit := 0.0
		for _, c := range in.Familiar {
			limit += 1.5 * norm(in.Own.Row(c)) / float64(len(in.Familiar))
		}
		for _, rule := range []Rule{r, plain} {
			result := integrate(t, rule, in)
			base := in.Own.Clone()
			if rule == r {
				(&inbox{head: base}).centre()
			}
			for c := range 4 {
				bound := limit + norm(in.Own.Row(c))
				if d := distance(result.Head.Row(c), base.Row(c)); !(d <= bound*(1+1e-5)) {
					rt.Fatalf("row %d moved by %v, allowed are %v", c, d, bound)
				}
			}
		}
	})
}

// Beyond the clipping length the size of an update means nothing, not even a
// bit.
func TestBristlePlusIgnoresSize(t *testing.T) {
	r := defaults(t, "bristle+", nil)
	rapid.Check(t, func(rt *rapid.T) {
		in := honest(rt, 6)
		var heads [][]float32
		for _, factor := range []float32{0x1p6, 0x1p12, 0x1p40} {
			scaled := in
			scaled.Updates = slices.Clone(in.Updates)
			u := *in.Updates[2]
			u.Rows.Weights = slices.Clone(u.Rows.Weights)
			for k := range u.Rows.Weights {
				u.Rows.Weights[k] *= factor
			}
			scaled.Updates[2] = &u
			result := integrate(t, r, scaled)
			if !result.Verdicts[2].Clipped {
				rt.Fatalf("%+v", result.Verdicts[2])
			}
			heads = append(heads, slices.Clone(result.Head.Weights))
		}
		if !sameBits(heads[0], heads[1]) || !sameBits(heads[0], heads[2]) {
			rt.Fatal("a larger update has another effect")
		}
	})
}

// One stranger, who shares no class with me and weighs at most eta = 1/2
// against my 1, cannot move me: the geometric median is the own row, and eight
// steps come within 1/500 of it.
func TestOneStrangerDoesNotMoveBristlePlus(t *testing.T) {
	r := defaults(t, "bristle+", map[string]float64{"centre": 0})
	rapid.Check(t, func(rt *rapid.T) {
		in := honest(rt, 1)
		in.Familiar = []int{0, 1}
		seed := rapid.Uint64().Draw(rt, "liar's seed")
		liars(seed, in.Updates, 1)
		in.Updates[0] = claimed(0, federation.Head{Classes: 4, Features: 10, Weights: in.Updates[0].Rows.Weights}, 2, 3)
		in.Probe = table{{.5, .5, .5, .5}, {1, 1, 1, 1}} // as good as can be
		result := integrate(t, r, in)
		if v := result.Verdicts[0]; v.Trust != 0.5 || v.Mass != 1 || v.Certainty != 0 {
			rt.Fatalf("%+v", v)
		}
		limit := 1.5 * (norm(in.Own.Row(0)) + norm(in.Own.Row(1))) / 2
		for c := range 4 {
			bound := (limit + norm(in.Own.Row(c))) / 500
			if c < 2 {
				bound = 0
			}
			if d := distance(result.Head.Row(c), in.Own.Row(c)); d > bound {
				rt.Fatalf("row %d moved by %v, allowed are %v", c, d, bound)
			}
		}
	})
}

// The mean has no such bound: a liar moves it as far as it likes.
func TestMeanHasNoBound(t *testing.T) {
	r := defaults(t, "mean", nil)
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 20).Draw(rt, "updates")
		size := math.Pow(10, float64(rapid.IntRange(3, 15).Draw(rt, "exponent")))
		in := honest(rt, n)
		for k := range in.Updates[0].Rows.Weights {
			in.Updates[0].Rows.Weights[k] = float32(size)
		}
		moved := distance(integrate(t, r, in).Head.Weights, in.Own.Weights)
		if least := 0.9 * size / float64(n+1); moved < least {
			rt.Fatalf("one liar of %d at %v moves the mean by %v only", n, size, moved)
		}
	})
}

// Claiming more classes buys no more influence: the votes of a peer over all
// foreign rows add up to no more than if it had claimed as many as I have.
func TestVoteMass(t *testing.T) {
	const classes = 12
	r := defaults(t, "bristle+", nil)
	rapid.Check(t, func(rt *rapid.T) {
		m := rapid.IntRange(1, 5).Draw(rt, "familiar")
		own := noisyHead(random(1), classes, 10)
		f0, f := rapid.Float64Range(0, 1).Draw(rt, "own F1"), rapid.Float64Range(0, 1).Draw(rt, "F1")
		probe := table{slices.Repeat([]float64{f0}, classes), slices.Repeat([]float64{f}, classes)}
		// Foreign votes and all votes of a peer that claims k classes, with
		// `common` of them mine.
		votes := func(common, k int) (foreign, total float64) {
			claims := slices.Concat(all(m)[:common], all(classes)[m:m+k-common])
			result := integrate(t, r, Input{Own: own, Familiar: all(m), Probe: probe, Rand: random(1),
				Updates: []*federation.Update{claimed(0, own, claims...)}})
			for c, w := range result.Verdicts[0].Weights {
				total += w
				if c >= m {
					foreign += w
				}
				if w > 0 && !slices.Contains(claims, c) {
					rt.Fatalf("class %d was not claimed and weighs %v", c, w)
				}
			}
			return foreign, total
		}
		common := rapid.IntRange(0, m).Draw(rt, "common")
		least := max(1, common)
		fair, _ := votes(0, m)
		if common > 0 {
			// Trust is the certainty then, and all m could be foreign.
			fair = float64(m) * f
		}
		most := float64(m) * 6 // the greatest familiar weight
		for k := least; k <= classes-m+common; k++ {
			foreign, total := votes(common, k)
			if foreign > fair*(1+1e-12) {
				rt.Fatalf("%d claims, %d of them common, buy %v foreign votes; %d are worth %v", k, common, foreign, m, fair)
			}
			if total > most*(1+1e-12) {
				rt.Fatalf("%d claims buy %v votes", k, total)
			}
		}
		if common == 0 {
			// Splitting leaves the sum as it is.
			for k := m; k <= classes-m; k++ {
				if got, _ := votes(0, k); math.Abs(got-fair) > 1e-12 {
					rt.Fatalf("%d claims are worth %v, %d are worth %v", k, got, m, fair)
				}
			}
		}
	})
}
