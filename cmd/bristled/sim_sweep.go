package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/sim/experiment"
)

// shardDone is what `sim sweep --shard --json` prints.
type shardDone struct {
	Shard     int    `json:"shard"` // from 0
	Shards    int    `json:"shards"`
	Directory string `json:"directory"`
	Finished  int    `json:"finished"` // cells, all that are the shard's
}

func newSimSweep() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sweep FILE",
		Short: "Run an experiment, or a part of it, into a directory",
		Long: `Sweep runs the cells of an experiment file into a directory: that of --output, or
one in the working directory that is named after the file, experiment for
experiment.yaml. Each cell is written when it is finished, so a sweep that was
stopped goes on with --resume. With --shard i/n it runs every n-th cell, and
"bristled sim merge" brings the shards together; the tables have the same bytes
however the work was divided.`,
		Example: `  bristled sim sweep experiment.yaml
  bristled sim sweep experiment.yaml --resume
  bristled sim sweep experiment.yaml --output shard-0 --shard 0/4`,
		Args: arguments(1, 1, "one experiment file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if _, _, err := f.shards(); err != nil {
				return err
			}
			if f.output == "" {
				base := filepath.Base(args[0])
				if f.output = strings.TrimSuffix(base, filepath.Ext(base)); f.output == base || strings.Trim(f.output, ".") == "" {
					return usageError{fmt.Errorf("--output is missing: name a directory for the results")}
				}
			}
			file, err := experiment.Load(args[0])
			if err != nil {
				return err
			}
			f.command = "bristled sim sweep " + quoted(args[0])
			if f.shard != "" {
				f.command += " --shard " + f.shard
			}
			return sweepFile(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), file, f)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "directory for the results and the report; without it, the name of the file without .yaml")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "go on with a sweep that was stopped: finished cells are not run again")
	cmd.Flags().StringVar(&f.shard, "shard", "", "i/n: run every n-th cell, from the i-th on, counted from 0")
	return cmd
}

// sweepFile runs a file, or its shard, into the directory of --output.
func sweepFile(ctx context.Context, stdout, stderr io.Writer, file *experiment.File, f simFlags) error {
	shard, shards, err := f.shards()
	if err != nil {
		return err
	}
	res, err := f.sweep(ctx, stderr, file, f.library(ctx, stderr), f.output)
	if err != nil {
		return err
	}
	if shards == 1 {
		if err := printResults(stdout, res, f.json); err != nil {
			return err
		}
		return f.sayWhere(stdout)
	}
	if f.json {
		cells, err := file.Cells()
		if err != nil {
			return err
		}
		return printJSON(stdout, shardDone{shard, shards, f.output, (len(cells) - shard + shards - 1) / shards})
	}
	_, err = fmt.Fprintf(stdout, "shard %s is in %s\n", f.shard, f.output)
	return err
}

func newSimMerge() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "merge DIR SHARD...",
		Short:   "Bring the shards of a sweep together",
		Example: "  bristled sim merge results shard-0 shard-1 shard-2 shard-3",
		Args:    arguments(1, 100_000, "the directory for the results and those of the shards"),
		RunE: func(cmd *cobra.Command, args []string) error {
			res, err := experiment.Merge(args[0], args[1:]...)
			if err != nil {
				return err
			}
			if err := writeReport(args[0], res); err != nil {
				return err
			}
			return printResults(cmd.OutOrStdout(), res, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}
