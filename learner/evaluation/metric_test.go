package evaluation

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestScoresAgainstDefinitions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := somePredictions(t)
		got, err := p.Scores()
		if err != nil {
			t.Fatal(err)
		}
		for m, want := range slowScores(p) {
			if !near(got[m], want) {
				t.Errorf("%v is %v, by definition %v", Metric(m), got[m], want)
			}
		}
	})
}

// twoClasses and threeClasses are the inputs of the values below.
func twoClasses() (p Predictions) {
	for i := range 60 {
		q := (float64(i*7%10)+.5)/10*.6 + float64(i*i*i%5)*.08
		label := is((i*i+3*i)%7 < 3)
		if i*13%5 == 0 {
			label = is(q > .5)
		}
		p.Probabilities = append(p.Probabilities, []float64{1 - q, q})
		p.Labels = append(p.Labels, label)
	}
	return p
}

func threeClasses() (p Predictions) {
	for i := range 60 {
		a, b, c := float64(i*5%11+1), float64(i*7%13+1), float64(i*3%7+1)
		sum := a + b + c
		row := []float64{a / sum, b / sum, c / sum}
		label := (i*i + i/3) % 3
		if i%3 == 0 {
			label = slices.Index(row, slices.Max(row))
		}
		p.Probabilities = append(p.Probabilities, row)
		p.Labels = append(p.Labels, label)
	}
	return p
}

// The values are those of scikit-learn 1.9.1: roc_auc_score (ovr, macro),
// balanced_accuracy_score, f1_score, recall_score (of class 1, and of class 0
// for the specificity), accuracy_score, brier_score_loss and log_loss.
func TestScoresAgainstScikitLearn(t *testing.T) {
	order := []Metric{AUROC, BalancedAccuracy, F1, Sensitivity, Specificity, Accuracy, Brier, LogLoss}
	for _, tc := range []struct {
		name      string
		p         Predictions
		weighted  bool // sample i counts i mod 4 times
		want      []float64
		confusion [][]float64
	}{
		{"two", twoClasses(), false,
			[]float64{0.6024844720496894, 0.6211180124223602, 0.44, 0.7857142857142857, 0.45652173913043476, 0.5333333333333333, 0.25546, 0.7089914527074594},
			[][]float64{{21, 25}, {3, 11}}},
		{"two weighted", twoClasses(), true,
			[]float64{0.6371428571428571, 0.6607142857142857, 0.4594594594594595, 0.85, 0.4714285714285714, 0.5555555555555556, 0.2464822222222222, 0.6923611738958562},
			[][]float64{{33, 37}, {3, 17}}},
		{"three", threeClasses(), false,
			[]float64{0.616178301569606, 0.5257142857142857, 0.5066256065696155, 0.5257142857142857, 0.7726495726495726, 0.5833333333333334, 0.6223114658397283, 1.0571008444144596},
			[][]float64{{15, 6, 0}, {7, 18, 0}, {4, 8, 2}}},
		{"three weighted", threeClasses(), true,
			[]float64{0.6435290536952297, 0.5547470827606652, 0.5552457118804588, 0.5547470827606652, 0.7798783137766189, 0.6, 0.5916605344738706, 1.0004774025225938},
			[][]float64{{23, 8, 0}, {12, 26, 0}, {2, 14, 5}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if tc.weighted {
				for i := range tc.p.Labels {
					tc.p.Weights = append(tc.p.Weights, float64(i%4))
				}
			}
			got, err := tc.p.Scores()
			if err != nil {
				t.Fatal(err)
			}
			for n, m := range order {
				if !near(got[m], tc.want[n]) {
					t.Errorf("%v is %v, want %v", m, got[m], tc.want[n])
				}
			}
			confusion, err := tc.p.Confusion()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.EqualFunc(confusion, tc.confusion, slices.Equal) {
				t.Errorf("confusion %v, want %v", confusion, tc.confusion)
			}
		})
	}
}

// The 109 CT images of Hanley and McNeil (1982), table I, rated from 1
// (definitely normal) to 5 (definitely abnormal): an area of 0.893.
func TestAUROCOfHanleyAndMcNeil(t *testing.T) {
	var p Predictions
	for rating, images := range [][2]float64{{33, 3}, {6, 2}, {6, 2}, {11, 11}, {2, 33}} {
		for label, n := range images {
			q := float64(rating) / 4
			p.Probabilities = append(p.Probabilities, []float64{1 - q, q})
			p.Labels = append(p.Labels, label)
			p.Weights = append(p.Weights, n)
		}
	}
	s, err := p.Scores()
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(s[AUROC]-.893) > .0005 || !near(s[AUROC], 2642./2958) {
		t.Errorf("AUROC %v", s[AUROC])
	}
}

// Ten answers of 0.95 of which eight are right, and ten of 0.55 of which seven
// are: both bins are off by 0.15, in opposite directions.
func TestECEByHand(t *testing.T) {
	var p Predictions
	for i := range 20 {
		q, right := .95, i < 8
		if i >= 10 {
			q, right = .55, i < 17
		}
		p.Probabilities = append(p.Probabilities, []float64{1 - q, q})
		p.Labels = append(p.Labels, is(right))
	}
	s, err := p.Scores()
	if err != nil {
		t.Fatal(err)
	}
	if !near(s[ECE], .15) {
		t.Errorf("ECE %v, want .15", s[ECE])
	}
}

func TestUndefinedIsNaN(t *testing.T) {
	sure := [][]float64{{0, 1}, {.2, .8}, {.9, .1}}
	for _, tc := range []struct {
		name string
		p    Predictions
		want []Metric
	}{
		{"nobody is ill", Predictions{Probabilities: sure, Labels: []int{0, 0, 0}}, []Metric{AUROC, BalancedAccuracy, F1, Sensitivity}},
		{"all are ill", Predictions{Probabilities: sure, Labels: []int{1, 1, 1}}, []Metric{AUROC, BalancedAccuracy, Specificity}},
		{"the ill do not count", Predictions{Probabilities: sure, Labels: []int{1, 0, 0}, Weights: []float64{0, 1, .3}}, []Metric{AUROC, BalancedAccuracy, F1, Sensitivity}},
		{"nobody counts", Predictions{Probabilities: sure, Labels: []int{1, 0, 0}, Weights: make([]float64, 3)}, Metrics()},
		{"both", Predictions{Probabilities: sure, Labels: []int{1, 0, 0}}, nil},
		{"an absent third class", Predictions{Probabilities: [][]float64{{0, 1, 0}, {1, 0, 0}}, Labels: []int{1, 0}}, nil},
	} {
		s, err := tc.p.Scores()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range Metrics() {
			if math.IsNaN(s[m]) != slices.Contains(tc.want, m) {
				t.Errorf("%s: %v is %v", tc.name, m, s[m])
			}
		}
	}
}

// Certainty of what is false costs much, but not infinitely much.
func TestLogLossIsBounded(t *testing.T) {
	s, err := Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{1}}.Scores()
	if err != nil {
		t.Fatal(err)
	}
	if want := 52 * math.Ln2; !near(s[LogLoss], want) {
		t.Errorf("log loss %v, want %v", s[LogLoss], want)
	}
}

// Metrics of ranks and of guesses do not change if probabilities move without
// passing one another or one half.
func TestMonotoneMapsChangeNoRanks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := somePredictions(t)
		if len(p.Probabilities[0]) != 2 {
			t.Skip("two classes")
		}
		q := p
		q.Probabilities = nil
		for _, row := range p.Probabilities {
			x := row[1]
			x = x * x * (3 - 2*x) // steeper at one half, where it stays
			q.Probabilities = append(q.Probabilities, []float64{1 - x, x})
		}
		a, _ := p.Scores()
		b, err := q.Scores()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []Metric{AUROC, BalancedAccuracy, F1, Sensitivity, Specificity, Accuracy} {
			if !same(a[m], b[m]) {
				t.Errorf("%v was %v and is %v", m, a[m], b[m])
			}
		}
	})
}

// Who calls the other class positive gets the complement.
func TestFlippedLabels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := somePredictions(t)
		if len(p.Probabilities[0]) != 2 {
			t.Skip("two classes")
		}
		flipped, turned := p, p
		flipped.Labels, turned.Labels, turned.Probabilities = nil, nil, nil
		half := false
		for i, l := range p.Labels {
			row := p.Probabilities[i]
			half = half || row[0] == row[1]
			flipped.Labels = append(flipped.Labels, 1-l)
			turned.Labels = append(turned.Labels, 1-l)
			turned.Probabilities = append(turned.Probabilities, []float64{row[1], row[0]})
		}
		a, _ := p.Scores()
		b, _ := flipped.Scores()
		c, _ := turned.Scores()
		if !near(a[AUROC], 1-b[AUROC]) || !near(a[Accuracy], 1-b[Accuracy]) {
			t.Errorf("AUROC %v and %v, accuracy %v and %v", a[AUROC], b[AUROC], a[Accuracy], b[Accuracy])
		}
		for _, m := range []Metric{AUROC, Brier, LogLoss} {
			if !near(a[m], c[m]) {
				t.Errorf("%v is %v and of the other class %v", m, a[m], c[m])
			}
		}
		if !half && (!near(a[Sensitivity], c[Specificity]) || !near(a[BalancedAccuracy], c[BalancedAccuracy]) || !near(a[ECE], c[ECE])) {
			t.Errorf("%v, of the other class %v", a, c)
		}
	})
}

// A weight is a number of copies.
func TestWeightsAreCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := somePredictions(t)
		var q Predictions
		for i, w := range p.weights() {
			for range int(w) {
				q.Probabilities, q.Labels = append(q.Probabilities, p.Probabilities[i]), append(q.Labels, p.Labels[i])
			}
		}
		if len(q.Labels) == 0 {
			t.Skip("none is left")
		}
		a, _ := p.Scores()
		b, err := q.Scores()
		if err != nil {
			t.Fatal(err)
		}
		for m := range a {
			if !near(a[m], b[m]) {
				t.Errorf("%v is %v, of copies %v", Metric(m), a[m], b[m])
			}
		}
	})
}

// The curve rises from corner to corner, the area under it is AUROC, and its
// corners do not depend on how ties are ordered.
func TestROC(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := somePredictions(t)
		class := rapid.IntRange(0, len(p.Probabilities[0])-1).Draw(t, "class")
		points, err := p.ROC(class)
		if err != nil {
			t.Fatal(err)
		}
		// One class against the rest is a matter of two classes.
		two := Predictions{Weights: p.Weights}
		for i, row := range p.Probabilities {
			two.Probabilities = append(two.Probabilities, []float64{1 - row[class], row[class]})
			two.Labels = append(two.Labels, is(p.Labels[i] == class))
		}
		want := slowScores(two)[AUROC]
		if len(points) == 0 {
			if !math.IsNaN(want) {
				t.Fatalf("no curve, but an area of %v", want)
			}
			return
		}
		if points[0] != [2]float64{0, 0} || points[len(points)-1] != [2]float64{1, 1} {
			t.Errorf("ends %v and %v", points[0], points[len(points)-1])
		}
		var area float64
		for i := 1; i < len(points); i++ {
			a, b := points[i-1], points[i]
			if b[0] < a[0] || b[1] < a[1] {
				t.Errorf("falls from %v to %v", a, b)
			}
			area += (b[0] - a[0]) * (a[1] + b[1]) / 2
		}
		if !near(area, want) {
			t.Errorf("area %v, AUROC %v", area, want)
		}
	})
}

// The points are those of scikit-learn 1.9.1, roc_curve without dropping any.
func TestROCAgainstScikitLearn(t *testing.T) {
	p := twoClasses()
	for i := range p.Labels {
		p.Weights = append(p.Weights, float64(i%4))
	}
	want := [][2]float64{{0, 0}, {0.05714285714285714, .1}, {0.18571428571428572, .25}, {0.24285714285714285, .35}, {0.35714285714285715, .55},
		{0.4714285714285714, .75}, {0.5285714285714286, .85}, {.7, .85}, {0.8571428571428571, .9}, {0.9142857142857143, 1}, {1, 1}}
	got, err := p.ROC(1)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, want, func(a, b [2]float64) bool { return near(a[0], b[0]) && near(a[1], b[1]) }) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

func TestPredictionsAreChecked(t *testing.T) {
	nan := math.NaN()
	for _, tc := range []struct {
		name string
		p    Predictions
		want string
	}{
		{"too few rows", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{0, 1}}, "2 labels, 1 rows"},
		{"too few weights", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{0}, Weights: []float64{}}, "0 weights"},
		{"one class", Predictions{Probabilities: [][]float64{{1}}, Labels: []int{0}}, "sample 0: 1 probabilities"},
		{"ragged", Predictions{Probabilities: [][]float64{{1, 0}, {1}}, Labels: []int{0, 0}}, "sample 1: 1 probabilities"},
		{"empty row", Predictions{Probabilities: [][]float64{{}}, Labels: []int{0}}, "sample 0"},
		{"label", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{2}}, "sample 0: label 2"},
		{"negative label", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{-1}}, "label -1"},
		{"NaN", Predictions{Probabilities: [][]float64{{1, 0}, {nan, 0}}, Labels: []int{0, 0}}, "sample 1: a probability is NaN"},
		{"negative", Predictions{Probabilities: [][]float64{{1.5, -.5}}, Labels: []int{0}}, "sample 0: a probability is 1.5"},
		{"sum", Predictions{Probabilities: [][]float64{{.5, .4}}, Labels: []int{0}}, "sum to 0.9"},
		{"weight", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{0}, Weights: []float64{-1}}, "weight -1"},
		{"NaN weight", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{0}, Weights: []float64{nan}}, "weight NaN"},
		{"infinite weight", Predictions{Probabilities: [][]float64{{1, 0}}, Labels: []int{0}, Weights: []float64{math.Inf(1)}}, "weight +Inf"},
	} {
		_, err := tc.p.Scores()
		if !errors.Is(err, ErrArgument) || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", tc.name, err)
		}
		if _, err := tc.p.Confusion(); !errors.Is(err, ErrArgument) {
			t.Errorf("%s: confusion: %v", tc.name, err)
		}
		if _, err := tc.p.ROC(0); !errors.Is(err, ErrArgument) {
			t.Errorf("%s: ROC: %v", tc.name, err)
		}
	}
	if _, err := (Predictions{}).Scores(); !errors.Is(err, ErrEmpty) {
		t.Errorf("none: %v", err)
	}
	for _, class := range []int{-1, 2} {
		if _, err := twoClasses().ROC(class); !errors.Is(err, ErrArgument) {
			t.Errorf("class %d: %v", class, err)
		}
	}
}

func TestNamesOfMetrics(t *testing.T) {
	seen := map[string]bool{}
	for i, m := range Metrics() {
		if int(m) != i || m.String() == "" || seen[m.String()] {
			t.Errorf("metric %d is %q", i, m)
		}
		seen[m.String()] = true
	}
	if got := Metric(metrics).String() + Metric(-1).String(); got != "metric 9metric -1" {
		t.Error(got)
	}
}
