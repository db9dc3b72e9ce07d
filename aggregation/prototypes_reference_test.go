package aggregation

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

// drawSets draws own means and the sets of others around common ones; some lie.
func drawSets(t *rapid.T) (own OwnMeans, sets []*federation.Prototypes, foreign []int) {
	const classes = 6
	features := rapid.IntRange(2, 20).Draw(t, "features")
	rng := random(rapid.Uint64().Draw(t, "seed"))
	truth := noisyHead(rng, classes, features)
	draw := func(label string, least int) federation.Rows {
		known := rapid.SliceOfNDistinct(rapid.IntRange(0, classes-1), least, classes, rapid.ID).Draw(t, label)
		slices.Sort(known)
		rows := truth.Select(known)
		if rapid.IntRange(0, 3).Draw(t, "lie") == 0 {
			noise(rng, rows.Weights, 3)
		}
		noise(rng, rows.Weights, .5)
		return rows
	}
	own.Means = draw("own", 1)
	for c := range classes {
		if !slices.Contains(own.Means.Classes, c) {
			foreign = append(foreign, c)
		}
	}
	for range own.Means.Classes {
		own.Samples = append(own.Samples, rapid.IntRange(1, 20).Draw(t, "samples"))
		own.Variance = append(own.Variance, rapid.Float64Range(0, 5).Draw(t, "variance"))
	}
	var others []federation.Rows
	for range rapid.IntRange(0, 8).Draw(t, "sets") {
		others = append(others, draw("set", 1))
	}
	sets = published(others...)
	return own, sets, foreign
}

// refView is how a set of means looks at others.
type refView struct {
	classes  []int
	p        vectors
	g        []float64
	samples  []int
	variance []float64
}

func newRefView(own OwnMeans) refView {
	v := refView{classes: own.Means.Classes, p: widen(own.Means.Weights, len(own.Means.Classes)), samples: own.Samples, variance: own.Variance}
	ones := make([]float64, len(v.p))
	for i := range ones {
		ones[i] = 1
	}
	v.g = combine(v.p, ones)
	if len(v.p) == 1 {
		v.g = make([]float64, len(v.g))
	}
	return v
}

func (v refView) minus(x []float64) []float64 {
	d := slices.Clone(x)
	for i := range d {
		d[i] -= v.g[i]
	}
	return d
}

func (v refView) cos(x, y []float64) float64 {
	x, y = v.minus(x), v.minus(y)
	s := 0.0
	for i := range x {
		s += x[i] * y[i]
	}
	if s == 0 {
		return 0
	}
	return s / (length(x) * length(y))
}

// trust is kappa at first hand, and whether there is a class in common.
func (v refView) trust(set *federation.Prototypes) (kappa float64, shared bool) {
	theirs := widen(set.Means.Weights, len(set.Means.Classes))
	kappa = 1
	for i, c := range v.classes {
		at := slices.Index(set.Means.Classes, c)
		if at < 0 {
			continue
		}
		shared = true
		rho := .2
		if k := float64(v.samples[i]); k > 1 {
			rho = math.Max(.2, 1-v.variance[i]/(k*math.Pow(length(v.minus(v.p[i])), 2)))
		}
		agree := math.Min(1, math.Max(0, (v.cos(theirs[at], v.p[i])/rho-.3)/.4))
		for other := range v.p {
			if apart(theirs[at], v.p[other]) < apart(theirs[at], v.p[i]) {
				agree = 0
			}
		}
		kappa = math.Min(kappa, agree)
	}
	return kappa, shared
}

func refSharpen(a float64) float64 { return a * a / (a*a + (1-a)*(1-a)) }

// refWeigh computes kappa and the means in float64 from the formulas of
// docs/bristle-plus.md.
func refWeigh(own OwnMeans, sets []*federation.Prototypes, foreign []int) (kappa []float64, q vectors) {
	me := newRefView(own)
	theirs, mu, shares := make([]vectors, len(sets)), make([]float64, len(sets)), make([]bool, len(sets))
	kappa = make([]float64, len(sets))
	for j, set := range sets {
		theirs[j] = widen(set.Means.Weights, len(set.Means.Classes))
		mu[j] = math.Min(1, float64(len(me.p))/float64(len(theirs[j])))
		kappa[j], shares[j] = me.trust(set)
	}
	spread := make([]float64, 99)
	for i := range spread {
		for _, s := range own.Variance {
			spread[i] += s / float64(len(own.Variance))
		}
	}
	hearsay := func(j int) float64 {
		sum, total := 0.0, 0.0
		for w, set := range sets {
			said, knows := newRefView(OwnMeans{Means: set.Means, Samples: set.Samples, Variance: spread}).trust(sets[j])
			if knows && shares[w] {
				sum += mu[w] * kappa[w] * said
				total += mu[w] * kappa[w]
			}
		}
		if total == 0 {
			return .5
		}
		return refSharpen(sum / total)
	}
	strangers := slices.Clone(kappa)
	for j := range sets {
		if !shares[j] {
			strangers[j] = hearsay(j)
		}
	}
	kappa = strangers
	standing := refStandings(spread, sets, kappa, mu, shares)
	most := 0.0
	for i := range me.p {
		most = math.Max(most, 2*length(me.p[i]))
	}
	for _, c := range foreign {
		var rows vectors
		var votes, settled []float64
		sum := 0.0
		for j, set := range sets {
			if at := slices.Index(set.Means.Classes, c); at >= 0 && kappa[j] > 0 {
				row := theirs[j][at]
				if l := length(row); l > most {
					row = combine(vectors{row}, []float64{1})
					for i := range row {
						row[i] *= most / l
					}
				}
				vote := mu[j] * kappa[j]
				rows, votes, settled = append(rows, row), append(votes, vote), append(settled, vote*standing[j])
				sum += settled[len(settled)-1]
			}
		}
		if sum > 0 {
			kept := vectors{}
			votes = nil
			for i, w := range settled {
				if w > 0 {
					kept, votes = append(kept, rows[i]), append(votes, w)
				}
			}
			rows = kept
		}
		if len(rows) > 0 {
			q = append(q, refMeanOfMeans(rows, votes))
		}
	}
	return kappa, q
}

// refStandings is the standing of each set among the others; 1 without a
// contradiction.
func refStandings(spread []float64, sets []*federation.Prototypes, kappa, mu []float64, shares []bool) []float64 {
	standing, contradiction := make([]float64, len(sets)), false
	for j := range standing {
		standing[j] = 1
	}
	for range 3 {
		next := make([]float64, len(sets))
		for j := range sets {
			sum, total := 0.0, 0.0
			if shares[j] {
				sum, total = kappa[j], 1
			}
			for w, set := range sets {
				trust, shared := newRefView(OwnMeans{Means: set.Means, Samples: set.Samples, Variance: spread}).trust(sets[j])
				if shared && w != j && kappa[w] > 0 && kappa[j] > 0 {
					contradiction = contradiction || trust == 0
					sum += mu[w] * kappa[w] * standing[w] * trust
					total += mu[w] * kappa[w] * standing[w]
				}
			}
			next[j] = .5
			if total > 0 {
				next[j] = refSharpen(sum / total)
			}
		}
		if !contradiction {
			break
		}
		standing = next
	}
	return standing
}

// refMeanOfMeans makes twenty Weiszfeld steps from the weighted mean.
func refMeanOfMeans(rows vectors, votes []float64) []float64 {
	z, total, spread := combine(rows, votes), 0.0, 0.0
	for j, row := range rows {
		total += votes[j]
		spread += votes[j] * math.Pow(apart(row, z), 2)
	}
	least := 1e-3 * math.Sqrt(spread/total)
	for range 20 {
		shares := make([]float64, len(rows))
		for j, row := range rows {
			shares[j] = votes[j] / max(least, apart(row, z), 1e-9)
		}
		z = combine(rows, shares)
	}
	return z
}

func TestWeighAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own, sets, foreign := drawSets(t)
		got := Weigh(own, sets, foreign)
		kappa, q := refWeigh(own, sets, foreign)
		for j := range sets {
			// A mean that is as near to one own mean as to another may go either way.
			if math.Abs(got.Trust[j]-kappa[j]) > 1e-4 {
				t.Fatalf("kappa of set %d is %v, want %v", j, got.Trust[j], kappa[j])
			}
		}
		if len(got.Means.Classes) != len(q) {
			t.Fatalf("means of %d classes, want %d", len(got.Means.Classes), len(q))
		}
		for i, want := range q {
			if d := apart(widen(got.Means.Row(i), 1)[0], want); d > 2e-3*(1+length(want)) {
				t.Fatalf("the mean of class %d is %v, want %v", got.Means.Classes[i], got.Means.Row(i), want)
			}
		}
		for _, d := range got.Disputes {
			if d.Share <= 0 || d.Share >= undisputed {
				t.Fatalf("a dispute of which %v agree", d.Share)
			}
		}
	})
}
