package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

type benchFlags struct {
	batch, workers         int
	seconds                float64
	input                  string
	training, layers, json bool
	batchGiven             bool
}

// benchReport is what `model bench` shows.
type benchReport struct {
	File       string  `json:"file"`
	Kernel     string  `json:"kernel"`
	Workers    int     `json:"workers"`
	Batch      int     `json:"batch"`
	Input      []int   `json:"input"` // batch included
	MACs       int64   `json:"macs"`  // of a batch
	Float32    *pass   `json:"float32,omitempty"`
	Int8       *pass   `json:"int8,omitempty"`
	Training   *pass   `json:"training,omitempty"`
	Cold       float64 `json:"cold"` // seconds to read the file and give the first answer
	PeakMemory uint64  `json:"peak_memory"`
}

// pass is what one way of running a network costs.
type pass struct {
	timing
	Batch       int         `json:"batch"`
	GOPS        float64     `json:"gops"` // billions of multiplications and additions per second, by the fastest run
	Activations uint64      `json:"activations"`
	Layers      []benchStep `json:"layers,omitempty"`
}

// benchStep is a line of --layers.
type benchStep struct {
	Node     string  `json:"node"`
	Operator string  `json:"operator"`
	Seconds  float64 `json:"seconds"` // of one pass
	Share    float64 `json:"share"`
	GOPS     float64 `json:"gops,omitempty"`
}

func newModelBench() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench FILE",
		Short: "Measure how fast a network runs here, in float32 and int8",
		Long: `Bench runs a network on random numbers and says how long a pass takes and how much
memory. A float32 network is quantized for it on the fly, which says nothing
about accuracy; a quantized one runs as it is. GOP/s counts a multiplication and
an addition as two.`,
		Example: `  bristled model bench resnet18.onnx
  bristled model bench resnet18.onnx --batch 8 --workers 2 --layers
  bristled model bench resnet18.onnx --training`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.batchGiven = cmd.Flags().Changed("batch")
			switch {
			case f.workers < 1 || f.workers > 1024:
				return usageError{fmt.Errorf("--workers is %d: it must be from 1 to 1024", f.workers)}
			case !(f.seconds >= 0 && f.seconds <= 3600):
				return usageError{fmt.Errorf("--seconds is %v: it must be from 0 to 3600", f.seconds)}
			}
			r, err := bench(cmd.Context(), cmd.ErrOrStderr(), args[0], f)
			if err != nil {
				if cmd.Context().Err() != nil {
					return errors.New("the measurement was stopped")
				}
				return err
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), r)
			}
			return printBench(cmd.OutOrStdout(), r)
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&f.batch, "batch", 1, "samples in a pass")
	flags.IntVar(&f.workers, "workers", 1, "goroutines that share a pass")
	flags.Float64Var(&f.seconds, "seconds", 2, "how long to measure each way of running")
	flags.StringVar(&f.input, "input", "", "extents of a sample, for a network that leaves them open, such as 3x224x224")
	flags.BoolVar(&f.training, "training", false, "measure a training step as well: 8 samples, SGD")
	flags.BoolVar(&f.layers, "layers", false, "say what each layer takes; --json lists all of them")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

// trainingBatch is how many samples a measured training step has.
const trainingBatch = 8

func bench(ctx context.Context, stderr io.Writer, path string, f benchFlags) (*benchReport, error) {
	given, err := parseExtents(f.input)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	n, err := readNetwork(path)
	if err != nil {
		return nil, err
	}
	sample, err := n.fix(given)
	if err != nil {
		return nil, err
	}
	batch, err := n.batch(f.batch, f.batchGiven)
	if err != nil {
		return nil, err
	}
	b := &benchmark{
		ctx: ctx, network: n, batch: batch, workers: f.workers, layers: f.layers, start: start,
		long:   time.Duration(f.seconds * float64(time.Second)),
		report: &benchReport{File: path, Kernel: cpu.Active().String(), Workers: f.workers, Batch: batch, Input: append([]int{batch}, sample...)},
	}
	parts := []func() error{b.float, b.int8}
	if n.quantized() {
		parts = []func() error{b.int8}
		if f.training {
			return nil, n.wrong(errors.New("a quantized network cannot be trained: measure --training on the float32 one"))
		}
	}
	if f.training {
		parts = append(parts, b.training)
	}
	bar := newProgress(ctx, stderr, "measuring", len(parts))
	defer bar.end()
	for _, part := range parts {
		if err := part(); err != nil {
			return nil, n.wrong(err)
		}
		bar.add(1)
	}
	b.report.PeakMemory = peakMemory()
	return b.report, nil
}

func printBench(out io.Writer, r *benchReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "network\t%s, %s\n", r.File, extents(r.Input))
	fmt.Fprintf(w, "work\t%s multiply-adds in a pass\n", count(r.MACs))
	fmt.Fprintf(w, "kernel\t%s, workers: %d\n", r.Kernel, r.Workers)
	fmt.Fprintf(w, "cold start\t%s to read the file and give the first answer\n", milliseconds(r.Cold))
	fmt.Fprintf(w, "peak memory\t%s, everything that was measured together\n", size(r.PeakMemory))
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	w = tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tbatch\tfastest\tmedian\tper sample\tGOP/s\tactivations\tpasses\t")
	for _, p := range r.passes() {
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%.1f\t%s\t%d\t\n", p.name, p.Batch, milliseconds(p.Min), milliseconds(p.Median),
			milliseconds(p.Min/float64(p.Batch)), p.GOPS, size(p.Activations), p.Runs)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, p := range r.passes() {
		if err := printSteps(out, p); err != nil {
			return err
		}
	}
	return nil
}

// namedPass is a way of running with its name.
type namedPass struct {
	name string
	*pass
}

// passes returns what was measured.
func (r *benchReport) passes() []namedPass {
	var list []namedPass
	for _, p := range []namedPass{{"float32", r.Float32}, {"int8", r.Int8}, {"training", r.Training}} {
		if p.pass != nil {
			list = append(list, p)
		}
	}
	return list
}

func printSteps(out io.Writer, p namedPass) error {
	if len(p.Layers) == 0 {
		return nil
	}
	fmt.Fprintf(out, "\n%s, the slowest layers first:\n", p.name)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "layer\toperator\ttime\tshare\tGOP/s")
	var rest benchStep
	for i, s := range p.Layers {
		if i >= mostLines {
			rest.Seconds += s.Seconds
			rest.Share += s.Share
			continue
		}
		rate := ""
		if s.GOPS > 0 {
			rate = fmt.Sprintf("%.1f", s.GOPS)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%.1f%%\t%s\n", cut(s.Node, 48), s.Operator, milliseconds(s.Seconds), 100*s.Share, rate)
	}
	if more := len(p.Layers) - mostLines; more > 0 {
		fmt.Fprintf(w, "%d others\t\t%s\t%.1f%%\t\n", more, milliseconds(rest.Seconds), 100*rest.Share)
	}
	return w.Flush()
}

// milliseconds writes a time for people.
func milliseconds(seconds float64) string {
	switch ms := 1000 * seconds; {
	case ms >= 1000:
		return fmt.Sprintf("%.2f s", seconds)
	case ms >= 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms >= .1:
		return fmt.Sprintf("%.2f ms", ms)
	default:
		return fmt.Sprintf("%.1f µs", 1000*ms)
	}
}
