package bristled_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
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

// TestPlanOfTheHospitalPage: the plan that docs/hospital.md shows can be used.
func TestPlanOfTheHospitalPage(t *testing.T) {
	b, err := os.ReadFile("docs/hospital.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "```json\n")
	text, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("there is no plan")
	}
	var plans []finetune.Plan
	if err := json.Unmarshal([]byte(text), &plans); err != nil || len(plans) != 1 {
		t.Fatalf("%d plans, %v", len(plans), err)
	}
	net, err := zoo.New("resnet18", zoo.Options{Height: 64, Width: 64})
	if err != nil {
		t.Fatal(err)
	}
	if net, err = finetune.ReplaceHead(net, 2, nil, 1); err != nil {
		t.Fatal(err)
	}
	if err := plans[0].Check(net); err != nil {
		t.Error(err)
	}
}
