package evaluation

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// agree says whether two numbers agree to so many parts, also tiny ones.
func agree(a, b, parts float64) bool { return math.Abs(a-b) <= parts*math.Abs(b) }

// The values are those of SciPy 1.17.1, 2*stats.t.sf.
func TestStudentAgainstSciPy(t *testing.T) {
	for _, tc := range []struct{ t, df, want float64 }{
		{0, 3, 1},
		{0.5, 1, 0.7048327646991335},
		{1, 1, 0.5},
		{2, 9, 0.07655282377070101},
		{-2.262157162740992, 9, 0.0500000000046757},
		{3, 1.5, 0.13354775425491328},
		{0.001, 4, 0.99925000015625},
		{10, 29, 6.599862576433525e-11},
		{40, 5, 1.8411962171772954e-07},
		{1.96, 1e6, 0.04999606758526985},
		{12.7, 1, 0.050024327689344165},
		{5, 199, 1.2547393252500863e-06},
	} {
		if got := studentTwoSided(tc.t, tc.df); !agree(got, tc.want, 1e-9) {
			t.Errorf("t %v, %v degrees: %v, want %v", tc.t, tc.df, got, tc.want)
		}
	}
	for _, tail := range []float64{math.Inf(1), math.Inf(-1), 1e200} {
		if got := studentTwoSided(tail, 9); got != 0 {
			t.Errorf("t %v: %v", tail, got)
		}
	}
}

// The values are those of SciPy 1.17.1, special.betainc.
func TestBetaAgainstSciPy(t *testing.T) {
	for _, tc := range []struct{ a, b, x, want float64 }{
		{0.5, 0.5, 0.3, 0.36901011956554536},
		{2, 3, 0.5, 0.6875},
		{10, 0.5, 0.9, 0.15164090963470994},
		{50, 0.5, 0.99, 0.3173043978741973},
		{0.5, 20, 0.01, 0.4713699354850154},
		{300, 300, 0.5, 0.49999999999999944},
		{100000, 0.5, 0.99999, 0.15729868816242573},
		{5, 5, 1e-06, 1.2599958000053993e-28},
		{3, 4, 0, 0},
		{3, 4, 1, 1},
	} {
		if got := betaIncomplete(tc.a, tc.b, tc.x, 1-tc.x); !agree(got, tc.want, 1e-9) {
			t.Errorf("I_%v(%v, %v) is %v, want %v", tc.x, tc.a, tc.b, got, tc.want)
		}
	}
}

// One degree of freedom is Cauchy's distribution, two have a closed form too,
// and any number can be integrated.
func TestStudentAgainstIntegration(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x, df := rapid.Float64Range(-8, 8).Draw(t, "t"), float64(rapid.IntRange(1, 60).Draw(t, "df"))
		got := studentTwoSided(x, df)
		if want := 1 - 2*math.Atan(math.Abs(x))/math.Pi; df == 1 && math.Abs(got-want) > 1e-13 {
			t.Errorf("got %v, Cauchy %v", got, want)
		}
		if want := 1 - math.Abs(x)/math.Sqrt(2+x*x); df == 2 && math.Abs(got-want) > 1e-13 {
			t.Errorf("got %v, in closed form %v", got, want)
		}
		// Simpson's rule over the density between -|t| and |t|.
		up, _ := math.Lgamma((df + 1) / 2)
		down, _ := math.Lgamma(df / 2)
		density := func(v float64) float64 {
			return math.Exp(up-down-(df+1)/2*math.Log1p(v*v/df)) / math.Sqrt(df*math.Pi)
		}
		const steps = 2000
		h, sum := math.Abs(x)/steps, 0.
		for i := range steps {
			at := float64(i) * h
			sum += h / 6 * (density(at) + 4*density(at+h/2) + density(at+h))
		}
		if want := 1 - 2*sum; math.Abs(got-want) > 1e-10 {
			t.Errorf("got %v, integrated %v", got, want)
		}
	})
}

func TestCorrectedTest(t *testing.T) {
	nan := math.NaN()
	// Mean .028, standard deviation .0234; t and P are those of SciPy 1.17.1, the
	// first ttest_1samp and the others with the variance multiplied by hand.
	folds := []float64{.03, .05, -.01, .04, .02, .06, .01, 0, .05, .03}
	for _, tc := range []struct {
		name        string
		differences []float64
		ratio, t, p float64
	}{
		{"uncorrected", folds, 0, 3.8501336875184875, 0.003905516709318552},
		{"five folds", folds, .25, 2.0579830217101063, 0.0697073753695526},
		{"ten folds", folds, 1. / 9, 2.6498437362654776, 0.02648298063553872},
		{"equal", []float64{0, 0, 0}, .25, 0, 1},
		{"equally better", []float64{.25, .25, .25}, .25, math.Inf(1), 0},
		{"equally worse", []float64{-.25, -.25}, .25, math.Inf(-1), 0},
		{"as often better as worse", []float64{-.25, .25}, .25, 0, 1},
		{"one", []float64{.1}, .25, nan, nan},
		{"none", nil, .25, nan, nan},
		{"one is defined", []float64{.1, nan, nan}, .25, nan, nan},
		{"unknown training", []float64{.1, .2}, math.Inf(1), nan, nan},
	} {
		if gotT, gotP := correctedTest(tc.differences, tc.ratio); !near(gotT, tc.t) || !near(gotP, tc.p) {
			t.Errorf("%s: t %v and P %v, want %v and %v", tc.name, gotT, gotP, tc.t, tc.p)
		}
	}
	a, b := correctedTest(append([]float64{nan}, folds...), .25)
	if c, d := correctedTest(folds, .25); a != c || b != d {
		t.Errorf("what is undefined counts: %v and %v, want %v and %v", a, b, c, d)
	}
}
