package aggregation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// means returns rows of so many features for the given classes.
func means(features int, classes []int, weights ...float32) federation.Rows {
	return federation.Rows{Classes: classes, Features: features, Weights: weights}
}

// published makes sets of means, whose senders ascend.
func published(all ...federation.Rows) []Published {
	sets := make([]Published, len(all))
	for j, rows := range all {
		p := &federation.Prototypes{Sender: sender(j), Epoch: 1, Means: rows}
		for range rows.Classes {
			p.Samples = append(p.Samples, 10)
		}
		sets[j] = Published{Prototypes: p, Hash: federation.Hash{byte(j + 1)}}
	}
	return sets
}

// vouch lets one set's sender say how far it trusts others, by their index.
func vouch(sets []Published, from int, trust map[int]uint8) {
	v := &federation.Vouches{Sender: sets[from].Sender, Seq: 1, Trust: map[federation.Hash]uint8{}}
	for j, t := range trust {
		v.Trust[sets[j].Hash] = t
	}
	sets[from].Vouches = v
}

// unit are own means of two classes: seen from their mean (1, 1, 0) they are
// (1, -1, 0) and (-1, 1, 0), of squared length 2. With ten samples and a variance
// of 2, rho is 1 - 2/(10*2) = .9.
var unit = OwnMeans{
	Means:   means(3, []int{0, 1}, 2, 0, 0, 0, 2, 0),
	Samples: []int{10, 10}, Variance: []float64{2, 2},
}

func TestTrustInPrototypes(t *testing.T) {
	inf := float32(math.Inf(1))
	alone := OwnMeans{Means: means(3, []int{0}, 2, 0, 0), Samples: []int{10}, Variance: []float64{4}}
	one := unit
	one.Samples, one.Variance = []int{1, 1}, []float64{0, 0}
	for _, c := range []struct {
		name string
		own  OwnMeans
		set  federation.Rows
		want float64
	}{
		{"the same", unit, means(3, []int{0, 1, 2}, 2, 0, 0, 0, 2, 0, 5, 5, 5), 1},
		// Seen from the middle it is (1, -1, 2): a cosine of 2/sqrt(2*6).
		{"aside", unit, means(3, []int{0, 7}, 2, 0, 2, 0, 0, 0), (2/math.Sqrt(12)/.9 - .3) / .4},
		{"the least counts", unit, means(3, []int{0, 1}, 2, 0, 2, 0, 2, 0), (2/math.Sqrt(12)/.9 - .3) / .4},
		{"exchanged", unit, means(3, []int{0, 1}, 0, 2, 0, 2, 0, 0), 0},
		{"one of the other class", unit, means(3, []int{0}, 0, 2, 0), 0},
		{"at right angles", unit, means(3, []int{0}, 1, 1, 3), 0},
		// With one sample rho is .2: (.2/.2-.3)/.4 > 1 for a cosine of .2.
		{"one sample", one, means(3, []int{0}, 2, 0, float32(math.Sqrt(48))), 1},
		{"many samples", unit, means(3, []int{0}, 2, 0, float32(math.Sqrt(48))), 0},
		// Seen from the origin: a cosine of 2/sqrt(8), rho is 1 - 4/(10*4).
		{"one own class", alone, means(3, []int{0, 1}, 2, 0, 2, 5, 5, 5), 1},
		{"one own class, at right angles", alone, means(3, []int{0, 1}, 0, 0, 2, 5, 5, 5), 0},
		{"stranger", unit, means(3, []int{5}, 1, 2, 3), .5},
		{"infinite", unit, means(3, []int{0, 1}, inf, 0, 0, 0, 2, 0), 0},
		{"not a number", unit, means(3, []int{0, 5}, 2, 0, 0, inf-inf, 0, 0), 0},
		{"far too long", unit, means(3, []int{0, 5}, 2, 0, 0, 1e30, 0, 0), 0},
		{"huge stranger", unit, means(3, []int{5}, 3e38, 3e38, 3e38), 0},
		{"of zeros", unit, means(3, []int{0}, 1, 1, 0), 0}, // it is the middle
	} {
		k := Weigh(c.own, published(c.set), []int{2, 3, 4, 5, 6, 7})
		near(t, c.name, k.Trust[0], c.want)
		for _, w := range k.Means.Weights {
			if w-w != 0 {
				t.Errorf("%s: the means are %v", c.name, k.Means.Weights)
			}
		}
	}
}

func TestHearsay(t *testing.T) {
	same, aside := means(3, []int{0}, 2, 0, 0), means(3, []int{0, 1, 2, 3}, 2, 0, 2, 0, 2, 0, 0, 0, 0, 0, 0, 0)
	liar, stranger := means(3, []int{0}, 0, 2, 0), means(3, []int{5}, 1, 2, 3)
	sets := published(same, aside, liar, stranger, stranger)
	kappa := (2/math.Sqrt(12)/.9 - .3) / .4

	vouch(sets, 0, map[int]uint8{3: 255})
	near(t, "one voice for it", Weigh(unit, sets, nil).Trust[3], 1)

	// A liar and a stranger have no voice.
	vouch(sets, 2, map[int]uint8{3: 0})
	vouch(sets, 4, map[int]uint8{3: 0})
	k := Weigh(unit, sets, nil)
	near(t, "voices that do not count", k.Trust[3], 1)
	near(t, "a stranger that nobody speaks of", k.Trust[4], .5)
	if want := []bool{true, true, true, false, false}; !slices.Equal(k.Shared, want) {
		t.Errorf("at first hand: %v, want %v", k.Shared, want)
	}

	// The second voice has a mass of 2/4 and a trust of kappa.
	vouch(sets, 1, map[int]uint8{3: 51})
	a := (1 + .5*kappa*.2) / (1 + .5*kappa)
	near(t, "two voices", Weigh(unit, sets, nil).Trust[3], a*a/(a*a+(1-a)*(1-a)))

	// What others say of a set that can be tested does not count.
	vouch(sets, 0, map[int]uint8{1: 0, 2: 255})
	k = Weigh(unit, sets, nil)
	near(t, "tested, and spoken ill of", k.Trust[1], kappa)
	near(t, "tested, and praised", k.Trust[2], 0)
}

func TestMeansOfForeignClasses(t *testing.T) {
	// Three say the same of class 4, with masses 1, 1 and 2/4; one lies.
	say := func(classes []int, of4 ...float32) federation.Rows {
		rows := means(3, classes, 2, 0, 0)
		for _, c := range classes[1:] {
			if c == 4 {
				rows.Weights = append(rows.Weights, of4...)
			} else {
				rows.Weights = append(rows.Weights, 0, 2, 0)
			}
		}
		return rows
	}
	honest := say([]int{0, 4}, 1, 1, 2)
	sets := published(honest, honest, say([]int{0, 1, 4, 6}, 1, 1, 2), say([]int{0, 4}, 3, 3, -2))
	k := Weigh(unit, sets, []int{2, 4, 6})
	if !slices.Equal(k.Means.Classes, []int{4, 6}) {
		t.Fatalf("means of %v", k.Means.Classes)
	}
	// The median is the point where 2.5 of 3.5 votes are.
	if d := distance(k.Means.Row(0), []float32{1, 1, 2}); d > .02 {
		t.Errorf("the mean of class 4 is %v", k.Means.Row(0))
	}
	near(t, "a class of which one knows", distance(k.Means.Row(1), []float32{0, 2, 0}), 0)
	if len(k.Disputes) != 0 {
		t.Errorf("disputes %v though 2.5/3.5 agree", k.Disputes)
	}
	sets = append(sets, published(say([]int{0, 4}, 3, 3, -2))...)
	k = Weigh(unit, sets, []int{2, 4, 6})
	if len(k.Disputes) != 1 || k.Disputes[0].Class != 4 {
		t.Fatalf("disputes %v", k.Disputes)
	}
	near(t, "the share that agrees", k.Disputes[0].Share, 2.5/4.5)
}

// TestSettledDisputes: sets that pass the test at first hand and say two things of
// class 4 are weighed by how they get on with the others.
func TestSettledDisputes(t *testing.T) {
	honest, liar := means(3, []int{0, 4}, 2, 0, 0, 1, 1, 2), means(3, []int{0, 4}, 2, 0, 0, 3, 3, -2)
	at := func(all ...federation.Rows) []float32 {
		k := Weigh(unit, published(all...), []int{4})
		if len(k.Disputes) != 1 || k.Trust[1] != 1 {
			t.Errorf("disputes %v, trust %v", k.Disputes, k.Trust)
		}
		return k.Means.Row(0)
	}
	// One against two, and nobody else knows class 4: the liars win.
	if q := at(honest, liar, liar); distance(q, []float32{3, 3, -2}) > 1 {
		t.Errorf("the majority does not win: %v", q)
	}
	// Three more know class 4, and class 0 as well: what they publish contradicts
	// the liars, who contradict them.
	witness := means(3, []int{0, 4}, 2, 0, 0, 1, 1, 2)
	if q := at(honest, liar, liar, witness, witness); distance(q, []float32{1, 1, 2}) > .1 {
		t.Errorf("three against two: %v", q)
	}
	// The liars lie about class 5, too, of which three with no idea of class 4 know:
	// their votes on class 4 suffer from it.
	broad := means(3, []int{0, 4, 5}, 2, 0, 0, 3, 3, -2, -5, 0, 1)
	other := means(3, []int{0, 5}, 2, 0, 0, 0, 1, 3)
	if q := at(honest, broad, broad, other, other, other); distance(q, []float32{1, 1, 2}) > .5 {
		t.Errorf("liars who are contradicted elsewhere: %v", q)
	}
}

// TestLikeClassesExchanged: means of classes that are like each other agree well
// enough for no dispute, but not for the sets to be both true.
func TestLikeClassesExchanged(t *testing.T) {
	honest, liar := means(3, []int{0, 4, 5}, 2, 0, 0, 2, 1, 2, 1, 2, 2), means(3, []int{0, 4, 5}, 2, 0, 0, 1, 2, 2, 2, 1, 2)
	sets := published(honest, honest, honest, honest, liar, liar, liar)
	k := Weigh(unit, sets, []int{4, 5})
	if len(k.Disputes) != 0 || slices.Min(k.Trust) != 1 {
		t.Errorf("disputes %v, trust %v", k.Disputes, k.Trust)
	}
	if d := distance(k.Means.Row(0), []float32{2, 1, 2}); d > .01 {
		t.Errorf("the mean of class 4 is %v", k.Means.Row(0))
	}
	// One round: for an honest set (1+3*2/3) / (1+6*2/3), for a liar (1+2*2/3) / (1+6*2/3).
	mass := slices.Repeat([]float64{2. / 3}, 7)
	c := court{k: &k, voices: slices.Clone(mass)}
	for w := range 7 {
		for j := range 7 {
			c.kappa = append(c.kappa, map[bool]float64{true: 1, false: 0}[w/4 == j/4])
		}
	}
	near(t, "the standing of the honest", c.standing(0), sharpen(3./5))
	near(t, "the standing of a liar", c.standing(6), sharpen(7./15))
	standing := standings(unit, &k, sets, mass)
	if standing[0] < .9 || standing[6] > .35 {
		t.Errorf("in the end they stand at %v", standing)
	}
}

// TestTrueSetsCannotBeTalkedDown: what somebody says of sets that agree with each
// other changes nothing.
func TestTrueSetsCannotBeTalkedDown(t *testing.T) {
	honest := means(3, []int{0, 4}, 2, 0, 0, 1, 1, 2)
	sets := published(honest, honest, honest, honest)
	want := Weigh(unit, sets, []int{4})
	for j := range 3 {
		vouch(sets, j, map[int]uint8{0: 0, 1: 0, 2: 0, 3: 0})
	}
	if got := Weigh(unit, sets, []int{4}); !slices.Equal(got.Trust, want.Trust) || !slices.Equal(got.Means.Weights, want.Means.Weights) {
		t.Errorf("slander makes trust %v and the mean %v", got.Trust, got.Means.Weights)
	}
	if s := standings(unit, &want, sets, []float64{1, 1, 1, 1}); s != nil {
		t.Errorf("sets that agree stand at %v", s)
	}
}

// A stranger's mean cannot be so long that it moves the median far.
func TestLongMeansAreShortened(t *testing.T) {
	k := Weigh(unit, published(means(3, []int{5}, 0, 0, 1e9)), []int{5})
	near(t, "the length", norm(k.Means.Row(0)), 4) // twice that of the longest own one
}

func TestNothingToJudgeBy(t *testing.T) {
	k := Weigh(OwnMeans{Means: federation.Rows{Features: 3}}, published(unit.Means), []int{0, 1, 2})
	if k.Trust[0] != 0 || len(k.Means.Classes) != 0 || len(k.Disputes) != 0 {
		t.Errorf("without own means there is %+v", k)
	}
	if k = Weigh(unit, nil, []int{2}); len(k.Trust) != 0 || len(k.Means.Classes) != 0 {
		t.Errorf("without sets there is %+v", k)
	}
}

// drawSets draws own means and the sets of others around common ones; some lie.
func drawSets(t *rapid.T) (own OwnMeans, sets []Published, foreign []int) {
	const classes = 6
	features := rapid.IntRange(2, 20).Draw(t, "features")
	rng := random(rapid.Uint64().Draw(t, "seed"))
	truth := noisyHead(rng, classes, features)
	draw := func(label string, least int) federation.Rows {
		known := rapid.SliceOfNDistinct(rapid.IntRange(0, classes-1), least, classes, rapid.ID).Draw(t, label)
		slices.Sort(known)
		rows := truth.Select(known)
		if rapid.IntRange(0, 3).Draw(t, "lie") == 0 {
			noise(rng, rows.Weights, 3)
		}
		noise(rng, rows.Weights, .5)
		return rows
	}
	own.Means = draw("own", 1)
	for c := range classes {
		if !slices.Contains(own.Means.Classes, c) {
			foreign = append(foreign, c)
		}
	}
	for range own.Means.Classes {
		own.Samples = append(own.Samples, rapid.IntRange(1, 20).Draw(t, "samples"))
		own.Variance = append(own.Variance, rapid.Float64Range(0, 5).Draw(t, "variance"))
	}
	var others []federation.Rows
	for range rapid.IntRange(0, 8).Draw(t, "sets") {
		others = append(others, draw("set", 1))
	}
	sets = published(others...)
	for j := range sets {
		said := map[int]uint8{}
		for k := range sets {
			if rapid.Bool().Draw(t, "vouches") {
				said[k] = rapid.Byte().Draw(t, "for")
			}
		}
		vouch(sets, j, said)
	}
	return own, sets, foreign
}

// refView is how a set of means looks at others.
type refView struct {
	classes  []int
	p        vectors
	g        []float64
	samples  []int
	variance []float64
}

func newRefView(own OwnMeans) refView {
	v := refView{classes: own.Means.Classes, p: widen(own.Means.Weights, len(own.Means.Classes)), samples: own.Samples, variance: own.Variance}
	ones := make([]float64, len(v.p))
	for i := range ones {
		ones[i] = 1
	}
	v.g = combine(v.p, ones)
	if len(v.p) == 1 {
		v.g = make([]float64, len(v.g))
	}
	return v
}

func (v refView) minus(x []float64) []float64 {
	d := slices.Clone(x)
	for i := range d {
		d[i] -= v.g[i]
	}
	return d
}

func (v refView) cos(x, y []float64) float64 {
	x, y = v.minus(x), v.minus(y)
	s := 0.0
	for i := range x {
		s += x[i] * y[i]
	}
	if s == 0 {
		return 0
	}
	return s / (length(x) * length(y))
}

// trust is kappa at first hand, and whether there is a class in common.
func (v refView) trust(set Published) (kappa float64, shared bool) {
	theirs := widen(set.Means.Weights, len(set.Means.Classes))
	kappa = 1
	for i, c := range v.classes {
		at := slices.Index(set.Means.Classes, c)
		if at < 0 {
			continue
		}
		shared = true
		rho := .2
		if k := float64(v.samples[i]); k > 1 {
			rho = math.Max(.2, 1-v.variance[i]/(k*math.Pow(length(v.minus(v.p[i])), 2)))
		}
		agree := math.Min(1, math.Max(0, (v.cos(theirs[at], v.p[i])/rho-.3)/.4))
		for other := range v.p {
			if apart(theirs[at], v.p[other]) < apart(theirs[at], v.p[i]) {
				agree = 0
			}
		}
		kappa = math.Min(kappa, agree)
	}
	return kappa, shared
}

func refSharpen(a float64) float64 { return a * a / (a*a + (1-a)*(1-a)) }

// refWeigh computes kappa and the means in float64 from the formulas of
// docs/bristle-plus.md.
func refWeigh(own OwnMeans, sets []Published, foreign []int) (kappa []float64, q vectors) {
	me := newRefView(own)
	theirs, mu, shares := make([]vectors, len(sets)), make([]float64, len(sets)), make([]bool, len(sets))
	kappa = make([]float64, len(sets))
	for j, set := range sets {
		theirs[j] = widen(set.Means.Weights, len(set.Means.Classes))
		mu[j] = math.Min(1, float64(len(me.p))/float64(len(theirs[j])))
		kappa[j], shares[j] = me.trust(set)
	}
	hearsay := func(j int) float64 {
		sum, total := 0.0, 0.0
		for w, s := range sets {
			if said, ok := s.Vouches.Trust[sets[j].Hash]; ok && shares[w] && w != j {
				sum += mu[w] * kappa[w] * float64(said) / 255
				total += mu[w] * kappa[w]
			}
		}
		if total == 0 {
			return .5
		}
		return refSharpen(sum / total)
	}
	strangers := slices.Clone(kappa)
	for j := range sets {
		if !shares[j] {
			strangers[j] = hearsay(j)
		}
	}
	kappa = strangers
	standing := refStandings(own, sets, kappa, mu, shares)
	most := 0.0
	for i := range me.p {
		most = math.Max(most, 2*length(me.p[i]))
	}
	for _, c := range foreign {
		var rows vectors
		var votes, settled []float64
		sum := 0.0
		for j, set := range sets {
			if at := slices.Index(set.Means.Classes, c); at >= 0 && kappa[j] > 0 {
				row := theirs[j][at]
				if l := length(row); l > most {
					row = combine(vectors{row}, []float64{1})
					for i := range row {
						row[i] *= most / l
					}
				}
				vote := mu[j] * kappa[j]
				rows, votes, settled = append(rows, row), append(votes, vote), append(settled, vote*standing[j])
				sum += settled[len(settled)-1]
			}
		}
		if sum > 0 {
			kept := vectors{}
			votes = nil
			for i, w := range settled {
				if w > 0 {
					kept, votes = append(kept, rows[i]), append(votes, w)
				}
			}
			rows = kept
		}
		if len(rows) > 0 {
			q = append(q, refMeanOfMeans(rows, votes))
		}
	}
	return kappa, q
}

// refStandings is the standing of each set among the others; 1 without a
// contradiction.
func refStandings(own OwnMeans, sets []Published, kappa, mu []float64, shares []bool) []float64 {
	spread := make([]float64, 99)
	for i := range spread {
		for _, s := range own.Variance {
			spread[i] += s / float64(len(own.Variance))
		}
	}
	standing, contradiction := make([]float64, len(sets)), false
	for j := range standing {
		standing[j] = 1
	}
	for range 3 {
		next := make([]float64, len(sets))
		for j := range sets {
			sum, total := 0.0, 0.0
			if shares[j] {
				sum, total = kappa[j], 1
			}
			for w, set := range sets {
				trust, shared := newRefView(OwnMeans{Means: set.Means, Samples: set.Samples, Variance: spread}).trust(sets[j])
				if shared && w != j && kappa[w] > 0 && kappa[j] > 0 {
					contradiction = contradiction || trust == 0
					sum += mu[w] * kappa[w] * standing[w] * trust
					total += mu[w] * kappa[w] * standing[w]
				}
			}
			next[j] = .5
			if total > 0 {
				next[j] = refSharpen(sum / total)
			}
		}
		if !contradiction {
			break
		}
		standing = next
	}
	return standing
}

// refMeanOfMeans makes twenty Weiszfeld steps from the weighted mean.
func refMeanOfMeans(rows vectors, votes []float64) []float64 {
	z, total, spread := combine(rows, votes), 0.0, 0.0
	for j, row := range rows {
		total += votes[j]
		spread += votes[j] * math.Pow(apart(row, z), 2)
	}
	least := 1e-3 * math.Sqrt(spread/total)
	for range 20 {
		shares := make([]float64, len(rows))
		for j, row := range rows {
			shares[j] = votes[j] / max(least, apart(row, z), 1e-9)
		}
		z = combine(rows, shares)
	}
	return z
}

func TestWeighAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		own, sets, foreign := drawSets(t)
		got := Weigh(own, sets, foreign)
		kappa, q := refWeigh(own, sets, foreign)
		for j := range sets {
			// A mean that is as near to one own mean as to another may go either way.
			if math.Abs(got.Trust[j]-kappa[j]) > 1e-4 {
				t.Fatalf("kappa of set %d is %v, want %v", j, got.Trust[j], kappa[j])
			}
		}
		if len(got.Means.Classes) != len(q) {
			t.Fatalf("means of %d classes, want %d", len(got.Means.Classes), len(q))
		}
		for i, want := range q {
			if d := apart(widen(got.Means.Row(i), 1)[0], want); d > 2e-3*(1+length(want)) {
				t.Fatalf("the mean of class %d is %v, want %v", got.Means.Classes[i], got.Means.Row(i), want)
			}
		}
		for _, d := range got.Disputes {
			if d.Share <= 0 || d.Share >= undisputed {
				t.Fatalf("a dispute of which %v agree", d.Share)
			}
		}
	})
}

// TestImagined checks the factor of the weights of foreign rows by hand: one claimant
// is the best in class 2 with .8, so 1 + (.5-.8)/.6 = .5 for one with .5.
func TestImagined(t *testing.T) {
	own := noisyHead(random(1), 4, 8)
	probe := flat(4, 4, .5)
	imagined := table{
		{.5, .5, .1, .6}, // the own head
		{.5, .5, .8, .9}, // claims 0 and 2
		{.5, .5, .5, .9}, // claims 0, 2 and 3
		{.5, .5, .0, .6}, // claims 0 and 2
		{.5, .5, .9, .3}, // claims 3 only: its class 2 is the own row's
	}
	var updates []*federation.Update
	for i, claims := range [][]int{{0, 2}, {0, 2, 3}, {0, 2}, {3}} {
		h := own.Clone()
		noise(random(uint64(i)+2), h.Weights, .1)
		updates = append(updates, claimed(i, h, claims...))
	}
	in := Input{Own: own, Familiar: []int{0, 1}, Updates: updates, Probe: probe}
	plain := clone(integrate(t, defaults(t, "bristle+", nil), in))
	in.Pseudo, in.Imagined = imagined, []int{2}
	got := integrate(t, defaults(t, "bristle+", nil), in)
	for j, want := range [][]float64{
		{1, 1, 1, 1}, {1, 1, .5, 1}, {1, 1, 0, 1}, {1, 1, 1, 1}, // nobody imagines class 3
	} {
		v := got.Verdicts[j]
		for c, w := range want {
			near(t, "what passed", v.Passed[c], w)
			near(t, "the weight", v.Weights[c], w*plain.Verdicts[j].Weights[c])
		}
		if v.Trust != plain.Verdicts[j].Trust || plain.Verdicts[j].Passed != nil {
			t.Errorf("trust %v, without prototypes %v and %v", v.Trust, plain.Verdicts[j].Trust, plain.Verdicts[j].Passed)
		}
	}
	in.Imagined = []int{2, 3}
	got = integrate(t, defaults(t, "bristle+", nil), in)
	near(t, "a stranger that does harm", got.Verdicts[3].Passed[3], 0) // 1 + (.3-.9)/.6
	near(t, "the best stranger", got.Verdicts[1].Passed[3], 1)
	updates[0].Claims = []int{0, 1}
	if _, err := defaults(t, "bristle+", nil).Integrate(Input{
		Own: own, Familiar: []int{0, 1}, Updates: updates, Probe: probe, Pseudo: imagined, Imagined: []int{1, 2},
	}); !isInput(err) {
		t.Errorf("a familiar class that is imagined: %v", err)
	}
}

// goldenKnowledge is the checksum of what follows from 24 seeded sets, on every
// architecture and kernel path.
const goldenKnowledge = "38c696625648c40e3e13c49a63e2fb29"

// The portable kernels give the bits of the fast ones.
func TestGoldenKnowledgeOnPortableKernels(t *testing.T) {
	if cpu.Active() == cpu.Generic || runtime.GOARCH != "amd64" {
		t.Skip("the portable kernels are in use anyway")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestGoldenKnowledge$", "-test.v")
	cmd.Env = append(os.Environ(), cpu.Variable+"=generic")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestGoldenKnowledge") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestGoldenKnowledge(t *testing.T) {
	rng := random(20211021)
	truth := noisyHead(rng, 10, 100)
	own := OwnMeans{Means: truth.Select([]int{2, 3, 4, 5})}
	noise(rng, own.Means.Weights, .3)
	for range 4 {
		own.Samples, own.Variance = append(own.Samples, 10), append(own.Variance, 3)
	}
	var others []federation.Rows
	for j := range 24 {
		known := []int{j % 7, j%7 + 1, j%7 + 3}
		rows := truth.Select(known)
		noise(rng, rows.Weights, float32(.3+.1*float64(j%5)))
		if j%5 == 4 {
			copy(rows.Row(2), truth.Row(9-known[2]))
		}
		others = append(others, rows)
	}
	sets := published(others...)
	for j := range sets {
		vouch(sets, j, map[int]uint8{(j + 1) % 24: uint8(10 * j), (j + 4) % 24: 255, (j + 9) % 24: 40})
	}
	hash := sha256.New()
	k := Weigh(own, sets, []int{0, 1, 6, 7, 8, 9})
	for _, v := range k.Trust {
		hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
	}
	for _, v := range k.Means.Weights {
		hash.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
	for _, d := range k.Disputes {
		hash.Write(binary.LittleEndian.AppendUint64([]byte{byte(d.Class)}, math.Float64bits(d.Share)))
	}
	if got := hex.EncodeToString(hash.Sum(nil)[:16]); got != goldenKnowledge {
		t.Errorf("checksum %s, want %s; trust %v, disputes %v", got, goldenKnowledge, k.Trust, k.Disputes)
	}
}

func BenchmarkWeigh(b *testing.B) {
	rng := random(1)
	truth := noisyHead(rng, 10, 800)
	own := OwnMeans{Means: truth.Select([]int{0, 1, 2, 3}), Samples: []int{10, 10, 10, 10}, Variance: []float64{1, 1, 1, 1}}
	var others []federation.Rows
	for j := range 64 {
		known := []int{j % 10, (j + 1) % 10, (j + 2) % 10, (j + 3) % 10}
		slices.Sort(known)
		rows := truth.Select(known)
		noise(rng, rows.Weights, .3)
		others = append(others, rows)
	}
	sets := published(others...)
	for b.Loop() {
		Weigh(own, sets, []int{4, 5, 6, 7, 8, 9})
	}
}
