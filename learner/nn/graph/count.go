package graph

// LayerInfo is what one node costs.
type LayerInfo struct {
	Name   string // the node's name, or that of its output
	Op     string
	Output string // value that it makes
	Shape  []int  // its extents, batch included
	// Params is the number of trainable elements that the node is the first
	// to use, directly or through nodes that only transform weights. The
	// running statistics of a normalization do not count. The number is that
	// of the original initializers if Specialize kept them (KeepParams);
	// otherwise a folded constant counts as it is.
	Params int64
	MACs   int64 // multiplications that are added up, for the whole batch
}

// Count returns what every node costs that depends on an input of the graph,
// in their order.
func Count(s *Static) []LayerInfo {
	still := s.still()
	counted := map[string]bool{}
	makers := s.Graph.Makers()
	var params func(value string) int64
	params = func(value string) int64 {
		if value == "" || !still[value] || counted[value] {
			return 0
		}
		counted[value] = true
		if t := s.Graph.Consts[value]; t != nil {
			if t.Type == Float32 && len(t.Dims) > 0 && !s.Graph.Fixed[value] {
				return int64(t.Len())
			}
			return 0
		}
		sum := int64(0)
		for _, in := range s.Graph.Nodes[makers[value]].Inputs {
			sum += params(in)
		}
		return sum
	}
	infos := make([]LayerInfo, 0, len(s.Graph.Nodes))
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		if still[n.Outputs[0]] {
			continue
		}
		info := LayerInfo{Name: n.Label(), Op: n.Op, Output: n.Outputs[0], Shape: s.Shapes[n.Outputs[0]], MACs: s.macs(n)}
		in := n.Inputs
		if n.Op == "BatchNormalization" {
			in = in[:3]
		}
		for _, name := range in {
			info.Params += params(name)
		}
		infos = append(infos, info)
	}
	return infos
}

// Total returns the sums of parameters and multiplications.
func Total(infos []LayerInfo) (params, macs int64) {
	for _, l := range infos {
		params += l.Params
		macs += l.MACs
	}
	return params, macs
}

// macs returns the multiplications of a node that are added up.
func (s *Static) macs(n *Node) int64 {
	out := int64(Size(s.Shapes[n.Outputs[0]]))
	switch n.Op {
	case "Conv":
		return out * int64(Size(s.Shapes[n.Inputs[1]][1:]))
	case "Gemm":
		return out * int64(s.Shapes[n.Inputs[0]][1-n.Int("transA", 0)])
	case "MatMul", "Linear":
		a := s.Shapes[n.Inputs[0]]
		return out * int64(a[len(a)-1])
	}
	return 0
}
