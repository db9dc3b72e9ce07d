package aggregation

import (
	"math"
	"slices"

	"github.com/bristle-fl/bristled/federation"
)

// OwnMeans are the class means that a peer published itself.
type OwnMeans struct {
	Means   federation.Rows
	Samples []int
	// Variance is, per row of Means, the mean squared distance of a sample of
	// the class from its mean.
	Variance []float64
}

// Knowledge is what a peer makes of the prototypes of others (docs/bristle.md,
// e, prototypes).
type Knowledge struct {
	// Trust is kappa, per set, 0 to 1.
	Trust []float64
	// Shared says, per set, whether it has a class in common with the own one,
	// so that Trust is first-hand; else it is what the others' sets say of it.
	Shared []bool
	// Means are those of the classes that the peer has no samples of and that
	// somebody trusted published: the geometric median of what they say.
	Means federation.Rows
	// Disputes are the classes of Means about which the sets disagree, before
	// anybody is asked about them.
	Disputes []Dispute
}

// Dispute says that prototypes of a class differ more than those of honest
// peers do: either somebody lies, or the class looks different at different
// peers.
type Dispute struct {
	Class int `json:"class"`
	// Share is the largest share of the trusted prototypes that agree.
	Share float64 `json:"share"`
}

const (
	// Two prototypes agree if their cosine, seen from the mean of the own ones,
	// is above agreement; a class is in dispute if less than undisputed of the
	// mass agrees.
	agreement  = .45
	undisputed = .7

	// leastReliability bounds how much of a low cosine is put down to means of
	// few samples.
	leastReliability = .2

	// longest is how long a mean may be, in lengths of the longest own one.
	// Features have one scale in a federation, so that only a lie, or much noise,
	// is longer; it is shortened.
	longest = 2

	prototypeSteps = 20
)

// Weigh judges the sets of others by the own means, and by each other. sets are
// ascending by sender; foreign are the classes that the peer has no samples of, ascending. A
// set with a number that is not finite, or far too large, has no trust. Without
// own means nothing can be judged, and nothing is known. The work grows with the
// square of the number of sets.
func Weigh(own OwnMeans, sets []*federation.Prototypes, foreign []int) Knowledge {
	k := Knowledge{
		Trust: make([]float64, len(sets)), Shared: make([]bool, len(sets)),
		Means: federation.Rows{Features: own.Means.Features},
	}
	if len(own.Means.Classes) == 0 {
		return k
	}
	v := newView(own)
	mass := make([]float64, len(sets))
	for j, set := range sets {
		if judgeNorm(squaredNorm(set.Means.Weights), set.Means.Weights) != "" {
			continue
		}
		mass[j] = min(1, float64(len(own.Means.Classes))/float64(max(1, len(set.Means.Classes))))
		k.Trust[j], k.Shared[j] = v.firstHand(set.Means)
	}
	c := newCourt(own, &k, sets, mass)
	for j := range sets {
		if !k.Shared[j] && mass[j] > 0 {
			k.Trust[j] = c.hearsay(j)
		}
	}
	standing := c.standings()
	for _, c := range foreign {
		v.ask(&k, c, sets, mass, standing)
	}
	return k
}

// view sees prototypes from the mean of the own ones; from the origin if there is
// only one.
type view struct {
	own         OwnMeans
	middle      []float32
	seen        []float32 // own means minus middle
	reliability []float64 // rho
	limit       float64   // length of a mean
	diff        []float32

	median geoMedian
	rows   [][]float32
	votes  []float64
	voters []int // the sets that rows are of
}

func newView(own OwnMeans) *view {
	n, width := len(own.Means.Classes), own.Means.Features
	v := &view{
		own: own, middle: make([]float32, width), diff: make([]float32, width),
		median: geoMedian{steps: prototypeSteps, smoothing: 1e-3},
	}
	sum := make([]float64, width)
	for i := range n {
		for j, x := range own.Means.Row(i) {
			sum[j] += float64(x)
		}
	}
	// One mean alone would be the middle, and have no direction.
	if n > 1 {
		for j, s := range sum {
			v.middle[j] = float32(s / float64(n))
		}
	}
	for i := range n {
		v.seen = append(v.seen, v.centred(own.Means.Row(i))...)
		rho := leastReliability
		if length := squaredNorm(v.row(i)); length > 0 && own.Samples[i] > 1 {
			rho = max(rho, 1-own.Variance[i]/(float64(own.Samples[i])*length))
		}
		v.reliability = append(v.reliability, rho)
		v.limit = max(v.limit, longest*math.Sqrt(squaredNorm(own.Means.Row(i))))
	}
	return v
}

func (v *view) row(i int) []float32 { return cut(v.seen, i, v.own.Means.Features) }

// centred returns a prototype minus the middle, valid until the next call.
func (v *view) centred(row []float32) []float32 {
	for j, x := range row {
		v.diff[j] = x - v.middle[j]
	}
	return v.diff
}

// firstHand returns kappa of a set with a class in common, and whether it has
// one: the least over the common classes of how much the two means agree, 0
// where another own mean is nearer.
func (v *view) firstHand(means federation.Rows) (trust float64, shared bool) {
	trust = 1
	for i, c := range v.own.Means.Classes {
		at, ok := slices.BinarySearch(means.Classes, c)
		if !ok {
			continue
		}
		shared = true
		theirs := v.centred(means.Row(at))
		nearest, least := i, squaredDistance(theirs, v.row(i))
		for other := range v.own.Means.Classes {
			if d := squaredDistance(theirs, v.row(other)); d < least {
				nearest, least = other, d
			}
		}
		if nearest != i {
			return 0, true
		}
		trust = min(trust, max(0, min(1, (cosine(theirs, v.row(i))/v.reliability[i]-.3)/.4)))
	}
	if !shared {
		return 0, false
	}
	return trust, true
}

// sharpen returns a²/(a²+(1-a)²): what doubt there is counts less than it says.
func sharpen(a float64) float64 {
	return float64(a*a) / (float64(a*a) + float64((1-a)*(1-a)))
}

// ask adds to k what the sets say of a foreign class.
func (v *view) ask(k *Knowledge, class int, sets []*federation.Prototypes, mass, standing []float64) {
	v.rows, v.votes, v.voters = v.rows[:0], v.votes[:0], v.voters[:0]
	for j, set := range sets {
		at, ok := slices.BinarySearch(set.Means.Classes, class)
		if w := mass[j] * k.Trust[j]; ok && w > 0 {
			v.rows, v.votes, v.voters = append(v.rows, v.shortened(set.Means.Row(at))), append(v.votes, w), append(v.voters, j)
		}
	}
	if len(v.rows) == 0 {
		return
	}
	if share := v.agreeing(); share < undisputed {
		k.Disputes = append(k.Disputes, Dispute{Class: class, Share: share})
	}
	if standing != nil {
		v.settle(standing)
	}
	k.Means.Classes = append(k.Means.Classes, class)
	k.Means.Weights = append(k.Means.Weights, v.rows[0]...)
	v.median.reset(v.rows[0], v.votes[0])
	for i := 1; i < len(v.rows); i++ {
		v.median.add(v.rows[i], v.votes[i])
	}
	if len(v.rows) > 1 && v.median.solve() {
		v.median.write(k.Means.Row(len(k.Means.Classes) - 1))
	}
}

// shortened returns a mean that is not longer than the limit.
func (v *view) shortened(row []float32) []float32 {
	length := math.Sqrt(squaredNorm(row))
	if length <= v.limit {
		return row
	}
	row = slices.Clone(row)
	for j := range row {
		row[j] *= float32(v.limit / length)
	}
	return row
}

// agreeing returns the largest share of the votes whose rows agree with one row.
func (v *view) agreeing() float64 {
	seen := make([][]float32, len(v.rows))
	total := 0.0
	for i, r := range v.rows {
		seen[i] = slices.Clone(v.centred(r))
		total += v.votes[i]
	}
	most := 0.0
	for i := range seen {
		sum := 0.0
		for j := range seen {
			if i == j || cosine(seen[i], seen[j]) > agreement {
				sum += v.votes[j]
			}
		}
		most = max(most, sum)
	}
	return most / total
}

// cosine returns the cosine of the angle between x and y, 0 if one is zero.
func cosine(x, y []float32) float64 {
	xx, yy := squaredNorm(x), squaredNorm(y)
	if xx == 0 || yy == 0 {
		return 0
	}
	return dot(x, y) / math.Sqrt(xx*yy)
}
