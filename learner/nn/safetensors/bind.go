package safetensors

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// MismatchError says that tensors are not the weights of a graph.
type MismatchError struct {
	Missing  []string // initializers of the graph that there is no tensor for
	Misfits  []string // tensors of another shape or type than the initializer: name, what is there, what is needed
	Examined int      // how many initializers the graph has
}

func (e *MismatchError) Error() string {
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"missing", e.Missing}, {"of another shape or type", e.Misfits}} {
		if len(p.names) == 0 {
			continue
		}
		shown := strings.Join(p.names[:min(len(p.names), 5)], ", ")
		if more := len(p.names) - 5; more > 0 {
			shown += fmt.Sprintf(" and %d more", more)
		}
		parts = append(parts, fmt.Sprintf("%d %s (%s)", len(p.names), p.what, shown))
	}
	return fmt.Sprintf("the weights are not those of this model: of its %d, %s; use weights of the same architecture with the same number of classes",
		e.Examined, strings.Join(parts, ", "))
}

// Bind gives every initializer of the graph the tensor of its name, shape and
// type. Axes of extent 1 do not count: some tools keep the kernels of
// convolutions over time with one more. Constants in Graph.Fixed stay, and tensors that the graph has no use
// for are ignored: exports hold counters too. On a [*MismatchError] the graph
// is unchanged. The graph shares the tensors afterwards.
func Bind(g *graph.Graph, tensors map[string]*graph.Tensor) error {
	failed := &MismatchError{}
	for _, name := range slices.Sorted(maps.Keys(g.Consts)) {
		if g.Fixed[name] {
			continue
		}
		failed.Examined++
		need, have := g.Consts[name], tensors[name]
		switch {
		case have == nil:
			failed.Missing = append(failed.Missing, name)
		case have.Type != need.Type || !slices.Equal(broad(have.Dims), broad(need.Dims)):
			failed.Misfits = append(failed.Misfits, fmt.Sprintf("%s: %v %v, not %v %v", name, have.Type, have.Dims, need.Type, need.Dims))
		}
	}
	if len(failed.Missing)+len(failed.Misfits) > 0 {
		return failed
	}
	for name, need := range g.Consts {
		if g.Fixed[name] {
			continue
		}
		have := tensors[name]
		if !slices.Equal(have.Dims, need.Dims) {
			shaped := *have
			shaped.Dims = slices.Clone(need.Dims)
			have = &shaped
		}
		g.Consts[name] = have
	}
	return nil
}

// broad returns the extents above 1.
func broad(dims []int) []int {
	return slices.DeleteFunc(slices.Clone(dims), func(d int) bool { return d == 1 })
}
