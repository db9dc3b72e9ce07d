package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

func newSim() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "sim",
		Short: "Simulate federations under attack, in figures that others can repeat",
		Long: `Sim runs many peers in one process, in virtual time: the same peers that the daemon
runs, on a network, with lives and with liars that a file describes. The same file
gives the same bytes on every machine and with any number of workers.`,
		Example: `  bristled sim list
  bristled sim run experiment.yaml
  bristled sim sweep experiment.yaml --output results --resume
  bristled sim paper 4.3 --data mnist --seeds 3`,
		Args: cobra.ArbitraryArgs,
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(newSimRun(), newSimSweep(), newSimMerge(), newSimPaper(), newSimList(), newSimReport(), newSimExplain(), newSimBench())
	return cmd
}

// simFlags are those of the commands that run cells.
type simFlags struct {
	data, cache   string
	workers       int
	json, resume  bool
	output, shard string
	// command runs the same so that it can be gone on with, but for --data, --cache,
	// --output and --resume.
	command string
}

func (f *simFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.data, "data", "", "directory of the data set, or of folders named after data sets; without it, where the file says")
	flags.StringVar(&f.cache, "cache", "", "directory that keeps features between runs; without it, the user's cache")
	flags.IntVar(&f.workers, "workers", 0, "goroutines; 0: one per processor")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
}

func (f *simFlags) check() error {
	if f.workers == 0 {
		f.workers = runtime.GOMAXPROCS(0)
	}
	if f.workers < 1 || f.workers > 1024 {
		return usageError{fmt.Errorf("--workers is %d: it must be from 0 to 1024", f.workers)}
	}
	// A simulation allocates little once its peers are made, and they are most of
	// the memory: a heap that grows by a fifth instead of doubling fits a
	// thousand peers into a gibibyte.
	debug.SetGCPercent(20)
	return nil
}

// userCache returns the directory of features for want of another, made and
// found fit to be written.
func userCache() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(base, "bristled")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return "", err
	}
	return dir, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// shards reads --shard i/n.
func (f *simFlags) shards() (i, n int, err error) {
	if f.shard == "" {
		return 0, 1, nil
	}
	first, second, ok := strings.Cut(f.shard, "/")
	i, err1 := strconv.Atoi(first)
	n, err2 := strconv.Atoi(second)
	if !ok || err1 != nil || err2 != nil || n < 1 || n > 100_000 || i < 0 || i >= n {
		return 0, 0, usageError{fmt.Errorf("--shard is %q: it is written i/n, such as 0/8, with i from 0 to n-1", f.shard)}
	}
	return i, n, nil
}

// library opens data sets with a progress bar. Where the user's cache cannot be
// used it does without.
func (f *simFlags) library(ctx context.Context, stderr io.Writer) *experiment.Library {
	cache := f.cache
	if cache == "" {
		var err error
		if cache, err = userCache(); err != nil {
			cache = ""
			fmt.Fprintf(stderr, "bristled: features are not kept for the next run: %v: name a directory for them with --cache\n", err)
		}
	}
	var bar *progress
	last := 0
	return &experiment.Library{
		Dir: f.data, Cache: cache, Workers: f.workers,
		Progress: func(what string, done, total int) {
			if bar == nil {
				bar, last = newProgress(ctx, stderr, what, total), 0
			}
			bar.add(done - last)
			if last = done; done >= total {
				bar.end()
				bar = nil
			}
		},
	}
}

// sweep runs a file's cells into a directory and writes the report beside them if
// the directory stays.
func (f *simFlags) sweep(ctx context.Context, stderr io.Writer, file *experiment.File, lib *experiment.Library, dir string) (experiment.Results, error) {
	shard, shards, err := f.shards()
	if err != nil {
		return experiment.Results{}, err
	}
	if f.data != "" && drawnOnly(file) {
		fmt.Fprintln(stderr, "bristled: --data has no effect: all cells are on digits that are drawn; a file names a data set with data: {source: mnist}") //nolint:errcheck // a note
	}
	const scale = 1000
	var bar *progress
	shown := 0
	res, err := experiment.Sweep(ctx, file, lib, experiment.Options{
		Dir: dir, Resume: f.resume, Shard: shard, Shards: shards, Workers: f.workers,
		Version: build(), About: about(file),
		Progress: func(p experiment.Progress) {
			if bar == nil {
				bar = newProgress(ctx, stderr, fmt.Sprintf("%s, %d cells", file.Name, p.Total), scale)
			}
			if now := int(p.Part * scale); now > shown {
				bar.add(now - shown)
				shown = now
			}
		},
	})
	if bar != nil {
		bar.end()
	}
	if err != nil {
		return res, f.stopped(ctx, err, dir)
	}
	if shards > 1 || f.output == "" {
		return res, nil
	}
	return res, writeReport(dir, res)
}

// drawnOnly reports whether no cell of a file reads a data set.
func drawnOnly(file *experiment.File) bool {
	cells, err := file.Cells() // an error is told by whoever runs them
	return err == nil && !slices.ContainsFunc(cells, func(c experiment.Cell) bool { return c.Settings.Data.Source != "digits" })
}

// stopped says what is kept of a sweep that did not come to its end, and how to
// go on.
func (f *simFlags) stopped(ctx context.Context, err error, dir string) error {
	full := errors.Is(err, experiment.ErrDiskFull)
	command := f.command
	for _, flag := range []struct{ name, value string }{{"data", f.data}, {"cache", f.cache}} {
		if flag.value != "" {
			command += " --" + flag.name + " " + quoted(flag.value)
		}
	}
	resume := fmt.Sprintf("`%s --output %s --resume`", command, quoted(f.output))
	keep := fmt.Sprintf("nothing was kept; `%s --output DIR` keeps what is finished, and goes on from there with --resume", command)
	switch {
	case ctx.Err() != nil && f.output == "":
		return fmt.Errorf("the simulation was stopped: %s", keep)
	case ctx.Err() != nil:
		return fmt.Errorf("the simulation was stopped: what is finished is kept in %s, and %s goes on from there", f.output, resume)
	case full && f.output == "":
		return fmt.Errorf("%w where temporary files are, in %s: %s", experiment.ErrDiskFull, os.TempDir(), keep)
	case full:
		return fmt.Errorf("%w: %s has no room: free some space, and %s goes on from there", experiment.ErrDiskFull, dir, resume)
	case errors.Is(err, experiment.ErrNotEmpty):
		// A directory of something else is none to go on in.
		if _, other := experiment.Read(dir); !errors.Is(other, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s has results: choose another directory, or go on in it with %s", experiment.ErrNotEmpty, f.output, resume)
		}
	}
	return err
}

// quoted is a path as a shell takes it.
func quoted(path string) string {
	if strings.ContainsFunc(path, func(r rune) bool {
		return !strings.ContainsRune("/._-+=@%,:", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) {
		return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	return path
}

// about says what the results come from.
func about(file *experiment.File) simreport.About {
	return simreport.About{
		Commit: commit(), Version: version(), File: file.Name, FileText: string(file.Text), Seeds: file.Seeds, Machine: machine(),
	}
}
