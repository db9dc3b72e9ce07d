package site

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/learner/evaluation"
	"github.com/bristle-fl/bristled/learner/finetune"
)

// Summarize turns findings into what a report says of the arms and of every
// pair of them. Seed decides what is resampled, bootstrap how often; groups
// are all of the network's, the head first.
func (f *Findings) Summarize(seed uint64, bootstrap int, groups []string) (arms []Arm, pairs []Pair, err error) {
	o := evaluation.Options{Bootstrap: bootstrap, Seed: seed}
	outcomes := make([][]evaluation.Outcome, len(f.Plans))
	var names []string
	for p, plan := range f.Plans {
		outcomes[p] = f.outcomes(p)
		a := f.arm(p)
		a.addFrozen(groups)
		if err := a.measure(outcomes[p], len(f.set.Classes), o); err != nil {
			return nil, nil, err
		}
		arms, names = append(arms, a), append(names, plan.Name)
	}
	pairs, err = comparePairs(names, outcomes, len(f.set.Classes), o)
	return arms, pairs, err
}

// measure fills in what outcomes say of an arm.
func (a *Arm) measure(outcomes []evaluation.Outcome, classes int, o evaluation.Options) error {
	s, err := evaluation.Summarize(outcomes, classes, o)
	if err != nil {
		return fmt.Errorf("%s: %w", a.Name, err)
	}
	for _, m := range evaluation.Metrics() {
		a.Metrics = append(a.Metrics, Metric{m.String(), s[m].Mean, s[m].SD, s[m].Low, s[m].High})
	}
	pool := evaluation.Pool(outcomes)
	if a.Confusion, err = pool.Confusion(); err != nil {
		return err
	}
	runs := map[int]bool{}
	for _, o := range outcomes {
		runs[o.Run] = true
	}
	for _, row := range a.Confusion {
		for c := range row {
			row[c] /= float64(len(runs))
		}
	}
	if classes == 2 { // with more there is no curve of all
		if a.ROC, err = pool.ROC(1); err != nil {
			return err
		}
	}
	bins, err := evaluation.Reliability(outcomes, reliabilityBins)
	if err != nil {
		return err
	}
	for _, b := range bins {
		a.Reliability = append(a.Reliability, Bin{b.Confidence, b.Accuracy, b.Count})
	}
	return nil
}

// reliabilityBins is how many bins a reliability diagram has.
const reliabilityBins = 10

// comparePairs compares the AUROC of every two arms, the later less the
// earlier. One metric only: the more are tested, the more differ by chance.
func comparePairs(names []string, outcomes [][]evaluation.Outcome, classes int, o evaluation.Options) ([]Pair, error) {
	var pairs []Pair
	for a := range names {
		for b := a + 1; b < len(names); b++ {
			c, err := evaluation.Compare(outcomes[b], outcomes[a], classes, o)
			if err != nil {
				return nil, fmt.Errorf("%s and %s: %w", names[a], names[b], err)
			}
			d := c[evaluation.AUROC]
			pairs = append(pairs, Pair{A: names[b], B: names[a], Metric: evaluation.AUROC.String(), Difference: d.Mean, Low: d.Low, High: d.High, P: d.P})
		}
	}
	return pairs, nil
}

// outcomes returns what a plan said of every test sample of every run.
func (f *Findings) outcomes(plan int) []evaluation.Outcome {
	var list []evaluation.Outcome
	for r, folds := range f.cells[plan] {
		for k, c := range folds {
			for j, i := range c.Test {
				list = append(list, evaluation.Outcome{Run: r, Fold: k, Sample: i, Group: f.set.Samples[i].Owner, Label: f.set.Samples[i].Label, Probabilities: c.Probabilities[j]})
			}
		}
	}
	return list
}

// arm returns what is known of a plan beside how good it is.
func (f *Findings) arm(plan int) Arm {
	p := f.Plans[plan]
	a := Arm{Name: p.Name, About: p.About, ProbeEpochs: p.Probe, Loss: f.losses(plan), Phases: thawing(p)}
	for _, folds := range f.cells[plan] {
		for _, c := range folds {
			a.SecondsPerRun += c.Seconds / float64(len(f.cells[plan]))
			a.Memory = max(a.Memory, uint64(c.Memory))
		}
	}
	phases := f.cells[plan][0][0].Phases
	last := phases[len(phases)-1]
	a.Prefix, a.Trained, a.Total = last.Prefix, last.Trained, last.Total
	return a
}

// losses returns the mean training loss of every epoch.
func (f *Findings) losses(plan int) []EpochPoint {
	var points []EpochPoint
	epochs := len(f.cells[plan][0][0].Epochs)
	for e := range epochs {
		var n, sum, squares float64
		for _, folds := range f.cells[plan] {
			for _, c := range folds {
				v := c.Epochs[e].Loss
				n, sum, squares = n+1, sum+v, squares+v*v
			}
		}
		point := EpochPoint{Epoch: e + 1, Mean: sum / n, Rate: f.cells[plan][0][0].Epochs[e].Rate}
		if n > 1 {
			point.SD = math.Sqrt(max(0, (squares-sum*sum/n)/(n-1)))
		}
		points = append(points, point)
	}
	return points
}

// thawing says when each stage of a plan trains. The groups that never do are
// the caller's to add.
func thawing(p finetune.Plan) []Phase {
	all := p.Probe + p.Epochs
	if len(p.Stages) == 0 {
		return []Phase{{Group: finetune.Head, From: 0, To: all, MaxRate: p.ProbeRate, Decay: p.ProbeDecay}}
	}
	var phases []Phase
	for i, s := range p.Stages {
		from := p.Probe + int(s.From*float64(p.Epochs))
		switch {
		case i == 0 && p.Probe > 0:
			phases = append(phases, Phase{Group: s.Group, From: 0, To: p.Probe, MaxRate: p.ProbeRate, Decay: p.ProbeDecay})
		case from > 0:
			phases = append(phases, Phase{Group: s.Group, From: 0, To: from, Frozen: true})
		}
		phases = append(phases, Phase{Group: s.Group, From: from, To: all, MaxRate: s.Rate, Decay: s.Decay})
	}
	return phases
}

// addFrozen adds to an arm the groups that it never trains.
func (a *Arm) addFrozen(groups []string) {
	all := 0
	named := map[string]bool{}
	for _, p := range a.Phases {
		named[p.Group] = true
		all = max(all, p.To)
	}
	for _, g := range groups {
		if !named[g] {
			a.Phases = append(a.Phases, Phase{Group: g, To: all, Frozen: true})
		}
	}
}
