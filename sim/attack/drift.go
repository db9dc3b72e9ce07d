package attack

import (
	"math/rand/v2"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// drift is slow collusive drift: the liars send the victim its own rows, moved a
// little towards rows under false names. In each round a row goes a given share of
// the length of its goal, or all the way if that is less, so that nothing it sends
// is far from what the victim has. The goal is what the liar learned for another
// class, by one permutation of all classes for everybody, so that victims pull each
// other along. The variant for foreign classes sends true rows for the victim's own.
type drift struct {
	Honest
	seed    uint64
	epsilon float64
	foreign bool
}

func (a drift) Forge(s *Scene) bool {
	goals := derange(truth(s.Classes), s.Classes, rand.New(rand.NewPCG(a.seed, driftStream)))
	for i, c := range s.Update.Rows.Classes {
		if a.foreign && s.familiar(c) {
			continue
		}
		out := s.Update.Rows.Row(i)
		goal, own := s.Head.Row(goals[c]), s.Own.Row(c)
		step, way := a.epsilon*distance(goal, make([]float32, len(goal))), distance(goal, own)
		copy(out, goal)
		if step < way {
			copy(out, own)
			kernel.Axpy(float32(-step/way), own, out)
			kernel.Axpy(float32(step/way), goal, out)
		}
	}
	return true
}
