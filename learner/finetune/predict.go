package finetune

import (
	"context"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/data"
	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/quant"
)

// Predict returns what a network with a head of ours makes of samples of a
// set: for each the probabilities of the classes, by softmax. The samples' labels
// are not looked at.
func Predict(ctx context.Context, net *graph.Graph, set data.Set, chosen []int, workers int) ([][]float64, error) {
	const batch = 8
	run, err := nn.NewRunner(net, batch, nn.Options{Workers: workers})
	if err != nil {
		return nil, err
	}
	if err := checkSamples(set, chosen, run.Input()); err != nil {
		return nil, err
	}
	normalise, err := quant.Normaliser(net.Metadata, set.Shape[0], set.Shape[1]*set.Shape[2])
	if err != nil {
		return nil, err
	}
	x := make([]float32, batch*run.Input())
	out := make([][]float64, 0, len(chosen))
	for rows := range slices.Chunk(chosen, batch) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for k, i := range rows {
			normalise(x[k*run.Input():], set.Samples[i].Pixels)
		}
		logits := run.Forward(x, len(rows))
		for row := range slices.Chunk(logits, run.Outputs()) {
			out = append(out, softmax(row))
		}
	}
	return out, nil
}

func softmax(logits []float32) []float64 {
	top := float64(slices.Max(logits))
	p := make([]float64, len(logits))
	var sum float64
	for i, v := range logits {
		p[i] = math.Exp(float64(v) - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}
