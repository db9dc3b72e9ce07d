package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/spf13/cobra"

	"github.com/bristle-fl/bristled/internal/wholefile"
	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// reportFile is the page that a sweep leaves in its directory.
const reportFile = "report.html"

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
				if _, err := fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(args[0], reportFile)); err != nil {
					return err
				}
			}
			return printResults(cmd.OutOrStdout(), res, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON in one line")
	return cmd
}

// writeReport writes the page and its figures, as SVG and PNG, into the
// directory of the results.
func writeReport(dir string, res experiment.Results) error {
	title := res.Title
	if title == "" {
		title = res.Name
	}
	err := writeInto(filepath.Join(dir, reportFile), func(w io.Writer) error {
		return simreport.WriteHTML(w, simreport.Page{Title: title, Note: res.Note, Cells: res.Cells, Timings: res.Timings, About: res.About})
	})
	if err != nil {
		return err
	}
	figures, err := simreport.Figures(res.Cells, res.Timings)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, "figures")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return experiment.Unwritten(folder, err)
	}
	ours := map[string]bool{}
	for _, f := range figures {
		ours[f.Name] = true
		if err := writeInto(filepath.Join(folder, f.Name+".svg"), f.WriteSVG); err != nil {
			return err
		}
		if err := writeInto(filepath.Join(folder, f.Name+".png"), f.WritePNG); err != nil {
			return err
		}
	}
	return tidy(folder, ours)
}

// figureFile matches the files of all figures that a report may have.
var figureFile = regexp.MustCompile(`^((?:heatmap|bytes|time)(?:-[0-9]+)?|accuracy(?:-[0-9a-z-]+)?)\.(?:svg|png)$`)

// tidy removes the figures of an earlier report that this one has no more.
func tidy(folder string, ours map[string]bool) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("look for figures of an earlier report: %w", err)
	}
	for _, e := range entries {
		m := figureFile.FindStringSubmatch(e.Name())
		if m == nil || ours[m[1]] || !e.Type().IsRegular() {
			continue
		}
		if err := os.Remove(filepath.Join(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a figure of an earlier report: %w", err)
		}
	}
	return nil
}

// writeInto writes a file as a whole or not at all.
func writeInto(path string, write func(io.Writer) error) error {
	err := wholefile.Replace(path, 0o644, func(f *os.File) error {
		w := bufio.NewWriter(f)
		return errors.Join(write(w), w.Flush())
	})
	if err != nil {
		return experiment.Unwritten(path, err)
	}
	return nil
}
