package nn

import "github.com/bristle-fl/bristled/internal/kernel"

// crossEntropy returns the negative logarithm of the softmax of the logits at
// the label, and overwrites the logits with the gradient of that divided by
// batch, the number of samples over which the mean is taken.
func crossEntropy(logits []float32, label int, batch float32) float32 {
	top := logits[0]
	for _, v := range logits {
		if v > top {
			top = v
		}
	}
	own := logits[label] - top
	var sum float32
	for i, v := range logits {
		e := kernel.Exp(v - top)
		logits[i] = e
		sum += e
	}
	for i, e := range logits {
		p := e / sum
		if i == label {
			p--
		}
		logits[i] = p / batch
	}
	return kernel.Log(sum) - own
}
