package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/aggregation/robust"
	"github.com/bristle-fl/bristled/sim/experiment"
)

// crowd is one size that `sim bench` runs.
type crowd struct {
	name, file string
}

// crowds are simulations of growing size.
var crowds = []crowd{
	{"100", `{name: 100 peers all to all, rule: "bristle(beta=30)", peers: {honest: 100}, partition: {reuse: true}, iterations: 300, evaluate: 100}`},
	{"1000", `{name: 1000 peers to 16 others, peers: {honest: 1000}, partition: {reuse: true}, topology: {kind: random, k: 16}, max_age: 1, iterations: 300, evaluate: 150}`},
	{"10000", `{name: 10000 peers with 16 links, peers: {honest: 10000}, partition: {reuse: true}, topology: {kind: regular, k: 16}, max_age: 1, iterations: 20, evaluate: 20}`},
}

// timed is one line of `sim bench --json`.
type timed struct {
	Name       string  `json:"name"`
	Seconds    float64 `json:"seconds"`
	Accuracy   float64 `json:"accuracy,omitempty"`
	PeakMemory uint64  `json:"peak_memory_bytes,omitempty"`
	Runs       int     `json:"runs,omitempty"`
}

func newSimBench() *cobra.Command {
	var (
		f     simFlags
		size  string
		rules bool
	)
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Time the simulator and the aggregation rules on this machine",
		Long: `Bench runs crowds of peers that share the drawn digits, or MNIST with --data, and
prints how long it took and how much memory the process had at most. With --rules it
times every rule on vectors instead: 64 of 65,536 numbers with 8 liars (Multi-Krum 80
with 20, MDA 30 of 2048 with 10), median of several runs.`,
		Example: `  bristled sim bench --peers 1000
  bristled sim bench --rules --workers 2`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			at := slices.IndexFunc(crowds, func(c crowd) bool { return c.name == size })
			if at < 0 {
				return usageError{fmt.Errorf("--peers is %q: there are 100, 1000 and 10000", size)}
			}
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			var err error
			if rules {
				err = benchRules(ctx, out, f)
			} else {
				err = benchCrowd(ctx, out, cmd.ErrOrStderr(), crowds[at], f)
			}
			if err != nil && ctx.Err() != nil {
				return errors.New("the measurement was stopped")
			}
			return err
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVar(&size, "peers", "100", "100, 1000 or 10000")
	cmd.Flags().BoolVar(&rules, "rules", false, "time the rules instead")
	return cmd
}

func benchCrowd(ctx context.Context, out, stderr io.Writer, c crowd, f simFlags) error {
	text := c.file
	if f.data != "" {
		text = text[:len(text)-1] + ", data: {source: mnist}}"
	}
	file, err := experiment.Parse([]byte(text))
	if err != nil {
		return err
	}
	cells, err := file.Cells()
	if err != nil {
		return err
	}
	d, err := f.library(ctx, stderr).Open(ctx, cells[0].Settings.Data)
	if err != nil {
		return err
	}
	bar := newProgress(ctx, stderr, file.Name, cells[0].Settings.Iterations)
	start := time.Now()
	res, err := experiment.RunCell(ctx, d, cells[0], f.workers, func(int) { bar.add(1) }, nil)
	bar.end()
	if err != nil {
		return err
	}
	t := timed{Name: file.Name, Seconds: time.Since(start).Seconds(), Accuracy: res.Cell.Mean[len(res.Cell.Mean)-1], PeakMemory: peakMemory()}
	if f.json {
		return printJSON(out, t)
	}
	_, err = fmt.Fprintf(out, "%s, %d iterations: %.1f s, at most %d MiB, accuracy %.3f\n", t.Name, cells[0].Settings.Iterations, t.Seconds, t.PeakMemory>>20, t.Accuracy)
	return err
}

// benchRules times every rule on vectors but SMEA, which tries all subsets.
func benchRules(ctx context.Context, out io.Writer, f simFlags) error {
	all := []timed{}
	for _, e := range robust.Rules() {
		if e.Name == "smea" {
			continue
		}
		n, d, liars := 64, 65536, 8
		switch e.Name {
		case "multi-krum":
			n, liars = 80, 20
		case "mda":
			n, d, liars = 30, 2048, 10
		}
		v := robust.Values{}
		for _, c := range e.Constants {
			v[c.Name] = c.Default
		}
		if _, ok := v["f"]; ok {
			v["f"] = float64(liars)
		}
		name := e.Name
		if name == "geometric-median" {
			v["steps"] = 3
			name += ", 3 steps"
		}
		rng := rand.New(rand.NewPCG(1, 1))
		in := robust.Input{Rand: rng, Loss: func(x []float32) float64 { return float64(x[0]) }}
		for range n {
			x := make([]float32, d)
			for j := range x {
				x[j] = rng.Float32()
			}
			in.Vectors = append(in.Vectors, x)
		}
		rule, dst := e.New(v, f.workers), make([]float32, d)
		rule.Aggregate(dst, in)
		var times []float64
		for start := time.Now(); len(times) < 5 || time.Since(start) < time.Second; {
			if err := ctx.Err(); err != nil {
				return err
			}
			begin := time.Now()
			rule.Aggregate(dst, in)
			times = append(times, time.Since(begin).Seconds())
		}
		slices.Sort(times)
		t := timed{Name: name, Seconds: times[len(times)/2], Runs: len(times)}
		all = append(all, t)
		if !f.json {
			if _, err := fmt.Fprintf(out, "%-26s %8.2f ms  (n=%d, d=%d, median of %d runs on %d of %d processors)\n", t.Name, 1e3*t.Seconds, n, d, t.Runs, f.workers, runtime.NumCPU()); err != nil {
				return err
			}
		}
	}
	if f.json {
		return printJSON(out, all)
	}
	return nil
}
