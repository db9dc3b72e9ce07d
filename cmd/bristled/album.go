package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner/data"
)

// album is a directory of pictures that is read a part at a time: what the
// model commands look at may be larger than memory.
type album struct {
	dir      string
	classes  []string // nil: the pictures have no labels
	pictures []picture
	test     int    // how many pictures at the end are a test set by their files' names
	shape    [3]int // of the pictures in a collection's files
}

// picture is one picture of an album.
type picture struct {
	name   string  // its path in the album with slashes, or its file and number there
	label  int     // its class, -1 without classes
	pixels []uint8 // nil: they are still in the file
}

// together is how many pictures are read and computed at a time.
const together = 32

// openAlbum lists a directory: folders of pictures per class, the files of a
// collection such as MNIST, or pictures without labels.
func openAlbum(dir string) (*album, error) {
	if c, ok := collectionIn(dir); ok {
		return openCollection(dir, c)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: name a directory with one folder of pictures per class, or with MNIST's IDX files", dir, underlying(err))
	}
	a := &album{dir: dir}
	var loose []picture
	for _, e := range entries {
		// A link to a folder is as good as a folder.
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err != nil || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if !info.IsDir() {
			loose = append(loose, picture{name: e.Name(), label: -1})
			continue
		}
		if err := a.addClass(e.Name()); err != nil {
			return nil, err
		}
	}
	if len(a.pictures) == 0 {
		a.classes, a.pictures = nil, loose
	}
	if len(a.pictures) == 0 {
		return nil, fmt.Errorf("%s: %w: put pictures into it, one folder per class", dir, data.ErrEmpty)
	}
	return a, nil
}

// addClass lists a folder whose name is a class.
func (a *album) addClass(name string) error {
	files, err := os.ReadDir(filepath.Join(a.dir, name))
	if err != nil {
		return inFile(filepath.Join(a.dir, name), err)
	}
	for _, f := range files {
		if f.IsDir() || strings.HasPrefix(f.Name(), ".") {
			continue
		}
		a.pictures = append(a.pictures, picture{name: name + "/" + f.Name(), label: len(a.classes)})
	}
	a.classes = append(a.classes, name)
	return nil
}

// openCollection reads a collection's files.
func openCollection(dir string, c collection) (*album, error) {
	train, test, err := c.read(dir)
	if err != nil {
		return nil, err
	}
	a := &album{dir: dir, classes: train.Classes, shape: train.Shape, test: len(test.Samples)}
	for _, part := range []struct {
		name string
		set  data.Set
	}{{c.train, train}, {c.test, test}} {
		for i, s := range part.set.Samples {
			a.pictures = append(a.pictures, picture{name: fmt.Sprintf("%s/%d", part.name, i), label: s.Label, pixels: s.Pixels})
		}
	}
	return a, nil
}

// load reads picture i as planes of the given shape: channels, height, width.
func (a *album) load(i int, shape [3]int) ([]uint8, error) {
	p := a.pictures[i]
	if p.pixels != nil && a.shape == shape {
		return p.pixels, nil
	}
	path := filepath.Join(a.dir, filepath.FromSlash(p.name))
	var img image.Image
	if p.pixels != nil {
		if a.series() {
			return nil, fmt.Errorf("%s: it holds series of %d axes and %d steps: choose a network for such series", a.dir, a.shape[0], a.shape[2])
		}
		img = asImage(p.pixels, a.shape)
	} else {
		var err error
		if img, err = data.ReadImage(path); err != nil {
			return nil, err
		}
	}
	pixels, err := data.Prepare(img, shape, string(federation.PrepareResize))
	if err != nil {
		return nil, inFile(path, err)
	}
	return pixels, nil
}

// series says whether the album's samples are series: channels without a
// height.
func (a *album) series() bool { return a.shape[1] == 1 }

// asImage returns planes, one of grey or three of colour, as a picture.
func asImage(pixels []uint8, shape [3]int) image.Image {
	plane := shape[1] * shape[2]
	frame := image.Rect(0, 0, shape[2], shape[1])
	if shape[0] == 1 {
		return &image.Gray{Pix: pixels, Stride: shape[2], Rect: frame}
	}
	img := image.NewNRGBA(frame)
	for i := range plane {
		copy(img.Pix[4*i:], []uint8{pixels[i], pixels[plane+i], pixels[2*plane+i], 255})
	}
	return img
}

// each reads the pictures of the given numbers, some at a time on several
// goroutines, and hands the numbers and the planes of those that can be used
// to use, in order. Pictures that cannot be used come back as skipped; not
// one that can is an error.
func (a *album) each(ctx context.Context, numbers []int, shape [3]int, workers int, use func(numbers []int, pixels []uint8) error) (skipped []error, err error) {
	size := shape[0] * shape[1] * shape[2]
	pixels := make([]uint8, 0, together*size)
	read := make([][]uint8, together)
	failed := make([]error, together)
	good := make([]int, 0, together)
	used := 0
	for lo := 0; lo < len(numbers); lo += together {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		part := numbers[lo:min(lo+together, len(numbers))]
		var team sync.WaitGroup
		for w := range workers {
			team.Go(func() {
				for k := w; k < len(part); k += workers {
					read[k], failed[k] = a.load(part[k], shape)
				}
			})
		}
		team.Wait()
		pixels, good = pixels[:0], good[:0]
		for k, number := range part {
			if failed[k] != nil {
				skipped = append(skipped, failed[k])
				continue
			}
			pixels, good = append(pixels, read[k]...), append(good, number)
		}
		if len(good) == 0 {
			continue
		}
		used += len(good)
		if err := use(good, pixels); err != nil {
			return nil, err
		}
	}
	if used == 0 && len(skipped) > 0 {
		return nil, fmt.Errorf("%s: not one of %d pictures can be used: %w", a.dir, len(skipped), skipped[0])
	}
	return skipped, nil
}

// all returns the numbers of all pictures.
func (a *album) all() []int {
	numbers := make([]int, len(a.pictures))
	for i := range numbers {
		numbers[i] = i
	}
	return numbers
}

// tellSkipped says what is wrong with pictures that were left out, in one
// line.
func tellSkipped(skipped []error) string {
	switch len(skipped) {
	case 1:
		return fmt.Sprintf("one picture was left out: %v", skipped[0])
	default:
		return fmt.Sprintf("%d pictures were left out, the first: %v", len(skipped), skipped[0])
	}
}

// stopped turns the end of a context into words.
func stopped(ctx context.Context, err error, what string) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, fs.ErrClosed)) {
		return fmt.Errorf("%s was stopped: nothing was written", what)
	}
	return err
}
