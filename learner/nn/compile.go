package nn

import (
	"fmt"
	"runtime"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Options say how a graph is compiled.
type Options struct {
	Workers int // goroutines that share a pass; 0: one per processor

	// Exact asks for products in a fixed order without fused operations: the
	// same bits on every machine, at half the speed.
	Exact bool

	// Observe, if not nil, is called in every forward pass with every value
	// that is computed, by its name in the graph, and with the input. The
	// numbers may lie in another order than the graph's (channels last) and
	// are valid during the call. It costs the fusion of operators.
	Observe func(value string, data []float32)

	// Trace, if not nil, is called before and after every step of a forward
	// pass with its node and operator, so that a clock can be held to it.
	Trace func(node, operator string, begins bool)
}

// Program is a graph compiled for inputs of one shape: steps bound to memory.
// It belongs to one goroutine at a time and allocates nothing after the first
// pass.
type Program struct {
	pool    *pool.Pool
	exact   bool
	observe func(value string, data []float32)
	trace   func(node, operator string, begins bool)

	input  *value
	output *value
	steps  []*step
	values []*value // in order of their making
	params []*Param

	entry    *value // the input's bytes, if pixels may enter there
	outBytes *value // the output's bytes, if it is quantized

	floats int // numbers of activation memory
	bytes  int // bytes of it
	train  *tape
	drop   *dropoutOp // nil: none
}

// Param is a trainable parameter.
type Param struct {
	Name string    // of the initializer
	Dims []int     // its extents
	Data []float32 // its numbers, the graph's own memory
	Grad []float32 // the gradient of the last backward pass, nil if frozen
}

// Compile turns a graph with one input and one output into a program for an
// input of the given extents, the batch first. Weights are taken from the
// graph's memory and must not change afterwards. Errors are those of
// [graph.Specialize] and [*graph.UnsupportedError].
func Compile(g *graph.Graph, input []int, o Options) (*Program, error) {
	return compile(g, input, o, nil)
}

// compileTraining compiles for training: trainable says which parameters are
// to be trained.
func compileTraining(g *graph.Graph, input []int, o TrainOptions, trainable func(param string) bool) (*Program, error) {
	return compile(g, input, o.Options, func(b *builder) error {
		b.trainable = trainable
		if o.Dropout == 0 {
			return nil
		}
		head, err := graph.Head(b.static)
		b.drop = func(v *value) op {
			b.prog.drop = newDropout(o.Dropout, o.Seed, v.size())
			return b.prog.drop
		}
		b.dropAt = head.Features
		return err
	})
}

// compile compiles for training if there is something to prepare for it.
func compile(g *graph.Graph, input []int, o Options, training func(b *builder) error) (*Program, error) {
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("%d inputs and %d outputs: one of each is", len(g.Inputs), len(g.Outputs))}
	}
	static, err := simplify(g, input, training != nil)
	if err != nil {
		return nil, err
	}
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	b := &builder{
		static: static,
		prog:   &Program{pool: pool.New(o.Workers), exact: o.Exact, observe: o.Observe, trace: o.Trace},
		values: map[string]*value{}, turned: map[*value]*value{},
		uses: static.Graph.Uses(), readers: map[string][]int{}, weights: map[string]*quantized{}, done: map[int]bool{},
	}
	if training != nil {
		if err := training(b); err != nil {
			return nil, err
		}
	}
	if err := b.build(input); err != nil {
		return nil, err
	}
	return b.prog, nil
}

// simplify brings a graph into the normal form for one shape of input.
func simplify(g *graph.Graph, input []int, train bool) (*graph.Static, error) {
	static, err := graph.Specialize(g, map[string][]int{g.Inputs[0].Name: input}, graph.Options{KeepParams: train, KeepQDQ: true})
	if err != nil {
		return nil, err
	}
	if !train {
		graph.FoldBatchNorm(static)
	}
	graph.FuseShuffle(static)
	graph.Fuse(static)
	graph.RemoveDead(static)
	return static, nil
}

// builder turns nodes into steps.
type builder struct {
	static    *graph.Static
	prog      *Program
	values    map[string]*value // by name, in the order in which they are made
	turned    map[*value]*value // the same numbers in the other order of axes
	uses      map[string]int
	readers   map[string][]int      // nodes by what they read
	weights   map[string]*quantized // dequantized constants
	done      map[int]bool          // nodes that others took along
	qdq       bool                  // whether there are quantized values
	trainable func(param string) bool
	inputGrad bool // whether the gradient with respect to the input is wanted

	// drop makes the dropout after the value dropAt, if there is to be any.
	drop   func(v *value) op
	dropAt string
}

func (b *builder) build(input []int) error {
	g := b.static.Graph
	if err := b.check(input); err != nil {
		return err
	}
	b.prog.input = &value{name: g.Inputs[0].Name, dims: slices.Clone(input), wants: b.inputGrad}
	b.values[b.prog.input.name] = b.prog.input
	b.prog.values = append(b.prog.values, b.prog.input)
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for _, in := range n.Inputs {
			b.readers[in] = append(b.readers[in], i)
		}
		b.qdq = b.qdq || n.Op == "QuantizeLinear"
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if b.done[i] {
			continue
		}
		if done, err := b.lowerIntegers(n); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		lower, ok := lowerings[n.Op]
		if !ok || n.Domain != "" && n.Domain != graph.Domain {
			return g.Unsupported(n, "float32 programs lack this operator")
		}
		if err := lower(b, n); err != nil {
			return err
		}
	}
	if q := b.bytes(g.Outputs[0].Name); q != nil {
		b.prog.outBytes = b.plainBytes(q)
		b.prog.outBytes.root().uses++
		if v := b.values[g.Outputs[0].Name]; v.kept == nil {
			// Bytes are turned at a quarter of the cost of numbers.
			b.values[v.name] = &value{name: v.name, dims: b.prog.outBytes.dims, lazy: b.prog.outBytes}
		}
	}
	out, err := b.value(g.Outputs[0].Name)
	if err != nil {
		return err
	}
	b.prog.output = b.plain(out)
	b.prog.output.root().uses++
	if b.prog.output.known() || b.prog.output.root() == b.prog.input {
		// The output is to have memory of its own.
		b.prog.output = b.add("Identity", "", copyOp{}, b.prog.output.dims, false, b.prog.output)
		b.prog.output.uses++
	}
	b.prog.findEntry()
	if b.trainable == nil {
		return planForward(b.prog)
	}
	return planTraining(b.prog)
}

// check refuses what no step could work on: values without elements, with
// more of them than there may be, and with more axes than the odometers have.
func (b *builder) check(input []int) error {
	g := b.static.Graph
	for i := -1; i < len(g.Nodes); i++ {
		n, dims := &graph.Node{Op: "input", Name: g.Inputs[0].Name}, input
		if i >= 0 {
			n = &g.Nodes[i]
			dims = b.static.Shapes[n.Outputs[0]]
		}
		if len(dims) > maxRank || slices.Contains(dims, 0) {
			return g.Unsupported(n, "a value of extents %v: up to %d axes of one element or more are", dims, maxRank)
		}
		if graph.Size(dims) > mostMemory {
			return g.Unsupported(n, "a value of extents %v: up to %d million numbers are (take a smaller batch or image)", dims, mostMemory>>20)
		}
	}
	for name, t := range g.Consts {
		if t.Len() > mostMemory {
			return &graph.UnsupportedError{Reason: fmt.Sprintf("the constant %.80q has extents %v: up to %d million numbers are", name, t.Dims, mostMemory>>20)}
		}
	}
	return nil
}

// value returns the value of that name: computed, a parameter or a constant.
func (b *builder) value(name string) (*value, error) {
	if v, ok := b.values[name]; ok {
		switch {
		case v.lazy != nil:
			return b.promise(v), nil
		case v.isBytes:
			return nil, &graph.UnsupportedError{Reason: fmt.Sprintf("the quantized value %.80q goes into an operator of numbers", name)}
		}
		return v, nil
	}
	if q, ok := b.weights[name]; ok {
		v := &value{name: name, dims: slices.Clone(q.t.Dims), data: q.floats(), fixed: true}
		b.values[name] = v
		return v, nil
	}
	t, ok := b.static.Graph.Consts[name]
	if !ok {
		return nil, graph.Corrupt("the value %.80q is made by nothing", name)
	}
	if t.Type != graph.Float32 {
		return nil, graph.Corrupt("the constant %.80q is of %v where float32 is needed", name, t.Type)
	}
	v := &value{name: name, dims: slices.Clone(t.Dims), data: t.F32, fixed: true}
	if b.trainable != nil && !b.static.Graph.Fixed[name] {
		v.fixed = false
		v.param = &Param{Name: name, Dims: t.Dims, Data: t.F32}
		v.wants = b.trainable(name)
		b.prog.params = append(b.prog.params, v.param)
	}
	b.values[name] = v
	return v, nil
}

// inputs returns the node's inputs of which at least least must be there;
// absent ones are nil.
func (b *builder) inputs(n *graph.Node, least int) ([]*value, error) {
	all := make([]*value, max(least, len(n.Inputs)))
	for i := range all {
		if n.Input(i) == "" {
			if i < least {
				return nil, graph.Corrupt("node %.80q (%s) lacks its input %d", n.Label(), n.Op, i)
			}
			continue
		}
		v, err := b.value(n.Input(i))
		if err != nil {
			return nil, err
		}
		all[i] = v
	}
	return all, nil
}

// data returns the first input of a node whose others are attributes in all
// but form.
func (b *builder) data(n *graph.Node) (*value, error) {
	if n.Input(0) == "" {
		return nil, graph.Corrupt("node %.80q (%s) has no input", n.Label(), n.Op)
	}
	return b.value(n.Inputs[0])
}

// plain returns v with its axes in the file's order.
func (b *builder) plain(v *value) *value {
	if !v.last {
		return v
	}
	return b.turn(v, firstPerm(len(v.dims)), false)
}

// channelsLast returns v, of rank 3 or more, with its channels last.
func (b *builder) channelsLast(v *value) *value {
	if v.last || len(v.dims) < 3 {
		return v
	}
	return b.turn(v, lastPerm(len(v.dims)), true)
}

// turn returns v with its memory's axes permuted.
func (b *builder) turn(v *value, perm []int, last bool) *value {
	if t, ok := b.turned[v]; ok {
		return t
	}
	dims := permuted(v.dims, perm)
	var t *value
	switch {
	case !moves(v.dims, perm):
		t = b.view(v, dims, last)
	case v.fixed:
		t = &value{name: v.name, dims: dims, last: last, fixed: true, data: make([]float32, v.size())}
		permute(t.data, v.data, v.dims, perm)
	default:
		t = b.add("Transpose", v.name, newPermuteOp(v.dims, perm), dims, last, v)
		t.name = v.name
	}
	b.turned[v], b.turned[t] = t, v
	return t
}

// view returns the memory of v in another shape.
func (b *builder) view(v *value, dims []int, last bool) *value {
	t := &value{name: v.name, dims: slices.Clone(dims), last: last, fixed: v.fixed, data: v.data, share: v, wants: v.wants, param: v.param, maker: v.maker}
	if !v.known() {
		b.prog.values = append(b.prog.values, t)
	}
	return t
}

// add appends a step and returns its output.
func (b *builder) add(kind, node string, o op, dims []int, last bool, in ...*value) *value {
	s := &step{node: node, kind: kind, op: o, index: len(b.prog.steps), in: in}
	s.out = &value{name: node, dims: slices.Clone(dims), last: last, maker: s}
	for _, v := range in {
		v.root().uses++
		s.out.wants = s.out.wants || v.wants
	}
	b.prog.steps = append(b.prog.steps, s)
	b.prog.values = append(b.prog.values, s.out)
	return s.out
}

// emit is add for the only output of a node.
func (b *builder) emit(n *graph.Node, o op, dims []int, last bool, in ...*value) error {
	v := b.add(n.Op, n.Label(), o, dims, last, in...)
	return b.define(n, v)
}

// define makes v the value that the node puts out.
func (b *builder) define(n *graph.Node, v *value) error {
	name := n.Outputs[0]
	want := b.static.Shapes[name]
	if v.last {
		want = permuted(want, lastPerm(len(want)))
	}
	if !slices.Equal(v.dims, want) {
		return graph.Corrupt("node %.80q (%s) gives extents %v, not %v", n.Label(), n.Op, v.dims, want)
	}
	v.name = name
	if b.drop != nil && name == b.dropAt {
		v = b.add("Dropout", name, b.drop(v), v.dims, v.last, v)
	}
	b.values[name] = v
	return nil
}
