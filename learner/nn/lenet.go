package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// LeNet returns the network of the Bristle experiments (docs/bristle.md, b) for
// grey images of 28 x 28 pixels, freshly initialised: convolution 5x5 to 10
// channels, LeakyReLU with slope 0.01, 2x2 max pooling, convolution 5x5 to 50
// channels, LeakyReLU, pooling, and a dense layer from the 800 features to the
// logits of the classes. The convolutions have a bias; bias says whether the
// output layer has one (theirs has none).
//
// Convolutions start uniform with variance 2/inputs (He et al., 2015), the
// output layer uniform with variance 2/(inputs+outputs) (Glorot and Bengio,
// 2010), biases at zero. The uniform law is the one that gives the same bits
// on every architecture. LeNet panics if there is no class.
func LeNet(classes int, bias bool, rng *rand.Rand) *Net {
	if classes < 1 {
		panic(fmt.Sprintf("nn: LeNet with %d classes", classes))
	}
	n := &Net{in: shape{channels: 1, height: 28, width: 28}}
	stage := func(name string, channels int) {
		in := n.output()
		inputs := in.channels * 25
		weight := n.add(name+".weight", uniform(rng, channels*inputs, math.Sqrt(6/float64(inputs))),
			channels, in.channels, 5, 5)
		c, _ := newConv(in, window{kernel: [2]int{5, 5}, stride: [2]int{1, 1}}, channels, weight,
			n.add(name+".bias", make([]float32, channels), channels))
		p, _ := newMaxPool(c.out, quarter)
		n.layers = append(n.layers, c, &leakyReLU{c.out, 0.01}, p)
	}
	stage("conv1", 10)
	stage("conv2", 50)
	f := &flatten{n.output()}
	features := f.output().size()
	limit := math.Sqrt(6 / float64(features+classes))
	d := &dense{features, classes, n.add("fc.weight", uniform(rng, classes*features, limit), classes, features), -1}
	if bias {
		d.bias = n.add("fc.bias", make([]float32, classes), classes)
	}
	n.layers = append(n.layers, f, d)
	return n
}

// uniform returns n numbers from [-limit, limit).
func uniform(rng *rand.Rand, n int, limit float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32((2*rng.Float64() - 1) * limit)
	}
	return x
}
