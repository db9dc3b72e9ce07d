package cohort

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner/data"
)

// The names of the parts that a collection may come divided into.
const (
	Train = "train"
	Val   = "val"
	Test  = "test"
)

// maxImages bounds a list of images, and how many files are looked at.
const maxImages = 1 << 20

// Source says where a collection lies.
type Source struct {
	// Dir is a directory, or an npz file.
	Dir string
	// Labels is a CSV file about the images in Dir. Without it, Dir has one
	// folder per class, is an npz file or a store that [Import] made.
	Labels string
	// Columns names the columns of Labels.
	Columns Columns
}

// Columns names columns of a labels file, in capitals or not. An empty name
// stands for the usual ones: file; patient, patientid or patient_id; label,
// class or finding; split, which need not be there.
type Columns struct {
	File, Patient, Label, Split string
}

// Image is an image that a collection lists.
type Image struct {
	// File is its path below the directory, with slashes. In an npz file it
	// is the part and the number there, such as train/12.
	File string
	// Patient says whose it is. It is empty where only the image itself can
	// tell, or nobody: in folders of classes and npz files.
	Patient string
	Label   int    // index into Cohort.Classes
	Split   string // Train, Val, Test or, in a collection without splits, ""
	line    int    // of the labels file
}

// Cohort is a collection whose list has been read and checked; its images have
// not.
type Cohort struct {
	Classes  []string // at least two, sorted by name, those of an npz file by number
	Images   []Image  // in the order of the rows, or of classes and paths
	Unlisted []string // files in the directory that no row names, or in no class
	LeftOut  int      // rows without a label
	Mixed    int      // patients with images of several classes

	source   Source
	kind     kind
	labels   string        // the labels file, if there is one
	problems []error       // why the collection must not be learned from
	samples  []data.Sample // of an npz file, one for each of Images
	shape    [3]int        // of these
}

type kind int

const (
	inFolders kind = 1 + iota
	inTable
	inNPZ
	inStore
)

// Open lists the images of a collection and checks the list; it reads none.
// All that is wrong with the list is told in one error, which joins a
// [*RowError] for each row, of ten at most, and [*data.FileError]s. Files that
// no row names are no error.
func Open(source Source) (*Cohort, error) {
	c, err := list(source)
	if err != nil {
		return nil, err
	}
	return c, tell(c.problems)
}

// list reads the list of a collection and collects what is wrong with it in
// problems. An error is one that leaves no list.
func list(source Source) (*Cohort, error) {
	c := &Cohort{source: source}
	info, err := os.Stat(source.Dir)
	switch {
	case err != nil:
		return nil, fileError(source.Dir, cause(err), "name a directory of images, or an npz file")
	case !info.IsDir() && source.Labels != "":
		return nil, fileError(source.Dir, errors.New("not a directory"), "a labels file is about the images in a directory: name that")
	case !info.IsDir():
		c.kind = inNPZ
		err = c.readNPZ()
	case source.Labels != "":
		c.kind, c.labels = inTable, source.Labels
		err = c.readTable()
	case isStore(source.Dir):
		c.kind, c.labels = inStore, filepath.Join(source.Dir, indexName)
		err = c.readTable()
	default:
		c.kind = inFolders
		err = c.readFolders()
	}
	if err != nil {
		return nil, err
	}
	if len(c.Images) == 0 && len(c.problems) > 0 {
		return nil, tell(c.problems)
	}
	if len(c.Images) == 0 {
		return nil, c.empty()
	}
	c.check()
	return c, nil
}

// empty is the error about a collection without an image.
func (c *Cohort) empty() error {
	switch {
	case c.LeftOut > 0:
		return fileError(c.labels, fmt.Errorf("%w: none of %d rows has a label", data.ErrEmpty, c.LeftOut), "fill in the column of labels, or name another one")
	case c.labels != "":
		return fileError(c.labels, data.ErrEmpty, "add a row for each image")
	case c.kind == inNPZ:
		return fileError(c.source.Dir, data.ErrEmpty, "name a file with images")
	}
	return fileError(c.source.Dir, data.ErrEmpty, "put images into one folder per class, "+filepath.Join(c.source.Dir, "CLASS", "image.png")+", or name a labels file")
}

// check looks at the list as a whole.
func (c *Cohort) check() {
	c.checkSplits()
	if len(c.Classes) < 2 && c.Classes[0] != "" {
		c.problems = append(c.problems, fileError(cmp.Or(c.labels, c.source.Dir), fmt.Errorf("%w, %q", ErrOneClass, c.Classes[0]), "two are needed to learn to tell them apart"))
	}
	classes := map[string]int{} // of each patient
	mixed := map[string]bool{}
	for _, image := range c.Images {
		if before, ok := classes[image.Patient]; ok && before != image.Label && image.Patient != "" {
			mixed[image.Patient] = true
		}
		classes[image.Patient] = image.Label
	}
	c.Mixed = len(mixed)
}

// checkSplits adds what is wrong with the splits of a labels file.
func (c *Cohort) checkSplits() {
	if c.labels == "" || !slices.ContainsFunc(c.Images, func(i Image) bool { return i.Split != "" }) {
		return
	}
	first := map[string]Image{} // of each patient
	told := map[string]bool{}
	for _, image := range c.Images {
		if image.Split == "" {
			c.problem(image.line, fmt.Errorf("%w: %s has none while others have one", ErrSplit, image.File), "write train, val or test, or leave the column out")
			continue
		}
		before, ok := first[image.Patient]
		switch {
		case !ok:
			first[image.Patient] = image
		case before.Split != image.Split && !told[image.Patient]:
			told[image.Patient] = true
			c.problem(image.line, fmt.Errorf("%w: that of %s is in %s, and by %s of line %d in %s", ErrTwoSplits, image.File, image.Split, before.File, before.line, before.Split), "put all images of a patient into one split")
		}
	}
}

// problem adds what is wrong with a row.
func (c *Cohort) problem(line int, err error, hint string) {
	c.problems = append(c.problems, &RowError{c.labels, line, err, hint})
}

// setClasses sorts the names of classes and gives every image the number of
// its name.
func (c *Cohort) setClasses(names []string) {
	c.Classes = slices.Compact(slices.Sorted(slices.Values(names)))
	number := make(map[string]int, len(c.Classes))
	for i, name := range c.Classes {
		number[name] = i
	}
	for i, name := range names {
		c.Images[i].Label = number[name]
	}
}

// walk calls see with the path, with slashes, of every visible file below a
// folder of the directory, sorted.
func (c *Cohort) walk(folder string, see func(file string)) error {
	// The separator at the end makes a link to a folder one.
	root := filepath.Join(c.source.Dir, folder) + string(filepath.Separator)
	seen := 0
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fileError(path, cause(err), "check its permissions")
		case path == root:
			return nil
		case strings.HasPrefix(d.Name(), ".") && d.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(d.Name(), ".") || d.IsDir():
			return nil
		}
		if seen++; seen > maxImages {
			return c.tooMany()
		}
		file, err := filepath.Rel(c.source.Dir, path)
		if err != nil {
			return err
		}
		see(filepath.ToSlash(file))
		return nil
	})
}

func (c *Cohort) tooMany() error {
	return fileError(c.source.Dir, fmt.Errorf("%w: more than %d files", data.ErrTooLarge, maxImages), "divide it into several directories")
}

// cause drops the path from errors of the file system, because the errors of
// this package name it anyway.
func cause(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}
