package quant

import (
	"errors"
	"fmt"
)

// ErrNoImages is returned by [Calibrate] when there is nothing to calibrate
// with.
var ErrNoImages = errors.New("no images to calibrate with; give some that look like those the network will see (100 to 500 are plenty)")

// ErrSameImage is returned by [Calibrate] when all images are the same.
var ErrSameImage = errors.New("all calibration images are the same one; give different images that look like those the network will see")

// ConstantError says that a value was the same number everywhere in the
// calibration set, so that nothing is known of its range.
type ConstantError struct {
	Value  string // ONNX name
	Number float32
}

func (e *ConstantError) Error() string {
	return fmt.Sprintf("every element of %.80q is %g in all calibration images; calibrate with real images, at least a few different ones", e.Value, e.Number)
}

// NotFiniteError says that a number from which a range should follow is NaN
// or infinite.
type NotFiniteError struct {
	Value string // ONNX name of the value or the weight
	Batch int    // index of the calibration batch, or -1 for a weight
}

func (e *NotFiniteError) Error() string {
	if e.Batch < 0 {
		return fmt.Sprintf("weight %.80q has an element that is NaN or infinite; train the model again or fetch it anew", e.Value)
	}
	return fmt.Sprintf("%.80q has an element that is NaN or infinite in calibration batch %d; check the images and their normalisation", e.Value, e.Batch)
}

// BatchError says that a batch is not a whole number of images.
type BatchError struct {
	Length int // elements
	Image  int // elements of one image
	Most   int // images of a whole batch, or 0 for any number
}

func (e *BatchError) Error() string {
	s := fmt.Sprintf("a batch of %d numbers is not a whole number of images of %d", e.Length, e.Image)
	if e.Most > 0 {
		s = fmt.Sprintf("a batch of %d numbers is not %d images of %d", e.Length, e.Most, e.Image)
	}
	return s + "; give images of the size of the network's input"
}

// MissingRangeError says that a value of the graph was not calibrated.
type MissingRangeError struct {
	Value string // ONNX name
}

func (e *MissingRangeError) Error() string {
	return fmt.Sprintf("no range for %.80q; calibrate with the same graph that is quantized", e.Value)
}

// DropError says that quantization costs more accuracy than is allowed.
type DropError struct {
	Float, Int8 float64 // accuracies, 0 to 1
	Max         float64 // largest Float-Int8 that is allowed
}

func (e *DropError) Error() string {
	return fmt.Sprintf("int8 accuracy is %.2f%% and float32 accuracy %.2f%%, a drop of %.2f points where %.2f are allowed; calibrate with more images, by another method, or allow a larger drop",
		100*e.Int8, 100*e.Float, 100*(e.Float-e.Int8), 100*e.Max)
}
