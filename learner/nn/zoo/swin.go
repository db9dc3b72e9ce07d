package zoo

import (
	"fmt"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// swinWindow is the side of the windows that swinT attends in.
const swinWindow = 7

// swinT keeps images as [batch, height, width, channels].
func swinT(b *builder, x value, classes int) value {
	const width = 96
	x = b.convBias(x, "features.0.0", width, window{kernel: 4, stride: 4})
	x = b.layerNorm(b.transpose(x, "features.0.1", 0, 2, 3, 1), "features.0.2", torchEpsilon)
	for stage, blocks := range []int{2, 2, 6, 2} {
		if stage > 0 {
			x = b.mergePatches(x, fmt.Sprintf("features.%d", 2*stage))
		}
		for i := range blocks {
			name := fmt.Sprintf("features.%d.%d", 2*stage+1, i)
			y := b.layerNorm(x, name+".norm1", torchEpsilon)
			y = b.windowAttention(y, name+".attn", 3<<stage, i%2 == 1)
			x = b.add(x, y, name+"_attended")
			y = b.perceptron(b.layerNorm(x, name+".norm2", torchEpsilon), name+".mlp", 4*x.last())
			x = b.add(x, y, name)
		}
	}
	x = b.layerNorm(x, "norm", torchEpsilon)
	x = b.transpose(x, "maps", 0, 3, 1, 2)
	return b.dense(b.averages(x), "head", classes)
}

// mergePatches joins each 2x2 of patches and halves what they have together.
func (b *builder) mergePatches(x value, name string) value {
	for _, axis := range []int{1, 2} {
		if x.dims[axis]%2 == 1 {
			x = b.pad(x, fmt.Sprintf("%s_even%d", name, axis), axis, 0, 1)
		}
	}
	var parts []value
	for column := range 2 {
		for row := range 2 {
			part := fmt.Sprintf("%s_%d%d", name, row, column)
			y := b.slice(x, part+"_rows", 1, row, x.dims[1], 2)
			parts = append(parts, b.slice(y, part, 2, column, x.dims[2], 2))
		}
	}
	x = b.layerNorm(b.concat(name, 3, parts...), name+".norm", torchEpsilon)
	return b.linear(x, name+".reduction", name+".reduction.weight", "", x.last()/2)
}

// windowAttention is attention within windows of the image. Every second time
// the windows are shifted by half their side, around the edge of the image; a
// mask then keeps apart what is together only because of that.
func (b *builder) windowAttention(x value, name string, heads int, shifted bool) value {
	const side = swinWindow
	h, w, width := x.dims[1], x.dims[2], x.dims[3]
	y := x
	var shift [2]int
	for i, d := range []int{h, w} {
		if rest := (side - d%side) % side; rest > 0 {
			y = b.pad(y, fmt.Sprintf("%s_padded%d", name, i), i+1, 0, rest)
		}
		if shifted && y.dims[i+1] > side {
			shift[i] = side / 2
		}
	}
	ph, pw := y.dims[1], y.dims[2]
	for i, s := range shift {
		y = b.roll(y, fmt.Sprintf("%s_shifted%d", name, i), i+1, s)
	}
	rows, columns := ph/side, pw/side
	windows, n := rows*columns, side*side
	y = b.reshape(y, name+"_grid", -1, rows, side, columns, side, width)
	y = b.transpose(y, name+"_windows", 0, 1, 3, 2, 4, 5)
	y = b.reshape(y, name+"_sequences", -1, n, width)
	bias := b.positionBias(name, heads)
	y = b.attention(y, name, name+".qkv.weight", name+".qkv.bias", name+".proj", heads, func(a value) value {
		a = b.add(a, bias, name+"_placed")
		if shift == [2]int{} {
			return a
		}
		mask := b.fixed(name+"_mask", shiftMask(ph, pw, shift))
		a = b.reshape(a, name+"_by_window", -1, windows, heads, n, n)
		a = b.op("Add", name+"_masked", a.dims, nil, a.name, mask)
		return b.reshape(a, name+"_all_windows", -1, heads, n, n)
	})
	y = b.reshape(y, name+"_results", -1, rows, columns, side, side, width)
	y = b.transpose(y, name+"_result_grid", 0, 1, 3, 2, 4, 5)
	y = b.reshape(y, name+"_image", -1, ph, pw, width)
	for i, s := range shift {
		y = b.roll(y, fmt.Sprintf("%s_unshifted%d", name, i), i+1, (y.dims[i+1]-s)%y.dims[i+1])
	}
	for i, d := range []int{h, w} {
		if y.dims[i+1] != d {
			y = b.slice(y, fmt.Sprintf("%s_cropped%d", name, i), i+1, 0, d, 1)
		}
	}
	return y
}

// roll moves an axis down by n, around its end.
func (b *builder) roll(x value, name string, axis, n int) value {
	if n == 0 {
		return x
	}
	tail := b.slice(x, name+"_tail", axis, n, x.dims[axis], 1)
	head := b.slice(x, name+"_head", axis, 0, n, 1)
	return b.concat(name, axis, tail, head)
}

// positionBias is what the learned table says for each pair of places in a
// window: [1, heads, places, places].
func (b *builder) positionBias(name string, heads int) value {
	const side, n, span = swinWindow, swinWindow * swinWindow, 2*swinWindow - 1
	table := b.uniform(name+".relative_position_bias_table", smallLimit, span*span, heads)
	index := make([]int64, 0, n*n)
	for i := range n {
		for j := range n {
			down, right := i/side-j/side+side-1, i%side-j%side+side-1
			index = append(index, int64(down*span+right))
		}
	}
	y := b.op("Gather", name+"_bias_pairs", []int{n * n, heads}, attrs{"axis": int64(0)}, table,
		b.fixed(name+"_index", graph.Ints(index, n*n)))
	y = b.reshape(y, name+"_bias_square", 1, n, n, heads)
	return b.transpose(y, name+"_bias", 0, 3, 1, 2)
}

// shiftMask is -100 for pairs of places that come from different regions of
// the image, and 0 for others: [1, windows, 1, places, places].
func shiftMask(h, w int, shift [2]int) *graph.Tensor {
	const side = swinWindow
	// An axis with one window is not shifted, and one region.
	region := func(i, extent, shift int) int {
		switch {
		case i < extent-side:
			return 0
		case i < extent-shift:
			return 1
		}
		return 2
	}
	var all []float32
	for row := 0; row < h; row += side {
		for column := 0; column < w; column += side {
			var regions []int
			for i := range side * side {
				down, right := row+i/side, column+i%side
				regions = append(regions, 3*region(down, h, shift[0])+region(right, w, shift[1]))
			}
			for _, p := range regions {
				for _, q := range regions {
					v := float32(0)
					if p != q {
						v = -100
					}
					all = append(all, v)
				}
			}
		}
	}
	return graph.Floats(all, 1, h/side*(w/side), 1, side*side, side*side)
}
