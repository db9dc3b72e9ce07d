package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// clusters returns n samples of every class around its own centre. The
// numbers are made of integers, so that they are the same everywhere.
func clusters(seed uint64, classes, n, width int) learner.Samples {
	var s learner.Samples
	noise := rand.New(rand.NewPCG(seed, 0))
	for c := range classes {
		centre := rand.New(rand.NewPCG(99, uint64(c)))
		middle := make([]int, width)
		for j := range middle {
			middle[j] = centre.IntN(256) - 128
		}
		for range n {
			s.Labels = append(s.Labels, c)
			for _, m := range middle {
				s.Features = append(s.Features, float32(m+noise.IntN(200)-100)/128)
			}
		}
	}
	return s
}

// small returns an experiment that takes a moment: 8 honest peers, 2 liars.
func small(t testing.TB, rule string) Experiment {
	t.Helper()
	const classes, width = 6, 48
	spec, err := aggregation.Defaults(rule)
	if err != nil {
		t.Fatal(err)
	}
	m := &federation.Manifest{
		Name:     "small",
		Backbone: federation.BackboneSpec{SHA256: federation.Hash{1}, Features: width, Input: [3]int{1, 28, 28}, Prepare: federation.PrepareCentre, RawRMS: 1, RMS: 1},
		Rule:     spec,
		Training: federation.TrainingSpec{LearningRate: 1e-3, L2: 5e-3, Batch: 5, Steps: 1, Probe: 10},
		Wire:     federation.WireSpec{Rows: federation.RowsInt8, MaxPeers: 64},
	}
	for c := range classes {
		m.Classes = append(m.Classes, fmt.Sprint(c))
	}
	m.Wire.MaxMessage = m.MaxUpdateSize()
	holds := append(Spread(8, 3, classes), Window(0, classes, classes), Window(0, classes, classes))
	hands, err := Deal(clusters(1, classes, 200, width), width, holds, 8, 6, 3)
	if err != nil {
		t.Fatal(err)
	}
	return Experiment{
		Manifest: m, Honest: hands[:8], Attackers: hands[8:], Attack: FlipAll,
		Test: clusters(2, classes, 30, width), Iterations: 12, Seed: 5, Workers: 2,
	}
}

// checksum covers every bit of every head.
func checksum(heads []federation.Head) string {
	sum := sha256.New()
	for _, h := range heads {
		for _, w := range h.Weights {
			sum.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(w)))
		}
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:8])
}

// TestOneSeedGivesOneResult holds every architecture, kernel path and number
// of workers to the same bits.
func TestOneSeedGivesOneResult(t *testing.T) {
	for rule, want := range map[string]string{
		"bristle+":      "66370381a31a27ea",
		"bristle":       "d2f2727acb0d7c2e",
		"bristle:paper": "00b5f95a2bb38248",
		"mean":          "b89d39f20ef39f50",
		"median":        "37c301d61e8ec621",
		"trimmed-mean":  "37c301d61e8ec621",
		"krum":          "d8d6b1b62aecc03b",
		"local":         "66316128ff70f545",
	} {
		t.Run(rule, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				e := small(t, rule)
				e.Workers = workers
				r, err := Run(t.Context(), e)
				if err != nil {
					t.Fatal(err)
				}
				if got := checksum(r.Heads); got != want {
					t.Errorf("%d workers: the heads have the checksum %s, want %s", workers, got, want)
				}
			}
		})
	}
	a, b := small(t, "bristle+"), small(t, "bristle+")
	b.Seed++
	ra, err := Run(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	rb, err := Run(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if checksum(ra.Heads) == checksum(rb.Heads) {
		t.Error("another seed gives the same heads")
	}
}

func TestRunReports(t *testing.T) {
	e := small(t, "bristle+")
	e.Every = 5
	r, err := Run(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{5, 10, 12}; !slices.Equal(r.Evaluated, want) || len(r.Curve) != 3 {
		t.Errorf("evaluated after %v: %v", r.Evaluated, r.Curve)
	}
	if len(r.Accuracy) != 8 || len(r.Heads) != 8 {
		t.Errorf("%d accuracies, %d heads", len(r.Accuracy), len(r.Heads))
	}
	if r.UpdateBytes < 3*(48+4) || r.UpdateBytes > 3*(48+4)+120 {
		t.Errorf("an update of three int8 rows of 48 has %v bytes", r.UpdateBytes)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, e); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled run says %v", err)
	}
	if _, err := WithRule(e, "no such rule"); err == nil {
		t.Error("an unknown rule was taken")
	}
}

func TestFlipAll(t *testing.T) {
	s := learner.Samples{Labels: []int{0, 1, 9}}
	if got := FlipAll.Relabel(s, 10).Labels; !slices.Equal(got, []int{9, 0, 8}) {
		t.Errorf("images of class c+1 are labelled c; got %v", got)
	}
	if !slices.Equal(s.Labels, []int{0, 1, 9}) {
		t.Error("the true labels were changed")
	}
}

// TestForeignPermute: the victim's own classes keep their rows, every other
// class gets that of a different one, and none is lost.
func TestForeignPermute(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.IntRange(2, 12).Draw(t, "classes")
		start, m := rapid.IntRange(0, 11).Draw(t, "start"), rapid.IntRange(0, classes).Draw(t, "m")
		seed := rapid.Uint64().Draw(t, "seed")
		familiar := Window(start%classes, m, classes)
		h := federation.NewHead(classes, 3)
		for i := range h.Weights {
			h.Weights[i] = float32(i / 3)
		}
		u := &federation.Update{Rows: h.Select(Window(0, classes, classes))}
		again := &federation.Update{Rows: h.Select(Window(0, classes, classes))}
		ForeignPermute.Forge(u, familiar, rand.New(rand.NewPCG(seed, 0)))
		ForeignPermute.Forge(again, familiar, rand.New(rand.NewPCG(seed, 0)))
		if !slices.Equal(u.Rows.Weights, again.Rows.Weights) {
			t.Fatal("two attackers disagree about one victim")
		}
		seen := map[float32]bool{}
		for c := range classes {
			w := u.Rows.Row(c)[0]
			if seen[w] {
				t.Fatalf("row %v is there twice", w)
			}
			seen[w] = true
			own := slices.Contains(familiar, c)
			if own && w != float32(c) || !own && w == float32(c) && classes-len(familiar) > 1 {
				t.Fatalf("class %d (familiar: %v) has the row of class %v", c, own, w)
			}
		}
	})
}

func TestDeal(t *testing.T) {
	pool := learner.Samples{}
	for i := range 300 {
		pool.Labels = append(pool.Labels, i%3)
		pool.Features = append(pool.Features, float32(i), float32(-i))
	}
	holds := [][]int{{0, 1}, {1, 2}, {0, 1, 2}}
	hands, err := Deal(pool, 2, holds, 7, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[float32]bool{}
	for i, h := range hands {
		for _, part := range []struct {
			learner.Samples
			each int
		}{{h.Train, 7}, {h.Probe, 4}} {
			if !slices.Equal(part.Familiar(), holds[i]) || len(part.Labels) != part.each*len(holds[i]) {
				t.Errorf("peer %d got labels %v", i, part.Labels)
			}
			for k, l := range part.Labels {
				id := part.Features[2*k]
				if seen[id] || int(id)%3 != l || part.Features[2*k+1] != -id {
					t.Errorf("sample %v: seen before is %v, label %d", id, seen[id], l)
				}
				seen[id] = true
			}
		}
	}
	again, err := Deal(pool, 2, holds, 7, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Deal(pool, 2, holds, 7, 4, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(hands[2].Train.Features, again[2].Train.Features) || slices.Equal(hands[2].Train.Features, other[2].Train.Features) {
		t.Error("the seed does not decide")
	}
	if _, err := Deal(pool, 2, holds, 40, 4, 1); err == nil {
		t.Error("more samples were dealt than there are")
	}
}

func TestWindows(t *testing.T) {
	for _, w := range []struct {
		start, m, classes int
		want              []int
	}{
		{0, 4, 10, []int{0, 1, 2, 3}},
		{8, 4, 10, []int{0, 1, 8, 9}},
		{3, 10, 10, []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}},
		{12, 2, 10, []int{2, 3}},
	} {
		if got := Window(w.start, w.m, w.classes); !slices.Equal(got, w.want) {
			t.Errorf("window of %d from %d: %v, want %v", w.m, w.start, got, w.want)
		}
	}
	covered := map[int]int{}
	for _, w := range Spread(7, 4, 10) {
		for _, c := range w {
			covered[c]++
		}
	}
	for c := range 10 {
		if covered[c] < 2 {
			t.Errorf("class %d is held by %d of seven peers", c, covered[c])
		}
	}
}
