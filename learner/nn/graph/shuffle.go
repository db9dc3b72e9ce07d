package graph

import "slices"

// FuseShuffle makes one Gather of a channel shuffle (ShuffleNet): Reshape of
// the channels into groups, Transpose of the two axes, Reshape back. What a
// Gather of channels moves can stay channels-last.
func FuseShuffle(s *Static) {
	g := s.Graph
	uses, makers := g.Uses(), g.Makers()
	for i := range g.Nodes {
		last := &g.Nodes[i]
		if last.Op != "Reshape" {
			continue
		}
		turn := s.makerOnly(makers, uses, last.Inputs[0], "Transpose")
		if turn == nil {
			continue
		}
		split := s.makerOnly(makers, uses, turn.Inputs[0], "Reshape")
		if split == nil {
			continue
		}
		from, mid, to := s.Shapes[split.Inputs[0]], s.Shapes[split.Outputs[0]], s.Shapes[last.Outputs[0]]
		if len(from) < 3 || len(mid) != len(from)+1 || !slices.Equal(from, to) || mid[0] != from[0] || mid[1]*mid[2] != from[1] ||
			!slices.Equal(mid[3:], from[2:]) || !slices.Equal(turn.Ints("perm", nil)[:3], []int64{0, 2, 1}) ||
			!slices.IsSorted(turn.Ints("perm", nil)[3:]) {
			continue
		}
		index := make([]int64, from[1])
		for c := range index {
			index[c] = int64(c%mid[1]*mid[2] + c/mid[1])
		}
		name := last.Outputs[0] + "_channels"
		if _, taken := s.Shapes[name]; taken {
			continue
		}
		g.Consts[name] = Ints(index, len(index))
		g.Fixed[name] = true
		s.Shapes[name], s.Types[name] = []int{len(index)}, Int64
		*last = Node{Name: last.Name, Op: "Gather", Inputs: []string{split.Inputs[0], name}, Outputs: last.Outputs,
			Attrs: map[string]Attr{"axis": int64(1)}}
	}
	RemoveDead(s)
}

// makerOnly returns the node that makes a value which nothing else reads, if
// it is of that operator.
func (s *Static) makerOnly(makers, uses map[string]int, value, op string) *Node {
	at, ok := makers[value]
	if !ok || uses[value] != 1 || s.Graph.Nodes[at].Op != op {
		return nil
	}
	return &s.Graph.Nodes[at]
}
