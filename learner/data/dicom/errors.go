package dicom

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat is wrapped by errors about bytes that are no DICOM file, or a
	// file that contradicts itself or lacks what every picture has.
	ErrFormat = errors.New("not a DICOM picture")

	// ErrTooLarge is wrapped by errors about pictures of more than 64
	// megapixels, and files that inflate to more than 256 MiB.
	ErrTooLarge = errors.New("too large")
)

// TruncatedError is returned for a file that ends too early.
type TruncatedError struct {
	Part    string // what is cut off, such as "the pixel data"
	Want    int64  // bytes that Part should have, more than 0
	Missing int64  // bytes of those that are not there, 1 to Want
}

// Error returns how many bytes of what are missing.
func (e *TruncatedError) Error() string {
	return fmt.Sprintf("%d of %d bytes of %s are missing (fetch the file again)", e.Missing, e.Want, e.Part)
}

// UnsupportedError is returned for a valid file of a kind that this package
// does not read.
type UnsupportedError struct {
	What           string // what is not read
	TransferSyntax string // the UID, if the transfer syntax is not read; else empty
	Hint           string // what to do
}

// Error returns what is not read and what to do.
func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s cannot be read (%s)", e.What, e.Hint)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}
