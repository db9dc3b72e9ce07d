package evaluation

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// Fold is one division of samples. Both lists are ascending.
type Fold struct{ Train, Test []int }

// StratifiedFolds divides samples into k folds: every sample is tested in one
// and trained on in all others, and no group (patient) is divided. Every test
// fold holds every class, with shares as even as groups allow: where each
// group has one class only, the test folds' counts of a class differ by at
// most the samples of its largest group. Where groups have several classes the
// search is a heuristic, which in rare cases of few groups finds no division
// though there is one. An empty group is a sample of its own.
//
// labels are 0 to classes-1, k is at least 2. Another seed deals other folds;
// samples in another order are dealt into the same ones, unless groups are
// empty. The error is a [*GroupsError], a [*ClassError], or wraps [ErrEmpty],
// [ErrOneClass] or [ErrArgument].
func StratifiedFolds(labels []int, groups []string, classes, k int, seed uint64) ([]Fold, error) {
	if len(groups) != len(labels) || k < 2 || classes < 1 {
		return nil, fmt.Errorf("evaluation: %d labels of %d classes and %d groups for %d folds: %w", len(labels), classes, len(groups), k, ErrArgument)
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("evaluation: %w", ErrEmpty)
	}
	for i, l := range labels {
		if l < 0 || l >= classes {
			return nil, fmt.Errorf("evaluation: sample %d has label %d of %d classes: %w", i, l, classes, ErrArgument)
		}
	}
	patients := gather(labels, groups, classes)
	if err := enough(patients, classes, k); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	var err error
	for range tries {
		d := newDeal(patients, classes, k)
		d.greedy(rng)
		d.improve()
		if err = d.missing(); err == nil {
			return d.folds(len(labels)), nil
		}
	}
	return nil, err
}

// tries is how often patients are dealt until every fold has every class. Only
// patients of several classes ever need a second try.
const tries = 20

// patient is a group.
type patient struct {
	samples []int
	counts  []int   // samples by class
	weight  float64 // sum of the shares that it has in each class
}

// gather returns the patients in ascending order of their name; those without
// one come first, in the order of their samples.
func gather(labels []int, groups []string, classes int) []patient {
	order, totals := make([]int, len(labels)), make([]float64, classes)
	for i, l := range labels {
		order[i] = i
		totals[l]++
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(groups[i], groups[j]) })
	var list []patient
	for n, i := range order {
		if n == 0 || groups[i] == "" || groups[i] != groups[order[n-1]] {
			list = append(list, patient{counts: make([]int, classes)})
		}
		p := &list[len(list)-1]
		p.samples = append(p.samples, i)
		p.counts[labels[i]]++
		p.weight += 1 / totals[labels[i]]
	}
	return list
}

// enough checks that k folds are possible at all.
func enough(patients []patient, classes, k int) error {
	having := make([]int, classes) // patients
	for _, p := range patients {
		for c, n := range p.counts {
			if n > 0 {
				having[c]++
			}
		}
	}
	some := 0
	for _, n := range having {
		if n > 0 {
			some++
		}
	}
	if some == 1 {
		return fmt.Errorf("evaluation: %w", ErrOneClass)
	}
	if len(patients) < k {
		return &GroupsError{Groups: len(patients), Folds: k}
	}
	for c, n := range having {
		if n < k {
			return &ClassError{Class: c, Groups: n, Folds: k}
		}
	}
	return nil
}

// greedy deals the patients, large ones first. Sizes are compared to a factor
// of two only: within it chance rules, or every seed would give the same folds
// where no two patients are alike.
func (d *deal) greedy(rng *rand.Rand) {
	order := rng.Perm(len(d.patients))
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Compare(math.Ilogb(d.patients[b].weight), math.Ilogb(d.patients[a].weight))
	})
	for _, p := range order {
		best, least := 0, d.place(p, 0)
		for f := 1; f < len(d.counts); f++ {
			cost := d.place(p, f)
			if cmp.Or(cmp.Compare(cost, least), cmp.Compare(d.sizes[f], d.sizes[best])) < 0 {
				best, least = f, cost
			}
		}
		d.put(p, best, 1)
	}
}
