package learner

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/safetensors"
	"github.com/bristle-fl/bristled/learner/nn/zoo"
	"github.com/bristle-fl/bristled/learner/quant"
)

// Transfer makes a backbone of an architecture of package zoo and a file of
// trained weights for it (safetensors), and returns the ONNX file. The set,
// whose shape is the backbone's input, finds the ranges of the int8 values,
// see [Freeze]. With standardise, the network takes every channel less its
// mean and divided by its standard deviation over the set, which the file
// then states; without, pixels of 0 to 1. The same arguments give the same
// file on every machine.
//
// Bristle's author pretrained four networks that go with it: bristle_cifar10
// and bristle_cifar10_2 on pixels of 0 to 1, for [data.ReadCIFAR10],
// bristle_mnist on the same, for [data.ReadMNIST] with rows and columns
// swapped, and bristle_wisdm on standardised series, for [data.ReadWISDM].
func Transfer(architecture, weights string, set data.Set, standardise bool) ([]byte, error) {
	net, err := transferred(architecture, weights, set, standardise)
	if err != nil {
		return nil, err
	}
	return Freeze(net, set)
}

// transferred returns the float32 network, with its output layer.
func transferred(architecture, weights string, set data.Set, standardise bool) (*graph.Graph, error) {
	if len(set.Samples) == 0 {
		return nil, fmt.Errorf("learner: transfer %s: %w", architecture, data.ErrEmpty)
	}
	o := zoo.Options{Channels: set.Shape[0], Height: set.Shape[1], Width: set.Shape[2]}
	net, err := zoo.New(architecture, o)
	if err != nil {
		return nil, err
	}
	tensors, _, err := safetensors.ReadFile(weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", weights, err)
	}
	if err := safetensors.Bind(net, tensors); err != nil {
		return nil, fmt.Errorf("%s: %w", weights, err)
	}
	net.Metadata[MetaSource] = architecture + " with given weights"
	if standardise {
		mean, std := set.MeanStd()
		net.Metadata[quant.MetadataMean], net.Metadata[quant.MetadataStd] = numberList(mean), numberList(std)
	}
	return net, nil
}

// numberList writes numbers as metadata have them, to six digits: more would
// say nothing about other data.
func numberList(list []float64) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = strconv.FormatFloat(v, 'g', 6, 64)
	}
	return strings.Join(words, ",")
}
