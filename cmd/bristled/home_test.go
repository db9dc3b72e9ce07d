package main

import (
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/data"
)

// TestRelabel: the labels of an IDX set go by the classes' names, not by
// their places, where a federation has such names.
func TestRelabel(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes []string
		want    []int // nil: refused
	}{
		{"the same order", []string{"0", "1", "2"}, []int{0, 1, 2}},
		{"another order", []string{"2", "1", "0"}, []int{2, 1, 0}},
		{"more classes", []string{"x", "0", "y", "2", "1"}, []int{1, 4, 3}},
		{"names without numbers", []string{"cat", "dog", "cow", "hen"}, []int{0, 1, 2}},
		{"a number is missing", []string{"0", "1", "3"}, nil},
		{"too few classes", []string{"cat", "dog"}, nil},
	} {
		set := data.Set{Classes: []string{"0", "1", "2"}, Samples: []data.Sample{{Label: 0}, {Label: 1}, {Label: 2}}}
		err := relabel(&set, c.classes)
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: taken", c.name)
			}
			continue
		}
		var got []int
		for _, s := range set.Samples {
			got = append(got, s.Label)
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: labels %v, %v, want %v", c.name, got, err, c.want)
		}
	}
}
