package robust

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The vectors of ByzFL's documentation, on which every rule can be worked out by
// hand: three points in a row at equal distances.
var three = [][]float32{{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}

func TestWorkedExamples(t *testing.T) {
	for name, want := range map[string][]float32{
		"mean":              {4, 5, 6},
		"median":            {4, 5, 6},
		"trimmed-mean":      {4, 5, 6},
		"meamed":            {2.5, 3.5, 4.5}, // of two as near, the lesser
		"krum:byzfl":        {1, 2, 3},       // all have a neighbour at the same distance: the first
		"krum:medoid":       {4, 5, 6},
		"geometric-median":  {4, 5, 6},
		"mda":               {2.5, 3.5, 4.5},
		"smea":              {2.5, 3.5, 4.5},
		"caf":               {4, 5, 6},
		"monna":             {2.5, 3.5, 4.5},
		"centered-clipping": {1 + 2/3./float32(math.Sqrt(3)), 2 + 2/3./float32(math.Sqrt(3)), 3 + 2/3./float32(math.Sqrt(3))}, // two steps of length 1/3 along (1,1,1)/√3
	} {
		dst := make([]float32, 3)
		build(t, name, 1, Values{"f": 1}).Aggregate(dst, input(three, 1))
		for j := range dst {
			if math.Abs(float64(dst[j]-want[j])) > 1e-5 {
				t.Errorf("%s is %v, want %v", name, dst, want)
				break
			}
		}
	}
}

// TestGoldenBits holds every architecture, kernel path and number of workers to
// the same bits.
func TestGoldenBits(t *testing.T) {
	var all []string
	for _, e := range Rules() {
		var first string
		for workers := 1; workers <= 3; workers++ {
			sum := sha256.New()
			rule := build(t, e.Name, workers, Values{"f": 2, "sample": min(complete(t, e.Info, nil)["sample"], 500)})
			for round := range uint64(3) {
				in := input(draw(rand.New(rand.NewPCG(round, 9)), 12, 2*chunk+77, 2), round)
				dst := make([]float32, 2*chunk+77)
				for _, share := range rule.Aggregate(dst, in) {
					sum.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(share)))
				}
				for _, x := range dst {
					sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
				}
			}
			got := fmt.Sprintf("%x", sum.Sum(nil)[:6])
			if first == "" {
				first = got
			}
			if got != first {
				t.Errorf("%s: %d workers give %s, one gives %s", e.Name, workers, got, first)
			}
		}
		all = append(all, e.Name+" "+first)
	}
	for _, e := range Filters() {
		sum := sha256.New()
		vectors, _ := buildFilter(t, e.Name, Values{"f": 2}).Apply(input(draw(rand.New(rand.NewPCG(3, 9)), 12, 500, 2), 1))
		for _, v := range vectors {
			for _, x := range v {
				sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(x)))
			}
		}
		all = append(all, fmt.Sprintf("%s %x", e.Name, sum.Sum(nil)[:6]))
	}
	if !slices.Equal(all, golden) {
		t.Errorf("got\n%q", all)
	}
}

// TestLiarsFarAway: what lies far away has no say under a rule that promises
// so: the result is within the range of the honest, and so it is when the liars go
// ten times as far.
func TestLiarsFarAway(t *testing.T) {
	withstand := []string{
		"median", "trimmed-mean", "meamed", "krum", "krum:byzfl", "krum:flower", "krum:medoid", "krum:bristle-author", "multi-krum",
		"bulyan", "mda", "smea", "monna", "mozi", "ubar", "balance", "wfagg", "dnc", "signguard",
	}
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.IntRange(0, 2).Draw(t, "f")
		n := 4*f + 3 + rapid.IntRange(0, 3).Draw(t, "more")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		vectors := draw(rng, n, 20, 0)
		for i := n - f; i < n; i++ {
			for j := range vectors[i] {
				vectors[i][j] = 1000*rng.Float32() + 500
			}
		}
		for _, name := range withstand {
			for _, e := range Rules() {
				if e.Name != name {
					continue
				}
				v := Values{}
				for _, c := range e.Constants {
					v[c.Name] = c.Default
				}
				v["f"] = float64(f)
				rule := e.New(v, 1)
				if rule.Least() > n {
					continue
				}
				dst := make([]float32, 20)
				rule.Aggregate(dst, input(vectors, 1))
				for j, x := range dst {
					low, high := float32(math.Inf(1)), float32(math.Inf(-1))
					for _, h := range vectors[:n-f] {
						low, high = min(low, h[j]), max(high, h[j])
					}
					if x < low-1e-4 || x > high+1e-4 {
						t.Fatalf("%s with %d of %d liars: coordinate %d is %v, the honest are in [%v, %v]", name, f, n, j, x, low, high)
					}
				}
			}
		}
	})
}

// TestOrderOfOthers: under rules that draw nothing, the others may come in any
// order.
func TestOrderOfOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		vectors := draw(rng, 12, 30, 2) // an odd number of others: two clusters are never equally large
		other := slices.Clone(vectors)
		rng.Shuffle(11, func(i, j int) { other[i+1], other[j+1] = other[j+1], other[i+1] })
		for _, e := range Rules() {
			if e.Name == "bulyan" || e.Name == "signguard" {
				continue // clusters, and two that are each other's nearest, may tie
			}
			v := Values{}
			for _, c := range e.Constants {
				v[c.Name] = c.Default
			}
			v["f"] = 2
			a, b := make([]float32, 30), make([]float32, 30)
			e.New(v, 1).Aggregate(a, input(vectors, 1))
			e.New(v, 1).Aggregate(b, input(other, 1))
			for j := range a {
				if math.Abs(float64(a[j]-b[j])) > 1e-3 {
					t.Fatalf("%s: coordinate %d is %v in one order and %v in another", e.Name, j, a[j], b[j])
				}
			}
		}
	})
}

func TestContributions(t *testing.T) {
	for _, e := range Rules() {
		rule := build(t, e.Name, 1, Values{"f": 2})
		got := rule.Aggregate(make([]float32, 30), input(draw(rand.New(rand.NewPCG(1, 1)), 11, 30, 2), 1))
		if len(got) != 11 || slices.Min(got) < 0 || slices.Max(got) == 0 {
			t.Errorf("%s says that the vectors contributed %v", e.Name, got)
		}
		if l, ok := rule.(Limited); ok && (l.Most() < 12 || l.Most() > 1000) {
			t.Errorf("%s takes %d vectors at most", e.Name, l.Most())
		}
	}
}

// TestExtremes: vectors that are all the same, of one coordinate, or huge give
// finite results.
func TestExtremes(t *testing.T) {
	same := make([][]float32, 11)
	huge := make([][]float32, 11)
	zero := make([][]float32, 11)
	for i := range same {
		same[i], zero[i] = []float32{3, -1}, []float32{0, 0}
		huge[i] = []float32{1e17 * float32(i%3-1), 1e17}
	}
	for _, e := range Rules() {
		for name, vectors := range map[string][][]float32{"same": same, "huge": huge, "zero": zero} {
			rule := build(t, e.Name, 1, Values{"f": 2})
			dst := make([]float32, 2)
			for _, c := range rule.Aggregate(dst, input(vectors, 1)) {
				if c != c || c < 0 {
					t.Errorf("%s of vectors that are %s: contribution %v", e.Name, name, c)
				}
			}
			for j, x := range dst {
				if x-x != 0 || name != "huge" && math.Abs(float64(x-vectors[0][j])) > 1e-5 {
					t.Errorf("%s of vectors that are %s is %v", e.Name, name, dst)
				}
			}
		}
	}
	for _, e := range Filters() {
		vectors, _ := buildFilter(t, e.Name, Values{"f": 2}).Apply(input(huge, 1))
		for _, v := range vectors {
			if v[0]-v[0] != 0 {
				t.Errorf("%s makes %v", e.Name, v)
			}
		}
	}
}

func TestNoAllocations(t *testing.T) {
	in := input(draw(rand.New(rand.NewPCG(1, 1)), 20, 3000, 4), 1)
	small := in
	small.Vectors = in.Vectors[:19]
	dst := make([]float32, 3000)
	for _, e := range Rules() {
		if e.Name == "smea" {
			continue // takes seconds
		}
		rule := build(t, e.Name, 1, nil)
		if rule.Least() > 19 {
			rule = build(t, e.Name, 1, Values{"f": 2})
		}
		sorts := e.Name == "median" || e.Name == "wfagg" // their networks change with n
		for _, w := range []Input{in, small} {
			rule.Aggregate(dst, w)
			if sorts && len(w.Vectors) == 19 {
				continue
			}
			if n := testing.AllocsPerRun(3, func() { rule.Aggregate(dst, w) }); n > 0 {
				t.Errorf("%s allocates %v times", e.Name, n)
			}
		}
	}
}
