package zoo

import (
	"fmt"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// block is a residual block: what it adds to its input, and how many channels
// it has.
type block struct {
	residual func(b *builder, x value, name string, width, stride int) value
	widening int // output channels per channel of the 3x3 convolutions
}

var (
	basicBlock = block{func(b *builder, x value, name string, width, stride int) value {
		x = b.conv(x, name+".conv1", width, window{kernel: 3, stride: stride, pad: 1})
		x = relu(b, b.norm(x, name+".bn1", torchEpsilon))
		x = b.conv(x, name+".conv2", width, window{kernel: 3, pad: 1})
		return b.norm(x, name+".bn2", torchEpsilon)
	}, 1}

	bottleneck = block{func(b *builder, x value, name string, width, stride int) value {
		x = b.conv(x, name+".conv1", width, window{kernel: 1})
		x = relu(b, b.norm(x, name+".bn1", torchEpsilon))
		x = b.conv(x, name+".conv2", width, window{kernel: 3, stride: stride, pad: 1})
		x = relu(b, b.norm(x, name+".bn2", torchEpsilon))
		x = b.conv(x, name+".conv3", 4*width, window{kernel: 1})
		return b.norm(x, name+".bn3", torchEpsilon)
	}, 4}
)

// resnet has the given number of blocks in each of its four stages.
func resnet(kind block, blocks ...int) func(*builder, value, int) value {
	return func(b *builder, x value, classes int) value {
		x = b.conv(x, "conv1", 64, window{kernel: 7, stride: 2, pad: 3})
		x = relu(b, b.norm(x, "bn1", torchEpsilon))
		x = b.maxPool(x, "maxpool", window{kernel: 3, stride: 2, pad: 1})
		for stage, n := range blocks {
			width := 64 << stage
			for i := range n {
				name := fmt.Sprintf("layer%d.%d", stage+1, i)
				stride := 1
				if i == 0 && stage > 0 {
					stride = 2
				}
				y := kind.residual(b, x, name, width, stride)
				if stride != 1 || x.channels() != y.channels() {
					x = b.conv(x, name+".downsample.0", y.channels(), window{kernel: 1, stride: stride})
					x = b.norm(x, name+".downsample.1", torchEpsilon)
				}
				x = relu(b, b.add(y, x, name))
			}
		}
		return b.dense(b.averages(x), "fc", classes)
	}
}

// cifarResnet is the ResNet for small images, with shortcuts that have no
// weights (option A): every second pixel, and channels of zeros on both sides.
func cifarResnet(blocks int) func(*builder, value, int) value {
	return func(b *builder, x value, classes int) value {
		x = b.conv(x, "conv1", 16, window{kernel: 3, pad: 1})
		x = relu(b, b.norm(x, "bn1", torchEpsilon))
		for stage := range 3 {
			width := 16 << stage
			for i := range blocks {
				name := fmt.Sprintf("layer%d.%d", stage+1, i)
				stride := 1
				if i == 0 && stage > 0 {
					stride = 2
				}
				y := basicBlock.residual(b, x, name, width, stride)
				if stride == 2 {
					x = b.shortcut(x, name+".shortcut", width)
				}
				x = relu(b, b.add(y, x, name))
			}
		}
		return b.dense(b.averages(x), "linear", classes)
	}
}

func (b *builder) shortcut(x value, name string, channels int) value {
	x = b.slice(x, name+"_rows", 2, 0, x.dims[2], 2)
	x = b.slice(x, name+"_columns", 3, 0, x.dims[3], 2)
	more := channels - x.channels()
	return b.pad(x, name, 1, more/2, more-more/2)
}

// pad puts zeros before and after an axis.
func (b *builder) pad(x value, name string, axis, before, after int) value {
	pads := make([]int64, 2*len(x.dims))
	pads[axis], pads[axis+len(x.dims)] = int64(before), int64(after)
	return b.op("Pad", name, replaced(x.dims, axis, x.dims[axis]+before+after), nil, x.name,
		b.fixed(name+"_pads", graph.Ints(pads, len(pads))))
}
