package nn

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestIntegers holds every operator between bytes, unsigned and signed,
// against float64: the result is at most one step of its scale away, and has
// the same bits with any number of workers and in any batch.
func TestIntegers(t *testing.T) {
	for _, c := range quantizedCases() {
		t.Run(c.name, func(t *testing.T) {
			for _, sign := range []bool{false, true} {
				for _, batch := range []int{1, 3} {
					g, in := c.graph(rand.New(rand.NewPCG(3, 4)), sign, batch)
					x := normal(rand.New(rand.NewPCG(5, 6)), graph.Size(in))
					want := runSlowly(t, g, in, x)
					var first []float32
					for _, workers := range []int{1, 3} {
						p, err := Compile(g, in, Options{Workers: workers})
						if err != nil {
							t.Fatal(err)
						}
						if workers == 1 {
							inIntegers(t, p, c)
						}
						got := p.Forward(x)
						if workers == 1 {
							first = slices.Clone(got)
							near(t, got, want, c.out)
						}
						if !slices.Equal(got, first) || !slices.Equal(p.Forward(x), first) {
							t.Errorf("%d workers give other bits, or the second pass does", workers)
						}
					}
					if batch == 3 {
						alone(t, c, sign, x, first)
					}
				}
			}
		})
	}
}

// near fails unless all numbers are within a step of their scale, or equal
// but for rounding where there is none.
func near(t *testing.T, got []float32, want []float64, step float32) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, want %d", len(got), len(want))
	}
	tolerance := 1.001 * float64(step)
	if step == 0 {
		tolerance = 5e-4 // of a bias that is rounded to a step of the sums
	}
	for i, v := range got {
		if !(math.Abs(float64(v)-want[i]) <= tolerance) {
			t.Fatalf("number %d of %d is %v, want %v within %v", i, len(got), v, want[i], tolerance)
		}
	}
}

// alone runs the samples of a batch one by one.
func alone(t *testing.T, c quantizedCase, sign bool, x, want []float32) {
	g, in := c.graph(rand.New(rand.NewPCG(3, 4)), sign, 1)
	p, err := Compile(g, in, Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	n, m := len(x)/3, len(want)/3
	for i := range 3 {
		if !slices.Equal(p.Forward(x[i*n:(i+1)*n]), want[i*m:(i+1)*m]) {
			t.Errorf("sample %d has other bits when it is alone", i)
		}
	}
}

// inIntegers fails if a program computes in numbers between its first and its
// last step, where it could in bytes.
func inIntegers(t *testing.T, p *Program, c quantizedCase) {
	t.Helper()
	if c.out == 0 || c.name == "read by several" || len(p.steps) == 0 {
		return
	}
	for _, s := range p.steps[:len(p.steps)-1] {
		if !s.out.isBytes {
			t.Errorf("the step %s of %s computes in numbers", s.kind, s.node)
		}
	}
}
