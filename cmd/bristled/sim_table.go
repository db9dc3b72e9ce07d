package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

func printResults(out io.Writer, res experiment.Results, asJSON bool) error {
	rows, err := simreport.Summary(res.Cells)
	if err != nil {
		return err
	}
	return printRows(out, rows, asJSON)
}

// printRows prints a summary as a table, or as a JSON list.
func printRows(out io.Writer, rows []simreport.Row, asJSON bool) error {
	if asJSON {
		return printJSON(out, rows)
	}
	names, wide := rowNames(rows)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%-*s  accuracy      worst peer  to 90%%  bytes\n", wide, "")
	seeds := 0
	for i, r := range rows {
		fmt.Fprintf(&b, "%-*s  %-13s       %.3f  %6s  %.0f%s\n", wide, names[i], mean(r), r.Worst, to90(r), r.BytesPerPeerRound, idle(r))
		seeds = max(seeds, r.Seeds)
	}
	fmt.Fprintf(&b, "(mean over honest peers and %s; bytes are what a peer sends in a round)\n", plural(seeds, "seed"))
	_, err := out.Write(b.Bytes())
	return err
}

// printPaper prints the rows of a figure beside what was published.
func printPaper(out io.Writer, b experiment.Bundled, rows []paperRow) error {
	plain := make([]simreport.Row, len(rows))
	for i, r := range rows {
		plain[i] = r.Row
	}
	names, wide := rowNames(plain)
	var text bytes.Buffer
	fmt.Fprintf(&text, "\n%s: %s\n", b.Figure, b.Title)
	fmt.Fprintf(&text, "  %-*s  accuracy       worst  to 90%%  bytes   published\n", wide, "")
	for i, r := range rows {
		var published []string
		for _, a := range r.Author {
			one := fmt.Sprintf("%s %.3f", a.Run, a.Mean)
			if a.Worst > 0 {
				one += fmt.Sprintf(" [%.3f]", a.Worst)
			}
			if a.IterationsTo90 > 0 {
				one += fmt.Sprintf(" (%d)", a.IterationsTo90)
			}
			published = append(published, one)
		}
		fmt.Fprintf(&text, "  %-*s  %-13s  %.3f  %6s  %6.0f  %s%s\n", wide, names[i], mean(r.Row), r.Worst, to90(r.Row),
			r.BytesPerPeerRound, cmp.Or(strings.Join(published, ", "), "-"), idle(r.Row))
	}
	_, err := out.Write(text.Bytes())
	return err
}

// rowNames names rows and says how wide the widest name is.
func rowNames(rows []simreport.Row) (names []string, wide int) {
	names = simreport.Names(rows)
	for _, n := range names {
		wide = max(wide, len([]rune(n)))
	}
	return names, wide
}

// mean is the mean accuracy and how far seeds lie apart, if there are several.
func mean(r simreport.Row) string {
	if r.Seeds == 1 {
		return fmt.Sprintf("%.3f", r.Mean)
	}
	return fmt.Sprintf("%.3f ± %.3f", r.Mean, r.SD)
}

func to90(r simreport.Row) string {
	if r.IterationsTo90 == 0 {
		return "-"
	}
	return strconv.Itoa(r.IterationsTo90)
}

// idle ends a line whose rule did not always work.
func idle(r simreport.Row) string {
	if note := r.IdleNote(); note != "" {
		return "  " + note
	}
	return ""
}
