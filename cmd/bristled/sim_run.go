package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

func newSimRun() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Run an experiment and print what it showed",
		Long: `Run runs every cell of an experiment file and prints a table. With --output the
results and a report stay in a directory; without it they are gone afterwards.
docs/simulator.md says what a file can say.`,
		Example: `  bristled sim run experiment.yaml
  bristled sim run experiment.yaml --data mnist --output results --json`,
		Args: arguments(1, 1, "one experiment file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			file, err := experiment.Load(args[0])
			if err != nil {
				return err
			}
			return runFile(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), file, f)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "new directory for the results and the report")
	return cmd
}

// runFile runs a file in a directory of its own and prints the table.
func runFile(ctx context.Context, stdout, stderr io.Writer, file *experiment.File, f simFlags) (err error) {
	dir := f.output
	if dir == "" {
		if dir, err = os.MkdirTemp("", "bristled-sim-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what stays is the system's to remove
		dir = filepath.Join(dir, "results")
	}
	res, err := f.sweep(ctx, stderr, file, f.library(ctx, stderr), dir)
	if err != nil {
		return err
	}
	return printResults(stdout, res, f.json)
}

func printResults(out io.Writer, res experiment.Results, asJSON bool) error {
	rows, err := simreport.Summary(res.Cells)
	if err != nil {
		return err
	}
	return printRows(out, rows, asJSON)
}

// rowLabel names a row by its rule, its attack and what else varies.
func rowLabel(r simreport.Row) string {
	parts := []string{r.Rule, r.Attack}
	if r.Attack != "none" && r.Labels["label"] == "" {
		parts[1] = fmt.Sprintf("%s %d", r.Attack, r.Liars)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Labels)) {
		switch k {
		case "label":
			parts[1] = r.Labels[k]
		case "peers.liars":
		default:
			parts = append(parts, k+" "+r.Labels[k])
		}
	}
	return strings.Join(parts, ", ")
}

func newSimSweep() *cobra.Command {
	var f simFlags
	cmd := &cobra.Command{
		Use:   "sweep FILE",
		Short: "Run an experiment, or a part of it, into a directory",
		Long: `Sweep runs the cells of an experiment file into a directory. Each is written when it
is finished, so a sweep that was stopped goes on with --resume. With --shard i/n it
runs every n-th cell, and "bristled sim merge" brings the shards together; the
tables have the same bytes however the work was divided.`,
		Example: `  bristled sim sweep experiment.yaml --output results
  bristled sim sweep experiment.yaml --output results --resume
  bristled sim sweep experiment.yaml --output shard-0 --shard 0/4`,
		Args: arguments(1, 1, "one experiment file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if f.output == "" {
				return usageError{fmt.Errorf("--output is missing: name a directory for the results")}
			}
			file, err := experiment.Load(args[0])
			if err != nil {
				return err
			}
			ctx, stderr := cmd.Context(), cmd.ErrOrStderr()
			res, err := f.sweep(ctx, stderr, file, f.library(ctx, stderr), f.output)
			if err != nil {
				return err
			}
			if f.shard != "" {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "shard %s is in %s\n", f.shard, f.output)
				return err
			}
			return printResults(cmd.OutOrStdout(), res, f.json)
		},
	}
	f.add(cmd.Flags())
	cmd.Flags().StringVarP(&f.output, "output", "o", "", "directory for the results and the report")
	cmd.Flags().BoolVar(&f.resume, "resume", false, "go on with a sweep that was stopped: finished cells are not run again")
	cmd.Flags().StringVar(&f.shard, "shard", "", "i/n: run every n-th cell, from the i-th on, counted from 0")
	return cmd
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

func newSimReport() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:     "report DIR",
		Short:   "Write the report of finished results again, and print the table",
		Example: "  bristled sim report results",
		Args:    arguments(1, 1, "the directory of the results"),
		RunE: func(cmd *cobra.Command, args []string) error {
			res, err := experiment.Read(args[0])
			if err != nil {
				return err
			}
			if err := writeReport(args[0], res); err != nil {
				return err
			}
			if !asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(args[0], reportFile))
			}
			return printResults(cmd.OutOrStdout(), res, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}
