package aggregation

import "slices"

// court decides disputes about a foreign class by how the sets get on with each
// other. What is published of the classes that two sets have in common says whether
// they can both be true, so nobody has to be asked, and nobody can speak ill of a
// set but by contradicting it.
type court struct {
	sets    []Published
	weights []float64 // of each set's voice: mass times trust
	trust   []float64 // that of the peer itself
	shared  []bool
	spread  float64   // the variance that a class is taken to have
	kappa   []float64 // sets x sets: trust of the row's set in the column's; -1: nothing in common
}

// settle weighs the votes in a dispute by the standing of the sets, unless that
// leaves none.
func (v *view) settle(k *Knowledge, sets []Published, mass []float64) {
	if v.court == nil {
		v.court = newCourt(v.own, k, sets, mass)
	}
	votes := slices.Clone(v.votes)
	for i, j := range v.voters {
		votes[i] *= v.court.standing(j)
	}
	if slices.Max(votes) == 0 {
		return
	}
	n := 0
	for i, w := range votes {
		if w > 0 {
			v.rows[n], v.votes[n] = v.rows[i], w
			n++
		}
	}
	v.rows, v.votes = v.rows[:n], v.votes[:n]
}

func newCourt(own OwnMeans, k *Knowledge, sets []Published, mass []float64) *court {
	c := &court{sets: sets, trust: k.Trust, shared: k.Shared, kappa: make([]float64, len(sets)*len(sets))}
	for _, s := range own.Variance {
		c.spread += s / float64(len(own.Variance))
	}
	for w, set := range sets {
		c.weights = append(c.weights, mass[w]*k.Trust[w])
		if c.weights[w] == 0 {
			continue
		}
		theirs := OwnMeans{Means: set.Means, Samples: set.Samples, Variance: slices.Repeat([]float64{c.spread}, len(set.Samples))}
		view := newView(theirs)
		for j, other := range sets {
			trust, shared := view.firstHand(other.Means)
			if !shared {
				trust = -1
			}
			c.kappa[w*len(sets)+j] = trust
		}
	}
	return c
}

// standing returns a²/(a²+(1-a)²) for the mean a of the trust that the sets with a
// class in common have in a set, the peer's own with a weight of 1 among them; .5
// without any.
func (c *court) standing(set int) float64 {
	sum, total := 0.0, 0.0
	if c.shared[set] {
		sum, total = c.trust[set], 1
	}
	for w, weight := range c.weights {
		if trust := c.kappa[w*len(c.sets)+set]; w != set && weight > 0 && trust >= 0 {
			sum += float64(weight * trust)
			total += weight
		}
	}
	if total == 0 {
		return .5
	}
	return sharpen(sum / total)
}
