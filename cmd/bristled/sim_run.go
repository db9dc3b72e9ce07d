package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/sim/experiment"
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
  bristled sim run mnist.yaml --data data --output results --json`,
		Args: arguments(1, 1, "one experiment file"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			file, err := experiment.Load(args[0])
			if err != nil {
				return err
			}
			f.command = "bristled sim sweep " + quoted(args[0])
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
			return fmt.Errorf("a directory to work in: %w: name one with --output", err)
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what stays is the system's to remove
		dir = filepath.Join(dir, "results")
	}
	res, err := f.sweep(ctx, stderr, file, f.library(ctx, stderr), dir)
	if err != nil {
		return err
	}
	if err := printResults(stdout, res, f.json); err != nil {
		return err
	}
	return f.sayWhere(stdout)
}

// sayWhere ends a table with the place of all the rest.
func (f *simFlags) sayWhere(stdout io.Writer) error {
	if f.json || f.output == "" {
		return nil
	}
	_, err := fmt.Fprintf(stdout, "%s has the results and %s\n", f.output, reportFile)
	return err
}
