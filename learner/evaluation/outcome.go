package evaluation

import (
	"fmt"
	"slices"
)

// Outcome is what a model that was trained without a patient says of one of
// the patient's samples.
type Outcome struct {
	Run, Fold     int
	Sample        int       // its number in the whole data set
	Group         string    // the patient; empty: the sample has one of its own
	Label         int       // 0 to classes-1
	Probabilities []float64 // by class; they sum to 1
}

// Pool returns what all models say, as if it were one. Ranks are compared
// across models then, so an area under its curve is not the mean over folds:
// it serves for drawing.
func Pool(outcomes []Outcome) Predictions {
	var p Predictions
	for _, o := range outcomes {
		p.Probabilities = append(p.Probabilities, o.Probabilities)
		p.Labels = append(p.Labels, o.Label)
	}
	return p
}

// Bin is a bin of a reliability diagram: what a model that was so sure was
// right in how many cases.
type Bin struct {
	Confidence float64 // mean largest probability
	Accuracy   float64 // share that was right
	Count      int     // samples, at least 1
}

// Reliability sorts outcomes of all folds together by their largest
// probability into bins of equal width, as [ECE] does, and returns those that
// are not empty, in ascending order. bins is 1 to 1000. The error is as that of
// [Predictions.Scores].
func Reliability(outcomes []Outcome, bins int) ([]Bin, error) {
	if bins < 1 || bins > 1000 {
		return nil, fmt.Errorf("evaluation: %d bins, not 1 to 1000: %w", bins, ErrArgument)
	}
	p := Pool(outcomes)
	if err := p.check(); err != nil {
		return nil, err
	}
	list := make([]Bin, bins)
	for i, row := range p.Probabilities {
		g := guess(row)
		b := &list[binOf(row[g], bins)]
		b.Confidence += row[g]
		b.Accuracy += float64(is(g == p.Labels[i]))
		b.Count++
	}
	for i := range list {
		list[i].Confidence /= float64(list[i].Count)
		list[i].Accuracy /= float64(list[i].Count)
	}
	return slices.DeleteFunc(list, func(b Bin) bool { return b.Count == 0 }), nil
}
