package f32

// depthwiseBackwardWeights shares the channels among the workers.
func (c *Conv) depthwiseBackwardWeights() {
	ch := c.g.InC
	if c.turned == nil {
		c.turned = make([]float32, c.weightsSize())
	}
	clear(c.turned)
	c.cols = ch
	if workers := c.p.Workers(); workers > 1 {
		c.cols = max(32, (ch/(2*workers)+31)&^31)
	}
	c.cblocks = (ch + c.cols - 1) / c.cols
	c.p.Run(c.cblocks, c.tasks.depthwiseWeights)
	interleave(c.on, c.taps, ch, c.turned, ch, c.w, c.taps)
}

// depthwiseChannels computes the gradient of the weights of some channels.
// It is a depthwise convolution too: its weights are dy, its taps the output
// pixels, and its outputs the kernel positions of a row.
func (c *Conv) depthwiseChannels(task, _ int) {
	g := &c.g
	ch0 := task * c.cols
	ch := g.InC
	s := strip{
		n: min(c.cols, ch-ch0), add: true,
		x: c.x, xm: g.DilationW * ch, xrow: g.StrideH * g.InW * ch, xcol: g.StrideW * ch,
		wrow: g.OutW * ch, wcol: ch,
		ym: ch,
	}
	cols := forwardAxis(g.InW, g.OutW, g.KernelW, g.StrideW, g.PadLeft, g.DilationW)
	xa, xb := cols.interior()
	for image := range g.Batch {
		for ky := range g.KernelH {
			first := ky*g.DilationH - g.PadTop
			y0, y1 := inside(first, g.StrideH, g.InH, g.OutH)
			at := (image*g.InH+first)*g.InW*ch + ch0 // where output row 0 finds its input
			dy := image*g.OutH*g.OutW*ch + ch0
			dw := ky * g.KernelW * ch
			c.depthwisePixels(&s, at-g.PadLeft*ch, dy, dw+ch0, y0, y1, xa, xb, g.KernelW)
			for kx := range g.KernelW {
				from := kx*g.DilationW - g.PadLeft
				x0, x1 := inside(from, g.StrideW, g.InW, g.OutW)
				to := dw + kx*ch + ch0
				c.depthwisePixels(&s, at+from*ch, dy, to, y0, y1, x0, min(x1, xa), 1)
				c.depthwisePixels(&s, at+from*ch, dy, to, y0, y1, max(x0, xb), x1, 1)
			}
		}
	}
}

// depthwisePixels adds the output pixels of a rectangle to m kernel positions
// of a row.
func (c *Conv) depthwisePixels(s *strip, at, dy, dw, y0, y1, x0, x1, m int) {
	if x0 >= x1 || y0 >= y1 {
		return
	}
	s.m, s.y = m, c.turned[dw:]
	wide := min(x1-x0, max(1, stripWork/(s.n*m)))
	high := max(1, stripWork/(s.n*m*wide))
	for y := y0; y < y1; y += high {
		s.rows = min(high, y1-y)
		for x := x0; x < x1; x += wide {
			s.cols = min(wide, x1-x)
			s.x0 = at + y*s.xrow + x*s.xcol
			s.w = c.y[dy+y*s.wrow+x*s.wcol:]
			runStrip(c.on, c.g.Exact, s)
		}
	}
}
