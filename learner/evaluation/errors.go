package evaluation

import (
	"errors"
	"fmt"
)

var (
	// ErrEmpty is wrapped when there is not one sample.
	ErrEmpty = errors.New("there are no samples")
	// ErrOneClass is wrapped when all samples are of one class.
	ErrOneClass = errors.New("there is only one class: nothing can be told apart")
	// ErrArgument is wrapped by errors about arguments out of range, and about
	// lists that belong together and are not equally long.
	ErrArgument = errors.New("out of range")
)

// GroupsError says that there are fewer patients than folds.
type GroupsError struct{ Groups, Folds int }

func (e *GroupsError) Error() string {
	return fmt.Sprintf("%d patients cannot be dealt into %d folds: ask for fewer folds or bring more patients", e.Groups, e.Folds)
}

// ClassError says that not every fold can test a class.
type ClassError struct {
	Class         int
	Groups, Folds int // patients of the class
}

func (e *ClassError) Error() string {
	if e.Groups < e.Folds {
		return fmt.Sprintf("class %d has %d patients, fewer than the %d folds that must each test it: ask for fewer folds, bring more patients, or leave the class out", e.Class, e.Groups, e.Folds)
	}
	return fmt.Sprintf("class %d has %d patients, but as some have other classes too, no way was found to let each of %d folds test every class: ask for fewer folds", e.Class, e.Groups, e.Folds)
}

// LeakError says that a test would repeat what was trained on.
type LeakError struct {
	Train, Test string // names of the two items
	Image       bool   // they are one picture; otherwise they are of one patient
}

func (e *LeakError) Error() string {
	if e.Image {
		return fmt.Sprintf("%q is trained on and %q tested, and they are the same picture: remove one, or give both to one patient", e.Train, e.Test)
	}
	return fmt.Sprintf("%q is trained on and %q tested, and they are of the same patient: put all pictures of a patient on one side", e.Train, e.Test)
}

// OutcomeError says what is wrong with one outcome.
type OutcomeError struct {
	Run, Fold, Sample int
	Problem           string
}

func (e *OutcomeError) Error() string {
	return fmt.Sprintf("run %d, fold %d, sample %d: %s", e.Run, e.Fold, e.Sample, e.Problem)
}

// UnpairedError says that two lists of outcomes do not test the same samples
// in the same folds.
type UnpairedError struct {
	Run, Fold int // the first fold that differs
}

func (e *UnpairedError) Error() string {
	return fmt.Sprintf("run %d, fold %d: the two do not test the same samples: compare only what was evaluated on the same folds", e.Run, e.Fold)
}
