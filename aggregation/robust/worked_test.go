package robust

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestWorkedRounds: rules that look from the own vector, worked out by hand.
func TestWorkedRounds(t *testing.T) {
	from := func(target float64) func([]float32) float64 {
		return func(v []float32) float64 { return math.Abs(float64(v[0]) - target) }
	}
	line := func(x ...float32) (vectors [][]float32) {
		for _, v := range x {
			vectors = append(vectors, []float32{v})
		}
		return vectors
	}
	near := [][]float32{{3, 4}, {3, 5}, {3, 6}}
	along := [][]float32{{0, 0}, {1, 0}, {2, 0}, {3, 0}, {0, 4}}
	third, last := float32(2+1/math.Sqrt(3))/3, float32(2+math.Sqrt(3))/3
	signs := [][]float32{{0, 0, 0, 0}, {1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1, 1, 3}, {-1, -1, -1, -1}, {100, 0, 0, 0}}
	for name, c := range map[string]struct {
		rule    string
		vectors [][]float32
		values  Values
		round   uint64
		loss    func([]float32) float64
		want    []float32
	}{
		"the two nearest of three":              {rule: "monna", vectors: line(0, 5, 1, 9), values: Values{"f": 1}, want: []float32{2}},
		"losses 2, 1 and 0":                     {rule: "mozi", vectors: line(0, 1, 2, 3, 9), loss: from(2), want: []float32{.75}},
		"nobody is better, mozi":                {rule: "mozi", vectors: line(0, 1, 2, 3, 9), loss: from(-1), want: []float32{0}},
		"nobody is better, ubar":                {rule: "ubar", vectors: line(0, 2, 1, 3, 9), values: Values{"rho": .5}, loss: from(-1), want: []float32{.5}},
		"own length 5, radius 1.5":              {rule: "balance", vectors: near, want: []float32{3, 4.5}},
		"the radius has shrunk to 0.55":         {rule: "balance", vectors: near, round: 300, want: []float32{3, 4}},
		"clipped to 1: (1 - 1/2 + 1) / 4":       {rule: "scclip", vectors: line(0, 3, -.5, 10), values: Values{"tau": 1}, want: []float32{.375}},
		"clipped to the third of 0, .5, 3, 10":  {rule: "scclip", vectors: line(0, 3, -.5, 10), values: Values{"f": 1}, want: []float32{1.375}},
		"one too far, another at a wrong angle": {rule: "wfagg", vectors: [][]float32{{1, 0}, {1, .1}, {1, -.1}, {5, 0}, {1, .5}}, values: Values{"f": 1}, want: []float32{1, 0}},
		"projections -3, -2, -1 and 6":          {rule: "dnc", vectors: line(0, 1, 2, 9), values: Values{"f": 1}, want: []float32{1}},
		"three point one way, clipped to 3":     {rule: "clipped-clustering", vectors: along, want: []float32{2, 0}},
		"one negative, one long; clipped to 2":  {rule: "signguard", vectors: signs, values: Values{"sample": 1}, want: []float32{third, third, third, last}},
	} {
		dst := make([]float32, len(c.vectors[0]))
		build(t, c.rule, 1, c.values).Aggregate(dst, Input{Vectors: c.vectors, Round: c.round, Rand: rand.New(rand.NewPCG(1, 1)), Loss: c.loss})
		for j := range dst {
			if math.Abs(float64(dst[j]-c.want[j])) > 1e-5 {
				t.Errorf("%s, %s: %v, want %v", c.rule, name, dst, c.want)
				break
			}
		}
	}
}

// TestWorkedFilters: filters on three or four points in a row.
func TestWorkedFilters(t *testing.T) {
	for name, c := range map[string]struct {
		values  Values
		vectors []float32
		want    []float32
	}{
		"nnm":      {Values{"f": 1}, []float32{0, 1, 9}, []float32{.5, .5, 5}},
		"clipping": {Values{"tau": 2}, []float32{1, 2, 9, -4}, []float32{1, 2, 3, -1}},
		"arc":      {Values{"f": 1}, []float32{0, 1, -2, 9}, []float32{0, 1, -2, 2}}, // floor(2/4·3) = 1 is clipped
	} {
		var vectors [][]float32
		for _, x := range c.vectors {
			vectors = append(vectors, []float32{x})
		}
		got, _ := buildFilter(t, name, c.values).Apply(Input{Vectors: vectors})
		for i, v := range got {
			if math.Abs(float64(v[0]-c.want[i])) > 1e-6 {
				t.Errorf("%s: vector %d is %v, want %v", name, i, v[0], c.want[i])
			}
		}
	}
}

// TestBucketsAreRandom: each other vector shares the own one's group about as
// often.
func TestBucketsAreRandom(t *testing.T) {
	filter := buildFilter(t, "bucketing", Values{"s": 2})
	in := Input{Vectors: draw(rand.New(rand.NewPCG(1, 1)), 5, 3, 0), Rand: rand.New(rand.NewPCG(5, 5))}
	const rounds = 4000
	var with [5]int
	for range rounds {
		_, from := filter.Apply(in)
		for i, s := range from[0] {
			if s > 0 {
				with[i]++
			}
		}
	}
	// 2 of 5 places share a group with each of 4 others; the last group has one.
	for i, n := range with[1:] {
		if want := rounds / 5; n < want*9/10 || n > want*11/10 {
			t.Errorf("vector %d was in the own group %d times of %d, want about %d", i+1, n, rounds, want)
		}
	}
	if with[0] != rounds {
		t.Errorf("the own vector was in the first group %d times of %d", with[0], rounds)
	}
}

// TestSignGuardAtFortyPercent: liars with the opposite signs are found while
// the honest are the majority, which a kernel as wide as the median distance of two
// points does not do.
func TestSignGuardAtFortyPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		liars := rapid.IntRange(0, 9).Draw(t, "liars")
		others := 2*liars + 1 + rapid.IntRange(0, 5).Draw(t, "more")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 6))
		own := make([]float32, 300)
		vectors := [][]float32{own}
		for i := range others {
			v := make([]float32, len(own))
			for j := range v {
				v[j] = rng.Float32() - .2
				if i < liars {
					v[j] = -v[j]
				}
			}
			vectors = append(vectors, v)
		}
		rule := &signGuard{mix: newMixer(1), dist: newToOne(1), low: .1, high: 3, coordinates: 1}
		shares := rule.Aggregate(make([]float32, len(own)), input(vectors, 1))
		for i, share := range shares[1 : 1+liars] {
			if share > 0 {
				t.Fatalf("liar %d of %d among %d others has the share %v", i, liars, others, share)
			}
		}
		if slices.Max(shares[1:]) == 0 {
			t.Fatal("nobody is trusted")
		}
	})
}

// TestLeash: no liar moves a clipped result by more than tau/n, wherever it
// is, and with an adaptive tau by no more than the furthest honest one could.
func TestLeash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 3))
		f := rapid.IntRange(1, 3).Draw(t, "f")
		n := 2*f + 2 + rapid.IntRange(0, 4).Draw(t, "more")
		vectors := draw(rng, n, 12, 0)
		furthest := 0.0
		for _, d := range fromOwn(Input{Vectors: vectors[:n-f]}) {
			furthest = max(furthest, d)
		}
		aggregate := func(rule Rule) []float32 {
			dst := make([]float32, 12)
			rule.Aggregate(dst, input(vectors, 1))
			return dst
		}
		fixed := func() []float32 { return aggregate(&scClip{mix: newMixer(1), dist: newToOne(1), tau: .7}) }
		before := fixed()
		for i := n - f; i < n; i++ {
			for j := range vectors[i] {
				vectors[i][j] = float32(math.Ldexp(float64(rng.Float32()-.5), rng.IntN(40)))
			}
		}
		if moved := distance(before, fixed()); moved > 2*.7*float64(f)/float64(n)+1e-4 {
			t.Fatalf("%d liars of %d moved the result by %v", f, n, moved)
		}
		own := vectors[0]
		if far := distance(aggregate(&scClip{mix: newMixer(1), dist: newToOne(1), f: f}), own); far > furthest*float64(n-1)/float64(n)+1e-4 {
			t.Fatalf("with %d liars of %d the result is %v away, the furthest honest one is at %v", f, n, far, furthest)
		}
	})
}

// TestMixingDropsLiars: after nearest neighbour mixing nothing of liars far
// away is in the vectors of the honest, and the adaptive clipping leaves them no
// further than an honest one.
func TestMixingDropsLiars(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 8))
		f := rapid.IntRange(0, 3).Draw(t, "f")
		n := 2*f + 1 + rapid.IntRange(0, 5).Draw(t, "more")
		vectors := draw(rng, n, 15, 0)
		for i := n - f; i < n; i++ {
			for j := range vectors[i] {
				vectors[i][j] = 1e4 * (1 + rng.Float32())
			}
		}
		in := input(vectors, 1)
		_, from := (&nnm{mixture: mixture{mix: newMixer(1)}, dist: newDistances(1), f: f}).Apply(in)
		for i, row := range from[:n-f] {
			if slices.Max(append(row[n-f:], 0)) > 0 {
				t.Fatalf("nnm with %d liars of %d: the shares of vector %d are %v", f, n, i, row)
			}
		}
		clipped, _ := (&arc{clipping: clipping{mixture: mixture{mix: newMixer(1)}, dist: newToOne(1)}, f: f}).Apply(in)
		furthest := slices.Max(fromOwn(Input{Vectors: vectors[:n-f]}))
		for i, v := range clipped {
			if d := distance(v, vectors[0]); d > furthest+1e-2 {
				t.Fatalf("arc with %d liars of %d: vector %d is at %v, the furthest honest one at %v", f, n, i, d, furthest)
			}
		}
	})
}

func TestFiltersDoNotAllocate(t *testing.T) {
	in := input(draw(rand.New(rand.NewPCG(1, 1)), 20, 3000, 4), 1)
	for _, e := range Filters() {
		filter := buildFilter(t, e.Name, nil)
		filter.Apply(in)
		if n := testing.AllocsPerRun(3, func() { filter.Apply(in) }); n > 0 {
			t.Errorf("%s allocates %v times", e.Name, n)
		}
	}
}
