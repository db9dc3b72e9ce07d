package learner

import (
	"fmt"
	"slices"
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
// Bristle's author pretrained three networks that go with it: bristle_cifar10
// and bristle_cifar10_2 on pixels of 0 to 1, for [data.ReadCIFAR10], and
// bristle_wisdm on standardised series, for [data.ReadWISDM].
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

// normaliser returns how pixels become the input of a network with such
// metadata: (p/255 - mean) / std for every channel.
func normaliser(metadata map[string]string) (func(pixels []uint8, shape [3]int) []float32, error) {
	mean, err := channelNumbers(metadata, quant.MetadataMean, 0)
	if err != nil {
		return nil, err
	}
	std, err := channelNumbers(metadata, quant.MetadataStd, 1)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(std, func(v float32) bool { return !(v > 0) }) {
		return nil, fmt.Errorf("the metadata say %s is %.80q, and it is divided by", quant.MetadataStd, metadata[quant.MetadataStd])
	}
	return func(pixels []uint8, shape [3]int) []float32 {
		x, plane := appendPixels(nil, pixels), shape[1]*shape[2]
		for i := range x {
			c := i / plane
			x[i] = (x[i] - mean[min(c, len(mean)-1)]) / std[min(c, len(std)-1)]
		}
		return x
	}, nil
}

// channelNumbers reads one number for all channels, or one for each.
func channelNumbers(metadata map[string]string, key string, without float32) ([]float32, error) {
	if metadata[key] == "" {
		return []float32{without}, nil
	}
	var list []float32
	for word := range strings.SplitSeq(metadata[key], ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(word), 32)
		if err != nil || v-v != 0 {
			return nil, fmt.Errorf("the metadata say %s is %.80q, which is no list of numbers", key, metadata[key])
		}
		list = append(list, float32(v))
	}
	return list, nil
}
