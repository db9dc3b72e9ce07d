package sim

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel"
	"github.com/bristle-fl/bristled/learner"
)

// ErrTooFew says that the data do not suffice for what every peer shall hold.
var ErrTooFew = errors.New("too few samples")

// Hand is what one peer gets: its classes' samples.
type Hand struct {
	Train learner.Samples
	Probe learner.Samples
}

// Pool is what hands are dealt from. No sample goes to two peers.
type Pool struct {
	learner.Samples
	Width  int      // features of a sample
	Owners []string // who each sample is of, if that is known
}

// Deck deals disjoint samples of a pool in an order that a seed decides.
type Deck struct {
	// Again shuffles a class anew when all its samples have been dealt, instead
	// of failing: peers then share samples, but none has one twice, or both to
	// train on and in its probe. For crowds that no data suffice for.
	Again bool

	pool  Pool
	seed  uint64
	turn  uint64        // how often a class was shuffled anew
	cards map[int][]int // by class: samples not dealt yet
}

// NewDeck shuffles a pool.
func NewDeck(pool Pool, seed uint64) *Deck {
	d := &Deck{pool: pool, seed: seed, cards: map[int][]int{}}
	for i, l := range pool.Labels {
		d.cards[l] = append(d.cards[l], i)
	}
	for c, cards := range d.cards { // each with randomness of its own: any order will do
		shuffle(cards, rand.New(rand.NewPCG(seed, uint64(c))))
	}
	return d
}

func shuffle(x []int, rng *rand.Rand) {
	rng.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
}

// take moves n samples of class c to a set, none of which the hand has already,
// and returns them.
func (d *Deck) take(to *learner.Samples, c, n int, hand []int) ([]int, error) {
	if d.Again && len(d.cards[c]) < n {
		d.turn++
		d.cards[c] = d.cards[c][:0:0]
		for i, l := range d.pool.Labels {
			if l == c {
				d.cards[c] = append(d.cards[c], i)
			}
		}
		shuffle(d.cards[c], rand.New(rand.NewPCG(d.seed, d.turn<<32|uint64(c))))
		d.cards[c] = slices.DeleteFunc(d.cards[c], func(i int) bool { return slices.Contains(hand, i) })
	}
	if len(d.cards[c]) < n {
		return nil, fmt.Errorf("%w: of class %d are %d left where a peer shall get %d: use fewer peers, fewer samples each or more data", ErrTooFew, c, len(d.cards[c]), n)
	}
	taken := d.cards[c][:n]
	d.give(to, taken)
	d.cards[c] = d.cards[c][n:]
	return taken, nil
}

func (d *Deck) give(to *learner.Samples, cards []int) {
	for _, i := range cards {
		to.Labels = append(to.Labels, d.pool.Labels[i])
		to.Features = append(to.Features, d.pool.Features[i*d.pool.Width:(i+1)*d.pool.Width]...)
	}
}

// Deal deals one hand for each list of classes: so many training and probe
// samples of each of them.
func (d *Deck) Deal(holds [][]int, train, probe int) ([]Hand, error) {
	hands := make([]Hand, len(holds))
	for i, classes := range holds {
		counts := map[int]int{}
		for _, c := range classes {
			counts[c] = train
		}
		var err error
		if hands[i], err = d.counts(counts, probe); err != nil {
			return nil, err
		}
	}
	return hands, nil
}

// counts deals one hand with so many training samples of each class.
func (d *Deck) counts(train map[int]int, probe int) (h Hand, err error) {
	for _, c := range slices.Sorted(maps.Keys(train)) {
		taken, err := d.take(&h.Train, c, train[c], nil)
		if err != nil {
			return h, err
		}
		if _, err := d.take(&h.Probe, c, probe, taken); err != nil {
			return h, err
		}
	}
	return h, nil
}

// Window returns m consecutive classes from start, modulo the number of
// classes, ascending: how the Bristle experiments make classes non-i.i.d.
func Window(start, m, classes int) []int {
	var w []int
	for c := range classes {
		if (c-start%classes+classes)%classes < m {
			w = append(w, c)
		}
	}
	return w
}

// Spread returns one window of m classes per peer, spread evenly over the
// classes so that few peers cover them all.
func Spread(peers, m, classes int) [][]int {
	var out [][]int
	for i := range peers {
		out = append(out, Window(i*classes/peers, m, classes))
	}
	return out
}

// Dirichlet deals hands of the given number of training samples, the shares of
// the classes drawn for each peer from a symmetric Dirichlet distribution: the
// smaller alpha, the fewer classes (Hsu, Qi and Brown, 2019). Of each class that
// a peer holds it gets probe samples too.
func (d *Deck) Dirichlet(peers, classes int, alpha float64, train, probe int) ([]Hand, error) {
	rng := rand.New(rand.NewPCG(d.seed, 1<<32))
	var hands []Hand
	for range peers {
		counts := map[int]int{}
		shares := dirichlet(rng, classes, alpha)
		for range train {
			u, c := rng.Float64(), 0
			for ; c < classes-1 && u >= shares[c]; c++ {
				u -= shares[c]
			}
			counts[c]++
		}
		h, err := d.counts(counts, probe)
		if err != nil {
			return nil, err
		}
		hands = append(hands, h)
	}
	return hands, nil
}

// dirichlet draws n shares. The logarithms of gamma variates are kept, because
// with a small alpha the variates themselves are too small for a float64.
func dirichlet(rng *rand.Rand, n int, alpha float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = logGamma(rng, alpha)
	}
	top, sum := slices.Max(x), 0.0
	for i, v := range x {
		x[i] = kernel.Exp64(v - top)
		sum += x[i]
	}
	for i := range x {
		x[i] /= sum
	}
	return x
}

// logGamma draws the logarithm of a gamma variate of scale 1 by the method of
// Marsaglia and Tsang (2000), a shape below 1 by their boost from shape+1.
func logGamma(rng *rand.Rand, shape float64) float64 {
	boost := 0.0
	if shape < 1 {
		boost = kernel.Log64(1-rng.Float64()) / shape
		shape++
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := kernel.Normal(rng)
		v := 1 + float64(c*x)
		if v <= 0 {
			continue
		}
		v = v * v * v
		if kernel.Log64(1-rng.Float64()) < float64(x*x)/2+d-float64(d*v)+float64(d*kernel.Log64(v)) {
			return kernel.Log64(d) + kernel.Log64(v) + boost
		}
	}
}

// Shards sorts the pool by class, cuts as much of it as is needed into pieces
// of equal size and deals each peer so many of them (McMahan et al., 2017). Of
// each class that a peer holds it gets probe samples too.
func (d *Deck) Shards(peers, shards, size, probe int) ([]Hand, error) {
	rng := rand.New(rand.NewPCG(d.seed, 2<<32))
	// Whole shards, each of one class, as many of each class as its share of
	// the pool allows once the probes are set aside.
	var pieces []int // class of each
	for _, c := range slices.Sorted(maps.Keys(d.cards)) {
		for range max(0, len(d.cards[c])-peers*probe) / size {
			pieces = append(pieces, c)
		}
	}
	if len(pieces) < peers*shards {
		return nil, fmt.Errorf("%w: %d peers with %d shards of %d samples each, and probes of %d per class, need %d shards; there are %d",
			ErrTooFew, peers, shards, size, probe, peers*shards, len(pieces))
	}
	shuffle(pieces, rng)
	var hands []Hand
	for i := range peers {
		counts := map[int]int{}
		for _, c := range pieces[i*shards : (i+1)*shards] {
			counts[c] += size
		}
		h, err := d.counts(counts, probe)
		if err != nil {
			return nil, err
		}
		hands = append(hands, h)
	}
	return hands, nil
}

// ByOwner deals each peer the samples of so many owners, in the order of their
// names: at most train of each class to train on, and a third of the class, at
// most probe, kept aside.
func (d *Deck) ByOwner(peers, each, train, probe int) ([]Hand, error) {
	if len(d.pool.Owners) != len(d.pool.Labels) {
		return nil, fmt.Errorf("the data do not say whose each sample is: use another partition")
	}
	type key struct {
		owner string
		class int
	}
	cards := map[key][]int{}
	var owners []string
	for _, c := range slices.Sorted(maps.Keys(d.cards)) {
		for _, i := range d.cards[c] {
			k := key{d.pool.Owners[i], c}
			cards[k] = append(cards[k], i)
			owners = append(owners, k.owner)
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	if len(owners)/each < peers {
		return nil, fmt.Errorf("%w: the data are of %d owners, for %d peers with %d each", ErrTooFew, len(owners), peers, each)
	}
	given := owners[:peers*each]
	hands := make([]Hand, peers)
	for i := range hands {
		of := given[i*each : (i+1)*each]
		for _, c := range slices.Sorted(maps.Keys(d.cards)) {
			var mine []int
			for _, owner := range of {
				mine = append(mine, cards[key{owner, c}]...)
			}
			held := min(probe, len(mine)/3)
			d.give(&hands[i].Probe, mine[:held])
			d.give(&hands[i].Train, mine[held:min(len(mine), held+train)])
		}
		if len(hands[i].Train.Labels) == 0 {
			return nil, fmt.Errorf("%w: owner %s has none", ErrTooFew, of[0])
		}
	}
	// What was given must not be dealt again.
	for c := range d.cards {
		d.cards[c] = slices.DeleteFunc(d.cards[c], func(i int) bool {
			_, ok := slices.BinarySearch(given, d.pool.Owners[i])
			return ok
		})
	}
	return hands, nil
}
