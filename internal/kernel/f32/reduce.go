package f32

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// rowLanes is the partial sums of a row: lane l has the elements i of the row
// with i%16 == l.
type rowLanes [vecLanes]float32

// fold adds the lanes up: lane l takes in lane l+8 for l < 8, then l+4, l+2
// and l+1.
func (l *rowLanes) fold() float32 {
	for half := vecLanes / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] += l[i+half]
		}
	}
	return l[0]
}

// rowSum returns the sum of a row in the order of [RowSums].
func rowSum(on cpu.Path, x []float32) float32 {
	var lanes rowLanes
	for len(x) > vecStretch {
		vecSum(on, &lanes, x[:vecStretch])
		x = x[vecStretch:]
	}
	vecSum(on, &lanes, x)
	return lanes.fold()
}

func sumGeneric(lanes *rowLanes, x []float32) {
	for len(x) >= vecLanes {
		for l, v := range x[:vecLanes] {
			lanes[l] += v
		}
		x = x[vecLanes:]
	}
	for l, v := range x {
		lanes[l] += v
	}
}

// MeanRows computes dst[b][c], the mean of x[b][p][c] over the pixels p: the
// sum from the first pixel to the last, divided by pixels, which is at least
// 1. It is global average pooling. dst has batch*c elements.
func MeanRows(dst, x []float32, batch, pixels int) {
	vecMust("MeanRows", "operand", len(x), len(dst)*pixels)
	channels := channelsOf(len(dst), batch)
	for b := range batch {
		mean := dst[b*channels:][:channels]
		ColumnSums(mean, x[b*pixels*channels:][:pixels*channels], pixels)
		DivScalar(mean, mean, float32(pixels))
	}
}

// MeanRowsGrad is the gradient of [MeanRows]: dx[b][p][c] = dy[b][c]/pixels.
func MeanRowsGrad(dx, dy []float32, batch, pixels int) {
	vecMust("MeanRowsGrad", "result", len(dx), len(dy)*pixels)
	channels := channelsOf(len(dy), batch)
	for b := range batch {
		image := dx[b*pixels*channels:][:pixels*channels]
		if pixels == 0 {
			continue
		}
		first := image[:channels]
		DivScalar(first, dy[b*channels:][:channels], float32(pixels))
		for p := 1; p < pixels; p++ {
			copy(image[p*channels:][:channels], first)
		}
	}
}

// channelsOf divides the size of a batch of rows by their number.
func channelsOf(size, batch int) int {
	if batch == 0 {
		return 0
	}
	return size / batch
}

// CopyBlocks copies blocks of a length: block i from src[i*srcStride] on to
// dst[i*dstStride] on. It is what concatenation, slicing and padding are made
// of. The slices end no sooner than their last block.
func CopyBlocks(dst []float32, dstStride int, src []float32, srcStride, blocks, length int) {
	if dstStride == length && srcStride == length {
		copy(dst[:blocks*length], src[:blocks*length])
		return
	}
	if length == 1 {
		for i := range blocks {
			dst[i*dstStride] = src[i*srcStride]
		}
		return
	}
	for i := range blocks {
		copy(dst[i*dstStride:][:length], src[i*srcStride:][:length])
	}
}
