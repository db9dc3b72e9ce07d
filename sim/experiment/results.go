package experiment

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bristle-fl/bristled/sim/report"
)

const (
	aboutFile   = "about.json"
	timingsFile = "timings.csv"

	timingsHeader = "key,seconds,rule_nanoseconds\n"
)

// ErrUnfinished says that cells are missing.
var ErrUnfinished = errors.New("the sweep is not finished")

// Results are what a sweep showed.
type Results struct {
	Name, Title, Note string
	Cells             []report.Cell // in the order of the file
	Heads             []string      // of each cell, as Outcome has them
	Timings           []report.Timing
	About             report.About
}

// Read returns the results in a directory that [Sweep] or [Merge] has filled.
// The error wraps [ErrUnfinished] if cells are missing.
func Read(dir string) (Results, error) {
	p, err := readPlan(dir)
	if err != nil {
		return Results{}, err
	}
	res := Results{Name: p.Name, Title: p.Title, Note: p.Note}
	missing := 0
	for _, c := range p.Cells {
		if !p.finished(dir, c.Key) {
			missing++
			continue
		}
		o, err := readCell(dir, c)
		if err != nil {
			return res, err
		}
		res.Cells, res.Heads = append(res.Cells, o.Cell), append(res.Heads, o.Heads)
	}
	if missing > 0 {
		return res, fmt.Errorf("%w: %d of the %d cells in %s are missing: run the sweep with --resume, or all of its shards", ErrUnfinished, missing, len(p.Cells), dir)
	}
	if res.About, err = readAbout(dir); err != nil {
		return res, err
	}
	res.Timings, err = readTimings(dir, p)
	return res, err
}

// finish writes the tables of a directory in which all cells are finished.
func finish(dir string, p plan) (Results, error) {
	res, err := Read(dir)
	if err != nil {
		return res, err
	}
	for _, table := range []struct {
		name  string
		write func(io.Writer, []report.Cell) error
	}{
		{"results.csv", report.WriteCSV},
		{"curves.csv", report.WriteCurvesCSV},
		{"results.parquet", report.WriteParquet},
		{"curves.parquet", report.WriteCurvesParquet},
	} {
		err := replace(filepath.Join(dir, table.name), func(f *os.File) error {
			w := bufio.NewWriter(f)
			return errors.Join(table.write(w, res.Cells), w.Flush())
		})
		if err != nil {
			return res, err
		}
	}
	return res, writeHeads(dir, p, res.Heads)
}

// writeHeads lists the checksum of every cell: two machines that agree on it agree
// on every bit of every head.
func writeHeads(dir string, p plan, heads []string) error {
	var b bytes.Buffer
	for i, c := range p.Cells {
		fmt.Fprintf(&b, "%s  %s\n", heads[i], c.Key)
	}
	return writeFile(filepath.Join(dir, "heads.sha256"), b.Bytes())
}

// addTiming appends a line to the timings. Shards may do so side by side, since a
// short write to the end of a file is one step.
func addTiming(dir string, t report.Timing) error {
	path := filepath.Join(dir, timingsFile)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return Unwritten(path, err)
	}
	line := fmt.Sprintf("%s,%.3f,%.0f\n", t.Key, t.Seconds, t.RuleNanoseconds)
	// Two shards may both find it empty: readTimings leaves out what is no timing.
	if info, err := f.Stat(); err == nil && info.Size() == 0 {
		line = timingsHeader + line
	}
	_, err = f.WriteString(line)
	if err = errors.Join(err, f.Close()); err != nil {
		return Unwritten(path, err)
	}
	return nil
}

// readTimings returns the newest timing of each cell, in the order of the plan. The
// header and a line that a power cut has damaged are left out.
func readTimings(dir string, p plan) ([]report.Timing, error) {
	b, err := readBounded(filepath.Join(dir, timingsFile), maxPlan)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	newest := map[string]report.Timing{}
	r := csv.NewReader(bytes.NewReader(b))
	r.FieldsPerRecord = -1
	for {
		line, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(line) != 3 {
			continue
		}
		seconds, bad := strconv.ParseFloat(line[1], 64)
		rule, worse := strconv.ParseFloat(line[2], 64)
		if bad == nil && worse == nil && seconds >= 0 && rule >= 0 {
			newest[line[0]] = report.Timing{Key: line[0], Seconds: seconds, RuleNanoseconds: rule}
		}
	}
	var timings []report.Timing
	for _, c := range p.Cells {
		if t, ok := newest[c.Key]; ok {
			timings = append(timings, t)
		}
	}
	return timings, nil
}

// Merge collects the cells of shards in one directory, which may be one of theirs,
// and writes the tables. Without other directories it completes one that all
// shards have worked in. The error wraps [ErrUnfinished] if cells are missing and
// [ErrOther] if the directories are not of one experiment.
func Merge(dir string, from ...string) (Results, error) {
	first := dir
	if len(from) > 0 {
		first = from[0]
	}
	p, err := readPlan(first)
	if err != nil {
		return Results{}, err
	}
	for _, d := range append([]string{dir}, from...) {
		other, err := readPlan(d)
		if d == dir && errors.Is(err, fs.ErrNotExist) {
			if empty, err := isEmpty(dir, false); err != nil || !empty {
				return Results{}, errors.Join(fmt.Errorf("%w: %s: choose another directory", ErrNotEmpty, dir), err)
			}
			continue
		}
		if err == nil && !p.same(other) {
			err = fmt.Errorf("%w: %s and %s are of different experiments", ErrOther, first, d)
		}
		if err == nil {
			err = p.fits(other, d)
		}
		if err != nil {
			return Results{}, err
		}
	}
	release, err := lockDir(dir, Options{})
	if err != nil {
		return Results{}, err
	}
	defer release()
	for _, d := range from {
		if err := collect(dir, d, p); err != nil {
			return Results{}, err
		}
	}
	if err := mergeAbout(dir, from); err != nil {
		return Results{}, err
	}
	return finish(dir, p)
}

// collect copies what a directory has and this one lacks.
func collect(dir, from string, p plan) error {
	for _, name := range []string{planFile, experimentFile} {
		if err := copyFile(filepath.Join(dir, name), filepath.Join(from, name), maxPlan); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	timings, err := readTimings(from, p)
	if err != nil {
		return err
	}
	timed := map[string]report.Timing{}
	for _, t := range timings {
		timed[t.Key] = t
	}
	for _, c := range p.Cells {
		if !p.finished(from, c.Key) || p.finished(dir, c.Key) {
			continue
		}
		if p.Explain {
			names, err := os.ReadDir(verdictsDir(from, c.Key))
			if err != nil {
				return err
			}
			for _, n := range names {
				if err := copyFile(filepath.Join(verdictsDir(dir, c.Key), n.Name()), filepath.Join(verdictsDir(from, c.Key), n.Name()), 1<<34); err != nil {
					return err
				}
			}
		}
		if err := copyFile(cellPath(dir, c.Key), cellPath(from, c.Key), maxPlan); err != nil {
			return err
		}
		if t, ok := timed[c.Key]; ok {
			if err := addTiming(dir, t); err != nil {
				return err
			}
		}
	}
	return nil
}
