package f32

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// permuteOf is the definition of Permute.
func permuteOf(src []float32, dims, perm []int) []float32 {
	dst := make([]float32, 0, len(src))
	strides := make([]int, len(dims))
	stride := 1
	for i := len(dims) - 1; i >= 0; i-- {
		strides[i] = stride
		stride *= dims[i]
	}
	var visit func(axis, at int)
	visit = func(axis, at int) {
		if axis == len(perm) {
			dst = append(dst, src[at])
			return
		}
		for i := range dims[perm[axis]] {
			visit(axis+1, at+i*strides[perm[axis]])
		}
	}
	visit(0, 0)
	return dst
}

func counted(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i)
	}
	return x
}

func mustPermute(t rapid.TB, dims, perm []int) {
	n := 1
	for _, d := range dims {
		n *= d
	}
	src, dst := counted(n), make([]float32, n)
	want := permuteOf(src, dims, perm)
	for _, on := range cpu.Available() {
		clear(dst)
		permuteOn(on, dst, src, dims, perm)
		mustBeSame(t, fmt.Sprintf("Permute of %v by %v", dims, perm), on, dst, want)
	}
}

func TestPermute(t *testing.T) {
	for _, test := range []struct{ dims, perm []int }{
		{nil, nil},
		{[]int{5}, []int{0}},
		{[]int{0, 4}, []int{1, 0}},
		{[]int{2, 3, 70, 65}, []int{0, 2, 3, 1}},
		{[]int{2, 70, 65, 3}, []int{0, 3, 1, 2}},
		{[]int{130, 67}, []int{1, 0}},
		{[]int{2, 7, 3, 4, 8}, []int{2, 0, 3, 1, 4}},
		{[]int{2, 7, 12, 8}, []int{0, 2, 3, 1}},
		{[]int{2, 3, 4, 5, 6}, []int{4, 3, 2, 1, 0}},
		{[]int{1, 2, 1, 3, 1, 4, 1, 2}, []int{7, 6, 5, 4, 3, 2, 1, 0}},
	} {
		mustPermute(t, test.dims, test.perm)
	}
	rapid.Check(t, func(t *rapid.T) {
		axes := rapid.IntRange(1, maxAxes).Draw(t, "axes")
		most := []int{0, 300, 60, 20, 9, 6, 4, 3, 3}[axes]
		dims, perm := make([]int, axes), make([]int, axes)
		for i := range dims {
			dims[i], perm[i] = rapid.IntRange(1, most).Draw(t, "extent"), i
		}
		mustPermute(t, dims, rapid.Permutation(perm).Draw(t, "perm"))
	})
}

func TestPermutePanics(t *testing.T) {
	x := make([]float32, 6)
	for name, call := range map[string]func(){
		"short source":      func() { Permute(x, x[1:], []int{2, 3}, []int{1, 0}) },
		"short destination": func() { Permute(x[1:], x, []int{2, 3}, []int{1, 0}) },
		"twice":             func() { Permute(x, x, []int{2, 3}, []int{1, 1}) },
		"beyond":            func() { Permute(x, x, []int{2, 3}, []int{0, 2}) },
		"other length":      func() { Permute(x, x, []int{2, 3}, []int{0}) },
		"negative":          func() { Permute(x, x, []int{-2, -3}, []int{1, 0}) },
		"too many":          func() { Permute(x, x, make([]int, 9), make([]int, 9)) },
	} {
		mustPanic(t, name, call)
	}
}
