package evaluation

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// slowFolds returns the metrics of every fold, by definition, where patient p
// (in ascending order, the nameless first) is copied so many times.
func slowFolds(outcomes []Outcome, copies func(patient int) int) []Scores {
	type place struct{ run, fold int }
	var places []place
	var patients []owner
	for _, o := range outcomes {
		if p := (place{o.Run, o.Fold}); !slices.Contains(places, p) {
			places = append(places, p)
		}
		if p := ownerOf(o); !slices.Contains(patients, p) {
			patients = append(patients, p)
		}
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(a.run-b.run, a.fold-b.fold) })
	slices.SortFunc(patients, func(a, b owner) int { return cmp.Or(cmp.Compare(a.name, b.name), a.sample-b.sample) })
	var list []Scores
	for _, at := range places {
		var p Predictions
		for _, o := range outcomes {
			if o.Run != at.run || o.Fold != at.fold {
				continue
			}
			for range copies(slices.Index(patients, ownerOf(o))) {
				p.Probabilities, p.Labels = append(p.Probabilities, o.Probabilities), append(p.Labels, o.Label)
			}
		}
		if len(p.Labels) == 0 {
			p = Predictions{Probabilities: [][]float64{outcomes[0].Probabilities}, Labels: []int{0}, Weights: []float64{0}}
		}
		list = append(list, slowScores(p))
	}
	return list
}

func slowMean(list []Scores, m int) float64 {
	var sum, n float64
	for _, s := range list {
		if s[m] == s[m] {
			sum, n = sum+s[m], n+1
		}
	}
	return sum / n
}

func once(int) int { return 1 }

// drawn returns the copies of the bootstrap's draw.
func drawn(seed uint64, draw, patients int) func(int) int {
	rng, copies := rand.New(rand.NewPCG(seed, uint64(draw))), make([]int, patients)
	for range patients {
		copies[rng.IntN(patients)]++
	}
	return func(p int) int { return copies[p] }
}

func patientsOf(outcomes []Outcome) int {
	seen := map[owner]bool{}
	for _, o := range outcomes {
		seen[ownerOf(o)] = true
	}
	return len(seen)
}

// slowInterval returns where the middle of the defined values lies; of ECE, after
// they were moved to have the average.
func slowInterval(values []float64, m int, average, confidence float64) (low, high float64, n int) {
	values = slices.DeleteFunc(values, math.IsNaN)
	slices.Sort(values)
	if Metric(m) == ECE {
		var sum float64
		for _, v := range values {
			sum += v
		}
		for i := range values {
			values[i] += average - sum/float64(len(values))
		}
	}
	at := func(share float64) float64 {
		if len(values) == 0 {
			return math.NaN()
		}
		place := share * float64(len(values)-1)
		below, above := values[int(math.Floor(place))], values[int(math.Ceil(place))]
		return below + (place-math.Floor(place))*(above-below)
	}
	return at((1 - confidence) / 2), at((1 + confidence) / 2), len(values)
}

// Everything is as if pictures were copied and every metric computed anew.
func TestSummaryAgainstCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(2, 3).Draw(t, "classes")
		outcomes := someOutcomes(t, classes)
		o := Options{Bootstrap: 12, Confidence: .8, Seed: rapid.Uint64().Draw(t, "seed")}
		got, err := Summarize(outcomes, classes, o)
		if err != nil {
			t.Fatal(err)
		}
		var draws [][]Scores
		for i := range o.Bootstrap {
			draws = append(draws, slowFolds(outcomes, drawn(o.Seed, i, patientsOf(outcomes))))
		}
		folds := slowFolds(outcomes, once)
		for m, e := range got {
			var values []float64
			for i := range folds {
				if !near(e.Folds[i], folds[i][m]) {
					t.Errorf("%v of fold %d is %v, want %v", Metric(m), i, e.Folds[i], folds[i][m])
				}
			}
			for _, d := range draws {
				values = append(values, slowMean(d, m))
			}
			low, high, n := slowInterval(values, m, slowMean(folds, m), o.Confidence)
			low = max(low, 0)
			if !near(e.Mean, slowMean(folds, m)) || !near(e.Low, low) || !near(e.High, high) || e.Draws != n {
				t.Errorf("%v is %+v, want %v in %v to %v of %d draws", Metric(m), e, slowMean(folds, m), low, high, n)
			}
		}
	})
}

// Neither the order of the outcomes nor the number of processors changes a bit.
func TestSummaryIsDeterministic(t *testing.T) {
	outcomes := study(rand.New(rand.NewPCG(5, 6)), 30, 2, 2, 3, 1, .5)
	o := Options{Bootstrap: 200, Seed: 7}
	want, err := Summarize(outcomes, 2, o)
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for processors := 1; processors <= 8; processors *= 2 {
		runtime.GOMAXPROCS(processors)
		mixed := slices.Clone(outcomes)
		rand.New(rand.NewPCG(uint64(processors), 0)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		got, err := Summarize(mixed, 2, o)
		if err != nil {
			t.Fatal(err)
		}
		for m := range got {
			a, b := got[m], want[m]
			if !same(a.Mean, b.Mean) || !same(a.SD, b.SD) || !same(a.Low, b.Low) || !same(a.High, b.High) || !slices.EqualFunc(a.Folds, b.Folds, same) {
				t.Errorf("%d processors: %v is %+v, was %+v", processors, Metric(m), a, b)
			}
		}
	}
	o.Seed++
	if other, _ := Summarize(outcomes, 2, o); other[AUROC].Low == want[AUROC].Low || other[AUROC].Mean != want[AUROC].Mean {
		t.Errorf("another seed: %+v, was %+v", other[AUROC], want[AUROC])
	}
}

// For ordinary data the interval holds the mean, and a higher confidence widens
// it.
func TestIntervalHoldsTheMean(t *testing.T) {
	for seed := range uint64(20) {
		outcomes := study(rand.New(rand.NewPCG(seed, 8)), 40, 2, 2, 4, 1, .3)
		wide, err := Summarize(outcomes, 2, Options{Bootstrap: 300, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		narrow, err := Summarize(outcomes, 2, Options{Bootstrap: 300, Seed: seed, Confidence: .6})
		if err != nil {
			t.Fatal(err)
		}
		for m, e := range wide {
			if !(e.Low < e.Mean && e.Mean < e.High) {
				t.Errorf("seed %d: %v is %v in %v to %v", seed, Metric(m), e.Mean, e.Low, e.High)
			}
			if n := narrow[m]; !(n.Low >= e.Low && n.High <= e.High && n.High-n.Low < e.High-e.Low) {
				t.Errorf("seed %d: %v: %v to %v at 0.6, %v to %v at 0.95", seed, Metric(m), n.Low, n.High, e.Low, e.High)
			}
			if e.Draws != 300 {
				t.Errorf("seed %d: %v rests on %d draws", seed, Metric(m), e.Draws)
			}
		}
	}
}

// Two folds with areas of 1 and 0.5.
func TestSummaryByHand(t *testing.T) {
	sample := func(run, fold, sample, label int, q float64) Outcome {
		return Outcome{Run: run, Fold: fold, Sample: sample, Group: string(rune('a' + sample)), Label: label, Probabilities: []float64{1 - q, q}}
	}
	outcomes := []Outcome{
		sample(0, 1, 0, 0, .6), sample(0, 1, 1, 1, .7), sample(0, 1, 2, 1, .4), // one above and one below
		sample(0, 0, 3, 0, .1), sample(0, 0, 4, 1, .2), sample(0, 0, 5, 1, .9),
		sample(0, 2, 6, 0, .1), // without positives: left out
	}
	s, err := Summarize(outcomes, 2, Options{})
	if err != nil {
		t.Fatal(err)
	}
	e := s[AUROC]
	if !slices.EqualFunc(e.Folds, []float64{1, .5, math.NaN()}, near) || !near(e.Mean, .75) || !near(e.SD, math.Sqrt(.125)) {
		t.Errorf("%+v", e)
	}
	if a := s[Accuracy]; !near(a.Mean, (2./3+1./3+1)/3) {
		t.Errorf("%+v", a)
	}
	if e.Draws < 1 || e.Draws >= defaultBootstrap || s[Accuracy].Draws != defaultBootstrap {
		t.Errorf("AUROC rests on %d draws, accuracy on %d", e.Draws, s[Accuracy].Draws)
	}

	s, err = Summarize(outcomes[6:], 2, Options{Bootstrap: 10})
	if err != nil {
		t.Fatal(err)
	}
	if e := s[AUROC]; !math.IsNaN(e.Mean) || !math.IsNaN(e.Low) || !math.IsNaN(e.High) || e.Draws != 0 {
		t.Errorf("one sample: %+v", e)
	}
	if a := s[Accuracy]; a.Mean != 1 || !math.IsNaN(a.SD) || a.Low != 1 || a.High != 1 {
		t.Errorf("one sample: %+v", a)
	}
}

func TestOutcomesAreChecked(t *testing.T) {
	fine := func() []Outcome {
		return []Outcome{
			{0, 0, 0, "maria", 0, []float64{.6, .4}}, {0, 1, 1, "jose", 1, []float64{.3, .7}},
			{1, 0, 1, "jose", 1, []float64{.3, .7}}, {1, 1, 0, "maria", 0, []float64{.6, .4}},
		}
	}
	if _, err := Summarize(fine(), 2, Options{Bootstrap: 1}); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		do   func(o []Outcome)
		want OutcomeError
	}{
		{"label", func(o []Outcome) { o[1].Label = 2 }, OutcomeError{0, 1, 1, "label 2 of 2 classes"}},
		{"NaN", func(o []Outcome) { o[2].Probabilities[0] = math.NaN() }, OutcomeError{1, 0, 1, "a probability is NaN"}},
		{"classes", func(o []Outcome) { o[3].Probabilities = nil }, OutcomeError{1, 1, 0, "0 probabilities for 2 classes (at least 2)"}},
		{"twice", func(o []Outcome) { o[1].Sample = 0 }, OutcomeError{0, 1, 0, "the run tests it twice"}},
		{"two folds", func(o []Outcome) { o[1].Group, o[2].Group = "maria", "maria" },
			OutcomeError{0, 1, 1, "its patient is tested in fold 0 of the run as well: divide by patient, see StratifiedFolds"}},
		{"another label", func(o []Outcome) { o[2].Label = 0 }, OutcomeError{1, 0, 1, "it has another label or patient in run 0"}},
		{"another patient", func(o []Outcome) { o[3].Group = "" }, OutcomeError{1, 1, 0, "it has another label or patient in run 0"}},
	} {
		outcomes := fine()
		tc.do(outcomes)
		_, err := Summarize(outcomes, 2, Options{Bootstrap: 1})
		e, ok := errors.AsType[*OutcomeError](err)
		if !ok || *e != tc.want {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if strings.Contains(err.Error(), "maria") || strings.Contains(err.Error(), "jose") {
			t.Errorf("%s: %q names a patient", tc.name, err)
		}
		for _, pair := range [][2][]Outcome{{outcomes, fine()}, {fine(), outcomes}} {
			if _, err := Compare(pair[0], pair[1], 2, Options{}); err == nil || err.Error() != e.Error() {
				t.Errorf("%s: comparison: %v", tc.name, err)
			}
		}
	}
	if _, err := Summarize(nil, 2, Options{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("none: %v", err)
	}
	for _, o := range []Options{{Bootstrap: -1}, {Bootstrap: mostBootstrap + 1}, {Confidence: 1}, {Confidence: -.1}, {Confidence: math.NaN()}} {
		if _, err := Summarize(fine(), 2, o); !errors.Is(err, ErrArgument) {
			t.Errorf("%+v: %v", o, err)
		}
		if _, err := Compare(fine(), fine(), 2, o); !errors.Is(err, ErrArgument) {
			t.Errorf("comparison, %+v: %v", o, err)
		}
	}
}

func TestScoringAllocatesNothing(t *testing.T) {
	for _, classes := range []int{2, 5} {
		var outcomes []Outcome
		for i := range 60 {
			row := make([]float64, classes)
			row[i%classes] = 1
			outcomes = append(outcomes, Outcome{Fold: i % 3, Sample: i, Label: i / 3 % classes, Probabilities: row})
		}
		trial, err := newTrial(outcomes, classes)
		if err != nil {
			t.Fatal(err)
		}
		s, copies := newScratch(trial), make([]float64, trial.groups)
		copies[3] = 2
		if n := testing.AllocsPerRun(10, func() { s.score(trial, 1, copies) }); n != 0 {
			t.Errorf("%d classes: %v allocations", classes, n)
		}
	}
}

// The bins are those of a slow search, hold every sample, and the mean distance
// in 15 of them is ECE.
func TestReliability(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		outcomes := someOutcomes(t, 3)
		list, err := Reliability(outcomes, 15)
		if err != nil {
			t.Fatal(err)
		}
		var ece float64
		n, last := 0, -1.
		for _, b := range list {
			if b.Count < 1 || b.Confidence <= last || b.Accuracy < 0 || b.Accuracy > 1 {
				t.Errorf("bin %+v after a confidence of %v", b, last)
			}
			n, last = n+b.Count, b.Confidence
			ece += float64(b.Count) / float64(len(outcomes)) * math.Abs(b.Accuracy-b.Confidence)
		}
		want := slowScores(Pool(outcomes))[ECE]
		if n != len(outcomes) || !near(ece, want) {
			t.Errorf("%d samples of %d, ECE %v, want %v", n, len(outcomes), ece, want)
		}
	})
	list, err := Reliability([]Outcome{{Probabilities: []float64{.5, .5}}, {Sample: 1, Label: 1, Probabilities: []float64{.1, .9}}, {Sample: 2, Probabilities: []float64{0, 1}}}, 2)
	if err != nil || len(list) != 2 || list[0] != (Bin{.5, 1, 1}) || list[1].Count != 2 || !near(list[1].Confidence, .95) || list[1].Accuracy != .5 {
		t.Errorf("%v, %v", list, err)
	}
	for _, bins := range []int{0, -1, 1001} {
		if _, err := Reliability([]Outcome{{Probabilities: []float64{1, 0}}}, bins); !errors.Is(err, ErrArgument) {
			t.Errorf("%d bins: %v", bins, err)
		}
	}
	if _, err := Reliability(nil, 15); !errors.Is(err, ErrEmpty) {
		t.Error(err)
	}
}

// 400 patients, two runs of five folds and 2000 draws.
func BenchmarkSummarize(b *testing.B) {
	outcomes := study(rand.New(rand.NewPCG(1, 1)), 400, 1, 2, 5, 1, .5)
	for b.Loop() {
		if _, err := Summarize(outcomes, 2, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
