package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/quant"
)

type quantizeFlags struct {
	calibrate, output, input, mean, std, ranges string
	percentile, maxDrop                         float64
	images, workers                             int
	seed                                        uint64
	backbone, force, json                       bool
	dropGiven                                   bool
}

// quantization is what `model quantize` shows.
type quantization struct {
	File        string  `json:"file"`
	Bytes       int64   `json:"bytes"`
	FloatBytes  int64   `json:"float_bytes"`
	Backbone    bool    `json:"backbone"`
	Outputs     int     `json:"outputs"` // features of a backbone
	Calibrated  int     `json:"calibrated"`
	Compared    int     `json:"compared"`
	HeldBack    bool    `json:"held_back"`      // the compared pictures were not calibrated on
	SNR         float64 `json:"snr"`            // signal to noise of what the int8 network puts out, in decibels
	Agreement   float64 `json:"agreement"`      // share of pictures with the same first class
	FloatRight  float64 `json:"float_accuracy"` // 0 if the pictures' labels are not the outputs
	Int8Right   float64 `json:"int8_accuracy"`
	HasAccuracy bool    `json:"has_accuracy"`
	Ranges      string  `json:"ranges"`
}

const (
	// maxDropAccuracy and maxDropAgreement are what int8 may cost by default.
	// Two networks disagree on more pictures than one of them is worse on.
	maxDropAccuracy  = .01
	maxDropAgreement = .05

	// mostCompared is how many pictures the two networks are compared on.
	mostCompared = 1000
)

// rangeNames are the ways to find ranges.
var rangeNames = []string{"min-max", "percentile", "mse"}

func newModelQuantize() *cobra.Command {
	var f quantizeFlags
	cmd := &cobra.Command{
		Use:   "quantize FILE",
		Short: "Turn a float32 network into int8, calibrated on pictures",
		Long: `Quantize watches a float32 network at work on pictures, turns its weights and
values into bytes, and compares the two networks on pictures that it held back.
When int8 costs more than --max-drop, nothing is written. The result is ONNX with
QuantizeLinear and DequantizeLinear, which other tools run as well.

The pictures' directory has one folder per class, or the files of MNIST, CIFAR-10
or WISDM (series for networks over time), or just pictures. If there are as many folders as outputs, in the order of their names,
accuracy is measured; otherwise how often the two networks agree.`,
		Example: `  bristled model quantize resnet18.onnx --calibrate pictures -o resnet18-int8.onnx \
      --mean .485,.456,.406 --std .229,.224,.225
  bristled model quantize resnet18.onnx --calibrate pictures --backbone -o backbone.onnx`,
		Args: oneFile,
		RunE: func(cmd *cobra.Command, args []string) error {
			f.dropGiven = cmd.Flags().Changed("max-drop")
			f.workers = runtime.GOMAXPROCS(0)
			method, err := f.method(cmd.Flags().Changed("percentile"))
			if err != nil {
				return err
			}
			q, err := quantize(cmd.Context(), cmd.ErrOrStderr(), args[0], f, method)
			if err != nil {
				return stopped(cmd.Context(), err, "quantizing")
			}
			if f.json {
				return printJSON(cmd.OutOrStdout(), q)
			}
			return printQuantization(cmd.OutOrStdout(), args[0], q)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.calibrate, "calibrate", "", "directory of pictures that look like those the network will see")
	flags.StringVarP(&f.output, "output", "o", "", "file to write")
	flags.BoolVar(&f.backbone, "backbone", false, "cut the output layer off: what a federation needs")
	flags.StringVar(&f.ranges, "ranges", "percentile", "how the range of a value is found: min-max, percentile or mse")
	flags.Float64Var(&f.percentile, "percentile", quant.DefaultPercentile, "share of a value's numbers that its range holds, in percent")
	flags.StringVar(&f.mean, "mean", "", "subtracted from pixels of 0 to 1, one number or one per channel; without it what the file states")
	flags.StringVar(&f.std, "std", "", "then divided by, likewise")
	flags.StringVar(&f.input, "input", "", "channels, height and width, for a network that leaves them open")
	flags.IntVar(&f.images, "images", 200, "most pictures that are calibrated on; others are for the comparison")
	flags.Float64Var(&f.maxDrop, "max-drop", maxDropAccuracy, "most accuracy that int8 may cost, or agreement (then 0.05 unless given)")
	flags.Uint64Var(&f.seed, "seed", 1, "decides which pictures are used for what")
	flags.BoolVar(&f.force, "force", false, "replace the file if it is there")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

// method checks the flags that say how ranges are found, and the others that
// are numbers.
func (f quantizeFlags) method(percentileGiven bool) (quant.Method, error) {
	switch {
	case f.images < 1 || f.images > 100_000:
		return quant.Method{}, usageError{fmt.Errorf("--images is %d: it must be from 1 to 100000", f.images)}
	case !(f.maxDrop >= 0 && f.maxDrop <= 1):
		return quant.Method{}, usageError{fmt.Errorf("--max-drop is %v: it must be from 0 to 1, such as 0.01 for one point of a hundred", f.maxDrop)}
	case !(f.percentile >= 50 && f.percentile <= 100):
		return quant.Method{}, usageError{fmt.Errorf("--percentile is %v: it must be from 50 to 100, such as 99.99", f.percentile)}
	case percentileGiven && f.ranges != "percentile":
		return quant.Method{}, usageError{fmt.Errorf("--percentile says nothing for --ranges %s: leave out one of the two", f.ranges)}
	case f.calibrate == "":
		return quant.Method{}, usageError{errors.New("--calibrate is missing: name a directory of pictures that look like those the network will see")}
	}
	switch f.ranges {
	case "min-max":
		return quant.MinMax(), nil
	case "percentile":
		return quant.Percentile(f.percentile), nil
	case "mse":
		return quant.MSE(), nil
	}
	return quant.Method{}, usageError{fmt.Errorf("there is no way %q to find ranges: %s", f.ranges, suggest(f.ranges, rangeNames))}
}

func quantize(ctx context.Context, stderr io.Writer, path string, f quantizeFlags, method quant.Method) (_ *quantization, err error) {
	if err := mayWrite("--output", f.output, f.force); err != nil {
		return nil, err
	}
	given, err := parseExtents(f.input)
	if err != nil {
		return nil, err
	}
	n, err := readNetwork(path)
	if err != nil {
		return nil, err
	}
	if n.quantized() {
		return nil, n.wrong(errors.New("it is quantized already: name the float32 network"))
	}
	a, err := openAlbum(f.calibrate)
	if err != nil {
		return nil, fmt.Errorf("--calibrate %w", err)
	}
	s, err := newComparison(n, a, given, f)
	if err != nil {
		return nil, err
	}
	file, err := newOutput("--output", f.output)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.discard()) }()

	calibrating, held := a.deal(f.images, f.seed)
	q := &quantization{File: f.output, FloatBytes: n.size, Backbone: f.backbone, Ranges: f.ranges, HeldBack: len(held) > 0}
	if len(held) == 0 {
		held = calibrating // better than nothing
	}
	ranges, err := s.calibrate(ctx, stderr, a, calibrating, method)
	if err != nil {
		return nil, err
	}
	q.Calibrated = s.calibrated
	quantized, err := quant.Quantize(s.float, ranges)
	if err != nil {
		return nil, n.wrong(err)
	}
	s.scaling.note(quantized.Metadata)
	if err := s.compare(ctx, stderr, a, held, quantized, q); err != nil {
		return nil, err
	}
	if err := q.check(f); err != nil {
		return nil, fmt.Errorf("%w; nothing was written", err)
	}
	b, err := onnx.Marshal(quantized)
	if err != nil {
		return nil, n.wrong(err)
	}
	if f.backbone {
		if b, err = withRMS(ctx, quantized, b, a, calibrating, s.shape, f.workers); err != nil {
			return nil, n.wrong(err)
		}
	}
	q.Bytes = int64(len(b))
	if err := file.commit(b); err != nil {
		return nil, fmt.Errorf("write the network: %w", err)
	}
	return q, nil
}

// mostMeasured is how many pictures the size of a backbone's features is
// measured on.
const mostMeasured = 256

// withRMS states the root mean square of a backbone's features on some
// pictures in its file, so that a federation can be founded without data.
func withRMS(ctx context.Context, g *graph.Graph, file []byte, a *album, numbers []int, shape [3]int, workers int) ([]byte, error) {
	b, err := learner.LoadBackbone(file)
	if err != nil {
		return nil, err
	}
	set := data.Set{Shape: shape}
	size := shape[0] * shape[1] * shape[2]
	_, err = a.each(ctx, numbers[:min(mostMeasured, len(numbers))], shape, workers, func(_ []int, pixels []uint8) error {
		for picture := range slices.Chunk(slices.Clone(pixels), size) {
			set.Samples = append(set.Samples, data.Sample{Pixels: picture})
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	rms, err := b.MeasureRMS(set)
	if err != nil {
		return nil, err
	}
	g.Metadata[learner.MetaRawRMS] = strconv.FormatFloat(rms, 'g', 6, 64)
	return onnx.Marshal(g)
}

// deal picks pictures to calibrate on and others to compare the networks on.
// A test set that the files name is for comparing alone.
func (a *album) deal(most int, seed uint64) (calibrating, held []int) {
	r := rand.New(rand.NewPCG(seed, 0))
	train, test := a.all()[:len(a.pictures)-a.test], a.all()[len(a.pictures)-a.test:]
	r.Shuffle(len(train), func(i, j int) { train[i], train[j] = train[j], train[i] })
	r.Shuffle(len(test), func(i, j int) { test[i], test[j] = test[j], test[i] })
	if a.test > 0 {
		return train[:min(most, len(train))], test[:min(mostCompared, len(test))]
	}
	// A quarter stays for the comparison, however few there are.
	k := min(most, (3*len(train)+3)/4)
	return train[:k], train[k:min(k+mostCompared, len(train))]
}

// check says whether int8 costs more than it may.
func (q *quantization) check(f quantizeFlags) error {
	if q.HasAccuracy {
		return quant.CheckDrop(q.FloatRight, q.Int8Right, f.maxDrop)
	}
	most := f.maxDrop
	if !f.dropGiven {
		most = maxDropAgreement
	}
	if 1-q.Agreement > most {
		return &disagreementError{q.Agreement, most, q.Compared}
	}
	return nil
}

// disagreementError is a [quant.DropError] for pictures without labels.
type disagreementError struct {
	agreement, most float64
	pictures        int
}

func (e *disagreementError) Error() string {
	return fmt.Sprintf("int8 and float32 name the same class for %.1f%% of %d pictures where %.1f%% are asked for; calibrate with more images, by another --ranges, or allow more with --max-drop",
		100*e.agreement, e.pictures, 100*(1-e.most))
}

func printQuantization(out io.Writer, from string, q *quantization) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "float32\t%s, %s\n", from, size(uint64(q.FloatBytes)))
	what := "outputs"
	if q.Backbone {
		what = "features, without the output layer"
	}
	fmt.Fprintf(w, "int8\t%s, %s, %d %s\n", q.File, size(uint64(q.Bytes)), q.Outputs, what)
	fmt.Fprintf(w, "calibrated\ton %d pictures, ranges by %s\n", q.Calibrated, q.Ranges)
	held := "held-back pictures"
	if !q.HeldBack {
		held = "of the same pictures: there are no others"
	}
	fmt.Fprintf(w, "compared\ton %d %s\n", q.Compared, held)
	fmt.Fprintf(w, "noise\t%.1f dB below the signal\n", q.SNR)
	if q.HasAccuracy {
		fmt.Fprintf(w, "accuracy\t%.2f%% in float32, %.2f%% in int8\n", 100*q.FloatRight, 100*q.Int8Right)
	}
	fmt.Fprintf(w, "agreement\t%.2f%% of pictures get the same class\n", 100*q.Agreement)
	if q.Backbone {
		fmt.Fprintf(w, "next\tbristled init --backbone %s --data DIR\n", q.File)
	}
	return w.Flush()
}
