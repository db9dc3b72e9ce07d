package f32

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// maxAxes is the largest number of axes of [Permute].
const maxAxes = 8

// Permute copies an array to another order of its axes: axis i of dst is axis
// perm[i] of src, which has the extents dims. The slices have as many elements
// as the array and do not overlap. There are at most 8 axes.
func Permute(dst, src []float32, dims, perm []int) {
	permuteOn(cpu.Active(), dst, src, dims, perm)
}

func permuteOn(on cpu.Path, dst, src []float32, dims, perm []int) {
	var p permutation
	p.plan(dims, perm)
	vecMust("Permute", "source", len(src), p.size)
	vecMust("Permute", "destination", len(dst), p.size)
	if p.size == 0 {
		return
	}
	p.run(on, dst, src)
}

// permutation is an order of axes without axes of extent 1 and with those
// united that stay neighbours. Axes are those of the destination.
type permutation struct {
	size   int
	axes   int
	extent [maxAxes]int
	from   [maxAxes]int // distance of neighbours in the source
	to     [maxAxes]int // and in the destination
}

func (p *permutation) plan(dims, perm []int) {
	if len(dims) > maxAxes || len(perm) != len(dims) {
		panic(fmt.Sprintf("f32: Permute of %d axes by a permutation of %d; at most %d", len(dims), len(perm), maxAxes))
	}
	var strides [maxAxes]int
	p.size = 1
	for i := len(dims) - 1; i >= 0; i-- {
		if dims[i] < 0 {
			panic(fmt.Sprintf("f32: Permute of an array of extents %v", dims))
		}
		strides[i] = p.size
		p.size *= dims[i]
	}
	seen := 0
	for _, axis := range perm {
		if axis < 0 || axis >= len(dims) || seen&(1<<axis) != 0 {
			panic(fmt.Sprintf("f32: Permute by %v, which is no permutation", perm))
		}
		seen |= 1 << axis
		if dims[axis] == 1 {
			continue
		}
		last := p.axes - 1
		if last >= 0 && p.from[last] == dims[axis]*strides[axis] {
			p.extent[last] *= dims[axis]
			p.from[last] = strides[axis]
			continue
		}
		p.extent[p.axes], p.from[p.axes] = dims[axis], strides[axis]
		p.axes++
	}
	stride := 1
	for i := p.axes - 1; i >= 0; i-- {
		p.to[i] = stride
		stride *= p.extent[i]
	}
}

// run copies the array in blocks: rows if the last axis stays the last, else
// transposed matrices of the axes that are the last before and after.
func (p *permutation) run(on cpu.Path, dst, src []float32) {
	if p.axes == 0 {
		copy(dst, src)
		return
	}
	last := p.axes - 1
	if p.from[last] == 1 {
		p.axes--
		if p.axes == 0 {
			copy(dst, src)
			return
		}
		// The innermost loop left is CopyBlocks'.
		inner := p.axes - 1
		p.axes--
		p.each(func(d, s int) {
			CopyBlocks(dst[d:], p.to[inner], src[s:], p.from[inner], p.extent[inner], p.extent[last])
		})
		return
	}
	was := 0 // the axis that was the last
	for p.from[was] != 1 {
		was++
	}
	rows, lds := p.extent[last], p.from[last]
	cols, ldd := p.extent[was], p.to[was]
	copy(p.extent[was:], p.extent[was+1:last])
	copy(p.from[was:], p.from[was+1:last])
	copy(p.to[was:], p.to[was+1:last])
	p.axes -= 2
	p.each(func(d, s int) { transposeOn(on, dst[d:], ldd, src[s:], lds, rows, cols) })
}

// each calls f with the places in the destination and in the source of every
// combination of indices of the axes.
func (p *permutation) each(f func(d, s int)) {
	var index [maxAxes]int
	d, s := 0, 0
	for {
		f(d, s)
		axis := p.axes - 1
		for ; axis >= 0; axis-- {
			index[axis]++
			d += p.to[axis]
			s += p.from[axis]
			if index[axis] < p.extent[axis] {
				break
			}
			d -= index[axis] * p.to[axis]
			s -= index[axis] * p.from[axis]
			index[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}

// transposeBlock is the side of the blocks of a transposition: the lines of
// the cache that it writes to stay there while it reads.
const transposeBlock = 64

// transposeOn writes dst[c*ldd+r] = src[r*lds+c] for r < rows, c < cols.
func transposeOn(on cpu.Path, dst []float32, ldd int, src []float32, lds, rows, cols int) {
	for r := 0; r < rows; r += transposeBlock {
		for c := 0; c < cols; c += transposeBlock {
			vecTranspose(on, dst[c*ldd+r:], ldd, src[r*lds+c:], lds, min(transposeBlock, rows-r), min(transposeBlock, cols-c))
		}
	}
}

func transposeGeneric(dst []float32, ldd int, src []float32, lds, rows, cols int) {
	for r := range rows {
		for c, v := range src[r*lds:][:cols] {
			dst[c*ldd+r] = v
		}
	}
}
