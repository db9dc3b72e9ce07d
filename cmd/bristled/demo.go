package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/node"
	"github.com/bristle-fl/bristled/sim"
	"github.com/bristle-fl/bristled/sim/attack"
)

// What the demo's peers hold: as in the Bristle experiments, four classes of
// ten for the honest, all ten for the liars, ten samples of each to train on
// and ten to judge others by.
const (
	demoClasses = 4
	demoTrain   = 10
	demoProbe   = 10
	demoTest    = 2000 // held-out digits drawn by code
	demoPool    = 300  // MNIST training pictures, per peer, that the hands are dealt from
)

type demoFlags struct {
	peers, byzantine, rounds int
	seed                     uint64
	data, output             string
	json                     bool
}

// demoResult is the last line of `demo --json`.
type demoResult struct {
	HonestAccuracy    map[string]float64   `json:"honest_accuracy"`
	WorstAccuracy     map[string]float64   `json:"worst_accuracy"`
	PeerAccuracy      map[string][]float64 `json:"peer_accuracy"`
	BytesPerPeerRound float64              `json:"bytes_per_peer_round"`
	BytesFullModel    int                  `json:"bytes_full_model"`
	WirePerPeerRound  float64              `json:"wire_bytes_per_peer_round"`
	Peers             int                  `json:"peers"`
	Byzantine         int                  `json:"byzantine"`
	Rounds            int                  `json:"rounds"`
	Seed              uint64               `json:"seed"`
	TestSamples       int                  `json:"test_samples"`
	Seconds           float64              `json:"seconds"`
	Output            string               `json:"output"`
}

func newDemo() *cobra.Command {
	var f demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Ten real peers on this machine, three of them lying",
		Long: `Demo starts real peers in this process: each is a libp2p host on loopback with an
identity and a store of its own. The honest ones know four of ten digits each,
from ten pictures per digit; the Byzantine ones know all ten and send heads that
were trained on wrong labels. Then the same peers run again on an in-process bus
with other rules, to compare.`,
		Example: `  bristled demo
  bristled demo --peers 20 --byzantine 8 --rounds 60
  bristled demo --data mnist --json | tail -n 1`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return demo(cmd.Context(), cmd.OutOrStdout(), f)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.peers, "peers", 10, "number of peers, the Byzantine ones included")
	flags.IntVar(&f.byzantine, "byzantine", 3, "number of peers that lie about labels")
	flags.IntVar(&f.rounds, "rounds", 40, "rounds that each honest peer runs")
	flags.Uint64Var(&f.seed, "seed", 1, "decides who holds which samples, and their order")
	flags.StringVar(&f.data, "data", "", "directory with MNIST's four IDX files; without it, digits drawn by code")
	flags.StringVar(&f.output, "output", "", "new directory for the peers' files and the result; without it, a temporary one")
	flags.BoolVar(&f.json, "json", false, "end with one JSON object on the last line")
	return cmd
}

func (f demoFlags) check() error {
	switch {
	case f.byzantine < 0:
		return usageError{fmt.Errorf("--byzantine is %d: it must not be negative", f.byzantine)}
	case f.peers-f.byzantine < 2:
		return usageError{fmt.Errorf("--peers %d with --byzantine %d leaves %d honest peers: there must be at least 2", f.peers, f.byzantine, f.peers-f.byzantine)}
	case f.peers > 64:
		return usageError{fmt.Errorf("--peers is %d: real hosts in one process go up to 64", f.peers)}
	case f.rounds < 1:
		return usageError{fmt.Errorf("--rounds is %d: it must be at least 1", f.rounds)}
	}
	return nil
}

func demo(ctx context.Context, out io.Writer, f demoFlags) (err error) {
	if err := f.check(); err != nil {
		return err
	}
	start := time.Now()
	dir, err := demoDir(f.output)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil && f.output == "" { // nobody knows of it
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	silenceLibraries()
	backbone, err := learner.DefaultBackbone()
	if err != nil {
		return err
	}
	e, err := demoExperiment(ctx, out, f, backbone)
	if err != nil {
		return demoStopped(ctx, err)
	}
	view := newDemoView(out, e, f)
	live, traffic, err := sim.RunLive(ctx, sim.Live{
		Experiment: e,
		Dir:        dir,
		Log:        slog.New(slog.DiscardHandler),
		OnRound:    view.round,
	})
	view.close()
	if err != nil {
		return demoStopped(ctx, err)
	}
	results := map[string]sim.Result{e.Manifest.Rule.Name: live}
	for _, rule := range []string{"local", "mean", "bristle"} {
		if results[rule], err = demoOnBus(ctx, out, e, rule); err != nil {
			return demoStopped(ctx, err)
		}
	}
	res := demoResult{
		HonestAccuracy:    map[string]float64{},
		WorstAccuracy:     map[string]float64{},
		PeerAccuracy:      map[string][]float64{},
		BytesPerPeerRound: traffic.UpdateBytes,
		BytesFullModel:    4 * (backbone.Parameters() + e.Manifest.Backbone.Features*len(e.Manifest.Classes)),
		WirePerPeerRound:  traffic.WireBytes,
		Peers:             f.peers,
		Byzantine:         f.byzantine,
		Rounds:            f.rounds,
		Seed:              f.seed,
		TestSamples:       len(e.Test.Labels),
		Output:            dir,
	}
	for rule, r := range results {
		res.HonestAccuracy[rule], res.WorstAccuracy[rule], res.PeerAccuracy[rule] = r.Mean(), r.Worst(), r.Accuracy
	}
	res.Seconds = time.Since(start).Seconds()
	if err := view.save(dir, res); err != nil {
		return err
	}
	printDemo(out, res)
	if f.json {
		return printJSON(out, res)
	}
	return nil
}

func demoStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.New("the demo was stopped before it had a result")
	}
	return err
}

// demoDir makes the directory that the demo writes to.
func demoDir(name string) (string, error) {
	if name == "" {
		dir, err := os.MkdirTemp("", "bristled-demo-")
		if err != nil {
			return "", fmt.Errorf("make a directory for the peers' files: %w: name another one with --output", err)
		}
		return dir, nil
	}
	entries, err := os.ReadDir(name)
	if err == nil && len(entries) > 0 {
		return "", fmt.Errorf("--output %s is not empty: name a new directory", name)
	}
	if err := os.MkdirAll(name, 0o700); err != nil {
		return "", fmt.Errorf("--output: %w", err)
	}
	return filepath.Abs(name)
}

// demoExperiment draws or reads the samples, computes their features and
// deals them out.
func demoExperiment(ctx context.Context, out io.Writer, f demoFlags, backbone *learner.Backbone) (sim.Experiment, error) {
	m, err := node.Found("demo", data.Digits(0).Classes(), backbone, 0, federation.PrepareCentre, "bristle+")
	if err != nil {
		return sim.Experiment{}, err
	}
	honest := f.peers - f.byzantine
	pool, test, err := demoSets(f)
	if err != nil {
		return sim.Experiment{}, err
	}
	fmt.Fprintf(out, "Computing the features of %d pictures ...\n", len(pool.Samples)+len(test.Samples))
	cache, err := learner.OpenCache("", backbone, runtime.GOMAXPROCS(0), slog.New(slog.DiscardHandler))
	if err != nil {
		return sim.Experiment{}, err
	}
	scale := m.Backbone.RMS / m.Backbone.RawRMS
	poolFeatures, err := cache.Features(ctx, pool.Samples, scale)
	if err != nil {
		return sim.Experiment{}, err
	}
	testFeatures, err := cache.Features(ctx, test.Samples, scale)
	if err != nil {
		return sim.Experiment{}, err
	}
	holds := sim.Spread(honest, demoClasses, len(m.Classes))
	for range f.byzantine {
		holds = append(holds, sim.Window(0, len(m.Classes), len(m.Classes)))
	}
	hands, err := sim.NewDeck(sim.Pool{Samples: poolFeatures, Width: m.Backbone.Features}, f.seed).Deal(holds, demoTrain, demoProbe)
	if err != nil {
		return sim.Experiment{}, err
	}
	return sim.Experiment{
		Manifest:   m,
		Honest:     hands[:honest],
		Liars:      hands[honest:],
		Attack:     attack.Named("flip-all", f.seed),
		Test:       testFeatures,
		Iterations: f.rounds,
		Seed:       f.seed,
		Workers:    runtime.GOMAXPROCS(0),
	}, nil
}

// demoSets returns the pictures to deal from and those to judge by.
func demoSets(f demoFlags) (pool, test data.Set, err error) {
	if f.data != "" {
		if pool, test, err = data.ReadMNIST(f.data); err != nil {
			return pool, test, err
		}
		pool.Samples = pool.Samples[:min(demoPool*f.peers, len(pool.Samples))]
		return pool, test, nil
	}
	// Enough that every class can be held by everybody.
	digits := data.Digits(2 * f.seed)
	pool = digits.Set(0, len(digits.Classes())*f.peers*(demoTrain+demoProbe))
	return pool, data.Digits(2*f.seed+1).Set(0, demoTest), nil
}

// demoOnBus runs the same peers with another rule.
func demoOnBus(ctx context.Context, out io.Writer, e sim.Experiment, rule string) (sim.Result, error) {
	other, err := sim.WithRule(e, rule)
	if err != nil {
		return sim.Result{}, err
	}
	// The others are there to compare with: as they are published, without
	// prototypes, which teach even a peer that merges nothing.
	other.Manifest.Prototypes = federation.PrototypeSpec{}
	fmt.Fprintf(out, "The same peers with %s ...\n", ruleTitles[rule])
	return sim.Run(ctx, other)
}

// ruleTitles says in words what each run of the demo is.
var ruleTitles = map[string]string{
	"local":    "no exchange",
	"mean":     "plain averaging",
	"bristle":  "bristle",
	"bristle+": "bristle+",
}

func printDemo(out io.Writer, r demoResult) {
	fmt.Fprintf(out, "\nAccuracy of the %d honest peers on %d held-out pictures of all ten digits\n", r.Peers-r.Byzantine, r.TestSamples)
	fmt.Fprintf(out, "(%d Byzantine peers among them, %d rounds)\n\n", r.Byzantine, r.Rounds)
	fmt.Fprintf(out, "                  mean   worst peer\n")
	for _, rule := range []string{"local", "mean", "bristle", "bristle+"} {
		fmt.Fprintf(out, "%-16s %.3f   %.3f   %s\n", ruleTitles[rule], r.HonestAccuracy[rule], r.WorstAccuracy[rule], bar(r.HonestAccuracy[rule], 30))
	}
	fmt.Fprintf(out, "\nbristle+ ran on real hosts, the others on an in-process bus.\n")
	fmt.Fprintf(out, "An update has %.0f bytes, the whole model in float32 %d: %.0f times as many.\n",
		r.BytesPerPeerRound, r.BytesFullModel, float64(r.BytesFullModel)/r.BytesPerPeerRound)
	fmt.Fprintf(out, "%.1f s. Stores, identities, curves and result: %s\n", r.Seconds, r.Output)
}

// bar draws x of 1 in width characters.
func bar(x float64, width int) string {
	const eighths = " ▏▎▍▌▋▊▉"
	full := int(x*float64(width)*8 + 0.5)
	b := ""
	for range full / 8 {
		b += "█"
	}
	if rest := full % 8; rest > 0 {
		b += string([]rune(eighths)[rest])
	}
	return b
}

// writeJSON writes an indented JSON file.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	return nil
}
