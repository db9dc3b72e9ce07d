package sim

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/sim/attack"
)

// features returns the scaled features of a set.
func features(t *testing.T, b *learner.Backbone, m *federation.Manifest, set data.Set) learner.Samples {
	t.Helper()
	x, err := b.Extract(context.Background(), set.Samples, runtime.GOMAXPROCS(0))
	if err != nil {
		t.Fatal(err)
	}
	s := learner.Samples{Features: make([]float32, len(x))}
	b.Floats(s.Features, x, m.Backbone.RMS/m.Backbone.RawRMS)
	for _, one := range set.Samples {
		s.Labels = append(s.Labels, one.Label)
	}
	return s
}

// digits returns the backbone and the manifest of a federation on digits.
func digits(t *testing.T) (*learner.Backbone, *federation.Manifest) {
	t.Helper()
	b, err := learner.DefaultBackbone()
	if err != nil {
		t.Fatal(err)
	}
	m, err := node.Found("digits", data.Digits(0).Classes(), b, 0, federation.PrepareCentre, "bristle+")
	if err != nil {
		t.Fatal(err)
	}
	return b, m
}

// mainRow returns the experiment of the main row (docs/bristle.md, b, and
// docs/measurements.md): an exchange after every minibatch, ten honest peers
// with four consecutive classes each, attackers with all ten, ten samples of
// each class to train on and ten to judge by.
func mainRow(t *testing.T, m *federation.Manifest, pool, test learner.Samples, attackers int, seed uint64) Experiment {
	t.Helper()
	var holds [][]int
	for i := range 10 {
		holds = append(holds, Window(i, 4, 10))
	}
	for range attackers {
		holds = append(holds, Window(0, 10, 10))
	}
	hands, err := NewDeck(Pool{Samples: pool, Width: m.Backbone.Features}, seed).Deal(holds, 10, 10)
	if err != nil {
		t.Fatal(err)
	}
	every := *m
	every.Training.Steps = 1
	return Experiment{
		Manifest: &every, Honest: hands[:10], Liars: hands[10:], Test: test,
		Iterations: 300, Seed: seed, Workers: runtime.GOMAXPROCS(0),
	}
}

// mnist returns the features of MNIST's first 10,000 training pictures and of
// all test pictures, or skips.
func mnist(t *testing.T) (m *federation.Manifest, pool, test learner.Samples) {
	t.Helper()
	dir := cmp.Or(os.Getenv("BRISTLED_MNIST"), filepath.Join("..", "..", "shared", "data", "mnist"))
	if _, err := os.Stat(dir); err != nil {
		t.Skip("real MNIST is not here:", err)
	}
	b, m := digits(t)
	train, tests, err := data.ReadMNIST(dir)
	if err != nil {
		t.Fatal(err)
	}
	train.Samples = train.Samples[:10000]
	return m, features(t, b, m, train), features(t, b, m, tests)
}

// TestMainRow reproduces rows of the Bristle experiments on real MNIST and the
// full test set through the embedded backbone, with one seed; `bristled sim paper`
// has all of them with several.
func TestMainRow(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	m, pool, test := mnist(t)
	for _, row := range []struct {
		rule        string
		prototypes  bool
		attack      string
		liars       int
		least, most float64 // accuracy
	}{
		{"mean", false, "flip-all", 5, 0, .05},
		{"bristle", false, "flip-all", 5, .92, 1},
		{"bristle+", false, "flip-all", 5, .93, 1},
		{"bristle", false, "fp-perm", 5, 0, .45},
		{"bristle+", false, "fp-perm", 5, .93, 1},
		{"bristle+", false, "fp-perm", 15, 0, .7},
		{"bristle+", true, "fp-perm", 15, .93, 1},
		{"bristle+", true, "none", 0, .95, 1},
	} {
		t.Run(fmt.Sprintf("%s/prototypes=%v/%s-%d", row.rule, row.prototypes, row.attack, row.liars), func(t *testing.T) {
			e, err := WithRule(mainRow(t, m, pool, test, row.liars, 1), row.rule)
			if err != nil {
				t.Fatal(err)
			}
			e.Manifest.Prototypes = federation.PrototypeSpec{Use: row.prototypes, Least: 2}
			e.Attack, e.Every = attack.Named(row.attack, 1), 10
			r, err := Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			at90 := 0
			for i := len(r.Curve) - 1; i >= 0 && r.Curve[i] >= .9; i-- {
				at90 = r.Evaluated[i]
			}
			t.Logf("mean %.4f, worst peer %.4f, 90%% at iteration %d", r.Mean(), r.Worst(), at90)
			if mean := r.Mean(); mean < row.least || mean > row.most {
				t.Errorf("accuracy %.4f is not between %v and %v", mean, row.least, row.most)
			}
			if row.prototypes && row.liars == 0 && at90 > 20 {
				t.Errorf("90%% takes %d iterations", at90)
			}
		})
	}
}

// TestDrawnDigits is the same in small, on digits drawn by code, so that it
// runs everywhere.
func TestDrawnDigits(t *testing.T) {
	b, m := digits(t)
	pool := features(t, b, m, data.Digits(1).Set(0, 3000))
	test := features(t, b, m, data.Digits(2).Set(0, 1000))
	e := mainRow(t, m, pool, test, 5, 1)
	e.Attack, e.Iterations = attack.Named("flip-all", 1), 60
	accuracy := map[string]Result{}
	for _, rule := range []string{"local", "mean", "bristle", "bristle+"} {
		other, err := WithRule(e, rule)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Run(t.Context(), other)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%-9s mean %.3f, worst %.3f", rule, r.Mean(), r.Worst())
		accuracy[rule] = r
	}
	if a := accuracy["mean"].Mean(); a > .1 {
		t.Errorf("plain averaging reaches %.3f under attack", a)
	}
	if a := accuracy["bristle+"].Worst(); a < .8 {
		t.Errorf("the worst peer under bristle+ reaches %.3f", a)
	}
	for i, a := range accuracy["bristle+"].Accuracy {
		if alone := accuracy["local"].Accuracy[i]; a <= alone {
			t.Errorf("peer %d reaches %.3f with others and %.3f alone", i, a, alone)
		}
	}
}
