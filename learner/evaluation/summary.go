package evaluation

import (
	"fmt"
	"math"
)

// Options say how confidence intervals are made.
type Options struct {
	Bootstrap  int     // draws of patients, up to 100,000; 0: 2000
	Confidence float64 // of intervals, above 0 and below 1; 0: 0.95
	Seed       uint64
}

const (
	defaultBootstrap  = 2000
	mostBootstrap     = 100_000
	defaultConfidence = .95
)

// fill puts defaults in and checks ranges.
func (o Options) fill() (Options, error) {
	if o.Bootstrap == 0 {
		o.Bootstrap = defaultBootstrap
	}
	if o.Confidence == 0 {
		o.Confidence = defaultConfidence
	}
	if o.Bootstrap < 0 || o.Bootstrap > mostBootstrap || !(o.Confidence > 0 && o.Confidence < 1) {
		return o, fmt.Errorf("evaluation: %d bootstrap draws (1 to %d) and confidence %v (between 0 and 1): %w", o.Bootstrap, mostBootstrap, o.Confidence, ErrArgument)
	}
	return o, nil
}

// Estimate is what test folds say about a metric.
type Estimate struct {
	Mean  float64   // over the folds where the metric is defined
	SD    float64   // of one fold, over these folds; NaN if there is only one
	Folds []float64 // of each fold, ascending by run and fold

	// Low and High are the confidence interval of the mean, see [Summarize].
	Low, High float64
	// Draws is on how many draws of patients the interval rests: those in which
	// the metric was defined in some fold.
	Draws int
}

// Summary holds the estimate of each [Metric] at its own index.
type Summary [metrics]Estimate

// Summarize says what a cross-validation shows. Every metric is computed on
// each test fold and averaged over them.
//
// The confidence interval is that of the percentile bootstrap over clusters
// (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapters 8 and
// 13): patients are drawn with replacement, as many as there are, each with all
// samples in all runs; the mean over folds is computed anew with as many copies
// of every sample as its patient was drawn; and the interval lies between
// percentiles of what such draws give. A metric that a draw leaves undefined in
// a fold is averaged over the others.
//
// ECE is an exception. It averages absolute values, so chance makes it larger,
// and a draw that repeats patients is left with more chance: percentiles of
// draws lie above the ECE that was measured. Its interval is moved until the
// draws' mean is the mean over folds, and says what test folds of this size
// would show of other patients; it holds nothing of the bias that ECE has on
// few samples.
//
// Work is proportional to draws times outcomes, for more than two classes times
// classes, and is shared by all processors. The error is an [*OutcomeError], or
// wraps [ErrEmpty] or [ErrArgument].
func Summarize(outcomes []Outcome, classes int, o Options) (Summary, error) {
	o, err := o.fill()
	if err != nil {
		return Summary{}, err
	}
	t, err := newTrial(outcomes, classes)
	if err != nil {
		return Summary{}, err
	}
	byFold := t.scores()
	draws := bootstrap(t.groups, o, func() func([]float64) Scores {
		s := newScratch(t)
		return func(copies []float64) Scores {
			var means [metrics]mean
			for i := range t.folds {
				for m, v := range s.score(t, i, copies) {
					means[m].add(v)
				}
			}
			return values(means)
		}
	})
	var summary Summary
	for m := range summary {
		e := Estimate{Folds: make([]float64, len(byFold))}
		for i := range byFold {
			e.Folds[i] = byFold[i][m]
		}
		e.Mean, e.SD, _ = moments(e.Folds)
		e.Low, e.High, e.Draws = interval(draws, Metric(m), e.Mean, o.Confidence)
		e.Low = max(e.Low, 0) // where the interval of ECE may be moved past
		summary[m] = e
	}
	return summary, nil
}

// scores returns the metrics of every fold, each sample counting once.
func (t *trial) scores() []Scores {
	ones := make([]float64, t.groups)
	for i := range ones {
		ones[i] = 1
	}
	s, list := newScratch(t), make([]Scores, len(t.folds))
	for i := range t.folds {
		list[i] = s.score(t, i, ones)
	}
	return list
}

func values(means [metrics]mean) (s Scores) {
	for m := range means {
		s[m] = means[m].value()
	}
	return s
}

// moments returns the mean, the standard deviation and the number of the values
// that are defined. The latter two need one and two of them, or they are NaN.
func moments(values []float64) (average, sd float64, n int) {
	var m mean
	for _, v := range values {
		m.add(v)
	}
	average = m.value()
	var squares float64
	for _, v := range values {
		if !math.IsNaN(v) {
			squares += float64((v - average) * (v - average))
		}
	}
	return average, math.Sqrt(squares / max(float64(m.n-1), 0)), m.n
}
