package data

import (
	"errors"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"

	"github.com/bristle-fl/bristled/learner/data/dicom"
)

// maxDICOM bounds a DICOM file: 256 MiB, which 64 megapixels of colour and
// their header fit in.
const maxDICOM = 256 << 20

// ReadDICOM reads a DICOM file with or without preamble; see package dicom for
// what is read and how its values become grey. Files of more than 256 MiB are
// refused before memory is taken for them. All errors are a [*FileError], which
// wraps the dicom package's error and tells nothing of the patient.
func ReadDICOM(path string) (*dicom.Image, error) {
	f, size, err := openRegular(path, hintPicture)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	img, err := decodeDICOM(f, size)
	if err != nil {
		return nil, &FileError{path, err, ""}
	}
	return img, nil
}

// IsDICOM says whether [ReadImage] reads a file as DICOM: if it begins so, or
// is named so, with the extension .dcm, and does not begin as a picture of
// another format.
func IsDICOM(path string) bool {
	f, _, err := openRegular(path, hintPicture)
	if err != nil {
		return false
	}
	defer f.Close()
	return beginsAsDICOM(f, path)
}

// beginsAsDICOM looks at the begin of an open file.
func beginsAsDICOM(f io.ReaderAt, path string) bool {
	var head [132]byte
	n, _ := f.ReadAt(head[:], 0)
	if dicom.IsFile(head[:n]) {
		return true
	}
	if !strings.EqualFold(filepath.Ext(path), ".dcm") {
		return false
	}
	_, _, err := image.DecodeConfig(io.NewSectionReader(f, 0, maxDICOM))
	return errors.Is(err, image.ErrFormat)
}

// decodeDICOM reads and decodes size bytes.
func decodeDICOM(r io.ReaderAt, size int64) (*dicom.Image, error) {
	if size > maxDICOM {
		return nil, fmt.Errorf("%w: %d bytes, the most for a DICOM file is %d", ErrTooLarge, size, maxDICOM)
	}
	b := make([]byte, size)
	if n, err := r.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, cause(err)
	} else if n < len(b) {
		return nil, ErrTruncated // it shrank meanwhile
	}
	img, err := dicom.Decode(b)
	var cut *dicom.TruncatedError
	switch {
	case err == nil:
		return img, nil
	case errors.As(err, &cut):
		return nil, fmt.Errorf("%w: %w", ErrTruncated, err)
	case errors.Is(err, dicom.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", ErrTooLarge, err)
	}
	return nil, fmt.Errorf("%w: %w", ErrFormat, err)
}
