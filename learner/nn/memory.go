package nn

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/bristle-fl/bristled/learner/nn/graph"
)

// block is a piece of memory, of numbers or of bytes, that is needed for some
// time.
type block[T any] struct {
	size       int
	first, end int // the times at which it is needed, end excluded
	offset     int
	bind       func(memory []T)
}

// place finds a place for every block such that no two share memory at the
// same time, and returns how much memory that takes; beyond mostMemory it
// gives up. The largest come first, each to the lowest place that is free
// (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net
// Inference, 2020, greedy by size).
func place[T any](blocks []*block[T]) int {
	const align = 64 // a cache line of bytes, or more
	order := slices.Clone(blocks)
	slices.SortStableFunc(order, func(a, b *block[T]) int { return cmp.Compare(b.size, a.size) })
	var placed []*block[T] // by offset
	total := 0
	for _, b := range order {
		at := 0
		for _, other := range placed {
			if other.first >= b.end || b.first >= other.end {
				continue
			}
			if at+b.size <= other.offset {
				break
			}
			at = max(at, (other.offset+other.size+align-1)/align*align)
		}
		b.offset = at
		i, _ := slices.BinarySearchFunc(placed, at, func(o *block[T], at int) int { return cmp.Compare(o.offset, at) })
		placed = slices.Insert(placed, i, b)
		if total = max(total, at+b.size); total > mostMemory {
			break // before offsets overflow
		}
	}
	return total
}

// mostMemory is the most elements that a program's values may take together:
// 2^30, or 2^26 where an int has 32 bits and could not count their bytes.
const mostMemory = 1 << (26 + 4*(^uint(0)>>63))

// allocate places the blocks in new memory and binds them to it.
func allocate[T any](blocks []*block[T]) (int, error) {
	total := place(blocks)
	if total > mostMemory {
		return 0, &graph.UnsupportedError{Reason: fmt.Sprintf("%d million numbers of activations, of which %d are the most (take a smaller batch or image)", total>>20, mostMemory>>20)}
	}
	memory := make([]T, total)
	for _, b := range blocks {
		b.bind(memory[b.offset : b.offset+b.size : b.offset+b.size])
	}
	return total, nil
}

// planForward gives every value of a program that only runs forward its
// memory: a value's is free again after its last reader.
func planForward(p *Program) error {
	p.reuse()
	floats, bytes := activations(p, func(v *value, last int) int { return last + 1 })
	var err error
	if p.floats, err = allocate(floats); err != nil {
		return err
	}
	if p.bytes, err = allocate(bytes); err != nil {
		return err
	}
	bindForward(p)
	return nil
}

// activations returns a block for every value that is computed. Time t is
// that of step t; until says up to when a value is needed, whose last reader
// is the step last.
func activations(p *Program, until func(v *value, last int) int) (floats []*block[float32], bytes []*block[uint8]) {
	last := map[*value]int{p.input: 0, p.output.root(): len(p.steps)}
	if p.outBytes != nil {
		last[p.outBytes.root()] = len(p.steps)
	}
	first := map[*value]int{}
	for t, s := range p.steps {
		root := s.out.root()
		if root == s.out {
			first[root] = t
		}
		last[root] = max(last[root], t)
		for _, v := range s.in {
			if !v.known() {
				last[v.root()] = max(last[v.root()], t)
			}
		}
	}
	for _, v := range p.values {
		switch {
		case v.share != nil:
		case v.isBytes:
			bytes = append(bytes, &block[uint8]{size: v.memory(), first: first[v], end: until(v, last[v]),
				bind: func(m []uint8) { v.bytes = m }})
		default:
			floats = append(floats, &block[float32]{size: v.size(), first: first[v], end: until(v, last[v]),
				bind: func(m []float32) { v.data = m }})
		}
	}
	return floats, bytes
}

// bindForward binds views and steps to the memory of their values.
func bindForward(p *Program) {
	for _, v := range p.values {
		if v.share != nil {
			v.data, v.bytes = v.root().data, v.root().bytes
		}
	}
	for _, s := range p.steps {
		s.y, s.by = s.out.data, s.out.bytes
		s.x, s.bx = make([][]float32, len(s.in)), make([][]uint8, len(s.in))
		for i, v := range s.in {
			if v.share != nil {
				v.data = v.root().data // a view of a parameter is in no list
			}
			s.x[i], s.bx[i] = v.data, v.bytes
		}
	}
}
