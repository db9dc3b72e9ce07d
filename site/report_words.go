package site

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// auroc is the name of the metric by which arms are ranked when fine-tuning.
const auroc = "AUROC"

// primary returns the name of the metric that arms are ranked by, if any.
func (r Results) primary() string {
	if len(r.Arms) == 0 || len(r.Arms[0].Metrics) == 0 {
		return ""
	}
	return r.Arms[0].Metrics[0].Name
}

// best returns the arms that share the greatest mean of the first metric.
func (r Results) best() []Arm {
	var best []Arm
	for _, a := range r.Arms {
		switch {
		case len(a.Metrics) == 0 || math.IsNaN(a.Metrics[0].Mean):
		case len(best) == 0 || a.Metrics[0].Mean > best[0].Metrics[0].Mean:
			best = []Arm{a}
		case a.Metrics[0].Mean == best[0].Metrics[0].Mean:
			best = append(best, a)
		}
	}
	return best
}

// summary is what came out, in sentences.
type summary struct {
	Setup  string   // what was done
	Best   string   // which arm did best
	Others []string // how it compares with each other arm
	Care   []string // what not to read into it
}

func (r Results) summary() summary {
	s := summary{Setup: r.setup()}
	best := r.best()
	if len(best) == 0 {
		s.Best = "No arm has a result that could be ranked."
		return s
	}
	m := best[0].Metrics[0]
	value := number(m.Mean) + " " + r.where("on average")
	if between := span(m.Low, m.High, number); between != "" {
		value += " (95% interval " + between + ")"
	}
	switch {
	case len(r.Arms) == 1:
		s.Best = fmt.Sprintf("The %s of %s is %s.", m.Name, best[0].Name, value)
	case len(best) > 1:
		s.Best = fmt.Sprintf("%d arms share the highest %s, %s; the first of them is %s.", len(best), m.Name, value, best[0].Name)
	default:
		s.Best = fmt.Sprintf("The arm %s has the highest %s: %s.", best[0].Name, m.Name, value)
	}
	if m.Name == auroc && m.Low <= .5 {
		s.Care = append(s.Care, "The interval reaches 0.5, which is what guessing gives: it is not shown that anything was learnt.")
	}
	open := false
	for _, c := range r.comparisons() {
		if c.Metric != m.Name || c.A != best[0].Name && c.B != best[0].Name {
			continue
		}
		c = c.from(best[0].Name)
		open = open || c.verdict().open()
		s.Others = append(s.Others, c.sentence())
	}
	if open {
		s.Care = append(s.Care, "Not shown to differ does not mean equal: with few patients a real difference can stay hidden.")
	}
	if len(r.Arms) > 1 {
		if len(s.Others) == 0 {
			s.Care = append(s.Care, "The arms were not tested against each other: whether they differ by more than chance is open.")
		}
		s.Care = append(s.Care, "The best arm was picked by the very numbers shown here, so its own number is likely to be a little too good.")
	}
	s.Care = append(s.Care, "The numbers compare ways to train on the images of this site. They do not show that a model is fit for use on patients.")
	return s
}

// setup says what was done.
func (r Results) setup() string {
	if len(r.Arms) == 0 {
		if r.Final.File != "" {
			return "A model was trained, but nothing was evaluated: how good it is, is not known."
		}
		return "Nothing was trained."
	}
	s := "One way to train was tried"
	if n := len(r.Arms); n > 1 {
		s = fmt.Sprintf("%d ways to train, called arms here, were compared", n)
	}
	if images := sum(r.Data.Images); images > 0 {
		s += " on " + plural(images, "image")
		if r.Data.People > 0 {
			s += " of " + plural(r.Data.People, "patient")
		}
	}
	switch {
	case r.Folds == 0:
	case r.HeldOut:
		s += fmt.Sprintf(", of which one part in %d was held out to test on", r.Folds)
	case r.Runs > 0:
		s += fmt.Sprintf(", with %s in %s", plural(r.Folds, "fold"), plural(r.Runs, "run"))
	}
	return s + "."
}

// where says what a number is of, if it is a mean: "mean over 10 test folds".
func (r Results) where(mean string) string {
	if r.HeldOut {
		return "on the images held out"
	}
	if n := r.Folds * r.Runs; n > 0 {
		return mean + " over " + plural(n, "test fold")
	}
	return mean
}

// tested says what the figures are about that take all tests together.
func (r Results) tested() string {
	if r.HeldOut {
		return "the images held out"
	}
	return "all test folds"
}

func sum(list []int) int {
	n := 0
	for _, v := range list {
		n += v
	}
	return n
}

// number writes a metric.
func number(v float64) string {
	if math.IsNaN(v) {
		return "–"
	}
	return minus(strconv.FormatFloat(v, 'f', 3, 64))
}

// signed writes a difference.
func signed(v float64) string {
	s := number(v)
	if v > 0 && s != "0.000" {
		return "+" + s
	}
	return s
}

// minus writes a minus sign as such, and none before a zero.
func minus(s string) string {
	digits, negative := strings.CutPrefix(s, "-")
	if !negative || strings.Trim(digits, "0.") == "" {
		return digits
	}
	return "−" + digits
}

// span writes an interval, or nothing if it is not defined.
func span(low, high float64, print func(float64) string) string {
	if math.IsNaN(low) || math.IsNaN(high) {
		return ""
	}
	return print(low) + " to " + print(high)
}

// chance writes a p.
func chance(p float64) string {
	switch {
	case math.IsNaN(p):
		return "–"
	case p < .001:
		return "< 0.001"
	}
	return strconv.FormatFloat(p, 'f', 3, 64)
}

// count writes a number with its thousands apart.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "\u00a0" + s[i:]
	}
	return s
}

func plural(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + one + "s"
}

// lasting writes a time in seconds.
func lasting(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return strconv.FormatFloat(seconds, 'g', 3, 64) + " s"
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", d/time.Minute, d/time.Second%60)
	}
	return fmt.Sprintf("%s h %d min", count(int(d/time.Hour)), d/time.Minute%60)
}

// extents writes channels, height and width.
func extents(shape [3]int) string {
	if shape == [3]int{} {
		return ""
	}
	return fmt.Sprintf("%d × %d pixels, %s", shape[1], shape[2], plural(shape[0], "channel"))
}

// explain says what one of the usual metrics means, in plain words; of others it
// says nothing.
func explain(metric string) string {
	switch strings.ToLower(metric) {
	case "auroc":
		return "Of a pair of images, one of each class, the share in which the model gives the higher score to the right one. 1 is perfect, 0.5 is guessing. It does not depend on a threshold."
	case "balanced accuracy":
		return "The mean over the classes of the share of a class that was recognized. Guessing gives 1 over the number of classes."
	case "accuracy":
		return "The share of all images that was recognized. Where one class is frequent it is high without any skill."
	case "f1":
		return "The harmonic mean of the share of a class that was found and the share of findings that was right. 1 is perfect."
	case "sensitivity":
		return "The share of positive images that was found. What is missed is 1 less this."
	case "specificity":
		return "The share of negative images that was left alone. False alarms are 1 less this."
	case "ece":
		return "Expected calibration error: how far the model's confidence is from the share in which it is right, on average. 0 is best."
	case "brier", "brier score":
		return "The mean squared distance of the predicted probabilities from what was the case. 0 is best."
	case "log loss":
		return "The mean of minus the logarithm of the probability that was given to what was the case. 0 is best."
	}
	return ""
}
