package learner

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/internal/kernel"
)

// Means are the class means of a training set, of all its classes ascending.
type Means struct {
	federation.Rows
	Samples []int // of each class
	// Variance is, per class, the squared distance of a sample from its mean,
	// on average; 0 where there is one sample.
	Variance []float64
}

// ClassMeans returns the means of the samples, whose vectors have the given
// width.
func ClassMeans(s Samples, width int) Means {
	m := Means{Rows: federation.Rows{Classes: s.Familiar(), Features: width}}
	sum := make([]float64, width)
	for i, c := range m.Classes {
		clear(sum)
		n := 0
		for k, l := range s.Labels {
			if l != c {
				continue
			}
			n++
			for j, x := range s.Features[k*width : (k+1)*width] {
				sum[j] += float64(x)
			}
		}
		for _, v := range sum {
			m.Weights = append(m.Weights, float32(v/float64(n)))
		}
		spread := 0.0
		for k, l := range s.Labels {
			if l == c {
				spread += float64(kernel.SquaredDistance(s.Features[k*width:(k+1)*width], m.Row(i)))
			}
		}
		m.Samples = append(m.Samples, n)
		m.Variance = append(m.Variance, spread/float64(max(1, n-1)))
	}
	return m
}

// Published returns the means that may be published, of classes with at least
// so many samples, with normal noise of the given standard deviation on every
// number.
//
// The noise follows from the key and the mean. Who publishes one mean twice says
// the same twice, so that nobody can average the noise away; and of two means
// that differ by one sample the noises differ, so that their difference hides
// that sample too. Whoever knows the key can test a guess of the mean.
func (m Means) Published(least int, noise float64, key [32]byte) Means {
	p := Means{Rows: federation.Rows{Features: m.Features}}
	for i, n := range m.Samples {
		if n < least {
			continue
		}
		p.Classes = append(p.Classes, m.Classes[i])
		p.Samples = append(p.Samples, n)
		p.Variance = append(p.Variance, m.Variance[i])
		p.Weights = append(p.Weights, m.Row(i)...)
		if noise > 0 {
			row := p.Row(len(p.Classes) - 1)
			rng := rand.New(rand.NewChaCha8(rowKey(key, m.Classes[i], row)))
			for j := range row {
				row[j] += float32(noise * kernel.Normal(rng))
			}
		}
	}
	return p
}

// rowKey returns the key of the noise on one mean.
func rowKey(key [32]byte, class int, row []float32) [32]byte {
	b := binary.LittleEndian.AppendUint64(key[:], uint64(class))
	for _, x := range row {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return sha256.Sum256(b)
}

// Pseudo makes samples of classes that a peer has none of: the spread of its own
// samples, moved to the mean that others say the class has (docs/bristle-plus.md).
// Features are not negative, so neither are those of pseudo-samples.
type Pseudo struct {
	Foreign federation.Rows // the means of the classes
	own     Samples
	means   Means
	scale   []float32 // per own class: sqrt(k/(k-1)), which undoes that a mean is nearer to its own samples than to others
}

// NewPseudo returns pseudo-samples of the given classes in the spread of own
// samples, of which there is at least one.
func NewPseudo(foreign federation.Rows, own Samples) *Pseudo {
	p := &Pseudo{Foreign: foreign, own: own, means: ClassMeans(own, foreign.Features)}
	for _, n := range p.means.Samples {
		k := float64(n)
		p.scale = append(p.scale, float32(math.Sqrt(k/max(1, k-1))))
	}
	return p
}

// draw writes a random pseudo-sample of the i-th foreign class to x.
func (p *Pseudo) draw(x []float32, i int, rng *rand.Rand) {
	s := rng.IntN(len(p.own.Labels))
	k, _ := slices.BinarySearch(p.means.Classes, p.own.Labels[s])
	sample, mean, scale := p.own.Features[s*len(x):(s+1)*len(x)], p.means.Row(k), p.scale[k]
	for j, q := range p.Foreign.Row(i) {
		x[j] = max(0, q+float32(scale*(sample[j]-mean[j])))
	}
}

// Samples returns n pseudo-samples of each class.
func (p *Pseudo) Samples(n int, seed uint64) Samples {
	var s Samples
	x := make([]float32, p.Foreign.Features)
	for i, c := range p.Foreign.Classes {
		rng := rand.New(rand.NewPCG(seed, uint64(c)))
		for range n {
			p.draw(x, i, rng)
			s.Labels = append(s.Labels, c)
			s.Features = append(s.Features, x...)
		}
	}
	return s
}

const (
	// negatives is how many pseudo-samples a minibatch gets.
	negatives = 5

	// A foreign class weighs half as much as an own one, which has real samples:
	// more teaches a peer the errors of the pseudo-samples, less leaves one with
	// few classes without an idea of all others. Many foreign classes weigh no
	// more than mostNegative together, because five samples say little of each.
	negativeShare = .5
	mostNegative  = 3
)

// SetNegatives adds pseudo-samples to every minibatch, so that the rows of the
// own classes learn what they must not answer to: on top of the mean
// cross-entropy of the batch comes min(3, foreign classes / (2 own classes))
// times that of five random pseudo-samples. nil trains without.
func (t *Trainer) SetNegatives(p *Pseudo) {
	t.negatives = p
	if p != nil && t.negative == nil {
		t.negative = make([]float32, t.training.Features)
		t.draws = rand.New(&t.source)
	}
}

// addNegatives adds the gradient of this step's pseudo-samples. Like the batch
// they depend on the seed and the step alone.
func (t *Trainer) addNegatives() {
	if t.negatives == nil || len(t.negatives.Foreign.Classes) == 0 {
		return
	}
	foreign := len(t.negatives.Foreign.Classes)
	weight := min(mostNegative, negativeShare*float32(foreign)/float32(len(t.familiar)))
	t.source.Seed(t.seed^0x70736575646f, t.step)
	for range negatives {
		i := t.draws.IntN(foreign)
		t.negatives.draw(t.negative, i, t.draws)
		t.backward(t.negative, t.negatives.Foreign.Classes[i], negatives/weight)
	}
}
