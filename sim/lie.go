package sim

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// lie lets the liars that wrote to a peer say what they will, knowing
// everything that it is about to integrate.
func (w *world) lie(worker int, m *member, lies map[int]letter) error {
	var inbox []*federation.Update
	for _, u := range m.Inbox() {
		if _, honest := w.numbers[u.Sender]; honest {
			inbox = append(inbox, u)
		}
	}
	numbers := slices.Sorted(maps.Keys(lies))
	holds := make([][]int, len(w.honest))
	for i, h := range w.honest {
		holds[i] = h.Familiar()
	}
	outcome := func(claims []int, rows federation.Rows) federation.Head {
		updates := slices.Clone(inbox)
		for _, i := range numbers {
			updates = append(updates, &federation.Update{
				Federation: m.Manifest().ID(), Sender: name(i), Seq: 1, Claims: claims, Rows: rows,
			})
		}
		result, err := m.Try(w.trials[worker], updates)
		if err != nil {
			return m.Head() // nothing is gained by what a rule refuses
		}
		return result.Head.Clone()
	}
	var agreed *federation.Rows
	agree := func(plan func() federation.Rows) federation.Rows {
		if agreed == nil {
			rows := plan()
			agreed = &rows
		}
		return *agreed
	}
	for _, i := range numbers {
		l := w.liars[i-len(w.honest)]
		u := *l.update
		u.Seq = lies[i].seq
		u.Claims = slices.Clone(u.Claims)
		u.Rows = federation.Rows{Classes: slices.Clone(u.Rows.Classes), Features: u.Rows.Features, Weights: slices.Clone(u.Rows.Weights)}
		s := &attack.Scene{
			Round: m.Rounds(), Classes: len(w.Manifest.Classes), Rule: w.Manifest.Rule,
			Update: &u, Head: l.Head(), Liar: i - len(w.honest), Liars: len(w.liars),
			Victim: m.number, Familiar: m.Familiar(), Own: m.Head(), Before: m.before,
			Inbox: inbox, Holds: holds,
			Rand:    rand.New(rand.NewPCG(w.Seed, uint64(m.number))),
			Fresh:   rand.New(rand.NewPCG(w.Seed^uint64(i)<<40, uint64(m.number)<<32|m.Rounds())),
			Outcome: outcome, Agree: agree,
		}
		if !l.Forge(s) {
			continue
		}
		if l.set != nil {
			set := w.falseSet(m, l, s)
			u.Prototypes, u.Epoch = set.hash, set.epoch
		}
		forged, _, err := w.wire(&u)
		if err != nil {
			return fmt.Errorf("liar %d sends what nobody can read: %w", s.Liar, err)
		}
		if kept(m.Receive(forged)) {
			w.spoke[worker][i] = true
		}
	}
	return nil
}

// falseSet returns what an update of a liar names as its set. A peer is offered
// the set with the first update.
func (w *world) falseSet(m *member, l *liar, s *attack.Scene) shown {
	if set, ok := m.liarSets[s.Liar]; ok {
		return set
	}
	set := *l.set
	set.Samples = slices.Clone(set.Samples)
	set.Means = federation.Rows{Classes: slices.Clone(set.Means.Classes), Features: set.Means.Features, Weights: slices.Clone(set.Means.Weights)}
	l.Attack.Prototypes(s, &set)
	var show shown
	if len(set.Samples) > 0 {
		show = shown{set.Hash(), set.Epoch}
		m.fresh = append(m.fresh, published{&set, l.number})
	}
	m.liarSets[s.Liar] = show
	return show
}
