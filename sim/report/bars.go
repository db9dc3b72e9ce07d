package report

import (
	"slices"
	"strconv"
)

// bar is a named quantity, 0 or more.
type bar struct {
	name  string
	value float64
}

// Sizes of a bar chart.
const (
	barsWidth = 720
	barStep   = 26.0
	mostBars  = 60
)

// bars draws a horizontal bar for each quantity in the order given, with its
// value as print writes it.
func bars(title, under string, list []bar, print func(float64) string) *drawing {
	d := &drawing{width: barsWidth}
	top := d.head(title, under)
	d.height = top + barStep*float64(len(list)) + margin
	left, room, most := 0.0, 0.0, 0.0
	for _, b := range list {
		left = max(left, min(nameRoom, width(b.name, letters, false)))
		room = max(room, width(print(b.value), letters, false))
		most = max(most, b.value)
	}
	left += margin + 10
	x := scale{0, most, left, barsWidth - margin - room - 8}
	for i, b := range list {
		y := top + barStep*float64(i)
		d.write(dark, letters, end, left-10, y+17, fit(b.name, letters, false, nameRoom))
		tip := left
		if most > 0 {
			tip = x.at(b.value)
			d.rect(palette[0], left, y+4, tip-left, barStep-8)
		}
		d.write(dark, letters, start, tip+8, y+17, print(b.value))
	}
	d.line(faint, 1, point{left, top}, point{left, top + barStep*float64(len(list))})
	return d
}

// byteBars returns the bytes that a peer sends in a round under each rule, as
// the mean over all settings.
func byteBars(g *grid, groups []*group) []bar {
	list := make([]bar, 0, len(g.rules))
	for _, r := range g.rules {
		var values []float64
		for _, row := range groups {
			if row.Rule == r {
				values = append(values, row.BytesPerPeerRound)
			}
		}
		list = append(list, bar{r, mean(values)})
	}
	return list
}

// timeBars returns the time that one aggregation takes under each rule that
// was timed, as the median over all cells, which a busy machine hardly moves.
func timeBars(g *grid, cells []Cell, timings []Timing) []bar {
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
	var list []bar
	for _, r := range g.rules {
		if v := values[r]; len(v) > 0 {
			list = append(list, bar{r, median(v)})
		}
	}
	return list
}

func median(x []float64) float64 {
	s := slices.Sorted(slices.Values(x))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

func printBytes(v float64) string { return inUnits(v, 1000, "B", "kB", "MB", "GB", "TB") }

func printNanoseconds(v float64) string { return inUnits(v, 1000, "ns", "µs", "ms", "s") }

// inUnits writes v with three digits or so in the greatest unit of which it has
// at least one. Each unit is by times the one before it.
func inUnits(v, by float64, units ...string) string {
	i := 0
	for v >= by-.5 && i < len(units)-1 {
		v /= by
		i++
	}
	digits := 0
	switch {
	case v == 0:
	case v < 9.995:
		digits = 2
	case v < 99.95:
		digits = 1
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + " " + units[i]
}
