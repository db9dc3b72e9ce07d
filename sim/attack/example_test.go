package attack_test

import (
	"fmt"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/sim/attack"
)

// doubled sends honest rows of twice their length to those who know few classes,
// and nothing to others.
type doubled struct{ attack.Honest }

func (doubled) Forge(s *attack.Scene) bool {
	for i := range s.Update.Rows.Weights {
		s.Update.Rows.Weights[i] *= 2
	}
	return len(s.Familiar) <= 4
}

// A new attack embeds Honest and overrides what it lies in.
func Example() {
	// Put into sim.Experiment.Attack, it makes all liars of a run.
	liars := func(liar, liars int) (attack.Attack, error) { return doubled{}, nil }

	a, _ := liars(0, 1)
	s := &attack.Scene{
		Familiar: []int{0, 1},
		Update:   &federation.Update{Rows: federation.Rows{Classes: []int{7}, Features: 2, Weights: []float32{1, -3}}},
	}
	fmt.Println(a.Forge(s), s.Update.Rows.Weights)
	// Output: true [2 -6]
}

func ExampleParse() {
	spec, err := attack.Parse("on-off(period=20,duty=5)|fp-perm(prototypes=false)")
	fmt.Println(spec, err)
	_, err = attack.Parse("fp-prem")
	fmt.Println(err.Error()[:43])
	// Output:
	// on-off(duty=5)|fp-perm(prototypes=false) <nil>
	// unknown attack "fp-prem": there are fp-perm
}
