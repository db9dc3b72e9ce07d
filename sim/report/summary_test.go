package report

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSummaryByHand(t *testing.T) {
	a, b, other := small("a", 1), small("b", 2), small("c", 1)
	a.Mean, a.Accuracy, a.BytesPerPeerRound = []float64{.88, .9}, []float64{.8, 1}, 100    // mean .9
	b.Mean, b.Accuracy, b.BytesPerPeerRound = []float64{.94, .7}, []float64{.75, .65}, 300 // mean .7
	a.Idle = .5
	a.Labels = map[string]string{"m": "5", "rule": "mean", "attack": "none", "seed": "1"}
	b.Labels = map[string]string{"m": "5", "rule": "mean", "attack": "none", "seed": "2"}
	other.Labels = map[string]string{"m": "1"}
	rows, err := Summary([]Cell{a, other, b})
	if err != nil {
		t.Fatal(err)
	}
	want := []Row{
		{
			Labels: map[string]string{"m": "5"}, Rule: "mean", Attack: "none", Honest: 2, Liars: 1,
			Mean: .8, SD: math.Sqrt(.02), // deviations of .1 each, over one degree of freedom
			Worst: .65, Seeds: 2, BytesPerPeerRound: 200,
			Idle:           .25,
			IterationsTo90: 10, // (.88+.94)/2 is .91; only one of the seeds is there
		},
		{
			Labels: map[string]string{"m": "1"}, Rule: "mean", Attack: "none", Honest: 2, Liars: 1,
			Mean: .7, Worst: .6, Seeds: 1, BytesPerPeerRound: 1000,
		},
	}
	near := cmp.Comparer(func(x, y float64) bool { return math.Abs(x-y) < 1e-12 })
	if d := cmp.Diff(want, rows, near); d != "" {
		t.Error(d)
	}
}

func TestSummaryOfNothing(t *testing.T) {
	rows, err := Summary(nil)
	if err != nil || len(rows) != 0 {
		t.Errorf("got %v, %v", rows, err)
	}
}

func TestSeedsThatDoNotFitAreRefused(t *testing.T) {
	a, b := small("a", 1), small("b", 1)
	if _, err := Summary([]Cell{a, b}); !errors.Is(err, ErrCell) {
		t.Error("seed given twice:", err)
	}
	b.Seed, b.Iterations = 2, []int{10, 30}
	if _, err := Summary([]Cell{a, b}); !errors.Is(err, ErrCell) {
		t.Error("other iterations:", err)
	}
	b.Labels = map[string]string{"m": "6"}
	if _, err := Summary([]Cell{a, b}); err != nil {
		t.Error("other iterations in another row:", err)
	}
}

// TestStudentT compares with the distribution itself, integrated numerically.
func TestStudentT(t *testing.T) {
	for _, freedom := range []int{1, 2, 3, 5, 10, 29, 30, 31, 40, 60, 120, 1000} {
		v := float64(freedom)
		top, _ := math.Lgamma((v + 1) / 2)
		bottom, _ := math.Lgamma(v / 2)
		scale := math.Exp(top-bottom) / math.Sqrt(v*math.Pi)
		density := func(x float64) float64 { return scale * math.Pow(1+x*x/v, -(v+1)/2) }
		const steps = 4000 // Simpson's rule from 0 to the quantile
		q := studentT(freedom)
		h := q / steps
		sum := density(0) + density(q)
		for i := 1; i < steps; i++ {
			sum += density(float64(i)*h) * float64(2+2*(i%2))
		}
		if got := sum * h / 3; math.Abs(got-.475) > 3e-6 {
			t.Errorf("t(%d) = %.4f leaves %.6f on one side of 0, want .475", freedom, q, got)
		}
	}
}

func TestBandByHand(t *testing.T) {
	// s = .1, so the half-width is 4.3027 * .1 / sqrt(3).
	if got := halfWidth([]float64{.5, .6, .7}); math.Abs(got-.24841) > 1e-5 {
		t.Errorf("got %v", got)
	}
}

// TestSummaryProperties holds for any results.
func TestSummaryProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cells := drawCells(t)
		rows, err := Summary(cells)
		if err != nil {
			t.Fatal(err)
		}
		seeds := 0
		for _, r := range rows {
			seeds += r.Seeds
			if r.Worst > r.Mean+1e-12 || r.SD < 0 || r.Seeds == 1 && r.SD != 0 {
				t.Fatalf("impossible row %+v", r)
			}
		}
		if seeds != len(cells) {
			t.Fatalf("%d cells went into the rows, want %d", seeds, len(cells))
		}
	})
}

// drawCells draws possible cells with hostile names.
func drawCells(t *rapid.T) []Cell {
	name := rapid.OneOf(
		rapid.SampledFrom([]string{"", "seed", "mean", "a,b\"c\nd", "<script>alert(1)</script>", "]]>", "&amp;", "\x00\x1b", "\xff", "–µ"}),
		rapid.StringN(0, 6, 20),
	)
	fraction := rapid.Float64Range(0, 1)
	n := rapid.IntRange(0, 8).Draw(t, "cells")
	points := rapid.IntRange(0, 4).Draw(t, "points")
	cells := make([]Cell, n)
	for i := range cells {
		c := &cells[i]
		c.Key = string(rune('a' + i))
		c.Rule = "r" + name.Draw(t, "rule")
		c.Attack = name.Draw(t, "attack")
		c.Labels = rapid.MapOfN(name, name, 0, 3).Draw(t, "labels")
		c.Seed = 1<<63 + uint64(i)
		c.Honest = rapid.IntRange(1, 5).Draw(t, "honest")
		c.Liars = rapid.IntRange(0, 1000).Draw(t, "liars")
		for p := range points {
			c.Iterations = append(c.Iterations, 7*p)
			c.Mean = append(c.Mean, fraction.Draw(t, "mean"))
			c.Worst = append(c.Worst, fraction.Draw(t, "worst"))
			c.SD = append(c.SD, fraction.Draw(t, "sd"))
		}
		c.Accuracy = rapid.SliceOfN(fraction, 1, 5).Draw(t, "accuracy")
		c.BytesPerPeerRound = rapid.Float64Range(0, 1e12).Draw(t, "bytes")
		c.IterationsTo90 = rapid.IntRange(0, 300).Draw(t, "to 90")
	}
	return cells
}

func TestIdleNote(t *testing.T) {
	for idle, want := range map[float64]string{
		0: "", .001: "idle in less than 1% of rounds", .25: "idle in 25% of rounds", 1: "idle in 100% of rounds",
	} {
		if got := (Row{Idle: idle}).IdleNote(); got != want {
			t.Errorf("%v: %q, want %q", idle, got, want)
		}
	}
}
