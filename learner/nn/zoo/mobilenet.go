package zoo

import "fmt"

// kerasEpsilon is the epsilon of the batch normalisations in the MobileNets
// that come from TensorFlow.
const kerasEpsilon = 1e-3

// mobilenetV1 has the names and padding of Keras's network.
func mobilenetV1(b *builder, x value, classes int) value {
	act := func(x value, name string) value { return relu6(b, b.norm(x, name+"_bn", kerasEpsilon)) }
	x = act(b.conv(x, "conv1", 32, window{kernel: 3, stride: 2, same: true}), "conv1")
	for i, channels := range []int{64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024} {
		stride := 1
		switch i + 1 {
		case 2, 4, 6, 12:
			stride = 2
		}
		name := fmt.Sprintf("conv_dw_%d", i+1)
		x = act(b.depthwise(x, name, window{kernel: 3, stride: stride, same: true}), name)
		name = fmt.Sprintf("conv_pw_%d", i+1)
		x = act(b.conv(x, name, channels, window{kernel: 1}), name)
	}
	return b.dense(b.averages(x), "fc", classes)
}

func mobilenetV2(b *builder, x value, classes int) value {
	x = b.convNorm(x, "features.0", 32, 1, window{kernel: 3, stride: 2, pad: 1}, torchEpsilon, relu6)
	at := 1
	for _, s := range []struct{ widening, channels, blocks, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range s.blocks {
			stride := 1
			if i == 0 {
				stride = s.stride
			}
			x = b.invertedResidual(x, fmt.Sprintf("features.%d", at), s.widening, s.channels, stride)
			at++
		}
	}
	x = b.convNorm(x, "features.18", 1280, 1, window{kernel: 1}, torchEpsilon, relu6)
	return b.dense(b.averages(x), "classifier.1", classes)
}

// invertedResidual is a block of MobileNetV2.
func (b *builder) invertedResidual(x value, name string, widening, channels, stride int) value {
	at := 0
	part := func() string { at++; return fmt.Sprintf("%s.conv.%d", name, at-1) }
	y := x
	if widening != 1 {
		y = b.convNorm(y, part(), widening*x.channels(), 1, window{kernel: 1}, torchEpsilon, relu6)
	}
	y = b.convNorm(y, part(), y.channels(), y.channels(), window{kernel: 3, stride: stride, pad: 1}, torchEpsilon, relu6)
	y = b.norm(b.conv(y, part(), channels, window{kernel: 1}), part(), torchEpsilon)
	if stride == 1 && x.channels() == channels {
		y = b.add(x, y, name)
	}
	return y
}

func mobilenetV3Small(b *builder, x value, classes int) value {
	x = b.convNorm(x, "features.0", 16, 1, window{kernel: 3, stride: 2, pad: 1}, kerasEpsilon, hardSwish)
	for i, s := range []struct {
		kernel, wide, channels int
		squeeze                bool
		act                    activation
		stride                 int
	}{
		{3, 16, 16, true, relu, 2},
		{3, 72, 24, false, relu, 2}, {3, 88, 24, false, relu, 1},
		{5, 96, 40, true, hardSwish, 2}, {5, 240, 40, true, hardSwish, 1}, {5, 240, 40, true, hardSwish, 1},
		{5, 120, 48, true, hardSwish, 1}, {5, 144, 48, true, hardSwish, 1},
		{5, 288, 96, true, hardSwish, 2}, {5, 576, 96, true, hardSwish, 1}, {5, 576, 96, true, hardSwish, 1},
	} {
		m := mobileBlock{
			name: fmt.Sprintf("features.%d", i+1), kernel: s.kernel, stride: s.stride, wide: s.wide, channels: s.channels,
			epsilon: kerasEpsilon, act: s.act, squeezeAct: relu, gate: hardSigmoid,
		}
		if s.squeeze {
			m.squeezed = divisible(float64(s.wide / 4))
		}
		x = m.build(b, x)
	}
	x = b.convNorm(x, "features.12", 576, 1, window{kernel: 1}, kerasEpsilon, hardSwish)
	x = hardSwish(b, b.dense(b.averages(x), "classifier.0", 1024))
	return b.dense(x, "classifier.3", classes)
}

func efficientnetB0(b *builder, x value, classes int) value {
	x = b.convNorm(x, "features.0", 32, 1, window{kernel: 3, stride: 2, pad: 1}, torchEpsilon, silu)
	for stage, s := range []struct{ widening, kernel, stride, channels, blocks int }{
		{1, 3, 1, 16, 1}, {6, 3, 2, 24, 2}, {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3}, {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
	} {
		for i := range s.blocks {
			m := mobileBlock{
				name: fmt.Sprintf("features.%d.%d", stage+1, i), kernel: s.kernel, stride: 1,
				wide: s.widening * x.channels(), channels: s.channels, squeezed: x.channels() / 4,
				epsilon: torchEpsilon, act: silu, squeezeAct: silu, gate: sigmoid,
			}
			if i == 0 {
				m.stride = s.stride
			}
			x = m.build(b, x)
		}
	}
	x = b.convNorm(x, "features.8", 1280, 1, window{kernel: 1}, torchEpsilon, silu)
	return b.dense(b.averages(x), "classifier.1", classes)
}

// mobileBlock is a block of MobileNetV3 and EfficientNet: to more channels,
// one convolution for each, squeeze and excitation, and to few channels.
type mobileBlock struct {
	name             string
	kernel, stride   int
	wide, channels   int
	squeezed         int // channels in squeeze and excitation, 0: there is none
	epsilon          float32
	act              activation
	squeezeAct, gate activation
}

func (m *mobileBlock) build(b *builder, x value) value {
	at := 0
	part := func() string { at++; return fmt.Sprintf("%s.block.%d", m.name, at-1) }
	y := x
	if m.wide != x.channels() {
		y = b.convNorm(y, part(), m.wide, 1, window{kernel: 1}, m.epsilon, m.act)
	}
	y = b.convNorm(y, part(), m.wide, m.wide, window{kernel: m.kernel, stride: m.stride, pad: m.kernel / 2}, m.epsilon, m.act)
	if m.squeezed > 0 {
		y = b.squeezeExcite(y, part(), m.squeezed, m.squeezeAct, m.gate)
	}
	y = b.convNorm(y, part(), m.channels, 1, window{kernel: 1}, m.epsilon, nil)
	if m.stride == 1 && x.channels() == m.channels {
		y = b.add(x, y, m.name)
	}
	return y
}
