package bristled_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
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
