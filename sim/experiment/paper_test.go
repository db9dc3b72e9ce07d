package experiment

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// TestPaper checks every bundled file, that its cells can be run as far as that is
// known without the data, and that all published figures belong to one of them.
func TestPaper(t *testing.T) {
	all := must[[]Bundled](t)(Paper())
	if len(all) != 39 {
		t.Errorf("%d experiments, want 39", len(all))
	}
	type place struct{ figure, label, rule, attack string }
	found := map[place]bool{}
	total := 0
	for _, b := range all {
		if b.Title == "" || len(b.File.Seeds) != 3 {
			t.Errorf("%s: title %q, seeds %v", b.Figure, b.Title, b.File.Seeds)
		}
		cells, err := b.File.Cells()
		if err != nil {
			t.Errorf("%s: %v", b.Figure, err)
		}
		total += len(cells)
		for _, c := range cells {
			found[place{b.Figure, c.Labels["label"], c.ruleName(), c.attackName()}] = true
		}
	}
	t.Logf("%d cells", total)
	for _, p := range must[[]Published](t)(published()) {
		if !found[place{p.Figure, p.Case, p.Rule, p.Attack}] {
			t.Errorf("no cell is what was published as %+v", p)
		}
		if p.Mean < 0 || p.Mean > 1 || p.Worst > p.Mean {
			t.Errorf("accuracies of %+v", p)
		}
	}
	a := must[[]Published](t)(Author("4.3", "", "bristle", "flip-all"))
	if len(a) != 2 || a[0].Mean != .929 || a[1].Mean != .868 {
		t.Errorf("the author's Bristle in figure 4.3: %+v", a)
	}
	a = must[[]Published](t)(Author("plus-prototypes", "m=2, none", "bristle+ with prototypes", "none"))
	if len(a) != 1 || a[0].Mean != .935 || a[0].Worst != .81 {
		t.Errorf("bristle+ at m=2: %+v", a)
	}
}

// TestPaperFitsTheData: every cell of the bundled files gets its samples from the real
// data sets.
func TestPaperFitsTheData(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("there is no ../shared/data")
	}
	open := map[Source]*Data{}
	for _, b := range must[[]Bundled](t)(Paper()) {
		for _, c := range must[[]Cell](t)(b.File.Cells()) {
			s := c.Settings.Data
			if open[s] == nil {
				train, _, err := read(s, shared)
				if err != nil {
					t.Fatal(err)
				}
				d := &Data{manifest: &federation.Manifest{Classes: train.Classes}}
				for _, one := range train.Samples[:min(s.Train, len(train.Samples))] {
					d.pool.Labels = append(d.pool.Labels, one.Label)
					if one.Owner != "" {
						d.pool.Owners = append(d.pool.Owners, one.Owner)
					}
				}
				open[s] = d
			}
			if err := open[s].Check(c); err != nil {
				t.Errorf("%s: %v", b.Figure, err)
			}
		}
	}
}
