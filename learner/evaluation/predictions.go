package evaluation

import (
	"fmt"
	"math"
)

// Predictions are what a model says of n samples.
type Predictions struct {
	Probabilities [][]float64 // n x classes; each row sums to 1
	Labels        []int       // n, 0 to classes-1
	Weights       []float64   // n, how often each counts, 0 or more; nil: once
}

// Scores returns every metric. The error wraps [ErrEmpty] or [ErrArgument] and
// names the sample.
func (p Predictions) Scores() (Scores, error) {
	if err := p.check(); err != nil {
		return Scores{}, err
	}
	s := newScorer(p.Probabilities, p.Labels)
	return s.score(p.weights(), newTally(s.classes)), nil
}

// Confusion returns the weight of samples of a class (row) that were taken for
// a class (column), classes x classes. Errors are those of Scores.
func (p Predictions) Confusion() ([][]float64, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	matrix := make([][]float64, len(p.Probabilities[0]))
	for c := range matrix {
		matrix[c] = make([]float64, len(matrix))
	}
	for i, w := range p.weights() {
		matrix[p.Labels[i]][guess(p.Probabilities[i])] += w
	}
	return matrix, nil
}

// ROC returns the receiver operating characteristic of a class against all
// others: the shares of false positives and of true positives, neither of
// which falls, from (0, 0) to (1, 1), as the threshold on the class's
// probability is lowered. Samples with equal probability make one segment, which
// is a diagonal if both sides have some; so the area under the straight lines
// between points is [AUROC]. It is empty where that is undefined. Errors are
// those of Scores.
func (p Predictions) ROC(class int) ([][2]float64, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if class < 0 || class >= len(p.Probabilities[0]) {
		return nil, fmt.Errorf("evaluation: class %d of %d: %w", class, len(p.Probabilities[0]), ErrArgument)
	}
	weights, r := p.weights(), newRanking(p.Probabilities, class)
	var positives, negatives float64
	for i, w := range weights {
		if p.Labels[i] == class {
			positives += w
		} else {
			negatives += w
		}
	}
	if positives == 0 || negatives == 0 {
		return nil, nil
	}
	points := [][2]float64{{0, 0}}
	var above [2]float64 // weight of negatives and positives above the threshold
	for n := len(r.rows) - 1; n >= 0; n-- {
		i := r.rows[n]
		above[is(p.Labels[i] == class)] += weights[i]
		if n == 0 || r.ends[n-1] {
			points = append(points, [2]float64{min(above[0]/negatives, 1), min(above[1]/positives, 1)})
		}
	}
	points[len(points)-1] = [2]float64{1, 1} // not a rounding less
	return points, nil
}

func (p Predictions) weights() []float64 {
	if p.Weights != nil {
		return p.Weights
	}
	ones := make([]float64, len(p.Labels))
	for i := range ones {
		ones[i] = 1
	}
	return ones
}

func (p Predictions) check() error {
	n := len(p.Labels)
	if n == 0 {
		return fmt.Errorf("evaluation: %w", ErrEmpty)
	}
	if len(p.Probabilities) != n || p.Weights != nil && len(p.Weights) != n {
		return fmt.Errorf("evaluation: %d labels, %d rows of probabilities and %d weights: %w", n, len(p.Probabilities), len(p.Weights), ErrArgument)
	}
	classes := len(p.Probabilities[0])
	for i, row := range p.Probabilities {
		if problem := unfit(row, p.Labels[i], classes); problem != "" {
			return fmt.Errorf("evaluation: sample %d: %s: %w", i, problem, ErrArgument)
		}
	}
	for i, w := range p.Weights {
		if !(w >= 0 && w <= math.MaxUint32) {
			return fmt.Errorf("evaluation: sample %d has weight %v, not 0 to 2^32: %w", i, w, ErrArgument)
		}
	}
	return nil
}

// unfit says what is wrong with a row of probabilities and its label; empty if
// nothing is.
func unfit(row []float64, label, classes int) string {
	if len(row) != classes || classes < 2 {
		return fmt.Sprintf("%d probabilities for %d classes (at least 2)", len(row), classes)
	}
	if label < 0 || label >= classes {
		return fmt.Sprintf("label %d of %d classes", label, classes)
	}
	var sum float64
	for _, v := range row {
		if !(v >= 0 && v <= 1) {
			return fmt.Sprintf("a probability is %v", v)
		}
		sum += v
	}
	const slack = 1e-3 // for probabilities that were rounded for a file
	if math.Abs(sum-1) > slack {
		return fmt.Sprintf("the probabilities sum to %v instead of 1", sum)
	}
	return ""
}

// guess returns the class of the largest probability, the first of equals.
func guess(row []float64) int {
	best := 0
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	return best
}
