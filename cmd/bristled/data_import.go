package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/cohort"
)

type dataImportFlags struct {
	cohortFlags
	store string
	json  bool
}

func newDataImport() *cobra.Command {
	var f dataImportFlags
	cmd := &cobra.Command{
		Use:   "import DIR",
		Short: "Copy a collection of images into a store, without names",
		Long: `Import reads every image of a collection and writes its pixels, and nothing else
of it, into a store: a directory of PNG files named by their hashes, and an index
in which patients are pseudonyms. Importing again adds what is new. The store is
a collection itself: name it where a directory of images is asked for.

The store's audit.jsonl says of every file that was read when that was, its
SHA-256 and size, and what became of it; it has no name in it. The pseudonyms are
made with patients.key: keep it, and keep it to yourself. What is written in the
pixels themselves, such as a name in a corner, stays there.`,
		Example: `  bristled data import images --labels labels.csv --to store
  bristled data import more --labels more.csv --patient-column mrn --to store
  bristled data inspect store`,
		Args: oneCollection,
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := f.source(args[0])
			if err != nil {
				return err
			}
			if f.store == "" {
				return usageError{errors.New("--to is missing: name the directory of the store")}
			}
			return importData(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), source, f)
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.store, "to", "", "directory of the store, which is made if it is not there")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

func importData(ctx context.Context, stdout, stderr io.Writer, source cohort.Source, f dataImportFlags) error {
	bar := newProgress(ctx, stderr, "images", 0)
	r, err := cohort.Import(ctx, source, f.store, cohort.ImportOptions{
		Workers:  f.workers,
		Now:      time.Now,
		Random:   rand.Reader,
		Progress: countOn(bar),
	})
	bar.end()
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) && r != nil {
		return fmt.Errorf("importing was stopped after %s: what was added stays, and importing again goes on", plural(r.Read, "image"))
	}
	if err != nil {
		return err
	}
	if len(r.Refused) > 0 {
		fmt.Fprintln(stderr, "bristled:", tellRefused(r.Refused))
	}
	if f.json {
		err = printJSON(stdout, r)
	} else {
		fmt.Fprintf(stdout, "%s: %s added, %d there already, %d refused\n", r.Store, plural(r.Added, "image"), r.Known, len(r.Refused))
		if r.LeftOut > 0 {
			fmt.Fprintf(stdout, "%s without a label left out\n", plural(r.LeftOut, "row"))
		}
		fmt.Fprintf(stdout, "It holds %s of %s. Keep %s/patients.key, and keep it to yourself.\n", plural(r.Images, "image"), plural(r.Patients, "patient"), r.Store)
	}
	if err == nil && r.Added+r.Known == 0 {
		return fmt.Errorf("%s: not one of %s could be imported", source.Dir, plural(r.Read, "image"))
	}
	return err
}

// tellRefused says why images were refused, in one line.
func tellRefused(refused []cohort.Refused) string {
	first := oneLine(refused[0].File + ": " + refused[0].Reason)
	if len(refused) == 1 {
		return "one image was refused: " + first
	}
	return fmt.Sprintf("%d images were refused, the first: %s", len(refused), first)
}
