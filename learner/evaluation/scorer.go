package evaluation

import (
	"cmp"
	"math"
	"slices"
)

// scorer computes all metrics of some samples under weights that change. What
// does not depend on the weights, above all sorting, is done once.
type scorer struct {
	classes  int
	rows     []row
	rankings []ranking // of class 1, or of all classes if there are more than two
}

// row is what a sample adds.
type row struct {
	label, guess, bin int32
	gap               float64 // whether the guess was right, less the confidence
	brier, loss       float64
}

// ranking is the samples in ascending order of a class's probability.
type ranking struct {
	class int32
	rows  []int32
	ends  []bool // whether the next has more
}

const (
	bins     = 15              // of ECE
	leastLog = 1.0 / (1 << 52) // what probabilities count as in LogLoss
)

func newScorer(probabilities [][]float64, labels []int) *scorer {
	s := &scorer{classes: len(probabilities[0]), rows: make([]row, len(labels))}
	for i, p := range probabilities {
		g := guess(p)
		r := row{label: int32(labels[i]), guess: int32(g), bin: int32(binOf(p[g], bins)), loss: -math.Log(max(p[labels[i]], leastLog))}
		r.gap = float64(is(g == labels[i])) - p[g]
		for c, v := range p {
			d := v - float64(is(c == labels[i]))
			if s.classes > 2 || c == 1 {
				r.brier += float64(d * d)
			}
		}
		s.rows[i] = r
	}
	if s.classes == 2 {
		s.rankings = []ranking{newRanking(probabilities, 1)}
		return s
	}
	for c := range s.classes {
		s.rankings = append(s.rankings, newRanking(probabilities, c))
	}
	return s
}

// binOf returns which of n bins of equal width, open below and closed above,
// holds a confidence.
func binOf(confidence float64, n int) int {
	return min(max(int(math.Ceil(confidence*float64(n)))-1, 0), n-1)
}

func newRanking(probabilities [][]float64, class int) ranking {
	r := ranking{class: int32(class), rows: make([]int32, len(probabilities)), ends: make([]bool, len(probabilities))}
	for i := range r.rows {
		r.rows[i] = int32(i)
	}
	slices.SortStableFunc(r.rows, func(i, j int32) int { return cmp.Compare(probabilities[i][class], probabilities[j][class]) })
	for n, i := range r.rows {
		r.ends[n] = n+1 == len(r.rows) || probabilities[r.rows[n+1]][class] != probabilities[i][class]
	}
	return r
}

// tally is scratch of score.
type tally struct {
	hits, guesses, truths []float64 // weight, by class
}

func newTally(classes int) *tally {
	return &tally{hits: make([]float64, classes), guesses: make([]float64, classes), truths: make([]float64, classes)}
}

// score returns every metric under weights, one for each row. It allocates
// nothing.
func (s *scorer) score(weights []float64, t *tally) Scores {
	clear(t.hits)
	clear(t.guesses)
	clear(t.truths)
	var all, brier, loss float64
	var gaps [bins]float64
	for i := range s.rows {
		w := weights[i]
		if w == 0 {
			continue
		}
		r := &s.rows[i]
		all += w
		t.truths[r.label] += w
		t.guesses[r.guess] += w
		if r.label == r.guess {
			t.hits[r.label] += w
		}
		gaps[r.bin] += float64(w * r.gap)
		brier += float64(w * r.brier)
		loss += float64(w * r.loss)
	}
	out := t.decisions(all)
	var ece float64
	for _, g := range gaps {
		ece += math.Abs(g)
	}
	out[ECE], out[Brier], out[LogLoss] = ece/all, brier/all, loss/all // 0/0 is NaN
	var area mean
	for i := range s.rankings {
		area.add(s.auroc(&s.rankings[i], weights))
	}
	out[AUROC] = area.value()
	return out
}

// decisions returns the metrics that depend on the guesses alone.
func (t *tally) decisions(all float64) Scores {
	var hits float64
	var f1, sensitivity, specificity mean
	for c := range t.hits {
		hits += t.hits[c]
		if len(t.hits) == 2 && c == 0 {
			continue // only class 1 is positive
		}
		others := all - t.truths[c]
		sensitivity.add(t.hits[c] / t.truths[c])
		specificity.add(max(others-(t.guesses[c]-t.hits[c]), 0) / others)
		if t.truths[c] > 0 {
			f1.add(2 * t.hits[c] / (t.guesses[c] + t.truths[c]))
		}
	}
	out := Scores{F1: f1.value(), Sensitivity: sensitivity.value(), Specificity: specificity.value(), Accuracy: hits / all}
	out[BalancedAccuracy] = out[Sensitivity]
	if len(t.hits) == 2 {
		out[BalancedAccuracy] = (out[Sensitivity] + out[Specificity]) / 2
	}
	return out
}

// auroc counts pairs of a positive and a negative, and of those that tie half.
func (s *scorer) auroc(r *ranking, weights []float64) float64 {
	var won, positives, negatives float64 // of probabilities seen before
	var p, n float64                      // of this probability
	for k, i := range r.rows {
		if s.rows[i].label == r.class {
			p += weights[i]
		} else {
			n += weights[i]
		}
		if r.ends[k] {
			won += float64(p * (negatives + n/2))
			positives += p
			negatives += n
			p, n = 0, 0
		}
	}
	return min(won/(positives*negatives), 1) // 1 but for rounding
}

// mean is an average of what is defined.
type mean struct {
	sum float64
	n   int
}

func (m *mean) add(v float64) {
	if !math.IsNaN(v) {
		m.sum += v
		m.n++
	}
}

// value is NaN if nothing was defined.
func (m *mean) value() float64 { return m.sum / float64(m.n) }
