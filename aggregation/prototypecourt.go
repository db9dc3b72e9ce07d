package aggregation

import (
	"slices"

	"github.com/bristle-fl/bristled/federation"
)

// A set without a class in common with the own one cannot be tested at first hand;
// and sets that contradict each other cannot all be true, so that then the test is
// not enough: a liar that is truthful about the classes that it has in common with a
// peer passes it. What is published says the rest. Two sets with a class in common
// can be compared by anybody, so nobody has to be asked, and nobody can speak ill of
// a set but by contradicting it.

// courtRounds is how often voices are weighed anew by the standing that they were
// found to have: those who lie lose their say about others. More change nothing that
// is decided by then.
const courtRounds = 3

// court holds what the sets make of each other.
type court struct {
	k      *Knowledge
	mass   []float64
	voices []float64 // mass times trust, then times standing
	kappa  []float64 // sets x sets: trust of the row's set in the column's; -1: nothing in common
}

func newCourt(own OwnMeans, k *Knowledge, sets []*federation.Prototypes, mass []float64) *court {
	n := len(sets)
	c := &court{k: k, mass: mass, voices: make([]float64, n), kappa: make([]float64, n*n)}
	// Nobody publishes how far the samples of a class are from its mean: those of
	// others are taken to be as far as the own ones.
	spread := 0.0
	for _, s := range own.Variance {
		spread += s / float64(len(own.Variance))
	}
	for w, set := range sets {
		if mass[w] == 0 || k.Shared[w] && k.Trust[w] == 0 {
			continue // no voice, now or later
		}
		sees := newView(OwnMeans{Means: set.Means, Samples: set.Samples, Variance: slices.Repeat([]float64{spread}, len(set.Samples))})
		for j, other := range sets {
			trust, shared := -1.0, false
			if mass[j] > 0 {
				trust, shared = sees.firstHand(other.Means)
			}
			if !shared {
				trust = -1
			}
			c.kappa[w*n+j] = trust
		}
	}
	return c
}

// hearsay returns kappa of a set without a class in common: a²/(a²+(1-a)²) for the
// mean a of the trust that the sets known at first hand have in it, .5 without any.
// One hop only: strangers do not speak for strangers.
func (c *court) hearsay(set int) float64 {
	sum, total := 0.0, 0.0
	for w := range c.mass {
		if voice := float64(c.mass[w] * c.k.Trust[w]); c.k.Shared[w] {
			c.hear(w, set, voice, &sum, &total)
		}
	}
	return verdict(sum, total)
}

// hear adds what a voice says of a set, if it knows anything of it.
func (c *court) hear(w, set int, voice float64, sum, total *float64) {
	if voice == 0 || w == set {
		return
	}
	if trust := c.kappa[w*len(c.voices)+set]; trust >= 0 {
		*sum += float64(voice * trust)
		*total += voice
	}
}

// verdict returns a²/(a²+(1-a)²) for the mean a = sum/total, .5 if nothing was said.
func verdict(sum, total float64) float64 {
	if total == 0 {
		return .5
	}
	return sharpen(sum / total)
}

// standings returns how the sets stand with each other, from 0 to 1; nil if no two
// that have a voice contradict each other, when trust is enough.
func (c *court) standings() []float64 {
	n, contradiction := len(c.voices), false
	for w := range c.voices {
		c.voices[w] = float64(c.mass[w] * c.k.Trust[w])
	}
	for w, voice := range c.voices {
		for j, other := range c.voices {
			contradiction = contradiction || voice > 0 && other > 0 && c.kappa[w*n+j] == 0
		}
	}
	if !contradiction {
		return nil
	}
	standing, voices := make([]float64, n), slices.Clone(c.voices)
	for range courtRounds {
		for j := range standing {
			standing[j] = c.standing(j)
		}
		for j, s := range standing {
			c.voices[j] = voices[j] * s
		}
	}
	return standing
}

// standing returns a²/(a²+(1-a)²) for the mean a of the trust that the sets with a
// class in common have in a set, the peer's own with a weight of 1 among them; .5
// without any.
func (c *court) standing(set int) float64 {
	sum, total := 0.0, 0.0
	if c.k.Shared[set] {
		sum, total = c.k.Trust[set], 1
	}
	for w, voice := range c.voices {
		c.hear(w, set, voice, &sum, &total)
	}
	return verdict(sum, total)
}

// settle weighs the votes for a mean by the standing of the sets, unless that leaves
// none.
func (v *view) settle(standing []float64) {
	n := 0
	for i, j := range v.voters {
		if w := v.votes[i] * standing[j]; w > 0 {
			v.rows[n], v.votes[n] = v.rows[i], w
			n++
		}
	}
	if n > 0 {
		v.rows, v.votes = v.rows[:n], v.votes[:n]
	}
}
