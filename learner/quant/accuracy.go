package quant

import "math"

// Comparison is how far an int8 network is from its float32 original.
type Comparison struct {
	SNR       float64 // signal to noise of the outputs in decibels; +Inf if they are equal
	Agreement float64 // share of the images, 0 to 1, with the same largest output
}

// Compare compares the outputs of both networks for the same images, each
// with as many numbers as there are columns. Of equal outputs the first
// counts as largest. Without images, or with lengths that do not fit each
// other, it returns NaN for both.
func Compare(float, int8 []float32, columns int) Comparison {
	if columns < 1 || len(float) == 0 || len(float) != len(int8) || len(float)%columns != 0 {
		return Comparison{math.NaN(), math.NaN()}
	}
	var signal, noise float64
	for i, v := range float {
		d := float64(v) - float64(int8[i])
		signal += float64(float64(v) * float64(v))
		noise += float64(d * d)
	}
	same := 0
	for i := 0; i < len(float); i += columns {
		if largest(float[i:i+columns]) == largest(int8[i:i+columns]) {
			same++
		}
	}
	snr := math.Inf(1)
	if noise > 0 {
		snr = 10 * math.Log10(signal/noise)
	}
	return Comparison{snr, float64(same) / float64(len(float)/columns)}
}

// largest returns the index of the first largest number.
func largest(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// CheckDrop returns a [*DropError] if int8 accuracy is more than most below
// that of float32; all are shares from 0 to 1.
func CheckDrop(float, int8, most float64) error {
	if float-int8 > most {
		return &DropError{Float: float, Int8: int8, Max: most}
	}
	return nil
}
