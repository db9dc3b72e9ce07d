package q8

import "github.com/bristle-fl/bristled/internal/kernel/cpu"

// depthwise is a convolution with one channel per group. Bands of output rows
// are worked on, from a copy of their input rows with the padding in it. A
// lane of sums belongs to a channel; four taps are added at a time.
type depthwise struct {
	band
	on               cpu.Path
	channels, stride int
	taps             int
	offsets          []int // of the taps from the window's first byte, filled up to fours by the last
	weights          []int8
	bias             []int32 // and rules, by channel
	rules            Requant
	blocks           []deepBlock
}

// deepBlock is up to 64 channels, as the assembly reads them. Its lanes are
// in the order in which unpacking bytes twice leaves them: lane 16r+4l+d
// belongs to channel 16l+4r+d.
type deepBlock struct {
	bias, even, odd, round, shift [64]int32
	lo, hi                        [64]uint8
	channels                      int
	mask                          uint64 // bit c is set for channel c
	weights                       []int8 // by four taps: 64 lanes x 4
}

func newDepthwise(on cpu.Path, g *Geometry, w []int8, r *Requant) *depthwise {
	d := &depthwise{on: on, channels: g.InC, stride: Stride(g.InC), taps: g.KernelH * g.KernelW, bias: r.Bias, rules: *r}
	d.band = *newBand(g, d.stride, (g.KernelH-1)*g.DilationH+1)
	for ky := range g.KernelH {
		for kx := range g.KernelW {
			d.offsets = append(d.offsets, ky*g.DilationH*d.row+kx*g.DilationW*d.stride)
		}
	}
	for len(d.offsets)%4 != 0 {
		d.offsets = append(d.offsets, d.offsets[d.taps-1])
	}
	if on != cpu.Generic {
		for c := 0; c < d.channels; c += 64 {
			d.blocks = append(d.blocks, d.block(w, r, c))
		}
	}
	// By tap for the portable form.
	d.weights = make([]int8, len(w))
	for c := range d.channels {
		for t := range d.taps {
			d.weights[t*d.channels+c] = w[c*d.taps+t]
		}
	}
	return d
}

func (d *depthwise) block(w []int8, r *Requant, first int) deepBlock {
	b := deepBlock{channels: min(64, d.channels-first)}
	b.mask = ^uint64(0) >> (64 - b.channels)
	b.weights = make([]int8, len(d.offsets)*64)
	for i := range b.lo {
		b.lo[i], b.hi[i] = r.Lo, r.Hi
	}
	for lane := range 64 {
		channel := lane/4%4*16 + lane/16*4 + lane%4
		if channel >= b.channels {
			continue
		}
		c := first + channel
		t := r.Shift[c] - 32
		b.bias[lane], b.even[lane] = r.Bias[c], r.Multiplier[c]
		if lane%2 == 1 {
			b.odd[lane-1] = r.Multiplier[c]
		}
		b.round[lane], b.shift[lane] = 1<<(t-1)+int32(r.Zero)<<t, int32(t)
		for tap := range d.taps {
			b.weights[tap/4*256+4*lane+tap%4] = w[c*d.taps+tap]
		}
	}
	return b
}

// deepBand computes one band of output rows.
func (c *Conv) deepBand(task, worker int) {
	g, d := &c.g, c.deep
	x, n, y0, rows := c.pad(&d.band, task, worker)
	var sums []int32
	if len(d.blocks) == 0 {
		sums = c.p.Ints(worker, d.channels)
	}
	for i := range rows {
		y := c.y[((n*g.OutH+y0+i)*g.OutW)*d.stride:][:g.OutW*d.stride]
		if len(d.blocks) == 0 {
			d.rowGeneric(y, x[i*g.StrideH*d.row:], g.OutW, g.StrideW, sums)
		} else {
			runDeep(d, y, x[i*g.StrideH*d.row:], g.OutW, g.StrideW)
		}
	}
}

// rowGeneric computes one row of pixels in portable Go.
func (d *depthwise) rowGeneric(y, x []uint8, pixels, step int, sums []int32) {
	for ox := range pixels {
		copy(sums, d.bias)
		for t := range d.taps {
			from := x[ox*step*d.stride+d.offsets[t]:][:d.channels]
			w := d.weights[t*d.channels:][:d.channels]
			s := sums[:d.channels]
			for i, v := range from {
				s[i] += int32(v) * int32(w[i])
			}
		}
		to := y[ox*d.stride:][:d.channels]
		r := &d.rules
		for i, s := range sums[:d.channels] {
			t := r.Shift[i] - 32
			high := int32((int64(s) * int64(r.Multiplier[i])) >> 32)
			v := (high + 1<<(t-1) + int32(r.Zero)<<t) >> t
			to[i] = uint8(min(max(v, int32(r.Lo)), int32(r.Hi)))
		}
	}
}
