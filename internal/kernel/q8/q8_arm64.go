package q8

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// runTile computes a tile on a path.
func runTile(on cpu.Path, t *tile) {
	if t.m == 0 || t.n == 0 {
		return
	}
	if on == cpu.Generic || t.steps == 0 || t.segs == 0 {
		tileGeneric(t)
		return
	}
	t.seek()
	bias := t.q.bias
	if on == cpu.SDOT {
		for k := 0; k < t.segs*t.steps; k += mostSteps {
			signBiasSDOT(&bias[0], &t.b[k*panel*4], min(mostSteps, t.segs*t.steps-k))
		}
		for column := 0; column < t.n; column += 16 {
			tileSDOT(t, &bias[0], column)
		}
		return
	}
	for k := 0; k < t.segs*t.steps; k += mostSteps {
		signBiasNEON(&bias[0], &t.b[k*panel*4], min(mostSteps, t.segs*t.steps-k))
	}
	tileInPieces(t, &bias)
}

// mostSteps bounds one call of a routine that runs through the weights, which
// cannot be preempted.
const mostSteps = 1 << 13

// tileInPieces computes a tile by so many rows at a time that no call takes
// long.
func tileInPieces(t *tile, bias *[panel]int32) {
	piece := *t
	rows := max(mostWork/4/(t.segs*t.steps)&^3, 4)
	for i := 0; i < t.m; i += rows {
		piece.m = min(rows, t.m-i)
		piece.a = t.a[i*t.ars:]
		if t.sums != nil {
			piece.sums = t.sums[i*panel:]
		} else {
			piece.y = t.y[i*t.ldy:]
		}
		for column := 0; column < t.n; column += 8 {
			tileNEON(&piece, &bias[0], column)
		}
	}
}

// tileSDOT computes up to 16 columns of a tile from column, 0 or 16, whose
// sums start from the panel's bias as signBiasSDOT leaves it. No extent may be
// 0.
//
//go:noescape
func tileSDOT(t *tile, bias *int32, column int)

// tileNEON is tileSDOT for up to 8 columns from a multiple of 8.
//
//go:noescape
func tileNEON(t *tile, bias *int32, column int)

// signBiasSDOT makes the biases of a panel those of bytes less 128: it adds
// 128 times the weights of every column. steps may not be 0.
//
//go:noescape
func signBiasSDOT(bias *int32, b *int8, steps int)

// signBiasNEON is signBiasSDOT without dot product instructions.
//
//go:noescape
func signBiasNEON(bias *int32, b *int8, steps int)

// runDeep computes one row of pixels of a depthwise convolution, whose
// windows lie step pixels apart.
func runDeep(d *depthwise, y, x []uint8, pixels, step int) {
	must("padded rows", len(x), (pixels-1)*step*d.stride+d.offsets[d.taps-1]+d.channels)
	for i := range d.blocks {
		b := &d.blocks[i]
		for c := 0; c < b.channels; c += 16 {
			if d.on == cpu.SDOT {
				deepSDOT(b, &y[64*i+c], &x[64*i+c], pixels, d.stride, step*d.stride, &d.offsets[0], len(d.offsets)/4, c)
			} else {
				deepNEON(b, &y[64*i+c], &x[64*i+c], pixels, d.stride, step*d.stride, &d.offsets[0], len(d.offsets)/4, c)
			}
		}
	}
}

// deepSDOT computes the 16 channels from first, a multiple of 16, where y and
// x begin, for a row of pixels. It reads up to [slack] bytes beyond the
// channels. No extent may be 0.
//
//go:noescape
func deepSDOT(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)

// deepNEON is deepSDOT without dot product instructions.
//
//go:noescape
func deepNEON(b *deepBlock, y, x *uint8, pixels, yStep, xStep int, offsets *int, groups, first int)
