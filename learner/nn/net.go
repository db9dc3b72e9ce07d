package nn

import (
	"maps"
	"slices"
)

// Net is a network: a chain of layers and their parameters. Any number of
// goroutines may use it as long as none changes its parameters; a [Trainer]
// changes them in every step.
type Net struct {
	// Metadata travels with the model's file (ONNX metadata_props): where it
	// comes from, how it was trained. It changes nothing about the network.
	// Keys and values are UTF-8.
	Metadata map[string]string

	in     shape
	layers []layer
	params []parameter
	memory tensors
}

// parameter describes one tensor of a Net's memory.
type parameter struct {
	name  string
	shape []int
}

// Param is one parameter of a network, for inspection and for optimizers.
type Param struct {
	Name  string // name of the ONNX initializer, unique within the network
	Shape []int  // output channels first
	// Data are the numbers in row-major order. They are the network's own
	// memory: writing to them changes the network.
	Data []float32
}

// Params returns the parameters in the order of the layers that use them, the
// weight before the bias. A parameter that several layers share is there once.
func (n *Net) Params() []Param {
	all := make([]Param, len(n.params))
	for i, p := range n.params {
		all[i] = Param{p.name, slices.Clone(p.shape), n.memory.of(i)}
	}
	return all
}

// Input returns the shape of a sample: channels, height, width. Flat samples
// of f features have {f, 1, 1}.
func (n *Net) Input() [3]int { return [3]int{n.in.channels, n.in.height, n.in.width} }

// Outputs returns the length of the output for one sample.
func (n *Net) Outputs() int { return n.output().size() }

func (n *Net) output() shape {
	if len(n.layers) == 0 {
		return n.in
	}
	return n.layers[len(n.layers)-1].output()
}

// Backbone returns a copy of the network without its output layer: the last
// layer if that is a Gemm. What it puts out are the features on which a head
// is trained. A network that ends otherwise has no output layer to lose, and
// Backbone copies all of it; so the backbone of a [LeNet]'s backbone is
// itself. The copy shares no memory with n.
func (n *Net) Backbone() *Net {
	b := &Net{Metadata: maps.Clone(n.Metadata), in: n.in, layers: slices.Clone(n.layers)}
	if last := len(b.layers) - 1; last >= 0 {
		if _, ok := b.layers[last].(*dense); ok {
			b.layers = b.layers[:last]
		}
	}
	// Parameters are numbered by their first use, so those that only the
	// output layer has are the last.
	kept := 0
	for _, l := range b.layers {
		for _, p := range l.parameters() {
			kept = max(kept, p+1)
		}
	}
	b.params = slices.Clone(n.params[:kept])
	b.memory.ends = slices.Clone(n.memory.ends[:kept])
	if kept > 0 {
		b.memory.flat = slices.Clone(n.memory.flat[:b.memory.ends[kept-1]])
	}
	return b
}

// add appends a parameter with the given numbers and returns its index.
func (n *Net) add(name string, data []float32, shape ...int) int {
	n.params = append(n.params, parameter{name, shape})
	n.memory.flat = append(n.memory.flat, data...)
	n.memory.ends = append(n.memory.ends, len(n.memory.flat))
	return len(n.params) - 1
}
