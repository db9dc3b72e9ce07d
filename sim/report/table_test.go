package report

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

func TestCSVByHand(t *testing.T) {
	a, b := small("a", 1), small("b", 2)
	a.Idle = .25
	a.Labels = map[string]string{"rule": "mean", "seed": "1", "k": "3", "mean": "x,y"}
	var got strings.Builder
	if err := WriteCSV(&got, []Cell{a, b}); err != nil {
		t.Fatal(err)
	}
	want := `key,rule,attack,k,m,label_mean,seed,honest,liars,mean,peer_sd,worst,bytes_per_peer_round,iterations_to_90,idle
a,mean,none,3,,"x,y",1,2,1,0.7,0.10000000000000003,0.6,1000,0,0.25
b,mean,none,,5,,2,2,1,0.7,0.10000000000000003,0.6,1000,0,0
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
	got.Reset()
	if err := WriteCurvesCSV(&got, []Cell{b}); err != nil {
		t.Fatal(err)
	}
	want = `key,rule,attack,m,seed,iteration,mean,peer_sd,worst
b,mean,none,5,2,10,0.5,0.1,0.4
b,mean,none,5,2,20,0.7,0.1,0.6
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}
}

// record is what a reader must find in a row, all written as text.
func (t table) record(c *Cell, row int) []string {
	var r []string
	for _, col := range t.columns {
		switch col.kind {
		case text:
			r = append(r, col.text(c))
		case real:
			r = append(r, strconv.FormatFloat(col.real(c, row), 'g', -1, 64))
		default:
			r = append(r, strconv.FormatUint(col.whole(c, row), 10))
		}
	}
	return r
}

// tables are the two tables with their writers.
func tables(cells []Cell) []struct {
	table        table
	csv, parquet func(io.Writer, []Cell) error
} {
	return []struct {
		table        table
		csv, parquet func(io.Writer, []Cell) error
	}{
		{cellTable(cells), WriteCSV, WriteParquet},
		{curveTable(cells), WriteCurvesCSV, WriteCurvesParquet},
	}
}

func TestCSVRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := drawCells(t)
		for _, f := range tables(cells) {
			var b bytes.Buffer
			if err := f.csv(&b, cells); err != nil {
				t.Fatal(err)
			}
			rows, err := csv.NewReader(&b).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			rows = rows[1:]
			for i := range cells {
				for row := range f.table.rows(&cells[i]) {
					for j, want := range f.table.record(&cells[i], row) {
						// The reader takes "\r\n" for "\n".
						if got := rows[0][j]; got != strings.ReplaceAll(want, "\r\n", "\n") {
							t.Fatalf("column %q of cell %d: got %q, want %q", f.table.columns[j].name, i, got, want)
						}
					}
					rows = rows[1:]
				}
			}
			if len(rows) > 0 {
				t.Fatalf("%d rows too many", len(rows))
			}
		}
	})
}

func TestParquetRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := drawCells(t)
		for _, f := range tables(cells) {
			var b bytes.Buffer
			if err := f.parquet(&b, cells); err != nil {
				t.Fatal(err)
			}
			readBack(t, f.table, cells, b.Bytes())
		}
	})
}

// TestParquetRowGroups writes more rows than one group holds, and more names
// than a byte can count.
func TestParquetRowGroups(t *testing.T) {
	cells := make([]Cell, 700)
	const points = 200
	for i := range cells {
		c := small("k"+strconv.Itoa(i), uint64(i))
		c.Rule = "rule " + strconv.Itoa(i/2)
		c.Iterations, c.Mean = make([]int, points), make([]float64, points)
		for p := range points {
			c.Iterations[p], c.Mean[p] = p, float64(p)/points
		}
		c.Worst, c.SD = c.Mean, c.Mean
		cells[i] = c
	}
	for _, f := range tables(cells) {
		var b bytes.Buffer
		if err := f.parquet(&b, cells); err != nil {
			t.Fatal(err)
		}
		file := readBack(t, f.table, cells, b.Bytes())
		want := (len(cells)*f.table.rows(&cells[0]) + groupRows - 1) / groupRows
		if got := len(file.RowGroups()); got != want {
			t.Errorf("%d row groups, want %d", got, want)
		}
	}
}

// readBack reads a file with another implementation and compares.
func readBack(t interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, want table, cells []Cell, data []byte) *parquet.File {
	file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for i := range cells {
		total += want.rows(&cells[i])
	}
	if got := file.NumRows(); got != int64(total) {
		t.Fatalf("%d rows, want %d", got, total)
	}
	elements := file.Metadata().Schema[1:]
	for j, c := range want.columns {
		if elements[j].Name != c.name {
			t.Fatalf("column %d is %q, want %q", j, elements[j].Name, c.name)
		}
		var got []parquet.Value
		for _, g := range file.RowGroups() {
			pages := g.ColumnChunks()[j].Pages()
			for {
				page, err := pages.ReadPage()
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatalf("column %q: %v", c.name, err)
				}
				values := make([]parquet.Value, page.NumValues())
				if n, err := page.Values().ReadValues(values); n != len(values) || err != nil && !errors.Is(err, io.EOF) {
					t.Fatalf("column %q: %d of %d values: %v", c.name, n, len(values), err)
				}
				for _, v := range values {
					got = append(got, v.Clone())
				}
			}
			if err := pages.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if len(got) != total {
			t.Fatalf("column %q has %d values, want %d", c.name, len(got), total)
		}
		for i := range cells {
			cell := &cells[i]
			for row := range want.rows(cell) {
				v := got[0]
				got = got[1:]
				var same bool
				switch c.kind {
				case text:
					same = string(v.ByteArray()) == c.text(cell)
				case real:
					same = v.Double() == c.real(cell, row)
				default:
					same = v.Uint64() == c.whole(cell, row)
				}
				if !same {
					t.Fatalf("column %q, cell %d, row %d: got %v", c.name, i, row, v)
				}
			}
		}
	}
	return file
}

func TestEmptyTables(t *testing.T) {
	for _, f := range tables(nil) {
		var b bytes.Buffer
		if err := f.csv(&b, nil); err != nil {
			t.Fatal(err)
		}
		if strings.Count(b.String(), "\n") != 1 || !strings.HasPrefix(b.String(), "key,rule,attack,seed,") {
			t.Errorf("got %q, want the head line alone", b.String())
		}
		b.Reset()
		if err := f.parquet(&b, nil); err != nil {
			t.Fatal(err)
		}
		readBack(t, f.table, nil, b.Bytes())
	}
}
