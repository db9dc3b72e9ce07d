package robust

import "math/bits"

// mda is minimum diameter averaging: the mean of the n-f vectors whose greatest
// pairwise distance is least. The subset is found exactly: for a diameter, the
// pairs that are no further apart are the edges of a graph in which n-f vectors
// within that diameter are a clique; the least diameter with such a clique is found
// by bisection over the distances that occur.
type mda struct {
	dist   *distances
	mix    mixer
	f      int
	sorted []float64
	order  []int
	graph  []set
	found  []int
	stack  []int
	tries  int // how often extend may still be called
	shares []float64
}

// mostTries bounds the search for one clique, lest vectors made for it keep a peer
// busy for ever: finding cliques is hard. 100 random vectors, 40 of them to be left
// out, need some hundreds. A diameter at which the search ends so counts as too
// small.
const mostTries = 1 << 14

// mostVectors is the most that mda takes: bits of a set.
const mostVectors = 256

// set is a set of vectors.
type set [mostVectors / 64]uint64

func (s *set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s *set) remove(i int)   { s[i/64] &^= 1 << (i % 64) }
func (s *set) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }

func (s *set) count() (n int) {
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

func (s *set) and(o *set) (both set) {
	for i := range s {
		both[i] = s[i] & o[i]
	}
	return both
}

var mdaEntry = RuleEntry{Info{
	Name: "mda", Summary: "mean of the n-f whose greatest pairwise distance is least",
	Source:    "El Mhamdi, Guerraoui, Guirguis, Hoang and Rouault, PODC 2020 (minimum diameter averaging); exact up to 16,384 branches of the search for one diameter, at most 256 vectors",
	Breakdown: "f < n/2",
	Constants: []Constant{liars("vectors to leave out")},
}, func(v Values, workers int) Rule {
	return &mda{dist: newDistances(workers), mix: newMixer(workers), f: v.Whole("f")}
}}

func (r *mda) Least() int { return 2*r.f + 1 }

// Most returns how many vectors a set holds.
func (r *mda) Most() int { return mostVectors }

func (r *mda) Aggregate(dst []float32, in Input) []float64 {
	n := len(in.Vectors)
	r.dist.measure(in.Vectors)
	r.sorted = r.sorted[:0]
	for i := range n {
		r.sorted = append(r.sorted, r.dist.row(i)[:i]...)
	}
	r.order = ascending(r.order, r.sorted)
	low, high := -1, len(r.sorted)-1 // the clique of all has the greatest distance
	r.found = r.found[:0]
	for i := range n - r.f {
		r.found = append(r.found, i)
	}
	if n-r.f > 1 {
		for high-low > 1 {
			middle := (low + high) / 2
			if r.clique(n, r.sorted[r.order[middle]]) {
				high = middle
			} else {
				low = middle
			}
		}
		r.clique(n, r.sorted[r.order[high]])
	}
	r.shares = equal(r.shares, len(in.Vectors), r.found)
	r.mix.sum(dst, r.shares, in.Vectors)
	return r.shares
}

// clique looks for n-f vectors no two of which are further apart than the square
// root of limit, the first in order, and keeps them in found.
func (r *mda) clique(n int, limit float64) bool {
	r.graph = grow(r.graph, n)
	var all set
	for i := range n {
		r.graph[i] = set{}
		for j, d := range r.dist.row(i) {
			if i != j && d <= limit {
				r.graph[i].add(j)
			}
		}
		all.add(i)
	}
	r.stack, r.tries = r.stack[:0], mostTries
	return r.extend(all, n-r.f)
}

// extend completes the stack with so many of the candidates, of which the rest,
// the spare ones, must go. What forces its hand comes first: a candidate that is too
// far from more others than may go is not in, again and again. Of two that are too
// far from each other one must go, so more disjoint pairs of them than spare ones
// end the search. Else the candidate that is too far from the most others is in, and
// they are not, or it is not.
func (r *mda) extend(candidates set, want int) bool {
	if r.tries--; r.tries < 0 {
		return false
	}
	left := candidates.count()
	worst := -1
	for changed := true; changed; {
		changed, worst = false, -1
		most := 0
		for i := range r.graph {
			if !candidates.has(i) {
				continue
			}
			near := candidates.and(&r.graph[i])
			far := left - 1 - near.count()
			if far > left-want {
				candidates.remove(i)
				left--
				changed = true
			} else if far > most {
				most, worst = far, i
			}
		}
		if left < want {
			return false
		}
	}
	if worst < 0 {
		r.found = append(r.found[:0], r.stack...)
		for i := range r.graph {
			if candidates.has(i) && len(r.found) < len(r.stack)+want {
				r.found = append(r.found, i)
			}
		}
		return true
	}
	if r.pairs(candidates) > left-want {
		return false
	}
	r.stack = append(r.stack, worst)
	if r.extend(candidates.and(&r.graph[worst]), want-1) {
		return true
	}
	r.stack = r.stack[:len(r.stack)-1]
	candidates.remove(worst)
	return r.extend(candidates, want)
}

// pairs returns a number of disjoint pairs of candidates that are too far from each
// other, such that none can be added.
func (r *mda) pairs(candidates set) (n int) {
	for i := range r.graph {
		if !candidates.has(i) {
			continue
		}
		candidates.remove(i)
		for w := range candidates {
			if far := candidates[w] &^ r.graph[i][w]; far != 0 {
				candidates[w] &= ^(far & -far)
				n++
				break
			}
		}
	}
	return n
}
