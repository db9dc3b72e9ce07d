package aggregation

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// prioritizer is the distance-based prioritizer of Bristle (docs/bristle.md,
// a2): when more than beta updates came, it sorts them by distance, splits them
// into thirds and draws so many from each:
//
//	near (1-alpha)²·beta   middle 2·alpha·(1-alpha)·beta   far alpha²·beta
//
// each rounded, half up, which may make one more than beta. alpha 0 exploits
// only, alpha 1 explores only.
//
// The author's code loses an update when the number is no multiple of three,
// and takes fewer when rounding or a third falls short. Here the first thirds
// are one larger, what rounding takes away goes to the middle, and what a third
// cannot supply is drawn from the next one, so that at least min(n, beta)
// updates are looked at, whatever n is.
type prioritizer struct {
	alpha float64
	beta  int
	order []int
}

func prioritizerConstants(beta float64) []Constant {
	return []Constant{
		{Name: "alpha", Default: 0.4, Min: 0, Max: 1,
			Doc: "share of exploration when choosing updates by distance: 0 takes near ones only, 1 far ones only"},
		{Name: "beta", Default: beta, Min: 1, Max: 65536, Whole: true,
			Doc: "number of updates to look at; up to here all are"},
	}
}

func newPrioritizer(v values) prioritizer {
	return prioritizer{alpha: v["alpha"], beta: v.whole("beta")}
}

// wishes returns how many of the near, middle and far third to look at if
// there are enough, and the sum.
func (p *prioritizer) wishes() (want [3]int, sum int) {
	near, beta := 1-p.alpha, float64(p.beta)
	want = [3]int{
		round(near * near * beta),
		round(2 * near * p.alpha * beta),
		round(p.alpha * p.alpha * beta),
	}
	sum = want[0] + want[1] + want[2]
	if sum < p.beta {
		want[1] += p.beta - sum
		sum = p.beta
	}
	return want, sum
}

// share moves what a third of the given size cannot supply to the others.
func share(want, sizes [3]int) [3]int {
	for third, others := range [3][2]int{{1, 2}, {0, 2}, {1, 0}} {
		short := max(0, want[third]-sizes[third])
		want[third] -= short
		for _, other := range others {
			spare := min(short, max(0, sizes[other]-want[other]))
			want[other] += spare
			short -= spare
		}
	}
	return want
}

// round is called with a product: the conversion keeps it from being fused
// with the sum.
func round(x float64) int { return int(math.Floor(float64(x) + 0.5)) }

// choose takes from b.live what is not looked at and marks the rest as
// considered.
func (p *prioritizer) choose(b *inbox, rng *rand.Rand) {
	n := len(b.live)
	want, sum := p.wishes()
	if n <= sum {
		b.considerAll()
		return
	}
	p.order = append(p.order[:0], b.live...)
	slices.SortFunc(p.order, func(i, j int) int {
		return cmp.Or(cmp.Compare(b.verdicts[i].Distance, b.verdicts[j].Distance), cmp.Compare(i, j))
	})
	sizes := [3]int{(n + 2) / 3, (n + 1) / 3, n / 3}
	quotas := share(want, sizes)
	rest := p.order
	for t, third := range [3]Third{Near, Middle, Far} {
		members, quota := rest[:sizes[t]], quotas[t]
		rest = rest[sizes[t]:]
		for _, i := range members {
			b.verdicts[i].Third = third
			b.verdicts[i].Reason = NotPrioritized
		}
		// The first steps of a Fisher-Yates shuffle; nothing is drawn when
		// all are taken.
		for k := range quota {
			if quota < len(members) {
				other := k + rng.IntN(len(members)-k)
				members[k], members[other] = members[other], members[k]
			}
			b.verdicts[members[k]].Considered = true
			b.verdicts[members[k]].Reason = ""
		}
	}
	b.live = slices.DeleteFunc(b.live, func(i int) bool { return !b.verdicts[i].Considered })
}
