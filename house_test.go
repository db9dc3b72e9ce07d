// Package bristled_test guards the shape of the house.
package bristled_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/bristle-fl/bristled"

// arrows says which rooms each room may know, beside its own inner packages.
// An arrow may only point down: a room stands above every room it knows, so
// the table must have no cycle, and a new arrow is a decision about the
// design, taken here.
var arrows = map[string][]string{
	"cmd/bristled": {"site", "sim", "node", "p2p", "store", "aggregation", "learner", "learner/finetune", "learner/evaluation", "learner/cohort",
		"learner/quant", "learner/nn", "learner/data", "federation", "internal/kernel", "internal/wholefile"},
	"site":               {"learner/finetune", "learner/evaluation", "learner/nn", "learner/data", "internal/figure", "internal/wholefile"},
	"sim":                {"node", "p2p", "store", "aggregation", "learner", "learner/cohort", "learner/data", "federation", "internal/kernel", "internal/figure", "internal/wholefile"},
	"node":               {"store", "aggregation", "learner", "federation"},
	"p2p":                {"federation", "internal/cputime"},
	"store":              {"federation"},
	"aggregation":        {"federation", "internal/kernel"},
	"learner":            {"learner/quant", "learner/nn", "learner/data", "federation", "internal/kernel"},
	"learner/finetune":   {"learner/quant", "learner/nn", "learner/data", "internal/wholefile"},
	"learner/evaluation": {},
	"learner/cohort":     {"learner/data"},
	"learner/quant":      {"learner/nn"},
	"learner/nn":         {"internal/kernel", "internal/cputime"},
	"learner/data":       {"learner/nn"}, // its reader of NumPy files
	"federation":         {},
	"internal/kernel":    {},
	"internal/figure":    {},
	"internal/wholefile": {},
	"internal/cputime":   {},
}

// fromOutside lists libraries that only one room may know.
var fromOutside = map[string]string{
	"github.com/spf13/viper":      "cmd/bristled",
	"github.com/spf13/cobra":      "cmd/bristled",
	"github.com/libp2p/":          "p2p",
	"github.com/dgraph-io/badger": "store",
}

func TestArrowsPointDown(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			if d != nil && d.IsDir() && file != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || file == "deploy") {
				return filepath.SkipDir
			}
			return err
		}
		room := room(path.Dir(filepath.ToSlash(file)))
		if room == "." {
			return nil // this test
		}
		seen[room] = true
		if _, ok := arrows[room]; !ok {
			t.Errorf("%s: the house has no room %q; see the table in house_test.go", file, room)
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range parsed.Imports {
			p, err := strconv.Unquote(imp.Path.Value)
			if err != nil {
				return err
			}
			check(t, file, room, p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for r, known := range arrows {
		if !seen[r] {
			t.Errorf("the room %s is empty", r)
		}
		for _, to := range known {
			if !walked[[2]string{r, to}] {
				t.Errorf("%s may know %s and does not: take the arrow out of the table", r, to)
			}
		}
	}
}

// walked holds the arrows that some file goes along.
var walked = map[[2]string]bool{}

func check(t *testing.T, file, from, imported string) {
	if to, ours := strings.CutPrefix(imported, module+"/"); ours {
		to = room(to)
		walked[[2]string{from, to}] = true
		if to != from && !slices.Contains(arrows[from], to) {
			t.Errorf("%s: %s may not know %s", file, from, to)
		}
	}
	for lib, owner := range fromOutside {
		if strings.HasPrefix(imported, lib) && from != owner {
			t.Errorf("%s: only %s may know %s", file, owner, imported)
		}
	}
}

// room returns the longest known room that dir is in or below.
func room(dir string) string {
	for r := dir; r != "." && r != "/"; r = path.Dir(r) {
		if _, ok := arrows[r]; ok {
			return r
		}
	}
	return dir
}

// TestHouseHasNoCycle keeps the table itself honest.
func TestHouseHasNoCycle(t *testing.T) {
	var visit func(r string, trail []string)
	visit = func(r string, trail []string) {
		if slices.Contains(trail, r) {
			t.Fatalf("the arrows run in a circle: %s", strings.Join(append(trail, r), " -> "))
		}
		for _, to := range arrows[r] {
			visit(to, append(trail, r))
		}
	}
	for r := range arrows {
		visit(r, nil)
	}
}
