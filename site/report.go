package site

import (
	"bytes"
	_ "embed" // for the template
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bristle-fl/bristled/internal/figure"
)

//go:embed page.html
var pageText string

var pageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Parse(pageText))
})

// mostImages bounds the bytes of the images that a page carries.
const mostImages = 32 << 20

// view is a report as the template wants it.
type view struct {
	Results
	Style      template.CSS
	Moment     string
	Summary    summary
	Where      string
	Tested     bool   // some comparison has a p
	Built      string // what is to be known of the model written
	Metrics    []explained
	Ranked     string // the metric that arms are ranked by
	ArmRows    []armRow
	Pairs      []pairRow // by the metric that arms are ranked by
	OtherPairs []pairRow
	Charts     []chartView
	Unseen     bool // too many classes for confusion matrices
	Classes    []classRow
	Images     []imageView
	DataSet    []Setting
	Network    []Setting
	Model      []Setting
	Run        []Setting
}

// explained is a metric; About is empty if nothing is known of it.
type explained struct{ Name, About string }

type armRow struct {
	Arm
	Best                              bool
	Values                            []valueView
	Epochs, Parameters, Lasts, Memory string
}

type valueView struct{ Mean, Between, SD string }

type pairRow struct {
	Names, Metric, Difference, Between, P, Corrected, Verdict string
	Shown, Tested                                             bool
}

type chartView struct {
	Caption string
	SVG     template.HTML
}

type classRow struct{ Name, Images, Patients string }

type imageView struct {
	Name   string
	Source template.URL
}

// WriteHTML writes the report of a fine-tuning as one file that reads without a
// network, scripts or fonts, on a screen, on paper and aloud. The images, PNG
// files by what they show, are put into it; they may be none. The error wraps
// [ErrResults] if the results or an image cannot be.
func WriteHTML(w io.Writer, r Results, images map[string][]byte) error {
	if err := r.check(); err != nil {
		return err
	}
	v := view{
		Results: r, Style: figure.Style, Moment: r.moment(), Summary: r.summary(), Where: r.where("Mean"), Built: r.built(), Ranked: r.primary(),
		ArmRows: r.armRows(), Unseen: len(r.Data.Classes) > mostDrawn, Classes: r.Data.rows(),
		DataSet: r.Data.facts(), Network: r.Backbone.facts(), Model: r.Final.facts(), Run: r.facts(),
	}
	v.Pairs, v.OtherPairs = r.pairRows()
	v.Tested = slices.ContainsFunc(r.Pairs, func(p Pair) bool { return !math.IsNaN(p.P) })
	if len(r.Arms) > 0 {
		for _, m := range r.Arms[0].Metrics {
			v.Metrics = append(v.Metrics, explained{m.Name, explain(m.Name)})
		}
	}
	for _, c := range r.charts() {
		var b bytes.Buffer
		if err := c.WriteInline(&b); err != nil {
			return err
		}
		v.Charts = append(v.Charts, chartView{c.Caption, template.HTML(b.String())})
	}
	var err error
	if v.Images, err = embed(images); err != nil {
		return err
	}
	var page bytes.Buffer
	if err := pageTemplate().Execute(&page, v); err != nil {
		return err
	}
	_, err = w.Write(bytes.Map(visible, page.Bytes()))
	return err
}

// visible stands U+FFFD in for characters that a page cannot hold, or that make
// a text look like another by changing its direction.
func visible(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r&0xfffe == 0xfffe:
		return '\uFFFD'
	}
	return r
}

// embed turns PNG files into addresses that hold them.
func embed(images map[string][]byte) ([]imageView, error) {
	var list []imageView
	total := 0
	for _, name := range slices.Sorted(maps.Keys(images)) {
		b := images[name]
		total += len(b)
		if !bytes.HasPrefix(b, []byte("\x89PNG\r\n\x1a\n")) {
			return nil, fmt.Errorf("%w: the image %.80q is not a PNG", ErrResults, name)
		}
		if total > mostImages {
			return nil, fmt.Errorf("%w: the images have more than %d MiB; leave some out", ErrResults, mostImages>>20)
		}
		list = append(list, imageView{name, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b))})
	}
	return list, nil
}

// moment says when the results were made.
func (r Results) moment() string {
	if r.Finished.IsZero() {
		return ""
	}
	return r.Finished.UTC().Format("2 January 2006, 15:04") + " UTC"
}

func (r Results) armRows() []armRow {
	best := r.best()
	rows := make([]armRow, len(r.Arms))
	for i, a := range r.Arms {
		row := armRow{Arm: a, Epochs: "–", Parameters: "–", Lasts: "–", Memory: "–"}
		row.Best = len(r.Arms) > 1 && slices.ContainsFunc(best, func(b Arm) bool { return b.Name == a.Name })
		for _, m := range a.Metrics {
			v := valueView{Mean: number(m.Mean), Between: span(m.Low, m.High, number)}
			if !math.IsNaN(m.SD) {
				v.SD = number(m.SD)
			}
			row.Values = append(row.Values, v)
		}
		if n := a.epochs(); n > 0 {
			row.Epochs = count(n)
		}
		if a.ProbeEpochs > 0 {
			row.Epochs += fmt.Sprintf(" (probing: %d)", a.ProbeEpochs)
		}
		if a.Total > 0 {
			row.Parameters = count(a.Trained) + " of " + count(a.Total)
		}
		if a.SecondsPerRun > 0 {
			row.Lasts = lasting(a.SecondsPerRun)
		}
		if a.Memory > 0 {
			row.Memory = figure.Bytes(float64(a.Memory))
		}
		rows[i] = row
	}
	return rows
}

// pairRows returns the comparisons by the first metric and those by others.
func (r Results) pairRows() (first, others []pairRow) {
	for _, c := range r.comparisons() {
		row := pairRow{
			Names: c.A + " less " + c.B, Metric: c.Metric, Difference: signed(c.Difference), Between: span(c.Low, c.High, signed),
			P: chance(c.P), Corrected: chance(c.Corrected), Verdict: string(c.verdict()), Shown: !c.verdict().open(), Tested: !math.IsNaN(c.P),
		}
		if c.Metric == r.primary() {
			first = append(first, row)
		} else {
			others = append(others, row)
		}
	}
	return first, others
}

func (d DataSheet) rows() []classRow {
	rows := make([]classRow, len(d.Classes))
	for i, name := range d.Classes {
		rows[i] = classRow{name, count(d.Images[i]), count(d.Patients[i])}
	}
	return rows
}

// known drops what has no value.
func known(list ...Setting) []Setting {
	return slices.DeleteFunc(list, func(s Setting) bool { return s.Value == "" })
}

// some writes a count unless it is 0.
func some(n int) string {
	if n == 0 {
		return ""
	}
	return count(n)
}

func (d DataSheet) facts() []Setting {
	list := known(
		Setting{"Source", d.Source},
		Setting{"Images", some(sum(d.Images))},
		Setting{"Patients", some(d.People)},
		Setting{"Enters the network as", extents(d.Shape)},
		Setting{"Sizes of the pictures", strings.Join(d.Sizes, ", ")},
	)
	for _, s := range d.Splits {
		list = append(list, Setting{"Part " + s.Name, plural(s.Images, "image") + " of " + plural(s.Patients, "patient")})
	}
	return list
}

func (b Backbone) facts() []Setting {
	return known(
		Setting{"File", b.File},
		Setting{"SHA-256", b.SHA256},
		Setting{"Pretrained on", b.Pretrained},
		Setting{"Parameters", some(b.Parameters)},
		Setting{"Input", extents(b.Input)},
		Setting{"Groups of layers", strings.Join(b.Groups, ", ")},
	)
}

// built says how the model that was written relates to the numbers.
func (r Results) built() string {
	switch {
	case r.Final.File == "":
		return "No model was written."
	case r.Final.Arm == "":
		return "The model was trained on all images, in a way that was not evaluated here: how good it is, is not known."
	case r.HeldOut:
		return "The model is the one whose numbers are given as " + r.Final.Arm + ". It was trained on other patients than it was tested on."
	}
	return "After the comparison one arm was trained once more, on all images. Its numbers are those of networks that were trained in the same way on part of the images and tested on the rest; this very network has been tested on nothing."
}

func (f Final) facts() []Setting {
	return known(
		Setting{"File", f.File},
		Setting{"SHA-256", f.SHA256},
		Setting{"Trained as arm", f.Arm},
		Setting{"Model card", f.Card},
	)
}

// facts lists where the results come from.
func (r Results) facts() []Setting {
	moment := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.UTC().Format(time.RFC3339)
	}
	return known(
		Setting{"Version", r.Version},
		Setting{"Commit", r.Commit},
		Setting{"Machine", r.Machine},
		Setting{"Started", moment(r.Started)},
		Setting{"Finished", moment(r.Finished)},
		Setting{"Seed", strconv.FormatUint(r.Seed, 10)},
		Setting{"Folds", some(r.Folds)},
		Setting{"Runs", some(r.Runs)},
		Setting{"Epochs of probing", some(r.ProbeEpochs)},
		Setting{"Epochs of training", some(r.Epochs)},
	)
}
