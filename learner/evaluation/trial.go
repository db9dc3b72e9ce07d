package evaluation

import (
	"cmp"
	"fmt"
	"slices"
)

// trial is outcomes in order, fold by fold.
type trial struct {
	classes int
	groups  int // how many
	folds   []testFold
}

// testFold is what was tested in one fold of one run.
type testFold struct {
	outcomes []Outcome // ascending by sample
	groups   []int32   // the number of each outcome's group
	trained  int       // samples of the run's other folds
	scorer   *scorer
}

// owner is a group: its name or, without one, its only sample.
type owner struct {
	name   string
	sample int
}

func ownerOf(o Outcome) owner {
	if o.Group != "" {
		return owner{name: o.Group}
	}
	return owner{sample: o.Sample}
}

// newTrial sorts outcomes, so that their order changes nothing, and checks that
// they can be those of a cross-validation.
func newTrial(outcomes []Outcome, classes int) (*trial, error) {
	if len(outcomes) == 0 {
		return nil, fmt.Errorf("evaluation: %w", ErrEmpty)
	}
	sorted := slices.Clone(outcomes)
	slices.SortStableFunc(sorted, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(a.Run, b.Run), cmp.Compare(a.Fold, b.Fold), cmp.Compare(a.Sample, b.Sample))
	})
	if err := checkOutcomes(sorted, classes); err != nil {
		return nil, err
	}
	owners := make([]owner, len(sorted))
	for i, o := range sorted {
		owners[i] = ownerOf(o)
	}
	slices.SortFunc(owners, func(a, b owner) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.sample, b.sample)) })
	numbers := map[owner]int32{}
	for _, o := range owners {
		if _, ok := numbers[o]; !ok {
			numbers[o] = int32(len(numbers))
		}
	}
	t := &trial{classes: classes, groups: len(numbers)}
	inRun := map[int]int{}
	for len(sorted) > 0 {
		first, n := sorted[0], 1
		for n < len(sorted) && sorted[n].Run == first.Run && sorted[n].Fold == first.Fold {
			n++
		}
		t.folds = append(t.folds, newTestFold(sorted[:n], numbers))
		inRun[first.Run] += n
		sorted = sorted[n:]
	}
	for i := range t.folds {
		f := &t.folds[i]
		f.trained = inRun[f.outcomes[0].Run] - len(f.outcomes)
	}
	return t, nil
}

func newTestFold(outcomes []Outcome, numbers map[owner]int32) testFold {
	p := Pool(outcomes)
	f := testFold{outcomes: outcomes, scorer: newScorer(p.Probabilities, p.Labels)}
	for _, o := range outcomes {
		f.groups = append(f.groups, numbers[ownerOf(o)])
	}
	return f
}

// checkOutcomes checks each outcome, that a run tests each sample once and each
// patient in one fold, and that a sample is the same in all runs.
func checkOutcomes(sorted []Outcome, classes int) error {
	type inRun[T comparable] struct {
		run int
		of  T
	}
	samples, folds, known := map[inRun[int]]bool{}, map[inRun[owner]]int{}, map[int]Outcome{}
	for _, o := range sorted {
		bad := func(format string, args ...any) error {
			return &OutcomeError{Run: o.Run, Fold: o.Fold, Sample: o.Sample, Problem: fmt.Sprintf(format, args...)}
		}
		if problem := unfit(o.Probabilities, o.Label, classes); problem != "" {
			return bad("%s", problem)
		}
		if key := (inRun[int]{o.Run, o.Sample}); samples[key] {
			return bad("the run tests it twice")
		} else {
			samples[key] = true
		}
		key := inRun[owner]{o.Run, ownerOf(o)}
		if fold, ok := folds[key]; ok && fold != o.Fold {
			return bad("its patient is tested in fold %d of the run as well: divide by patient, see StratifiedFolds", fold)
		}
		folds[key] = o.Fold
		if first, ok := known[o.Sample]; ok && (first.Label != o.Label || first.Group != o.Group) {
			return bad("it has another label or patient in run %d", first.Run)
		}
		known[o.Sample] = o
	}
	return nil
}
