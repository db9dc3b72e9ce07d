package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// near says whether two numbers are equal but for rounding; NaN equals NaN.
func near(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return a == b || math.Abs(a-b) <= 1e-11*max(1, math.Abs(a), math.Abs(b))
}

// same says whether two numbers have the same bits, or are both NaN.
func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

// someProbabilities draws rows of small integers, so that ties are frequent,
// and divides them by their sum.
func someProbabilities(t *rapid.T, n, classes int) [][]float64 {
	rows := make([][]float64, n)
	most := rapid.SampledFrom([]int{1, 3, 1000}).Draw(t, "most")
	for i := range rows {
		rows[i] = make([]float64, classes)
		var sum float64
		for c := range rows[i] {
			rows[i][c] = float64(rapid.IntRange(0, most).Draw(t, "p"))
			sum += rows[i][c]
		}
		if sum == 0 {
			rows[i][0], sum = 1, 1
		}
		for c := range rows[i] {
			rows[i][c] /= sum
		}
	}
	return rows
}

// somePredictions draws up to 30 samples of 2 to 4 classes; weights are whole,
// some of them 0, or nil.
func somePredictions(t *rapid.T) Predictions {
	n, classes := rapid.IntRange(1, 30).Draw(t, "n"), rapid.IntRange(2, 4).Draw(t, "classes")
	p := Predictions{Probabilities: someProbabilities(t, n, classes), Labels: make([]int, n)}
	for i := range p.Labels {
		p.Labels[i] = rapid.IntRange(0, classes-1).Draw(t, "label")
	}
	if rapid.Bool().Draw(t, "weighted") {
		p.Weights = make([]float64, n)
		for i := range p.Weights {
			p.Weights[i] = float64(rapid.IntRange(0, 3).Draw(t, "weight"))
		}
	}
	return p
}

// someOutcomes draws a small cross-validation: runs over up to 12 patients of
// up to 3 samples each, in shuffled order.
func someOutcomes(t *rapid.T, classes int) []Outcome {
	patients, runs, folds := rapid.IntRange(1, 12).Draw(t, "patients"), rapid.IntRange(1, 2).Draw(t, "runs"), rapid.IntRange(1, 3).Draw(t, "folds")
	type sample struct {
		group string
		label int
	}
	var samples []sample
	for p := range patients {
		group := string(rune('a' + (p*7)%12))
		if rapid.IntRange(0, 4).Draw(t, "known") == 0 {
			group = ""
		}
		for range rapid.IntRange(1, 3).Draw(t, "samples") {
			samples = append(samples, sample{group, rapid.IntRange(0, classes-1).Draw(t, "label")})
		}
	}
	var list []Outcome
	for r := range runs {
		p, fold := someProbabilities(t, len(samples), classes), map[string]int{}
		for i, s := range samples {
			f := rapid.IntRange(0, folds-1).Draw(t, "fold")
			if known, ok := fold[s.group]; ok && s.group != "" {
				f = known
			}
			fold[s.group] = f
			list = append(list, Outcome{Run: r, Fold: f, Sample: i, Group: s.group, Label: s.label, Probabilities: p[i]})
		}
	}
	return rapid.Permutation(list).Draw(t, "order")
}

// study simulates a cross-validation of a model that needs no training: a
// sample's score is normal around 0, and around the shift if its patient is
// ill, with a part of the variance that the patient's samples share.
func study(rng *rand.Rand, patients, images, runs, folds int, shift, shared float64) []Outcome {
	type sample struct {
		score []float64 // by run
		label int
	}
	var samples []sample
	for p := range patients {
		own := rng.NormFloat64() * math.Sqrt(shared)
		for range images {
			s := sample{label: p % 2}
			score := own + float64(s.label)*shift + rng.NormFloat64()*math.Sqrt(1-shared)
			for range runs {
				s.score = append(s.score, score+.1*rng.NormFloat64()) // models differ a little
			}
			samples = append(samples, s)
		}
	}
	var list []Outcome
	for r := range runs {
		order := rng.Perm(patients)
		for i, s := range samples {
			p := i / images
			q := 1 / (1 + math.Exp(-s.score[r]+shift/2))
			list = append(list, Outcome{Run: r, Fold: order[p] % folds, Sample: i, Group: string(rune('A' + p)), Label: s.label, Probabilities: []float64{1 - q, q}})
		}
	}
	return list
}
