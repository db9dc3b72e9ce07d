package sim

import (
	"fmt"
	"math/rand/v2"

	"github.com/bristle-fl/bristled/learner"
)

// Hand is what one peer gets: its classes' samples.
type Hand struct {
	Train learner.Samples
	Probe learner.Samples
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

// Deal deals disjoint samples from a pool, in an order decided by the seed:
// to peer i, train and then probe samples of each class in holds[i]. The
// feature vectors of the pool have the given width. It is an error if a class
// runs out.
func Deal(pool learner.Samples, width int, holds [][]int, train, probe int, seed uint64) ([]Hand, error) {
	deck := map[int][]int{}
	for i, l := range pool.Labels {
		deck[l] = append(deck[l], i)
	}
	for c, cards := range deck { // each with randomness of its own: any order will do
		rng := rand.New(rand.NewPCG(seed, uint64(c)))
		rng.Shuffle(len(cards), func(i, j int) { cards[i], cards[j] = cards[j], cards[i] })
	}
	take := func(to *learner.Samples, c, n int) error {
		if len(deck[c]) < n {
			return fmt.Errorf("the data have too few samples of class %d for %d peers with %d+%d each: use fewer peers or more data", c, len(holds), train, probe)
		}
		for _, i := range deck[c][:n] {
			to.Labels = append(to.Labels, c)
			to.Features = append(to.Features, pool.Features[i*width:(i+1)*width]...)
		}
		deck[c] = deck[c][n:]
		return nil
	}
	hands := make([]Hand, len(holds))
	for i, classes := range holds {
		for _, c := range classes {
			if err := take(&hands[i].Train, c, train); err != nil {
				return nil, err
			}
			if err := take(&hands[i].Probe, c, probe); err != nil {
				return nil, err
			}
		}
	}
	return hands, nil
}
