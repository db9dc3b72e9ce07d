package site

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file under testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the new one and write it with -update\n%s", path, got)
	}
}

func page(t interface{ Fatal(...any) }, r Results, images map[string][]byte) string {
	var b bytes.Buffer
	if err := WriteHTML(&b, r, images); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenReport(t *testing.T) {
	golden(t, "report.html", []byte(page(t, brief(2), map[string][]byte{"contact sheet": []byte(pngHead)})))
}

func TestReportOfNothing(t *testing.T) {
	got := page(t, Results{}, nil)
	for _, want := range []string{"<h1>Fine-tuning</h1>", "Nothing was trained.", "makes no claim"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	for _, not := range []string{"<svg", "<h2>Results", "How the numbers were made", "The model written"} {
		if strings.Contains(got, not) {
			t.Errorf("%q in\n%s", not, got)
		}
	}
}

// TestOfflineIsNotClaimedLightly: only a command without a network may say so.
func TestOfflineIsNotClaimedLightly(t *testing.T) {
	r := brief(2)
	for _, offline := range []bool{true, false} {
		r.Offline = offline
		if got := strings.Contains(page(t, r, nil), "Nothing: the command that made these results opens no network connection."); got != offline {
			t.Errorf("offline %v: the page claims it: %v", offline, got)
		}
		if got := strings.Contains(ModelCard(r), "opened no network connection"); got != offline {
			t.Errorf("offline %v: the card claims it: %v", offline, got)
		}
	}
}

// TestReportsSayHowTheyWereTested: what is true of a cross-validation is not said
// of models that were tested once, nor of one that was not tested.
func TestReportsSayHowTheyWereTested(t *testing.T) {
	crossed, held, untested, other := brief(2), brief(2), brief(0), brief(2)
	held.HeldOut, held.Pairs[0].P, other.Final.Arm = true, nan, ""
	untested.Final = Final{File: "model.onnx", Card: "card.md"}
	sentences := []string{
		"over 10 test folds", "corrected for the number of comparisons", "this very network has been tested on nothing", "Averages.", "How often a difference", // of a cross-validation
		"On the images held out", "one part in 5 was held out", "one of them was held out", "The model is the one whose numbers are given as full", "No test.", // of models held
		"in a way that was not evaluated here", "nothing was evaluated: how good it is, is not known",
	}
	for name, test := range map[string]struct {
		r    Results
		want string // whether each sentence is there
	}{
		"crossed":  {crossed, "11111 00000 00"},
		"held":     {held, "00000 11111 00"},
		"untested": {untested, "00000 00000 11"},
		"other":    {other, "11011 00000 10"},
	} {
		got := ""
		p := page(t, test.r, nil)
		for i, s := range sentences {
			if i == 5 || i == 10 {
				got += " "
			}
			got += map[bool]string{true: "1", false: "0"}[strings.Contains(p, s)]
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
		card := ModelCard(test.r)
		for text, want := range map[string]bool{
			"tested on nothing": name == "crossed", "by cross-validation": name == "crossed" || name == "other", "t-test": name == "crossed" || name == "other",
			"were held out": name == "held", "nothing was evaluated": name == "untested",
		} {
			if strings.Contains(card, text) != want {
				t.Errorf("%s: the card says %q: %v", name, text, !want)
			}
		}
	}
}

func TestOtherMetricsAreComparedFurtherDown(t *testing.T) {
	r := brief(2)
	other := r.Pairs[0]
	other.Metric = "balanced accuracy"
	got := page(t, r, nil)
	if strings.Contains(got, "Comparisons by other metrics") || strings.Count(got, "full less probe") != 1 {
		t.Error("one metric was compared, but not once")
	}
	r.Pairs = append(r.Pairs, other)
	got = page(t, r, nil)
	_, after, ok := strings.Cut(got, "Comparisons by other metrics")
	if !ok || strings.Count(after, "full less probe") != 1 || strings.Count(got, "full less probe") != 2 {
		t.Error("two metrics were compared, but not each in its place")
	}
}

const pngHead = "\x89PNG\r\n\x1a\n"

func TestImages(t *testing.T) {
	images := map[string][]byte{"b": []byte(pngHead + "2"), "a <i>": []byte(pngHead + "1")}
	got := page(t, brief(1), images)
	at := 0
	for _, want := range []string{
		`<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte(pngHead+"1")) + `" alt="a &lt;i&gt;"/>`,
		`<img src="data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte(pngHead+"2")) + `" alt="b"/>`,
		"treat it like the images themselves",
	} {
		// html/template writes some characters of an address otherwise.
		i := strings.Index(strings.NewReplacer("&#43;", "+").Replace(got[at:]), want)
		if i < 0 {
			t.Errorf("no %q in order", want)
		}
		at += max(i, 0)
	}
	for name, b := range map[string]string{"no image": "<svg/>", "cut off": pngHead[:4], "large": pngHead + strings.Repeat("x", mostImages)} {
		var out bytes.Buffer
		err := WriteHTML(&out, brief(1), map[string][]byte{"x": []byte(b)})
		if !errors.Is(err, ErrResults) || out.Len() > 0 {
			t.Errorf("%s: %v, %d bytes", name, err, out.Len())
		}
	}
}

func TestAnyReport(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawResults(t)
		p := page(t, r, map[string][]byte{rapid.String().Draw(t, "image"): []byte(pngHead)})
		selfContained(t, p)
		if strings.Contains(p, "NaN") || strings.Contains(p, "Inf") {
			t.Fatalf("NaN in\n%s", p)
		}
		inside(t, picture(r))
	})
}

// TestHostileReport puts markup into every text of a report.
func TestHostileReport(t *testing.T) {
	const evil = `"'><script>alert(1)</script><img src=x onerror=alert(1)></title></style></svg>]]><!--{{.}}` + "\u202e\x00"
	r := brief(2)
	list := []string{evil, evil}
	r.Title, r.Version, r.Commit, r.Machine, r.Settings = evil, evil, evil, evil, []Setting{{evil, evil}}
	r.Data.Source, r.Data.Classes, r.Data.Sizes, r.Data.Skipped, r.Data.Notes = evil, list, list, list, list
	r.Data.Splits = []Split{{evil, 1, 1}}
	r.Backbone = Backbone{File: evil, SHA256: evil, Groups: list, Pretrained: evil}
	r.Final = Final{evil, evil, evil, evil + "1"}
	for i := range r.Arms {
		a := &r.Arms[i]
		a.Name, a.About, a.Prefix, a.Metrics[0].Name, a.Metrics[1].Name, a.Phases[0].Group = evil+fmt.Sprint(i), evil, evil, evil, evil+"2", evil
	}
	r.Pairs = []Pair{{r.Arms[0].Name, r.Arms[1].Name, evil, .1, 0, .2, .5}}
	p := page(t, r, map[string][]byte{evil: []byte(pngHead)})
	selfContained(t, p)
	for _, not := range []string{"<script", "onerror=alert(1)>", "\u202e", "\x00"} {
		if strings.Contains(p, not) {
			t.Errorf("%q on the page", not)
		}
	}
}

// selfContained checks that a page is well-formed, even as XML, that it has none
// but the elements of the template and the figures, and nothing that is fetched.
func selfContained(t interface{ Fatalf(string, ...any) }, page string) {
	allowed := map[string]string{ // attributes of elements
		"html": "lang", "head": "", "meta": "charset name content http-equiv", "title": "", "style": "", "body": "", "header": "", "main": "",
		"section": "class aria-label", "h1": "", "h2": "", "p": "class", "ul": "", "li": "", "b": "", "code": "", "small": "", "div": "class",
		"table": "", "caption": "", "thead": "", "tbody": "", "tr": "", "th": "scope", "td": "class", "dl": "", "dt": "", "dd": "",
		"figure": "", "figcaption": "", "img": "src alt", "svg": "xmlns class role width height viewBox",
		"path": "d fill stroke class color fill-opacity stroke-width stroke-linejoin stroke-dasharray",
		"text": "x y font-size font-weight class color fill text-anchor transform textLength lengthAdjust",
	}
	d := xml.NewDecoder(strings.NewReader(page))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, page)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		known, ok := allowed[e.Name.Local]
		if !ok {
			t.Fatalf("element %q in\n%s", e.Name.Local, page)
		}
		for _, a := range e.Attr {
			if !strings.Contains(" "+known+" ", " "+a.Name.Local+" ") {
				t.Fatalf("attribute %q of %q in\n%s", a.Name.Local, e.Name.Local, page)
			}
			if a.Name.Local == "src" && !strings.HasPrefix(a.Value, "data:image/png;base64,") {
				t.Fatalf("an image from %q", a.Value)
			}
		}
	}
}

// TestTablesAreAccessible: each has a caption, and each head says what it is of.
func TestTablesAreAccessible(t *testing.T) {
	p := page(t, fake(5), nil)
	if tables := strings.Count(p, "<table>"); tables < 5 || strings.Count(p, "<caption>") != tables {
		t.Errorf("%d tables, %d captions", tables, strings.Count(p, "<caption>"))
	}
	if heads := strings.Count(p, "<th"); strings.Count(p, `<th scope="`)+strings.Count(p, "<thead>") != heads {
		t.Errorf("%d heads of tables, not all with a scope", heads)
	}
}

func TestManyClassesHaveNoMatrix(t *testing.T) {
	r := brief(1)
	for n := range mostDrawn + 2 {
		r.Data.Classes = append(r.Data.Classes[:0:0], make([]string, n)...)
		r.Data.Images, r.Data.Patients = make([]int, n), make([]int, n)
		r.Arms[0].Confusion = nil
		for range n {
			r.Arms[0].Confusion = append(r.Arms[0].Confusion, make([]float64, n))
		}
		p := page(t, r, nil)
		if got, want := strings.Contains(p, "<title>Confusion matrices</title>"), n > 0 && n <= mostDrawn; got != want {
			t.Errorf("%d classes: a matrix: %v", n, got)
		}
		if got, want := strings.Contains(p, "too many classes for confusion matrices"), n > mostDrawn; got != want {
			t.Errorf("%d classes: a note: %v", n, got)
		}
	}
}

func TestEqualResultsGiveEqualBytes(t *testing.T) {
	for format, write := range writers {
		r := brief(1)
		if format == "picture" {
			r = brief(0) // there is less of it to compress
		}
		var a, b bytes.Buffer
		if err := errors.Join(write(&a, r), write(&b, r)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Errorf("%s differs between two calls", format)
		}
	}
}

func TestPicture(t *testing.T) {
	var b bytes.Buffer
	if err := WritePicture(&b, brief(1)); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	d := picture(brief(1))
	if got, want := img.Bounds().Max.Y, int(2*d.Height); img.Bounds().Max.X != 2*pictureWidth || got < want || got > want+1 {
		t.Errorf("the picture has %v, want a height of %d", img.Bounds().Max, want)
	}
	all := texts(inside(t, d))
	for _, want := range []string{"Pneumonia, north wing", "balanced accuracy", "0.670 to 0.745", "AUROC of each arm", "ROC curves", "What was trained when", "layer1"} {
		if !slices.Contains(all, want) {
			t.Errorf("no %q among %q", want, all)
		}
	}
}
