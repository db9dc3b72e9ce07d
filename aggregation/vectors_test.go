package aggregation

import (
	"math"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// The worked vectors of docs/bristle.md, a3, to the digits that it prints.

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-4*max(1, math.Abs(want)) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestUnitVectorScores(t *testing.T) {
	own, peer := []float64{0.7, 1.0, 0.0}, []float64{1.0, 0.7, 0.6}
	near(t, "certainty", certainty(peer, []int{0, 1, 2}), 0.5967)
	for name, want := range map[string][3]float64{
		"bristle":       {58.257, -243, 216},
		"bristle:paper": {27, math.Inf(-1), 216},
	} {
		r := defaults(t, name, nil).(*bristle)
		sum := 0.0
		for c := range own {
			got := r.score(peer[c], own[c])
			sum += got
			if math.IsInf(want[c], -1) {
				if got != want[c] {
					t.Errorf("%s: score %d is %v, want -Inf", name, c, got)
				}
				continue
			}
			// Three decimals are printed there.
			if math.Abs(got-want[c]) > 5e-4 {
				t.Errorf("%s: score %d is %v, want %v", name, c, got, want[c])
			}
		}
		if name == "bristle" && math.Abs(sum-31.257) > 5e-4 {
			t.Errorf("the sum is %v, want 31.257", sum)
		}
	}
}

func TestUnitVectorWeights(t *testing.T) {
	for name, want := range map[string][4]float64{
		"bristle":       {1.4420, 0, 2.9632, 1.0592},
		"bristle:paper": {0.9970, 0, 2.9632, 0},
	} {
		own := noisyHead(random(1), 4, 8)
		probe := table{{0.7, 1.0, 0.0, 0}, {1.0, 0.7, 0.6, 0}}
		result := integrate(t, defaults(t, name, nil), Input{
			Own: own, Familiar: []int{0, 1, 2}, Probe: probe, Rand: random(1),
			Updates: []*federation.Update{whole(0, noisyHead(random(2), 4, 8), 0, 1, 2)},
		})
		v := result.Verdicts[0]
		near(t, name+": certainty", v.Certainty, 0.5967)
		for c, w := range want {
			if math.Abs(v.Weights[c]-w) > 5.1e-5 {
				t.Errorf("%s: weight of class %d is %v, want %v", name, c, v.Weights[c], w)
			}
		}
	}
}

// 10/(1+e^(-(10d)^3/100)) - 4 over the differences of F1, through the score of
// bristle:paper and through the familiar weight of bristle+.
func TestUnitVectorWeightFunction(t *testing.T) {
	differences := []float64{0, .1, .2, .3, .4, .5, .6, .8, 1}
	want := []float64{1, 1.025, 1.200, 1.671, 2.548, 3.773, 4.966, 5.941, 6.000}
	paper := defaults(t, "bristle:paper", nil).(*bristle)
	plus := defaults(t, "bristle+", nil)
	for i, d := range differences {
		got := paper.weight(paper.score(d, 0))
		if math.Abs(got-want[i]) > 5.1e-4 {
			t.Errorf("the weight of a difference of %v is %v, want %v", d, got, want[i])
		}
		// One class is familiar and claimed: the certainty is its F1.
		own := noisyHead(random(1), 2, 8)
		result := integrate(t, plus, Input{
			Own: own, Familiar: []int{0}, Probe: table{{1 - d, 0}, {1, 0}}, Rand: random(1),
			Updates: []*federation.Update{claimed(0, own, 0)},
		})
		if got := result.Verdicts[0].Weights[0]; math.Abs(got-want[i]) > 5.1e-4 {
			t.Errorf("bristle+: the weight of a difference of %v is %v, want %v", d, got, want[i])
		}
	}
}
