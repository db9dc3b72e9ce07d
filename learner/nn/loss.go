package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/bristle-fl/bristled/internal/kernel"
)

// Loss is a loss over a batch of outputs and its gradient. Outputs are logits
// of shape rows x columns, and targets of the same shape.
type Loss interface {
	// Gradient returns the mean loss of the first rows of the batch and fills
	// grad with its gradient with respect to the logits.
	Gradient(grad, logits, targets []float32, rows, columns int) float64
}

// CrossEntropy is softmax cross-entropy against distributions of classes: the
// loss of a row is the sum over the classes c of -w[c]·t[c]·log softmax(z)[c].
type CrossEntropy struct {
	// Weights of the classes, nil for ones. As in PyTorch the mean is then
	// over the weights of the rows' targets.
	Weights []float32
}

// Gradient implements [Loss]. Its order of operations is fixed: the same bits
// on every machine.
func (l CrossEntropy) Gradient(grad, logits, targets []float32, rows, columns int) float64 {
	var loss, mass float64
	for r := range rows {
		t := targets[r*columns : (r+1)*columns]
		for c, v := range t {
			mass += float64(v) * l.weight(c)
		}
	}
	if mass == 0 {
		clear(grad[:rows*columns])
		return 0
	}
	for r := range rows {
		z, t, g := logits[r*columns:(r+1)*columns], targets[r*columns:(r+1)*columns], grad[r*columns:(r+1)*columns]
		top := slices.Max(z)
		var sum float64
		for c, v := range z {
			e := float64(kernel.Exp(v - top))
			g[c] = float32(e)
			sum += e
		}
		log := float64(top) + float64(kernel.Log(float32(sum)))
		var all float64
		for c, v := range t {
			w := float64(float64(v) * l.weight(c))
			all += w
			loss += float64(w * (log - float64(z[c])))
		}
		for c, v := range t {
			w := float64(float64(v) * l.weight(c))
			g[c] = float32((float64(float64(g[c])/sum*all) - w) / mass)
		}
	}
	return loss / mass
}

func (l CrossEntropy) weight(c int) float64 {
	if l.Weights == nil {
		return 1
	}
	return float64(l.Weights[c])
}

// BinaryCrossEntropy takes every column as a decision of its own: the mean
// over all of -w·t·log σ(z) - (1-t)·log(1-σ(z)).
type BinaryCrossEntropy struct {
	PositiveWeights []float32 // w of each column, nil for ones
}

// Gradient implements [Loss], in the form that does not overflow.
func (l BinaryCrossEntropy) Gradient(grad, logits, targets []float32, rows, columns int) float64 {
	var loss float64
	n := float64(rows * columns)
	for i := range rows * columns {
		z, t, w := float64(logits[i]), float64(targets[i]), 1.0
		if l.PositiveWeights != nil {
			w = float64(l.PositiveWeights[i%columns])
		}
		// softplus(-z) = max(-z, 0) + log(1 + exp(-|z|))
		e := float64(kernel.Exp(float32(-math.Abs(z))))
		soft := max(-z, 0) + float64(kernel.Log(float32(1+e)))
		scale := 1 + float64((w-1)*t)
		loss += float64((1-t)*z) + float64(scale*soft)
		sigma := 1 / (1 + e) // of |z|
		if z < 0 {
			sigma = e / (1 + e)
		}
		grad[i] = float32((float64(sigma*scale) - float64(t*w)) / n)
	}
	return loss / n
}

// OneHot fills targets, rows x classes, with the distribution of each label:
// 1-smoothing for it and smoothing spread over all classes (Szegedy et al.,
// 2016). A label outside the classes is an error.
func OneHot(targets []float32, labels []int, classes int, smoothing float32) error {
	rest := smoothing / float32(classes)
	for i, label := range labels {
		if label < 0 || label >= classes {
			return fmt.Errorf("nn: sample %d of the batch has label %d, the network only %d classes: check the data or train with more classes",
				i, label, classes)
		}
		row := targets[i*classes : (i+1)*classes]
		for c := range row {
			row[c] = rest
		}
		row[label] += 1 - smoothing
	}
	return nil
}
