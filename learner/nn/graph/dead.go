package graph

import "slices"

// RemoveDead removes nodes and constants that no output needs.
func RemoveDead(s *Static) {
	g := s.Graph
	needed := map[string]bool{}
	for _, o := range g.Outputs {
		needed[o.Name] = true
	}
	live := make([]bool, len(g.Nodes))
	for i := len(g.Nodes) - 1; i >= 0; i-- {
		n := &g.Nodes[i]
		if live[i] = slices.ContainsFunc(n.Outputs, func(o string) bool { return needed[o] }); !live[i] {
			continue
		}
		for _, in := range n.Inputs {
			needed[in] = in != ""
		}
	}
	kept := g.Nodes[:0]
	for i := range g.Nodes {
		if live[i] {
			kept = append(kept, g.Nodes[i])
		}
	}
	clear(g.Nodes[len(kept):])
	g.Nodes = kept
	for _, in := range g.Inputs {
		needed[in.Name] = true
	}
	for name := range g.Consts {
		if !needed[name] {
			delete(g.Consts, name)
			delete(g.Fixed, name)
		}
	}
	for name := range s.Shapes {
		if !needed[name] {
			delete(s.Shapes, name)
			delete(s.Types, name)
		}
	}
}
