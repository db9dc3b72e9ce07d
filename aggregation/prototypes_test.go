package aggregation

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"testing"

	"github.com/bristle-fl/bristled/federation"
)

// means returns rows of so many features for the given classes.
func means(features int, classes []int, weights ...float32) federation.Rows {
	return federation.Rows{Classes: classes, Features: features, Weights: weights}
}

// published makes sets of means, whose senders ascend.
func published(all ...federation.Rows) []*federation.Prototypes {
	sets := make([]*federation.Prototypes, len(all))
	for j, rows := range all {
		p := &federation.Prototypes{Sender: sender(j), Epoch: 1, Means: rows}
		for range rows.Classes {
			p.Samples = append(p.Samples, 10)
		}
		sets[j] = p
	}
	return sets
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

// TestHearsay: a set without a class in common is trusted as far as those known at
// first hand trust it.
func TestHearsay(t *testing.T) {
	// Two that the peer trusts, the second with a mass of 2/3. Class 5 has one mean at
	// both, and class 4 only at the second.
	one, two := means(3, []int{0, 5}, 2, 0, 0, 0, 1, 3), means(3, []int{0, 4, 5}, 2, 0, 0, 4, 4, 0, 0, 1, 3)
	liar := means(3, []int{0, 5}, 0, 2, 0, 3, 0, 0)
	trust := func(stranger federation.Rows, others ...federation.Rows) float64 {
		k := Weigh(unit, published(append(others, stranger)...), nil)
		if k.Shared[len(others)] {
			t.Fatal("it has a class in common")
		}
		return k.Trust[len(others)]
	}
	true5, true45 := means(3, []int{5}, 0, 1, 3), means(3, []int{4, 5}, 4, 4, 0, 0, 1, 3)
	false4 := means(3, []int{4, 5}, 0, 4, 4, 0, 1, 3)
	near(t, "nobody knows of it", trust(true5), .5)
	near(t, "one voice for it", trust(true5, one), 1)
	near(t, "two voices", trust(true45, one, two), 1)
	near(t, "one for and one against it", trust(false4, one, two), sharpen(1/(1+2./3)))
	near(t, "a liar has no voice", trust(means(3, []int{5}, 3, 0, 0), one, liar, liar), 0)
	near(t, "strangers have none either", trust(true5, one, false4, means(3, []int{5}, 3, 0, 0)), 1)
	near(t, "among strangers alone", trust(true5, true45, true45), .5)
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
	c := court{k: &k, mass: mass, voices: slices.Clone(mass)}
	for w := range 7 {
		for j := range 7 {
			c.kappa = append(c.kappa, map[bool]float64{true: 1, false: 0}[w/4 == j/4])
		}
	}
	near(t, "the standing of the honest", c.standing(0), sharpen(3./5))
	near(t, "the standing of a liar", c.standing(6), sharpen(7./15))
	standing := newCourt(unit, &k, sets, mass).standings()
	if standing[0] < .9 || standing[6] > .35 {
		t.Errorf("in the end they stand at %v", standing)
	}
	agreeing := published(honest, honest, honest)
	k = Weigh(unit, agreeing, nil)
	if s := newCourt(unit, &k, agreeing, mass[:3]).standings(); s != nil {
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
const (
	goldenKnowledge = "fb88d346629d36640974ca974e34a002"
	goldenFewer     = "720ab868e2b1888aa57d53bf71a343cd"
)

// The portable kernels give the bits of the fast ones.
func TestGoldenKnowledgeOnPortableKernels(t *testing.T) { onPortableKernels(t, "TestGoldenKnowledge") }

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
	if got, k := knowledgeSum(own, sets); got != goldenKnowledge {
		t.Errorf("checksum %s, want %s; trust %v, disputes %v", got, goldenKnowledge, k.Trust, k.Disputes)
	}
	// Peers with fewer classes than the sets have, whose voices are fractions.
	all := sha256.New()
	for c := range 9 {
		own := OwnMeans{Means: truth.Select([]int{c, c + 1}), Samples: []int{10, 10}, Variance: []float64{0, 9}}
		noise(rng, own.Means.Weights, .6)
		got, _ := knowledgeSum(own, sets)
		all.Write([]byte(got))
	}
	if got := hex.EncodeToString(all.Sum(nil)[:16]); got != goldenFewer {
		t.Errorf("checksum of several %s, want %s", got, goldenFewer)
	}
}

// knowledgeSum is a hash of what a peer makes of sets.
func knowledgeSum(own OwnMeans, sets []*federation.Prototypes) (string, Knowledge) {
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
	return hex.EncodeToString(hash.Sum(nil)[:16]), k
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
