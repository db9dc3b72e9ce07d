package aggregation

import (
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// The quotas of docs/bristle.md, a2: 4/5/2 for alpha .4 and beta 10,
// 10.8/14.4/4.8 rounded for beta 30.
func TestQuotas(t *testing.T) {
	plenty := [3]int{100, 100, 100}
	for _, c := range []struct {
		alpha float64
		beta  int
		sizes [3]int
		want  [3]int
	}{
		{.4, 10, plenty, [3]int{4, 5, 2}},
		{.4, 30, plenty, [3]int{11, 14, 5}},
		{0, 10, plenty, [3]int{10, 0, 0}},
		{1, 10, plenty, [3]int{0, 0, 10}},
		{.5, 10, plenty, [3]int{3, 5, 3}},
		// Thirds that cannot supply their quota.
		{.4, 30, [3]int{11, 10, 10}, [3]int{11, 10, 9}},
		{.4, 30, [3]int{12, 12, 12}, [3]int{12, 12, 6}},
		{0, 30, [3]int{14, 13, 13}, [3]int{14, 13, 3}},
		{1, 30, [3]int{14, 13, 13}, [3]int{4, 13, 13}},
		{.4, 10, [3]int{4, 4, 4}, [3]int{4, 4, 3}},
		// Rounding would leave 1+1+0 and 0+0+0.
		{.4, 3, plenty, [3]int{1, 2, 0}},
		{.4, 1, plenty, [3]int{0, 1, 0}},
	} {
		p := prioritizer{alpha: c.alpha, beta: c.beta}
		want, _ := p.wishes()
		if got := share(want, c.sizes); got != c.want {
			t.Errorf("alpha %v, beta %d of %v: quotas %v, want %v", c.alpha, c.beta, c.sizes, got, c.want)
		}
	}
}

func TestPrioritizer(t *testing.T) {
	for _, rule := range []string{"bristle", "bristle+"} {
		for _, beta := range []int{1, 3, 10, 30} {
			for _, alpha := range []float64{0, .4, 1} {
				r := defaults(t, rule, map[string]float64{"alpha": alpha, "beta": float64(beta)})
				quota := beta
				if alpha == .4 && beta == 10 {
					quota = 11 // 4+5+2
				}
				for n := 1; n <= 40; n++ {
					checkPrioritizer(t, r, n, quota)
				}
			}
		}
	}
}

// checkPrioritizer sends n updates, of which the i-th is the further away the
// larger i*7%n is, and looks at who is considered.
func checkPrioritizer(t *testing.T, r Rule, n, quota int) {
	own := noisyHead(random(1), 3, 4)
	var updates []*federation.Update
	for i := range n {
		h := own.Clone()
		for k := range h.Weights {
			h.Weights[k] += float32(i*7%n+1) / 1000
		}
		updates = append(updates, whole(i, h, 0, 1))
	}
	for seed := range uint64(5) {
		result := integrate(t, r, Input{
			Own: own, Familiar: []int{0, 1}, Updates: updates, Probe: flat(n, 3, 0.5), Rand: random(seed),
		})
		var thirds [3][]float64
		considered := 0
		for _, v := range result.Verdicts {
			if v.Considered {
				considered++
			}
			if v.Considered == (v.Reason == NotPrioritized) || v.Considered == (v.F1 == nil) {
				t.Fatalf("%s, n=%d: verdict %+v", r.Name(), n, v)
			}
			if v.Third != "" {
				at := slices.Index([]Third{Near, Middle, Far}, v.Third)
				thirds[at] = append(thirds[at], v.Distance)
			}
		}
		if want := min(n, quota); considered != want {
			t.Fatalf("%s: %d of %d looked at, want %d", r.Name(), considered, n, want)
		}
		if n <= quota {
			if len(thirds[0])+len(thirds[1])+len(thirds[2]) > 0 {
				t.Fatalf("%s: all %d looked at, and there are thirds %v", r.Name(), n, thirds)
			}
			continue
		}
		sizes := [3]int{len(thirds[0]), len(thirds[1]), len(thirds[2])}
		if sizes != [3]int{(n + 2) / 3, (n + 1) / 3, n / 3} {
			t.Fatalf("%s, n=%d: thirds of %v", r.Name(), n, sizes)
		}
		for _, v := range thirds {
			slices.Sort(v)
		}
		if !slices.IsSorted(slices.Concat(thirds[:]...)) {
			t.Fatalf("%s, n=%d: the thirds overlap: %v", r.Name(), n, thirds)
		}
	}
}

// Updates at the same distance go by sender, and every member of a third has
// the same chance.
func TestPrioritizerIsFair(t *testing.T) {
	const n, rounds = 12, 6000
	r := defaults(t, "bristle", map[string]float64{"beta": 6})
	own := noisyHead(random(1), 2, 4)
	var updates []*federation.Update
	for i := range n {
		updates = append(updates, whole(i, own, 0))
	}
	rng := random(3)
	var seen [n]float64
	for range rounds {
		for i, v := range integrate(t, r, Input{Own: own, Familiar: []int{0}, Updates: updates, Probe: flat(n, 2, .5), Rand: rng}).Verdicts {
			if want := []Third{Near, Middle, Far}[i/4]; v.Third != want {
				t.Fatalf("update %d is %q, want %q", i, v.Third, want)
			}
			if v.Considered {
				seen[i]++
			}
		}
	}
	// Quotas 2, 3 and 1 of 4; five standard deviations.
	for i, s := range seen {
		p := []float64{2. / 4, 3. / 4, 1. / 4}[i/4]
		if math.Abs(s/rounds-p) > 5*math.Sqrt(p*(1-p)/rounds) {
			t.Errorf("update %d was looked at in %v of the rounds, want %v", i, s/rounds, p)
		}
	}
}
