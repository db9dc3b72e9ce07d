package zoo

import "fmt"

func squeezenet(b *builder, x value, classes int) value {
	pool := window{kernel: 3, stride: 2, ceil: true}
	x = relu(b, b.convBias(x, "features.0", 64, window{kernel: 3, stride: 2}))
	x = b.maxPool(x, "features.2", pool)
	at := 3
	for _, s := range []struct{ squeezed, expanded, blocks int }{{16, 64, 2}, {32, 128, 2}, {48, 192, 2}, {64, 256, 2}} {
		for range s.blocks {
			name := fmt.Sprintf("features.%d", at)
			x = relu(b, b.convBias(x, name+".squeeze", s.squeezed, window{kernel: 1}))
			x = b.concat(name, 1,
				relu(b, b.convBias(x, name+".expand1x1", s.expanded, window{kernel: 1})),
				relu(b, b.convBias(x, name+".expand3x3", s.expanded, window{kernel: 3, pad: 1})))
			at++
		}
		if s.squeezed < 48 {
			x = b.maxPool(x, fmt.Sprintf("features.%d", at), pool)
			at++
		}
	}
	x = relu(b, b.convBias(x, "classifier.1", classes, window{kernel: 1}))
	return b.averages(x)
}

func densenet121(b *builder, x value, classes int) value {
	const growth, narrow = 32, 128
	x = b.conv(x, "features.conv0", 64, window{kernel: 7, stride: 2, pad: 3})
	x = relu(b, b.norm(x, "features.norm0", torchEpsilon))
	x = b.maxPool(x, "features.pool0", window{kernel: 3, stride: 2, pad: 1})
	for stage, layers := range []int{6, 12, 24, 16} {
		for i := range layers {
			name := fmt.Sprintf("features.denseblock%d.denselayer%d", stage+1, i+1)
			y := relu(b, b.norm(x, name+".norm1", torchEpsilon))
			y = b.conv(y, name+".conv1", narrow, window{kernel: 1})
			y = relu(b, b.norm(y, name+".norm2", torchEpsilon))
			y = b.conv(y, name+".conv2", growth, window{kernel: 3, pad: 1})
			x = b.concat(name, 1, x, y)
		}
		if stage == 3 {
			break
		}
		name := fmt.Sprintf("features.transition%d", stage+1)
		x = relu(b, b.norm(x, name+".norm", torchEpsilon))
		x = b.conv(x, name+".conv", x.channels()/2, window{kernel: 1})
		x = b.averagePool(x, name+".pool", window{kernel: 2, stride: 2})
	}
	x = relu(b, b.norm(x, "features.norm5", torchEpsilon))
	return b.dense(b.averages(x), "classifier", classes)
}

func vgg11(b *builder, x value, classes int) value {
	at := 0
	part := func() string { at++; return fmt.Sprintf("features.%d", at-1) }
	for _, channels := range []int{64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0} {
		if channels == 0 {
			x = b.maxPool(x, part(), window{kernel: 2, stride: 2})
			continue
		}
		x = b.convBias(x, part(), channels, window{kernel: 3, pad: 1})
		x = relu(b, b.norm(x, part(), torchEpsilon))
		at++
	}
	// PyTorch averages to 7x7 whatever the image. Other sizes than a multiple
	// would need windows of several sizes, so there the classifier takes the
	// map as it is.
	if h, w := x.dims[2], x.dims[3]; h == w && h > 7 && h%7 == 0 {
		x = b.averagePool(x, "avgpool", window{kernel: h / 7, stride: h / 7})
	}
	x = relu(b, b.dense(b.flatten(x, "maps"), "classifier.0", 4096))
	x = relu(b, b.dense(x, "classifier.3", 4096))
	return b.dense(x, "classifier.6", classes)
}

func shufflenetV2(b *builder, x value, classes int) value {
	x = b.convNorm(x, "conv1", 24, 1, window{kernel: 3, stride: 2, pad: 1}, torchEpsilon, relu)
	x = b.maxPool(x, "maxpool", window{kernel: 3, stride: 2, pad: 1})
	for stage, blocks := range []int{4, 8, 4} {
		half := 24 << stage
		for i := range blocks {
			name := fmt.Sprintf("stage%d.%d", stage+2, i)
			left, right, stride := x, x, 2
			if i == 0 {
				left = b.norm(b.depthwise(left, name+".branch1.0", window{kernel: 3, stride: 2, pad: 1}), name+".branch1.1", torchEpsilon)
				left = b.norm(b.conv(left, name+".branch1.2", half, window{kernel: 1}), name+".branch1.3", torchEpsilon)
				left = relu(b, left)
			} else {
				left = b.slice(x, name+".left", 1, 0, half, 1)
				right = b.slice(x, name+".right", 1, half, 2*half, 1)
				stride = 1
			}
			branch := name + ".branch2"
			right = relu(b, b.norm(b.conv(right, branch+".0", half, window{kernel: 1}), branch+".1", torchEpsilon))
			right = b.norm(b.depthwise(right, branch+".3", window{kernel: 3, stride: stride, pad: 1}), branch+".4", torchEpsilon)
			right = relu(b, b.norm(b.conv(right, branch+".5", half, window{kernel: 1}), branch+".6", torchEpsilon))
			x = b.shuffle(b.concat(name+"_concat", 1, left, right), name)
		}
	}
	x = b.convNorm(x, "conv5", 1024, 1, window{kernel: 1}, torchEpsilon, relu)
	return b.dense(b.averages(x), "fc", classes)
}

// shuffle interleaves the two halves of the channels.
func (b *builder) shuffle(x value, name string) value {
	c, h, w := x.dims[1], x.dims[2], x.dims[3]
	y := b.reshape(x, name+"_halves", -1, 2, c/2, h, w)
	y = b.transpose(y, name+"_interleaved", 0, 2, 1, 3, 4)
	return b.reshape(y, name, -1, c, h, w)
}
