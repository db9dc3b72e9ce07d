package graph_test

import (
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// attrs are attributes as tests write them.
type attrs = map[string]graph.Attr

// builder makes graphs by hand. Its input is "x", and its output "y".
type builder struct{ *graph.Graph }

func build(opset int, dims ...int) builder {
	return builder{&graph.Graph{
		Opset:   opset,
		Inputs:  []graph.Value{{Name: "x", Type: graph.Float32, Dims: dims}},
		Outputs: []graph.Value{{Name: "y", Type: graph.Float32}},
		Consts:  map[string]*graph.Tensor{}, Fixed: map[string]bool{},
	}}
}

// fixed adds a constant that is not trained.
func (b builder) fixed(name string, t *graph.Tensor) builder {
	b.Fixed[name] = true
	return b.param(name, t)
}

func (b builder) param(name string, t *graph.Tensor) builder {
	b.Consts[name] = t
	return b
}

// ints adds a list of integers.
func (b builder) ints(name string, v ...int64) builder {
	return b.fixed(name, graph.Ints(v, len(v)))
}

// node adds a node with one output.
func (b builder) node(op, out string, a attrs, in ...string) builder {
	if a == nil {
		a = attrs{}
	}
	b.Nodes = append(b.Nodes, graph.Node{Op: op, Inputs: in, Outputs: []string{out}, Attrs: a})
	return b
}

func (b builder) specialize(t testing.TB, o graph.Options) *graph.Static {
	t.Helper()
	s, err := graph.Specialize(b.Graph, nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ops returns the operators of a graph, in order.
func ops(s *graph.Static) []string {
	var list []string
	for _, n := range s.Graph.Nodes {
		list = append(list, n.Op)
	}
	return list
}

// ramp returns a tensor of 0.1, -0.2, 0.3 and so on.
func ramp(dims ...int) *graph.Tensor {
	data := make([]float32, graph.Size(dims))
	for i := range data {
		data[i] = 0.1 * float32(i%23+1)
		if i%2 == 1 {
			data[i] = -data[i]
		}
	}
	return graph.Floats(data, dims...)
}

// run interprets a graph on a ramp and returns "y".
func run(t testing.TB, s *graph.Static) *graph.Tensor {
	t.Helper()
	values, err := graph.Interpret(s, map[string]*graph.Tensor{"x": ramp(s.Shapes["x"]...)})
	if err != nil {
		t.Fatal(err)
	}
	return values["y"]
}
