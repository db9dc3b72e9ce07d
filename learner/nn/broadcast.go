package nn

import "slices"

// broadcast walks over the elements of two operands as the larger result
// wants them: runs of neighbouring elements, each operand in step or
// standing still.
type broadcast struct {
	outer          []int // extents before the last
	aSteps, bSteps []int // what an operand moves per outer axis
	rows           int   // number of runs
	run            int   // length of a run
	aRun, bRun     bool  // whether the operand moves within a run
}

// newBroadcast aligns operands of extents a and b with a result of extents
// out by ONNX's rules: missing leading axes are 1, and an axis of 1 repeats.
// Neighbouring axes in which both do the same become one.
func newBroadcast(a, b, out []int) *broadcast {
	type axis struct {
		extent int
		a, b   bool // moves
	}
	var axes []axis
	at := func(dims []int, i int) bool {
		i -= len(out) - len(dims)
		return i >= 0 && dims[i] != 1
	}
	for i, extent := range out {
		if extent == 1 {
			continue
		}
		x := axis{extent, at(a, i), at(b, i)}
		if k := len(axes) - 1; k >= 0 && axes[k].a == x.a && axes[k].b == x.b {
			axes[k].extent *= extent
			continue
		}
		axes = append(axes, x)
	}
	if len(axes) == 0 {
		axes = []axis{{1, true, true}}
	}
	last := axes[len(axes)-1]
	w := &broadcast{rows: 1, run: last.extent, aRun: last.a, bRun: last.b}
	aStep, bStep := 1, 1
	if last.a {
		aStep = last.extent
	}
	if last.b {
		bStep = last.extent
	}
	for _, x := range slices.Backward(axes[:len(axes)-1]) {
		w.outer = append(w.outer, x.extent)
		w.rows *= x.extent
		sa, sb := 0, 0
		if x.a {
			sa, aStep = aStep, aStep*x.extent
		}
		if x.b {
			sb, bStep = bStep, bStep*x.extent
		}
		w.aSteps, w.bSteps = append(w.aSteps, sa), append(w.bSteps, sb)
	}
	// The innermost of the outer axes comes first in the lists.
	return w
}

// offsets returns where the operands stand at the begin of a run.
func (w *broadcast) offsets(row int) (a, b int) {
	for i, extent := range w.outer {
		k := row % extent
		row /= extent
		a += k * w.aSteps[i]
		b += k * w.bSteps[i]
	}
	return a, b
}

// part returns the piece of an operand that belongs to a run's elements from
// lo to hi: one element if it stands still.
func part(x []float32, offset int, moves bool, lo, hi int) []float32 {
	if moves {
		return x[offset+lo : offset+hi]
	}
	return x[offset : offset+1]
}
