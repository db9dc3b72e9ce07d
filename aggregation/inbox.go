package aggregation

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// maxSquaredNorm bounds the updates, so that the squared distance of two heads
// is far from the end of float32 (3.4e38), and so is every weighted mean. The
// own head may be twice as long: what rounding and a local step put on top of
// a mean of the longest updates is no error.
const maxSquaredNorm = 1e36

// inbox holds the updates of one round in their canonical order, the verdicts
// on them and the new head. Every rule embeds one; its slices are reused from
// round to round.
type inbox struct {
	own      federation.Head
	familiar []int                // classes with samples to train on
	judged   []int                // those of them with samples to judge by
	updates  []*federation.Update // ascending by sender
	verdicts []Verdict            // one per update
	live     []int                // indices of the updates still in the running, ascending

	// The new head. Two take turns, because the last one may be the own head
	// of this round.
	head, spare federation.Head

	candidates []federation.Rows // [0] is the own head; then one per live update
	ownF1      []float64         // out[0] of the evaluator; nil before
	out        [][]float64
	scores     []float64 // memory of out
	weights    []float64 // memory of the verdicts' weights
	ones       []float32
}

// open checks the input, sorts the updates and starts a verdict for each.
func (b *inbox) open(in *Input) error {
	if err := checkInput(in); err != nil {
		return err
	}
	n := len(in.Updates)
	b.own, b.familiar, b.judged, b.ownF1 = in.Own, in.Familiar, in.Judged, nil
	if in.Judged == nil {
		b.judged = in.Familiar
	}
	b.updates = append(b.updates[:0], in.Updates...)
	slices.SortFunc(b.updates, func(x, y *federation.Update) int { return cmp.Compare(x.Sender, y.Sender) })
	b.weights = grow(b.weights, n*b.own.Classes)
	clear(b.weights)
	b.verdicts = grow(b.verdicts, n)
	b.live = grow(b.live, n)
	for i, u := range b.updates {
		if i > 0 && b.updates[i-1].Sender == u.Sender {
			return fmt.Errorf("%w: two updates of %q; pass only its newest", ErrInput, u.Sender)
		}
		b.live[i] = i
		b.verdicts[i] = Verdict{
			Sender: u.Sender, Seq: u.Seq, Round: u.Round,
			Weights: cut(b.weights, i, b.own.Classes),
		}
	}
	b.head, b.spare = b.spare, b.head
	b.head.Classes, b.head.Features = b.own.Classes, b.own.Features
	b.head.Weights = grow(b.head.Weights, len(b.own.Weights))
	copy(b.head.Weights, b.own.Weights)
	return nil
}

func checkInput(in *Input) error {
	own := in.Own
	if own.Classes < 1 || own.Features < 1 || len(own.Weights) != own.Classes*own.Features {
		return fmt.Errorf("%w: the own head has %d classes, %d features and %d weights",
			ErrInput, own.Classes, own.Features, len(own.Weights))
	}
	if reason := judgeNorm(squaredNorm(own.Weights)/4, own.Weights); reason != "" {
		return fmt.Errorf("%w: the own head is %s", ErrInput, reason)
	}
	if !ascending(in.Familiar, own.Classes) {
		return fmt.Errorf("%w: familiar classes %v are not ascending numbers below %d", ErrInput, in.Familiar, own.Classes)
	}
	if !ascending(in.Judged, own.Classes) {
		return fmt.Errorf("%w: judged classes %v are not ascending numbers below %d", ErrInput, in.Judged, own.Classes)
	}
	for _, c := range in.Judged {
		if !slices.Contains(in.Familiar, c) {
			return fmt.Errorf("%w: class %d is judged but not familiar", ErrInput, c)
		}
	}
	if slices.Contains(in.Updates, nil) {
		return fmt.Errorf("%w: an update is nil", ErrInput)
	}
	return nil
}

// ascending reports whether the classes are strictly ascending within
// [0, limit).
func ascending(classes []int, limit int) bool {
	last := -1
	for _, c := range classes {
		if c <= last || c >= limit {
			return false
		}
		last = c
	}
	return true
}

// drop gives the i-th update its reason. The caller takes it out of live.
func (b *inbox) drop(i int, reason Reason) { b.verdicts[i].Reason = reason }

// screenHeads keeps the updates that carry a whole, sound head, and notes
// their distances.
func (b *inbox) screenHeads() {
	kept := b.live[:0]
	for _, i := range b.live {
		u := b.updates[i]
		reason := b.shape(u)
		if reason == "" && len(u.Rows.Classes) < b.own.Classes {
			reason = MissingRows
		}
		if reason == "" {
			reason = judgeNorm(squaredNorm(u.Rows.Weights), u.Rows.Weights)
		}
		if reason != "" {
			b.drop(i, reason)
			continue
		}
		b.verdicts[i].Distance = math.Sqrt(squaredDistance(u.Rows.Weights, b.own.Weights))
		kept = append(kept, i)
	}
	b.live = kept
}

// shape returns Malformed if the rows or claims of an update cannot be read at
// all.
func (b *inbox) shape(u *federation.Update) Reason {
	rows := u.Rows
	if !ascending(u.Claims, b.own.Classes) || len(u.Claims) == 0 ||
		!ascending(rows.Classes, b.own.Classes) ||
		rows.Features != b.own.Features || len(rows.Weights) != len(rows.Classes)*rows.Features {
		return Malformed
	}
	return ""
}

// judgeNorm says what is wrong with weights of the given squared norm.
func judgeNorm(squared float64, weights []float32) Reason {
	if squared <= maxSquaredNorm { // false for NaN
		return ""
	}
	for _, w := range weights {
		if w-w != 0 {
			return NotFinite
		}
	}
	return TooLarge
}

// evaluate has the live updates tested; b.candidates[1:] are their rows in
// order.
func (b *inbox) evaluate(probe Evaluator) {
	n, classes := len(b.candidates), b.own.Classes
	b.candidates[0] = federation.Rows{Features: b.own.Features}
	b.scores = grow(b.scores, n*classes)
	b.out = grow(b.out, n)
	for i := range b.out {
		b.out[i] = cut(b.scores, i, classes)
	}
	probe.F1(b.own, b.candidates, b.out)
	b.ownF1 = b.out[0]
	for k, i := range b.live {
		b.verdicts[i].F1 = b.out[k+1]
	}
}

// gather returns the weights of the own head and of the live ones, which are
// whole.
func (b *inbox) gather(heads [][]float32) [][]float32 {
	heads = append(heads[:0], b.own.Weights)
	for _, i := range b.live {
		heads = append(heads, b.updates[i].Rows.Weights)
	}
	return heads
}

// dropAll gives all live updates the same reason.
func (b *inbox) dropAll(reason Reason) {
	for _, i := range b.live {
		b.drop(i, reason)
	}
	b.live = b.live[:0]
}

// considerAll marks the live updates as looked at.
func (b *inbox) considerAll() {
	for _, i := range b.live {
		b.verdicts[i].Considered = true
	}
}

// dropWeightless gives a reason to those looked at that weigh nothing.
func (b *inbox) dropWeightless() {
	for _, i := range b.live {
		if !slices.ContainsFunc(b.verdicts[i].Weights, func(w float64) bool { return w > 0 }) {
			b.drop(i, NoTrust)
		}
	}
}

// centre subtracts its mean from each row of the new head.
func (b *inbox) centre() {
	if len(b.ones) != b.head.Features {
		b.ones = grow(b.ones, b.head.Features)
		for i := range b.ones {
			b.ones[i] = 1
		}
	}
	for c := range b.head.Classes {
		row := b.head.Row(c)
		mean := kernel.Dot(row, b.ones) / float32(len(row))
		kernel.Axpy(-mean, b.ones, row)
	}
}

func (b *inbox) result() Result {
	return Result{Head: b.head, Verdicts: b.verdicts, F1: b.ownF1}
}

func dot(x, y []float32) float64             { return float64(kernel.Dot(x, y)) }
func squaredNorm(x []float32) float64        { return dot(x, x) }
func squaredDistance(x, y []float32) float64 { return float64(kernel.SquaredDistance(x, y)) }

// grow returns a slice of n elements, s if it is large enough. Their values
// are whatever was there.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// cut returns the i-th piece of n elements.
func cut[T any](s []T, i, n int) []T { return s[i*n : (i+1)*n : (i+1)*n] }
