package aggregation

import (
	"cmp"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// scorer turns F1 scores into certainties and weights (docs/bristle.md, a3).
// The rules of the Bristle family share it.
type scorer struct {
	phi           int     // classes that certainty looks at
	theta         float64 // factor of differences of F1
	w1, w2, scale float64 // w1/(1+e^(-score/scale)) - w2
	chosen        []int
}

func scorerConstants() []Constant {
	return []Constant{
		{Name: "phi", Default: 3, Min: 1, Max: 65536, Whole: true,
			Doc: "number of best classes that certainty is computed from"},
		{Name: "theta", Default: 10, Min: 0, Max: 100,
			Doc: "factor of a difference of F1 before it is raised to a power"},
		{Name: "scale", Default: 100, Min: 0.01, Max: 1e6,
			Doc: "scores are divided by it in the exponent of the weight"},
		{Name: "w1", Default: 10, Min: 0, Max: 1000,
			Doc: "the weight of a score is w1/(1+exp(-score/scale)) - w2, at least 0"},
		{Name: "w2", Default: 4, Min: 0, Max: 1000,
			Doc: "see w1; with 10 and 4 a peer as good as us weighs 1, a much better one 6"},
	}
}

func newScorer(v values) scorer {
	return scorer{phi: v.whole("phi"), theta: v["theta"], w1: v["w1"], w2: v["w2"], scale: v["scale"]}
}

// weight returns max(0, w1/(1+e^(-score/scale)) - w2).
func (s *scorer) weight(score float64) float64 {
	return max(0, s.w1/(1+kernel.Exp64(-score/s.scale))-s.w2)
}

// best returns, ascending, the phi classes of the given ones with the best
// scores; the lower class wins a tie. It is valid until the next call.
func (s *scorer) best(f1 []float64, classes []int) []int {
	s.chosen = append(s.chosen[:0], classes...)
	if len(classes) > s.phi {
		slices.SortFunc(s.chosen, func(a, b int) int {
			return cmp.Or(cmp.Compare(f1[b], f1[a]), cmp.Compare(a, b))
		})
		s.chosen = s.chosen[:s.phi]
		slices.Sort(s.chosen)
	}
	return s.chosen
}

// certainty returns max(0, mean - standard deviation) of the scores of the
// given classes, the deviation being that of the population; 0 without
// classes.
func certainty(f1 []float64, classes []int) float64 {
	if len(classes) == 0 {
		return 0
	}
	n, sum := float64(len(classes)), 0.0
	for _, c := range classes {
		sum += f1[c]
	}
	mean, squares := sum/n, 0.0
	for _, c := range classes {
		d := f1[c] - mean
		squares += float64(d * d)
	}
	return max(0, mean-math.Sqrt(squares/n))
}
