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

	"github.com/bristle-fl/bristled/aggregation"
	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
	"github.com/bristle-fl/bristled/sim/attack"
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
	hands, err := NewDeck(Pool{Samples: clusters(1, classes, 200, width), Width: width}, 3).Deal(holds, 8, 6)
	if err != nil {
		t.Fatal(err)
	}
	return Experiment{
		Manifest: m, Honest: hands[:8], Liars: hands[8:], Attack: attack.Named("flip-all", 5),
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
		"krum:byzfl":    "3513708b3b42461b",
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

// TestIdle: where too few heads, or too many, reach a rule, it never runs.
func TestIdle(t *testing.T) {
	for _, c := range []struct {
		rule     string
		topology Topology
		want     float64
	}{
		{"krum(f=1)", Hops(8), 1}, // needs five heads
		{"krum(f=1)", All(), 0},
		{"bristle+", Hops(8), 0},
		{"local", All(), 0}, // wants none
	} {
		spec, err := aggregation.Parse(c.rule)
		if err != nil {
			t.Fatal(err)
		}
		for _, workers := range []int{1, 3} {
			e, err := WithRule(small(t, "mean"), spec.Name)
			if err != nil {
				t.Fatal(err)
			}
			e.Manifest.Rule = spec
			e.Liars, e.Topology, e.MaxAge, e.Workers = nil, c.topology, 1, workers
			r, err := Run(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			if r.Idle != c.want {
				t.Errorf("%s, %d workers: idle %v, want %v", c.rule, workers, r.Idle, c.want)
			}
		}
	}
	many, err := WithRule(crowd(t), "smea")
	if err != nil {
		t.Fatal(err)
	}
	many.Manifest.Rule.Constants["f"] = 4 // takes 48 heads
	many.Liars, many.Iterations = nil, 3
	if r, err := Run(t.Context(), many); err != nil || r.Idle != 1 {
		t.Errorf("smea(f=4) with 70 heads: idle %v, %v", r.Idle, err)
	}
	// Who hears nobody has no rule that could run.
	e := small(t, "krum")
	e.Link.Loss = 1
	if r, err := Run(t.Context(), e); err != nil || r.Idle != 0 {
		t.Errorf("on a dead link: idle %v, %v", r.Idle, err)
	}
}

// TestSentBytes: updates go to all targets in every round, sets of prototypes in
// the first.
func TestSentBytes(t *testing.T) {
	for _, prototypes := range []bool{false, true} {
		e := small(t, "bristle+")
		e.Topology = Ring(8)
		e.Manifest.Prototypes = federation.PrototypeSpec{Use: prototypes, Least: 2}
		r, err := Run(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		want := 2 * r.UpdateBytes
		w, err := newWorld(e)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range w.honest {
			if set := m.Prototypes(); set != nil {
				b, err := set.Encode(e.Manifest)
				if err != nil {
					t.Fatal(err)
				}
				want += 2 * float64(len(b)) / 12 / 8
			}
		}
		if math.Abs(r.SentBytes-want) > 1e-6 || prototypes != (want > 2*r.UpdateBytes+3*48/6) {
			t.Errorf("with prototypes %v a peer sends %v bytes in a round, want %v; an update has %v", prototypes, r.SentBytes, want, r.UpdateBytes)
		}
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
