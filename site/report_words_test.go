package site

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var nan = math.NaN()

func TestVerdicts(t *testing.T) {
	for _, test := range []struct {
		low, high, p float64
		want         verdict
	}{
		{.01, .05, .01, shown},
		{-.05, -.01, .01, shown},
		{-.01, .05, .2, notShown},
		{-.01, .05, .01, disputed},
		{.01, .05, .2, disputed},
		{.01, .05, .05, disputed}, // below, not at
		{0, .05, .01, disputed},   // apart from 0, not at it
		{.01, .05, nan, apart},
		{-.05, -.01, nan, apart},
		{-.01, .05, nan, notShown},
		{nan, nan, nan, unanswered},
		{nan, nan, .01, unanswered},
	} {
		c := comparison{Pair{Low: test.low, High: test.high}, test.p}
		if got := c.verdict(); got != test.want {
			t.Errorf("%v to %v, p %v: got %q, want %q", test.low, test.high, test.p, got, test.want)
		}
		// It does not matter which arm comes first.
		c.A, c.B = "a", "b"
		if got := c.from("b").verdict(); got != test.want {
			t.Errorf("%v to %v, p %v: got %q from the other side, want %q", test.low, test.high, test.p, got, test.want)
		}
	}
}

func TestHolm(t *testing.T) {
	r := Results{}
	for _, p := range []float64{.01, .04, .03, nan, .005} {
		r.Pairs = append(r.Pairs, Pair{Metric: "m", P: p}, Pair{Metric: "another", P: p / 10})
	}
	for i, want := range []float64{.03, .06, .06, nan, .02} {
		got, other := r.comparisons()[2*i].Corrected, r.comparisons()[2*i+1].Corrected
		if math.IsNaN(want) != math.IsNaN(got) || math.Abs(got-want) > 1e-12 || math.Abs(other-want/10) > 1e-12 {
			t.Errorf("p %v is corrected to %v and %v, want %v and a tenth of it", r.Pairs[2*i].P, got, other, want)
		}
	}
}

// TestAnyHolm compares with the definition: the least level at which the
// step-down procedure rejects a hypothesis.
func TestAnyHolm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0, 1), rapid.SampledFrom([]float64{0, .01, .02, 1})), 0, 8).Draw(t, "p")
		var r Results
		for _, v := range p {
			r.Pairs = append(r.Pairs, Pair{Metric: "m", P: v})
		}
		for i, c := range r.comparisons() {
			want := 0.0
			for _, q := range p {
				if q <= p[i] { // is rejected before i, which needs as many to be left
					left := 0
					for _, v := range p {
						if v >= q {
							left++
						}
					}
					want = max(want, min(1, float64(left)*q))
				}
			}
			if math.Abs(c.Corrected-want) > 1e-12 || c.P != p[i] {
				t.Fatalf("p %v of %v is corrected to %v, want %v", p[i], p, c.Corrected, want)
			}
		}
	})
}

// arms makes results with arms a, b and so on of these means.
func arms(means ...float64) Results {
	r := Results{Folds: 5, Runs: 1}
	for i, m := range means {
		r.Arms = append(r.Arms, Arm{Name: string(rune('a' + i)), Metrics: []Metric{{auroc, m, .1, m - .1, m + .1}}})
	}
	return r
}

func TestSummary(t *testing.T) {
	few := arms(.7, .8)
	few.Pairs = []Pair{{"a", "b", auroc, -.1, -.15, -.05, .002}, {"a", "b", "F1", 0, -1, 1, 1}}
	three := arms(.7, .8, .75)
	three.Pairs = []Pair{{"a", "b", auroc, -.1, -.15, -.05, .3}, {"a", "c", auroc, -.05, -.15, -.05, .001}, {"b", "c", auroc, .05, -.01, .11, .04}}
	bare := arms(.7)
	bare.Arms[0].Metrics[0].Low, bare.Arms[0].Metrics[0].High, bare.Folds = nan, nan, 0
	held := arms(.7, .8, .6)
	held.HeldOut = true
	held.Pairs = []Pair{{"b", "a", auroc, .1, -.01, .15, nan}, {"b", "c", auroc, .2, .1, .3, nan}}
	odd := arms(.7, .6)
	odd.Pairs = []Pair{{"a", "b", auroc, nan, nan, nan, nan}}
	for name, test := range map[string]struct {
		r         Results
		want, not []string
		best      string
	}{
		"nothing":     {r: Results{}, best: "No arm has a result that could be ranked."},
		"no metrics":  {r: Results{Arms: []Arm{{Name: "a"}}}, best: "No arm has a result that could be ranked."},
		"not defined": {r: arms(nan, nan), best: "No arm has a result that could be ranked."},
		"one":         {r: arms(.7), best: "The AUROC of a is 0.700 on average over 5 test folds (95% interval 0.600 to 0.800).", not: []string{"picked", "tested against"}},
		"bare":        {r: bare, best: "The AUROC of a is 0.700 on average."},
		"guessing":    {r: arms(.55), best: "The AUROC of a is 0.550 on average over 5 test folds (95% interval 0.450 to 0.650).", want: []string{"it is not shown that anything was learnt"}},
		"two": {r: few, best: "The arm b has the highest AUROC: 0.800 on average over 5 test folds (95% interval 0.700 to 0.900).", want: []string{
			"Against a the difference is +0.100 (95% interval +0.050 to +0.150; corrected p = 0.002): more than chance would explain.", "picked by the very numbers"},
			not: []string{"does not mean equal", "F1", "anything was learnt"}},
		"three": {r: three, best: "The arm b has the highest AUROC: 0.800 on average over 5 test folds (95% interval 0.700 to 0.900).", want: []string{
			"Against a the difference is +0.100 (95% interval +0.050 to +0.150; corrected p = 0.300): not shown to differ (the test and the interval disagree).",
			"Against c the difference is +0.050 (95% interval −0.010 to +0.110; corrected p = 0.080): not shown to differ.", "does not mean equal"},
			not: []string{"more than chance would explain"}},
		"tie":      {r: arms(.8, .7, .8), best: "2 arms share the highest AUROC, 0.800 on average over 5 test folds (95% interval 0.700 to 0.900); the first of them is a."},
		"untested": {r: arms(.7, .8), best: "The arm b has the highest AUROC: 0.800 on average over 5 test folds (95% interval 0.700 to 0.900).", want: []string{"whether they differ by more than chance is open"}},
		"held out": {r: held, best: "The arm b has the highest AUROC: 0.800 on the images held out (95% interval 0.700 to 0.900).", want: []string{
			"Against a the difference is +0.100 (95% interval −0.010 to +0.150): not shown to differ.",
			"Against c the difference is +0.200 (95% interval +0.100 to +0.300): more than the choice of test patients would explain.", "does not mean equal"},
			not: []string{"corrected p", "folds"}},
		"odd": {r: odd, best: "The arm a has the highest AUROC: 0.700 on average over 5 test folds (95% interval 0.600 to 0.800).", want: []string{
			"Against b the difference is not defined: not testable."}},
	} {
		s := test.r.summary()
		if s.Best != test.best {
			t.Errorf("%s: got %q, want %q", name, s.Best, test.best)
		}
		all := strings.Join(slices.Concat(s.Others, s.Care), "\n")
		for _, want := range test.want {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q in\n%s", name, want, all)
			}
		}
		for _, not := range test.not {
			if strings.Contains(all, not) {
				t.Errorf("%s: %q in\n%s", name, not, all)
			}
		}
	}
}

func TestSetup(t *testing.T) {
	r := arms(.5, .6)
	if got := r.setup(); got != "2 ways to train, called arms here, were compared, with 5 folds in 1 run." {
		t.Error(got)
	}
	r.HeldOut = true
	if got := r.setup(); got != "2 ways to train, called arms here, were compared, of which one part in 5 was held out to test on." {
		t.Error(got)
	}
	r.HeldOut = false
	r.Data = DataSheet{Images: []int{1000, 1}, People: 1}
	r.Arms = r.Arms[:1]
	if got := r.setup(); got != "One way to train was tried on 1\u00a0001 images of 1 patient, with 5 folds in 1 run." {
		t.Error(got)
	}
}

func TestNumbers(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{number(.12345), "0.123"}, {number(-.5), "−0.500"}, {number(-.0001), "0.000"}, {number(nan), "–"}, {number(math.Copysign(0, -1)), "0.000"},
		{signed(.5), "+0.500"}, {signed(-.5), "−0.500"}, {signed(.0001), "0.000"}, {signed(-.0001), "0.000"}, {signed(nan), "–"},
		{span(-1, 1, signed), "−1.000 to +1.000"}, {span(nan, 1, number), ""},
		{chance(.0009), "< 0.001"}, {chance(.001), "0.001"}, {chance(1), "1.000"}, {chance(nan), "–"},
		{count(0), "0"}, {count(999), "999"}, {count(1000), "1\u00a0000"}, {count(11689512), "11\u00a0689\u00a0512"},
		{plural(1, "run"), "1 run"}, {plural(0, "run"), "0 runs"},
		{lasting(.1234), "0.123 s"}, {lasting(59), "59 s"}, {lasting(61), "1 min 1 s"}, {lasting(3661), "1 h 1 min"}, {lasting(1e9), "277\u00a0777 h 46 min"},
		{extents([3]int{}), ""}, {extents([3]int{3, 10, 20}), "10 × 20 pixels, 3 channels"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}
