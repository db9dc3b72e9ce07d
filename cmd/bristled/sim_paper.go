package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// paperRow is one line of `sim paper --json`.
type paperRow struct {
	Figure string `json:"figure"`
	Title  string `json:"title"`
	Case   string `json:"case,omitempty"`
	simreport.Row
	// Author is what was published of this cell; none if nothing was.
	Author []experiment.Published `json:"author"`
}

func newSimPaper() *cobra.Command {
	var (
		f     simFlags
		all   bool
		seeds int
	)
	cmd := &cobra.Command{
		Use:   "paper [FIGURE...]",
		Short: "Repeat the Bristle paper's experiments beside the published figures",
		Long: `Paper runs bundled experiments: the figures of Bristle's author (1.1 to 7.3 and more)
and the tables of bristle+ (plus-...), each on the whole test set and with several
seeds, and prints what was published beside it. "bristled sim list" names them.
MNIST, CIFAR-10 and WISDM are looked for in --data, in folders named after them.
With --output everything stays, one directory per figure, and --resume goes on.`,
		Example: `  bristled sim paper 4.3 --data data
  bristled sim paper --all --data data --seeds 3 --output paper --json
  bristled sim paper --all --data data --output paper --resume`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if seeds < 1 || seeds > 10_000 {
				return usageError{fmt.Errorf("--seeds is %d: it must be from 1 to 10000", seeds)}
			}
			chosen, err := choose(args, all)
			if err != nil {
				return err
			}
			if f.resume && f.output == "" {
				return usageError{fmt.Errorf("--resume goes on in a directory: name the one of the first run with --output")}
			}
			f.command = strings.Join(append([]string{"bristled sim paper"}, args...), " ")
			if all {
				f.command += " --all"
			}
			if cmd.Flags().Changed("seeds") {
				f.command += fmt.Sprintf(" --seeds %d", seeds)
			}
			p := paper{simFlags: f, seeds: seeds, patient: all, stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()}
			return p.run(cmd.Context(), chosen)
		},
	}
	f.add(cmd.Flags())
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "every figure; those whose data are not there are left out")
	flags.IntVar(&seeds, "seeds", 3, "seeds of every cell, from 1 on")
	flags.StringVarP(&f.output, "output", "o", "", "directory that keeps the results and a report of each figure")
	flags.BoolVar(&f.resume, "resume", false, "go on in --output: finished cells are not run again")
	return cmd
}

// choose returns the figures that are asked for.
func choose(names []string, all bool) ([]experiment.Bundled, error) {
	bundled, err := experiment.Paper()
	if err != nil {
		return nil, err
	}
	if all && len(names) == 0 {
		return bundled, nil
	}
	var known []string
	for _, b := range bundled {
		known = append(known, b.Figure)
	}
	if all || len(names) == 0 {
		return nil, usageError{fmt.Errorf("name figures, or give --all: there are %s", strings.Join(known, ", "))}
	}
	var chosen []experiment.Bundled
	for _, n := range names {
		i := slices.Index(known, n)
		if i < 0 {
			return nil, usageError{fmt.Errorf("there is no figure %q: there are %s", n, strings.Join(known, ", "))}
		}
		if !slices.ContainsFunc(chosen, func(b experiment.Bundled) bool { return b.Figure == n }) {
			chosen = append(chosen, bundled[i])
		}
	}
	return chosen, nil
}

// paper runs figures.
type paper struct {
	simFlags
	seeds          int
	patient        bool // figures without data are left out
	stdout, stderr io.Writer
}

func (p *paper) run(ctx context.Context, figures []experiment.Bundled) (err error) {
	dir := p.output
	if dir == "" {
		if dir, err = os.MkdirTemp("", "bristled-paper-"); err != nil {
			return err
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what stays is the system's to remove
	}
	lib := p.library(ctx, p.stderr)
	rows := []paperRow{}
	for _, b := range figures {
		b.File.Seeds = b.File.Seeds[:0]
		for s := range p.seeds {
			b.File.Seeds = append(b.File.Seeds, uint64(s+1))
		}
		res, err := p.sweep(ctx, p.stderr, b.File, lib, filepath.Join(dir, b.Figure))
		if p.patient && errors.Is(err, experiment.ErrNoData) {
			fmt.Fprintf(p.stderr, "bristled: figure %s is left out: %v\n", b.Figure, err)
			continue
		}
		if err != nil {
			return fmt.Errorf("figure %s: %w", b.Figure, err)
		}
		fresh, err := compare(b, res)
		if err != nil {
			return err
		}
		rows = append(rows, fresh...)
		if !p.json {
			if err := printPaper(p.stdout, b, fresh); err != nil {
				return err
			}
		}
	}
	if len(rows) == 0 {
		return fmt.Errorf("no figure was run: give --data a directory with folders mnist, cifar10 and wisdm")
	}
	if p.json {
		return printJSON(p.stdout, rows)
	}
	return nil
}

// compare puts what was published beside the results.
func compare(b experiment.Bundled, res experiment.Results) ([]paperRow, error) {
	summary, err := simreport.Summary(res.Cells)
	if err != nil {
		return nil, err
	}
	var rows []paperRow
	for _, r := range summary {
		row := paperRow{Figure: b.Figure, Title: b.Title, Case: r.Labels["label"], Row: r}
		if row.Author, err = experiment.Author(b.Figure, row.Case, r.Rule, r.Attack); err != nil {
			return nil, err
		}
		if row.Author == nil {
			row.Author = []experiment.Published{}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
