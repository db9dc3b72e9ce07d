package evaluation

import (
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// scratch is what scoring a trial with copies of patients needs. It belongs to
// one goroutine.
type scratch struct {
	weights []float64
	tally   *tally
}

func newScratch(t *trial) *scratch {
	longest := 0
	for _, f := range t.folds {
		longest = max(longest, len(f.outcomes))
	}
	return &scratch{weights: make([]float64, longest), tally: newTally(t.classes)}
}

// score returns the metrics of a fold with so many copies of each patient. It
// allocates nothing.
func (s *scratch) score(t *trial, fold int, copies []float64) Scores {
	f := &t.folds[fold]
	w := s.weights[:len(f.groups)]
	for i, g := range f.groups {
		w[i] = copies[g]
	}
	return f.scorer.score(w, s.tally)
}

// bootstrap draws as many patients as there are, with replacement, again and
// again, and returns what scoring says of each draw. Every draw has a generator
// of its own, so it does not matter who makes it; every goroutine calls worker
// once for a scoring function of its own.
func bootstrap(patients int, o Options, worker func() func(copies []float64) Scores) []Scores {
	draws := make([]Scores, o.Bootstrap)
	var next atomic.Int64
	var team sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), o.Bootstrap) {
		team.Go(func() {
			score, copies, source := worker(), make([]float64, patients), rand.NewPCG(0, 0)
			rng := rand.New(source)
			for {
				draw := int(next.Add(1)) - 1
				if draw >= len(draws) {
					return
				}
				source.Seed(o.Seed, uint64(draw))
				clear(copies)
				for range patients {
					copies[rng.IntN(patients)]++
				}
				draws[draw] = score(copies)
			}
		})
	}
	team.Wait()
	return draws
}

// interval returns between which percentiles the middle part of what draws say
// of a metric lies, and in how many of them it is defined; that of [ECE] is moved
// to be around its mean, see [Summarize]. Without any draw the interval is NaN.
func interval(draws []Scores, metric Metric, average, confidence float64) (low, high float64, defined int) {
	values := make([]float64, 0, len(draws))
	for i := range draws {
		if v := draws[i][metric]; !math.IsNaN(v) {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return math.NaN(), math.NaN(), 0
	}
	slices.Sort(values)
	shift := 0.
	if metric == ECE {
		drawn, _, _ := moments(values)
		shift = average - drawn
	}
	tail := (1 - confidence) / 2
	return quantile(values, tail) + shift, quantile(values, 1-tail) + shift, len(values)
}

// quantile interpolates linearly between order statistics (Hyndman and Fan,
// Sample Quantiles in Statistical Packages, 1996, definition 7).
func quantile(sorted []float64, share float64) float64 {
	at := share * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}
