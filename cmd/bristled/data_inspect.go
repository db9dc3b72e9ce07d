package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/learner/cohort"
)

type dataInspectFlags struct {
	cohortFlags
	sheet       string
	force, json bool
}

func newDataInspect() *cobra.Command {
	var f dataInspectFlags
	cmd := &cobra.Command{
		Use:   "inspect DIR",
		Short: "Say what is in a collection of images, and what is wrong with it",
		Long: `Inspect reads every image of a collection and counts classes, patients, sizes and
formats. It finds files that cannot be read, files that no row names, and what
would make results look better than they are: a patient in two splits, and the
same image twice, in two splits or of two patients. It exits with 1 if there is
something of that kind.

It names files and rows, but no patient. The contact sheet shows up to twelve
images of each class.`,
		Example: `  bristled data inspect images --labels labels.csv
  bristled data inspect images --labels labels.csv --label-column diagnosis --sheet contact.png
  bristled data inspect pneumoniamnist.npz --json`,
		Args: oneCollection,
		RunE: func(cmd *cobra.Command, args []string) error {
			source, err := f.source(args[0])
			if err != nil {
				return err
			}
			err = inspectData(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), source, f)
			return stopped(cmd.Context(), err, "inspecting")
		},
	}
	f.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&f.sheet, "sheet", "", "PNG file to write, a contact sheet of some images of each class")
	flags.BoolVar(&f.force, "force", false, "replace a contact sheet that is there")
	flags.BoolVar(&f.json, "json", false, "print JSON in one line")
	return cmd
}

func inspectData(ctx context.Context, stdout, stderr io.Writer, source cohort.Source, f dataInspectFlags) error {
	if f.sheet != "" {
		if err := mayWrite("--sheet", f.sheet, f.force); err != nil {
			return err
		}
	}
	bar := newProgress(ctx, stderr, "images", 0)
	s, err := cohort.Inspect(ctx, source, f.workers, countOn(bar))
	bar.end()
	if err != nil {
		return err
	}
	if f.sheet != "" {
		if err := writeSheet(f.sheet, s); err != nil {
			return fmt.Errorf("write the contact sheet: %w", err)
		}
	}
	if f.json {
		err = printJSON(stdout, s)
	} else {
		err = printSheet(stdout, s)
	}
	if err == nil && len(s.Problems) > 0 {
		return fmt.Errorf("%s: %s to solve before anything is learned from these images", source.Dir, plural(len(s.Problems), "problem"))
	}
	return err
}

func writeSheet(path string, s *cohort.Sheet) (err error) {
	file, err := newOutput("--sheet", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.discard()) }()
	return file.write(s.WriteContact)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func printSheet(out io.Writer, s *cohort.Sheet) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "images\t%d\n", s.Images)
	fmt.Fprintf(w, "patients\t%s\n", describePatients(s))
	fmt.Fprintf(w, "sizes\t%s\n", describeTallies(s.Sizes, s.DistinctSizes))
	fmt.Fprintf(w, "formats\t%s\n", describeTallies(s.Formats, len(s.Formats)))
	if s.LeftOut > 0 {
		fmt.Fprintf(w, "left out\t%s without a label\n", plural(s.LeftOut, "row"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := printClasses(out, s); err != nil {
		return err
	}
	printFiles(out, "cannot be read", refusals(s.Unreadable))
	printFiles(out, "in no class or row", s.Unlisted)
	if table := slices.IndexFunc(s.Unlisted, func(file string) bool { return strings.EqualFold(filepath.Ext(file), ".csv") }); table >= 0 && s.Labels == "" {
		fmt.Fprintf(out, "  If the labels are in %s, name it with --labels.\n", oneLine(s.Unlisted[table]))
	}
	var mixed, equal []string
	for _, files := range s.Mixed {
		mixed = append(mixed, filesOf(files))
	}
	for _, e := range s.Equal {
		equal = append(equal, filesOf(e.Files))
	}
	printFiles(out, "patients in several classes", mixed)
	printFiles(out, "the same image twice or more", equal)
	printFiles(out, "PROBLEMS", s.Problems)
	return nil
}

// describePatients counts patients and their images.
func describePatients(s *cohort.Sheet) string {
	p := s.PerPatient
	text := fmt.Sprintf("%d, with %d to %d images each, median %g", s.Patients, p.Min, p.Max, p.Median)
	if p.Min == p.Max {
		text = fmt.Sprintf("%d, with %s each", s.Patients, plural(p.Min, "image"))
	}
	switch s.Anonymous {
	case 0:
		return text
	case s.Images:
		return "not named; each image counts as one"
	}
	return text + fmt.Sprintf("; %s of nobody in particular", plural(s.Anonymous, "image"))
}

func describeTallies(all []cohort.Tally, distinct int) string {
	const most = 4
	var parts []string
	for i, t := range all {
		if i == most {
			break
		}
		parts = append(parts, fmt.Sprintf("%s (%d)", t.Name, t.Images))
	}
	if distinct > len(parts) {
		parts = append(parts, fmt.Sprintf("and %d more", distinct-len(parts)))
	}
	return strings.Join(parts, ", ")
}

// printClasses prints a table of classes and splits: images, and the patients
// that they are of.
func printClasses(out io.Writer, s *cohort.Sheet) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "class\timages\tpatients")
	for _, split := range s.Splits {
		fmt.Fprintf(w, "\t%s\tpatients", split.Name)
	}
	fmt.Fprintln(w)
	for i, class := range s.Classes {
		name := cut(oneLine(class.Name), 30)
		if name == "" {
			name = "(unknown)"
		}
		fmt.Fprintf(w, "%s\t%d\t%d", name, class.Images, class.Patients)
		for _, split := range s.Splits {
			fmt.Fprintf(w, "\t%d\t%d", split.Classes[i].Images, split.Classes[i].Patients)
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// mostFiles is how many files of a kind are printed; --json has all.
const mostFiles = 10

// printFiles prints a list under a title, or nothing of an empty one.
func printFiles(out io.Writer, title string, lines []string) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(out, "\n%s: %d\n", title, len(lines))
	for i, line := range lines {
		if i == mostFiles {
			fmt.Fprintf(out, "  and %d more; --json has all\n", len(lines)-i)
			break
		}
		fmt.Fprintln(out, "  "+oneLine(line))
	}
}

// filesOf joins the names of some files, the first of many.
func filesOf(files []string) string {
	const most = 4
	if len(files) > most {
		return strings.Join(files[:most], ", ") + fmt.Sprintf(" and %d more", len(files)-most)
	}
	return strings.Join(files, ", ")
}

func refusals(refused []cohort.Refused) []string {
	var lines []string
	for _, r := range refused {
		lines = append(lines, r.File+": "+r.Reason)
	}
	return lines
}
