package sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Topology says who sends to whom. Peers are numbered, honest ones first.
//
// A pattern chooses anew in every round, for honest peers and liars alike. A
// graph is fixed and connects honest peers; liars reach all of them, as in the
// Bristle experiments.
type Topology struct {
	pattern func(from int, round uint64, out []int) []int
	graph   [][]int
}

// Targets appends to out the peers that a peer sends to in one of its rounds,
// out of the honest ones.
func (t Topology) targets(from int, round uint64, honest int, out []int) []int {
	switch {
	case t.pattern != nil:
		return slices.DeleteFunc(t.pattern(from, round, out), func(to int) bool { return to == from || to >= honest })
	case t.graph != nil && from < honest:
		return append(out, t.graph[from]...)
	}
	for to := range honest {
		if to != from {
			out = append(out, to)
		}
	}
	return out
}

// MostHeard returns how many of so many honest peers one of them hears at most: on
// a graph its neighbours, otherwise all others, in one round or over several.
// Liars are not counted.
func (t Topology) MostHeard(honest int) int {
	if t.graph == nil {
		return max(0, honest-1)
	}
	most := 0
	for _, neighbours := range t.graph {
		most = max(most, len(neighbours))
	}
	return most
}

// All connects every peer with every other. It is the zero Topology.
func All() Topology { return Topology{} }

// Random sends to k others in every round, each drawn with equal chances.
func Random(peers, k int, seed uint64) Topology {
	k = min(k, peers-1)
	return Topology{pattern: func(from int, round uint64, out []int) []int {
		rng := rand.New(rand.NewPCG(seed, uint64(from)<<32|round))
		for len(out) < k {
			if to := rng.IntN(peers); to != from && !slices.Contains(out, to) {
				out = append(out, to)
			}
		}
		return out
	}}
}

// RoundRobin sends to one other in every round: the next in cyclic order.
func RoundRobin(peers int) Topology {
	return Topology{pattern: func(from int, round uint64, out []int) []int {
		return append(out, (from+1+int(round%uint64(max(1, peers-1))))%peers)
	}}
}

// Hops sends to one other in every round, 1, 2, 4, 8 and so on places further,
// beginning again when the circle is closed: "ring" of the Bristle experiments.
func Hops(peers int) Topology {
	var hops []int
	for h := 1; h < peers; h *= 2 {
		hops = append(hops, h)
	}
	return Topology{pattern: func(from int, round uint64, out []int) []int {
		if len(hops) == 0 {
			return out
		}
		return append(out, (from+hops[round%uint64(len(hops))])%peers)
	}}
}

// Ring connects each peer with its two neighbours.
func Ring(peers int) Topology { return lattice(peers, 2) }

// lattice connects each peer with its k nearest on a circle, k even.
func lattice(peers, k int) Topology {
	g := make([][]int, peers)
	for i := range g {
		for d := 1; d <= k/2; d++ {
			link(g, i, (i+d)%peers)
		}
	}
	return Topology{graph: g}
}

func link(g [][]int, a, b int) bool {
	if a == b || slices.Contains(g[a], b) {
		return false
	}
	g[a], g[b] = append(g[a], b), append(g[b], a)
	return true
}

// SmallWorld is the graph of Watts and Strogatz (1998): a ring in which each
// peer knows its k nearest, k even, and each link is moved to a random peer with
// probability p.
func SmallWorld(peers, k int, p float64, seed uint64) Topology {
	t := lattice(peers, k)
	rng := rand.New(rand.NewPCG(seed, 1))
	for i := range peers {
		for d := 1; d <= k/2; d++ {
			to := (i + d) % peers
			if rng.Float64() >= p || len(t.graph[i]) >= peers-1 {
				continue
			}
			other := rng.IntN(peers)
			if !slices.Contains(t.graph[i], to) || !link(t.graph, i, other) {
				continue
			}
			unlink(t.graph, i, to)
		}
	}
	return t
}

func unlink(g [][]int, a, b int) {
	g[a] = slices.DeleteFunc(g[a], func(x int) bool { return x == b })
	g[b] = slices.DeleteFunc(g[b], func(x int) bool { return x == a })
}

// ErdosRenyi links each pair with probability p.
func ErdosRenyi(peers int, p float64, seed uint64) Topology {
	g := make([][]int, peers)
	rng := rand.New(rand.NewPCG(seed, 2))
	for a := range peers {
		for b := range a {
			if rng.Float64() < p {
				link(g, a, b)
			}
		}
	}
	return Topology{graph: g}
}

// Regular is a random graph in which every peer has k links: the pairing model
// (Bollobás, 1980) with random exchanges of links until no peer is linked with
// itself or twice with another. Where more than half of all links are wanted,
// those that are not are drawn. peers times k must be even and k below peers.
func Regular(peers, k int, seed uint64) (Topology, error) {
	if k < 1 || k >= peers || peers*k%2 != 0 {
		return Topology{}, fmt.Errorf("no graph of %d peers has %d links at each: k is at least 1 and below the number of peers, and their product is even", peers, k)
	}
	if rest := peers - 1 - k; rest < k {
		return dense(peers, rest, seed)
	}
	rng := rand.New(rand.NewPCG(seed, 3))
	ends := make([]int, 0, peers*k)
	for i := range peers {
		for range k {
			ends = append(ends, i)
		}
	}
	rng.Shuffle(len(ends), func(i, j int) { ends[i], ends[j] = ends[j], ends[i] })
	type pair [2]int
	ordered := func(a, b int) pair { return pair{min(a, b), max(a, b)} }
	count := map[pair]int{}
	links := len(ends) / 2
	for i := range links {
		count[ordered(ends[2*i], ends[2*i+1])]++
	}
	bad := func(a, b int) bool { return a == b || count[ordered(a, b)] > 1 }
	// A pass repairs nearly all; a dense graph may need some.
	for pass := 0; pass < 1000; pass++ {
		clean := true
		for i := range links {
			a, b := ends[2*i], ends[2*i+1]
			if !bad(a, b) {
				continue
			}
			clean = false
			j := rng.IntN(links)
			c, d := ends[2*j], ends[2*j+1]
			if i == j || a == c || b == d || count[ordered(a, c)] > 0 || count[ordered(b, d)] > 0 {
				continue
			}
			count[ordered(a, b)]--
			count[ordered(c, d)]--
			count[ordered(a, c)]++
			count[ordered(b, d)]++
			ends[2*i+1], ends[2*j] = c, b
		}
		if clean {
			g := make([][]int, peers)
			for i := range links {
				link(g, ends[2*i], ends[2*i+1])
			}
			return Topology{graph: g}, nil
		}
	}
	return Topology{}, fmt.Errorf("found no graph of %d peers with %d links at each: try another seed or fewer links", peers, k)
}

// dense is a random graph in which every peer is linked with all but k others.
func dense(peers, k int, seed uint64) (Topology, error) {
	var not Topology
	if k > 0 {
		var err error
		if not, err = Regular(peers, k, seed); err != nil {
			return Topology{}, err
		}
	}
	g := make([][]int, peers)
	for a := range g {
		for b := range a {
			if k == 0 || !slices.Contains(not.graph[a], b) {
				link(g, a, b)
			}
		}
	}
	return Topology{graph: g}, nil
}

// Edges is a graph given by its links, pairs of peers. A link that comes again, or
// joins a peer with itself, counts for nothing.
func Edges(peers int, links [][2]int) (Topology, error) {
	g := make([][]int, peers)
	for i, l := range links {
		for _, end := range l {
			if end < 0 || end >= peers {
				return Topology{}, fmt.Errorf("link %d joins peers %d and %d: there are peers 0 to %d", i+1, l[0], l[1], peers-1)
			}
		}
		link(g, l[0], l[1])
	}
	return Topology{graph: g}, nil
}
