package learner

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/onnx"
	"github.com/bristle-fl/bristled/learner/quant"
)

// calibrationSamples is how many samples of a set decide the ranges of a
// backbone's values.
const calibrationSamples = 520

// Freeze makes a backbone of a float32 network: it cuts the output layer off,
// quantizes the rest with ranges found on the first samples of a set, and
// returns the ONNX file. If the network's metadata state a mean and a standard
// deviation ([quant.MetadataMean]), it takes pixels normalised by them, else
// pixels of 0 to 1. One network and set give one file on every machine.
func Freeze(net *graph.Graph, set data.Set) ([]byte, error) {
	if len(net.Inputs) != 1 {
		return nil, fmt.Errorf("learner: freeze a network of %d inputs: one is needed", len(net.Inputs))
	}
	in := append([]int{1}, net.Inputs[0].Dims[1:]...)
	static, err := graph.Specialize(net, map[string][]int{net.Inputs[0].Name: in}, graph.Options{})
	if err != nil {
		return nil, err
	}
	head, err := graph.Head(static)
	if err != nil {
		return nil, err
	}
	backbone, err := graph.Cut(net, head.Features)
	if err != nil {
		return nil, err
	}
	normalise, err := quant.Normaliser(net.Metadata, set.Shape[0], set.Shape[1]*set.Shape[2])
	if err != nil {
		return nil, fmt.Errorf("learner: freeze: %w", err)
	}
	samples := set.Samples[:min(calibrationSamples, len(set.Samples))]
	ranges, err := quant.Calibrate(backbone, func(yield func([]float32) bool) {
		for _, s := range samples {
			x := make([]float32, len(s.Pixels))
			if normalise(x, s.Pixels); !yield(x) {
				return
			}
		}
	}, quant.Options{})
	if err != nil {
		return nil, fmt.Errorf("learner: freeze: %w", err)
	}
	quantized, err := quant.Quantize(backbone, ranges)
	if err != nil {
		return nil, fmt.Errorf("learner: freeze: %w", err)
	}
	file, err := onnx.Marshal(quantized)
	if err != nil {
		return nil, err
	}
	b, err := LoadBackbone(file)
	if err != nil {
		return nil, err
	}
	rms, err := b.MeasureRMS(data.Set{Shape: set.Shape, Samples: samples, Classes: set.Classes})
	if err != nil {
		return nil, err
	}
	quantized.Metadata = maps.Clone(quantized.Metadata)
	if quantized.Metadata == nil {
		quantized.Metadata = map[string]string{}
	}
	quantized.Metadata[MetaRawRMS] = strconv.FormatFloat(rms, 'g', 6, 64)
	return onnx.Marshal(quantized)
}
