package finetune

import (
	"math"
	"math/rand/v2"

	"github.com/bristle-fl/bristled/learner/data"
)

// The streams of random numbers of a training: each is seeded with the
// training's seed, its kind and the epoch, so that an epoch draws the same
// whether training was interrupted before it or not.
const (
	streamOrder = iota + 1
	streamMix
	streamAugment
)

func stream(seed uint64, kind, epoch, place int) *rand.Rand {
	return rand.New(rand.NewPCG(seed, uint64(kind)<<56|uint64(epoch)<<28|uint64(place)))
}

// balanced draws n samples with replacement so that all classes that occur are
// equally likely: the weight of a sample is 1 over the number of its class's.
// It returns indices into samples.
func balanced(samples []data.Sample, chosen []int, n int, rng *rand.Rand) []int {
	byClass := map[int][]int{}
	var classes []int
	for _, i := range chosen {
		label := samples[i].Label
		if byClass[label] == nil {
			classes = append(classes, label) // in the order of their first sample
		}
		byClass[label] = append(byClass[label], i)
	}
	drawn := make([]int, n)
	for k := range drawn {
		members := byClass[classes[rng.IntN(len(classes))]]
		drawn[k] = members[rng.IntN(len(members))]
	}
	return drawn
}

// box is the part of a map that CutMix takes from another sample: rows y0 to
// y1 and columns x0 to x1, the latter of each excluded.
type box struct{ x0, y0, x1, y1 int }

// drawBox draws a box whose area is on average that of a uniformly
// distributed share λ ~ Beta(1,1): sides √(1-λ) of the map's, the middle
// anywhere, clipped at the border.
func drawBox(height, width int, rng *rand.Rand) box {
	side := math.Sqrt(1 - rng.Float64())
	h, w := int(float64(height)*side), int(float64(width)*side)
	cy, cx := rng.IntN(height), rng.IntN(width)
	return box{max(cx-w/2, 0), max(cy-h/2, 0), min(cx+w/2, width), min(cy+h/2, height)}
}

// kept returns the share of a map that a box leaves: λ after clipping.
func (b box) kept(height, width int) float64 {
	return 1 - float64((b.x1-b.x0)*(b.y1-b.y0))/float64(height*width)
}

// mixer mixes the samples of a batch. It keeps its memory.
type mixer struct {
	x, targets []float32
}

// cutMix pastes a box from one sample of a batch into another, by a random
// permutation, and mixes their targets. x holds rows of channels x height x
// width, targets rows of columns.
func (m *mixer) cutMix(x, targets []float32, rows int, dims [3]int, rng *rand.Rand) {
	partner := rng.Perm(rows)
	cut := drawBox(dims[1], dims[2], rng)
	keep := float32(cut.kept(dims[1], dims[2]))
	m.x, m.targets = append(m.x[:0], x...), append(m.targets[:0], targets...)
	size, columns := len(x)/rows, len(targets)/rows
	for r, p := range partner {
		for c := range dims[0] {
			for y := cut.y0; y < cut.y1; y++ {
				at := (c*dims[1]+y)*dims[2] + cut.x0
				copy(x[r*size+at:r*size+at+cut.x1-cut.x0], m.x[p*size+at:])
			}
		}
		for c := range columns {
			targets[r*columns+c] = keep*m.targets[r*columns+c] + (1-keep)*m.targets[p*columns+c]
		}
	}
}
