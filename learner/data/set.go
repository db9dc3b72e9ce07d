package data

import (
	"crypto/sha256"
	"encoding/binary"
)

// Sample is one labelled picture.
type Sample struct {
	// Pixels are the channels' planes one after another, each row after row,
	// 0 black to 255 white: channels x height x width bytes.
	Pixels []uint8
	Label  int // index into Set.Classes
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
