package robust

import (
	"math"
	"slices"
)

// score is one reading of Krum: the score of a vector is the sum of its
// distances to its nearest others, and the least score wins.
type score struct {
	nearest func(n, f int) int // how many others
	least   func(f int) int    // the least n that its source bears
	squared bool
	half    bool // the result is the mean of the own vector and the winner
	source  string
	needs   string
}

var (
	paperScore = score{
		nearest: func(n, f int) int { return n - f - 2 }, least: func(f int) int { return 2*f + 3 }, squared: true,
		source: "Blanchard, El Mhamdi, Guerraoui and Stainer, NIPS 2017: squared distances to the n-f-2 nearest others",
		needs:  "f <= (n-3)/2, as the paper demands; with fewer vectors the own one stays",
	}
	byzflScore = score{
		nearest: func(n, f int) int { return n - f - 1 }, least: func(f int) int { return 2*f + 1 }, squared: true,
		source: "ByzFL: the n-f nearest are counted with the vector itself, so n-f-1 others",
		needs:  "f < n/2, as ByzFL demands; nothing is proved above (n-3)/2",
	}
	flowerScore = score{
		nearest: func(n, f int) int { return max(1, n-f-2) }, least: func(int) int { return 2 }, squared: true,
		source: "Flower: as the paper, but with one neighbour where n-f-2 is less",
		needs:  "f <= (n-3)/2, which nobody checks: like Flower it never refuses",
	}
	medoidScore = score{
		nearest: func(n, _ int) int { return n - 1 }, least: func(int) int { return 1 },
		source: "the medoid: distances, not squared, to all others",
		needs:  "f < n/2 for a bounded error; f has no part in it",
	}
	authorScore = score{
		nearest: func(n, f int) int { return n - f - 3 }, least: func(f int) int { return f + 4 }, half: true,
		source: "the code of Bristle's author: distances, not squared, to the n-f-3 nearest; then the mean of the own vector and the winner",
		needs:  "not stated; like his code it runs from n = f+4 on, when the sum has a term",
	}
)

// scorer scores vectors by their distances.
type scorer struct {
	score
	dist   *distances
	sorted []float64
	scores []float64
}

// rank returns the scores of the vectors in use, others being left out; nil
// uses all. The distances are measured before.
func (s *scorer) rank(n, f int, out []bool) []float64 {
	s.scores = grow(s.scores, n)
	all := n
	for _, gone := range out {
		if gone {
			all--
		}
	}
	k := min(s.nearest(all, f), all-1)
	for i := range n {
		s.sorted = s.sorted[:0]
		for j, d := range s.dist.row(i) {
			if j != i && (out == nil || !out[j]) {
				s.sorted = append(s.sorted, d)
			}
		}
		slices.Sort(s.sorted)
		s.scores[i] = 0
		for _, d := range s.sorted[:max(0, k)] {
			if !s.squared {
				d = math.Sqrt(d)
			}
			s.scores[i] += d
		}
	}
	return s.scores
}

// krum takes the one vector that is nearest to its nearest others.
type krum struct {
	scorer
	f      int
	shares []float64
}

func krumEntry(name string, s score) RuleEntry {
	return RuleEntry{Info{
		Name: name, Summary: "the one that is nearest to its nearest others",
		Source: s.source, Breakdown: s.needs,
		Constants: []Constant{liars("number of liars to withstand")},
	}, func(v Values, workers int) Rule {
		return &krum{scorer: scorer{score: s, dist: newDistances(workers)}, f: v.Whole("f")}
	}}
}

func (r *krum) Least() int { return r.least(r.f) }

func (r *krum) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	winner := leastOf(r.rank(n, r.f, nil))
	r.shares = grow(r.shares, n)
	clear(r.shares)
	r.shares[winner] = 1
	copy(dst, in.Vectors[winner])
	if r.half && winner != 0 {
		r.shares[0], r.shares[winner] = .5, .5
		for i, x := range in.Vectors[0] {
			dst[i] = float32((float64(x) + float64(dst[i])) / 2)
		}
	}
	return r.shares
}

// leastOf returns the first of the least.
func leastOf(x []float64) int {
	least := 0
	for i, v := range x {
		if v < x[least] {
			least = i
		}
	}
	return least
}

// multiKrum averages the m vectors with the best scores of Krum.
type multiKrum struct {
	scorer
	mix    mixer
	f, m   int
	order  []int
	shares []float64
}

var multiKrumEntry = RuleEntry{Info{
	Name: "multi-krum", Summary: "mean of the m with the least scores of krum",
	Source: "Blanchard et al., NIPS 2017; m = n-f as in ByzFL unless given", Breakdown: paperScore.needs,
	Constants: []Constant{
		liars("number of liars to withstand"),
		{Name: "m", Default: 0, Min: 0, Max: 65536, Whole: true, Doc: "how many to average, at most n-f; 0: n-f"},
	},
}, func(v Values, workers int) Rule {
	return &multiKrum{scorer: scorer{score: paperScore, dist: newDistances(workers)}, mix: newMixer(workers), f: v.Whole("f"), m: v.Whole("m")}
}}

// Least leaves room for f liars beside the m that are averaged.
func (r *multiKrum) Least() int { return max(r.least(r.f), r.m+r.f) }

func (r *multiKrum) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	m := r.m
	if m == 0 {
		m = n - r.f
	}
	r.order = ascending(r.order, r.rank(n, r.f, nil))
	r.shares = equal(r.shares, n, r.order[:m])
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// bulyan chooses n-2f vectors by Krum, one after the other, and then averages in
// each coordinate the n-4f values nearest to the median of the chosen.
type bulyan struct {
	scorer
	near   *nearMedian
	f      int
	out    []bool
	chosen [][]float32
	shares []float64
}

var bulyanEntry = RuleEntry{Info{
	Name: "bulyan", Summary: "n-2f chosen by krum one after the other, then the mean of the n-4f values nearest to their median",
	Source: "El Mhamdi, Guerraoui and Rouault, ICML 2018, with Krum as inner rule", Breakdown: "n >= 4f+3",
	Constants: []Constant{liars("number of liars to withstand")},
}, func(v Values, workers int) Rule {
	return &bulyan{scorer: scorer{score: paperScore, dist: newDistances(workers)}, near: newNearMedian(workers), f: v.Whole("f")}
}}

func (r *bulyan) Least() int { return 4*r.f + 3 }

func (r *bulyan) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.out, r.chosen = grow(r.out, n), r.chosen[:0]
	clear(r.out)
	r.shares = grow(r.shares, n)
	clear(r.shares)
	for range n - 2*r.f {
		scores := r.rank(n, r.f, r.out)
		best := -1
		for i, s := range scores {
			if !r.out[i] && (best < 0 || s < scores[best]) {
				best = i
			}
		}
		r.out[best] = true
		r.shares[best] = 1
		r.chosen = append(r.chosen, in.Vectors[best])
	}
	r.near.run(dst, r.chosen, n-4*r.f)
	return r.shares
}
