package f32

import "github.com/bristle-fl/bristled/internal/kernel"

// gather writes the kernel's view of output rows oy to oy+rows-1, in the
// order tap, channel: one row of depth numbers per output pixel.
func (c *Conv) gather(dst []float32, image, group, oy, rows int) {
	g := &c.g
	whole := g.DilationW == 1 && c.ic == g.InC // taps beside each other lie together
	taps := g.KernelW * c.ic
	for r := range rows {
		for ox := range g.OutW {
			x0 := ox*g.StrideW - g.PadLeft
			for ky := range g.KernelH {
				iy := (oy+r)*g.StrideH - g.PadTop + ky*g.DilationH
				to := dst[:taps]
				dst = dst[taps:]
				if iy < 0 || iy >= g.InH {
					clear(to)
					continue
				}
				line := c.x[(image*g.InH+iy)*g.InW*g.InC:][:g.InW*g.InC]
				if whole && x0 >= 0 && x0+g.KernelW <= g.InW {
					bringNumbers(to, line[x0*g.InC:])
					continue
				}
				for kx := range g.KernelW {
					ix := x0 + kx*g.DilationW
					if ix < 0 || ix >= g.InW {
						clear(to[kx*c.ic : (kx+1)*c.ic])
					} else {
						bringNumbers(to[kx*c.ic:(kx+1)*c.ic], line[ix*g.InC+group*c.ic:])
					}
				}
			}
		}
	}
}

// bringNumbers copies what dst has room for. A call of copy costs more than a few
// numbers do.
func bringNumbers(dst, src []float32) {
	if len(dst) > 16 {
		copy(dst, src)
		return
	}
	for src = src[:len(dst)]; len(src) > 0 && len(dst) > 0; dst, src = dst[1:], src[1:] {
		dst[0] = src[0]
	}
}

// forwardExactly computes some rows of one image, sums in the order tap,
// channel; then bias, residual and clipping.
func (c *Conv) forwardExactly(task, worker int) {
	g := &c.g
	image, oy := task/c.rblocks, task%c.rblocks*c.rows
	rows := min(c.rows, g.OutH-oy)
	pixels := rows * g.OutW
	seen := c.p.Floats(worker, pixels*c.depth)
	at := (image*g.OutH + oy) * g.OutW * g.OutC
	y := c.y[at:][:pixels*g.OutC]
	clear(y)
	for group := range g.Groups {
		c.gather(seen, image, group, oy, rows)
		kernel.Gemm(pixels, c.oc, c.depth, seen, c.depth, c.taken[group*c.oc*c.depth:], c.oc, y[group*c.oc:], g.OutC)
	}
	for i := 0; i < len(y); i += g.OutC {
		e := c.e.part(0, at+i)
		e.apply(y[i : i+g.OutC])
	}
}

// apply applies the epilogue to one row of the result.
func (e *Epilogue) apply(y []float32) {
	if e.Bias != nil {
		for i, b := range e.Bias[:len(y)] {
			y[i] += b
		}
	}
	if e.Residual != nil {
		for i, r := range e.Residual[:len(y)] {
			y[i] += r
		}
	}
	if e.Clip {
		clipRow(y, e.Lo, e.Hi)
	}
}

// inputExactly computes the input's gradient of one group of one image: each
// output pixel, in ascending order, adds what it brings to the pixels that it
// read; and what it brings is a sum over output channels in ascending order.
func (c *Conv) inputExactly(task, worker int) {
	g := &c.g
	image, group := task/g.Groups, task%g.Groups
	dx := c.x[image*g.InH*g.InW*g.InC:][:g.InH*g.InW*g.InC]
	for pixel := range g.InH * g.InW {
		clear(dx[pixel*g.InC+group*c.ic:][:c.ic])
	}
	w := c.w[group*c.oc*c.depth:]
	brought := c.p.Floats(worker, g.OutW*c.depth)
	for oy := range g.OutH {
		clear(brought)
		dy := c.y[(image*g.OutH+oy)*g.OutW*g.OutC+group*c.oc:]
		kernel.Gemm(g.OutW, c.depth, c.oc, dy, g.OutC, w, c.depth, brought, c.depth)
		for ox := range g.OutW {
			c.bring(dx[group*c.ic:], brought[ox*c.depth:][:c.depth], oy, ox)
		}
	}
}

// bring adds to dx what one output pixel brings, in the order of ONNX.
func (c *Conv) bring(dx, brought []float32, oy, ox int) {
	g := &c.g
	for tap := range c.taps {
		iy := oy*g.StrideH - g.PadTop + tap/g.KernelW*g.DilationH
		ix := ox*g.StrideW - g.PadLeft + tap%g.KernelW*g.DilationW
		if iy < 0 || iy >= g.InH || ix < 0 || ix >= g.InW {
			continue
		}
		for i, l := (iy*g.InW+ix)*g.InC, tap; l < len(brought); i, l = i+1, l+c.taps {
			dx[i] += brought[l]
		}
	}
}

// weightsExactly computes the gradient of some output channels of one group,
// sums in ascending order of the output pixels.
func (c *Conv) weightsExactly(task, worker int) {
	g := &c.g
	group, i0 := task/c.lblocks, task%c.lblocks*c.lines
	lines := min(c.lines, c.oc-i0)
	dw := c.turned[(group*c.oc+i0)*c.depth:][:lines*c.depth]
	clear(dw)
	rows := c.exactRows()
	seen := c.p.Floats(worker, rows*g.OutW*c.depth)
	for image := range g.Batch {
		for oy := 0; oy < g.OutH; oy += rows {
			n := min(rows, g.OutH-oy)
			c.gather(seen, image, group, oy, n)
			dy := c.y[(image*g.OutH+oy)*g.OutW*g.OutC+group*c.oc+i0:]
			kernel.GemmTN(lines, c.depth, n*g.OutW, dy, g.OutC, seen, c.depth, dw, c.depth)
		}
	}
}
