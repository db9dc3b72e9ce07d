package site

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// ErrResults is wrapped by the errors about results that cannot be.
var ErrResults = errors.New("site: impossible results")

// Bounds of what a report can show.
const (
	mostArms    = 16
	mostClasses = 256
	mostMetrics = 32
	mostList    = 1 << 10 // settings, notes, phases and the like
	mostPoints  = 1 << 17 // of a curve; also epochs
	mostGroups  = 64      // of layers, of an arm
	mostText    = 1 << 14 // bytes
	mostName    = 256     // bytes, of what is written into figures
	mostNumber  = 1e9     // in size
)

// check returns an error that wraps ErrResults for the first thing that cannot
// be or that is too much to show.
func (r Results) check() error {
	for _, part := range []error{r.checkRun(), r.Data.check(), r.Backbone.check(), r.checkArms(), r.checkPairs(), r.checkFinal()} {
		if part != nil {
			return fmt.Errorf("%w: %w", ErrResults, part)
		}
	}
	return nil
}

func (r Results) checkRun() error {
	for _, s := range r.Settings {
		if err := checkTexts(s.Name, s.Value); err != nil {
			return err
		}
	}
	return errors.Join(
		checkTexts(r.Title, r.Version, r.Commit, r.Machine),
		checkCounts(r.Folds, r.Runs, r.Epochs, r.ProbeEpochs, r.Bootstrap),
		checkLength("settings", len(r.Settings), mostList),
	)
}

func (d DataSheet) check() error {
	n := len(d.Classes)
	if len(d.Images) != n || len(d.Patients) != n {
		return fmt.Errorf("%d classes, but images of %d and patients of %d", n, len(d.Images), len(d.Patients))
	}
	for _, s := range d.Splits {
		if err := errors.Join(checkTexts(s.Name), checkCounts(s.Images, s.Patients)); err != nil {
			return err
		}
	}
	return errors.Join(
		checkLength("classes", n, mostClasses),
		checkLength("splits", len(d.Splits), mostList),
		checkLength("sizes of pictures", len(d.Sizes), mostList),
		checkLength("reasons", len(d.Skipped), mostList),
		checkLength("notes", len(d.Notes), mostList),
		checkTexts(slices.Concat([]string{d.Source}, d.Classes, d.Sizes, d.Skipped, d.Notes)...),
		checkCounts(slices.Concat(d.Images, d.Patients, d.Shape[:], []int{d.People})...),
	)
}

func (b Backbone) check() error {
	return errors.Join(
		checkLength("groups of layers", len(b.Groups), mostList),
		checkTexts(slices.Concat([]string{b.File, b.SHA256, b.Pretrained}, b.Groups)...),
		checkCounts(append(b.Input[:], b.Parameters)...),
	)
}

func (r Results) checkArms() error {
	if err := checkLength("arms", len(r.Arms), mostArms); err != nil {
		return err
	}
	for i, a := range r.Arms {
		if err := checkName(a.Name); err != nil {
			return fmt.Errorf("arm %d: %w", i+1, err)
		}
		if r.arm(a.Name) != i {
			return fmt.Errorf("two arms are called %.80q", a.Name)
		}
		if err := a.check(len(r.Data.Classes)); err != nil {
			return fmt.Errorf("arm %.80q: %w", a.Name, err)
		}
		same := func(a, b Metric) bool { return a.Name == b.Name }
		if !slices.EqualFunc(a.Metrics, r.Arms[0].Metrics, same) {
			return fmt.Errorf("arm %.80q has other metrics than arm %.80q", a.Name, r.Arms[0].Name)
		}
	}
	return nil
}

// arm returns the index of the arm of that name, or -1.
func (r Results) arm(name string) int {
	return slices.IndexFunc(r.Arms, func(a Arm) bool { return a.Name == name })
}

func (a Arm) check(classes int) error {
	err := errors.Join(
		checkTexts(a.About, a.Prefix),
		checkLength("metrics", len(a.Metrics), mostMetrics),
		checkLength("points of a ROC curve", len(a.ROC), mostPoints),
		checkLength("bins", len(a.Reliability), mostList),
		checkLength("epochs", len(a.Loss), mostPoints),
		checkLength("phases", len(a.Phases), mostList),
		checkCounts(a.ProbeEpochs, a.Trained, a.Total),
	)
	if err != nil {
		return err
	}
	if !(a.SecondsPerRun >= 0 && a.SecondsPerRun <= mostNumber) || a.ProbeEpochs > mostPoints {
		return fmt.Errorf("%v seconds and %d epochs of probing", a.SecondsPerRun, a.ProbeEpochs)
	}
	for _, m := range a.Metrics {
		if err := errors.Join(checkName(m.Name), checkNumbers(m.Name, m.Mean, m.SD, m.Low, m.High)); err != nil {
			return err
		}
		if m.Low > m.High {
			return fmt.Errorf("%.80q: the interval from %v to %v is upside down", m.Name, m.Low, m.High)
		}
	}
	return errors.Join(a.checkConfusion(classes), a.checkCurves(), a.checkPhases())
}

func (a Arm) checkConfusion(classes int) error {
	if n := len(a.Confusion); n != 0 && n != classes {
		return fmt.Errorf("the confusion matrix has %d rows for %d classes", n, classes)
	}
	for i, row := range a.Confusion {
		if len(row) != classes {
			return fmt.Errorf("row %d of the confusion matrix has %d numbers for %d classes", i+1, len(row), classes)
		}
		for _, v := range row {
			if !(v >= 0 && v <= mostNumber) {
				return fmt.Errorf("row %d of the confusion matrix holds %v", i+1, v)
			}
		}
	}
	return nil
}

func (a Arm) checkCurves() error {
	share := func(v float64) bool { return v >= 0 && v <= 1 }
	last := [2]float64{}
	for i, p := range a.ROC {
		if !share(p[0]) || !share(p[1]) || p[0] < last[0] || p[1] < last[1] {
			return fmt.Errorf("point %d of the ROC curve is %v after %v", i+1, p, last)
		}
		last = p
	}
	for i, b := range a.Reliability {
		if b.Count < 1 || !share(b.Confidence) || !share(b.Accuracy) {
			return fmt.Errorf("bin %d is %+v", i+1, b)
		}
	}
	epoch := 0
	for _, p := range a.Loss {
		if p.Epoch <= epoch || p.Epoch > mostPoints {
			return fmt.Errorf("epoch %d follows epoch %d", p.Epoch, epoch)
		}
		epoch = p.Epoch
		for _, v := range []float64{p.Mean, p.SD, p.Rate} {
			if !(v >= 0 && v <= mostNumber) {
				return fmt.Errorf("epoch %d: %+v", epoch, p)
			}
		}
	}
	return nil
}

func (a Arm) checkPhases() error {
	groups := map[string]bool{}
	for _, p := range a.Phases {
		if err := checkName(p.Group); err != nil {
			return err
		}
		if groups[p.Group] = true; len(groups) > mostGroups {
			return checkLength("groups of layers", len(groups), mostGroups)
		}
		if p.From < 0 || p.To <= p.From || p.To > mostPoints {
			return fmt.Errorf("group %.80q: a phase from epoch %d to %d", p.Group, p.From, p.To)
		}
		if !(p.MaxRate >= 0 && p.MaxRate <= mostNumber) || !(p.Decay >= 0 && p.Decay <= mostNumber) {
			return fmt.Errorf("group %.80q: learning rate %v, decay %v", p.Group, p.MaxRate, p.Decay)
		}
	}
	return nil
}

func (r Results) checkPairs() error {
	for _, p := range r.Pairs {
		err := errors.Join(checkTexts(p.Metric), checkNumbers(p.Metric, p.Difference, p.Low, p.High))
		switch {
		case err != nil:
			return err
		case r.arm(p.A) < 0 || r.arm(p.B) < 0 || p.A == p.B:
			return fmt.Errorf("arms %.80q and %.80q are compared, which are not two of the arms", p.A, p.B)
		case p.P < 0 || p.P > 1 || p.Low > p.High:
			return fmt.Errorf("arms %.80q and %.80q: p is %v, the interval from %v to %v", p.A, p.B, p.P, p.Low, p.High)
		}
	}
	return checkLength("pairs", len(r.Pairs), mostArms*mostArms*mostMetrics)
}

func (r Results) checkFinal() error {
	if r.Final.Arm != "" && r.arm(r.Final.Arm) < 0 {
		return fmt.Errorf("the model written is of arm %.80q, which is not there", r.Final.Arm)
	}
	return checkTexts(r.Final.File, r.Final.SHA256, r.Final.Card)
}

func checkTexts(texts ...string) error {
	for _, t := range texts {
		if len(t) > mostText {
			return fmt.Errorf("a text of %d bytes (%.40q…); at most %d are shown", len(t), t, mostText)
		}
	}
	return nil
}

// checkName is for what must have a name.
func checkName(name string) error {
	if name == "" || len(name) > mostName {
		return fmt.Errorf("a name of %d bytes (%.40q); it must have 1 to %d", len(name), name, mostName)
	}
	return nil
}

func checkCounts(counts ...int) error {
	for _, n := range counts {
		if n < 0 {
			return fmt.Errorf("a count is %d", n)
		}
	}
	return nil
}

func checkLength(what string, n, most int) error {
	if n > most {
		return fmt.Errorf("%d %s; at most %d are shown", n, what, most)
	}
	return nil
}

// checkNumbers lets NaN pass.
func checkNumbers(what string, numbers ...float64) error {
	for _, v := range numbers {
		if math.Abs(v) > mostNumber {
			return fmt.Errorf("%.80q is %v", what, v)
		}
	}
	return nil
}
