package cohort

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// ImportOptions says how to import.
type ImportOptions struct {
	// Workers is how many goroutines read, one per processor for 0. The store
	// does not depend on it.
	Workers int
	// Now dates the lines of the audit log.
	Now func() time.Time
	// Random gives the key of a new store.
	Random io.Reader
	// Progress, unless nil, is called after each file, on the caller's
	// goroutine.
	Progress func(done, total int)

	disk *disk // nil: the real one
}

// Imported says what an import did.
type Imported struct {
	Store    string    `json:"store"`
	Read     int       `json:"read"`     // images that were read, or could not be
	Added    int       `json:"added"`    // that are in the store now
	Known    int       `json:"known"`    // that were there already
	Refused  []Refused `json:"refused"`  // that are not
	LeftOut  int       `json:"left_out"` // rows without a label
	Images   int       `json:"images"`   // in the store
	Patients int       `json:"patients"` // in the store
}

// Import reads a collection into the store in a directory, which is made if it
// is empty or not there; see the package's description of a store. Images that
// are there already change nothing. An image that cannot be read is refused,
// and so is one that the store has of another patient, in another class or in
// another split; that stops nothing.
//
// What makes [Open] fail makes Import fail before it writes, except that one
// class is enough. So does a patient whose images in the store are in another
// split. When the context or an error ends it later, what was stored until
// then stays, and is in the index if that can be written; the result counts
// it. Errors are the context's, a [*RowError], a [*data.FileError], or several
// of these joined.
func Import(ctx context.Context, source Source, store string, o ImportOptions) (*Imported, error) {
	c, err := list(source)
	if err != nil {
		return nil, err
	}
	c.problems = slices.DeleteFunc(c.problems, func(err error) bool { return errors.Is(err, ErrOneClass) })
	if err := tell(c.problems); err != nil {
		return nil, err
	}
	if err := errors.Join(apart(source.Dir, store), mayHold(store)); err != nil {
		return nil, err
	}
	d := realDisk()
	if o.disk != nil {
		d = *o.disk
	}
	s, err := openStore(store, d, o.Random)
	if err != nil {
		return nil, err
	}
	defer s.lock.Close() // which gives it back
	if err := s.fits(c); err != nil {
		return nil, err
	}
	log, err := s.openAudit()
	if err != nil {
		return nil, err
	}
	result := &Imported{Store: store, Refused: []Refused{}, LeftOut: c.LeftOut}
	err = s.importAll(ctx, c, log, o, result)
	// The index has nothing that the log has not.
	if logged := log.flush(); logged != nil {
		err = cmp.Or(err, logged)
	} else {
		err = errors.Join(err, s.commit())
	}
	result.Images, result.Patients = len(s.index), s.patients()
	return result, errors.Join(err, log.file.Close())
}

// fits says whether a collection can go into the store as far as its list
// tells.
func (s *sampleStore) fits(c *Cohort) error {
	divided := slices.ContainsFunc(c.Images, func(i Image) bool { return i.Split != "" })
	if len(s.index) > 0 && divided != s.divided() {
		what := "the store has splits, and what is to be imported has none"
		if divided {
			what = "what is to be imported has splits, and the store has none"
		}
		return fileError(s.dir, fmt.Errorf("%w: %s", ErrSplit, what), "use another store, or make them alike")
	}
	c.problems = nil
	told := map[string]bool{}
	for _, image := range c.Images {
		if image.Patient == "" || told[image.Patient] {
			continue
		}
		if split, ok := s.splits[s.secret.pseudonym(image.Patient)]; ok && split != image.Split {
			told[image.Patient] = true
			c.problem(image.line, fmt.Errorf("%w: that of %s is in %s, and in %s in the store", ErrTwoSplits, image.File, image.Split, split), "put all images of a patient into one split")
		}
	}
	return tell(c.problems)
}

// converted is what becomes of one file.
type converted struct {
	picture picture  // without the image, which may be large
	sum     [32]byte // of the file, or of an npz file's pixels
	bytes   int64    // of these
	archive string   // SHA-256 of the npz file
	sample  [32]byte
	outcome string
	reason  string
	err     error // that ends the import
}

// importAll imports the images in order, and counts.
func (s *sampleStore) importAll(ctx context.Context, c *Cohort, log *audit, o ImportOptions, result *Imported) error {
	archive := ""
	if c.kind == inNPZ {
		sum, _, err := sumFile(ctx, c.source.Dir)
		if err != nil {
			return fileError(c.source.Dir, cause(err), "")
		}
		archive = hex.EncodeToString(sum[:])
	}
	return each(ctx, len(c.Images), o.Workers,
		func(i int) *converted { return s.convert(ctx, c, i) },
		func(i int, r *converted) error {
			if r.err != nil {
				return r.err
			}
			listed := c.Images[i]
			if r.outcome != outcomeRefused {
				patient := cmp.Or(listed.Patient, r.picture.patient, ofNobody(r.sample))
				r.outcome, r.reason = s.add(r.sample, s.secret.pseudonym(patient), c.Classes[listed.Label], listed.Split)
			}
			result.Read++
			switch r.outcome {
			case outcomeStored:
				result.Added++
			case outcomeKnown:
				result.Known++
			default:
				result.Refused = append(result.Refused, Refused{listed.File, r.reason})
			}
			r.archive, r.reason = archive, withoutName(r.reason, c.path(i))
			if err := log.add(r.line(o.Now())); err != nil {
				return err
			}
			if o.Progress != nil {
				o.Progress(i+1, len(c.Images))
			}
			return nil
		})
}

// convert reads image i and writes its sample.
func (s *sampleStore) convert(ctx context.Context, c *Cohort, i int) *converted {
	r := &converted{}
	var err error
	if c.kind == inNPZ {
		r.picture, err = c.read(i)
		r.sum, r.bytes = sha256.Sum256(c.samples[i].Pixels), int64(len(c.samples[i].Pixels))
	} else {
		err = r.readSummed(ctx, c, i)
	}
	img := r.picture.Image
	r.picture.Image = nil
	var png []byte
	if err == nil {
		png, err = encodePNG(img)
	}
	switch {
	case ctx.Err() != nil:
		r.err = ctx.Err()
	case err != nil:
		r.outcome, r.reason = outcomeRefused, refused("", err).Reason
	default:
		r.sample, r.err = s.keep(png)
	}
	return r
}

// readSummed reads image i, and what its file's sum is if it does not change
// meanwhile.
func (r *converted) readSummed(ctx context.Context, c *Cohort, i int) (err error) {
	path := c.path(i)
	before, statErr := os.Stat(path)
	if r.picture, err = c.read(i); statErr != nil || !before.Mode().IsRegular() {
		return err
	}
	sum, size, sumErr := sumFile(ctx, path)
	after, statErr := os.Stat(path)
	if sumErr != nil || statErr != nil || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		return fileError(path, errors.New("the file changed while it was read"), "")
	}
	r.sum, r.bytes = sum, size
	return err
}

// sumFile returns the SHA-256 and the size of a file.
func sumFile(ctx context.Context, path string) (sum [32]byte, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return sum, 0, err
	}
	defer f.Close()
	h := sha256.New()
	size, err = io.Copy(h, reader{ctx, f})
	h.Sum(sum[:0])
	return sum, size, err
}

// reader ends with a context.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, r.ctx.Err()
	}
	return r.Reader.Read(b)
}

// apart makes sure that neither directory is in the other: what an import
// writes must not be what the next one reads.
func apart(source, store string) error {
	from, err := real(source)
	if err != nil {
		return err
	}
	to, err := real(store)
	if err != nil {
		return err
	}
	for _, pair := range [][2]string{{from, to}, {to, from}} {
		if rel, err := filepath.Rel(pair[0], pair[1]); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
			return fileError(store, errors.New("the store and what is imported lie in one another"), "name a directory beside "+source)
		}
	}
	return nil
}

// real returns an absolute path without links, as far as it exists.
func real(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err == nil {
		return resolved, nil
	}
	dir := filepath.Dir(path)
	if !errors.Is(err, os.ErrNotExist) || dir == path {
		return "", fileError(path, cause(err), "name a directory that can be read")
	}
	if dir, err = real(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(path)), nil
}
