package data

import (
	"errors"
	"fmt"
	"image"
	_ "image/gif"  // a format of ReadImage
	_ "image/jpeg" // a format of ReadImage
	_ "image/png"  // a format of ReadImage
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxPixels bounds a picture before it is decoded: 64 megapixels, more than
// most cameras take.
const maxPixels = 64 << 20

// hintPicture says what [ReadImage] reads.
const hintPicture = "use a PNG, JPEG or GIF file of at most 64 megapixels"

// ReadFolder reads a folder that holds one folder per class with PNG, JPEG, GIF
// and DICOM pictures in it (see [ReadImage]), prepared for a backbone (see
// [Prepare]). Without classes, the folders are the classes, sorted by name;
// with classes, some may have no folder, but a folder of another name is an
// error. Names that begin with a dot are passed over.
//
// Files that cannot be used do not stop the others: they are returned as
// skipped, each a [*FileError] with its reason. Only a folder without one
// usable picture, or one that cannot be listed, fails. Samples are in the
// order of the classes and of the files' names.
func ReadFolder(dir string, classes []string, shape [3]int, mode string) (set Set, skipped []error, err error) {
	if err := checkPrepare(shape, mode); err != nil {
		return Set{}, nil, err
	}
	folders, err := classFolders(dir)
	if err != nil {
		return Set{}, nil, err
	}
	if len(classes) == 0 {
		classes = folders
	}
	for _, name := range folders {
		if !slices.Contains(classes, name) {
			return Set{}, nil, &FileError{filepath.Join(dir, name), fmt.Errorf("%w %q", ErrLabel, name), "the classes are " + strings.Join(classes, ", ") + ": rename or remove the folder"}
		}
	}
	set = Set{Shape: shape, Classes: classes}
	for label, name := range classes {
		if !slices.Contains(folders, name) {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			return Set{}, nil, &FileError{filepath.Join(dir, name), cause(err), "check its permissions"}
		}
		for _, e := range entries {
			if hidden(e.Name()) {
				continue
			}
			path := filepath.Join(dir, name, e.Name())
			pixels, err := readPrepared(path, shape, mode)
			if err != nil {
				skipped = append(skipped, err)
				continue
			}
			set.Samples = append(set.Samples, Sample{Pixels: pixels, Label: label})
		}
	}
	if len(set.Samples) == 0 {
		hint := "put pictures into one folder per class, " + filepath.Join(dir, "CLASS", "picture.png")
		return Set{}, skipped, &FileError{dir, errors.Join(append([]error{ErrEmpty}, skipped...)...), hint}
	}
	return set, skipped, nil
}

// classFolders returns the names of the visible folders in dir, sorted.
func classFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, &FileError{dir, cause(err), "name a folder that can be read, with one folder per class in it"}
	}
	var names []string
	for _, e := range entries {
		// A link to a folder is as good as a folder.
		info, err := os.Stat(filepath.Join(dir, e.Name()))
		if err == nil && info.IsDir() && !hidden(e.Name()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

func readPrepared(path string, shape [3]int, mode string) ([]uint8, error) {
	img, err := ReadImage(path)
	if err != nil {
		return nil, err
	}
	pixels, err := Prepare(img, shape, mode)
	if err != nil {
		return nil, &FileError{path, err, ""}
	}
	return pixels, nil
}

// ReadImage decodes a PNG, JPEG, GIF or DICOM file, of an animation the first
// picture. What a file is, its content tells; one of no known format is tried
// as DICOM without preamble if its name ends in .dcm. Grey of 16 bits, which
// DICOM becomes, comes as an [*image.Gray16]. Pictures of more than 64
// megapixels are refused before memory is taken for them. All errors are a
// [*FileError].
func ReadImage(path string) (image.Image, error) {
	f, size, err := openRegular(path, hintPicture)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if beginsAsDICOM(f, path) {
		img, err := decodeDICOM(f, size)
		if err != nil {
			return nil, &FileError{path, err, ""}
		}
		return img.Picture(), nil
	}
	img, err := decodeImage(f)
	if err != nil {
		return nil, &FileError{path, err, hintPicture}
	}
	return img, nil
}

// openRegular opens a regular file. For one of another kind, the hint says
// what to do; it is not opened, which for a pipe would last until somebody
// writes to it.
func openRegular(path, hint string) (f *os.File, size int64, err error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return nil, 0, &FileError{path, fmt.Errorf("%w: not a regular file", ErrFormat), hint}
	}
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, 0, &FileError{path, cause(err), "check the path and its permissions"}
	}
	return f, info.Size(), nil
}

func decodeImage(r io.ReadSeeker) (image.Image, error) {
	config, _, err := image.DecodeConfig(r)
	if err != nil {
		return nil, imageError(err)
	}
	if config.Width <= 0 || config.Height <= 0 {
		return nil, fmt.Errorf("%w: a picture of %dx%d pixels", ErrFormat, config.Width, config.Height)
	}
	if config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("%w: %dx%d pixels", ErrTooLarge, config.Width, config.Height)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return nil, imageError(err)
	}
	return img, nil
}

func imageError(err error) error {
	switch {
	case errors.Is(err, image.ErrFormat):
		return fmt.Errorf("%w: neither DICOM nor a known format of pictures", ErrFormat)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return ErrTruncated
	}
	return fmt.Errorf("%w: %w", ErrFormat, err)
}
