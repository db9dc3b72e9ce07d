package main

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn"
	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/quant"
)

// comparison is what quantizing a network needs beside the ranges: the
// pictures' way into it and what becomes of its output.
type comparison struct {
	network *network
	shape   [3]int
	scaling scaling
	workers int
	float   *graph.Graph // what is quantized: the network, or its backbone

	// head is the output layer in float32 on one sample, for a backbone: it
	// says what the features are still good for.
	head *nn.Program

	x          []float32
	calibrated int // pictures
}

func newComparison(n *network, a *album, given []int, f quantizeFlags) (*comparison, error) {
	sample, err := n.fix(given)
	if err != nil {
		return nil, err
	}
	s := &comparison{network: n, workers: f.workers, float: n.graph}
	if s.shape, err = n.shapeFor(a, sample); err != nil {
		return nil, err
	}
	if s.scaling, err = chooseScaling(f.mean, f.std, n.graph.Metadata, s.shape[0]); err != nil {
		return nil, n.wrong(err)
	}
	if !f.backbone || isBackbone(n.graph) {
		return s, nil
	}
	head, static, err := headOf(n.graph)
	if err != nil {
		return nil, n.wrong(err)
	}
	if s.float, err = endAt(n.graph, head.Features, static.Shapes[head.Features]); err != nil {
		return nil, n.wrong(err)
	}
	_, back, err := graph.Split(static, head.Features)
	if err != nil {
		return nil, n.wrong(err)
	}
	s.head, err = nn.Compile(back.Graph, static.Shapes[head.Features], nn.Options{Workers: 1})
	if err != nil {
		return nil, n.wrong(err)
	}
	return s, nil
}

// errEnough ends the reading of pictures that nobody wants any more.
var errEnough = errors.New("no more pictures are wanted")

// batches reads pictures and yields them as the network's input, some at a
// time. What went wrong is in err at the end.
func (s *comparison) batches(ctx context.Context, a *album, numbers []int, bar *progress, err *error) func(yield func([]float32) bool) {
	return func(yield func([]float32) bool) {
		_, *err = a.each(ctx, numbers, s.shape, s.workers, func(part []int, pixels []uint8) error {
			s.calibrated += len(part)
			if !yield(s.input(pixels)) {
				return errEnough
			}
			bar.add(len(part))
			return nil
		})
	}
}

// input turns pixels into the network's input, valid until the next call.
func (s *comparison) input(pixels []uint8) []float32 {
	if cap(s.x) < len(pixels) {
		s.x = make([]float32, len(pixels))
	}
	s.x = s.x[:len(pixels)]
	s.scaling.apply(s.x, pixels, s.shape)
	return s.x
}

// calibrate watches the float32 network at work.
func (s *comparison) calibrate(ctx context.Context, stderr io.Writer, a *album, numbers []int, method quant.Method) (quant.Ranges, error) {
	bar := newProgress(ctx, stderr, "calibrating", len(numbers))
	defer bar.end()
	var reading error
	ranges, err := quant.Calibrate(s.float, s.batches(ctx, a, numbers, bar, &reading), quant.Options{Ranges: method, Workers: s.workers})
	if reading != nil && !errors.Is(reading, errEnough) {
		return nil, reading
	}
	if err != nil {
		return nil, s.network.wrong(err)
	}
	return ranges, nil
}

// compare runs both networks on pictures and notes how far int8 is off.
func (s *comparison) compare(ctx context.Context, stderr io.Writer, a *album, numbers []int, quantized *graph.Graph, q *quantization) error {
	float, err := nn.NewRunner(s.float, together, nn.Options{Workers: s.workers})
	if err != nil {
		return s.network.wrong(err)
	}
	int8, err := nn.NewRunner(quantized, together, nn.Options{Workers: s.workers, Exact: true})
	if err != nil {
		return s.network.wrong(err)
	}
	q.Outputs = float.Outputs()
	bar := newProgress(ctx, stderr, "comparing", len(numbers))
	defer bar.end()
	var t tally
	_, err = a.each(ctx, numbers, s.shape, s.workers, func(part []int, pixels []uint8) error {
		x := s.input(pixels)
		want, got := float.Forward(x, len(part)), int8.Forward(x, len(part))
		width := float.Outputs()
		for i, number := range part {
			t.add(s, want[i*width:(i+1)*width], got[i*width:(i+1)*width], a.pictures[number].label)
		}
		bar.add(len(part))
		return nil
	})
	if err != nil {
		return err
	}
	t.note(q, len(a.classes))
	return nil
}

// logits returns what an output layer makes of what came out, valid until the
// next call.
func (s *comparison) logits(y []float32) []float32 {
	if s.head == nil {
		return y
	}
	return s.head.Forward(y)
}

// tally counts on how many pictures two networks agree and are right.
type tally struct {
	pictures, same, floatRight, int8Right int
	signal, noise                         float64 // sums of squares
	outputs                               int     // of the output layer
}

// add takes what comes out of both networks for a picture.
func (t *tally) add(s *comparison, float, int8 []float32, label int) {
	for i, v := range float {
		d := float64(int8[i]) - float64(v)
		t.signal += float64(v) * float64(v)
		t.noise += d * d
	}
	y := s.logits(float)
	t.outputs = len(y)
	a := best(y)
	b := best(s.logits(int8))
	t.pictures++
	t.same += one(a == b)
	t.floatRight += one(a == label)
	t.int8Right += one(b == label)
}

// best returns the index of the largest number, the first of equal ones.
func best(y []float32) int { return slices.Index(y, slices.Max(y)) }

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// note writes down what was counted. Accuracy is known if every class of the
// pictures is an output.
func (t *tally) note(q *quantization, classes int) {
	q.Compared = t.pictures
	q.Agreement = float64(t.same) / float64(t.pictures)
	q.SNR = decibels(t.signal, t.noise)
	if q.HasAccuracy = classes > 0 && classes == t.outputs; q.HasAccuracy {
		q.FloatRight = float64(t.floatRight) / float64(t.pictures)
		q.Int8Right = float64(t.int8Right) / float64(t.pictures)
	}
}

// mostDecibels stands for no noise at all: JSON has no infinity.
const mostDecibels = 200

// decibels is the ratio of a signal's power to that of its noise.
func decibels(signal, noise float64) float64 {
	if noise == 0 {
		return mostDecibels
	}
	if signal == 0 {
		return -mostDecibels
	}
	return min(mostDecibels, max(-mostDecibels, 10*math.Log10(signal/noise)))
}
