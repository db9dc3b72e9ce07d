package site

import (
	"fmt"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/evaluation"
)

// Judged is a model that was asked about the images held out, and about no
// others.
type Judged struct {
	Name, About   string
	Probabilities [][]float64 // of the set's classes, a row for each of the images
}

// Compare judges models on the same images, each once.
func Compare(set data.Set, test []int, models []Judged, seed uint64, bootstrap int) (arms []Arm, pairs []Pair, err error) {
	o := evaluation.Options{Bootstrap: bootstrap, Seed: seed}
	outcomes := make([][]evaluation.Outcome, len(models))
	for m, model := range models {
		if len(model.Probabilities) != len(test) {
			return nil, nil, fmt.Errorf("site: %s says something of %d images, of %d", model.Name, len(model.Probabilities), len(test))
		}
		for k, i := range test {
			s := set.Samples[i]
			outcomes[m] = append(outcomes[m], evaluation.Outcome{Sample: i, Group: s.Owner, Label: s.Label, Probabilities: model.Probabilities[k]})
		}
		arm := Arm{Name: model.Name, About: model.About}
		if err := arm.measure(outcomes[m], len(set.Classes), o); err != nil {
			return nil, nil, err
		}
		arms = append(arms, arm)
	}
	names := make([]string, len(models))
	for i, m := range models {
		names[i] = m.Name
	}
	pairs, err = comparePairs(names, outcomes, len(set.Classes), o)
	return arms, pairs, err
}
