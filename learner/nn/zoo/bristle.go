package zoo

import "strconv"

// The networks of the Bristle experiments for MNIST, CIFAR-10 and WISDM, as the
// author's pretrained files have them. Layers are named by their place there.
// Unlike in most networks, normalisation follows activation.

// layer names the i-th layer of the author's network.
func layer(i int) string { return "layer" + strconv.Itoa(i) }

// bristleMNIST is twice a convolution 5x5, LeakyReLU with slope 0.01 and 2x2 max
// pooling, and a dense layer without bias.
func bristleMNIST(b *builder, x value, classes int) value {
	for i, c := range []int{10, 50} {
		x = leakyRelu(b, b.convBias(x, layer(2*i), c, window{kernel: 5}))
		x = b.maxPool(x, layer(2*i+1), window{kernel: 2, stride: 2})
	}
	return b.gemm(b.flatten(x, "features"), layer(4), classes, false)
}

// bristleCIFAR is one block for each number of channels: convolution 3x3,
// LeakyReLU with slope 0.01, batch normalisation, 2x2 max pooling. One more
// normalisation, and a dense layer without bias follow.
func bristleCIFAR(channels ...int) func(b *builder, x value, classes int) value {
	return func(b *builder, x value, classes int) value {
		at := 0
		for _, c := range channels {
			x = leakyRelu(b, b.convBias(x, layer(at), c, window{kernel: 3, pad: 1}))
			x = b.norm(x, layer(at+1), torchEpsilon)
			x = b.maxPool(x, layer(at+2), window{kernel: 2, stride: 2})
			at += 3
		}
		x = b.norm(x, layer(at), torchEpsilon)
		return b.gemm(b.flatten(x, "features"), layer(at+1), classes, false)
	}
}

// bristleWISDM is a convolution of 15 steps, LeakyReLU, batch normalisation,
// max pooling by 2, a convolution of 9 steps, LeakyReLU, the greatest value
// over time, batch normalisation and a dense layer. It fits any length.
func bristleWISDM(b *builder, x value, classes int) value {
	x = leakyRelu(b, b.convBias(x, layer(0), 96, window{kernel: 15, pad: 7}))
	x = b.norm(x, layer(1), torchEpsilon)
	x = b.maxPool(x, layer(2), window{kernel: 2, stride: 2})
	x = leakyRelu(b, b.convBias(x, layer(3), 128, window{kernel: 9, pad: 4}))
	x = b.globalPool(x, "GlobalMaxPool", layer(4))
	x = b.norm(x, layer(5), torchEpsilon)
	return b.dense(b.flatten(x, "features"), layer(6), classes)
}
