package zoo

// lenet is the network of the Bristle experiments (docs/bristle.md, b):
// convolution 5x5 to 10 channels, LeakyReLU with slope 0.01, 2x2 max pooling,
// convolution 5x5 to 50 channels, LeakyReLU, pooling, and a dense layer. Its
// embedded, pretrained form depends on the order in which weights are drawn.
func lenet(b *builder, x value, classes int) value {
	for _, c := range []struct {
		name     string
		channels int
	}{{"conv1", 10}, {"conv2", 50}} {
		x = leakyRelu(b, b.convBias(x, c.name, c.channels, window{kernel: 5}))
		x = b.maxPool(x, c.name+"_pool", window{kernel: 2, stride: 2})
	}
	return b.dense(b.flatten(x, "features"), "fc", classes)
}

func mlp(b *builder, x value, classes int) value {
	x = b.flatten(x, "pixels")
	x = relu(b, b.dense(x, "fc1", 256))
	x = relu(b, b.dense(x, "fc2", 128))
	return b.dense(x, "fc3", classes)
}

// har1d has the convolutions of Bristle's network for activity recognition,
// and takes the greatest value over time, so that it fits any length.
func har1d(b *builder, x value, classes int) value {
	x = b.convBias(x, "conv1", 96, window{kernel: 15, pad: 7})
	x = relu(b, b.norm(x, "bn1", torchEpsilon))
	x = b.maxPool(x, "pool1", window{kernel: 2, stride: 2})
	x = b.convBias(x, "conv2", 128, window{kernel: 9, pad: 4})
	x = relu(b, b.norm(x, "bn2", torchEpsilon))
	x = b.globalPool(x, "GlobalMaxPool", "pool2")
	return b.dense(b.flatten(x, "features"), "fc", classes)
}
