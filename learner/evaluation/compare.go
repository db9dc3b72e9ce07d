package evaluation

import (
	"math"
	"slices"
)

// Difference is how much more of a metric one way to train gives than another.
type Difference struct {
	Mean  float64   // over the folds where the metric is defined for both
	Folds []float64 // of each fold, ascending by run and fold

	// Low and High are the confidence interval of the mean, by the bootstrap of
	// [Summarize], with the same patients drawn for both.
	Low, High float64
	Draws     int // on which it rests, as in [Estimate]

	// T is the statistic of the corrected resampled t-test, with one degree of
	// freedom less than there are defined differences, and P the probability of
	// one so far from 0 to either side if there is no difference.
	T, P float64
}

// Comparison holds the difference in each [Metric] at its own index.
type Comparison [metrics]Difference

// Compare says how far a is from b, a less b, on the same folds.
//
// The test is the corrected resampled t-test (Nadeau and Bengio, Inference for
// the Generalization Error, Machine Learning 52, 2003, section 4): models of
// different folds share most of what they were trained on, so the variance of
// the mean over n folds is taken as (1/n + tested/trained) times that of one
// fold. tested and trained are samples, their ratio is the mean over folds; a
// fold is trained on what its run's other folds test. If all differences are
// equal, P is 1 where they are 0, and 0 elsewhere; with fewer than two of them,
// or where a run has a single fold and so nothing says how much was trained on,
// T and P are NaN.
//
// The error is an [*UnpairedError] or one of [Summarize].
func Compare(a, b []Outcome, classes int, o Options) (Comparison, error) {
	o, err := o.fill()
	if err != nil {
		return Comparison{}, err
	}
	one, err := newTrial(a, classes)
	if err != nil {
		return Comparison{}, err
	}
	other, err := newTrial(b, classes)
	if err != nil {
		return Comparison{}, err
	}
	if err := paired(one, other); err != nil {
		return Comparison{}, err
	}
	draws := bootstrap(one.groups, o, func() func([]float64) Scores {
		s := newScratch(one)
		return func(copies []float64) Scores {
			var means [metrics]mean
			for i := range one.folds {
				x, y := s.score(one, i, copies), s.score(other, i, copies)
				for m := range means {
					means[m].add(x[m] - y[m])
				}
			}
			return values(means)
		}
	})
	var c Comparison
	x, y := one.scores(), other.scores()
	for m := range c {
		d := Difference{Folds: make([]float64, len(x))}
		for i := range x {
			d.Folds[i] = x[i][m] - y[i][m]
		}
		d.Mean, _, _ = moments(d.Folds)
		d.Low, d.High, d.Draws = interval(draws, Metric(m), d.Mean, o.Confidence)
		d.T, d.P = correctedTest(d.Folds, one.ratio())
		c[m] = d
	}
	return c, nil
}

// paired returns an error if two trials do not test the same.
func paired(a, b *trial) error {
	same := func(x, y Outcome) bool {
		return x.Run == y.Run && x.Fold == y.Fold && x.Sample == y.Sample && x.Label == y.Label && x.Group == y.Group
	}
	for i := range max(len(a.folds), len(b.folds)) {
		var x, y []Outcome
		if i < len(a.folds) {
			x = a.folds[i].outcomes
		}
		if i < len(b.folds) {
			y = b.folds[i].outcomes
		}
		if !slices.EqualFunc(x, y, same) {
			first := slices.Concat(x, y)[0]
			return &UnpairedError{Run: first.Run, Fold: first.Fold}
		}
	}
	return nil
}

// ratio returns the mean over folds of tested over trained samples; +Inf if a
// run has a single fold.
func (t *trial) ratio() float64 {
	var sum float64
	for _, f := range t.folds {
		sum += float64(len(f.outcomes)) / float64(f.trained)
	}
	return sum / float64(len(t.folds))
}

// correctedTest is the corrected resampled t-test for differences that may be
// NaN.
func correctedTest(differences []float64, ratio float64) (t, p float64) {
	average, sd, n := moments(differences)
	if n < 2 || math.IsInf(ratio, 1) {
		return math.NaN(), math.NaN()
	}
	if average == 0 {
		return 0, 1
	}
	t = average / (sd * math.Sqrt(1/float64(n)+ratio)) // ±Inf without variance
	return t, studentTwoSided(t, float64(n-1))
}
