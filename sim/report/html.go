package report

import (
	"bytes"
	_ "embed" // for the template
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bristle-fl/bristled/internal/figure"
)

// Page is all that the HTML report shows.
type Page struct {
	// Title of the page and a few words, optional, on what was run and why.
	Title, Note string
	Cells       []Cell
	Timings     []Timing // optional
	About       About
}

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageText))
})

// view is a page as the template wants it.
type view struct {
	Title, Note, Run string
	Style            template.CSS
	Rules            []string
	Settings         []settingView
	Seeds            int  // of most rows
	Idle             bool // whether some rule was
	Figures          []template.HTML
	LeftOut          int
	Times            []timeView
	About            []fact
	FileText         string
}

type settingView struct {
	Name string
	Rows []rowView // one for each rule
}

// rowView is a place of the table; Mean is empty where nothing was run.
type rowView struct {
	Mean, SD, Worst, To90 string
	Seeds                 int // if other than of most rows
	Best                  bool
	Idle                  string // empty if the rule always worked
}

type timeView struct {
	Rule, Seconds, Aggregation string
	Cells                      int
}

type fact struct{ Name, Value string }

// WriteHTML writes a report of one file that reads without a network, scripts
// or fonts: the table of [Summary], the figures of [Figures], timings, and what
// is known of where the results come from. Without cells it says that nothing
// has run yet. The error is [ErrCell] as in [Summary].
func WriteHTML(w io.Writer, p Page) error {
	groups, err := gather(p.Cells)
	if err != nil {
		return err
	}
	if err := checkTimings(p.Timings); err != nil {
		return err
	}
	g := newGrid(groups)
	v := view{
		Title:    printable(p.Title),
		Note:     printable(strings.Join(strings.Fields(p.Note), " ")),
		Run:      sayRun(g, groups, p.Cells),
		Style:    figure.Style,
		Seeds:    usualSeeds(groups),
		Times:    viewTimes(g, p.Cells, p.Timings),
		About:    p.About.facts(),
		FileText: p.About.FileText,
	}
	for _, r := range g.rules {
		v.Rules = append(v.Rules, printable(r))
	}
	v.Settings = viewSettings(g, v.Seeds)
	v.Idle = slices.ContainsFunc(groups, func(g *group) bool { return g.Idle > 0 })
	figures, leftOut := drawAll(g, groups, p.Cells, p.Timings)
	v.LeftOut = leftOut
	for _, f := range figures {
		var b bytes.Buffer
		if err := f.drawing.WriteInline(&b); err != nil {
			return err
		}
		v.Figures = append(v.Figures, template.HTML(b.String()))
	}
	return pageTemplate().Execute(w, v)
}

// viewSettings lays the table out, the best mean of each setting marked.
func viewSettings(g *grid, usual int) []settingView {
	list := make([]settingView, len(g.settings))
	for s, name := range g.settings {
		list[s] = settingView{Name: name, Rows: make([]rowView, len(g.rules))}
		best := -1.0
		for r := range g.rules {
			if row := g.at[place{s, r}]; row != nil {
				best = max(best, row.Mean)
			}
		}
		for r := range g.rules {
			row := g.at[place{s, r}]
			if row == nil {
				continue
			}
			v := rowView{Mean: thousandths(row.Mean), Worst: thousandths(row.Worst), To90: "–", Best: row.Mean == best && len(g.rules) > 1, Idle: row.IdleNote()}
			if row.Seeds > 1 {
				v.SD = thousandths(row.SD)
			}
			if row.Seeds != usual {
				v.Seeds = row.Seeds
			}
			if row.IterationsTo90 > 0 {
				v.To90 = strconv.Itoa(row.IterationsTo90)
			}
			list[s].Rows[r] = v
		}
	}
	return list
}

func thousandths(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }

// usualSeeds returns the number of seeds that most rows have.
func usualSeeds(groups []*group) int {
	rows := map[int]int{}
	usual := 0
	for _, g := range groups {
		n := g.Seeds
		if rows[n]++; rows[n] > rows[usual] || rows[n] == rows[usual] && n > usual {
			usual = n
		}
	}
	return usual
}

// sayRun says in a sentence how much was run.
func sayRun(g *grid, groups []*group, cells []Cell) string {
	if len(cells) == 0 {
		return ""
	}
	honest := make([]int, len(groups))
	liars := make([]int, len(groups))
	for i, row := range groups {
		honest[i], liars[i] = row.Honest, row.Liars
	}
	span := func(x []int) string {
		if lo, hi := slices.Min(x), slices.Max(x); lo != hi {
			return fmt.Sprintf("%d to %d", lo, hi)
		}
		return strconv.Itoa(x[0])
	}
	plural := func(n int, one string) string {
		if n == 1 {
			return "1 " + one
		}
		return strconv.Itoa(n) + " " + one + "s"
	}
	return fmt.Sprintf("%s over all seeds: %s by %s. Honest peers: %s. Liars: %s.",
		plural(len(cells), "run"), plural(len(g.rules), "rule"), plural(len(g.settings), "setting"), span(honest), span(liars))
}

// viewTimes returns a line for each rule of which some cell was timed.
func viewTimes(g *grid, cells []Cell, timings []Timing) []timeView {
	rule := make(map[string]string, len(cells))
	for i := range cells {
		rule[cells[i].Key] = cells[i].Rule
	}
	seconds, number := map[string]float64{}, map[string]int{}
	for _, t := range timings {
		if r, ok := rule[t.Key]; ok {
			seconds[r] += t.Seconds
			number[r]++
		}
	}
	aggregation := map[string]string{}
	for _, b := range timeBars(g, cells, timings) {
		aggregation[b.Name] = figure.Nanoseconds(b.Value)
	}
	var list []timeView
	for _, r := range g.rules {
		if number[r] == 0 {
			continue
		}
		v := timeView{Rule: printable(r), Cells: number[r], Seconds: strconv.FormatFloat(seconds[r], 'f', 1, 64), Aggregation: "–"}
		if a, ok := aggregation[r]; ok {
			v.Aggregation = a
		}
		list = append(list, v)
	}
	return list
}

// facts lists what is known.
func (a About) facts() []fact {
	seeds := make([]string, len(a.Seeds))
	for i, s := range a.Seeds {
		seeds[i] = strconv.FormatUint(s, 10)
	}
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	var known []fact
	for _, f := range []fact{
		{"Version", a.Version},
		{"Commit", a.Commit},
		{"Experiment file", a.File},
		{"Seeds", strings.Join(seeds, ", ")},
		{"Machine", a.Machine},
		{"Started", moment(a.Started)},
		{"Finished", moment(a.Finished)},
	} {
		if f.Value = printable(f.Value); f.Value != "" {
			known = append(known, f)
		}
	}
	return known
}
