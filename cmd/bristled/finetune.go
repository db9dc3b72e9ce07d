package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/cohort"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/evaluation"
	"github.com/bristle-fl/bristled/learner/finetune"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/site"
)

// tuning is what is said of how a network is fitted: flags that `finetune` and
// `site` share.
type tuning struct {
	flag                       string // that names the network
	backbone, input, mean, std string
	data                       string // directory of images, store or npz file
	source                     cohortFlags
	split                      string
	probe, epochs              int
	hidden                     []int
	augment, cutmix, memory    string
	seed                       uint64
}

type finetuneFlags struct {
	tuning
	output, final    string
	plans            string          // file
	own              []finetune.Plan // from it
	arms             []string
	folds, runs      int
	bootstrap        int
	json             bool
	title, pretrains string
}

func newFinetune() *cobra.Command {
	var f finetuneFlags
	cmd := &cobra.Command{
		Use:   "finetune",
		Short: "Fit a pretrained network to a site's own images",
		Long: `Finetune fits a pretrained network to a few hundred images of a site in several
ways ("arms"), compares them by cross-validation that never divides a patient,
and writes a report, the fitted network as ONNX and a model card. Nothing is
sent anywhere: the command opens no connection.

What has been computed stays in the directory of --output. A run that was stopped
goes on when the same command is given again.

Arms: probe (only a new output layer), full (every layer from the start),
progressive (layers thaw from the output down), progressive+probe (after epochs
of the output layer alone), progressive+probe+cutmix.`,
		Example: `  bristled finetune --data images --labels labels.csv --backbone resnet18.onnx -o run
  bristled finetune --data store --backbone resnet18.onnx --arms probe,progressive+probe --folds 5 --runs 6 -o run
  bristled finetune --data pneumoniamnist.npz --split test --backbone resnet20.onnx -o run --json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.readPlans(cmd.Flags().Changed("arms")); err != nil {
				return err
			}
			if err := f.check(); err != nil {
				return err
			}
			err := runFinetune(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), f)
			if cmd.Context().Err() != nil && errors.Is(err, cmd.Context().Err()) {
				return fmt.Errorf("stopped: what was computed is in %s, and the same command goes on from there", f.output)
			}
			return err
		},
	}
	flags := cmd.Flags()
	f.add(cmd, "backbone")
	flags.StringVarP(&f.output, "output", "o", "", "directory of the run: report, model, and what goes on after an interruption")
	flags.StringSliceVar(&f.arms, "arms", finetune.PlanNames(), "ways to fit the network that are compared")
	flags.StringVar(&f.plans, "plans", "", "JSON file with arms of your own; docs/hospital.md has an example")
	flags.IntVar(&f.folds, "folds", 5, "parts that patients are divided into, each tested on once; 0: no comparison, only the final model")
	flags.IntVar(&f.runs, "runs", 2, "repetitions with other folds")
	flags.IntVar(&f.bootstrap, "bootstrap", 2000, "how often patients are resampled for the intervals")
	flags.StringVar(&f.final, "final", "", "arm of the model that is trained on all images and written, or none; without it progressive+probe, or the last arm")
	flags.StringVar(&f.title, "title", "Site fine-tuning", "title of the report")
	flags.StringVar(&f.pretrains, "pretrained-on", "", "what the backbone was pretrained on, in a few words for the report")
	flags.BoolVar(&f.json, "json", false, "print the results as JSON")
	return cmd
}

// add adds the flags; network is what the one that names the network is called.
func (t *tuning) add(cmd *cobra.Command, network string) {
	t.flag = network
	t.source.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&t.data, "data", "", "directory of images, store made by bristled data import, or npz file")
	flags.StringVar(&t.split, "split", "", "use the images of this split only: train, val or test")
	flags.StringVar(&t.backbone, network, "", "ONNX file of the pretrained network, in float32")
	flags.StringVar(&t.input, "input", "", "channels, height and width, for a network that leaves them open, such as 3x224x224")
	flags.StringVar(&t.mean, "mean", "", "subtracted from pixels of 0 to 1, one number or one per channel; without it what the file states")
	flags.StringVar(&t.std, "std", "", "then divided by, likewise")
	flags.IntVar(&t.probe, "probe", 10, "epochs of linear probing")
	flags.IntVar(&t.epochs, "epochs", 20, "epochs after that; arms without probing have the sum of both")
	flags.IntSliceVar(&t.hidden, "hidden", nil, "widths of hidden layers in the new head")
	flags.StringVar(&t.augment, "augment", "none", "none, radiograph (turned, mirrored, scaled, blurred, masked), or radiograph-upright (the same but not mirrored)")
	flags.StringVar(&t.cutmix, "cutmix", "features", "where the cutmix arm mixes: features (maps at the freeze line, which can be kept) or images")
	flags.StringVar(&t.memory, "memory", "", "most memory for training, such as 2GiB; without it no limit")
	flags.Uint64Var(&t.seed, "seed", 1, "decides folds, order and initial weights")
}

func (f *finetuneFlags) check() error {
	switch {
	case f.output == "":
		return usageError{errors.New("-o DIR is missing: name a directory for the report and the model")}
	case f.folds < 0 || f.folds == 1 || f.folds > 1000:
		return usageError{fmt.Errorf("--folds is %d: it must be from 2 to 1000, or 0 for no comparison", f.folds)}
	case f.runs < 1 || f.runs > 1000:
		return usageError{fmt.Errorf("--runs is %d: it must be from 1 to 1000", f.runs)}
	case f.bootstrap < 100 || f.bootstrap > 1_000_000:
		return usageError{fmt.Errorf("--bootstrap is %d: it must be from 100 to 1000000", f.bootstrap)}
	case len(f.arms) == 0:
		return usageError{fmt.Errorf("--arms is empty: name some of %s", strings.Join(finetune.PlanNames(), ", "))}
	}
	known := f.known()
	for i, name := range f.arms {
		if !slices.Contains(known, name) {
			return usageError{fmt.Errorf("there is no arm %q: %s", name, suggest(name, known))}
		}
		if slices.Contains(f.arms[:i], name) {
			return usageError{fmt.Errorf("arm %q is named twice", name)}
		}
	}
	switch {
	case f.final == "" && slices.Contains(f.arms, "progressive+probe"):
		f.final = "progressive+probe"
	case f.final == "":
		f.final = f.arms[len(f.arms)-1]
	case f.final != "none" && !slices.Contains(known, f.final):
		return usageError{fmt.Errorf("--final %q is no arm: %s", f.final, suggest(f.final, known))}
	}
	if f.folds == 0 && f.final == "none" {
		return usageError{errors.New("--folds 0 and --final none leave nothing to do")}
	}
	return f.tuning.check()
}

func (t *tuning) check() error {
	switch {
	case t.data == "":
		return usageError{errors.New("--data is missing: name a directory of images, a store made by `bristled data import`, or an .npz file")}
	case t.backbone == "":
		return usageError{fmt.Errorf("--%s is missing: name the ONNX file of a pretrained float32 network (`bristled model new` makes one from weights)", t.flag)}
	case t.probe < 0 || t.epochs < 1 || t.probe+t.epochs > 100_000:
		return usageError{fmt.Errorf("--probe is %d and --epochs %d: at least 0 and 1 are needed, and at most 100000 together", t.probe, t.epochs)}
	case !slices.Contains([]string{"none", "radiograph", "radiograph-upright"}, t.augment):
		return usageError{fmt.Errorf("--augment %q: %s", t.augment, suggest(t.augment, []string{"none", "radiograph", "radiograph-upright"}))}
	case !slices.Contains([]string{"features", "images"}, t.cutmix):
		return usageError{fmt.Errorf("--cutmix %q: %s", t.cutmix, suggest(t.cutmix, []string{"features", "images"}))}
	case !slices.Contains([]string{"", cohort.Train, cohort.Val, cohort.Test}, t.split):
		return usageError{fmt.Errorf("--split %q: it is train, val or test", t.split)}
	}
	if _, err := t.source.source(t.data); err != nil {
		return err
	}
	_, err := t.limit()
	return err
}

// limit returns how many bytes training may take, 0 for any number.
func (t *tuning) limit() (int, error) {
	if t.memory == "" {
		return 0, nil
	}
	units := []struct {
		name  string
		bytes float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"GB", 1e9}, {"MB", 1e6}}
	for _, u := range units {
		if number, ok := strings.CutSuffix(t.memory, u.name); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
			if err == nil && v > 0 && v*u.bytes < math.MaxInt32*1e6 {
				return int(v * u.bytes), nil
			}
		}
	}
	return 0, usageError{fmt.Errorf("--memory %q: write a size such as 2GiB or 500MiB", t.memory)}
}

// adjust applies what the flags say of all plans.
func (t *tuning) adjust(p *finetune.Plan) {
	if t.augment != "none" {
		p.Augment = finetune.Radiographs()
		p.Augment.Flip = t.augment == "radiograph"
	}
	p.CutMix.Features = p.CutMix.Probability > 0 && t.cutmix == "features"
}

// network reads the pretrained network, with the size of its input and the
// scaling of pixels decided.
func (t *tuning) network() (*network, [3]int, error) {
	n, err := readNetwork(t.backbone)
	if err != nil {
		return nil, [3]int{}, err
	}
	given, err := parseExtents(t.input)
	if err != nil {
		return nil, [3]int{}, err
	}
	sample, err := n.fix(given)
	if err != nil {
		return nil, [3]int{}, err
	}
	shape, err := n.pictureShape(sample)
	if err != nil {
		return nil, shape, err
	}
	if n.quantized() {
		return nil, shape, n.wrong(errors.New("the network is quantized, and only float32 can be fitted: name the file that it was quantized from"))
	}
	s, err := chooseScaling(t.mean, t.std, n.graph.Metadata, shape[0])
	if err != nil {
		return nil, shape, n.wrong(err)
	}
	if n.graph.Metadata == nil {
		n.graph.Metadata = map[string]string{}
	}
	s.note(n.graph.Metadata)
	return n, shape, nil
}

// images are a collection in memory, ready to be learned from.
type images struct {
	*cohort.Loaded
	cohort *cohort.Cohort
	names  []string
}

// load reads the images at the given shape.
func (t *tuning) load(ctx context.Context, stderr io.Writer, shape [3]int) (*images, error) {
	source, err := t.source.source(t.data)
	if err != nil {
		return nil, err
	}
	c, err := cohort.Open(source)
	if err != nil {
		return nil, err
	}
	bar := newProgress(ctx, stderr, "images", len(c.Images))
	loaded, err := c.Load(ctx, shape, t.source.workers, countOn(bar))
	bar.end()
	if err != nil {
		return nil, err
	}
	if n := len(loaded.Skipped); n > 0 {
		fmt.Fprintln(stderr, "bristled:", tellSkipped(loaded.Skipped))
	}
	if t.split != "" {
		if err := ofSplit(loaded, t.split); err != nil {
			return nil, fmt.Errorf("%s: %w", t.data, err)
		}
	}
	i := &images{Loaded: loaded, cohort: c}
	for _, o := range loaded.Origins {
		i.names = append(i.names, o.File)
	}
	return i, nil
}

// ofSplit keeps the images of one split.
func ofSplit(l *cohort.Loaded, split string) error {
	var samples []data.Sample
	var origins []cohort.Origin
	for i, o := range l.Origins {
		if o.Split == split {
			samples, origins = append(samples, l.Set.Samples[i]), append(origins, o)
		}
	}
	if len(samples) == 0 {
		return fmt.Errorf("%w in the split %q", data.ErrEmpty, split)
	}
	l.Set.Samples, l.Origins = samples, origins
	return nil
}

func runFinetune(ctx context.Context, stdout, stderr io.Writer, f finetuneFlags) error {
	net, shape, err := f.network()
	if err != nil {
		return err
	}
	img, err := f.load(ctx, stderr, shape)
	if err != nil {
		return err
	}
	limit, err := f.limit()
	if err != nil {
		return err
	}
	r := f.results(net, shape, img)
	r.Started = time.Now().UTC()
	e := site.Experiment{
		Net: net.graph, Set: img.Set, Names: img.names, Plans: f.arms, Own: f.own, Probe: f.probe, Epochs: f.epochs, Adjust: f.adjust, Hidden: f.hidden,
		Folds: f.folds, Runs: f.runs, Seed: f.seed, Dir: f.output, Workers: f.source.workers, Memory: limit, Now: time.Now,
	}
	if r.Backbone.Groups, err = groupNames(net.graph, len(img.Set.Classes), f.hidden); err != nil {
		return net.wrong(err)
	}
	if f.folds > 0 {
		bar := newSharedProgress(ctx, stderr, "training steps")
		e.Progress = bar.set
		found, err := e.Run(ctx)
		bar.end()
		if err != nil {
			return explainEvaluation(err)
		}
		if r.Arms, r.Pairs, err = found.Summarize(f.seed, f.bootstrap, r.Backbone.Groups); err != nil {
			return err
		}
	}
	if f.final != "none" {
		bar := newSharedProgress(ctx, stderr, "final model, training steps")
		e.Progress = bar.set
		fitted, err := e.Final(ctx, f.final, nil)
		bar.end()
		if err != nil {
			return err
		}
		r.Final = fitted.Final
		if !slices.Contains(f.arms, f.final) || f.folds == 0 {
			// The report knows an arm by its figures, and there are none.
			r.Settings = append(r.Settings, site.Setting{Name: "Arm of the model", Value: f.final + ", not evaluated here"})
			r.Final.Arm = ""
		}
	}
	r.Finished = time.Now().UTC()
	if err := site.WriteRun(f.output, r, nil); err != nil {
		return err
	}
	if f.json {
		return site.WriteResults(stdout, r)
	}
	return printFinetune(stdout, f.output, r)
}

// explainEvaluation adds what to do to errors about data that cannot be
// evaluated honestly.
func explainEvaluation(err error) error {
	if _, ok := errors.AsType[*evaluation.LeakError](err); ok {
		return fmt.Errorf("%w: see `bristled data inspect`, and give equal images one patient or take one of them out", err)
	}
	return err
}

// groupNames returns the names of the network's groups, the head first.
func groupNames(net *graph.Graph, classes int, hidden []int) ([]string, error) {
	headed, err := finetune.ReplaceHead(net, classes, hidden, 0)
	if err != nil {
		return nil, err
	}
	groups, err := finetune.Groups(headed)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return names, nil
}

// printFinetune prints the table of arms and where the rest is.
func printFinetune(out io.Writer, dir string, r site.Results) error {
	if len(r.Arms) > 0 {
		shown := min(2, len(r.Arms[0].Metrics)) // the report has all
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprint(w, "arm")
		for _, m := range r.Arms[0].Metrics[:shown] {
			fmt.Fprintf(w, "\t%s", m.Name)
		}
		timed := r.Arms[0].SecondsPerRun > 0 // a run of a cross-validation
		if timed {
			fmt.Fprint(w, "\ttime\tmemory")
		}
		fmt.Fprintln(w)
		for _, a := range r.Arms {
			fmt.Fprint(w, a.Name)
			for _, m := range a.Metrics[:shown] {
				fmt.Fprintf(w, "\t%.3f [%.3f, %.3f]", m.Mean, m.Low, m.High)
			}
			if timed {
				fmt.Fprintf(w, "\t%.0f s\t%s", a.SecondsPerRun, size(a.Memory))
			}
			fmt.Fprintln(w)
		}
		if err := w.Flush(); err != nil {
			return err
		}
		fmt.Fprintln(out, "\nMeans over the test folds, with 95% intervals by resampling patients.")
	}
	fmt.Fprintf(out, "\nReport: %s\n", filepath.Join(dir, site.ReportFile))
	if r.Final.File != "" {
		fmt.Fprintf(out, "Model:  %s\nCard:   %s\n", filepath.Join(dir, r.Final.File), filepath.Join(dir, r.Final.Card))
	}
	return nil
}
