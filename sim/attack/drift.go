package attack

import (
	"math/rand/v2"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// drift is slow collusive drift: the liars send the victim its own rows, moved a
// little towards rows under false names. In each round a row goes a given share of
// the length of its goal, or all the way if that is less, so that nothing it sends
// is far from what the victim has. The goal is what the liar learned for another
// class: one permutation of all classes for everybody, or one of the victim's
// foreign classes, beside true rows for its own.
type drift struct {
	Honest
	seed    uint64
	epsilon float64
	foreign bool
}

func (a drift) Forge(s *Scene) bool {
	pool, stream := []int(truth(s.Classes)), uint64(driftStream)
	if a.foreign {
		pool, stream = s.foreign(), uint64(s.Victim)
	}
	goals := derange(pool, s.Classes, rand.New(rand.NewPCG(a.seed, stream)))
	for _, c := range pool {
		out := rowOf(s.Update.Rows, c)
		if out == nil {
			continue
		}
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
