package aggregation

import (
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/aggregation/robust"
	"github.com/bristle-fl/bristled/federation"
)

// vectorRule makes a rule on flat vectors one on whole heads, the own one first.
// With fewer heads than its constants can bear it leaves the own one as it is.
type vectorRule struct {
	inbox
	name    string
	info    robust.Info
	filters []robust.Filter
	rule    robust.Rule

	heads  [][]float32
	shares []float64 // what each head contributed through the filters
	before []float64 // the same, one filter back
	from   [][][]float64
	loss   func(v []float32) float64
	judge  func(h federation.Head) float64
}

func (r *vectorRule) Name() string       { return r.name }
func (r *vectorRule) WholeHead() bool    { return true }
func (r *vectorRule) Consolidates() bool { return false }

// least returns the least number of heads, with the own one, of which each filter
// leaves enough for what comes after it.
func (r *vectorRule) least() int {
	least := int64(r.rule.Least())
	for _, f := range slices.Backward(r.filters) {
		if g, ok := f.(robust.Grouping); ok {
			least = (least-1)*int64(g.Size()) + 1
		}
		least = max(least, int64(f.Least()))
	}
	return int(min(least, math.MaxInt32))
}

// most returns the greatest, 0 without a limit.
func (r *vectorRule) most() int {
	l, ok := r.rule.(robust.Limited)
	if !ok {
		return 0
	}
	most := int64(l.Most())
	for _, f := range r.filters {
		if g, ok := f.(robust.Grouping); ok {
			most *= int64(g.Size())
		}
	}
	return int(min(most, math.MaxInt32))
}

func (r *vectorRule) Integrate(in Input) (Result, error) {
	if r.info.Draws && in.Rand == nil || r.info.Tests && in.Loss == nil {
		return Result{}, fmt.Errorf("%w: %s draws or tests: it needs a source of randomness or a loss", ErrInput, r.name)
	}
	if err := r.open(&in); err != nil {
		return Result{}, err
	}
	r.screenHeads()
	switch n := 1 + len(r.live); {
	case n == 1:
		return r.result(), nil
	case n < r.least():
		r.dropAll(TooFew)
		return r.result(), nil
	case r.most() > 0 && n > r.most():
		r.dropAll(TooManyHeads)
		return r.result(), nil
	}
	r.considerAll()
	r.heads = r.gather(r.heads)
	r.judge = in.Loss
	if r.loss == nil { // made once
		r.loss = func(v []float32) float64 {
			return r.judge(federation.Head{Classes: r.own.Classes, Features: r.own.Features, Weights: v})
		}
	}
	r.aggregate(robust.Input{Vectors: r.heads, Round: in.Round, Rand: in.Rand, Loss: r.loss})
	own := r.shares[0]
	for k, i := range r.live {
		share := r.shares[k+1]
		if share == 0 {
			r.drop(i, NotChosen)
			continue
		}
		if own > 0 {
			share /= own
		}
		for c := range r.verdicts[i].Weights {
			r.verdicts[i].Weights[c] = share
		}
	}
	return r.result(), nil
}

// aggregate runs the filters and the rule, and sets shares to what each of the
// heads contributed.
func (r *vectorRule) aggregate(in robust.Input) {
	r.from = r.from[:0]
	for _, f := range r.filters {
		var shares [][]float64
		in.Vectors, shares = f.Apply(in)
		r.from = append(r.from, shares)
	}
	shares := r.rule.Aggregate(r.head.Weights, in)
	r.shares = append(r.shares[:0], shares...)
	for k := len(r.from) - 1; k >= 0; k-- {
		r.before = grow(r.before, len(r.from[k][0]))
		clear(r.before)
		for i, row := range r.from[k] {
			for j, s := range row {
				r.before[j] += float64(r.shares[i] * s)
			}
		}
		r.shares, r.before = r.before, r.shares
	}
}
