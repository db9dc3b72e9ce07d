package aggregation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// defaults builds a rule with its default constants, some of them replaced.
func defaults(t testing.TB, name string, changes map[string]float64) Rule {
	t.Helper()
	spec, err := Defaults(name)
	if err != nil {
		t.Fatal(err)
	}
	for constant, v := range changes {
		spec.Constants[constant] = v
	}
	rule, err := New(spec)
	if err != nil {
		t.Fatal(err)
	}
	return rule
}

// integrate fails the test on an error.
func integrate(t testing.TB, rule Rule, in Input) Result {
	t.Helper()
	if in.Loss == nil {
		in.Loss = func(h federation.Head) float64 { return float64(kernel.Dot(h.Weights[:1], h.Weights[:1])) }
	}
	if in.Rand == nil {
		in.Rand = random(99)
	}
	result, err := rule.Integrate(in)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// quick returns the rules whose work does not grow exponentially with the number
// of heads.
func quick() []string {
	return slices.DeleteFunc(Names(), func(name string) bool { return name == "smea" })
}

// clone makes a result outlive the next round.
func clone(r Result) Result {
	r.Head = r.Head.Clone()
	r.F1 = append([]float64(nil), r.F1...)
	verdicts := r.Verdicts
	r.Verdicts = nil
	for _, v := range verdicts {
		v.F1 = append([]float64(nil), v.F1...)
		v.Weights = append([]float64(nil), v.Weights...)
		r.Verdicts = append(r.Verdicts, v)
	}
	return r
}

// random returns a source of randomness that gives the same numbers on every
// architecture.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

// noise adds uniform numbers from (-size, size).
func noise(rng *rand.Rand, x []float32, size float32) {
	for i := range x {
		x[i] += float32(size * (2*rng.Float32() - 1))
	}
}

func noisyHead(rng *rand.Rand, classes, features int) federation.Head {
	h := federation.NewHead(classes, features)
	noise(rng, h.Weights, 1)
	return h
}

// sender names the i-th sender so that names sort like numbers.
func sender(i int) federation.PeerID { return federation.PeerID(fmt.Sprintf("peer%03d", i)) }

// whole returns an update with all rows of a head.
func whole(i int, h federation.Head, claims ...int) *federation.Update {
	return &federation.Update{Sender: sender(i), Seq: uint64(i) + 1, Round: 7, Claims: claims, Rows: h.Select(all(h.Classes))}
}

// claimed returns an update with the claimed rows of a head only.
func claimed(i int, h federation.Head, claims ...int) *federation.Update {
	u := whole(i, h, claims...)
	u.Rows = h.Select(claims)
	return u
}

func all(n int) []int {
	classes := make([]int, n)
	for c := range classes {
		classes[c] = c
	}
	return classes
}

// table is an evaluator that knows its answers: those for the own head, then
// those for the updates looked at, in ascending order of sender.
type table [][]float64

func (p table) F1(_ federation.Head, candidates []federation.Rows, out [][]float64) {
	if len(candidates) != len(out) || len(candidates[0].Classes) != 0 {
		panic("the first candidate is not the own head")
	}
	for i := range out {
		copy(out[i], p[i])
	}
}

// flat returns a table in which everybody scores the same in every class.
func flat(n, classes int, f1 float64) table {
	p := make(table, n+1)
	for i := range p {
		p[i] = make([]float64, classes)
		for c := range p[i] {
			p[i][c] = f1
		}
	}
	return p
}

// samples is an evaluator with samples of its own.
type samples struct {
	features   int
	x          []float32 // labels x features
	labels     []int
	base, rows []float32 // logits
	counts     []int     // true positives, predictions, samples per class
}

// newSamples draws kappa samples of each class around prototypes (classes x
// features).
func newSamples(rng *rand.Rand, prototypes federation.Head, classes []int, kappa int, spread float32) *samples {
	p := &samples{features: prototypes.Features}
	for _, c := range classes {
		for range kappa {
			p.labels = append(p.labels, c)
			p.x = append(p.x, prototypes.Row(c)...)
		}
	}
	noise(rng, p.x, spread)
	return p
}

func (p *samples) F1(base federation.Head, candidates []federation.Rows, out [][]float64) {
	n := len(p.labels)
	p.base = p.logits(p.base, base.Classes, base.Weights)
	p.counts = grow(p.counts, 3*base.Classes)
	for i, rows := range candidates {
		p.rows = p.logits(p.rows, len(rows.Classes), rows.Weights)
		clear(p.counts)
		hits, guesses, truth := cut(p.counts, 0, base.Classes), cut(p.counts, 1, base.Classes), cut(p.counts, 2, base.Classes)
		for s := range n {
			logits, own := cut(p.base, s, base.Classes), cut(p.rows, s, len(rows.Classes))
			guess, top, at := 0, float32(math.Inf(-1)), 0
			for c, l := range logits {
				if at < len(rows.Classes) && rows.Classes[at] == c {
					l = own[at]
					at++
				}
				if l > top {
					guess, top = c, l
				}
			}
			guesses[guess]++
			truth[p.labels[s]]++
			if guess == p.labels[s] {
				hits[guess]++
			}
		}
		for c := range out[i] {
			out[i][c] = 0
			if n := guesses[c] + truth[c]; n > 0 {
				out[i][c] = float64(2*hits[c]) / float64(n)
			}
		}
	}
}

func (p *samples) logits(out []float32, rows int, weights []float32) []float32 {
	out = grow(out, len(p.labels)*rows)
	clear(out)
	kernel.GemmNT(len(p.labels), rows, p.features, p.x, p.features, weights, p.features, out, rows)
	return out
}

// norm is computed in float64, apart from the code under test.
func norm(x []float32) float64 {
	sum := 0.0
	for _, v := range x {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum)
}

func distance(x, y []float32) float64 {
	sum := 0.0
	for i, v := range x {
		d := float64(v) - float64(y[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}
