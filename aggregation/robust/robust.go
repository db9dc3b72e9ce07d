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

// Limited is a rule that takes no more than so many vectors, because it tries
// all subsets.
type Limited interface{ Most() int }

// Grouping is a filter that makes one vector of every so many, rounded up.
type Grouping interface{ Size() int }

// Filter comes before a rule: it replaces the vectors by others, of which a
// rule then makes one.
type Filter interface {
	Least() int
	// Apply returns the vectors that the rule gets, own first, valid until the
	// next call. It may return fewer than it got; from says what shares of the
	// inputs each is made of, n' rows of n numbers.
	Apply(in Input) (vectors [][]float32, from [][]float64)
}

// Constant describes one constant of a rule or filter.
type Constant struct {
	Name     string
	Doc      string // one line
	Default  float64
	Min, Max float64 // the range, both ends included
	Whole    bool    // whether only whole numbers are allowed
}

// Info describes a rule or filter.
type Info struct {
	Name      string
	Summary   string     // one line
	Source    string     // where the formula is from
	Breakdown string     // how many liars it bears, n counting the own vector
	Constants []Constant // in the order in which they matter
	Draws     bool       // needs Input.Rand
	Tests     bool       // needs Input.Loss
}

// Values are the constants of one rule, complete and checked.
type Values map[string]float64

// Whole returns a constant that is a whole number.
func (v Values) Whole(name string) int { return int(v[name]) }

// RuleEntry is a rule that can be built.
type RuleEntry struct {
	Info
	New func(v Values, workers int) Rule
}

// FilterEntry is a filter that can be built.
type FilterEntry struct {
	Info
	New func(v Values, workers int) Filter
}

// liars is the constant f.
func liars(doc string) Constant {
	return Constant{Name: "f", Default: 4, Min: 0, Max: 65536, Whole: true, Doc: doc}
}

// Rules returns every rule.
func Rules() []RuleEntry {
	return []RuleEntry{
		meanEntry, medianEntry, trimmedMeanEntry, meaMedEntry,
		krumEntry("krum", paperScore), krumEntry("krum:paper", paperScore), krumEntry("krum:byzfl", byzflScore), krumEntry("krum:flower", flowerScore),
		krumEntry("krum:medoid", medoidScore), krumEntry("krum:bristle-author", authorScore),
		multiKrumEntry, bulyanEntry, geometricMedianEntry, centeredClippingEntry, scClipEntry,
		mdaEntry, smeaEntry, cafEntry, monnaEntry, moziEntry, ubarEntry, balanceEntry, wfaggEntry,
		dncEntry, signGuardEntry, clippedClusteringEntry,
	}
}

// Filters returns every filter.
func Filters() []FilterEntry {
	return []FilterEntry{nnmEntry, bucketingEntry, clippingEntry, arcEntry}
}

// equal sets shares to 1/k for the chosen ones and 0 for the rest.
func equal(shares []float64, n int, chosen []int) []float64 {
	shares = grow(shares, n)
	clear(shares)
	for _, i := range chosen {
		shares[i] = 1 / float64(len(chosen))
	}
	return shares
}

// ones returns n times 1.
func ones(shares []float64, n int) []float64 {
	shares = grow(shares, n)
	for i := range shares {
		shares[i] = 1
	}
	return shares
}
