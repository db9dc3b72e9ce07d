package nn

import (
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestDamagedGraphs damages small graphs at random: none makes the compiler
// or a pass panic, and what is refused is refused with a typed error.
func TestDamagedGraphs(t *testing.T) {
	cases := opCases()
	rapid.Check(t, func(t *rapid.T) {
		c := rapid.SampledFrom(cases).Draw(t, "case")
		g := c.graph(rand.New(rand.NewPCG(1, 1)))
		in := slices.Clone(c.in)
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			damage(t, g, &in)
		}
		p, err := Compile(g, in, Options{Workers: 1})
		var unsupported *graph.UnsupportedError
		switch {
		case err == nil:
			if graph.Size(in) < 1<<16 {
				p.Forward(make([]float32, graph.Size(in)))
			}
		case !errors.As(err, &unsupported) && !errors.Is(err, graph.ErrCorrupt):
			t.Fatalf("an error without a type: %v", err)
		}
	})
}

// damage changes one thing about a graph or its input.
func damage(t *rapid.T, g *graph.Graph, in *[]int) {
	number := rapid.SampledFrom([]int64{-1 << 40, -7, -1, 0, 1, 2, 3, 5, 100, 1 << 40})
	n := &g.Nodes[0]
	switch rapid.IntRange(0, 5).Draw(t, "damage") {
	case 0: // an extent of the input
		i := rapid.IntRange(0, len(*in)-1).Draw(t, "axis")
		(*in)[i] = rapid.IntRange(0, 9).Draw(t, "extent")
	case 1: // the rank of the input
		if rapid.Bool().Draw(t, "longer") {
			*in = append(*in, 2)
		} else if len(*in) > 1 {
			*in = (*in)[:len(*in)-1]
		}
		g.Inputs[0].Dims = nil
	case 2: // a number of an attribute
		keys := slices.Sorted(maps.Keys(n.Attrs))
		if len(keys) == 0 {
			return
		}
		n.Attrs = maps.Clone(n.Attrs)
		switch k := rapid.SampledFrom(keys).Draw(t, "attribute"); v := n.Attrs[k].(type) {
		case int64:
			n.Attrs[k] = number.Draw(t, "value")
		case []int64:
			v = slices.Clone(v)
			if i := rapid.IntRange(0, len(v)).Draw(t, "element"); i < len(v) {
				v[i] = number.Draw(t, "value")
			} else {
				v = append(v, 1)
			}
			n.Attrs[k] = v
		}
	case 3: // an input that is not there
		n.Inputs[rapid.IntRange(0, len(n.Inputs)-1).Draw(t, "input")] = rapid.SampledFrom([]string{"", "nothing", "x"}).Draw(t, "name")
	case 4: // the shape of a constant
		for _, name := range slices.Sorted(maps.Keys(g.Consts)) {
			if rapid.Bool().Draw(t, "reshape") {
				c := *g.Consts[name]
				c.Dims = []int{len(c.F32) + len(c.I64)}
				g.Consts[name] = &c
			}
		}
	case 5: // an integer constant
		for _, name := range slices.Sorted(maps.Keys(g.Consts)) {
			if c := *g.Consts[name]; len(c.I64) > 0 {
				c.I64 = slices.Clone(c.I64)
				c.I64[rapid.IntRange(0, len(c.I64)-1).Draw(t, "element")] = number.Draw(t, "value")
				g.Consts[name] = &c
			}
		}
	}
}
