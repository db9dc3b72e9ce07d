package sim

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/node"
)

// published is a set of prototypes with the number of its sender among all peers.
type published struct {
	*federation.Prototypes
	from int
}

// offer is a set that a peer can keep.
type offer struct {
	published
	refused bool // before, because the peer held too many
}

// chance is the stream of the order in which sets come.
const chance = 1 << 63

// publish makes known what sets of prototypes a peer has met first, and returns
// the size of its own if that is among them.
func (w *world) publish(m *member) (size int, err error) {
	if own := m.Prototypes(); own != nil && m.Rounds() == 1 {
		encoded, err := own.Encode(w.Manifest)
		if err != nil {
			return 0, fmt.Errorf("publish its prototypes: %w", err)
		}
		size = len(encoded)
		w.sets = append(w.sets, published{own, m.number})
	}
	for _, set := range m.fresh {
		known := slices.ContainsFunc(w.sets, func(s published) bool {
			return s.from == set.from && s.Hash() == set.Hash()
		})
		if !known {
			w.sets = append(w.sets, set)
		}
	}
	m.fresh = m.fresh[:0]
	return size, nil
}

// hear offers a peer the sets of others that have come since its last round, those
// that liars showed it in this one among them. A peer keeps so many and no more, so
// who comes first matters; over a network that is chance, not rank. A peer asks
// for a set because an update names it, so updates come first, and a set for
// which there was no room is offered again whenever its sender is heard.
func (w *world) hear(worker int, m *member) {
	for ; m.heard < len(w.sets); m.heard++ {
		if set := w.sets[m.heard]; set.from != m.number {
			m.offers = append(m.offers, offer{published: set})
		}
	}
	for _, set := range m.fresh {
		m.offers = append(m.offers, offer{published: set})
	}
	if len(m.offers) == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(w.Seed^chance, uint64(m.number)<<32|m.Rounds()))
	rng.Shuffle(len(m.offers), func(i, j int) { m.offers[i], m.offers[j] = m.offers[j], m.offers[i] })
	left, full := m.offers[:0], false
	for _, o := range m.offers {
		counts := w.spoke[worker][o.from]
		if o.refused && (full || !counts) {
			left = append(left, o)
			continue
		}
		if !errors.Is(m.ReceivePrototypes(o.Prototypes), node.ErrTooMany) {
			continue
		}
		// Where one whose updates count finds no room, nobody does.
		full = full || counts
		if !slices.Contains(m.fresh, o.published) { // these come again, with gossip
			o.refused = true
			left = append(left, o)
		}
	}
	clear(m.offers[len(left):])
	m.offers = left
}
