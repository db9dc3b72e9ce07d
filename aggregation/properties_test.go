package aggregation

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
	"pgregory.net/rapid"
)

// scene draws a round with honest and hostile updates, broken ones and too
// many of them, and a probe with samples of its own.
func scene(seed uint64, classes, features, n int) Input {
	rng := random(seed)
	prototypes := noisyHead(rng, classes, features)
	familiar := all(classes)[:1+rng.IntN(classes)]
	in := Input{
		Own: prototypes.Clone(), Familiar: familiar,
		Probe: newSamples(rng, prototypes, familiar, 5, 1),
	}
	noise(rng, in.Own.Weights, 0.5)
	for i := range n {
		h := prototypes.Clone()
		noise(rng, h.Weights, 0.6)
		first := rng.IntN(classes)
		claims := all(classes)[first : first+1+rng.IntN(classes-first)]
		u := whole(i, h, claims...)
		w := u.Rows.Weights
		switch rng.IntN(8) {
		case 0:
			u = claimed(i, h, claims...)
		case 1:
			kernel.Axpy(99, slices.Clone(w), w)
		case 2:
			kernel.Axpy(-2, slices.Clone(w), w)
		case 3:
			w[rng.IntN(len(w))] = []float32{float32(math.NaN()), float32(math.Inf(1)), math.MaxFloat32}[rng.IntN(3)]
		case 4:
			copy(w, in.Own.Weights)
		}
		in.Updates = append(in.Updates, u)
	}
	return in
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

// The order of the updates changes nothing, and neither does what the rule saw
// before: scratch is reused, never remembered. Nothing given is modified.
func TestOrderAndHistoryChangeNothing(t *testing.T) {
	for _, name := range quick() {
		veteran := defaults(t, name, nil)
		rapid.Check(t, func(rt *rapid.T) {
			seed := rapid.Uint64().Draw(rt, "seed")
			classes, features := rapid.IntRange(1, 6).Draw(rt, "classes"), rapid.IntRange(1, 40).Draw(rt, "features")
			in := scene(seed, classes, features, rapid.IntRange(0, 45).Draw(rt, "updates"))
			untouched := scene(seed, classes, features, len(in.Updates))

			in.Rand = random(seed)
			first := clone(integrate(t, defaults(t, name, nil), in))
			if !sameBits(in.Own.Weights, untouched.Own.Weights) || !slices.Equal(in.Familiar, untouched.Familiar) {
				rt.Fatalf("%s modified its input", name)
			}
			for i, u := range in.Updates {
				w := untouched.Updates[i]
				if !sameBits(u.Rows.Weights, w.Rows.Weights) || !slices.Equal(u.Claims, w.Claims) || u.Sender != w.Sender {
					rt.Fatalf("%s modified update %d", name, i)
				}
			}
			random(seed+1).Shuffle(len(in.Updates), func(i, j int) {
				in.Updates[i], in.Updates[j] = in.Updates[j], in.Updates[i]
			})
			in.Rand = random(seed)
			second := integrate(t, veteran, in)
			if !sameBits(first.Head.Weights, second.Head.Weights) {
				rt.Fatalf("%s: another order gives another head", name)
			}
			if !reflect.DeepEqual(first, clone(second)) {
				rt.Fatalf("%s: another order gives other verdicts:\n%+v\n%+v", name, first.Verdicts, second.Verdicts)
			}
		})
	}
}

// Every update gets one verdict, in ascending order of sender, that says
// either what it weighed or why nothing, and fits into JSON. The head is
// finite.
func TestVerdicts(t *testing.T) {
	for _, name := range quick() {
		r := defaults(t, name, map[string]float64{})
		rapid.Check(t, func(rt *rapid.T) {
			in := scene(rapid.Uint64().Draw(rt, "seed"), 5, 20, rapid.IntRange(0, 45).Draw(rt, "updates"))
			in.Rand = random(1)
			slices.Reverse(in.Updates)
			result := integrate(t, r, in)
			if result.Head.Classes != 5 || result.Head.Features != 20 || judgeNorm(squaredNorm(result.Head.Weights), result.Head.Weights) != "" {
				rt.Fatalf("%s made the head %v", name, result.Head)
			}
			if len(result.Verdicts) != len(in.Updates) {
				rt.Fatalf("%s: %d verdicts on %d updates", name, len(result.Verdicts), len(in.Updates))
			}
			if _, err := json.Marshal(result.Verdicts); err != nil {
				rt.Fatal(err)
			}
			for i, v := range result.Verdicts {
				if v.Sender != sender(i) || v.Seq != uint64(i)+1 || v.Round != 7 {
					rt.Fatalf("%s: verdict %d is %+v", name, i, v)
				}
				used := slices.ContainsFunc(v.Weights, func(w float64) bool { return w > 0 })
				if used == (v.Reason != "") || used && !v.Considered || len(v.Weights) != 5 || slices.Min(v.Weights) < 0 {
					rt.Fatalf("%s: verdict %d is %+v", name, i, v)
				}
			}
		})
	}
}

// Whatever is wrong with one update is its own business.
func TestBrokenUpdates(t *testing.T) {
	own := noisyHead(random(1), 3, 4)
	set := func(at int, w float32) func(*federation.Update) {
		return func(u *federation.Update) { u.Rows.Weights[at] = w }
	}
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	for _, c := range []struct {
		name   string
		spoil  func(*federation.Update)
		whole  Reason // under the rules that need the whole head
		claims Reason // under bristle+, with claims 0 and 1
	}{
		{"sound", func(*federation.Update) {}, "", ""},
		{"NaN", set(0, nan), NotFinite, NotFinite},
		{"Inf", set(5, inf), NotFinite, NotFinite},
		{"-Inf", set(5, -inf), NotFinite, NotFinite},
		{"NaN in a row that is not claimed", set(11, nan), NotFinite, ""},
		{"huge", set(1, math.MaxFloat32), TooLarge, TooLarge},
		{"huge but far from overflow", set(1, 2e18), TooLarge, TooLarge},
		{"huge in two rows only", func(u *federation.Update) { u.Rows.Weights[0], u.Rows.Weights[4] = 8e17, 8e17 }, TooLarge, TooLarge},
		{"large", set(1, 1e17), "", ""},
		{"no claims", func(u *federation.Update) { u.Claims = nil }, Malformed, Malformed},
		{"claims out of order", func(u *federation.Update) { u.Claims = []int{1, 0} }, Malformed, Malformed},
		{"repeated claim", func(u *federation.Update) { u.Claims = []int{1, 1} }, Malformed, Malformed},
		{"unknown claim", func(u *federation.Update) { u.Claims = []int{3} }, Malformed, Malformed},
		{"negative claim", func(u *federation.Update) { u.Claims = []int{-1} }, Malformed, Malformed},
		{"unknown row", func(u *federation.Update) { u.Rows.Classes = []int{0, 1, 3} }, Malformed, Malformed},
		{"repeated row", func(u *federation.Update) { u.Rows.Classes = []int{0, 0, 1} }, Malformed, Malformed},
		{"long rows", func(u *federation.Update) { u.Rows.Features = 5 }, Malformed, Malformed},
		{"short weights", func(u *federation.Update) { u.Rows.Weights = u.Rows.Weights[:11] }, Malformed, Malformed},
		{"no rows", func(u *federation.Update) { u.Rows = federation.Rows{Features: 4} }, MissingRows, MissingRows},
		{"claimed rows only", func(u *federation.Update) { u.Rows = own.Select([]int{0, 1}) }, MissingRows, ""},
		{"a claimed row is missing", func(u *federation.Update) { u.Rows = own.Select([]int{0, 2}) }, MissingRows, MissingRows},
		{"the last claimed row is missing", func(u *federation.Update) { u.Rows = own.Select([]int{0}) }, MissingRows, MissingRows},
	} {
		for _, name := range []string{"bristle+", "bristle", "bristle:paper", "krum", "trimmed-mean", "median", "mean", "local"} {
			// With f = 0 the baselines need few others. The sound one is
			// the first sender, so that Krum, whose ties go to the own
			// head, has a reason of its own for both.
			constants := map[string]float64{}
			if name == "krum" || name == "trimmed-mean" {
				constants["f"] = 0
			}
			updates := []*federation.Update{whole(0, own, 0, 1), whole(1, own, 0, 1), whole(2, own, 0, 1)}
			c.spoil(updates[1])
			result := integrate(t, defaults(t, name, constants), Input{
				Own: own, Familiar: []int{0, 1, 2}, Updates: updates, Probe: flat(3, 3, .5), Rand: random(1),
			})
			want := c.whole
			switch name {
			case "bristle+":
				want = c.claims
			case "local":
				want = LocalOnly
			case "krum":
				if want == "" {
					want = NotChosen
				}
			}
			if got := result.Verdicts[1].Reason; got != want {
				t.Errorf("%s, %s: %q, want %q", name, c.name, got, want)
			}
			for _, i := range []int{0, 2} {
				if got := result.Verdicts[i].Reason; got != "" && got != LocalOnly && got != NotChosen {
					t.Errorf("%s, %s: a sound neighbour gets %q", name, c.name, got)
				}
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	good := func() Input {
		own := noisyHead(random(1), 3, 4)
		return Input{Own: own, Familiar: []int{0, 2}, Updates: []*federation.Update{whole(0, own, 0), whole(1, own, 1)},
			Probe: flat(2, 3, .5), Rand: random(1), Loss: func(federation.Head) float64 { return 1 }}
	}
	for what, spoil := range map[string]func(*Input){
		"no classes":              func(in *Input) { in.Own = federation.Head{} },
		"weights missing":         func(in *Input) { in.Own.Weights = in.Own.Weights[1:] },
		"NaN in the own head":     func(in *Input) { in.Own.Weights[3] = float32(math.NaN()) },
		"own head too large":      func(in *Input) { in.Own.Weights[3] = 1e30 },
		"familiar out of order":   func(in *Input) { in.Familiar = []int{2, 0} },
		"familiar out of range":   func(in *Input) { in.Familiar = []int{3} },
		"nil update":              func(in *Input) { in.Updates[1] = nil },
		"two updates of one":      func(in *Input) { in.Updates[1].Sender = in.Updates[0].Sender },
		"no probe":                func(in *Input) { in.Probe = nil },
		"no source of randomness": func(in *Input) { in.Rand = nil },
	} {
		for _, name := range quick() {
			r := defaults(t, name, nil)
			in := good()
			spoil(&in)
			_, err := r.Integrate(in)
			tests := name == "bristle" || name == "bristle:paper" || name == "bristle+"
			draws := tests || name == "dnc" || name == "signguard"
			if in.Probe == nil && !tests || in.Rand == nil && !draws {
				if err != nil {
					t.Errorf("%s, %s: %v", name, what, err)
				}
				continue
			}
			if !isInput(err) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
			// The rule is none the worse for it.
			if _, err := r.Integrate(good()); err != nil {
				t.Errorf("%s after %s: %v", name, what, err)
			}
		}
	}
}

// Without updates nothing happens, not even centring. When all are dropped,
// the rules that centre do.
func TestNothingToIntegrate(t *testing.T) {
	own := noisyHead(random(1), 3, 8)
	bad := whole(0, own, 0)
	bad.Rows.Weights[0] = float32(math.NaN())
	for _, name := range quick() {
		r := defaults(t, name, nil)
		in := Input{Own: own, Familiar: []int{0}, Probe: flat(1, 3, .5), Rand: random(1)}
		if got := integrate(t, r, in); !sameBits(got.Head.Weights, own.Weights) || len(got.Verdicts) != 0 || got.F1 != nil {
			t.Errorf("%s without updates: %+v", name, got)
		}
		in.Updates = []*federation.Update{bad}
		got := integrate(t, r, in)
		if centres := strings.HasPrefix(name, "bris"); sameBits(got.Head.Weights, own.Weights) == centres {
			t.Errorf("%s with an update to drop: the head is the own one: %v", name, !centres)
		}
		if got.F1 != nil {
			t.Errorf("%s tested nothing and has the scores %v", name, got.F1)
		}
	}
}

// A peer without familiar classes cannot judge, and takes nothing from
// bristle+ or from bristle.
func TestNothingFamiliar(t *testing.T) {
	own := noisyHead(random(1), 3, 8)
	for _, name := range []string{"bristle", "bristle:paper", "bristle+"} {
		r := defaults(t, name, map[string]float64{"centre": 0})
		result := integrate(t, r, Input{Own: own, Probe: flat(1, 3, 0), Rand: random(1),
			Updates: []*federation.Update{whole(0, noisyHead(random(2), 3, 8), 0)}})
		if !sameBits(result.Head.Weights, own.Weights) || result.Verdicts[0].Reason != NoTrust {
			t.Errorf("%s: %+v", name, result.Verdicts)
		}
	}
}

// bristle:paper says so when peers claim different classes, and only then.
func TestWarning(t *testing.T) {
	own := noisyHead(random(1), 3, 8)
	for _, c := range []struct {
		rule      string
		constants map[string]float64
		claims    []int
		want      Warning
	}{
		{"bristle:paper", nil, []int{0, 1}, ""},
		{"bristle:paper", nil, []int{1, 2}, WarnNonIID},
		{"bristle:paper", nil, []int{0, 1, 2}, WarnNonIID},
		{"bristle:paper", map[string]float64{"hard_zero": 0}, []int{1, 2}, ""},
		{"bristle", nil, []int{1, 2}, ""},
		{"bristle", map[string]float64{"hard_zero": 1}, []int{1, 2}, WarnNonIID},
		{"bristle+", nil, []int{1, 2}, ""},
	} {
		result := integrate(t, defaults(t, c.rule, c.constants), Input{
			Own: own, Familiar: []int{0, 1}, Probe: flat(1, 3, .5), Rand: random(1),
			Updates: []*federation.Update{whole(0, own, c.claims...)},
		})
		if result.Warning != c.want {
			t.Errorf("%s %v with a peer that claims %v: %q", c.rule, c.constants, c.claims, result.Warning)
		}
	}
}

// Distances are those of whole heads, or the root mean square over the claimed
// rows.
func TestDistances(t *testing.T) {
	own := noisyHead(random(1), 3, 8)
	far := own.Clone()
	for k, d := range []float32{1, 2, 5} {
		far.Row(k)[0] += d
	}
	in := Input{Own: own, Familiar: []int{0}, Probe: flat(1, 3, .5), Rand: random(1), Updates: []*federation.Update{whole(0, far, 0, 1)}}
	for _, name := range quick() {
		want := math.Sqrt(1 + 4 + 25)
		switch name {
		case "bristle+":
			want = math.Sqrt((1. + 4) / 2)
		case "local":
			want = 0
		}
		near(t, name+": distance", integrate(t, defaults(t, name, nil), in).Verdicts[0].Distance, want)
	}
}

// The own head wins the ties of Krum, then the lower sender.
func TestKrumTies(t *testing.T) {
	own := noisyHead(random(1), 2, 8)
	other := noisyHead(random(2), 2, 8)
	r := defaults(t, "krum", map[string]float64{"f": 0})
	for _, c := range []struct {
		heads  []federation.Head
		winner int
	}{
		{[]federation.Head{own, own, own}, -1},
		{[]federation.Head{own, other, other}, -1},
		{[]federation.Head{other, other, other}, 0},
	} {
		in := Input{Own: own}
		for i, h := range c.heads {
			in.Updates = append(in.Updates, whole(i, h, 0))
		}
		for i, v := range integrate(t, r, in).Verdicts {
			if (v.Reason == "") != (i == c.winner) {
				t.Errorf("winner %d: verdict %+v", c.winner, v)
			}
		}
	}
}

// The floor and the hard zero of bristle, which w2 hides by default.
func TestWorseClasses(t *testing.T) {
	own := noisyHead(random(1), 2, 8)
	// Worse by 0.5 at an own F1 of 1: the score is -5^5 = -3125.
	in := Input{Own: own, Familiar: []int{0}, Probe: table{{1, 0}, {.5, 0}}, Rand: random(1),
		Updates: []*federation.Update{whole(0, own, 0)}}
	for _, c := range []struct {
		floor, hardZero   float64
		familiar, foreign float64
	}{
		{-100, 0, 10 / (1 + math.E) * .5, 0},
		{-1e6, 0, 0, 0},
		{0, 0, 5 * .5, 0},
		{0, 1, 0, 0},
	} {
		r := defaults(t, "bristle", map[string]float64{"w2": 0, "floor": c.floor, "hard_zero": c.hardZero})
		v := integrate(t, r, in).Verdicts[0]
		near(t, "the familiar weight", v.Weights[0], c.familiar)
		near(t, "the foreign weight", v.Weights[1], c.foreign)
	}
}

// The head of one round may be the own head of the next as it is.
func TestHeadGoesAround(t *testing.T) {
	for _, name := range quick() {
		direct, copied := defaults(t, name, nil), defaults(t, name, nil)
		in := scene(5, 4, 20, 12)
		a, b := in, in
		for seed := range uint64(5) {
			a.Rand, b.Rand = random(seed), random(seed)
			a.Own = integrate(t, direct, a).Head
			b.Own = integrate(t, copied, b).Head.Clone()
			if !sameBits(a.Own.Weights, b.Own.Weights) {
				t.Fatalf("%s: round %d gives another head when the own one is not a copy", name, seed)
			}
		}
	}
}
