package experiment

import (
	"bytes"
	"embed"
	"encoding/csv"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed paper
var bundle embed.FS

// Bundled is an experiment that is in the program.
type Bundled struct {
	// Figure is its number as Bristle's author has it (docs/bristle.md, the
	// experiments); the tables of bristle+ begin with plus.
	Figure string
	Title  string
	File   *File
}

// Paper returns every figure of the Bristle paper's experiments and every table of
// those behind bristle+, in the order of their names.
func Paper() ([]Bundled, error) {
	entries, err := bundle.ReadDir("paper")
	if err != nil {
		return nil, err
	}
	var all []Bundled
	for _, e := range entries {
		figure, ok := strings.CutSuffix(e.Name(), ".yaml")
		if !ok {
			continue
		}
		b, err := bundle.ReadFile("paper/" + e.Name())
		if err != nil {
			return nil, err
		}
		f, err := Parse(b)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", figure, err)
		}
		f.Name = figure
		all = append(all, Bundled{figure, f.Title, f})
	}
	return all, nil
}

// Published is an accuracy that somebody reported.
type Published struct {
	Figure string `json:"figure"`
	Case   string `json:"case,omitempty"` // the label, where a figure has several
	Rule   string `json:"rule"`
	Attack string `json:"attack"`
	// Run names who measured it: A and B are campaigns of Bristle's author, with
	// 10 and 2 training samples per class and peer, on 100 test images; bristle+
	// is the study that chose that rule, on all of MNIST's.
	Run   string  `json:"run"`
	Mean  float64 `json:"mean"`
	Worst float64 `json:"worst,omitempty"` // peer; 0 where it was not reported
	// IterationsTo90 is 0 where it was not reported or never reached.
	IterationsTo90 int `json:"iterations_to_90,omitempty"`
}

// published reads the table once. Its columns are those of Published.
var published = sync.OnceValues(func() ([]Published, error) {
	b, err := bundle.ReadFile("paper/author.csv")
	if err != nil {
		return nil, err
	}
	lines, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		return nil, err
	}
	all := make([]Published, len(lines)-1)
	for i, l := range lines[1:] {
		p := Published{Figure: l[0], Case: l[1], Rule: l[2], Attack: l[3], Run: l[4]}
		if p.Mean, err = strconv.ParseFloat(l[5], 64); err != nil {
			return nil, fmt.Errorf("author.csv, line %d: %w", i+2, err)
		}
		if l[6] != "" {
			if p.Worst, err = strconv.ParseFloat(l[6], 64); err != nil {
				return nil, fmt.Errorf("author.csv, line %d: %w", i+2, err)
			}
		}
		if l[7] != "" {
			if p.IterationsTo90, err = strconv.Atoi(l[7]); err != nil {
				return nil, fmt.Errorf("author.csv, line %d: %w", i+2, err)
			}
		}
		all[i] = p
	}
	return all, nil
})

// Author returns what was published of a cell of a bundled experiment: its figure,
// the label "label" of its case or nothing, its rule and its attack, as in
// report.Cell. There may be several runs, or none.
func Author(figure, label, rule, attack string) ([]Published, error) {
	all, err := published()
	if err != nil {
		return nil, err
	}
	var found []Published
	for _, p := range all {
		if p.Figure == figure && p.Case == label && p.Rule == rule && p.Attack == attack {
			found = append(found, p)
		}
	}
	return slices.Clip(found), nil
}
