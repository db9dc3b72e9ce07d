package cohort

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/data"
)

// readFolders lists a directory with one folder per class. Every file below
// such a folder is of the class, however deep: archives export a folder per
// patient and study.
func (c *Cohort) readFolders() error {
	entries, err := os.ReadDir(c.source.Dir)
	if err != nil {
		return fileError(c.source.Dir, cause(err), "check its permissions")
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		// A link to a folder is as good as a folder.
		info, err := os.Stat(filepath.Join(c.source.Dir, e.Name()))
		if err != nil || !info.IsDir() {
			c.unlisted(e.Name())
			continue
		}
		if !graphic(e.Name()) {
			c.badName(e.Name())
			continue
		}
		if err := c.walk(e.Name(), func(file string) {
			if !graphic(file) {
				c.badName(file)
				return
			}
			c.Images = append(c.Images, Image{File: file})
			names = append(names, e.Name())
		}); err != nil {
			return err
		}
		if len(c.Images) > maxImages {
			return c.tooMany()
		}
	}
	if len(c.Images) == 0 {
		c.takeLoose()
	}
	c.setClasses(append(names, make([]string, len(c.Images)-len(names))...))
	return nil
}

// takeLoose makes the files of a directory without folders its images, so that
// it can be said what they are. Nothing can be learned from them.
func (c *Cohort) takeLoose() {
	var left []string
	for _, file := range c.Unlisted {
		if _, err := os.Stat(filepath.Join(c.source.Dir, file)); err != nil {
			left = append(left, file)
			continue
		}
		c.Images = append(c.Images, Image{File: file})
	}
	if len(c.Images) > 0 {
		c.Unlisted = left
		c.problems = append(c.problems, fileError(c.source.Dir, ErrNoLabels, "put the images into one folder per class, or name a labels file"))
	}
}

// unlisted adds a file that is in no class, or that no row names.
func (c *Cohort) unlisted(file string) {
	if !graphic(file) {
		file = strconv.Quote(file)
	}
	c.Unlisted = append(c.Unlisted, file)
}

// badName adds that a file's name cannot be shown or written into a list.
func (c *Cohort) badName(name string) {
	c.problems = append(c.problems, fileError(c.source.Dir, fmt.Errorf("%w: the name %q", data.ErrFormat, name), "rename it: it is no UTF-8 text, or has control characters"))
}

// readNPZ reads the images of an npz file.
func (c *Cohort) readNPZ() error {
	train, val, test, err := data.ReadNPZ(c.source.Dir)
	if err != nil {
		return err
	}
	c.shape = train.Shape
	images := make([]int, len(train.Classes))
	for _, part := range []struct {
		name string
		set  data.Set
	}{{Train, train}, {Val, val}, {Test, test}} {
		for i, s := range part.set.Samples {
			c.Images = append(c.Images, Image{File: fmt.Sprintf("%s/%d", part.name, i), Label: s.Label, Split: part.name})
			c.samples = append(c.samples, s)
			images[s.Label]++
		}
	}
	// A number that no image has is no class.
	number := make([]int, len(images))
	for label, n := range images {
		number[label] = len(c.Classes)
		if n > 0 {
			c.Classes = append(c.Classes, train.Classes[label])
		}
	}
	for i := range c.Images {
		c.Images[i].Label = number[c.Images[i].Label]
	}
	return nil
}
