package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"github.com/spf13/cobra"
)

type featureFlags struct {
	output, labels, input, mean, std string
	workers                          int
	whole, raw, force, json          bool
}

// extracted is what `features --json` prints.
type extracted struct {
	File     string `json:"file"`
	Labels   string `json:"labels,omitempty"`
	Pictures int    `json:"pictures"`
	Skipped  int    `json:"skipped"`
	Features int    `json:"features"`
	Type     string `json:"type"`
	Without  string `json:"without,omitempty"` // the output layer that was cut off
	// Scale and Zero say what raw bytes stand for: (byte-Zero)*Scale.
	Scale float32 `json:"scale,omitempty"`
	Zero  uint8   `json:"zero,omitempty"`
}

func newFeatures() *cobra.Command {
	var f featureFlags
	cmd := &cobra.Command{
		Use:   "features FILE DIR",
		Short: "Compute the features of every picture in a directory",
		Long: `Features runs a network, without its output layer if it has one, on every picture
of a directory and writes what comes out as a NumPy array, one row per picture.
The directory has one folder of pictures per class, or the files of MNIST, CIFAR-10
or WISDM, or pictures without labels.`,
		Example: `  bristled features backbone.onnx pictures -o features.npy --labels labels.csv
  bristled features resnet18.onnx pictures -o features.npy --mean .485,.456,.406 --std .229,.224,.225
  bristled features resnet18.onnx pictures --whole -o logits.npy`,
		Args: arguments(2, 2, "one ONNX file and one directory of pictures"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.workers == 0 {
				f.workers = runtime.GOMAXPROCS(0)
			}
			if f.workers < 1 || f.workers > 1024 {
				return usageError{fmt.Errorf("--workers is %d: it must be from 0 to 1024", f.workers)}
			}
			err := writeFeatures(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), args[0], args[1], f)
			return stopped(cmd.Context(), err, "computing features")
		},
	}
	flags := cmd.Flags()
	flags.StringVarP(&f.output, "output", "o", "", "NumPy file to write")
	flags.StringVar(&f.labels, "labels", "", "CSV file to write, with the name and the class of every row's picture")
	flags.StringVar(&f.input, "input", "", "channels, height and width, for a network that leaves them open")
	flags.StringVar(&f.mean, "mean", "", "subtracted from pixels of 0 to 1, one number or one per channel; without it what the file states")
	flags.StringVar(&f.std, "std", "", "then divided by, likewise")
	flags.BoolVar(&f.whole, "whole", false, "keep the output layer: write what it puts out")
	flags.BoolVar(&f.raw, "raw", false, "write the bytes of a quantized network as they are, as uint8")
	flags.IntVar(&f.workers, "workers", 0, "goroutines; 0: one per processor")
	flags.BoolVar(&f.force, "force", false, "replace files that are there")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

func writeFeatures(ctx context.Context, stdout, stderr io.Writer, path, dir string, f featureFlags) (err error) {
	if err := mayWrite("--output", f.output, f.force); err != nil {
		return err
	}
	if f.labels != "" {
		if err := mayWrite("--labels", f.labels, f.force); err != nil {
			return err
		}
	}
	a, err := openAlbum(dir)
	if err != nil {
		return err
	}
	x, err := openExtractor(path, a, f)
	if err != nil {
		return err
	}
	file, err := newOutput("--output", f.output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.discard()) }()

	bar := newProgress(ctx, stderr, "features", len(a.pictures))
	rows := make([]int, 0, len(a.pictures))
	skipped, err := a.each(ctx, a.all(), x.shape, f.workers, func(numbers []int, pixels []uint8) error {
		rows = append(rows, numbers...)
		x.run(pixels, len(numbers))
		bar.add(len(numbers))
		return nil
	})
	bar.end()
	if err != nil {
		return err
	}
	if len(skipped) > 0 {
		fmt.Fprintln(stderr, "bristled:", tellSkipped(skipped))
	}
	if err := file.write(func(w io.Writer) error { return x.write(w, len(rows)) }); err != nil {
		return fmt.Errorf("write the features: %w", err)
	}
	if f.labels != "" {
		if err := writeLabels(f.labels, a, rows); err != nil {
			return fmt.Errorf("write the labels: %w", err)
		}
	}
	e := extracted{File: f.output, Labels: f.labels, Pictures: len(rows), Skipped: len(skipped), Features: x.net.Outputs(), Type: "float32", Without: x.without}
	if f.raw {
		e.Type = "uint8"
		e.Scale, e.Zero = x.code.scale, x.code.zero
	}
	if f.json {
		return printJSON(stdout, e)
	}
	fmt.Fprintf(stdout, "%s: %d pictures x %d features, %s\n", e.File, e.Pictures, e.Features, e.Type)
	if e.Without != "" {
		fmt.Fprintf(stdout, "They are what the output layer reads, %s: --whole keeps it.\n", oneLine(e.Without))
	}
	if f.raw {
		fmt.Fprintf(stdout, "A byte q stands for (q - %d) * %g.\n", e.Zero, e.Scale)
	}
	if f.labels != "" {
		fmt.Fprintf(stdout, "%s: their names and classes, row for row\n", e.Labels)
	}
	return nil
}

// writeLabels writes the name and the class of some pictures as CSV.
func writeLabels(path string, a *album, rows []int) (err error) {
	file, err := newOutput("--labels", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.discard()) }()
	return file.write(func(w io.Writer) error {
		out := csv.NewWriter(w)
		if err := out.Write([]string{"file", "label", "class"}); err != nil {
			return err
		}
		for _, i := range rows {
			p, line := a.pictures[i], []string{a.pictures[i].name, "", ""}
			if p.label >= 0 {
				line[1], line[2] = strconv.Itoa(p.label), a.classes[p.label]
			}
			if err := out.Write(line); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	})
}

// write is commit for what is written in pieces.
func (f modelFile) write(fill func(w io.Writer) error) error {
	w := bufio.NewWriter(f)
	if err := fill(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.commit(nil)
}
