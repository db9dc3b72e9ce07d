package learner

import (
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// Probabilities returns what the head makes of one feature vector: the
// softmax over the classes.
func Probabilities(h federation.Head, features []float32) []float32 {
	z := make([]float32, h.Classes)
	for c := range z {
		z[c] = kernel.Dot(h.Row(c), features)
	}
	softmax(z)
	return z
}
