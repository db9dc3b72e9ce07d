package nn

import (
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/q8"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// value is a tensor of a program: float32 numbers in row-major order of their
// extents. Images between convolutions are kept channels-last, whatever the
// order in the file.
type value struct {
	name string
	dims []int // extents as they lie in memory
	last bool  // the file's order is batch, channels, space; memory's is batch, space, channels

	data  []float32
	fixed bool   // data never change: a constant
	param *Param // not nil: data are a trainable parameter's

	maker *step  // the step that computes it, nil for inputs, constants and parameters
	share *value // not nil: a view of the same memory in another shape
	uses  int    // steps that read it, the program's output included

	isBytes bool // the value is of bytes, not of numbers
	bytes   []uint8
	affine  q8.Affine
	lazy    *value // not nil: only a promise of the numbers that these bytes stand for
	kept    *value // those numbers, once something needed them

	wants bool      // whether a gradient with respect to it is needed
	grad  []float32 // that gradient
}

func (v *value) size() int { return graph.Size(v.dims) }

// root is the value that owns the memory.
func (v *value) root() *value {
	for v.share != nil {
		v = v.share
	}
	return v
}

// known reports whether the numbers are there before the program runs.
func (v *value) known() bool { return v.fixed || v.param != nil }

// lastPerm returns the permutation that turns an order with the channels
// second into one with the channels last: memory axis i is axis perm[i].
func lastPerm(rank int) []int {
	perm := []int{0}
	for i := 2; i < rank; i++ {
		perm = append(perm, i)
	}
	return append(perm, 1)
}

// firstPerm is the inverse of lastPerm.
func firstPerm(rank int) []int {
	perm := []int{0, rank - 1}
	for i := 1; i < rank-1; i++ {
		perm = append(perm, i)
	}
	return perm
}

// permuted returns dims in another order.
func permuted(dims, perm []int) []int {
	out := make([]int, len(perm))
	for i, p := range perm {
		out[i] = dims[p]
	}
	return out
}

// axis returns where an axis of the file's order lies in memory.
func (v *value) axis(a int) int {
	if !v.last {
		return a
	}
	return slices.Index(lastPerm(len(v.dims)), a)
}

// moves reports whether a permutation changes the order of the numbers: it
// does not if the axes longer than one stay in order.
func moves(dims, perm []int) bool {
	at := -1
	for _, p := range perm {
		if dims[p] == 1 {
			continue
		}
		if p < at {
			return true
		}
		at = p
	}
	return false
}
