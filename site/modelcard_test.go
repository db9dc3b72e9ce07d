package site

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGoldenCard(t *testing.T) {
	golden(t, "card.md", []byte(ModelCard(brief(2))))
}

// headings are those of Mitchell et al. (2019).
var headings = []string{
	"Model details", "Intended use", "Factors", "Metrics", "Evaluation data", "Training data", "Quantitative analyses", "Ethical considerations",
	"Caveats and recommendations",
}

func TestAnyCard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { wholesome(t, ModelCard(drawResults(t))) })
}

func TestHostileCard(t *testing.T) {
	for _, evil := range []string{
		"<script>alert(1)</script>", "a\n\n## Heading", "[x](javascript:alert(1))", "![x](http://example.org/x.png)", "a | b", "`code", "**bold** _it_ ~s~", "&lt;b&gt;",
		"- item", "1. item", "12) item", "+ item", "==", "---", "> quote", "\\", "http://example.org", "www.example.org", "    code", "\u202egnp.exe\x00", "$x$", "a@example.org",
	} {
		r := brief(2)
		list := []string{evil, evil}
		r.Title, r.Version, r.Commit = evil, evil, evil
		r.Data.Source, r.Data.Classes, r.Data.Sizes, r.Data.Notes = evil, list, list, list
		r.Data.Splits = []Split{{evil, 1, 1}}
		r.Backbone = Backbone{File: evil, SHA256: evil, Groups: list, Pretrained: evil}
		r.Final = Final{evil, evil, evil, evil}
		for i := range r.Arms {
			r.Arms[i].Name, r.Arms[i].About, r.Arms[i].Metrics[0].Name = evil+strings.Repeat("!", i), evil, evil
		}
		r.Pairs = nil
		wholesome(t, ModelCard(r))
	}
}

var (
	// marked matches what begins markup and has no backslash before it, in a
	// text in which all that has one is gone.
	marked    = regexp.MustCompile("[`*_{}\\[\\]<>#|~&$@]|://|www\\.")
	backslash = regexp.MustCompile(`\\[!-/:-@\[-` + "`" + `{-~]`)
	heading   = regexp.MustCompile(`^##? [A-Z]`)
)

// wholesome checks that a card has the markup of its template and no other.
func wholesome(t interface{ Fatalf(string, ...any) }, card string) {
	var found []string
	cells := 0 // of a table
	for i, line := range strings.Split(strings.TrimSuffix(card, "\n"), "\n") {
		bare := backslash.ReplaceAllString(line, "")
		switch {
		case strings.HasPrefix(line, "# Model card: ") && i == 0:
			bare = strings.TrimPrefix(bare, "# Model card: ")
		case heading.MatchString(line):
			name, _ := strings.CutPrefix(line, "## ")
			found = append(found, name)
			bare = name
		case strings.HasPrefix(line, "| "):
			n := strings.Count(bare, "|")
			if cells != 0 && n != cells {
				t.Fatalf("a row of %d cells in a table of %d: %q", n, cells, line)
			}
			cells = n
			bare = strings.ReplaceAll(bare, "|", "")
		case strings.HasPrefix(line, "- "):
			bare = strings.TrimPrefix(bare, "- ")
		case strings.HasPrefix(line, "**This is not a medical device.**"):
			bare = strings.ReplaceAll(bare, "**", "")
		default:
			if regexp.MustCompile(`^([-+=]|[0-9]+[.)]( |$)|\s)`).MatchString(line) {
				t.Fatalf("line %q begins a block", line)
			}
		}
		if line == "" {
			cells = 0
		}
		if m := marked.FindString(bare); m != "" {
			t.Fatalf("%q is markup in %q", m, line)
		}
	}
	if got := strings.Join(found, "\n"); got != strings.Join(headings, "\n") {
		t.Fatalf("headings are\n%s", got)
	}
}

func TestEscapeMarkdown(t *testing.T) {
	for text, want := range map[string]string{
		"plain, v1.2.3 (x) a-b +0.5: 50%": "plain, v1.2.3 (x) a-b +0.5: 50%",
		"a\n b\t c":                       "a b c",
		"a_b|c":                           `a\_b\|c`,
		"0.710":                           "0.710",
		"1. x":                            `1\. x`,
		"1.":                              `1\.`,
		"-x":                              `\-x`,
		"see http://x WWW.x":              `see http\://x WWW\.x`,
		"\x1b":                            "\uFFFD",
		"":                                "",
	} {
		if got := escapeMarkdown(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
