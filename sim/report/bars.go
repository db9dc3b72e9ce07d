package report

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/figure"
)

// mostBars bounds the bars of one chart.
const mostBars = 60

// byteBars returns the bytes that a peer sends in a round under each rule, as
// the mean over all settings.
func byteBars(g *grid, groups []*group) []figure.Bar {
	list := make([]figure.Bar, 0, len(g.rules))
	for _, r := range g.rules {
		var values []float64
		for _, row := range groups {
			if row.Rule == r {
				values = append(values, row.BytesPerPeerRound)
			}
		}
		list = append(list, figure.Bar{Name: r, Value: mean(values)})
	}
	return list
}

// timeBars returns the time that one aggregation takes under each rule that
// was timed, as the median over all cells, which a busy machine hardly moves.
func timeBars(g *grid, cells []Cell, timings []Timing) []figure.Bar {
	rule := make(map[string]string, len(cells))
	for i := range cells {
		rule[cells[i].Key] = cells[i].Rule
	}
	values := map[string][]float64{}
	for _, t := range timings {
		if r, ok := rule[t.Key]; ok && t.RuleNanoseconds > 0 {
			values[r] = append(values[r], t.RuleNanoseconds)
		}
	}
	var list []figure.Bar
	for _, r := range g.rules {
		if v := values[r]; len(v) > 0 {
			list = append(list, figure.Bar{Name: r, Value: median(v)})
		}
	}
	return list
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}
