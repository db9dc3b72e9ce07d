package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/evaluation"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/p2p"
	"github.com/bristle-fl/bristled/site"
)

// privateName is what the report calls the model that stays.
const privateName = "private model"

type siteFlags struct {
	tuning
	dir, output, plan string
	rounds            uint64
	parts, bootstrap  int
	json              bool
}

func newSite() *cobra.Command {
	var f siteFlags
	cmd := &cobra.Command{
		Use:   "site",
		Short: "Learn with other sites, and fit a private model beside it",
		Long: `Site runs both phases of a hospital. In the federated one the peer of --dir trains
the output layer on features of the federation's frozen int8 backbone and gossips
it. In the private one a network of the site's own is fitted, layer by layer; none
of it ever leaves the process but to the directory of --output.

A part of the site's patients is held out of both. On it three models are
compared: the federated output layer, one that learned from this site alone, and
the private model. Everything that left the machine is in the peer's ledger:
see bristled audit.`,
		Example: `  bristled site --dir peer --data images --labels labels.csv --network resnet18.onnx -o run
  bristled site --dir peer --data store --network resnet18.onnx --rounds 200 --parts 3 -o run --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			s, err := loadSettings(cmd, f.dir)
			if err != nil {
				return err
			}
			s.Audit = true
			p, err := openPeer(f.dir, s)
			if err != nil {
				return err
			}
			return runSite(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), p, f)
		},
	}
	flags := cmd.Flags()
	f.add(cmd, "network")
	flags.StringVar(&f.dir, "dir", "peer", "the peer's directory, made by bristled init")
	flags.StringVarP(&f.output, "output", "o", "", "directory for the report and the private model")
	flags.Uint64Var(&f.rounds, "rounds", 100, "rounds of the federated phase, in all")
	flags.IntVar(&f.parts, "parts", 5, "one in so many patients is held out")
	flags.StringVar(&f.plan, "arm", "progressive+probe", "how the private model is fitted")
	flags.IntVar(&f.bootstrap, "bootstrap", 2000, "how often patients are resampled for the intervals")
	flags.BoolVar(&f.json, "json", false, "print the results as JSON")
	addSettingFlags(flags, "listen", "peers", "round.interval", "round.deadline", "round.quorum", "log.level")
	return cmd
}

func (f *siteFlags) check() error {
	switch {
	case f.output == "":
		return usageError{errors.New("-o DIR is missing: name a directory for the report and the private model")}
	case f.rounds < 1:
		return usageError{errors.New("--rounds is 0: at least one is needed")}
	case f.parts < 2 || f.parts > 1000:
		return usageError{fmt.Errorf("--parts is %d: it must be from 2 to 1000", f.parts)}
	case f.bootstrap < 100 || f.bootstrap > 1_000_000:
		return usageError{fmt.Errorf("--bootstrap is %d: it must be from 100 to 1000000", f.bootstrap)}
	case !slices.Contains(finetune.PlanNames(), f.plan):
		return usageError{fmt.Errorf("there is no arm %q: %s", f.plan, suggest(f.plan, finetune.PlanNames()))}
	}
	return f.tuning.check()
}

// division says which images of a site are for what. No patient is in two
// parts.
type division struct {
	test, train []int // train is all but test
	fit, probe  []int // the parts of train in the federated phase
}

// divide holds one in so many patients out, and a third of the others' for
// judging received updates.
func divide(set data.Set, parts int, seed uint64) (division, error) {
	labels, owners := make([]int, len(set.Samples)), make([]string, len(set.Samples))
	for i, s := range set.Samples {
		labels[i], owners[i] = s.Label, s.Owner
	}
	outer, err := evaluation.StratifiedFolds(labels, owners, len(set.Classes), parts, seed)
	if err != nil {
		return division{}, fmt.Errorf("hold patients out: %w", err)
	}
	d := division{test: outer[0].Test, train: outer[0].Train}
	some, whose := make([]int, len(d.train)), make([]string, len(d.train))
	for k, i := range d.train {
		some[k], whose[k] = labels[i], owners[i]
	}
	inner, err := evaluation.StratifiedFolds(some, whose, len(set.Classes), 3, seed)
	if err != nil {
		return division{}, fmt.Errorf("set patients aside to judge others' updates by: %w", err)
	}
	for _, k := range inner[0].Train {
		d.fit = append(d.fit, d.train[k])
	}
	for _, k := range inner[0].Test {
		d.probe = append(d.probe, d.train[k])
	}
	items := func(chosen []int) []evaluation.Item {
		list := make([]evaluation.Item, len(chosen))
		for k, i := range chosen {
			list[k] = evaluation.Item{Name: fmt.Sprintf("image %d", i+1), Group: owners[i], Hash: set.Samples[i].Hash(set.Shape)}
		}
		return list
	}
	return d, evaluation.CheckLeak(items(d.train), items(d.test))
}

func runSite(ctx context.Context, stdout, stderr io.Writer, p *peer, f siteFlags) error {
	log := newLog(stderr, p.settings.Log)
	net, shape, err := f.network()
	if err != nil {
		return err
	}
	own, err := f.load(ctx, stderr, shape)
	if err != nil {
		return err
	}
	shared, err := f.load(ctx, stderr, p.manifest.Backbone.Input)
	if err != nil {
		return err
	}
	if len(own.Set.Samples) != len(shared.Set.Samples) {
		return errors.New("the images changed while they were read: try again")
	}
	place, err := placeClasses(own.Set.Classes, p.manifest.Classes)
	if err != nil {
		return fmt.Errorf("%s: %w", f.data, err)
	}
	parts, err := divide(own.Set, f.parts, f.seed)
	if err != nil {
		return explainEvaluation(err)
	}
	fed := &federated{peer: p, log: log, set: shared.Set, place: place, division: parts, rounds: f.rounds}
	if err := fed.run(ctx); err != nil {
		return err
	}
	limit, err := f.limit()
	if err != nil {
		return err
	}
	log.Info("fitting the private model", "arm", f.plan, "images", len(parts.train))
	bar := newSharedProgress(ctx, stderr, "private model, training steps")
	e := site.Experiment{
		Net: net.graph, Set: own.Set, Names: own.names, Probe: f.probe, Epochs: f.epochs, Adjust: f.adjust, Hidden: f.hidden,
		Seed: f.seed, Dir: f.output, Workers: f.source.workers, Memory: limit, Progress: bar.set,
	}
	private, err := e.Final(ctx, f.plan, parts.train)
	bar.end()
	if err != nil {
		return err
	}
	probabilities, err := finetune.Predict(ctx, private.Net, own.Set, parts.test, f.source.workers)
	if err != nil {
		return err
	}
	ft := finetuneFlags{tuning: f.tuning, bootstrap: f.bootstrap, folds: f.parts, runs: 1, title: "Site and federation"}
	r := ft.results(net, shape, own)
	r.Started, r.Offline, r.Final = fed.started, false, private.Final
	r.Final.Arm, r.HeldOut = privateName, true
	r.Settings = append(r.Settings,
		site.Setting{Name: "Federation", Value: p.manifest.Name + ", " + p.manifest.ID().String()},
		site.Setting{Name: "Rounds", Value: fmt.Sprint(f.rounds)},
		site.Setting{Name: "Held out", Value: fmt.Sprintf("one in %d patients, %d images; the models were trained on the others once", f.parts, len(parts.test))})
	models := []site.Judged{
		{Name: "local head", About: "An output layer on the federation's frozen backbone, trained on this site alone.", Probabilities: fed.alone},
		{Name: "federated head", About: "The same output layer, merged with those of other sites in every round.", Probabilities: fed.together},
		{Name: privateName, About: "A network of the site's own, fitted as " + f.plan + " on this site alone.", Probabilities: probabilities},
	}
	if r.Arms, r.Pairs, err = site.Compare(own.Set, parts.test, models, f.seed, f.bootstrap); err != nil {
		return err
	}
	r.Finished = time.Now().UTC()
	if err := site.WriteRun(f.output, r, nil); err != nil {
		return err
	}
	if f.json {
		return site.WriteResults(stdout, r)
	}
	if err := printFinetune(stdout, f.output, r); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "What left: bristled audit --dir %s\n", p.home)
	return err
}

// placeClasses returns the federation's number of each class of the site.
func placeClasses(own, all []string) ([]int, error) {
	place := make([]int, len(own))
	for i, name := range own {
		if place[i] = slices.Index(all, name); place[i] < 0 {
			return nil, fmt.Errorf("%w %q: the federation's classes are %s: correct the labels, or give the class its name there", data.ErrLabel, name, strings.Join(all, ", "))
		}
	}
	return place, nil
}

// federated is a site's federated phase.
type federated struct {
	peer     *peer
	log      *slog.Logger
	set      data.Set // at the backbone's shape, with the site's labels
	place    []int    // of its classes in the federation
	division division
	rounds   uint64
	started  time.Time

	// What came of it: probabilities of the site's classes for the images
	// held out.
	alone, together [][]float64
}

// run goes through the rounds and judges the head that comes out, and one that
// was trained as long on the same samples without anybody.
func (f *federated) run(ctx context.Context) error {
	f.started = time.Now().UTC()
	var samples node.Samples
	var test learner.Samples
	err := runDaemon(ctx, f.peer, f.rounds, f.log, func(cache *learner.Cache) (supply, error) {
		var err error
		if samples, err = f.peer.extract(ctx, cache, f.log, f.pick(f.division.fit), f.pick(f.division.probe)); err != nil {
			return nil, err
		}
		test, err = f.peer.features(ctx, cache, f.log, f.pick(f.division.test))
		return fixed{samples}, err
	})
	if err != nil {
		return err
	}
	src, closeSource, err := openSource(ctx, f.peer)
	if err != nil {
		return err
	}
	defer closeSource()
	head, err := src.Head()
	if err != nil {
		return err
	}
	report, err := src.Report()
	if err != nil {
		return err
	}
	if report.Last == nil || report.Last.Round < f.rounds {
		return fmt.Errorf("stopped before round %d: the same command goes on from there", f.rounds)
	}
	f.together = f.judge(head, test)
	spec, err := aggregation.Defaults("local")
	if err != nil {
		return err
	}
	lonely := *f.peer.manifest
	lonely.Rule = spec
	identity, err := p2p.LoadIdentity(f.peer.home.identity())
	if err != nil {
		return err
	}
	alone, err := (&peer{home: f.peer.home, settings: f.peer.settings, manifest: &lonely}).newPeer(identity, samples)
	if err != nil {
		return err
	}
	for range f.rounds {
		alone.Train(lonely.Training.Steps)
		if _, err := alone.Integrate(); err != nil {
			return err
		}
	}
	f.alone = f.judge(alone.Head(), test)
	return nil
}

// pick returns samples with the federation's labels.
func (f *federated) pick(chosen []int) []data.Sample {
	list := make([]data.Sample, len(chosen))
	for k, i := range chosen {
		list[k] = f.set.Samples[i]
		list[k].Label = f.place[list[k].Label]
	}
	return list
}

// judge returns the probabilities of the site's classes, which sum to one.
func (f *federated) judge(h federation.Head, s learner.Samples) [][]float64 {
	width := f.peer.manifest.Backbone.Features
	out := make([][]float64, len(s.Labels))
	for i := range out {
		all := learner.Probabilities(h, s.Features[i*width:(i+1)*width])
		var sum float64
		for _, c := range f.place {
			sum += float64(all[c])
		}
		for _, c := range f.place {
			p := 1 / float64(len(f.place)) // a head that gives all of them nothing
			if sum > 0 {
				p = float64(all[c]) / sum
			}
			out[i] = append(out[i], p)
		}
	}
	return out
}

// fixed is a supply that never changes.
type fixed struct{ samples node.Samples }

func (f fixed) read(context.Context) (node.Samples, error) { return f.samples, nil }

func (f fixed) follow(context.Context) (<-chan node.Samples, func()) { return nil, func() {} }

func (f fixed) close() {}
