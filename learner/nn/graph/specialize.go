package graph

import (
	"errors"
	"maps"
	"slices"
)

// Options say what Specialize leaves alone.
type Options struct {
	// KeepParams leaves nodes that compute something from trainable
	// initializers (float32, one axis or more, not in Graph.Fixed), so that
	// gradients reach these under their own names. Without it such nodes are
	// evaluated like all others.
	KeepParams bool
	// KeepQDQ leaves QuantizeLinear and DequantizeLinear of constants, so that
	// a quantized model's integers stay.
	KeepQDQ bool
}

// Static is a graph in normal form (see the package comment) for one shape of
// its inputs.
type Static struct {
	Graph  *Graph           // every node has one output
	Shapes map[string][]int // extents of every input, constant and output of a node
	Types  map[string]Type  // their types

	// made has the values that the original graph does not have.
	made map[string]bool
}

// Specialize brings a graph into normal form for concrete input shapes, batch
// included. An input that the map leaves out has the shape that the graph
// declares. An extent that the graph fixes may be given another value, which
// the graph then may not fit. Constants that did not change are shared with g.
//
// The error is an [*UnsupportedError] that names the node if the model needs
// an operator or option that bristled does not have, and wraps [ErrCorrupt] if
// the graph contradicts itself or the shapes.
func Specialize(g *Graph, inputs map[string][]int, o Options) (*Static, error) {
	s := &specializer{
		src: g, opts: o, budget: newBudget(g), uses: g.Uses(),
		values: make(map[string]*value, len(g.Nodes)+len(g.Consts)),
		alias:  map[string]string{},
		names:  map[string]bool{},
		made:   map[string]bool{},
		out: &Graph{
			Name: g.Name, Opset: g.Opset, Metadata: maps.Clone(g.Metadata),
			Nodes: make([]Node, 0, len(g.Nodes)), Consts: map[string]*Tensor{}, Fixed: map[string]bool{},
		},
	}
	if err := s.declare(inputs); err != nil {
		return nil, err
	}
	for i := range g.Nodes {
		if err := s.node(&g.Nodes[i]); err != nil {
			return nil, s.name(err, &g.Nodes[i])
		}
	}
	if err := s.outputs(); err != nil {
		return nil, err
	}
	return s.static(), nil
}

// specializer is one run of Specialize.
type specializer struct {
	src    *Graph
	opts   Options
	budget budget
	out    *Graph
	values map[string]*value
	uses   map[string]int    // of values of the original graph
	alias  map[string]string // values that are another one
	names  map[string]bool   // every name in use
	made   map[string]bool
}

// value is what is known of one value.
type value struct {
	dims    []int
	typ     Type
	tensor  *Tensor // its elements, nil if they depend on an input or wait
	waits   int     // 1 + index in out.Nodes of the node that would give the elements, or 0
	trained bool    // depends on a trainable initializer
}

// known reports whether the elements could be had.
func (v *value) known() bool { return v.tensor != nil || v.waits > 0 }

// declare makes values of the inputs and constants.
func (s *specializer) declare(shapes map[string][]int) error {
	g := s.src
	for name := range shapes {
		if !slices.ContainsFunc(g.Inputs, func(v Value) bool { return v.Name == name }) {
			return Corrupt("the model has no input %.80q", name)
		}
	}
	for _, in := range g.Inputs {
		dims, given := shapes[in.Name]
		if !given {
			dims = in.Dims
			if i := slices.IndexFunc(dims, func(d int) bool { return d < 0 }); i >= 0 {
				return Corrupt("extent %d of input %.80q is not known: give the input's shape", i, in.Name)
			}
		} else if in.Dims != nil && len(in.Dims) != len(dims) {
			return Corrupt("input %.80q has %d axes, shape %v was given", in.Name, len(in.Dims), dims)
		}
		if err := checkDims(dims); err != nil {
			return err
		}
		if in.Name == "" || s.names[in.Name] {
			return Corrupt("two inputs are named %.80q", in.Name)
		}
		typ := in.Type
		if typ == Float64 {
			typ = Float32
		}
		if !typ.known() {
			return &UnsupportedError{Reason: "an input of " + in.Type.String()}
		}
		in.Dims, in.Params, in.Type = slices.Clone(dims), nil, typ
		s.out.Inputs = append(s.out.Inputs, in)
		s.names[in.Name] = true
		s.values[in.Name] = &value{dims: in.Dims, typ: typ}
	}
	for name, t := range g.Consts {
		if name == "" || s.names[name] {
			return Corrupt("constant %.80q is an input too", name)
		}
		if t == nil {
			return Corrupt("constant %.80q is empty", name)
		}
		if err := t.check(); err != nil {
			return err
		}
		s.names[name] = true
		s.values[name] = &value{
			dims: t.Dims, typ: t.Type, tensor: t,
			trained: t.Type == Float32 && len(t.Dims) > 0 && !g.Fixed[name],
		}
	}
	for i := range g.Nodes {
		for _, o := range g.Nodes[i].Outputs {
			if o == "" {
				continue
			}
			if s.names[o] {
				return Corrupt("value %.80q is made twice", o)
			}
			s.names[o] = true
		}
	}
	return nil
}

// node brings one node into normal form.
func (s *specializer) node(n *Node) error {
	if n.Domain != "" && n.Domain != "ai.onnx" {
		return s.src.Unsupported(n, "operators of the domain %.80q are not supported", n.Domain)
	}
	r, ok := rules[n.Op]
	if !ok {
		return s.src.Unsupported(n, "the operator is not supported")
	}
	if len(n.Inputs) < r.least || len(n.Inputs) > r.most || len(n.Outputs) < 1 {
		return Corrupt("it has %d inputs and %d outputs", len(n.Inputs), len(n.Outputs))
	}
	c := &call{specializer: s, n: n, in: make([]string, len(n.Inputs))}
	for i, name := range n.Inputs {
		if name == "" {
			if i < r.least {
				return Corrupt("input %d is missing", i)
			}
			continue
		}
		if to, ok := s.alias[name]; ok {
			name = to
		}
		if s.values[name] == nil {
			return Corrupt("input %.80q is not made before it", name)
		}
		c.in[i] = name
	}
	if !r.many {
		for _, o := range n.Outputs[1:] {
			if o != "" && s.uses[o] > 0 {
				return s.src.Unsupported(n, "more than its first output is used")
			}
		}
		if n.Outputs[0] == "" {
			return nil
		}
	}
	return r.apply(c)
}

// name gives an error the node that it is about.
func (s *specializer) name(err error, n *Node) error {
	var un *UnsupportedError
	if errors.As(err, &un) {
		if un.Op == "" || un.Opset == 0 {
			un.Node, un.Op, un.Opset = n.Label(), n.Op, s.src.Opset
		}
		return err
	}
	return &nodeError{node: n.Label(), op: n.Op, cause: err}
}

// outputs gives the outputs their names back where they became another value.
func (s *specializer) outputs() error {
	if len(s.src.Outputs) > maxOutputs {
		return &UnsupportedError{Reason: "the model has more than 64 outputs"}
	}
	taken := map[string]bool{}
	for _, o := range s.src.Outputs {
		taken[o.Name] = true
	}
	for _, o := range s.src.Outputs {
		if to, ok := s.alias[o.Name]; ok {
			if maker := s.maker(to); maker >= 0 && !taken[to] {
				s.rename(to, o.Name)
			} else {
				// An input, a constant or another output: nothing to rename.
				s.values[o.Name] = &value{dims: s.values[to].dims, typ: s.values[to].typ}
				s.out.Nodes = append(s.out.Nodes, Node{
					Name: o.Name, Op: "Identity", Inputs: []string{to}, Outputs: []string{o.Name}, Attrs: map[string]Attr{},
				})
			}
			delete(s.alias, o.Name)
		}
		v := s.values[o.Name]
		if v == nil {
			return Corrupt("output %.80q is not made by any node", o.Name)
		}
		o.Dims, o.Params, o.Type = slices.Clone(v.dims), nil, v.typ
		s.out.Outputs = append(s.out.Outputs, o)
	}
	return nil
}

// maker returns the index of the node that makes a value, or -1.
func (s *specializer) maker(name string) int {
	return slices.IndexFunc(s.out.Nodes, func(n Node) bool { return n.Outputs[0] == name })
}

// rename gives a value made by a node another name everywhere.
func (s *specializer) rename(from, to string) {
	for i := range s.out.Nodes {
		n := &s.out.Nodes[i]
		for j, in := range n.Inputs {
			if in == from {
				n.Inputs[j] = to
			}
		}
		if n.Outputs[0] == from {
			n.Outputs[0] = to
		}
	}
	for name, target := range s.alias {
		if target == from {
			s.alias[name] = to
		}
	}
	s.values[to] = s.values[from]
	delete(s.values, from)
}

// static collects what is left.
func (s *specializer) static() *Static {
	st := &Static{Graph: s.out, Shapes: map[string][]int{}, Types: map[string]Type{}, made: s.made}
	for name, v := range s.values {
		if v.tensor != nil && v.waits == 0 {
			s.out.Consts[name] = v.tensor
			if !v.trained {
				s.out.Fixed[name] = true
			}
		}
		st.Shapes[name], st.Types[name] = v.dims, v.typ
	}
	RemoveDead(st)
	return st
}
