package aggregation

import (
	"errors"
	"math/rand/v2"

	"github.com/bristle-fl/bristled/federation"
)

// Rule is one way to make one head of many. [New] builds one.
//
// A Rule keeps scratch memory between rounds. Each peer has its own; it is not
// safe for concurrent use.
type Rule interface {
	// Name returns the name that [New] knows the rule by.
	Name() string
	// WholeHead reports whether an update must carry every row of the
	// sender's head. Otherwise the rows of its claims are enough.
	WholeHead() bool
	// Consolidates reports whether a peer takes back from local training
	// only the rows of the classes it has data of, so that those of other
	// classes stay as the rule made them (docs/bristle.md, a1). The Bristle
	// rules want that; the others merge what training made of every row, as
	// where they come from.
	Consolidates() bool
	// Integrate makes the new head. It never modifies what it is given.
	// What it returns is valid until the next call.
	//
	// An update that the rule cannot use is no error: it gets a verdict
	// with a [Reason]. The error wraps [ErrInput] and means a mistake of
	// the caller.
	Integrate(Input) (Result, error)
}

// Evaluator measures heads on the peer's probe: held-out samples of the
// classes it is familiar with.
type Evaluator interface {
	// F1 sets out[i][c], for every candidate i and class c, to the F1 score
	// of class c on the probe when the rows of candidate i replace those of
	// base: 2TP/(2TP+FP+FN) with the prediction being the argmax over all
	// classes, the lowest index on ties, and 0 where the quotient is 0/0.
	// A candidate without rows is base itself. out has len(candidates)
	// slices of base.Classes numbers. Neither base nor the candidates may
	// be modified or kept.
	F1(base federation.Head, candidates []federation.Rows, out [][]float64)
}

// Input is what a peer knows when it integrates.
type Input struct {
	// Own is the peer's consolidated head.
	Own federation.Head
	// Familiar are the classes that the peer has samples of, ascending.
	Familiar []int
	// Judged are those of them that Probe has samples of, ascending; nil
	// means all. Scores of the others would be 0 whoever sent them, so their
	// rows are treated like those of foreign classes.
	Judged []int
	// Updates are the newest update of each sender, in any order. They need
	// not have come through the decoder; whatever is wrong with one of them
	// costs that one only.
	Updates []*federation.Update
	// Probe measures heads. Rules that do not test may go without.
	Probe Evaluator
	// Pseudo measures them on the probe and on pseudo-samples of the classes in
	// Imagined together, which are none of the familiar ones, ascending. Both
	// are nil without prototypes.
	Pseudo   Evaluator
	Imagined []int
	// Loss returns the mean loss of a head on the peer's training samples, for
	// the rules that compare losses. Others may go without.
	Loss func(h federation.Head) float64
	// Round counts the peer's rounds from 0, for rules with a schedule.
	Round uint64
	// Rand decides which updates are looked at when there are too many.
	// Rules without a prioritizer may go without.
	Rand *rand.Rand
}

// Result is the outcome of one round. It shares memory with the rule and is
// valid until the next call of [Rule.Integrate].
type Result struct {
	// Head is the new consolidated head. It may be the own head of the next
	// call, and the caller may train it in place.
	Head federation.Head
	// Verdicts has one entry per update, in ascending order of sender.
	Verdicts []Verdict
	// F1 holds the scores of Input.Own, per class, that those in the
	// verdicts were compared with; nil if the rule tested nothing.
	F1 []float64
	// Warning says that the rule does not fit what it saw; mostly empty.
	Warning Warning
}

// Warning is a remark of a rule on its own fitness, fit to be shown.
type Warning string

// WarnNonIID is the warning of a rule that gives no weight to a peer whose
// classes are not ours, on meeting one. With the hard zero (docs/bristle.md,
// a3) such peers' rows never arrive, and the head does not learn the classes
// that only they know.
const WarnNonIID Warning = "peers claim different classes, and this rule gives no weight to a peer that is worse in any class of ours: " +
	"classes that we lack will not be learned; use bristle+, or set hard_zero to 0"

// ErrInput is wrapped by the errors of [Rule.Integrate]: the caller broke the
// contract of [Input].
var ErrInput = errors.New("bad input to an aggregation rule")
