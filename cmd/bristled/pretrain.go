package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

func newPretrain() *cobra.Command {
	cfg := learner.DefaultPretrain()
	var output, from string
	var force, whole bool
	cmd := &cobra.Command{
		Use:   "pretrain",
		Short: "Train a backbone and write it as ONNX",
		Long: `Pretrain trains the LeNet of the Bristle paper on letters drawn by code, or on
the pictures of an IDX set, and writes all but its output layer, quantized to
int8: a backbone. One seed gives one file, byte for byte; the default seed gives
the backbone inside bristled.`,
		Example: `  bristled pretrain --output backbone.onnx
  bristled pretrain --data mnist --epochs 4 --output digits.onnx`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := os.Lstat(output); err == nil && !force {
				return fmt.Errorf("%s is there already: choose another --output, or give --force", output)
			}
			if from != "" {
				train, _, err := data.ReadMNIST(from)
				if err != nil {
					return err
				}
				cfg.Data, cfg.Source = &train, filepath.Base(from)
			}
			return pretrain(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), cfg, output, whole)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&output, "output", "backbone.onnx", "file to write")
	flags.BoolVar(&force, "force", false, "replace the file if it is there")
	flags.BoolVar(&whole, "with-output-layer", false, "write the whole network in float32, not only the backbone in int8")
	flags.StringVar(&from, "data", "", "directory with an IDX set in MNIST's four files; without it, built-in letters")
	flags.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "decides the letters and the start")
	flags.IntVar(&cfg.Epochs, "epochs", cfg.Epochs, "passes over the data")
	flags.IntVar(&cfg.Images, "images", cfg.Images, "letters drawn for each epoch")
	flags.IntVar(&cfg.Workers, "workers", cfg.Workers, "goroutines; they change nothing but the time")
	return cmd
}

func pretrain(ctx context.Context, stdout, stderr io.Writer, cfg learner.PretrainConfig, output string, whole bool) (err error) {
	start := time.Now()
	// Before minutes of work, not after.
	file, err := newModelFile(output)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.discard()) }()
	progress, done := showPretraining(ctx, stderr)
	trained, err := learner.Pretrain(ctx, cfg, progress)
	done(err == nil)
	if err != nil {
		if ctx.Err() != nil {
			return errors.New("pretraining was stopped: nothing was written")
		}
		return err
	}
	var b []byte
	if whole {
		b, err = onnx.Marshal(trained.Net)
	} else {
		b, err = trained.Backbone()
	}
	if err != nil {
		return err
	}
	if err := file.commit(b); err != nil {
		return fmt.Errorf("write the network: %w", err)
	}
	_, err = fmt.Fprintf(stdout, "%s: accuracy %s on held-out samples of %s, %.0f s\n", output, trained.Net.Metadata[learner.MetaAccuracy], cfg.Source, time.Since(start).Seconds())
	return err
}

// showPretraining shows how far it is: a bar in a terminal, a line for every
// tenth part elsewhere.
func showPretraining(ctx context.Context, out io.Writer) (progress func(learner.PretrainProgress), done func(ok bool)) {
	if file, ok := out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		told := 0
		return func(p learner.PretrainProgress) {
			if tenths := 10 * p.Step / p.Steps; tenths > told {
				told = tenths
				fmt.Fprintf(out, "pretraining %3d%%  epoch %d of %d  loss %.4f\n", 10*tenths, p.Epoch, p.Epochs, p.Loss)
			}
		}, func(bool) {}
	}
	container := mpb.NewWithContext(ctx, mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithWidth(40))
	bar := container.AddBar(0,
		mpb.PrependDecorators(decor.Name("pretraining "), decor.CountersNoUnit("step %d of %d ")),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" left "), decor.AverageETA(decor.ET_STYLE_GO)))
	return func(p learner.PretrainProgress) {
			bar.SetTotal(int64(p.Steps), false)
			bar.SetCurrent(int64(p.Step))
		}, func(ok bool) {
			if ok {
				bar.SetTotal(-1, true)
			} else {
				bar.Abort(false)
			}
			container.Wait()
		}
}

// modelFile becomes whole at its path, or leaves nothing.
type modelFile struct {
	*os.File
	path string
}

func newModelFile(path string) (modelFile, error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".model-*")
	if err != nil {
		return modelFile{}, fmt.Errorf("--output %s: %w: name a file in a directory that is there and can be written", path, errors.Unwrap(err))
	}
	return modelFile{f, path}, nil
}

func (f modelFile) commit(b []byte) error {
	_, err := f.Write(b)
	if err == nil {
		err = f.Chmod(0o644) // a model is there to be given to others
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), f.path)
}

// discard removes what was not committed.
func (f modelFile) discard() error {
	f.Close()
	if err := os.Remove(f.Name()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
