package aggregation

import "slices"

// krum is Krum of Blanchard, El Mhamdi, Guerraoui and Stainer (NIPS 2017):
// of n heads, the own one included, it takes the one with the least sum of
// squared distances to its n-b-2 nearest others. The own head wins ties, then
// the lower sender.
//
// It needs at least b+3 heads, so that the sum has a term, and leaves the own
// head as it is with fewer. That it withstands b liars is proved for 2b+3 and
// more.
//
// The author of Bristle sums the n-b-3 least distances, not squared, and takes
// the mean of the own head and the winner (docs/bristle.md, c).
type krum struct {
	inbox
	b      int
	heads  [][]float32
	d      []float64 // squared distances, heads x heads
	sorted []float64 // one row of d
}

func krumInfo() Info {
	return Info{
		Name:    "krum",
		Summary: "the one head that is nearest to its nearest others (Blanchard et al. 2017)",
		Constants: []Constant{
			{Name: "b", Default: 4, Min: 0, Max: 65536, Whole: true,
				Doc: "number of liars to withstand; needs b+3 heads with the own one, and promises something from 2b+3"},
		},
	}
}

func newKrum(_ string, v values) Rule { return &krum{b: v.whole("b")} }

func (r *krum) Name() string       { return "krum" }
func (r *krum) WholeHead() bool    { return true }
func (r *krum) Consolidates() bool { return false }

func (r *krum) Integrate(in Input) (Result, error) {
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.screenHeads()
	n := 1 + len(r.live)
	if n < r.b+3 {
		r.dropAll(TooFew)
		return r.result(), nil
	}
	r.considerAll()
	r.heads = r.gather(r.heads)
	r.d = pairwise(r.d, r.heads)
	winner, least := 0, 0.0
	r.sorted = grow(r.sorted, n)
	for j := range n {
		copy(r.sorted, cut(r.d, j, n))
		slices.Sort(r.sorted)
		score := 0.0
		for _, d := range r.sorted[1 : n-r.b-1] { // [0] is the distance to itself
			score += d
		}
		if j == 0 || score < least {
			winner, least = j, score
		}
	}
	for k, i := range r.live {
		if k+1 != winner {
			r.drop(i, NotChosen)
			continue
		}
		copy(r.head.Weights, r.updates[i].Rows.Weights)
		for c := range r.verdicts[i].Weights {
			r.verdicts[i].Weights[c] = 1
		}
	}
	return r.result(), nil
}
