package graph

// stays lists operators that are evaluated even if a trainable initializer is
// among their inputs: no gradient passes them.
var stays = map[string]bool{
	"Floor": true, "Ceil": true, "Round": true, "Sign": true, "Mod": true, "ScatterND": true,
}

// emit adds one node of normal form, or its value if that is known.
func (c *call) emit(out, op string, in []string, attrs map[string]Attr, dims []int, typ Type) error {
	if err := checkDims(dims); err != nil {
		return err
	}
	if attrs == nil {
		attrs = map[string]Attr{}
	}
	n := Node{Name: c.n.Name, Op: op, Inputs: in, Outputs: []string{out}, Attrs: attrs}
	v := &value{dims: dims, typ: typ}
	known := evaluates(op)
	for _, name := range in {
		if name == "" {
			continue
		}
		known = known && c.values[name].known()
		v.trained = v.trained || c.values[name].trained
	}
	quant := op == "QuantizeLinear" || op == "DequantizeLinear"
	switch {
	case !known || quant && c.opts.KeepQDQ:
		c.out.Nodes = append(c.out.Nodes, n)
		v.trained = false
	case c.opts.KeepParams && v.trained && typ == Float32 && !stays[op]:
		c.out.Nodes = append(c.out.Nodes, n)
		v.waits = len(c.out.Nodes)
	default:
		t, err := c.evaluate(&n, dims, typ)
		if err != nil {
			return err
		}
		v.tensor, v.trained = t, v.trained && typ == Float32
	}
	c.values[out] = v
	return nil
}

// force returns the elements of a known value.
func (s *specializer) force(name string) (*Tensor, error) {
	v := s.values[name]
	if v.tensor == nil {
		t, err := s.evaluate(&s.out.Nodes[v.waits-1], v.dims, v.typ)
		if err != nil {
			return nil, err
		}
		v.tensor = t
	}
	return v.tensor, nil
}

// evaluate runs a node in normal form on its known inputs.
func (s *specializer) evaluate(n *Node, dims []int, typ Type) (*Tensor, error) {
	in, read := make([]*Tensor, len(n.Inputs)), int64(0)
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		t, err := s.force(name)
		if err != nil {
			return nil, err
		}
		in[i] = t
		read += int64(t.Len())
	}
	if n.Op == "Reshape" {
		t := *in[0]
		t.Dims = dims
		return &t, nil
	}
	if err := s.budget.take(n, dims, typ, read); err != nil {
		return nil, err
	}
	return evaluators[n.Op](n, in, dims, typ)
}
