package cohort

import (
	"errors"
	"fmt"

	"github.com/bristle-fl/bristled/learner/data"
)

var (
	// ErrColumn is wrapped when the labels file lacks a column that is needed.
	ErrColumn = errors.New("a column is missing")
	// ErrOutside is wrapped when a row names a file outside the directory.
	ErrOutside = errors.New("the file lies outside the directory")
	// ErrNotThere is wrapped when a row names a file that is not there.
	ErrNotThere = errors.New("the file is not there")
	// ErrTwice is wrapped when two rows name one file.
	ErrTwice = errors.New("the file has two rows")
	// ErrNoPatient is wrapped when a row does not say whose the image is.
	ErrNoPatient = errors.New("the patient is missing")
	// ErrSplit is wrapped when a row's split is none of train, val and test,
	// or is empty while other rows have one.
	ErrSplit = errors.New("unknown split")
	// ErrTwoSplits is wrapped when images of one patient are in two splits:
	// what is learned from one would be tested on the other.
	ErrTwoSplits = errors.New("one patient is in two splits")
	// ErrNoLabels is wrapped when nothing says what is on the images.
	ErrNoLabels = errors.New("the images have no labels")
	// ErrOneClass is wrapped when there are not two classes to tell apart.
	ErrOneClass = errors.New("there is only one class")
	// ErrNoStore is wrapped when a directory to import into holds something
	// else.
	ErrNoStore = errors.New("not a sample store")
	// ErrBusy is wrapped when another import works in a store.
	ErrBusy = errors.New("another import works in this store")
	// ErrKey is wrapped when the key of a store's pseudonyms is lost, damaged
	// or readable by others.
	ErrKey = errors.New("the key of the pseudonyms cannot be used")
	// ErrDiskFull is wrapped when there is no space left to write to.
	ErrDiskFull = errors.New("the disk is full")
)

// RowError says what is wrong with one row of a labels file. It names no
// patient.
type RowError struct {
	File string // the labels file
	Line int    // where the row begins; the header is line 1
	Err  error
	Hint string // what to do; may be empty
}

// Error returns file, line, cause and hint in one line.
func (e *RowError) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("%s: line %d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s: line %d: %v (%s)", e.File, e.Line, e.Err, e.Hint)
}

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }

// fileError is a [*data.FileError].
func fileError(path string, err error, hint string) error {
	return &data.FileError{Path: path, Err: err, Hint: hint}
}

// mostTold is how many errors about rows are told at once.
const mostTold = 10

// tell joins what is wrong with a list; nil if nothing is.
func tell(problems []error) error {
	if len(problems) > mostTold {
		more := fmt.Errorf("and %d more", len(problems)-mostTold)
		problems = append(problems[:mostTold:mostTold], more)
	}
	return errors.Join(problems...)
}
