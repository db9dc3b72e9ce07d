package q8

// tile is one call of a micro-kernel: m rows and up to a panel of columns of
// sums over segments of steps of four bytes each,
//
//	sum(i, j) = bias[j] + Σ a[i·ars + g·aseg + 4s + l] · b[g·steps + s][j][l]
//
// made bytes, or stored as they are where sums is not nil. Strides count
// elements.
type tile struct {
	m, n  int
	segs  int
	steps int // of a segment
	a     []uint8
	ars   int
	aseg  int
	b     []int8 // segs x steps x panel x 4
	q     *panelRequant
	y     []uint8
	ldy   int
	sums  []int32 // nil, or m rows of panel numbers each

	// What the assembly adds to a row's place after a segment, and takes from
	// it after the last.
	skip, back int
}

// seek sets how the assembly moves through A.
func (t *tile) seek() {
	t.skip = t.aseg - 4*t.steps
	t.back = t.segs * t.aseg
}

// mostWork bounds the steps of all rows of one call of assembly, which cannot
// be preempted: some 50 microseconds.
const mostWork = 1 << 16

// rowsPerCall returns how many rows one call may have: a multiple of 14
// unless that is too many.
func rowsPerCall(steps int) int {
	if rows := mostWork / max(steps, 1); rows >= 14 {
		return rows / 14 * 14
	}
	return max(mostWork/max(steps, 1), 1)
}

// tileGeneric is the micro-kernel in portable Go, and its definition. Four
// columns at a time stay in registers.
func tileGeneric(t *tile) {
	for i := range t.m {
		for j := 0; j < t.n; j += 4 {
			s0, s1, s2, s3 := t.q.bias[j], t.q.bias[j+1], t.q.bias[j+2], t.q.bias[j+3]
			at := 4 * j
			for k := range t.segs * t.steps {
				x := t.a[i*t.ars+k/t.steps*t.aseg+k%t.steps*4:][:4:4]
				w := t.b[at:][:16:16]
				at += 4 * panel
				x0, x1, x2, x3 := int32(x[0]), int32(x[1]), int32(x[2]), int32(x[3])
				s0 += x0*int32(w[0]) + x1*int32(w[1]) + x2*int32(w[2]) + x3*int32(w[3])
				s1 += x0*int32(w[4]) + x1*int32(w[5]) + x2*int32(w[6]) + x3*int32(w[7])
				s2 += x0*int32(w[8]) + x1*int32(w[9]) + x2*int32(w[10]) + x3*int32(w[11])
				s3 += x0*int32(w[12]) + x1*int32(w[13]) + x2*int32(w[14]) + x3*int32(w[15])
			}
			t.store(i, j, [4]int32{s0, s1, s2, s3})
		}
	}
}

// store stores the sums of row i from column j.
func (t *tile) store(i, j int, sums [4]int32) {
	for l, s := range sums[:min(4, t.n-j)] {
		if t.sums != nil {
			t.sums[i*panel+j+l] = s
		} else {
			t.y[i*t.ldy+j+l] = t.q.byteOf(s, j+l)
		}
	}
}
