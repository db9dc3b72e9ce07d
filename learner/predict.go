package learner

import (
	"slices"

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

// Ranking returns the classes from the most to the least probable, the lower
// class first on ties.
func Ranking(probabilities []float32) []int {
	order := make([]int, len(probabilities))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case probabilities[a] > probabilities[b]:
			return -1
		case probabilities[a] < probabilities[b]:
			return 1
		}
		return 0
	})
	return order
}
