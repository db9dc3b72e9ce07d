package cohort

import (
	"context"
	"fmt"
)

// inspected is the shape in which images are compared and shown: small, so
// that what is found does not depend on the size of a backbone's input.
var inspected = [3]int{3, 96, 96}

// mostSizes is how many sizes of pictures a sheet tells.
const mostSizes = 10

// Inspect reads a collection and says what it is made of. What makes [Open]
// fail does not stop it, as long as there is a list of images: it becomes a
// problem of the sheet. Workers and progress are as in [Cohort.Load].
func Inspect(ctx context.Context, source Source, workers int, progress func(done, total int)) (*Sheet, error) {
	c, err := list(source)
	if err != nil {
		return nil, err
	}
	s := &Sheet{
		Source: source.Dir, Labels: source.Labels, Unlisted: c.Unlisted, LeftOut: c.LeftOut, Problems: []string{},
		shape: inspected, thumbs: make([][]thumb, len(c.Classes)),
	}
	if c.kind == inNPZ {
		s.shape = c.shape // which all images have
	}
	for _, p := range c.problems {
		s.Problems = append(s.Problems, p.Error())
	}
	var images []found
	var claims []claim
	var unread []error
	sizes, formats := map[string]int{}, map[string]int{}
	err = each(ctx, len(c.Images), workers,
		func(i int) prepared { return c.prepare(i, s.shape) },
		func(i int, r prepared) error {
			if progress != nil {
				progress(i+1, len(c.Images))
			}
			listed := c.Images[i]
			if r.pixels == nil {
				unread = append(unread, r.err)
				s.Unreadable = append(s.Unreadable, refused(listed.File, r.err))
				return nil
			}
			sizes[fmt.Sprintf("%dx%d", r.size.X, r.size.Y)]++
			formats[r.picture.format]++
			images = append(images, found{Image: listed, hash: r.hash})
			claims = append(claims, c.claim(i, r))
			s.keepThumb(listed.Label, r)
			return nil
		})
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, c.noneRead(unread)
	}
	for i, owner := range owners(claims) {
		images[i].owner = owner
		if claims[i].patient == "" {
			s.Anonymous++
		}
	}
	s.count(images, c.Classes)
	for _, class := range s.Classes {
		if class.Images == 0 {
			s.Problems = append(s.Problems, fmt.Sprintf("no image of the class %q can be read", class.Name))
		}
	}
	s.Formats, s.Sizes = tallies(formats), tallies(sizes)
	s.DistinctSizes = len(s.Sizes)
	s.Sizes = s.Sizes[:min(len(s.Sizes), mostSizes)]
	return s, nil
}
