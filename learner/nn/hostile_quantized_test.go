package nn

import (
	"errors"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// TestDamagedQuantizedGraphs damages every operator between bytes in up to
// three ways: none makes the compiler or a pass panic, and what is refused is
// refused with a typed error.
func TestDamagedQuantizedGraphs(t *testing.T) {
	cases := quantizedCases()
	compiled, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		for i := range cases {
			g, in := cases[i].graph(rng, rng.IntN(2) == 0, 0)
			h := &harm{rng, g, in}
			for range 1 + rng.IntN(3) {
				h.one()
			}
			p, err := Compile(g, h.in, Options{Workers: 1 + rng.IntN(2)})
			var unsupported *graph.UnsupportedError
			switch {
			case err == nil:
				compiled++
				runHostile(p, g, rng)
			case errors.As(err, &unsupported) || errors.Is(err, graph.ErrCorrupt):
				refused++
			default:
				t.Fatalf("%s: an error without a type: %v", cases[i].name, err)
			}
		}
	})
	if compiled < refused/20 || refused < compiled/20 {
		t.Errorf("%d graphs compiled and %d were refused: the damage teaches little", compiled, refused)
	}
}

// runHostile runs a program that is small, on numbers of all kinds, and looks
// at all that it gives.
func runHostile(p *Program, g *graph.Graph, rng *rand.Rand) {
	if p.Memory() > 1<<20 || !smallWindows(g) {
		return
	}
	x := normal(rng, graph.Size(p.Input()))
	odd := []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), math.MaxFloat32, math.SmallestNonzeroFloat32}
	for range min(len(x), 3) {
		x[rng.IntN(len(x))] = odd[rng.IntN(len(odd))]
	}
	p.Forward(x)
	if _, ok := p.Quantized(); ok {
		p.Bytes(make([]uint8, graph.Size(p.Output())))
	}
	if tables, ok := p.PixelTables([]float32{.5}, nil); ok {
		p.ForwardPixels(make([]uint8, len(x)), tables)
	}
}

// smallWindows reports whether no window of the graph takes long.
func smallWindows(g *graph.Graph) bool {
	for i := range g.Nodes {
		area := 1.0
		for _, k := range g.Nodes[i].Ints("kernel_shape", nil) {
			area *= float64(k)
		}
		if area > 1<<10 {
			return false
		}
	}
	return true
}

// harm does damage to a graph and to the extents of its input.
type harm struct {
	rng *rand.Rand
	g   *graph.Graph
	in  []int
}

// oneOf returns one of the elements at random.
func oneOf[T any](h *harm, from ...T) T { return from[h.rng.IntN(len(from))] }

var oddNumbers = []int64{math.MinInt64, -1 << 40, -7, -1, 0, 1, 2, 3, 5, 100, 1 << 20, math.MaxInt32, 1 << 40, math.MaxInt64}

// one does one damage.
func (h *harm) one() {
	n := &h.g.Nodes[h.rng.IntN(len(h.g.Nodes))]
	switch h.rng.IntN(8) {
	case 0:
		h.extent()
	case 1:
		h.attribute(n)
	case 2: // an input that is another value, or none
		names := append([]string{"", "nothing", "x"}, slices.Sorted(maps.Keys(h.g.Consts))...)
		for i := range h.g.Nodes {
			names = append(names, h.g.Nodes[i].Outputs...)
		}
		n.Inputs[h.rng.IntN(len(n.Inputs))] = oneOf(h, names...)
	case 3: // an output that is any value, of bytes for instance
		h.g.Outputs[0].Name = n.Outputs[0]
	case 4: // one reader more
		out := n.Outputs[0]
		h.g.Nodes = append(h.g.Nodes, graph.Node{Name: "more", Op: oneOf(h, "Abs", "Relu", "DequantizeLinear", "Identity"),
			Inputs: []string{out}, Outputs: []string{"more"}})
		if more := &h.g.Nodes[len(h.g.Nodes)-1]; more.Op == "DequantizeLinear" {
			more.Inputs = append(more.Inputs, slices.Sorted(maps.Keys(h.g.Consts))[0])
		}
		if h.rng.IntN(2) == 0 {
			h.g.Outputs[0].Name = "more"
		}
	case 5: // one operand fewer or more
		if len(n.Inputs) > 1 && h.rng.IntN(2) == 0 {
			n.Inputs = n.Inputs[:len(n.Inputs)-1]
		} else {
			n.Inputs = append(n.Inputs, n.Inputs[0])
		}
	default:
		names := slices.Sorted(maps.Keys(h.g.Consts))
		name := oneOf(h, names...)
		c := *h.g.Consts[name]
		h.constant(&c)
		h.g.Consts[name] = &c
	}
}

func (h *harm) extent() {
	switch {
	case h.rng.IntN(8) == 0:
		h.in = []int{}
	case h.rng.IntN(3) == 0:
		h.in = append(h.in, oneOf(h, 1, 2, 5))
	case h.rng.IntN(3) == 0 && len(h.in) > 0:
		h.in = h.in[:len(h.in)-1]
	case len(h.in) > 0:
		h.in[h.rng.IntN(len(h.in))] = oneOf(h, 0, 1, 2, 3, 17, 33, 1<<20)
	}
	h.g.Inputs[0].Dims = nil
}

func (h *harm) attribute(n *graph.Node) {
	a := maps.Clone(n.Attrs)
	if a == nil {
		a = attrs{}
	}
	n.Attrs = a
	switch key := oneOf(h, append(slices.Sorted(maps.Keys(a)), "axis", "group", "pads", "strides", "dilations", "transA", "alpha")...); v := a[key].(type) {
	case []int64:
		v = slices.Clone(v)
		if i := h.rng.IntN(len(v) + 1); i < len(v) {
			v[i] = oneOf(h, oddNumbers...)
		} else {
			v = append(v, 1)
		}
		a[key] = v
	case int64:
		a[key] = oneOf(h, oddNumbers...)
	case float32:
		a[key] = oneOf(h, 0, -3, float32(math.NaN()), float32(math.Inf(1)))
	default:
		a[key] = oneOf[graph.Attr](h, oneOf(h, oddNumbers...), float32(2), []int64{oneOf(h, oddNumbers...), 1}, []int64{1, 1, oneOf(h, oddNumbers...), 1})
	}
}

// constant changes the numbers of a constant, its type or its extents.
func (h *harm) constant(c *graph.Tensor) {
	switch h.rng.IntN(4) {
	case 0: // another shape of as many, or of none
		n := c.Len()
		c.Dims = oneOf(h, []int{n}, []int{1, n}, []int{n, 1, 1}, []int{}, []int{0}, slices.Clone(c.Dims))
		slices.Reverse(c.Dims)
	case 1: // another type
		n := c.Len()
		*c = graph.Tensor{Type: oneOf(h, graph.Float32, graph.Int8, graph.Uint8, graph.Int32, graph.Int64), Dims: c.Dims,
			F32: make([]float32, n), I8: make([]int8, n), U8: make([]uint8, n), I32: make([]int32, n), I64: make([]int64, n)}
	case 2: // another number of elements
		n := oneOf(h, 0, 1, 2, 3, 7)
		*c = graph.Tensor{Type: c.Type, Dims: []int{n},
			F32: slices.Repeat([]float32{.01}, n), I8: make([]int8, n), U8: make([]uint8, n), I32: make([]int32, n), I64: make([]int64, n)}
	default:
		switch {
		case len(c.F32) > 0:
			c.F32 = slices.Clone(c.F32)
			c.F32[h.rng.IntN(len(c.F32))] = oneOf(h, 0, -1, float32(math.NaN()), float32(math.Inf(1)), 3e38, 1e-45, 1e30, 1e-30, 1e3)
		case len(c.I64) > 0:
			c.I64 = slices.Clone(c.I64)
			c.I64[h.rng.IntN(len(c.I64))] = oneOf(h, oddNumbers...)
		case len(c.I32) > 0:
			c.I32 = slices.Clone(c.I32)
			c.I32[h.rng.IntN(len(c.I32))] = oneOf[int32](h, math.MinInt32, math.MaxInt32)
		case len(c.I8) > 0:
			c.I8 = slices.Repeat([]int8{oneOf[int8](h, -128, 127, 5)}, len(c.I8))
		case len(c.U8) > 0:
			c.U8 = slices.Repeat([]uint8{oneOf[uint8](h, 0, 255)}, len(c.U8))
		}
	}
}
