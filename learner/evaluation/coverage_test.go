package evaluation

import (
	"math"
	"math/rand/v2"
	"testing"
)

const studies = 250

// covered says in which share of simulated studies the interval of AUROC holds
// the true area, that of two normal distributions one apart, and that of ECE
// holds what studies show on average. Each patient has three alike pictures.
func covered(t *testing.T, known bool) (auroc, ece float64) {
	const patients, images, shift, shared = 80, 3, 1, .7
	// Variance is 1, and what study adds for each model.
	area := math.Erfc(-shift/(2*math.Hypot(1, .1))) / 2
	rng, hits, errors := rand.New(rand.NewPCG(11, 12)), 0, make([]Estimate, 0, studies)
	for range studies {
		outcomes := study(rng, patients, images, 1, 2, shift, shared)
		for i := range outcomes {
			if !known {
				outcomes[i].Group = ""
			}
		}
		s, err := Summarize(outcomes, 2, Options{Bootstrap: 200, Seed: rng.Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		hits += is(s[AUROC].Low <= area && area <= s[AUROC].High)
		errors = append(errors, s[ECE])
		ece += s[ECE].Mean / studies
	}
	held := 0
	for _, e := range errors {
		held += is(e.Low <= ece && ece <= e.High)
	}
	return float64(hits) / studies, float64(held) / studies
}

// Of intervals at 0.95 about as many hold the truth. The percentile bootstrap
// of this few patients covers a little less; the count itself has a standard
// error of 0.014. Who takes pictures for patients is sure without cause.
func TestIntervalsCoverTheTruth(t *testing.T) {
	byPatient, ece := covered(t, true)
	byPicture, _ := covered(t, false)
	t.Logf("%.3f of intervals by patient hold the truth, %.3f by picture, %.3f of ECE", byPatient, byPicture, ece)
	for _, share := range []float64{byPatient, ece} {
		if share < .91 || share > .98 {
			t.Errorf("%.3f of intervals by patient hold the truth, want about .95", share)
		}
	}
	if byPicture > .85 {
		t.Errorf("%.3f of intervals by picture hold the truth: the test shows nothing", byPicture)
	}
}

// Of two models that are equally good, the paired interval holds 0 about as
// often as it says, and P is below 0.05 no more often than it says.
func TestEqualModelsSeldomDiffer(t *testing.T) {
	rng, hits, found := rand.New(rand.NewPCG(13, 14)), 0, 0
	for range studies {
		a := study(rng, 60, 2, 1, 5, 1, .5)
		b := make([]Outcome, len(a))
		for i, o := range a {
			b[i] = o
			// Two noisy readings of one score, so far from each other.
			x := math.Log(o.Probabilities[1] / o.Probabilities[0])
			read := func() []float64 {
				q := 1 / (1 + math.Exp(-x-.5*rng.NormFloat64()))
				return []float64{1 - q, q}
			}
			a[i].Probabilities, b[i].Probabilities = read(), read()
		}
		c, err := Compare(a, b, 2, Options{Bootstrap: 200, Seed: rng.Uint64()})
		if err != nil {
			t.Fatal(err)
		}
		d := c[AUROC]
		hits += is(d.Low <= 0 && 0 <= d.High)
		found += is(d.P < .05)
	}
	t.Logf("of %d pairs, %d intervals hold 0 and %d tests find a difference", studies, hits, found)
	if share := float64(hits) / studies; share < .91 || share > .98 {
		t.Errorf("%.3f of the intervals hold 0, want about .95", share)
	}
	// The correction is for what training shares, of which there is none here.
	if share := float64(found) / studies; share > .05 {
		t.Errorf("%.3f of the tests find a difference", share)
	}
}

// What is there is found.
func TestBetterModelsDiffer(t *testing.T) {
	rng := rand.New(rand.NewPCG(15, 16))
	a := study(rng, 200, 2, 2, 5, 2, .3)
	b := make([]Outcome, len(a))
	for i, o := range a {
		b[i] = o
		x := math.Log(o.Probabilities[1]/o.Probabilities[0]) + 3*rng.NormFloat64()
		b[i].Probabilities = []float64{1 / (1 + math.Exp(x)), 1 / (1 + math.Exp(-x))}
	}
	c, err := Compare(a, b, 2, Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if d := c[AUROC]; d.Low <= 0 || d.Mean <= d.Low || d.High <= d.Mean || d.P > .01 || d.T < 0 {
		t.Errorf("%+v", d)
	}
	if d := c[LogLoss]; d.High >= 0 || d.T > 0 {
		t.Errorf("%+v", d)
	}
}
