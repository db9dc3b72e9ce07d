package data

import (
	"errors"
	"fmt"
)

var (
	// ErrFormat is wrapped by errors about files that are not what they
	// should be: a wrong magic number, a picture that no decoder reads.
	ErrFormat = errors.New("not the expected format")
	// ErrTruncated is wrapped by errors about files that end too early.
	ErrTruncated = errors.New("the file ends too early")
	// ErrMismatch is wrapped when pictures and labels are not as many.
	ErrMismatch = errors.New("pictures and labels do not match")
	// ErrLabel is wrapped by errors about labels and folders of classes that
	// are not among those asked for.
	ErrLabel = errors.New("unknown class")
	// ErrTooLarge is wrapped by errors about files that exceed a limit of
	// this package.
	ErrTooLarge = errors.New("too large")
	// ErrEmpty is wrapped when there is not one sample to read.
	ErrEmpty = errors.New("no samples")
)

// FileError says what is wrong with one file and what to do about it.
type FileError struct {
	Path string
	Err  error
	Hint string // what to do; may be empty
}

// Error returns path, cause and hint in one line.
func (e *FileError) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s: %v (%s)", e.Path, e.Err, e.Hint)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }
