package graph

import (
	"fmt"
	"math"
)

// rewriter finds its way in a graph that a pass changes. What it knows of
// makers and users is that of its making: a node that a pass replaced may
// still count as user, so that a pattern is at worst not found.
type rewriter struct {
	*Static
	makers  map[string]int
	users   map[string][]int
	outputs map[string]bool
	steady  map[string]bool // what still gave, once a pass asked
}

func newRewriter(s *Static) *rewriter {
	r := &rewriter{Static: s, makers: s.Graph.Makers(), users: map[string][]int{}, outputs: map[string]bool{}}
	for i := range s.Graph.Nodes {
		for _, in := range s.Graph.Nodes[i].Inputs {
			r.users[in] = append(r.users[in], i)
		}
	}
	for _, o := range s.Graph.Outputs {
		r.outputs[o.Name] = true
	}
	return r
}

// maker returns the node of operator op that makes a value, or nil.
func (r *rewriter) maker(value, op string) *Node {
	if i, ok := r.makers[value]; ok && r.Graph.Nodes[i].Op == op {
		return &r.Graph.Nodes[i]
	}
	return nil
}

// only returns the index of the node of operator op that alone uses a value,
// or -1.
func (r *rewriter) only(value, op string) int {
	u := r.users[value]
	if len(u) != 1 || r.outputs[value] || r.Graph.Nodes[u[0]].Op != op {
		return -1
	}
	return u[0]
}

// number returns a constant of one float32 that is not trained.
func (r *rewriter) number(value string) (float64, bool) {
	t := r.Graph.Consts[value]
	if t == nil || t.Type != Float32 || t.Len() != 1 || len(t.Dims) > 0 && !r.Graph.Fixed[value] {
		return 0, false
	}
	return float64(t.F32[0]), true
}

// is reports whether a value is about the constant want, as exporters write
// it in six digits or more.
func (r *rewriter) is(value string, want float64) bool {
	v, ok := r.number(value)
	return ok && near(v, want)
}

func near(a, b float64) bool { return math.Abs(a-b) <= 2e-6*math.Abs(b) }

// other returns the input of a node with two inputs that is not value.
func (n *Node) other(value string) (string, bool) {
	switch {
	case len(n.Inputs) != 2:
	case n.Inputs[0] == value:
		return n.Inputs[1], true
	case n.Inputs[1] == value:
		return n.Inputs[0], true
	}
	return "", false
}

// scaled reports whether a value is that of x times factor, as a Mul or a
// Div, and returns x.
func (r *rewriter) scaled(value string, factor float64) (string, bool) {
	if n := r.maker(value, "Mul"); n != nil {
		for i, in := range n.Inputs {
			if r.is(in, factor) {
				return n.Inputs[1-i], true
			}
		}
	}
	if n := r.maker(value, "Div"); n != nil && r.is(n.Inputs[1], 1/factor) {
		return n.Inputs[0], true
	}
	return "", false
}

// replace puts a node in the place of node i, whose output it makes.
func (r *rewriter) replace(i int, op string, attrs map[string]Attr, in ...string) {
	n := &r.Graph.Nodes[i]
	if attrs == nil {
		attrs = map[string]Attr{}
	}
	*n = Node{Name: n.Name, Op: op, Inputs: in, Outputs: n.Outputs, Attrs: attrs}
	if op == "Silu" || op == "Linear" {
		n.Domain = Domain
	}
}

// fresh returns a name that no value has.
func (s *Static) fresh(base string) string {
	name := base
	for i := 1; ; i++ {
		if _, taken := s.Shapes[name]; !taken && !s.made[name] {
			s.made[name] = true
			return name
		}
		name = fmt.Sprintf("%s_%d", base, i)
	}
}

// define makes a constant of a new name and returns the name.
func (s *Static) define(base string, t *Tensor, fixed bool) string {
	name := s.fresh(base)
	s.Graph.Consts[name], s.Shapes[name], s.Types[name] = t, t.Dims, t.Type
	if fixed {
		s.Graph.Fixed[name] = true
	}
	return name
}

// still returns the values that do not depend on an input of the graph.
func (s *Static) still() map[string]bool {
	still := make(map[string]bool, len(s.Graph.Consts))
	for name := range s.Graph.Consts {
		still[name] = true
	}
	for i := range s.Graph.Nodes {
		n := &s.Graph.Nodes[i]
		all := true
		for _, in := range n.Inputs {
			all = all && (in == "" || still[in])
		}
		if all {
			for _, o := range n.Outputs {
				still[o] = true
			}
		}
	}
	return still
}
