package robust

import "math/rand/v2"

// Input is one round: n vectors of equal length, the caller's own first.
// Values are finite. Nothing of it is modified or kept.
type Input struct {
	Vectors [][]float32
	// Round counts the caller's rounds from 0, for rules with a schedule.
	Round uint64
	// Rand is needed by rules that draw.
	Rand *rand.Rand
	// Loss returns the mean loss of a vector on the caller's own samples, for
	// rules that test; the lower the better.
	Loss func(v []float32) float64
}

// Rule makes one vector of n. It keeps scratch memory: it belongs to one
// caller at a time.
type Rule interface {
	// Least returns the least n that the rule's constants can bear.
	Least() int
	// Aggregate writes the result to dst, which is none of the vectors. n is
	// at least Least(). It returns what each input contributed, n numbers of at
	// least 0 that are valid until the next call: the share of a mean, 1 for
	// the chosen, or 1 for all where every coordinate decides for itself.
	Aggregate(dst []float32, in Input) []float64
}

// Filter comes before a rule: it replaces the vectors by others, of which a
// rule then makes one.
type Filter interface {
	Least() int
	// Apply returns the vectors that the rule gets, own first, valid until the
	// next call. It may return fewer than it got; from says which inputs
	// each was made of, as an n' x n matrix of shares.
	Apply(in Input) (vectors [][]float32, from [][]float64)
}
