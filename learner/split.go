package learner

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/bristle-fl/bristled/learner/data"
)

// Split divides a set into a training set and a probe of at most kappa
// samples per class, and at most a third of a class. Samples with equal
// pixels count once.
//
// The probe takes those with the smallest hashes. So the split depends on the
// samples alone, not on their order, and a sample that arrives later either
// joins the probe untrained or joins the training set. (While a class has
// fewer than 3·kappa samples its probe still grows, and then one sample that
// was trained on may move into it.)
func Split(set data.Set, kappa int) (train, probe []data.Sample) {
	type hashed struct {
		data.Sample
		hash [32]byte
	}
	all := make([]hashed, len(set.Samples))
	for i, s := range set.Samples {
		all[i] = hashed{s, s.Hash(set.Shape)}
	}
	slices.SortFunc(all, func(a, b hashed) int {
		return cmp.Or(cmp.Compare(a.Label, b.Label), bytes.Compare(a.hash[:], b.hash[:]))
	})
	all = slices.CompactFunc(all, func(a, b hashed) bool { return a.Label == b.Label && a.hash == b.hash })
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].Label == all[0].Label {
			n++
		}
		held := min(kappa, n/3)
		for i, s := range all[:n] {
			if i < held {
				probe = append(probe, s.Sample)
			} else {
				train = append(train, s.Sample)
			}
		}
		all = all[n:]
	}
	return train, probe
}
