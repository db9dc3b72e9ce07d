package learner

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
)

// slowF1 counts from the definition.
func slowF1(h federation.Head, s Samples, class int) float64 {
	var tp, fp, fn float64
	for i, truth := range s.Labels {
		best, top := 0, math.Inf(-1)
		for c := range h.Classes {
			var z float64
			for j, w := range h.Row(c) {
				z += float64(w) * float64(s.Features[i*h.Features+j])
			}
			if z > top {
				best, top = c, z
			}
		}
		switch {
		case best == class && truth == class:
			tp++
		case best == class:
			fp++
		case truth == class:
			fn++
		}
	}
	if tp+fp+fn == 0 {
		return 0
	}
	return 2 * tp / (2*tp + fp + fn)
}

// TestAccuraciesTogether: judged together, heads get what each gets alone.
func TestAccuraciesTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		classes, width := 2+rng.IntN(9), 1+rng.IntN(60)
		probe := NewProbe(clusters(rng.Uint64(), rng.Perm(classes), 1+rng.IntN(20), width), width)
		heads := make([]federation.Head, rng.IntN(7))
		want, got := make([]float64, len(heads)), make([]float64, len(heads))
		for i := range heads {
			heads[i] = federation.NewHead(classes, width)
			for k := range heads[i].Weights {
				heads[i].Weights[k] = float32(rng.NormFloat64())
			}
			want[i] = probe.Scores(heads[i]).Accuracy
		}
		if probe.Accuracies(heads, got); !slices.Equal(got, want) {
			t.Errorf("together %v, alone %v", got, want)
		}
	})
}

func TestF1OfPluggedRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		classes, width := 2+rng.IntN(9), 1+rng.IntN(60)
		s := clusters(rng.Uint64(), rng.Perm(classes)[:1+rng.IntN(classes)], 1+rng.IntN(6), width)
		random := func() federation.Head {
			h := federation.NewHead(classes, width)
			for i := range h.Weights {
				h.Weights[i] = float32(rng.NormFloat64())
			}
			return h
		}
		base := random()
		var candidates []federation.Rows
		var plugged []federation.Head
		for range 1 + rng.IntN(4) {
			rows := rng.Perm(classes)[:rng.IntN(classes+1)]
			slices.Sort(rows)
			r := random().Select(rows)
			h := base.Clone()
			for i, c := range rows {
				copy(h.Row(c), r.Row(i))
			}
			candidates, plugged = append(candidates, r), append(plugged, h)
		}
		out := make([][]float64, len(candidates))
		for i := range out {
			out[i] = make([]float64, classes)
		}
		p := NewProbe(s, width)
		p.F1(base, candidates, out)
		for i, h := range plugged {
			scores := p.Scores(h)
			for c := range classes {
				want := slowF1(h, s, c)
				if math.Abs(out[i][c]-want) > 1e-12 || math.Abs(scores.F1[c]-want) > 1e-12 {
					t.Fatalf("candidate %d, class %d: F1 %v and %v, want %v", i, c, out[i][c], scores.F1[c], want)
				}
			}
		}
	})
}

// TestScoresByHand compares with numbers counted on paper: the head is the
// identity, so that a sample's features are its logits.
func TestScoresByHand(t *testing.T) {
	a, b, c := []float32{1, 0, 0}, []float32{0, 1, 0}, []float32{0, 0, 1}
	for _, test := range []struct {
		name                  string
		labels                []int
		logits                [][]float32
		accuracy              float64
		precision, recall, f1 []float64
	}{
		{
			"some right, some wrong",
			[]int{0, 0, 0, 1, 1, 2}, [][]float32{a, a, b, b, c, c},
			4. / 6, []float64{1, .5, .5}, []float64{2. / 3, .5, 1}, []float64{.8, .5, 2. / 3},
		},
		{
			"a class without samples is guessed",
			[]int{0, 0, 1, 1}, [][]float32{a, c, b, b},
			.75, []float64{1, 1, 0}, []float64{.5, 1, 0}, []float64{2. / 3, 1, 0},
		},
		{
			"a class without samples is not guessed",
			[]int{0, 1, 1}, [][]float32{a, b, a},
			2. / 3, []float64{.5, 1, 0}, []float64{1, .5, 0}, []float64{2. / 3, 2. / 3, 0},
		},
		{
			"a class with samples is never guessed",
			[]int{0, 1, 1, 2}, [][]float32{a, a, c, c},
			.5, []float64{.5, 0, .5}, []float64{1, 0, 1}, []float64{2. / 3, 0, 2. / 3},
		},
		{
			"ties", // guesses 0, 1, 0, 0, 1
			[]int{0, 2, 1, 1, 1}, [][]float32{{1, 1, 0}, {0, 1, 1}, {0, 0, 0}, {-1, -2, -1}, {0, 2, 2}},
			.4, []float64{1. / 3, .5, 0}, []float64{1, 1. / 3, 0}, []float64{.5, .4, 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			head := federation.NewHead(3, 3)
			for c := range 3 {
				head.Row(c)[c] = 1
			}
			p := NewProbe(Samples{Features: slices.Concat(test.logits...), Labels: test.labels}, 3)
			want := Scores{test.accuracy, test.precision, test.recall, test.f1}
			if got := p.Scores(head); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v, want %+v", got, want)
			}
			f1 := [][]float64{make([]float64, 3)}
			p.F1(head, []federation.Rows{{}}, f1)
			if !slices.Equal(f1[0], test.f1) {
				t.Errorf("F1 %v, want %v", f1[0], test.f1)
			}
		})
	}
}

func TestTiesGoToTheLowestClass(t *testing.T) {
	p := NewProbe(Samples{Features: []float32{1, 1}, Labels: []int{0, 1}}, 1)
	s := p.Scores(federation.NewHead(3, 1))
	if s.Recall[0] != 1 || s.Recall[1] != 0 || s.Accuracy != 0.5 {
		t.Errorf("a head of zeros scores %+v", s)
	}
}

func TestEmptyProbe(t *testing.T) {
	p := NewProbe(Samples{}, 3)
	out := [][]float64{{9, 9}}
	p.F1(federation.NewHead(2, 3), []federation.Rows{{}}, out)
	if out[0][0] != 0 || out[0][1] != 0 {
		t.Errorf("F1 without samples is %v", out)
	}
}

func TestProbeDoesNotAllocate(t *testing.T) {
	p := NewProbe(clusters(1, []int{0, 1, 2, 3}, 10, 800), 800)
	base := federation.NewHead(10, 800)
	candidates := []federation.Rows{base.Select([]int{1, 2, 3, 4}), base.Select([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9})}
	out := [][]float64{make([]float64, 10), make([]float64, 10)}
	p.F1(base, candidates, out)
	if n := testing.AllocsPerRun(10, func() { p.F1(base, candidates, out) }); n != 0 {
		t.Errorf("F1 allocates %v times", n)
	}
}

// TestMetricsGolden compares with precision, recall and F1 computed
// elsewhere.
func TestMetricsGolden(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "..", "shared", "data", "golden", "metrics.json"))
	if err != nil {
		t.Skip("the golden fixtures are not here:", err)
	}
	var golden struct {
		Multiclass []struct {
			Name                  string
			Labels, Predicted     []int
			Confusion             [][]int
			Accuracy              *float64
			Precision, Recall, F1 []float64
		}
	}
	if err := json.Unmarshal(b, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Multiclass) == 0 {
		t.Fatal("no cases")
	}
	for _, g := range golden.Multiclass {
		var ta tally
		ta.reset(len(g.F1))
		for i, l := range g.Labels {
			ta.add(l, g.Predicted[i])
		}
		s := ta.scores()
		for c := range g.F1 {
			if math.Abs(s.F1[c]-g.F1[c]) > 1e-12 || math.Abs(s.Precision[c]-g.Precision[c]) > 1e-12 || math.Abs(s.Recall[c]-g.Recall[c]) > 1e-12 {
				t.Errorf("%s, class %d: got %v %v %v, want %v %v %v", g.Name, c, s.Precision[c], s.Recall[c], s.F1[c], g.Precision[c], g.Recall[c], g.F1[c])
			}
		}
		if g.Accuracy != nil && math.Abs(s.Accuracy-*g.Accuracy) > 1e-12 {
			t.Errorf("%s: accuracy %v, want %v", g.Name, s.Accuracy, *g.Accuracy)
		}
	}
}
