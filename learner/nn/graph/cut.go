package graph

import (
	"maps"
	"slices"
	"strings"
)

// CutPoint is a value that everything passes: the network may be frozen up to
// there, or end there.
type CutPoint struct {
	Value string // its name, in the original graph too
	// Name is what a person calls the place: the module that ends there
	// ("layer3", "features.4"), or Value if none does. It is unique.
	Name   string
	Node   int   // index of the node that makes it
	Shape  []int // extents, batch included
	Params int64 // trainable elements up to there
	MACs   int64 // multiplications up to there, for the whole batch
}

// CutPoints returns the values that lie on every way from an input to an
// output, in their order.
func CutPoints(s *Static) []CutPoint {
	g, still := s.Graph, s.still()
	last := make(map[string]int, len(g.Nodes))
	for i := range g.Nodes {
		for _, in := range g.Nodes[i].Inputs {
			last[in] = i
		}
	}
	for _, o := range g.Outputs {
		last[o.Name] = len(g.Nodes)
	}
	// until is the last node that reads a value made so far.
	until := -1
	for _, in := range g.Inputs {
		until = max(until, last[in.Name])
	}
	var points []CutPoint
	ends := s.moduleEnds(still)
	infos, next := Count(s), 0
	var params, macs int64
	for i := range g.Nodes {
		out := g.Nodes[i].Outputs[0]
		if still[out] {
			continue
		}
		params, macs = params+infos[next].Params, macs+infos[next].MACs
		next++
		if until <= i && !s.made[out] {
			name := ends[i]
			if name == "" {
				name = out
			}
			points = append(points, CutPoint{out, name, i, s.Shapes[out], params, macs})
		}
		until = max(until, last[out])
	}
	return points
}

// moduleEnds returns the largest module that ends at a node.
func (s *Static) moduleEnds(still map[string]bool) map[int]string {
	end := map[string]int{}
	var path []string
	paths := make([][]string, len(s.Graph.Nodes))
	for i := range s.Graph.Nodes {
		if still[s.Graph.Nodes[i].Outputs[0]] {
			continue
		}
		// A node that does not say belongs to the module before it.
		if own := s.module(&s.Graph.Nodes[i]); len(own) > 0 {
			path = own
		}
		paths[i] = path
		for _, m := range path {
			end[m] = i
		}
	}
	ends := map[int]string{}
	for i, p := range paths {
		for _, m := range p {
			if end[m] == i {
				ends[i] = m
				break
			}
		}
	}
	return ends
}

// module returns the modules that a node lies in, the outermost first, each
// with its full name: layer3, layer3.1, layer3.1.conv2. It tells from the
// node's name, as PyTorch writes it (/layer3/layer3.1/conv2/Conv), or from
// those of its weights (layer3.1.conv2.weight).
func (s *Static) module(n *Node) []string {
	if parts := strings.Split(n.Name, "/"); len(parts) > 2 && len(parts) <= maxRank {
		var path []string
		full, last := "", ""
		for _, p := range parts[:len(parts)-1] {
			switch {
			case p == "":
				continue
			case last == "":
				full = p
			case strings.HasPrefix(p, last+"."):
				full += p[len(last):]
			default:
				full += "." + p
			}
			last = p
			path = append(path, full)
		}
		return path
	}
	for _, in := range n.Inputs {
		if s.Graph.Consts[in] == nil || strings.Contains(in, "/") || strings.Contains(in, "::") {
			continue
		}
		parts := strings.Split(in, ".")
		if len(parts) < 2 || len(parts) > maxRank {
			continue
		}
		var path []string
		for i := 1; i < len(parts); i++ {
			path = append(path, strings.Join(parts[:i], "."))
		}
		return path
	}
	return nil
}

// Split divides a graph at a value that everything passes: front makes the
// value, and back takes it as its input. Both share the constants with s.
func Split(s *Static, value string) (front, back *Static, err error) {
	point := slices.IndexFunc(CutPoints(s), func(p CutPoint) bool { return p.Value == value })
	if point < 0 {
		return nil, nil, Corrupt("not everything passes value %.80q: it is no place to cut", value)
	}
	at := Value{Name: value, Type: s.Types[value], Dims: slices.Clone(s.Shapes[value])}
	part := func() *Static {
		return &Static{Graph: s.Graph.Clone(), Shapes: maps.Clone(s.Shapes), Types: maps.Clone(s.Types), made: maps.Clone(s.made)}
	}
	front, back = part(), part()
	front.Graph.Outputs = []Value{at}
	RemoveDead(front)
	back.Graph.Inputs = []Value{at}
	back.Graph.Nodes = slices.DeleteFunc(back.Graph.Nodes, func(n Node) bool { return n.Outputs[0] == value })
	RemoveDead(back)
	return front, back, nil
}

// Cut returns the part of a graph that ends at a value, which is then its
// only output. Its extents are not declared. The numbers of constants are
// shared with g.
func Cut(g *Graph, value string) (*Graph, error) {
	if _, ok := g.Makers()[value]; !ok {
		return nil, Corrupt("no node makes value %.80q", value)
	}
	c := g.Clone()
	c.Outputs = []Value{{Name: value, Type: Float32}}
	RemoveDead(&Static{Graph: c})
	return c, nil
}

// From returns the part of a graph above a value that everything passes, which
// is then its only input, a float32 with the given extents. The numbers of
// constants are shared with g.
func From(g *Graph, value string, dims []int) (*Graph, error) {
	at, ok := g.Makers()[value]
	if !ok {
		return nil, Corrupt("no node makes value %.80q", value)
	}
	c := g.Clone()
	c.Nodes = slices.Delete(c.Nodes, at, at+1)
	above := []Value{{Name: value, Type: Float32, Dims: slices.Clone(dims)}}
	RemoveDead(&Static{Graph: c})
	uses := c.Uses()
	for _, in := range g.Inputs {
		if uses[in.Name] > 0 {
			return nil, Corrupt("not everything passes value %.80q: it is no place to cut", value)
		}
	}
	c.Inputs = above
	return c, nil
}
