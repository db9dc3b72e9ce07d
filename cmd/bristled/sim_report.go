package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/bristle-fl/bristled/sim/experiment"
	simreport "github.com/bristle-fl/bristled/sim/report"
)

// reportFile is the page that a sweep leaves in its directory.
const reportFile = "report.html"

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
		return fmt.Errorf("make the folder of the figures: %w", err)
	}
	for _, f := range figures {
		if err := writeInto(filepath.Join(folder, f.Name+".svg"), f.WriteSVG); err != nil {
			return err
		}
		if err := writeInto(filepath.Join(folder, f.Name+".png"), f.WritePNG); err != nil {
			return err
		}
	}
	return nil
}

// writeInto writes a file as a whole or not at all.
func writeInto(path string, write func(io.Writer) error) error {
	f, err := newModelFile(path)
	if err != nil {
		return err
	}
	defer f.discard() //nolint:errcheck // nothing is left of it after write
	if err := f.write(write); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
