package experiment

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// plan is what a directory of results is of. Whoever works on it writes the same.
type plan struct {
	Name    string            `json:"name"`
	Title   string            `json:"title"`
	Note    string            `json:"note"`
	Version string            `json:"version"` // of the program
	Data    map[string]string `json:"data"`    // fingerprints by the JSON of the source
	Explain bool              `json:"explain"`
	Cells   []plannedCell     `json:"cells"`
}

// plannedCell is a cell with its labels and the names of its rule and attack, which
// belong to the file and not to what the cell showed.
type plannedCell struct {
	Key    string            `json:"key"`
	Labels map[string]string `json:"labels"`
	Rule   string            `json:"rule"`
	Attack string            `json:"attack"`
}

const (
	planFile       = "plan.json"
	experimentFile = "experiment.yaml"
	maxPlan        = 1 << 30
)

// ErrOther says that a directory holds results of other data or another version.
var ErrOther = errors.New("these results do not go together")

func readPlan(dir string) (plan, error) {
	var p plan
	b, err := readBounded(filepath.Join(dir, planFile), maxPlan)
	if err == nil {
		err = json.Unmarshal(b, &p)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("%w: %s has no %s: it is not a directory of results", fs.ErrNotExist, dir, planFile)
	}
	if err != nil {
		return p, fmt.Errorf("%s: %w", filepath.Join(dir, planFile), err)
	}
	for _, c := range p.Cells {
		if !isKey(c.Key) {
			return p, fmt.Errorf("%s: %.40q is no key of a cell", filepath.Join(dir, planFile), c.Key)
		}
	}
	return p, nil
}

// isKey reports whether a text is fit to be a file's name: as Cell.Key has it.
func isKey(key string) bool {
	if len(key) != 20 {
		return false
	}
	for i := range len(key) {
		if (key[i] < '0' || key[i] > '9') && (key[i] < 'a' || key[i] > 'f') {
			return false
		}
	}
	return true
}

// write writes the plan and the file that it comes from.
func (p plan) write(dir string, text []byte) error {
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, planFile), append(b, '\n')); err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, experimentFile), text)
}

// fits says whether results under another plan may stand beside those of this
// one. Cells may differ: keys tell.
func (p plan) fits(other plan, dir string) error {
	if p.Version != other.Version {
		return fmt.Errorf("%w: %s was made by version %s of the program and this is %s: use another directory", ErrOther, dir, other.Version, p.Version)
	}
	for _, source := range sorted(p.Data) {
		if sum, ok := other.Data[source]; ok && sum != p.Data[source] {
			return fmt.Errorf("%w: %s is of other data under the name %s: use another directory", ErrOther, dir, source)
		}
	}
	return nil
}

// strange reports whether another plan is of an experiment of another name without
// a cell of this one.
func (p plan) strange(other plan) bool {
	return p.Name != other.Name && !slices.ContainsFunc(p.Cells, func(c plannedCell) bool {
		return slices.ContainsFunc(other.Cells, func(o plannedCell) bool { return o.Key == c.Key })
	})
}

// same reports whether two plans are of the same cells.
func (p plan) same(other plan) bool {
	return slices.EqualFunc(p.Cells, other.Cells, func(a, b plannedCell) bool { return a.Key == b.Key })
}

func cellPath(dir, key string) string { return filepath.Join(dir, "cells", key+".json") }

// finished reports whether a cell's result is there.
func (p plan) finished(dir, key string) bool {
	if !exists(cellPath(dir, key)) {
		return false
	}
	if !p.Explain {
		return true
	}
	_, err := os.Stat(verdictsDir(dir, key))
	return err == nil
}

// readCell reads the result of a cell.
func readCell(dir string, c plannedCell) (Outcome, error) {
	var o Outcome
	path := cellPath(dir, c.Key)
	b, err := readBounded(path, maxPlan)
	if err == nil {
		// A power cut may leave an empty file.
		if err = json.Unmarshal(b, &o); err != nil {
			err = fmt.Errorf("it is damaged: remove it and go on with --resume: %w", err)
		}
	}
	if err == nil && o.Cell.Key != c.Key {
		err = fmt.Errorf("it is of the cell %.40q: remove it and go on with --resume", o.Cell.Key)
	}
	if err != nil {
		return o, fmt.Errorf("%s: %w", path, err)
	}
	o.Cell.Labels, o.Cell.Rule, o.Cell.Attack = c.Labels, cmp.Or(c.Rule, o.Cell.Rule), cmp.Or(c.Attack, o.Cell.Attack)
	return o, nil
}
