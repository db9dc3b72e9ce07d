package report

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGoldenHTML(t *testing.T) {
	p := Page{
		Title: "Two rules", Note: "What a mean is worth.",
		About: About{
			Version: "v1.2.3", Commit: "0123abcd", File: "two.yaml", FileText: "rule: [mean, bristle+]\n", Seeds: []uint64{1, 2},
			Machine: "a processor, linux/amd64, go1.26", Started: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		},
	}
	p.Cells, p.Timings = few()
	var b bytes.Buffer
	if err := WriteHTML(&b, p); err != nil {
		t.Fatal(err)
	}
	golden(t, "page.html", b.Bytes())
	for _, want := range []string{
		`<td>0.800 ± 0.141<small>[0.600] (–)</small></td>`, // means .7 and .9; the curve reaches (.7+.9)/2
		`<td>0.700<small>[0.600] (–) seeds: 1</small><small>idle in 100% of rounds</small></td>`,
	} {
		if !strings.Contains(strings.ReplaceAll(strings.ReplaceAll(b.String(), "<b>", ""), "</b>", ""), want) {
			t.Errorf("no %q on the page", want)
		}
	}
}

// TestControlCharacters: what moves a cursor or turns a text around is escaped.
func TestControlCharacters(t *testing.T) {
	c := small("a", 1)
	const evil = "x\x1b[31m\u202e"
	c.Rule, c.Attack, c.Labels = evil, evil, nil
	var b bytes.Buffer
	if err := WriteHTML(&b, Page{Title: evil, Note: evil, Cells: []Cell{c}, About: About{Machine: evil}}); err != nil {
		t.Fatal(err)
	}
	tables, _, _ := strings.Cut(b.String(), "<h2>Figures")
	if strings.ContainsAny(tables, "\x1b\u202e") || !strings.Contains(tables, `x\x1b[31m\u202e`) {
		t.Errorf("got %q", tables)
	}
}

func TestHTMLOfNothing(t *testing.T) {
	var b bytes.Buffer
	if err := WriteHTML(&b, Page{Title: "Empty"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "Nothing has run yet.") || strings.Contains(b.String(), "<h2>") {
		t.Errorf("got %s", b.String())
	}
}

// TestHostileHTML puts markup into every text of a page.
func TestHostileHTML(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)></title></style></pre>{{.}}`
	p := Page{Title: evil, Note: evil, About: About{Commit: evil, Version: evil, File: evil, FileText: evil, Machine: evil}}
	for i, attack := range []string{evil, "none"} {
		c := small(evil+attack, uint64(i))
		c.Rule, c.Attack, c.Labels = evil, attack, map[string]string{evil: evil + attack, "label": evil}
		p.Cells = append(p.Cells, c)
		p.Timings = append(p.Timings, Timing{c.Key, 1, 1})
	}
	selfContained(t, p)
}

func TestAnyHTML(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		selfContained(t, Page{Title: rapid.String().Draw(t, "title"), Cells: drawCells(t)})
	})
}

// element matches the start of a tag.
var element = regexp.MustCompile(`<([a-zA-Z!][a-zA-Z0-9]*)([^>]*)>`)

// selfContained checks that a page has none but the elements of the template
// and the figures, and nothing that is fetched.
func selfContained(t interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}, p Page) {
	var b bytes.Buffer
	if err := WriteHTML(&b, p); err != nil {
		t.Fatal(err)
	}
	ours := " !DOCTYPE html head meta title style body h1 h2 p div table thead tbody tr th td b small figure svg path rect text dl dt dd pre "
	for _, m := range element.FindAllStringSubmatch(b.String(), -1) {
		if !strings.Contains(ours, " "+m[1]+" ") {
			t.Fatalf("element %q on the page", m[0])
		}
		for _, word := range []string{"src=", "href=", " on", "url("} {
			if strings.Contains(m[2], word) {
				t.Fatalf("%q in element %q", word, m[0])
			}
		}
	}
}
