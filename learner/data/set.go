package data

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/bits"
)

// Sample is one labelled picture or series.
type Sample struct {
	// Pixels are the channels' planes one after another, each row after row,
	// 0 black to 255 white: channels x height x width bytes. A series has one
	// row per channel, and its reader says what the bytes stand for.
	Pixels []uint8
	Label  int // index into Set.Classes
	// Owner names whom the sample is about, for sets that know, such as the
	// person of [ReadWISDM]. Samples of one owner resemble each other.
	Owner string
}

// Set is a list of samples of one shape.
type Set struct {
	Shape   [3]int // channels, height, width
	Samples []Sample
	Classes []string
}

// Hash returns the SHA-256 over the shape, three 32-bit big-endian numbers,
// and the pixels. The label does not enter: features depend on the picture
// alone.
func (s Sample) Hash(shape [3]int) [32]byte {
	buf := make([]byte, 0, 12+len(s.Pixels))
	for _, n := range shape {
		buf = binary.BigEndian.AppendUint32(buf, uint32(n))
	}
	return sha256.Sum256(append(buf, s.Pixels...))
}

// MeanStd returns the mean and the standard deviation of every channel over
// all samples, in the unit in which networks take pixels: p/255. They are
// what a network that wants standardised input is to be given. The sums are
// whole numbers, so the result does not depend on the order of the samples.
// A channel that never changes has the deviation 1, which divides nothing
// away. Without samples there is no answer: both are nil.
func (s Set) MeanStd() (mean, std []float64) {
	if len(s.Samples) == 0 {
		return nil, nil
	}
	plane := s.Shape[1] * s.Shape[2]
	n := uint64(plane * len(s.Samples))
	for c := range s.Shape[0] {
		var sum, squares uint64
		for _, sample := range s.Samples {
			for _, p := range sample.Pixels[c*plane : (c+1)*plane] {
				sum += uint64(p)
				squares += uint64(p) * uint64(p)
			}
		}
		// The variance is (n·squares - sum²) / n², whose upper part needs 128
		// bits: a difference of rounded numbers would be noise where it is 0.
		high, low := bits.Mul64(n, squares)
		sumHigh, sumLow := bits.Mul64(sum, sum)
		low, borrow := bits.Sub64(low, sumLow, 0)
		high -= sumHigh + borrow
		deviation := 255.
		if high|low != 0 {
			deviation = math.Sqrt(math.Ldexp(float64(high), 64)+float64(low)) / float64(n)
		}
		mean, std = append(mean, float64(sum)/float64(n)/255), append(std, deviation/255)
	}
	return mean, std
}
