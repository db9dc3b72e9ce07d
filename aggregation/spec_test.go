package aggregation

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/agext/levenshtein"
	"github.com/bristle-fl/bristled/federation"
)

func TestDefaultsBuildEveryRule(t *testing.T) {
	if got := Names()[0]; got != DefaultRule {
		t.Errorf("the first rule is %s, want %s", got, DefaultRule)
	}
	for i, info := range Rules() {
		if info.Name != Names()[i] || info.Summary == "" {
			t.Errorf("rule %d is %q: %q", i, info.Name, info.Summary)
		}
		spec, err := Defaults(info.Name)
		if err != nil {
			t.Fatal(err)
		}
		rule, err := New(spec)
		if err != nil {
			t.Fatalf("the defaults of %s are refused: %v", info.Name, err)
		}
		if rule.Name() != info.Name {
			t.Errorf("%s calls itself %s", info.Name, rule.Name())
		}
		if want := info.Name != "bristle+" && info.Name != "local"; rule.WholeHead() != want {
			t.Errorf("%s: whole head %v", info.Name, !want)
		}
		for _, c := range info.Constants {
			if c.Doc == "" || len(c.Name) > 32 {
				t.Errorf("%s: constant %q has the doc %q", info.Name, c.Name, c.Doc)
			}
		}
	}
}

// The defaults are those of docs/bristle.md.
func TestDefaultsOfTheSpec(t *testing.T) {
	for rule, want := range map[string]map[string]float64{
		"local":        {},
		"mean":         {},
		"median":       {},
		"trimmed-mean": {"f": 4},
		"krum":         {"f": 4},
		"bristle": {"alpha": .4, "beta": 10, "phi": 3, "theta": 10, "w1": 10, "w2": 4, "scale": 100, "floor": -100, "better": 3,
			"worse": 4, "adaptive": 1, "hard_zero": 0, "best_only": 1, "own": 1, "own_certainty": 0, "centre": 1},
		"bristle:paper": {"alpha": .4, "beta": 30, "phi": 3, "theta": 10, "w1": 10, "w2": 4, "scale": 100, "floor": -100, "better": 3,
			"worse": 3, "adaptive": 0, "hard_zero": 1, "best_only": 0, "own": 1, "own_certainty": 1, "centre": 1},
		"bristle+": {"alpha": .4, "beta": 30, "phi": 3, "theta": 10, "w1": 10, "w2": 4, "scale": 100, "clip": 1.5, "tolerance": .2,
			"eta": .5, "doubt": .6, "power": 3, "own": 1, "steps": 8, "smoothing": .001, "centre": 1},
	} {
		spec, err := Defaults(rule)
		if err != nil {
			t.Fatal(err)
		}
		if len(spec.Constants) != len(want) {
			t.Errorf("%s has the constants %v, want %v", rule, spec.Constants, want)
		}
		for name, v := range want {
			if got, ok := spec.Constants[name]; !ok || got != v {
				t.Errorf("%s: %s is %v, want %v", rule, name, got, v)
			}
		}
	}
}

func TestConstantsAreChecked(t *testing.T) {
	for _, info := range Rules() {
		for _, c := range info.Constants {
			try := func(v float64) error {
				spec, err := Defaults(info.Name)
				if err != nil {
					t.Fatal(err)
				}
				spec.Constants[c.Name] = v
				_, err = New(spec)
				return err
			}
			if err := errors.Join(try(c.Min), try(c.Max)); err != nil {
				t.Errorf("%s: an end of the range is refused: %v", info.Name, err)
			}
			bad := []float64{math.Nextafter(c.Min, -1e300), math.Nextafter(c.Max, 1e300), math.NaN(), math.Inf(1), math.Inf(-1)}
			if c.Whole {
				bad = append(bad, c.Min+0.5)
			}
			for _, v := range bad {
				if err := try(v); !errors.Is(err, ErrConstantRange) || !strings.Contains(err.Error(), c.Name) {
					t.Errorf("%s: %s = %v gives %v", info.Name, c.Name, v, err)
				}
			}
			spec, err := Defaults(info.Name)
			if err != nil {
				t.Fatal(err)
			}
			delete(spec.Constants, c.Name)
			if _, err := New(spec); !errors.Is(err, ErrMissingConstant) || !strings.Contains(err.Error(), " "+c.Name) {
				t.Errorf("%s without %s gives %v", info.Name, c.Name, err)
			}
		}
	}
}

func TestUnknownNames(t *testing.T) {
	_, err := New(federation.RuleSpec{Name: "trimed-mean"})
	if !errors.Is(err, ErrUnknownRule) || !strings.Contains(err.Error(), "there are trimmed-mean, ") {
		t.Errorf("a misspelt rule gives %v", err)
	}
	for _, name := range Names() {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not list %s", err, name)
		}
	}
	if _, err := Defaults(""); !errors.Is(err, ErrUnknownRule) {
		t.Errorf("no name gives %v", err)
	}
	spec, err := Defaults("bristle+")
	if err != nil {
		t.Fatal(err)
	}
	spec.Constants["tolerance_"] = 1
	if _, err := New(spec); !errors.Is(err, ErrUnknownConstant) || !strings.Contains(err.Error(), `"tolerance_": there are tolerance, `) {
		t.Errorf("a misspelt constant gives %v", err)
	}
	_, err = New(federation.RuleSpec{Name: "mean", Constants: map[string]float64{"b": 1}})
	if !errors.Is(err, ErrUnknownConstant) || !strings.Contains(err.Error(), "none") {
		t.Errorf("a constant of a rule without any gives %v", err)
	}
}

func TestEditDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"krum", "krum", 0}, {"kurm", "krum", 2}, {"median", "mean", 2}, {"kitten", "sitting", 3}} {
		if got := levenshtein.Distance(c.a, c.b, nil); got != c.want {
			t.Errorf("the distance of %q and %q is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// A caller may change its copy of the catalogue.
func TestRulesAreCopies(t *testing.T) {
	Rules()[0].Constants[0].Default = 99
	if spec, err := Defaults(DefaultRule); err != nil || slices.Contains([]float64{99}, spec.Constants["alpha"]) {
		t.Errorf("%v, %v", spec, err)
	}
}
