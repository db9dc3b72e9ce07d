package site

import (
	"fmt"
	"strings"

	"github.com/bristle-fl/bristled/internal/figure"
)

// ModelCard returns a card for the model that was written, as Markdown, under
// the headings of Model Cards for Model Reporting (Mitchell et al., 2019). What
// only the site can know is marked as such. Texts of the results are escaped.
func ModelCard(r Results) string {
	c := &card{}
	title := r.Title
	if title == "" {
		title = "Fine-tuning"
	}
	c.line("# Model card: %s", title)
	c.details(r)
	c.use()
	c.factors()
	c.metrics(r)
	c.evaluation(r)
	c.training(r)
	c.analyses(r)
	c.cautions(r)
	return c.b.String()
}

// card is a text with an empty line after each of its blocks.
type card struct{ b strings.Builder }

// line writes a block. Only format may have Markdown in it.
func (c *card) line(format string, args ...any) {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = escapeMarkdown(s)
		}
	}
	if c.b.Len() > 0 {
		c.b.WriteByte('\n')
	}
	fmt.Fprintf(&c.b, format+"\n", args...)
}

// list writes facts as a list.
func (c *card) list(facts []Setting) {
	if len(facts) == 0 {
		return
	}
	c.b.WriteByte('\n')
	for _, f := range facts {
		fmt.Fprintf(&c.b, "- %s: %s\n", escapeMarkdown(f.Name), escapeMarkdown(f.Value))
	}
}

// table writes rows of cells, the first of which are the heads.
func (c *card) table(rows [][]string) {
	c.b.WriteByte('\n')
	for i, row := range rows {
		for _, cell := range row {
			c.b.WriteString("| " + escapeMarkdown(cell) + " ")
		}
		c.b.WriteString("|\n")
		if i == 0 {
			c.b.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
}

func (c *card) details(r Results) {
	c.line("## Model details")
	c.line("A network that was pretrained elsewhere and fitted to the images of one site.")
	facts := r.Final.facts()
	if i := r.arm(r.Final.Arm); i >= 0 {
		a := r.Arms[i]
		facts = append(facts, known(Setting{"What the arm does", a.About}, Setting{"Parameters trained", some(a.Trained)}, Setting{"Parameters in all", some(a.Total)})...)
		if a.Memory > 0 {
			facts = append(facts, Setting{"Memory to train", figure.Bytes(float64(a.Memory))})
		}
	}
	c.list(append(facts, known(
		Setting{"Made by", "bristled " + r.Version},
		Setting{"Commit", r.Commit},
		Setting{"Finished", r.moment()},
		Setting{"Input", extents(r.Data.Shape)},
		Setting{"Classes, in the order of the outputs", strings.Join(r.Data.Classes, ", ")},
	)...))
	c.line("Pretrained network:")
	c.list(r.Backbone.facts())
	c.line("Licence: to be filled in by the site. It depends on the licence of the pretrained network and on what the site may do with its images.")
	c.line("Contact: to be filled in by the site.")
}

func (c *card) use() {
	c.line("## Intended use")
	c.line("- Primary use: research and evaluation at the site whose images it was fitted to.\n" +
		"- Primary users: the site's own engineers and researchers.\n" +
		"- Out of scope: diagnosis, triage, or any other decision about a patient; images of another site, device, protocol or age group; classes other than those above.")
	c.line("**This is not a medical device.** It has not been cleared, certified or clinically evaluated by anyone.")
}

func (c *card) factors() {
	c.line("## Factors")
	c.line("The device, the protocol and the patients of the site are part of what the model has learnt. Results were not broken down by sex, age, device or any other group: " +
		"bristled keeps none of these. The site should do so before it relies on the model.")
}

func (c *card) metrics(r Results) {
	c.line("## Metrics")
	if len(r.Arms) == 0 {
		c.line("None: nothing was evaluated.")
		return
	}
	var facts []Setting
	for _, m := range r.Arms[0].Metrics {
		if about := explain(m.Name); about != "" {
			facts = append(facts, Setting{m.Name, about})
		}
	}
	c.list(facts)
	c.line("Decision threshold: the class with the greatest probability. It was not tuned.")
	if r.HeldOut {
		c.line("Variation: 95%% intervals by a percentile bootstrap over patients. Every model was trained once; how another training would differ is not known.")
		return
	}
	c.line("Variation: mean and standard deviation over test folds; 95%% intervals by a percentile bootstrap over patients; arms compared by the corrected resampled t-test (Nadeau and Bengio, 2003) " +
		"with Holm's correction.")
}

func (c *card) evaluation(r Results) {
	c.line("## Evaluation data")
	if len(r.Arms) == 0 {
		c.line("None: nothing was evaluated.")
		return
	}
	if r.HeldOut {
		c.line("Images of the same site that were held out, %s. No patient of theirs was trained on.", fmt.Sprintf("one part in %d", r.Folds))
		return
	}
	c.line("The images of the training data, by cross-validation: %s, %s. All images of a patient are in one fold, and the network of the last epoch was tested.", plural(r.Runs, "run"), plural(r.Folds, "fold"))
}

func (c *card) training(r Results) {
	c.line("## Training data")
	c.list(r.Data.facts())
	if len(r.Data.Classes) > 0 && len(r.Data.Images) == len(r.Data.Classes) && len(r.Data.Patients) == len(r.Data.Classes) {
		rows := [][]string{{"Class", "Images", "Patients"}}
		for _, row := range r.Data.rows() {
			rows = append(rows, []string{row.Name, row.Images, row.Patients})
		}
		c.table(rows)
	}
	for _, n := range r.Data.Notes {
		c.line("%s", n)
	}
}

func (c *card) analyses(r Results) {
	c.line("## Quantitative analyses")
	c.line("%s", r.built())
	if len(r.Arms) == 0 {
		return
	}
	c.line("Results: %s, and the 95%% interval.", r.where("mean"))
	rows := [][]string{{"Arm"}}
	for _, m := range r.Arms[0].Metrics {
		rows[0] = append(rows[0], m.Name)
	}
	for _, a := range r.Arms {
		row := []string{a.Name}
		for _, m := range a.Metrics {
			text := number(m.Mean)
			if between := span(m.Low, m.High, number); between != "" {
				text += " (" + between + ")"
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	c.table(rows)
	s := r.summary()
	c.line("%s", s.Best)
	for _, text := range append(s.Others, s.Care...) {
		c.line("%s", text)
	}
}

func (c *card) cautions(r Results) {
	c.line("## Ethical considerations")
	c.line("The model was fitted to images of patients. Networks can remember what they were trained on: treat the model file as the images are treated, and do not publish it without asking who is responsible for them.")
	if r.Offline {
		c.line("The command that made the model opened no network connection.")
	}
	c.line("## Caveats and recommendations")
	c.line("- The intervals are about patients like these. How the model does elsewhere, or here after a change of device or protocol, is unknown.\n" +
		"- Confidence is not a probability until the reliability diagram of the report says so.\n" +
		"- Test again on new patients of the site before any use, and from time to time during it.")
}

// escapeMarkdown makes one line of a text that Markdown shows as it is. What
// could begin markup or an address gets a backslash, and characters that
// [visible] replaces are replaced.
func escapeMarkdown(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	var b strings.Builder
	for i, r := range s {
		switch {
		case strings.ContainsRune("\\`*_{}[]<>#|~&$@", r),
			i == 0 && (r == '-' || r == '+' || r == '='),                                       // a list, a heading
			i > 0 && i == digits && (r == '.' || r == ')') && (i+1 == len(s) || s[i+1] == ' '), // a numbered list
			r == ':' && strings.HasPrefix(s[i:], "://"),
			r == '.' && i >= 3 && strings.EqualFold(s[i-3:i], "www"): // made a link by some readers
			b.WriteByte('\\')
		}
		b.WriteRune(visible(r))
	}
	return b.String()
}
