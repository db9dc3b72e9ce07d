package learner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

func TestClassMeansByHand(t *testing.T) {
	s := Samples{
		Labels:   []int{4, 1, 4, 4, 1},
		Features: []float32{1, 0 /**/, 7, 7 /**/, 3, 0 /**/, 2, 6 /**/, 7, 9},
	}
	got := ClassMeans(s, 2)
	want := Means{
		Rows: federation.Rows{Classes: []int{1, 4}, Features: 2, Weights: []float32{7, 8, 2, 2}},
		// Class 4: (1+4) + (1+4) + 16 = 26, over 3-1.
		Samples: []int{2, 3}, Variance: []float64{2, 13},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	one := ClassMeans(Samples{Labels: []int{3}, Features: []float32{5, 6}}, 2)
	if one.Variance[0] != 0 || one.Samples[0] != 1 || one.Weights[1] != 6 {
		t.Errorf("the mean of one sample is %+v", one)
	}
	if none := ClassMeans(Samples{}, 2); len(none.Classes) != 0 {
		t.Errorf("means of nothing: %+v", none)
	}
}

func TestPublishedMeans(t *testing.T) {
	const width = 2000
	means := ClassMeans(clusters(1, []int{0, 1, 2}, 5, width), width)
	means.Samples[1] = 4
	plain := means.Published(5, 0, [32]byte{1})
	if !slices.Equal(plain.Classes, []int{0, 2}) || !slices.Equal(plain.Row(1), means.Row(2)) || plain.Variance[1] != means.Variance[2] {
		t.Errorf("published classes %v", plain.Classes)
	}
	noisy := means.Published(1, .5, [32]byte{1})
	if !slices.Equal(noisy.Weights, means.Published(1, .5, [32]byte{1}).Weights) {
		t.Error("the same mean has another noise when it is published again")
	}
	sum, squares := 0.0, 0.0
	for i, w := range noisy.Weights {
		d := float64(w) - float64(means.Weights[i])
		sum, squares = sum+d, squares+d*d
	}
	n := float64(len(noisy.Weights))
	if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > .03 || math.Abs(deviation-.5) > .03 {
		t.Errorf("noise of mean %v and deviation %v", mean, deviation)
	}
	if slices.Equal(noisy.Weights, means.Published(1, .5, [32]byte{2}).Weights) {
		t.Error("another key gives the same noise")
	}
	changed := ClassMeans(clusters(1, []int{0, 1, 2}, 5, width), width)
	changed.Row(1)[0] += .25
	again := changed.Published(1, .5, [32]byte{1})
	if !slices.Equal(again.Row(0), noisy.Row(0)) {
		t.Error("a mean that stays has another noise when another changes: who averages the two learns more")
	}
	same := 0
	for j, w := range again.Row(1)[1:] {
		if w == noisy.Row(1)[j+1] {
			same++
		}
	}
	if same > width/100 {
		t.Errorf("%d of %d numbers have the same noise after the mean has changed: the difference shows by what", same, width)
	}
}

func TestPseudoSamplesByHand(t *testing.T) {
	own := Samples{Labels: []int{0, 0, 1}, Features: []float32{4, 2 /**/, 6, 2 /**/, 9, 9}}
	foreign := federation.Rows{Classes: []int{3, 5}, Features: 2, Weights: []float32{1, 2 /**/, 30, 40}}
	got := NewPseudo(foreign, own).Samples(40, 1)
	// Class 0 has two samples, at -1 and 1 of its mean: times sqrt(2/1). Class 1
	// has one, which is its own mean. Nothing is below 0.
	root := float32(math.Sqrt2)
	want := map[int][][2]float32{
		3: {{0, 2}, {1 + root, 2}, {1, 2}},
		5: {{30 - root, 40}, {30 + root, 40}, {30, 40}},
	}
	seen := map[[2]float32]int{}
	for i, c := range got.Labels {
		x := [2]float32(got.Features[2*i : 2*i+2])
		if !slices.Contains(want[c], x) {
			t.Errorf("pseudo-sample %v of class %d", x, c)
		}
		seen[x]++
	}
	if len(seen) != 6 || len(got.Labels) != 80 || !slices.IsSorted(got.Labels) {
		t.Errorf("%d samples: %v", len(got.Labels), seen)
	}
	if again := NewPseudo(foreign, own).Samples(40, 1); !slices.Equal(again.Features, got.Features) {
		t.Error("the same seed gives other samples")
	}
	if other := NewPseudo(foreign, own).Samples(40, 2); slices.Equal(other.Features, got.Features) {
		t.Error("another seed gives the same samples")
	}
}

// TestNegativesFollowTheSlowOne: the loss is the mean cross-entropy of the batch
// plus half that of the pseudo-samples, for two foreign and two own classes.
func TestNegativesFollowTheSlowOne(t *testing.T) {
	const classes, width, seed = 4, 37, 7
	s := clusters(1, []int{0, 2}, 6, width)
	foreign := ClassMeans(clusters(2, []int{1, 3}, 6, width), width).Rows
	fast := NewTrainer(spec, classes, width, true, seed)
	if err := fast.SetSamples(s); err != nil {
		t.Fatal(err)
	}
	pseudo := NewPseudo(foreign, s)
	fast.SetNegatives(pseudo)
	slow := &slowTrainer{tw: matrix(classes, width), m: matrix(classes, width), v: matrix(classes, width)}
	negative := make([]float32, width)
	for step := range 100 {
		grad := matrix(classes, width)
		backward := func(x []float32, label int, weight float64) {
			p, sum := make([]float64, classes), 0.0
			for c := range p {
				for j, v := range x {
					p[c] += slow.tw[c][j] * float64(v)
				}
				p[c] = math.Exp(p[c])
				sum += p[c]
			}
			for c := range p {
				p[c] /= sum
				if c == label {
					p[c]--
				}
				for j, v := range x {
					grad[c][j] += weight * p[c] * float64(v)
				}
			}
		}
		for i := range spec.Batch {
			k := fast.sample(uint64(step*spec.Batch + i))
			backward(s.Features[k*width:(k+1)*width], s.Labels[k], 1/float64(spec.Batch))
		}
		rng := rand.New(rand.NewPCG(seed^0x70736575646f, uint64(step)))
		for range negatives {
			i := rng.IntN(2)
			pseudo.draw(negative, i, rng)
			backward(negative, foreign.Classes[i], .5/negatives)
		}
		slow.adam(grad, spec.LearningRate, spec.L2)
		fast.Train(1)
		for i, w := range fast.Consolidated().Weights {
			if want := slow.tw[i/width][i%width]; math.Abs(float64(w)-want) > 2e-5 {
				t.Fatalf("step %d, weight %d: %v, the slow trainer has %v", step, i, w, want)
			}
		}
	}
}

// adam takes one step.
func (t *slowTrainer) adam(grad [][]float64, lr, l2 float64) {
	t.step++
	for c := range grad {
		for j, g := range grad[c] {
			g += l2 * t.tw[c][j]
			t.m[c][j] = .9*t.m[c][j] + .1*g
			t.v[c][j] = .999*t.v[c][j] + .001*g*g
			mh := t.m[c][j] / (1 - math.Pow(.9, float64(t.step)))
			vh := t.v[c][j] / (1 - math.Pow(.999, float64(t.step)))
			t.tw[c][j] -= lr * mh / (math.Sqrt(vh) + 1e-8)
		}
	}
}

// TestNegativesTeachWhatTheOwnClassesAreNot: alone, a peer calls everything one of
// its classes; with negatives, its rows give way where others know better.
func TestNegativesTeachWhatTheOwnClassesAreNot(t *testing.T) {
	const width = 40
	s := clusters(1, []int{0, 1}, 10, width)
	test := clusters(3, []int{0, 1, 2, 3}, 25, width)
	expert := NewTrainer(spec, 4, width, false, 1)
	if err := expert.SetSamples(clusters(5, []int{0, 1, 2, 3}, 3, width)); err != nil {
		t.Fatal(err)
	}
	expert.Train(3)
	var accuracy [2]float64
	for k := range accuracy {
		tr := NewTrainer(spec, 4, width, false, 1)
		if err := tr.SetSamples(s); err != nil {
			t.Fatal(err)
		}
		tr.Adopt(expert.Consolidated())
		if k == 1 {
			tr.SetNegatives(NewPseudo(ClassMeans(clusters(2, []int{2, 3}, 10, width), width).Rows, s))
		}
		for range 600 {
			tr.Train(1)
		}
		accuracy[k] = NewProbe(test, width).Scores(tr.Consolidated()).Accuracy
	}
	if accuracy[1] < .85 || accuracy[0] > .6 {
		t.Errorf("accuracy %v without negatives and %v with them", accuracy[0], accuracy[1])
	}
}

func TestNegativesSurviveARestartAndDoNotAllocate(t *testing.T) {
	const width = 16
	s := clusters(1, []int{0, 1}, 6, width)
	pseudo := func() *Pseudo {
		return NewPseudo(ClassMeans(clusters(2, []int{2, 3}, 6, width), width).Rows, s)
	}
	start := func() *Trainer {
		tr := NewTrainer(spec, 4, width, false, 3)
		if err := tr.SetSamples(s); err != nil {
			t.Fatal(err)
		}
		tr.SetNegatives(pseudo())
		return tr
	}
	train := func(tr *Trainer, rounds int) {
		for range rounds {
			tr.Train(1)
		}
	}
	whole, first, second := start(), start(), start()
	train(whole, 30)
	train(first, 13)
	if err := second.Restore(first.State()); err != nil {
		t.Fatal(err)
	}
	train(second, 17)
	if diff := cmp.Diff(whole.State(), second.State()); diff != "" {
		t.Errorf("a restored trainer goes on in another way:\n%s", diff)
	}
	plain := start()
	plain.SetNegatives(nil)
	train(plain, 30)
	if slices.Equal(plain.Consolidated().Weights, whole.Consolidated().Weights) {
		t.Error("pseudo-samples change nothing")
	}
	if n := testing.AllocsPerRun(20, func() { train(whole, 1) }); n >= 1 {
		t.Errorf("a step allocates %v times", n)
	}
}

// goldenPrototypes is the checksum of means, noise, pseudo-samples and a head that
// was trained with negatives, on every architecture and kernel path.
const goldenPrototypes = "fad752e49c9faab1860c629a7c6a9457"

func TestPrototypesGoldenOnPortableKernels(t *testing.T) {
	if cpu.Active() == cpu.Generic || runtime.GOARCH != "amd64" {
		t.Skip("the portable kernels are in use anyway")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPrototypesGolden$", "-test.v")
	cmd.Env = append(os.Environ(), cpu.Variable+"=generic")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestPrototypesGolden") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestPrototypesGolden(t *testing.T) {
	const width = 50
	rng := rand.New(rand.NewPCG(1, 2))
	var s Samples
	for i := range 30 {
		s.Labels = append(s.Labels, i%3)
		for j := range width {
			s.Features = append(s.Features, rng.Float32()+float32((i%3*7+j)%5))
		}
	}
	means := ClassMeans(s, width)
	public := means.Published(2, .1, [32]byte{3})
	foreign := federation.Rows{Classes: []int{3, 4, 5}, Features: width, Weights: public.Weights}
	pseudo := NewPseudo(foreign, s)
	tr := NewTrainer(spec, 6, width, false, 5)
	if err := tr.SetSamples(s); err != nil {
		t.Fatal(err)
	}
	tr.SetNegatives(pseudo)
	for range 40 {
		tr.Train(1)
	}
	hash := sha256.New()
	for _, x := range [][]float32{means.Weights, public.Weights, pseudo.Samples(4, 9).Features, tr.Consolidated().Weights} {
		for _, v := range x {
			hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
		}
	}
	for _, v := range means.Variance {
		hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
	if got := hex.EncodeToString(hash.Sum(nil)[:16]); got != goldenPrototypes {
		t.Errorf("checksum %s, want %s", got, goldenPrototypes)
	}
}
