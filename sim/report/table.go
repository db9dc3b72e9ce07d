package report

import (
	"encoding/csv"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// kind is what a column holds.
type kind int

const (
	text  kind = iota
	count      // 0 or more
	seed       // any 64 bits
	real       // finite
)

// column is one column of a table. Its values are computed from a cell and the
// row's number within that cell, so that a table of millions of rows takes no
// memory. Which function is set follows from kind: whole serves count and seed.
type column struct {
	name  string
	kind  kind
	text  func(c *Cell) string
	whole func(c *Cell, i int) uint64
	real  func(c *Cell, i int) float64
}

// table is a list of columns over cells, and how many rows each cell has.
type table struct {
	columns []column
	cells   []Cell
	rows    func(c *Cell) int
}

// WriteCSV writes one row for every cell and seed, in the order given, after a
// head line. The columns are key, rule, attack, the labels in alphabetical
// order (without rule, attack and seed), seed, honest, liars, then mean,
// peer_sd and worst of the final accuracy over honest peers,
// bytes_per_peer_round, iterations_to_90 and idle. A label that a cell does not have
// is empty. Numbers have as many digits as it takes to read back the same
// float64.
func WriteCSV(w io.Writer, cells []Cell) error {
	if err := check(cells); err != nil {
		return err
	}
	return cellTable(cells).csv(w)
}

// WriteCurvesCSV writes one row for every cell, seed and iteration at which it
// was evaluated: key, rule, attack, labels and seed as in [WriteCSV], then
// iteration, and mean, peer_sd and worst over honest peers after it.
func WriteCurvesCSV(w io.Writer, cells []Cell) error {
	if err := check(cells); err != nil {
		return err
	}
	return curveTable(cells).csv(w)
}

func cellTable(cells []Cell) table {
	whole := func(name string, get func(c *Cell) int) column {
		return column{name: name, kind: count, whole: func(c *Cell, _ int) uint64 { return uint64(get(c)) }}
	}
	number := func(name string, get func(c *Cell) float64) column {
		return column{name: name, kind: real, real: func(c *Cell, _ int) float64 { return get(c) }}
	}
	return table{
		columns: append(nameColumns(cells),
			whole("honest", func(c *Cell) int { return c.Honest }),
			whole("liars", func(c *Cell) int { return c.Liars }),
			number("mean", func(c *Cell) float64 { return mean(c.Accuracy) }),
			number("peer_sd", func(c *Cell) float64 { return math.Sqrt(variance(c.Accuracy, len(c.Accuracy))) }),
			number("worst", func(c *Cell) float64 { return slices.Min(c.Accuracy) }),
			number("bytes_per_peer_round", func(c *Cell) float64 { return c.BytesPerPeerRound }),
			whole("iterations_to_90", func(c *Cell) int { return c.IterationsTo90 }),
			number("idle", func(c *Cell) float64 { return c.Idle }),
		),
		cells: cells,
		rows:  func(*Cell) int { return 1 },
	}
}

func curveTable(cells []Cell) table {
	curve := func(name string, get func(c *Cell) []float64) column {
		return column{name: name, kind: real, real: func(c *Cell, i int) float64 { return get(c)[i] }}
	}
	return table{
		columns: append(nameColumns(cells),
			column{name: "iteration", kind: count, whole: func(c *Cell, i int) uint64 { return uint64(c.Iterations[i]) }},
			curve("mean", func(c *Cell) []float64 { return c.Mean }),
			curve("peer_sd", func(c *Cell) []float64 { return c.SD }),
			curve("worst", func(c *Cell) []float64 { return c.Worst }),
		),
		cells: cells,
		rows:  func(c *Cell) int { return len(c.Iterations) },
	}
}

// columnNames are those of the columns that both tables may have beside the
// labels.
var columnNames = []string{
	"key", "rule", "attack", "seed", "honest", "liars", "iteration", "mean", "peer_sd", "worst",
	"bytes_per_peer_round", "iterations_to_90", "idle",
}

// nameColumns returns the columns that say which cell and seed a row is of.
func nameColumns(cells []Cell) []column {
	word := func(name string, get func(c *Cell) string) column {
		return column{name: name, kind: text, text: func(c *Cell) string { return strings.ToValidUTF8(get(c), "\uFFFD") }}
	}
	columns := []column{
		word("key", func(c *Cell) string { return c.Key }),
		word("rule", func(c *Cell) string { return c.Rule }),
		word("attack", func(c *Cell) string { return c.Attack }),
	}
	labels := map[string]bool{}
	for i := range cells {
		for k := range ownLabels(&cells[i]) {
			labels[k] = true
		}
	}
	used := map[string]bool{}
	for _, n := range columnNames {
		used[n] = true
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		// Two columns of one name would be one column to most readers.
		name := strings.ToValidUTF8(k, "\uFFFD")
		for used[name] {
			name = "label_" + name
		}
		used[name] = true
		columns = append(columns, word(name, func(c *Cell) string { return c.Labels[k] }))
	}
	return append(columns, column{name: "seed", kind: seed, whole: func(c *Cell, _ int) uint64 { return c.Seed }})
}

func (t table) csv(w io.Writer) error {
	out := csv.NewWriter(w)
	record := make([]string, len(t.columns))
	for i, c := range t.columns {
		record[i] = c.name
	}
	if err := out.Write(record); err != nil {
		return err
	}
	for i := range t.cells {
		cell := &t.cells[i]
		for row := range t.rows(cell) {
			for j, c := range t.columns {
				switch c.kind {
				case text:
					record[j] = c.text(cell)
				case real:
					record[j] = strconv.FormatFloat(c.real(cell, row), 'g', -1, 64)
				default:
					record[j] = strconv.FormatUint(c.whole(cell, row), 10)
				}
			}
			if err := out.Write(record); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}
