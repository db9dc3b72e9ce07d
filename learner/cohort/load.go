package cohort

import (
	"context"
	"errors"
	"fmt"
	"image"
	"slices"

	"github.com/bristle-fl/bristled/learner/data"
)

// Loaded is a collection in memory.
type Loaded struct {
	// Set has the samples, in the order of the collection's list. Owner is
	// the patient: what the list says, or else what the DICOM file says. An
	// image of which neither does is its own patient, and equal images of
	// nobody in particular have one owner.
	Set data.Set
	// Origins has where each sample is from.
	Origins []Origin
	// Skipped has a [*data.FileError] for each file that could not be read.
	Skipped []error
}

// Origin is where a sample is from.
type Origin struct {
	File  string      // as in [Image]
	Split string      // as in [Image]
	Size  image.Point // width and height of the file's picture in pixels
	Hash  [32]byte    // [data.Sample.Hash]
}

// prepared is what becomes of one file.
type prepared struct {
	picture picture // without the image, which may be large
	size    image.Point
	pixels  []uint8 // nil: err says why
	hash    [32]byte
	err     error
}

// prepare decodes image i and scales it.
func (c *Cohort) prepare(i int, shape [3]int) (r prepared) {
	if r.picture, r.err = c.read(i); r.err != nil {
		return r
	}
	if r.pixels, r.err = data.Prepare(r.picture.Image, shape, "resize"); r.err != nil {
		r.err = fileError(c.path(i), r.err, "")
		return r
	}
	r.size = r.picture.Bounds().Size()
	r.hash = data.Sample{Pixels: r.pixels}.Hash(shape)
	r.picture.Image = nil
	return r
}

// Load reads all images and scales each to the given shape: channels, of which
// there are 1 or 3, height and width. It reads on as many goroutines as
// workers says, one per processor for 0; the result does not depend on that.
// Of a file's own pixels no more are in memory than there are workers.
// Progress, unless nil, is called after each file, on the caller's goroutine.
//
// Files that cannot be read do not stop the others, unless not one image of a
// class is left. The error is the context's or a [*data.FileError].
func (c *Cohort) Load(ctx context.Context, shape [3]int, workers int, progress func(done, total int)) (*Loaded, error) {
	l := &Loaded{Set: data.Set{Shape: shape, Classes: c.Classes}}
	var claims []claim
	perClass := make([]int, len(c.Classes))
	err := each(ctx, len(c.Images), workers,
		func(i int) prepared { return c.prepare(i, shape) },
		func(i int, r prepared) error {
			if progress != nil {
				progress(i+1, len(c.Images))
			}
			if r.pixels == nil {
				l.Skipped = append(l.Skipped, r.err)
				return nil
			}
			listed := c.Images[i]
			perClass[listed.Label]++
			l.Set.Samples = append(l.Set.Samples, data.Sample{Pixels: r.pixels, Label: listed.Label})
			l.Origins = append(l.Origins, Origin{listed.File, listed.Split, r.size, r.hash})
			claims = append(claims, c.claim(i, r))
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(claims) == 0 {
		return nil, c.noneRead(l.Skipped)
	}
	if label := slices.Index(perClass, 0); label >= 0 {
		what := fmt.Errorf("%w: no image of the class %q can be read", data.ErrEmpty, c.Classes[label])
		return nil, fileError(c.source.Dir, errors.Join(what, tell(l.Skipped)), "")
	}
	for i, owner := range owners(claims) {
		l.Set.Samples[i].Owner = owner
	}
	return l, nil
}

// noneRead is the error when not one image can be read.
func (c *Cohort) noneRead(skipped []error) error {
	what := fmt.Errorf("%w: not one of %d images can be read", data.ErrEmpty, len(c.Images))
	return fileError(c.source.Dir, errors.Join(what, tell(skipped)), "")
}

// claim is what is known of whose an image is.
type claim struct {
	patient string // "" if nobody says
	file    string
	hash    [32]byte
}

func (c *Cohort) claim(i int, r prepared) claim {
	patient := c.Images[i].Patient
	if patient == "" {
		patient = r.picture.patient
	}
	return claim{patient, c.Images[i].File, r.hash}
}

// owners returns whose each image is. One of which nobody says it is of the
// patient who has the same image, or else its own patient.
func owners(claims []claim) []string {
	of := map[[32]byte]string{}
	for _, c := range claims {
		if _, ok := of[c.hash]; !ok && c.patient != "" {
			of[c.hash] = c.patient
		}
	}
	result := make([]string, len(claims))
	for i, c := range claims {
		if c.patient != "" {
			result[i] = c.patient
			continue
		}
		if _, ok := of[c.hash]; !ok {
			of[c.hash] = "of " + c.file
		}
		result[i] = of[c.hash]
	}
	return result
}
