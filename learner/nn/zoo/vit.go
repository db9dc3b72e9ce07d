package zoo

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// smallLimit is the limit of a uniform law with deviation 0.02, as positions
// start in transformers.
var smallLimit = 0.02 * math.Sqrt(3)

func vitB16(b *builder, x value, classes int) value {
	const patch, width, heads, layers, hidden, epsilon = 16, 768, 12, 12, 3072, 1e-6
	if x.dims[2]%patch != 0 || x.dims[3]%patch != 0 {
		b.fail("an input of %d x %d pixels: both must be multiples of %d", x.dims[2], x.dims[3], patch)
	}
	x = b.convBias(x, "conv_proj", width, window{kernel: patch, stride: patch})
	n := graph.Size(x.space())
	x = b.transpose(b.reshape(x, "patches", -1, width, n), "tokens", 0, 2, 1)
	x = b.concat("sequence", 1, b.classToken(x), x)
	positions := b.uniform("encoder.pos_embedding", smallLimit, 1, n+1, width)
	x = b.op("Add", "embedded", x.dims, nil, x.name, positions)
	for i := range layers {
		name := fmt.Sprintf("encoder.layers.encoder_layer_%d", i)
		attention := name + ".self_attention"
		y := b.layerNorm(x, name+".ln_1", epsilon)
		y = b.attention(y, attention, attention+".in_proj_weight", attention+".in_proj_bias", attention+".out_proj", heads, nil)
		x = b.add(y, x, name+"_attended")
		y = b.perceptron(b.layerNorm(x, name+".ln_2", epsilon), name+".mlp", hidden)
		x = b.add(x, y, name)
	}
	x = b.layerNorm(x, "encoder.ln", epsilon)
	first := b.fixed("first", graph.Ints([]int64{0}))
	x = b.op("Gather", "features", []int{-1, width}, attrs{"axis": int64(1)}, x.name, first)
	return b.dense(x, "heads.head", classes)
}

// classToken is the learned first element of every sequence of a batch like x.
func (b *builder) classToken(x value) value {
	token := b.filled("class_token", 0, 1, 1, x.last())
	shape := b.op("Shape", "tokens_shape", []int{3}, nil, x.name)
	batch := b.op("Gather", "batch_size", []int{1}, attrs{"axis": int64(0)}, shape.name, b.ints("axis_of_batch", 0))
	full := b.op("Concat", "class_tokens_shape", []int{3}, attrs{"axis": int64(0)}, batch.name, b.ints("class_token_shape", 1, x.last()))
	return b.op("Expand", "class_tokens", []int{-1, 1, x.last()}, nil, token, full.name)
}
