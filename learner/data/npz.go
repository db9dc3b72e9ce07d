package data

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/npy"
)

// maxClasses bounds the labels of a .npz file: a class that no sample has
// takes memory for its name nevertheless.
const maxClasses = 1 << 16

const hintNPZ = "this must be a whole .npz file as MedMNIST has them: train_images, train_labels and, if wanted, the same of val and test"

// ReadNPZ reads a .npz file as MedMNIST has them (J. Yang and others, MedMNIST
// v2, 2023): pictures as unsigned bytes [N, height, width] or [N, height,
// width, 3], and as many labels, uint8 or int64, [N] or [N, 1], in the arrays
// train_images and train_labels, and the same of val and test. There must be
// training pictures; val and test may be missing, and are then sets without
// samples. Other arrays are passed over. All sets have one shape and the same
// classes, named by their number, as many as the largest label needs.
//
// Unpacked, the arrays may have 1 GiB together, and pictures sides of 4096
// pixels. All errors are a [*FileError], which names the array too.
func ReadNPZ(path string) (train, val, test Set, err error) {
	f, size, err := openRegular(path, hintNPZ)
	if err != nil {
		return Set{}, Set{}, Set{}, err
	}
	defer f.Close()
	sets, err := decodeNPZ(f, size)
	if err != nil {
		hint := hintNPZ
		if errors.Is(err, ErrTruncated) {
			hint = hintDownload
		}
		return Set{}, Set{}, Set{}, &FileError{path, err, hint}
	}
	return sets[0], sets[1], sets[2], nil
}

// listNPZ returns the members of an archive that [ReadNPZ] looks for, by their
// names without ".npy".
func listNPZ(r io.ReaderAt, size int64) (map[string]*zip.File, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	arrays := map[string]*zip.File{}
	for _, f := range archive.File {
		switch name := strings.TrimSuffix(f.Name, ".npy"); name {
		case "train_images", "train_labels", "val_images", "val_labels", "test_images", "test_labels":
			if arrays[name] != nil {
				return nil, fmt.Errorf("%w: two arrays %s", ErrFormat, name)
			}
			arrays[name] = f
		}
	}
	return arrays, nil
}

// decodeNPZ reads the sets to train with, to validate with and to test with.
func decodeNPZ(r io.ReaderAt, size int64) (sets [3]Set, err error) {
	arrays, err := listNPZ(r, size)
	if err != nil {
		return sets, err
	}
	left := int64(maxUnpacked)
	most := 0
	for i, part := range []string{"train", "val", "test"} {
		set, err := readPart(arrays, part, &left)
		if err != nil {
			return sets, err
		}
		switch {
		case len(set.Samples) == 0 && i == 0:
			return sets, fmt.Errorf("train_images: %w", ErrEmpty)
		case len(set.Samples) == 0:
			set.Shape = sets[0].Shape
		case i > 0 && set.Shape != sets[0].Shape:
			return sets, fmt.Errorf("%s_images: %w: pictures of %v, those to train with are %v", part, ErrMismatch, set.Shape, sets[0].Shape)
		}
		for _, s := range set.Samples {
			most = max(most, s.Label)
		}
		sets[i] = set
	}
	classes := make([]string, most+1)
	for c := range classes {
		classes[c] = strconv.Itoa(c)
	}
	for i := range sets {
		sets[i].Classes = classes
	}
	return sets, nil
}

// readPart reads the pictures and labels of one part. One that is not there is
// empty.
func readPart(arrays map[string]*zip.File, part string, left *int64) (Set, error) {
	names := [2]string{part + "_images", part + "_labels"}
	if part != "train" && arrays[names[0]] == nil && arrays[names[1]] == nil {
		return Set{}, nil
	}
	var read [2]*graph.Tensor
	for i, name := range names {
		if arrays[name] == nil {
			return Set{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
		}
		var err error
		if read[i], err = readNPY(arrays[name], left); err != nil {
			return Set{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	set, err := pictures(read[0])
	if err != nil {
		return Set{}, fmt.Errorf("%s: %w", names[0], err)
	}
	if err := label(set, read[1]); err != nil {
		return Set{}, fmt.Errorf("%s: %w", names[1], err)
	}
	return set, nil
}

// readNPY reads one array, whose bytes it takes from those that are left.
// Memory grows with what the archive really holds, not with what it promises.
func readNPY(f *zip.File, left *int64) (*graph.Tensor, error) {
	if f.UncompressedSize64 > uint64(*left) {
		return nil, fmt.Errorf("%w: the arrays promise more than %d bytes", ErrTooLarge, maxUnpacked)
	}
	size := int64(f.UncompressedSize64)
	*left -= size
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	defer r.Close()
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(r, size+1))
	switch {
	case errors.Is(err, zip.ErrChecksum):
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	case err != nil:
		return nil, streamError(err)
	case n > size:
		return nil, fmt.Errorf("%w: it has more than the %d bytes that the archive promises", ErrMismatch, size)
	}
	a, err := npy.Read(b.Bytes())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return a, nil
}

// pictures makes samples of an array of pictures.
func pictures(a *graph.Tensor) (Set, error) {
	colour := len(a.Dims) == 4 && a.Dims[3] == 3
	if a.Type != graph.Uint8 || len(a.Dims) != 3 && !colour {
		return Set{}, fmt.Errorf("%w: an array of %v %v, not of unsigned bytes [N, height, width] or [N, height, width, 3]", ErrFormat, a.Type, a.Dims)
	}
	n, h, w := a.Dims[0], a.Dims[1], a.Dims[2]
	if n > 0 && (h == 0 || w == 0) {
		return Set{}, fmt.Errorf("%w: pictures of %dx%d pixels", ErrFormat, w, h)
	}
	if h > maxSide || w > maxSide {
		return Set{}, fmt.Errorf("%w: pictures of %dx%d pixels, the most is %d", ErrTooLarge, w, h, maxSide)
	}
	set := Set{Shape: [3]int{1, h, w}, Samples: make([]Sample, n)}
	size := h * w
	if !colour {
		for i := range set.Samples {
			set.Samples[i].Pixels = a.U8[i*size : (i+1)*size : (i+1)*size]
		}
		return set, nil
	}
	set.Shape[0] = 3
	for i := range set.Samples {
		from, planes := a.U8[3*i*size:], make([]uint8, 3*size)
		for k := range size {
			planes[k], planes[size+k], planes[2*size+k] = from[3*k], from[3*k+1], from[3*k+2]
		}
		set.Samples[i].Pixels = planes
	}
	return set, nil
}

// label gives the samples of a set their labels.
func label(set Set, a *graph.Tensor) error {
	var labels []int64
	switch a.Type {
	case graph.Int64:
		labels = a.I64
	case graph.Uint8:
		labels = make([]int64, len(a.U8))
		for i, l := range a.U8 {
			labels[i] = int64(l)
		}
	default:
		return fmt.Errorf("%w: labels of type %v, not uint8 or int64", ErrFormat, a.Type)
	}
	if len(a.Dims) != 1 && (len(a.Dims) != 2 || a.Dims[1] != 1) {
		return fmt.Errorf("%w: labels of shape %v, not [N] or [N, 1]: one label per picture", ErrFormat, a.Dims)
	}
	if len(labels) != len(set.Samples) {
		return fmt.Errorf("%w: %d labels, but %d pictures", ErrMismatch, len(labels), len(set.Samples))
	}
	for i, l := range labels {
		if l < 0 || l >= maxClasses {
			return fmt.Errorf("%w: label %d of picture %d; labels are 0 to %d", ErrLabel, l, i, maxClasses-1)
		}
		set.Samples[i].Label = int(l)
	}
	return nil
}
