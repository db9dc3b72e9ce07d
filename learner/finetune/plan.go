package finetune

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Plan is how a network is fitted: the schedule as data.
type Plan struct {
	Name  string `json:"name"`
	About string `json:"about"` // one sentence for people

	// Probe is how many epochs of linear probing come first: only the head
	// trains, at ProbeRate and ProbeDecay and without CutMix.
	Probe      int     `json:"probe"`
	ProbeRate  float64 `json:"probe_rate"`
	ProbeDecay float64 `json:"probe_decay"`

	// Epochs of the main phase, over which the learning rates go once through
	// the one-cycle schedule. Stages are its groups, the head first and each
	// below the one before it.
	Epochs int     `json:"epochs"`
	Stages []Stage `json:"stages"`

	Batch   int     `json:"batch"`   // samples per step
	Dropout float32 `json:"dropout"` // share of what the last matrix reads, in [0, 1)

	CutMix  CutMix  `json:"cutmix"`
	Augment Augment `json:"augment"`
}

// Stage is a group of layers and when and how fast it trains.
type Stage struct {
	Group string  `json:"group"`
	From  float64 `json:"from"`  // share of the main phase after which it thaws, in [0, 1)
	Rate  float64 `json:"rate"`  // highest learning rate
	Decay float64 `json:"decay"` // weight decay, decoupled
}

// CutMix pastes a box of another sample of the batch into a sample and mixes
// the labels by area (Yun et al., 2019).
type CutMix struct {
	Probability float64 `json:"probability"` // per batch
	// Features mixes the maps at the freeze line instead of pictures, so that
	// they can be computed once. Above the pooling there are no places to cut
	// out, and it does nothing.
	Features bool `json:"features"`
}

// The constants of the code of Site-Level Fine-Tuning with Progressive Layer
// Freezing. Its main phase has 20 epochs after 10 of probing, or 30 without.
const (
	paperBatch            = 8
	paperDropout          = .1
	headRate, headDecay   = 1e-3, 1e-5
	layerDecay            = 1e-4
	fullRate              = 2.5e-4
	probeRate, probeDecay = 1e-3, 1e-4
	cutMixProbability     = .5
)

// thaw is when the groups below the head thaw, and how fast they learn.
var thaw = []Stage{
	{From: .1, Rate: 5e-4, Decay: layerDecay},
	{From: .3, Rate: 2.5e-4, Decay: layerDecay},
	{From: .6, Rate: 1e-4, Decay: layerDecay},
}

// PlanNames are the names that [NewPlan] knows.
func PlanNames() []string {
	return []string{"probe", "full", "progressive", "progressive+probe", "progressive+probe+cutmix"}
}

// NewPlan returns one of the plans that are usually compared, for a network
// that [ReplaceHead] made: probe (linear probing alone), full (everything
// trains from the start), progressive, progressive+probe and
// progressive+probe+cutmix. All have probe+epochs epochs. The progressive ones
// thaw up to three groups below the head and never the lowest.
func NewPlan(name string, net *graph.Graph, probe, epochs int) (Plan, error) {
	p := Plan{Name: name, Epochs: probe + epochs, ProbeRate: probeRate, ProbeDecay: probeDecay, Batch: paperBatch, Dropout: paperDropout}
	if probe < 0 || epochs < 1 {
		return p, fmt.Errorf("finetune: %d epochs of probing and %d of training: at least 0 and 1 are needed", probe, epochs)
	}
	groups, err := Groups(net)
	if err != nil {
		return p, err
	}
	p.Stages = []Stage{{Group: Head, Rate: headRate, Decay: headDecay}}
	switch name {
	case "probe":
		p.About = "Only the new output layer is trained; the pretrained network stays as it is."
		p.Probe, p.Epochs, p.Stages = p.Epochs, 0, nil
		return p, nil
	case "full":
		p.About = "Every layer is trained from the start."
		for _, g := range groups[1:] {
			p.Stages = append(p.Stages, Stage{Group: g.Name, Rate: fullRate, Decay: layerDecay})
		}
		return p, nil
	case "progressive":
		p.About = "Layers thaw from the output down while training goes on; the lowest never do."
	case "progressive+probe":
		p.About = "The output layer is trained alone at first, then layers thaw from the output down."
		p.Probe, p.Epochs = probe, epochs
	case "progressive+probe+cutmix":
		p.About = "As progressive+probe, and boxes of one picture are pasted into another."
		p.Probe, p.Epochs = probe, epochs
		p.CutMix.Probability = cutMixProbability
	default:
		return p, fmt.Errorf("finetune: no plan is called %.80q: there are %s", name, strings.Join(PlanNames(), ", "))
	}
	for i, g := range groups[1 : len(groups)-1] {
		if i < len(thaw) {
			s := thaw[i]
			s.Group = g.Name
			p.Stages = append(p.Stages, s)
		}
	}
	return p, nil
}

// Check says what is wrong with a plan for a network that [ReplaceHead] made.
// The error wraps [ErrNoGroup] if it is a group that is not there.
func (p Plan) Check(net *graph.Graph) error {
	_, err := p.resolve(net)
	return err
}

// check says what is wrong with a plan in itself.
func (p Plan) check() error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("finetune: plan %q: %s", p.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case p.Probe < 0 || p.Epochs < 0 || p.Probe+p.Epochs < 1 || p.Probe+p.Epochs > 1e6:
		return bad("%d epochs of probing and %d of training", p.Probe, p.Epochs)
	case p.Probe > 0 && !(p.ProbeRate > 0):
		return bad("a learning rate of %v for probing: it must be above 0", p.ProbeRate)
	case p.Batch < 1 || p.Batch > 1<<16:
		return bad("batches of %d", p.Batch)
	case !(p.Dropout >= 0 && p.Dropout < 1):
		return bad("dropout of %v: it must be from 0 to below 1", p.Dropout)
	case !(p.CutMix.Probability >= 0 && p.CutMix.Probability <= 1):
		return bad("CutMix with probability %v", p.CutMix.Probability)
	case p.Epochs > 0 && (len(p.Stages) == 0 || p.Stages[0].Group != Head || p.Stages[0].From != 0):
		return bad("the first stage must be the head, from the start")
	}
	for i, s := range p.Stages {
		switch {
		case !(s.From >= 0 && s.From < 1) || !(s.Rate > 0) || !(s.Decay >= 0):
			return bad("group %q thaws at %v with learning rate %v and decay %v", s.Group, s.From, s.Rate, s.Decay)
		case i > 0 && s.From < p.Stages[i-1].From:
			return bad("group %q thaws before %q, which is above it", s.Group, p.Stages[i-1].Group)
		}
	}
	return p.Augment.check()
}

// thawed returns how many stages train in an epoch of the main phase: stage s
// thaws at epoch ⌊s.From·Epochs⌋.
func (p Plan) thawed(epoch int) int {
	n := 0
	for n < len(p.Stages) && int(p.Stages[n].From*float64(p.Epochs)) <= epoch {
		n++
	}
	return n
}

// resolved is a plan whose groups have been found in a network.
type resolved struct {
	Plan
	lines []string // of each stage: the freeze line while it is the lowest
}

var errOrder = errors.New("it is not below the group before it")

func (p Plan) resolve(net *graph.Graph) (resolved, error) {
	r := resolved{Plan: p}
	if err := p.check(); err != nil {
		return r, err
	}
	points, err := pointsBelowHead(net)
	if err != nil {
		return r, err
	}
	place := func(line string) int {
		return slices.IndexFunc(points, func(c graph.CutPoint) bool { return c.Value == line })
	}
	for i, s := range p.Stages {
		line, err := lineBelow(net, s.Group)
		if err == nil && i > 0 && place(line) >= place(r.lines[i-1]) {
			err = errOrder
		}
		if err != nil {
			return r, fmt.Errorf("finetune: plan %q, stage %d: group %q: %w", p.Name, i+1, s.Group, err)
		}
		r.lines = append(r.lines, line)
	}
	return r, nil
}
