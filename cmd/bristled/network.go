package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
)

// network is a network from an ONNX file with one input and one output.
type network struct {
	path  string
	size  int64 // of the file, in bytes
	graph *graph.Graph
}

// readNetwork reads a file. What is wrong with it is said with its name.
func readNetwork(path string) (*network, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: name an ONNX file, or make one with `bristled model new`", path, underlying(err))
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file: name an ONNX file", path)
	}
	g, err := onnx.ReadFile(path)
	if err != nil {
		return nil, inFile(path, err)
	}
	n := &network{path: path, size: info.Size(), graph: g}
	if len(g.Inputs) != 1 || len(g.Outputs) != 1 {
		return nil, n.wrong(&graph.UnsupportedError{Reason: fmt.Sprintf("it has %d inputs and %d outputs where one of each is needed", len(g.Inputs), len(g.Outputs))})
	}
	if len(g.Inputs[0].Dims) < 2 {
		return nil, n.wrong(&graph.UnsupportedError{Reason: fmt.Sprintf("its input has extents %v where a batch of samples is needed", g.Inputs[0].Dims)})
	}
	return n, nil
}

// underlying takes the path off an error about a file.
func underlying(err error) error {
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		return path.Err
	}
	return err
}

// inFile says which file an error is about.
func inFile(path string, err error) error { return fmt.Errorf("%s: %w", path, underlying(err)) }

// wrong says that something is wrong with the network.
func (n *network) wrong(err error) error { return inFile(n.path, err) }

// quantized says whether the network has integers in it.
func (n *network) quantized() bool { return quantizedGraph(n.graph) }

func quantizedGraph(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n graph.Node) bool { return quantizes(n.Op) })
}

// fixedBatch returns the batch that the file fixes, 0 if it is open.
func (n *network) fixedBatch() int { return max(0, n.graph.Inputs[0].Dims[0]) }

// fix fills in what the file leaves open of the input's extents with what
// --input says, which may be nothing, and returns the extents of one sample.
func (n *network) fix(given []int) ([]int, error) {
	in := &n.graph.Inputs[0]
	sample := slices.Clone(in.Dims[1:])
	if given != nil && len(given) != len(sample) {
		return nil, usageError{fmt.Errorf("--input %s has %d extents, the network takes %d of each sample (%s)", extents(given), len(given), len(sample), extents(in.Dims))}
	}
	for i, d := range sample {
		switch {
		case given == nil && d < 1:
			return nil, usageError{fmt.Errorf("%s takes %s: say how large its input is with --input, such as 3x224x224", n.path, extents(in.Dims))}
		case given == nil:
		case d > 0 && d != given[i]:
			return nil, usageError{fmt.Errorf("--input %s does not fit %s, which takes %s: leave --input out, or export the model with open extents", extents(given), n.path, extents(in.Dims))}
		default:
			sample[i] = given[i]
		}
	}
	in.Dims = append(in.Dims[:1:1], sample...)
	return sample, nil
}

// batch returns how many samples go in at once if that many are asked for.
func (n *network) batch(asked int, insist bool) (int, error) {
	if asked < 1 || asked > 1<<12 {
		return 0, usageError{fmt.Errorf("--batch is %d: it must be from 1 to %d", asked, 1<<12)}
	}
	fixed := n.fixedBatch()
	if fixed > 0 && fixed != asked && insist {
		return 0, usageError{fmt.Errorf("--batch %d does not fit %s, whose batches have %d: export the model with a dynamic batch axis", asked, n.path, fixed)}
	}
	if fixed > 0 {
		return fixed, nil
	}
	return asked, nil
}

// shapeFor returns the channels, height and width of what the network takes
// of an album: of series, whose height is 1, or of pictures.
func (n *network) shapeFor(a *album, sample []int) ([3]int, error) {
	if a.series() && len(sample) == 2 {
		return [3]int{sample[0], 1, sample[1]}, nil
	}
	return n.pictureShape(sample)
}

// pictureShape returns the channels, height and width of the pictures that
// the network takes. What takes none is an error.
func (n *network) pictureShape(sample []int) ([3]int, error) {
	if len(sample) != 3 || (sample[0] != 1 && sample[0] != 3) {
		return [3]int{}, n.wrong(fmt.Errorf("it takes %s, and pictures have 1 or 3 channels, a height and a width: choose a network for pictures", extents(n.graph.Inputs[0].Dims)))
	}
	return [3]int(sample), nil
}
