package aggregation

import (
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// bristle is Bristle as published in code: the prioritizer, then a weighted
// mean of each row by how well the senders did on the own familiar classes
// (docs/bristle.md, a3). Two readings of it differ in their constants only:
//
//   - bristle is the author's own implementation of May 2021, with the F1
//     score;
//   - bristle:paper is what two re-implementations of the paper agree on.
//
// The whole head of a sender is tested in place of the own one. For a
// familiar class c and F1 scores f of the sender and f0 of the own head, with
// x = theta·|f-f0|,
//
//	score[c] =  x^(better + adaptive·f0)   where f > f0
//	score[c] = -x^(worse + adaptive·f0)    elsewhere, at least floor
//	weight[c] = certainty · max(0, w1/(1+e^(-score[c]/scale)) - w2)
//
// A foreign class, which the probe says nothing of, has the weight of the sum
// of the scores without the floor. The own row weighs own.
type bristle struct {
	inbox
	scorer
	pick prioritizer
	name string

	better, worse, floor float64
	adaptive             float64
	ownWeight            float64
	hardZero             bool // any worse class has weight 0, and so do the foreign ones
	bestOnly             bool // only the phi best classes have weight and count in the sum
	ownCertainty         bool // the own row weighs max(certainty, 1/looked at)
	centring             bool
}

func bristleInfo() Info {
	return Info{
		Name:      "bristle",
		Summary:   "Bristle as its author implemented it in May 2021: weights by F1 on the own classes; whole heads travel",
		Constants: bristleConstants(10, 4, 1, 0, 1, 0),
	}
}

func bristlePaperInfo() Info {
	return Info{
		Name:      "bristle:paper",
		Summary:   "Bristle as re-implemented from the paper: any worse class silences a peer, so it needs i.i.d. classes",
		Constants: bristleConstants(30, 3, 0, 1, 0, 1),
	}
}

func bristleConstants(beta, worse, adaptive, hardZero, bestOnly, ownCertainty float64) []Constant {
	onOff := func(name string, value float64, doc string) Constant {
		return Constant{Name: name, Default: value, Min: 0, Max: 1, Whole: true, Doc: doc}
	}
	return slices.Concat(prioritizerConstants(beta), scorerConstants(), []Constant{
		{Name: "better", Default: 3, Min: 1, Max: 8,
			Doc: "exponent of theta times the difference of F1 where the peer is better"},
		{Name: "worse", Default: worse, Min: 1, Max: 8,
			Doc: "exponent where the peer is worse"},
		{Name: "adaptive", Default: adaptive, Min: 0, Max: 4,
			Doc: "both exponents grow by this times the own F1"},
		{Name: "floor", Default: -100, Min: -1e6, Max: 0,
			Doc: "least score of a familiar class, for its own row's weight only"},
		onOff("hard_zero", hardZero,
			"1: a class in which the peer is worse has weight 0, and so have all foreign ones"),
		onOff("best_only", bestOnly,
			"1: only the phi best classes have weight and count for the foreign ones; 0: all familiar ones"),
		{Name: "own", Default: 1, Min: 0.001, Max: 1000,
			Doc: "weight of the own row, unless own_certainty is 1"},
		onOff("own_certainty", ownCertainty,
			"1: the own row weighs the own certainty, at least 1/(number of updates looked at)"),
		onOff("centre", 1, "1: subtract from each row of the result its mean"),
	})
}

func newBristle(name string, v values) Rule {
	return &bristle{
		name: name, pick: newPrioritizer(v), scorer: newScorer(v),
		better: v["better"], worse: v["worse"], floor: v["floor"], adaptive: v["adaptive"], ownWeight: v["own"],
		hardZero: v.on("hard_zero"), bestOnly: v.on("best_only"),
		ownCertainty: v.on("own_certainty"), centring: v.on("centre"),
	}
}

func (r *bristle) Name() string       { return r.name }
func (r *bristle) WholeHead() bool    { return true }
func (r *bristle) Consolidates() bool { return true }

func (r *bristle) Integrate(in Input) (Result, error) {
	if err := checkTester(&in); err != nil {
		return Result{}, err
	}
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	if len(in.Updates) == 0 {
		return r.result(), nil
	}
	r.screenHeads()
	warning := r.warning()
	r.pick.choose(&r.inbox, in.Rand)
	if len(r.live) > 0 {
		r.candidates = grow(r.candidates, 1+len(r.live))
		for k, i := range r.live {
			r.candidates[k+1] = r.updates[i].Rows
		}
		r.evaluate(in.Probe)
		for _, i := range r.live {
			r.weigh(&r.verdicts[i])
		}
		r.mix()
		r.dropWeightless()
	}
	if r.centring {
		r.centre()
	}
	result := r.result()
	result.Warning = warning
	return result, nil
}

// checkTester checks what only the rules that test and choose need.
func checkTester(in *Input) error {
	if in.Probe == nil || in.Rand == nil {
		return fmt.Errorf("%w: this rule needs a probe and a source of randomness", ErrInput)
	}
	return nil
}

// warning looks for usable updates of peers with other classes than ours.
func (r *bristle) warning() Warning {
	if !r.hardZero {
		return ""
	}
	for _, i := range r.live {
		if !slices.Equal(r.updates[i].Claims, r.familiar) {
			return WarnNonIID
		}
	}
	return ""
}

// weigh sets the certainty and the weights of a verdict from its scores.
func (r *bristle) weigh(v *Verdict) {
	best := r.best(v.F1, r.judged)
	v.Certainty = certainty(v.F1, best)
	weighed := r.judged
	if r.bestOnly {
		weighed = best
	}
	sum := 0.0
	for _, c := range weighed {
		score := r.score(v.F1[c], r.ownF1[c])
		sum += score
		v.Weights[c] = float64(r.weight(max(score, r.floor)) * v.Certainty)
		if r.hardZero && v.F1[c] < r.ownF1[c] {
			v.Weights[c] = 0
		}
	}
	foreign := float64(r.weight(sum) * v.Certainty)
	familiar := r.judged
	for c := range v.Weights {
		if len(familiar) > 0 && familiar[0] == c {
			familiar = familiar[1:]
			continue
		}
		v.Weights[c] = foreign
	}
}

// score returns the score of a class without the floor. Under the hard zero
// it is -Inf where the peer is worse, which takes the sum and its weight
// along.
func (r *bristle) score(peer, own float64) float64 {
	x := r.theta * math.Abs(peer-own)
	grown := float64(r.adaptive * own)
	switch {
	case peer > own:
		return kernel.Pow64(x, r.better+grown)
	case peer < own && r.hardZero:
		return math.Inf(-1)
	}
	return -kernel.Pow64(x, r.worse+grown)
}

// mix sets each row of the new head to the weighted mean of the own row and
// those of the updates.
func (r *bristle) mix() {
	own := r.ownWeight
	if r.ownCertainty {
		own = max(certainty(r.ownF1, r.best(r.ownF1, r.judged)), 1/float64(len(r.live)))
	}
	for c := range r.head.Classes {
		total := own
		for _, i := range r.live {
			total += r.verdicts[i].Weights[c]
		}
		row := r.head.Row(c)
		clear(row)
		kernel.Axpy(float32(own/total), r.own.Row(c), row)
		for _, i := range r.live {
			if w := r.verdicts[i].Weights[c]; w > 0 {
				kernel.Axpy(float32(w/total), r.updates[i].Rows.Row(c), row)
			}
		}
	}
}
