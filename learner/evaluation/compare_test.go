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

// another returns outcomes of another model on the same folds.
func another(t *rapid.T, outcomes []Outcome, classes int) []Outcome {
	list := slices.Clone(outcomes)
	for i, p := range someProbabilities(t, len(list), classes) {
		list[i].Probabilities = p
	}
	return rapid.Permutation(list).Draw(t, "order")
}

// Everything is as if pictures were copied, metrics computed anew, and folds
// compared one by one.
func TestCompareAgainstCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(2, 3).Draw(t, "classes")
		a := someOutcomes(t, classes)
		b := another(t, a, classes)
		o := Options{Bootstrap: 12, Confidence: .8, Seed: rapid.Uint64().Draw(t, "seed")}
		got, err := Compare(a, b, classes, o)
		if err != nil {
			t.Fatal(err)
		}
		less := func(copies func(int) int) []Scores {
			x, y := slowFolds(a, copies), slowFolds(b, copies)
			for i := range x {
				for m := range x[i] {
					x[i][m] -= y[i][m]
				}
			}
			return x
		}
		var draws [][]Scores
		for i := range o.Bootstrap {
			draws = append(draws, less(drawn(o.Seed, i, patientsOf(a))))
		}
		folds := less(once)
		for m, d := range got {
			var values []float64
			for i := range folds {
				if !near(d.Folds[i], folds[i][m]) {
					t.Errorf("%v of fold %d differs by %v, want %v", Metric(m), i, d.Folds[i], folds[i][m])
				}
			}
			for _, s := range draws {
				values = append(values, slowMean(s, m))
			}
			low, high, n := slowInterval(values, m, slowMean(folds, m), o.Confidence)
			if !near(d.Mean, slowMean(folds, m)) || !near(d.Low, low) || !near(d.High, high) || d.Draws != n {
				t.Errorf("%v differs by %+v, want %v in %v to %v of %d draws", Metric(m), d, slowMean(folds, m), low, high, n)
			}
		}
	})
}

// A model compared with itself does not differ; turned around, the difference
// changes sign and P stays.
func TestCompareIsAntisymmetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := someOutcomes(t, 2)
		b := another(t, a, 2)
		o := Options{Bootstrap: 20}
		ab, err := Compare(a, b, 2, o)
		if err != nil {
			t.Fatal(err)
		}
		ba, err := Compare(b, a, 2, o)
		if err != nil {
			t.Fatal(err)
		}
		aa, err := Compare(a, a, 2, o)
		if err != nil {
			t.Fatal(err)
		}
		for m := range ab {
			x, y, z := ab[m], ba[m], aa[m]
			if !near(x.Mean, -y.Mean) || !near(x.Low, -y.High) || !same(x.P, y.P) || !same(x.T, -y.T) || x.Draws != y.Draws {
				t.Errorf("%v: %+v, turned %+v", Metric(m), x, y)
			}
			if x.P < 0 || x.P > 1 {
				t.Errorf("%v: P is %v", Metric(m), x.P)
			}
			if !math.IsNaN(z.Mean) && (z.Mean != 0 || z.P != 1 && !math.IsNaN(z.P)) || z.Low < 0 || z.High > 0 {
				t.Errorf("%v: of itself %+v", Metric(m), z)
			}
		}
	})
}

// Two runs of four folds with 3, 3, 3 and 1 samples: tested over trained is 3/7
// thrice and 1/9.
func TestRatioOfTestedToTrained(t *testing.T) {
	var outcomes []Outcome
	for run := range 2 {
		for i := range 10 {
			outcomes = append(outcomes, Outcome{Run: run, Fold: (i + run) / 3 % 4, Sample: i, Label: i % 2, Probabilities: []float64{.5, .5}})
		}
	}
	outcomes = outcomes[:10]
	trial, err := newTrial(outcomes, 2)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := trial.ratio(), (3./7*3+1./9)/4; !near(got, want) {
		t.Errorf("ratio %v, want %v", got, want)
	}
	if trial, _ = newTrial(outcomes[:3], 2); !math.IsInf(trial.ratio(), 1) {
		t.Errorf("one fold: %v", trial.ratio())
	}
}

func TestUnpaired(t *testing.T) {
	a := study(rand.New(rand.NewPCG(9, 9)), 12, 1, 2, 3, 1, .5)
	first := slices.IndexFunc(a, func(o Outcome) bool { return o.Run == 1 && o.Fold == 1 })
	for name, do := range map[string]func(b []Outcome) []Outcome{
		"a sample less":  func(b []Outcome) []Outcome { return slices.Delete(b, first, first+1) },
		"another sample": func(b []Outcome) []Outcome { b[first].Sample = 99; return b },
		"a new fold":     func(b []Outcome) []Outcome { return append(b, Outcome{1, 7, 99, "", 0, []float64{1, 0}}) },
		"a fold less": func(b []Outcome) []Outcome {
			return slices.DeleteFunc(b, func(o Outcome) bool { return o.Run == 1 && o.Fold == 2 })
		},
		"another label":     func(b []Outcome) []Outcome { return relabel(b, b[first].Sample) },
		"a patient unknown": func(b []Outcome) []Outcome { return rename(b, b[first].Sample) },
	} {
		b := do(slices.Clone(a))
		for _, pair := range [][2][]Outcome{{a, b}, {b, a}} {
			_, err := Compare(pair[0], pair[1], 2, Options{})
			e, ok := errors.AsType[*UnpairedError](err)
			if !ok {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if want := fmt.Sprintf("run %d, fold %d: the two do not test the same samples", e.Run, e.Fold); !strings.HasPrefix(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
			differs := func(o Outcome) bool { return o.Run == e.Run && o.Fold == e.Fold }
			if x, y := count(a, differs), count(b, differs); x+y == 0 {
				t.Errorf("%s: %v: there is no such fold", name, err)
			}
		}
	}
}

func count(list []Outcome, which func(Outcome) bool) (n int) {
	for _, o := range list {
		n += is(which(o))
	}
	return n
}

func relabel(list []Outcome, sample int) []Outcome {
	for i := range list {
		if list[i].Sample == sample {
			list[i].Label = 1 - list[i].Label
		}
	}
	return list
}

func rename(list []Outcome, sample int) []Outcome {
	for i := range list {
		if list[i].Sample == sample {
			list[i].Group = ""
		}
	}
	return list
}
