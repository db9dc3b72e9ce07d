package sim

import (
	"math/rand/v2"
	"slices"

	"github.com/bristle-fl/bristled/federation"
	"github.com/bristle-fl/bristled/learner"
)

// Attack is what Byzantine peers do. The two halves are independent: data
// attackers lie to themselves and send honestly, model attackers train
// honestly and lie to others.
type Attack struct {
	Name string
	// Label returns the label that the attacker trains a sample of class c
	// with; nil trains honestly.
	Label func(c, classes int) int
	// Forge changes the update that goes to one victim, whose familiar
	// classes it knows. It gets a copy of its own, and randomness that
	// depends on the experiment's seed and the victim, so that all attackers
	// of one victim draw the same. nil sends the same to all.
	Forge func(u *federation.Update, familiar []int, rng *rand.Rand)
}

// FlipAll is label_flip_all of the Bristle experiments (docs/bristle.md, d):
// samples of class c+1 are labelled c, modulo the number of classes.
var FlipAll = Attack{
	Name:  "flip-all",
	Label: func(c, classes int) int { return (c + classes - 1) % classes },
}

// ForeignPermute is the foreign-poison attack with a permutation per victim
// (docs/bristle.md, d): the attacker is perfect on the victim's own classes
// and gives every other class the row of a different one. All attackers use
// the same permutation for one victim.
var ForeignPermute = Attack{
	Name: "foreign-permute",
	Forge: func(u *federation.Update, familiar []int, rng *rand.Rand) {
		var foreign []int // indices of rows
		for i, c := range u.Rows.Classes {
			if !slices.Contains(familiar, c) {
				foreign = append(foreign, i)
			}
		}
		honest := slices.Clone(u.Rows.Weights)
		for k, from := range derangement(len(foreign), rng) {
			f := u.Rows.Features
			copy(u.Rows.Row(foreign[k]), honest[foreign[from]*f:(foreign[from]+1)*f])
		}
	},
}

// derangement returns a random permutation without fixed points (Sattolo's
// algorithm: one single cycle); for n = 1 there is none.
func derangement(n int, rng *rand.Rand) []int {
	p := make([]int, n)
	for i := range p {
		p[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := rng.IntN(i)
		p[i], p[j] = p[j], p[i]
	}
	return p
}

// Relabel returns samples labelled as the attack has it, sharing features.
func (a Attack) Relabel(s learner.Samples, classes int) learner.Samples {
	if a.Label == nil {
		return s
	}
	lied := learner.Samples{Features: s.Features, Labels: make([]int, len(s.Labels))}
	for i, c := range s.Labels {
		lied.Labels[i] = a.Label(c, classes)
	}
	return lied
}
