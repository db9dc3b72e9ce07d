package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/internal/figure"
)

// Figure is a picture that can be written in two formats.
type Figure struct {
	// Name is the stem of a file name, made of lower-case letters, digits and
	// hyphens; no two figures of a report share one.
	Name string
	// Title is what is written above it.
	Title string

	drawing *figure.Drawing
}

// WriteSVG writes the figure as a document of its own. It follows the reader's
// dark mode where the viewer knows it.
func (f Figure) WriteSVG(w io.Writer) error { return f.drawing.WriteSVG(w) }

// WritePNG writes the figure on white, two pixels to the unit.
func (f Figure) WritePNG(w io.Writer) error { return f.drawing.WritePNG(w) }

// mostCharts bounds the accuracy charts and, apart from them, the heat maps
// of a report. A sweep of thousands of settings has its table.
const mostCharts = 64

// Figures draws, in this order: the heat map of final accuracy by rule and
// setting (an attack and the labels beside it); accuracy over iterations for
// each setting with one line per rule, or with one line per setting where
// there is a single rule; bytes per peer and round by rule; and time per rule,
// if it was measured. Long lists are spread over several figures, and past 64 charts
// or 64 heat maps the rest is left out. No cells, no figures. Timings of
// unknown cells are ignored.
//
// The error is [ErrCell] as in [Summary].
func Figures(cells []Cell, timings []Timing) ([]Figure, error) {
	groups, err := gather(cells)
	if err != nil {
		return nil, err
	}
	if err := checkTimings(timings); err != nil {
		return nil, err
	}
	list, _ := drawAll(newGrid(groups), groups, cells, timings)
	return list, nil
}

// album collects figures and keeps their names apart.
type album struct {
	figures []Figure
	names   map[string]bool
}

func (a *album) add(name string, d *figure.Drawing) {
	stem := slug(name)
	name = stem
	for i := 2; a.names[name]; i++ {
		name = fmt.Sprintf("%s-%d", stem, i)
	}
	a.names[name] = true
	a.figures = append(a.figures, Figure{Name: name, Title: d.Title, drawing: d})
}

// drawAll draws all figures and returns how many charts were left out.
func drawAll(g *grid, groups []*group, cells []Cell, timings []Timing) (list []Figure, leftOut int) {
	if len(groups) == 0 {
		return nil, 0
	}
	a := &album{names: map[string]bool{}}
	leftOut = a.addHeatmaps(g) + a.addCurves(g)
	for i, part := range parts(byteBars(g, groups), mostBars) {
		title := "Bytes sent per peer and round" + of(i, len(g.rules), mostBars)
		a.add("bytes", figure.Bars(title, "mean over settings and seeds", part, figure.Bytes))
	}
	times := timeBars(g, cells, timings)
	for i, part := range parts(times, mostBars) {
		title := "Time of one aggregation" + of(i, len(times), mostBars)
		a.add("time", figure.Bars(title, "median over settings and seeds; differs between machines and runs", part, figure.Nanoseconds))
	}
	return a.figures, leftOut
}

func (a *album) addCurves(g *grid) (leftOut int) {
	type chart struct {
		name, title string
		lines       []curve
	}
	var charts []chart
	if len(g.rules) == 1 {
		c := chart{name: "accuracy", title: "Accuracy of " + g.rules[0]}
		for s, name := range g.settings {
			c.lines = append(c.lines, curve{name, g.at[place{s, 0}]})
		}
		charts = append(charts, c)
	} else {
		for s, name := range g.settings {
			c := chart{name: "accuracy " + name, title: "Accuracy: " + name}
			for r, rule := range g.rules {
				if row := g.at[place{s, r}]; row != nil {
					c.lines = append(c.lines, curve{rule, row})
				}
			}
			charts = append(charts, c)
		}
	}
	drawn := 0
	for _, c := range charts {
		for i, lines := range parts(c.lines, mostCurves) {
			if drawn == mostCharts {
				leftOut++
				continue
			}
			drawn++
			a.add(c.name, curves(c.title+of(i, len(c.lines), mostCurves), lines))
		}
	}
	return leftOut
}

func (a *album) addHeatmaps(g *grid) (leftOut int) {
	columns := parts(count0(len(g.settings)), mostColumns)
	rows := parts(count0(len(g.rules)), mostRows)
	for i, settings := range columns {
		for j, rules := range rows {
			n := i*len(rows) + j
			if n >= mostCharts {
				leftOut++
				continue
			}
			title := "Final accuracy"
			if all := len(rows) * len(columns); all > 1 {
				title += fmt.Sprintf(" (%d of %d)", n+1, all)
			}
			a.add("heatmap", heatmap(title, g, rules, settings))
		}
	}
	return leftOut
}

// count0 returns 0 to n-1.
func count0(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// parts cuts a list into as few parts of at most n as it takes, about equal in
// length.
func parts[T any](list []T, n int) [][]T {
	if len(list) == 0 {
		return nil
	}
	number := (len(list) + n - 1) / n
	return slices.Collect(slices.Chunk(list, (len(list)+number-1)/number))
}

// of returns what to add to the title of part i of a list of some length.
func of(i, length, n int) string {
	if length <= n {
		return ""
	}
	return fmt.Sprintf(" (%d of %d)", i+1, (length+n-1)/n)
}

// slug makes a file name's stem of any text.
func slug(s string) string {
	const most = 60
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if r < '0' || r > '9' && r < 'a' || r > 'z' {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteByte('-')
		}
		gap = false
		b.WriteRune(r)
		if b.Len() >= most {
			break
		}
	}
	return b.String()
}
