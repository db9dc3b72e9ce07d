package robust

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestFilters: what a filter returns is what its shares say, row by row, and the
// shares are those of the formula.
func TestFilters(t *testing.T) {
	in := input(draw(rand.New(rand.NewPCG(2, 2)), 11, 40, 2), 1)
	n := len(in.Vectors)
	d := fromOwn(in)
	for _, e := range Filters() {
		vectors, from := buildFilter(t, e.Name, Values{"f": 2, "s": 3, "tau": 2}).Apply(in)
		for i, v := range vectors {
			sum := 0.0
			for _, s := range from[i] {
				sum += s
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%s: the shares of vector %d sum to %v", e.Name, i, sum)
			}
			for j, x := range v {
				want := 0.0
				for k, s := range from[i] {
					want += s * float64(in.Vectors[k][j])
				}
				if math.Abs(float64(x)-want) > 1e-4 {
					t.Fatalf("%s: vector %d, coordinate %d is %v, want %v", e.Name, i, j, x, want)
				}
			}
		}
		switch e.Name {
		case "nnm":
			for i := range vectors {
				var far []float64
				for _, v := range in.Vectors {
					far = append(far, distance(v, in.Vectors[i]))
				}
				for rank, k := range sortBy(far) {
					if want := rank < n-2; (from[i][k] > 0) != want {
						t.Errorf("nnm: vector %d and its neighbour of rank %d", i, rank)
					}
				}
			}
		case "bucketing":
			if len(vectors) != 4 || from[0][0] == 0 {
				t.Errorf("bucketing: %d groups, the first has %v", len(vectors), from[0])
			}
			for k := range n {
				in := 0
				for i := range vectors {
					if from[i][k] > 0 {
						in++
					}
				}
				if in != 1 {
					t.Errorf("bucketing: vector %d is in %d groups", k, in)
				}
			}
		case "clipping":
			for i, v := range vectors {
				if got, want := distance(v, in.Vectors[0]), min(2, d[i]); math.Abs(got-want) > 1e-4 {
					t.Errorf("clipping: vector %d is at %v, want %v", i, got, want)
				}
			}
		case "arc": // floor(2·2·9/11) = 3 are clipped
			sorted := slices.Sorted(slices.Values(d))
			for i, v := range vectors {
				if got, want := distance(v, in.Vectors[0]), min(sorted[n-4], d[i]); math.Abs(got-want) > 1e-3 {
					t.Errorf("arc: vector %d is at %v, want %v", i, got, want)
				}
			}
		}
	}
}

// TestSignGuard: eight honest differences with mostly positive signs, two liars
// with the opposite ones and an ordinary length, one with a huge one.
func TestSignGuard(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	own := make([]float32, 200)
	vectors := [][]float32{own}
	for i := range 11 {
		v := make([]float32, len(own))
		for j := range v {
			v[j] = rng.Float32() - .2
			switch {
			case i == 8:
				v[j] *= 1000
			case i > 8:
				v[j] = -v[j]
			}
		}
		vectors = append(vectors, v)
	}
	dst := make([]float32, len(own))
	got := build(t, "signguard", 1, Values{"sample": 1}).Aggregate(dst, input(vectors, 1))
	for i, share := range got[1:] {
		if honest := i < 8; (share > 0) != honest {
			t.Errorf("difference %d has the share %v", i, share)
		}
	}
	var lengths []float64
	for _, v := range vectors[1:] {
		lengths = append(lengths, distance(v, own))
	}
	middle := slices.Sorted(slices.Values(lengths))[5]
	for j, x := range dst {
		want := 0.0
		for i := range 8 {
			want += float64(vectors[i+1][j]) * min(1, middle/lengths[i]) / 8
		}
		if math.Abs(float64(x)-want) > 1e-4 {
			t.Fatalf("coordinate %d is %v, want %v", j, x, want)
		}
	}
}

// TestDnCDraws: on few coordinates of many, liars that are far out in all of
// them are left out.
func TestDnCDraws(t *testing.T) {
	vectors := draw(rand.New(rand.NewPCG(1, 4)), 11, 5000, 2)
	got := build(t, "dnc", 1, Values{"f": 2, "sample": 100}).Aggregate(make([]float32, 5000), input(vectors, 1))
	if got[9] != 0 || got[10] != 0 {
		t.Errorf("the liars have the shares %v", got[9:])
	}
}
