package main

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/cohort"
)

func newData() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Look at a collection of images, and bring it into a store",
		Long: `A collection is a directory of images (DICOM, PNG, JPEG or GIF) with a CSV file
that says of each file whose it is and what is on it, a directory with one folder
per class, or an npz file as MedMNIST has them. These commands say what is in one
before anything is learned from it, and copy it into a store in which patients
are pseudonyms and images have lost everything but their pixels.`,
		Example: `  bristled data inspect images --labels labels.csv --sheet contact.png
  bristled data import images --labels labels.csv --to store`,
		Args: cobra.ArbitraryArgs, // for RunE to say what is known
		RunE: helpOrUnknown,
	}
	cmd.AddCommand(newDataInspect(), newDataImport())
	return cmd
}

// oneCollection is what the data commands take.
var oneCollection = arguments(1, 1, "one directory of images, or one npz file")

// cohortFlags say where a collection is, beside its directory, and how many
// goroutines read it.
type cohortFlags struct {
	labels  string
	columns cohort.Columns
	workers int
}

func (f *cohortFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.labels, "labels", "", "CSV file with the columns file, patient, label and, if wanted, split")
	flags.StringVar(&f.columns.File, "file-column", "", "name of the column of files; without it file")
	flags.StringVar(&f.columns.Patient, "patient-column", "", "name of the column of patients; without it patient, patientid or patient_id")
	flags.StringVar(&f.columns.Label, "label-column", "", "name of the column of labels; without it label, class or finding")
	flags.StringVar(&f.columns.Split, "split-column", "", "name of the column of train, val and test; without it split, if there is one")
	flags.IntVar(&f.workers, "workers", 0, "goroutines; 0: one per processor")
}

// source checks the flags.
func (f *cohortFlags) source(dir string) (cohort.Source, error) {
	if f.workers == 0 {
		f.workers = runtime.GOMAXPROCS(0)
	}
	if f.workers < 1 || f.workers > 1024 {
		return cohort.Source{}, usageError{fmt.Errorf("--workers is %d: it must be from 0 to 1024", f.workers)}
	}
	if f.labels == "" && f.columns != (cohort.Columns{}) {
		return cohort.Source{}, usageError{errors.New("columns are those of a labels file: name it with --labels")}
	}
	return cohort.Source{Dir: dir, Labels: f.labels, Columns: f.columns}, nil
}

// countOn shows on a bar how many files have been read. How many there are is
// known from the first on.
func countOn(bar *progress) func(done, total int) {
	return func(_, total int) {
		bar.total = total
		bar.add(1)
	}
}
