package evaluation

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFoldsThatCannotBe(t *testing.T) {
	repeat := func(s string, n int) (list []string) {
		for i := range n {
			list = append(list, fmt.Sprintf(s, i))
		}
		return list
	}
	for _, tc := range []struct {
		name       string
		labels     []int
		groups     []string
		classes, k int
		want       string
	}{
		{"none", nil, nil, 2, 2, "evaluation: there are no samples"},
		{"one class", []int{1, 1, 1}, repeat("p%d", 3), 2, 2, "evaluation: there is only one class: nothing can be told apart"},
		{"one class of one", []int{0, 0}, repeat("p%d", 2), 1, 2, "evaluation: there is only one class: nothing can be told apart"},
		{"few patients", []int{0, 1, 0, 1}, []string{"a", "a", "b", "b"}, 2, 3, "2 patients cannot be dealt into 3 folds: ask for fewer folds or bring more patients"},
		{"few of a class", []int{0, 1, 0, 1, 0, 1}, []string{"a", "b", "c", "b", "d", "e"}, 2, 3,
			"class 1 has 2 patients, fewer than the 3 folds that must each test it: ask for fewer folds, bring more patients, or leave the class out"},
		{"none of a class", []int{0, 2, 0, 2}, repeat("p%d", 4), 3, 2,
			"class 1 has 0 patients, fewer than the 2 folds that must each test it: ask for fewer folds, bring more patients, or leave the class out"},
		// Of three patients with two classes each, one is alone in its fold.
		{"tangled", []int{0, 1, 1, 2, 2, 0}, []string{"a", "a", "b", "b", "c", "c"}, 3, 2,
			"class 0 has 2 patients, but as some have other classes too, no way was found to let each of 2 folds test every class: ask for fewer folds"},
		{"label", []int{0, 2}, repeat("p%d", 2), 2, 2, "evaluation: sample 1 has label 2 of 2 classes: out of range"},
		{"negative label", []int{-1, 1}, repeat("p%d", 2), 2, 2, "evaluation: sample 0 has label -1 of 2 classes: out of range"},
		{"lengths", []int{0, 1}, repeat("p%d", 3), 2, 2, "evaluation: 2 labels of 2 classes and 3 groups for 2 folds: out of range"},
		{"one fold", []int{0, 1}, repeat("p%d", 2), 2, 1, "evaluation: 2 labels of 2 classes and 2 groups for 1 folds: out of range"},
	} {
		folds, err := StratifiedFolds(tc.labels, tc.groups, tc.classes, tc.k, 1)
		if err == nil || folds != nil {
			t.Errorf("%s: no error but %v", tc.name, folds)
			continue
		}
		got := err.Error()
		if e, ok := errors.AsType[*ClassError](err); ok && tc.name == "tangled" {
			e.Class = 0 // whichever
			got = e.Error()
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestErrorsOfFoldsAreTyped(t *testing.T) {
	_, err := StratifiedFolds(nil, nil, 2, 2, 0)
	if !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
	_, err = StratifiedFolds([]int{0, 0}, []string{"", ""}, 2, 2, 0)
	if !errors.Is(err, ErrOneClass) {
		t.Error(err)
	}
	_, err = StratifiedFolds([]int{0, 1}, []string{"a", "a"}, 2, 2, 0)
	if e, ok := errors.AsType[*GroupsError](err); !ok || *e != (GroupsError{1, 2}) {
		t.Error(err)
	}
	_, err = StratifiedFolds([]int{0, 1, 0}, []string{"", "", ""}, 2, 2, 0)
	if e, ok := errors.AsType[*ClassError](err); !ok || *e != (ClassError{1, 1, 2}) {
		t.Error(err)
	}
}

// checkFolds checks that folds divide samples, and patients are whole.
func checkFolds(t *rapid.T, folds []Fold, labels []int, groups []string, classes, k int) {
	if len(folds) != k {
		t.Fatalf("%d folds, want %d", len(folds), k)
	}
	tested := make([]int, len(labels))
	for n, f := range folds {
		if !slices.IsSorted(f.Train) || !slices.IsSorted(f.Test) {
			t.Errorf("fold %d is not sorted: %v", n, f)
		}
		both := slices.Concat(f.Train, f.Test)
		slices.Sort(both)
		for i, v := range both {
			if i != v {
				t.Fatalf("fold %d has %v", n, both)
			}
		}
		if len(both) != len(labels) {
			t.Fatalf("fold %d has %d samples of %d", n, len(both), len(labels))
		}
		trained, seen := map[string]bool{}, make([]bool, classes)
		for _, i := range f.Train {
			trained[groups[i]] = true
		}
		for _, i := range f.Test {
			tested[i]++
			seen[labels[i]] = true
			if groups[i] != "" && trained[groups[i]] {
				t.Errorf("fold %d divides %q", n, groups[i])
			}
		}
		if slices.Contains(seen, false) {
			t.Errorf("fold %d tests only some classes: %v", n, seen)
		}
	}
	for i, n := range tested {
		if n != 1 {
			t.Errorf("sample %d is tested %d times", i, n)
		}
	}
}

// counts returns samples by fold and class.
func counts(folds []Fold, labels []int, classes int) [][]int {
	var list [][]int
	for _, f := range folds {
		row := make([]int, classes)
		for _, i := range f.Test {
			row[labels[i]]++
		}
		list = append(list, row)
	}
	return list
}

// Patients of one class each: every feasible deal is found, a class's counts
// differ by its largest patient at most, and the order of the samples changes
// nothing.
func TestFoldsOfPurePatients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes, k := rapid.IntRange(2, 4).Draw(t, "classes"), rapid.IntRange(2, 6).Draw(t, "k")
		seed := rapid.Uint64().Draw(t, "seed")
		var labels []int
		var groups []string
		largest := make([]int, classes)
		for c := range classes {
			for g := range rapid.IntRange(k, 4*k).Draw(t, "patients") {
				n := rapid.IntRange(1, rapid.SampledFrom([]int{1, 3, 20}).Draw(t, "most")).Draw(t, "size")
				largest[c] = max(largest[c], n)
				for range n {
					labels, groups = append(labels, c), append(groups, fmt.Sprint(c, g))
				}
			}
		}
		folds, err := StratifiedFolds(labels, groups, classes, k, seed)
		if err != nil {
			t.Fatal(err)
		}
		checkFolds(t, folds, labels, groups, classes, k)
		table := counts(folds, labels, classes)
		for c := range classes {
			low, high := math.MaxInt, 0
			for _, row := range table {
				low, high = min(low, row[c]), max(high, row[c])
			}
			if high-low > largest[c] {
				t.Errorf("class %d: %d to %d, the largest patient has %d", c, low, high, largest[c])
			}
		}

		order := rapid.Permutation(upTo(len(labels))).Draw(t, "order")
		moved, owners := make([]int, len(labels)), make([]string, len(labels))
		for i, j := range order {
			moved[i], owners[i] = labels[j], groups[j]
		}
		again, err := StratifiedFolds(moved, owners, classes, k, seed)
		if err != nil {
			t.Fatal(err)
		}
		for f := range again {
			for n, i := range again[f].Test {
				again[f].Test[n] = order[i]
			}
			slices.Sort(again[f].Test)
			if !slices.Equal(again[f].Test, folds[f].Test) {
				t.Fatalf("fold %d: %v, with the samples in another order %v", f, folds[f].Test, again[f].Test)
			}
		}
	})
}

func upTo(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// mixed draws samples of patients that have several classes; some have none.
func mixed(draw func(low, high int) int) (labels []int, groups []string, classes, k int) {
	classes, k = draw(2, 3), draw(2, 3)
	for range draw(4, 24) {
		labels = append(labels, draw(0, classes-1))
		groups = append(groups, []string{"", "a", "b", "c", "d", "e", "f"}[draw(0, 6)])
	}
	return labels, groups, classes, k
}

func TestFoldsOfMixedPatients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		labels, groups, classes, k := mixed(func(low, high int) int { return rapid.IntRange(low, high).Draw(t, "draw") })
		seed := rapid.Uint64().Draw(t, "seed")
		folds, err := StratifiedFolds(labels, groups, classes, k, seed)
		if err != nil {
			return // see the other tests
		}
		checkFolds(t, folds, labels, groups, classes, k)
		again, _ := StratifiedFolds(labels, groups, classes, k, seed)
		if !slices.EqualFunc(folds, again, func(a, b Fold) bool { return slices.Equal(a.Test, b.Test) && slices.Equal(a.Train, b.Train) }) {
			t.Errorf("%v, and again %v", folds, again)
		}
	})
}

// What cannot be dealt, few cleverer dealers could have dealt.
func TestFoldsAreFound(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	possible, missed := 0, 0
	for range 1500 {
		labels, groups, classes, k := mixed(func(low, high int) int { return low + rng.IntN(high-low+1) })
		_, err := StratifiedFolds(labels, groups, classes, k, rng.Uint64())
		if errors.Is(err, ErrOneClass) {
			continue
		}
		if dealable(gather(labels, groups, classes), nil, k, classes) {
			possible++
			missed += is(err != nil)
		} else if err == nil {
			t.Fatalf("dealt what cannot be dealt: %v of %q", labels, groups)
		}
	}
	if possible < 700 || missed*1000 > possible {
		t.Errorf("%d of %d possible deals were not found", missed, possible)
	}
	t.Logf("%d of %d possible deals were not found", missed, possible)
}

// Few patients, most with all three classes: large ones first does not do, moving
// one seldom helps, and some need more than one beginning. A dot is nobody.
func TestTangledFoldsAreFound(t *testing.T) {
	for _, tc := range []struct {
		labels, groups string
		k              int
	}{
		{"12021021210120", "fdafacff.defec", 3},
		{"20010120100202122", "bfa.ebbeefebefacb", 3},
		{"12120211002", "badffabeecb", 3},
		{"20020012102201", "ddfcdbccbfafdd", 3},
		{"00001122212", "ede.eccbdfb", 3},
		{"010010222100210", "fceedcebdaeedac", 3},
		{"22121100102021", "f.ffbeeafbeaff", 3},
		{"0012211", "cdeebcc", 2},
	} {
		labels, groups := make([]int, len(tc.labels)), strings.Split(tc.groups, "")
		for i := range labels {
			labels[i] = int(tc.labels[i] - '0')
			groups[i] = strings.Trim(groups[i], ".")
		}
		for seed := range uint64(20) {
			if _, err := StratifiedFolds(labels, groups, 3, tc.k, seed); err != nil {
				t.Errorf("%s of %s, seed %d: %v", tc.labels, tc.groups, seed, err)
			}
		}
	}
}

// dealable tries all ways to deal.
func dealable(left []patient, folds [][]int, k, classes int) bool {
	if len(left) == 0 {
		return len(folds) == k && !slices.ContainsFunc(folds, func(row []int) bool { return slices.Contains(row, 0) })
	}
	for f := range min(len(folds)+1, k) { // an empty fold is as good as another
		next := slices.Clone(folds)
		if f == len(folds) {
			next = append(next, make([]int, classes))
		}
		next[f] = slices.Clone(next[f])
		for c, n := range left[0].counts {
			next[f][c] += n
		}
		if dealable(left[1:], next, k, classes) {
			return true
		}
	}
	return false
}

// 300 patients with one to five pictures, of whom some change class.
func TestFoldsAreEven(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var labels []int
	var groups []string
	for p := range 300 {
		sick := is(p%10 == 0)
		for i := range 1 + rng.IntN(5) {
			if i > 0 && rng.IntN(8) == 0 {
				sick = 1
			}
			labels, groups = append(labels, sick), append(groups, fmt.Sprint(p))
		}
	}
	for seed := range uint64(20) {
		folds, err := StratifiedFolds(labels, groups, 2, 5, seed)
		if err != nil {
			t.Fatal(err)
		}
		for c := range 2 {
			low, high := math.MaxInt, 0
			for _, row := range counts(folds, labels, 2) {
				low, high = min(low, row[c]), max(high, row[c])
			}
			if high-low > 2 {
				t.Errorf("seed %d: class %d has %d to %d samples in a fold", seed, c, low, high)
			}
		}
	}
}

// Seven patients of each of four classes leave two of each over: they go to
// different folds.
func TestFoldsAreAlikeInSize(t *testing.T) {
	labels := make([]int, 28)
	for i := range labels {
		labels[i] = i % 4
	}
	for seed := range uint64(20) {
		folds, err := StratifiedFolds(labels, make([]string, 28), 4, 5, seed)
		if err != nil {
			t.Fatal(err)
		}
		low, high := 28, 0
		for _, f := range folds {
			low, high = min(low, len(f.Test)), max(high, len(f.Test))
		}
		if high-low > 2 {
			t.Errorf("seed %d: %d to %d samples in a fold", seed, low, high)
		}
	}
}

// Seeds differ even where every patient has another number of pictures.
func TestSeedsGiveOtherFolds(t *testing.T) {
	var labels []int
	var groups []string
	for p := range 30 {
		for range p + 1 {
			labels, groups = append(labels, p%2), append(groups, fmt.Sprint(p))
		}
	}
	// Two samples are together or they are not, whatever the folds' numbers.
	together := map[string]bool{}
	for seed := range uint64(10) {
		folds, err := StratifiedFolds(labels, groups, 2, 3, seed)
		if err != nil {
			t.Fatal(err)
		}
		var tests []string
		for _, f := range folds {
			tests = append(tests, fmt.Sprint(f.Test))
		}
		slices.Sort(tests)
		together[fmt.Sprint(tests)] = true
	}
	if len(together) < 10 {
		t.Errorf("10 seeds give %d divisions", len(together))
	}
}

func BenchmarkStratifiedFolds(b *testing.B) {
	labels, groups := make([]int, 100_000), make([]string, 100_000)
	for i := range labels {
		labels[i], groups[i] = i%7, fmt.Sprint(i/2%40_000)
	}
	for b.Loop() {
		if _, err := StratifiedFolds(labels, groups, 7, 10, 1); err != nil {
			b.Fatal(err)
		}
	}
}
