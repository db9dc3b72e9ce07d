package bristled_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// TestRulesAreDocumented keeps the tables of docs/rules.md equal to the code.
func TestRulesAreDocumented(t *testing.T) {
	b, err := os.ReadFile("docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range aggregation.Rules() {
		want := fmt.Sprintf("## %s\n", r.Name)
		if !strings.Contains(string(b), want) {
			t.Errorf("docs/rules.md lacks the heading %q", want)
		}
		for _, c := range r.Constants {
			kind := ""
			if c.Whole {
				kind = ", whole"
			}
			row := fmt.Sprintf("| %s | %v | %v to %v%s | %s |\n", c.Name, c.Default, c.Min, c.Max, kind, c.Doc)
			if _, section, _ := strings.Cut(string(b), want); !strings.Contains(strings.SplitN(section, "\n## ", 2)[0], row) {
				t.Errorf("docs/rules.md, %s: this row is missing:\n%s", r.Name, row)
			}
		}
	}
}

// TestEverythingIsListed: each rule, filter and attack has its line in the pages
// that list them, and each key of an experiment file its own.
func TestEverythingIsListed(t *testing.T) {
	page := func(name string) string {
		b, err := os.ReadFile("docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	aggregators, attacks := page("aggregators.md"), page("attacks.md")
	for _, infos := range [][]aggregation.Info{aggregation.Rules(), aggregation.Filters()} {
		for _, r := range infos {
			if r.Name != "local" && !strings.Contains(aggregators, "`"+r.Name+"`") {
				t.Errorf("docs/aggregators.md does not mention %s", r.Name)
			}
		}
	}
	for _, a := range attack.List() {
		if !strings.Contains(attacks, "`"+a.Name) {
			t.Errorf("docs/attacks.md does not mention %s", a.Name)
		}
	}
}
