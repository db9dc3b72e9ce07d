package main

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/quant"
)

func TestChooseScaling(t *testing.T) {
	for _, c := range []struct {
		name, mean, std string
		metadata        map[string]string
		want            scaling
	}{
		{"nothing is said", "", "", nil, plain},
		{"by flags", ".485,.456,.406", ".229,.224,.225", nil, scaling{[]float32{.485, .456, .406}, []float32{.229, .224, .225}}},
		{"one number", "0.5", ".5", nil, scaling{[]float32{.5}, []float32{.5}}},
		{"by the file", "", "", map[string]string{quant.MetadataMean: "0.1, 0.2, 0.3", quant.MetadataStd: "1"}, scaling{[]float32{.1, .2, .3}, []float32{1}}},
		{"flags win", "0", "", map[string]string{quant.MetadataMean: "0.1", quant.MetadataStd: "2"}, scaling{[]float32{0}, []float32{2}}},
	} {
		got, err := chooseScaling(c.mean, c.std, c.metadata, 3)
		if err != nil || !slices.Equal(got.mean, c.want.mean) || !slices.Equal(got.std, c.want.std) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
	}
	for _, c := range []struct {
		mean, std string
		metadata  map[string]string
	}{
		{".1,.2", "", nil},
		{"a", "", nil},
		{"", "0", nil},
		{"", "-1", nil},
		{"NaN", "", nil},
		{"", "Inf", nil},
		{"", "", map[string]string{quant.MetadataStd: "0,0,0"}},
		{"", "", map[string]string{quant.MetadataMean: "1,2,3,4"}},
	} {
		if got, err := chooseScaling(c.mean, c.std, c.metadata, 3); err == nil {
			t.Errorf("%+v was read as %v", c, got)
		}
	}
}

func TestScalingIsReadAsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{1, 3}).Draw(t, "numbers")
		s := scaling{
			rapid.SliceOfN(rapid.Float32Range(-300, 300), n, n).Draw(t, "mean"),
			rapid.SliceOfN(rapid.Float32Range(1e-3, 300), n, n).Draw(t, "std"),
		}
		metadata := map[string]string{}
		s.note(metadata)
		got, err := chooseScaling("", "", metadata, 3)
		if err != nil || !slices.Equal(got.mean, s.mean) || !slices.Equal(got.std, s.std) {
			t.Fatalf("%v became %v, %v", s, got, err)
		}
	})
}

func TestScalingApply(t *testing.T) {
	s := scaling{[]float32{.5, 0, 1}, []float32{.5, 2, 1}}
	shape := [3]int{3, 1, 2}
	pixels := []uint8{0, 255, 51, 102, 255, 0, 255, 0, 0, 0, 0, 0}
	want := []float32{-1, 1, .1, .2, 0, -1, 1, -1, 0, 0, -1, -1}
	got := make([]float32, len(pixels))
	s.apply(got, pixels, shape)
	for i := range want {
		if math.Abs(float64(got[i]-want[i])) > 1e-6 {
			t.Fatalf("%v, want %v", got, want)
		}
	}
}
