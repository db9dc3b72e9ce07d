package quant

import (
	"iter"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// Options say how a network is watched or run.
type Options struct {
	Ranges  Method // how [Calibrate] finds ranges; the zero value is [MinMax]
	Workers int    // goroutines that share the work; 0: one per processor
}

// Calibrate runs a float32 network on batches of images and returns the
// ranges of the values that [Quantize] makes bytes of. A batch is one or more
// images in the order of the graph's input (channels, rows, columns),
// normalised as the network wants them; batches may differ in size. The
// batches are read once. The same images give the same ranges on every machine.
//
// Errors are [ErrNoImages], [ErrSameImage], a [*ConstantError],
// [*NotFiniteError] or [*BatchError], and those of [graph.Specialize].
func Calibrate(g *graph.Graph, batches iter.Seq[[]float32], o Options) (Ranges, error) {
	n, err := prepare(g)
	if err != nil {
		return nil, err
	}
	if err := n.checkWeights(); err != nil {
		return nil, err
	}
	w := &watch{graph: g, net: n, workers: o.Workers, seen: map[string]*histogram{}}
	for _, v := range n.sources() {
		w.seen[v] = &histogram{}
	}
	for batch := range batches {
		if err := w.run(batch); err != nil {
			return nil, err
		}
	}
	switch {
	case w.batches == 0:
		return nil, ErrNoImages
	case w.images > 1 && !w.differ:
		return nil, ErrSameImage
	}
	ranges := Ranges{}
	for _, v := range n.sources() {
		h := w.seen[v]
		if h.total == 0 {
			return nil, &MissingRangeError{Value: v}
		}
		if h.lo == h.hi && (v == n.Graph.Inputs[0].Name || n.outputs[v]) {
			return nil, &ConstantError{Value: v, Number: h.lo}
		}
		if h.lo == 0 && h.hi == 0 {
			// A layer that these images do not wake: any range will do.
			ranges[v] = Range{0, 1}
			continue
		}
		ranges[v] = o.Ranges.of(h)
	}
	return ranges, nil
}

// watch is a calibration under way.
type watch struct {
	graph   *graph.Graph
	net     *network
	workers int
	seen    map[string]*histogram

	prog    *nn.Program // for batches of `of` images
	of      int
	batches int
	images  int
	first   []float32 // a copy of the first image
	differ  bool      // whether another image differs from it
	err     error
}

// run watches one batch.
func (w *watch) run(batch []float32) error {
	image := w.net.image
	if len(batch) == 0 || len(batch)%image != 0 {
		return &BatchError{Length: len(batch), Image: image}
	}
	if !finite(batch) {
		return &NotFiniteError{Value: w.net.Graph.Inputs[0].Name, Batch: w.batches}
	}
	if w.first == nil {
		w.first = slices.Clone(batch[:image])
	}
	count := len(batch) / image
	for i := 0; i < count && !w.differ; i++ {
		w.differ = !slices.Equal(w.first, batch[i*image:(i+1)*image])
	}
	w.images += count
	at := count
	if w.net.fixed > 0 {
		at = w.net.fixed
	}
	for len(batch) > 0 {
		part := batch[:min(len(batch), at*image)]
		batch = batch[len(part):]
		for len(part) < at*image { // the last one again, which changes no range
			part = append(slices.Clip(part), part[len(part)-image:]...)
		}
		if err := w.pass(part, at); err != nil {
			return err
		}
	}
	w.batches++
	return nil
}

func (w *watch) pass(x []float32, count int) error {
	if w.of != count {
		prog, err := nn.Compile(w.graph, batchOf(w.net.input, count), nn.Options{Workers: w.workers, Exact: true, Observe: w.observe})
		if err != nil {
			return err
		}
		w.prog, w.of = prog, count
	}
	w.prog.Forward(x)
	return w.err
}

// observe notes the numbers of one value.
func (w *watch) observe(value string, data []float32) {
	if w.err != nil {
		return
	}
	h, wanted := w.seen[value]
	if !wanted {
		// A mask of attention may be infinite, but nothing may be NaN, which a
		// rectifier further on would hide.
		if hasNaN(data) {
			w.err = &NotFiniteError{Value: value, Batch: w.batches}
		}
		return
	}
	if !finite(data) {
		w.err = &NotFiniteError{Value: value, Batch: w.batches}
		return
	}
	h.add(data)
}
