package q8

// unfold writes what the window of each of some output pixels sees of a
// group's channels, tap after tap, to rows of 4·steps bytes ("im2row").
// Beyond the image lies the zero point.
func (c *Conv) unfold(dst []uint8, lo, rows, group int) {
	g := &c.g
	pixel := Stride(g.InC)
	deep := Stride(c.inPer) // bytes of a tap
	line := g.InW * pixel
	ox := lo % g.OutW
	oy := lo / g.OutW % g.OutH
	n := lo / g.OutW / g.OutH
	whole := g.DilationW == 1 && deep == pixel // taps beside each other lie together
	for range rows {
		y0, x0 := oy*g.StrideH-g.PadTop, ox*g.StrideW-g.PadLeft
		for ky := range g.KernelH {
			iy := y0 + ky*g.DilationH
			taps := dst[:g.KernelW*deep]
			dst = dst[g.KernelW*deep:]
			if iy < 0 || iy >= g.InH {
				fill(taps, c.xZero)
				continue
			}
			from := c.x[(n*g.InH+iy)*line+group*c.inPer:]
			if whole {
				first := min(max(-x0, 0), g.KernelW)
				last := max(min(g.InW-x0, g.KernelW), first)
				fill(taps[:first*deep], c.xZero)
				if last > first {
					copy(taps[first*deep:last*deep], from[(x0+first)*pixel:])
				}
				fill(taps[last*deep:], c.xZero)
				continue
			}
			for kx := range g.KernelW {
				ix := x0 + kx*g.DilationW
				tap := taps[kx*deep : (kx+1)*deep]
				if ix < 0 || ix >= g.InW {
					fill(tap, c.xZero)
				} else {
					copy(tap, from[ix*pixel:][:c.inPer])
				}
			}
		}
		if ox++; ox == g.OutW {
			ox = 0
			if oy++; oy == g.OutH {
				oy = 0
				n++
			}
		}
	}
}

func fill(x []uint8, v uint8) {
	for i := range x {
		x[i] = v
	}
}
