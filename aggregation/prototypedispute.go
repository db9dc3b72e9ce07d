package aggregation

import "slices"

// Sets that contradict each other cannot all be true, and trust at first hand is
// then not enough: a liar that is truthful about the classes that it has in common
// with a peer passes that peer's test. What is published says the rest. Two sets
// with a class in common can be compared by anybody, so nobody has to be asked, and
// nobody can speak ill of a set but by contradicting it.

// courtRounds is how often voices are weighed anew by the standing that they were
// found to have: those who lie lose their say about others. More change nothing that
// is decided by then.
const courtRounds = 3

// court holds what the sets make of each other.
type court struct {
	k      *Knowledge
	voices []float64 // mass times trust, then times standing
	kappa  []float64 // sets x sets: trust of the row's set in the column's; -1: nothing in common
}

// standings returns how the sets stand with each other, from 0 to 1; nil if no two
// that have a voice contradict each other, when trust at first hand decides.
func standings(own OwnMeans, k *Knowledge, sets []Published, mass []float64) []float64 {
	n := len(sets)
	c := &court{k: k, voices: make([]float64, n), kappa: make([]float64, n*n)}
	// Nobody publishes how far the samples of a class are from its mean: those of
	// others are taken to be as far as the own ones.
	spread := 0.0
	for _, s := range own.Variance {
		spread += s / float64(len(own.Variance))
	}
	contradiction := false
	for w, set := range sets {
		if c.voices[w] = mass[w] * k.Trust[w]; c.voices[w] == 0 {
			continue
		}
		sees := newView(OwnMeans{Means: set.Means, Samples: set.Samples, Variance: slices.Repeat([]float64{spread}, len(set.Samples))})
		for j, other := range sets {
			trust, shared := -1.0, false
			if mass[j]*k.Trust[j] > 0 {
				trust, shared = sees.firstHand(other.Means)
			}
			if !shared {
				trust = -1
			}
			c.kappa[w*n+j] = trust
			contradiction = contradiction || trust == 0
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
		if voice == 0 || w == set {
			continue
		}
		if trust := c.kappa[w*len(c.voices)+set]; trust >= 0 {
			sum += float64(voice * trust)
			total += voice
		}
	}
	if total == 0 {
		return .5
	}
	return sharpen(sum / total)
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
