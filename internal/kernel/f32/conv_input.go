package f32

import "github.com/bristle-fl/bristled/internal/kernel/pool"

// BackwardInput computes the gradient of the input, dx, from that of the
// output, dy, and the weights, in the order of ONNX. It overwrites dx.
func (c *Conv) BackwardInput(p *pool.Pool, dx, dy, w []float32) {
	mustContain("dx", dx, c.inSize())
	mustContain("dy", dy, c.outSize())
	mustContain("w", w, c.weightsSize())
	c.p, c.x, c.y, c.w, c.e = p, dx, dy, w, Epilogue{}
	g := &c.g
	switch {
	case c.depthwise():
		c.given = c.packRows(c.given, w)
		c.depthwiseInput()
	case g.Exact:
		p.Run(g.Batch*g.Groups, c.tasks.exactInput)
	case c.pointwise():
		c.pointwiseInput()
	case c.turns():
		c.turnedInput()
	default:
		c.scatterInput()
	}
	c.release()
}

// pointwiseInput is one product per group: dy [pixels x OutC] * w [OutC x InC].
func (c *Conv) pointwiseInput() {
	g := &c.g
	for group := range g.Groups {
		c.product = Product{
			M: g.Batch * g.OutH * g.OutW, N: c.ic, K: c.oc,
			A: c.y[group*c.oc:], ARow: g.OutC, ACol: 1,
			B: c.w[group*c.oc*c.ic:], BRow: c.ic, BCol: 1,
			C: c.x[group*c.ic:], LDC: g.InC,
			task: c.product.task, exactTask: c.product.exactTask,
		}
		c.product.run(c.on, c.p)
	}
	c.product.A, c.product.B, c.product.C = nil, nil, nil
}

// turns reports whether dx is a convolution of dy: the stride is 1 and the
// padding that remains is none that a Geometry cannot say.
func (c *Conv) turns() bool {
	g := &c.g
	return g.StrideH == 1 && g.StrideW == 1 &&
		(g.KernelH-1)*g.DilationH >= g.PadTop && (g.KernelW-1)*g.DilationW >= g.PadLeft
}

// turnedInput convolves dy with the kernels turned by half a turn.
func (c *Conv) turnedInput() {
	if c.backward == nil {
		g := c.g
		g.InH, g.OutH, g.InW, g.OutW, g.InC, g.OutC = g.OutH, g.InH, g.OutW, g.InW, g.OutC, g.InC
		g.PadTop = (g.KernelH-1)*g.DilationH - g.PadTop
		g.PadLeft = (g.KernelW-1)*g.DilationW - g.PadLeft
		c.backward = newConv(c.on, g)
	}
	b := c.backward
	b.resetPanels()
	c.p.Run(c.g.Groups*b.panels[0].panels(), c.tasks.packTurned)
	b.packed = true
	b.Forward(c.p, c.x, c.y, Epilogue{})
}

// turnWeights packs one panel of the turned weights: the element (tap, o, i)
// of a group is w[o][i][taps-1-tap].
func (c *Conv) turnWeights(task, _ int) {
	b := c.backward
	per := b.panels[0].panels()
	group, j := task/per, task%per*b.panels[0].nr
	q := &b.panels[group]
	n := min(q.nr, q.N-j)
	dst := q.panel(j, 0)
	if n < q.nr {
		clear(dst[:q.nr*q.K])
	}
	w := c.w[group*c.oc*c.depth+j*c.taps:]
	// The last tap comes first.
	last, step := (c.taps-1)*c.oc*q.nr, -c.oc*q.nr
	for o := range c.oc {
		interleaveTo(c.on, n, c.taps, w[o*c.depth:], c.taps, dst, last+o*q.nr, step)
	}
}

// scatterInput adds, tap by tap, the product of dy and the tap's weights to
// the pixels of dx that the tap reads.
func (c *Conv) scatterInput() {
	g := &c.g
	if c.flipped == nil {
		c.flipped = make([]Packed, g.Groups*c.taps)
	}
	for i := range c.flipped {
		c.flipped[i].reset(c.on, c.oc, c.ic)
	}
	c.p.Run(len(c.flipped), c.tasks.packScatter)
	q := &c.flipped[0]
	blocks := 1
	if have := g.Batch * g.Groups; have < 3*c.p.Workers() {
		blocks = min(q.panels(), (3*c.p.Workers()+have-1)/have)
	}
	c.cols = (q.panels() + blocks - 1) / blocks * q.nr
	c.cblocks = (q.N + c.cols - 1) / c.cols
	c.p.Run(g.Batch*g.Groups*c.cblocks, c.tasks.scatter)
}

// packTap packs the weights of one tap of one group, OutC/Groups x
// InC/Groups.
func (c *Conv) packTap(task, _ int) {
	q := &c.flipped[task]
	group, tap := task/c.taps, task%c.taps
	w := c.w[group*c.oc*c.depth+tap:]
	for j := 0; j < q.N; j += q.nr {
		q.pack(j, w, c.depth, c.taps)
	}
}

// scatterImage computes some channels of one group of one image, some output
// rows at a time.
func (c *Conv) scatterImage(task, worker int) {
	g := &c.g
	j0 := task % c.cblocks * c.cols
	task /= c.cblocks
	group, image := task%g.Groups, task/g.Groups
	j1 := min(j0+c.cols, c.ic)
	dx := c.x[image*g.InH*g.InW*g.InC:][:g.InH*g.InW*g.InC]
	for pixel := range g.InH * g.InW {
		clear(dx[pixel*g.InC+group*c.ic+j0 : pixel*g.InC+group*c.ic+j1])
	}
	nr := panelWidth(c.on)
	most := max(1, aBlock/(g.OutW*c.oc))
	for oy := 0; oy < g.OutH; oy += most {
		rows := min(most, g.OutH-oy)
		dy, pixel := c.y[(image*g.OutH+oy)*g.OutW*g.OutC+group*c.oc:], g.OutC
		if crowded(pixel) && j1-j0 >= 64 {
			pixel = c.oc + 16
			spaced := c.p.Floats(worker, rows*g.OutW*pixel)
			space(spaced, pixel, rows*g.OutW, c.oc, dy, g.OutC)
			dy = spaced
		}
		for j := j0; j < j1; j += nr {
			for tap := range c.taps {
				c.scatterPanel(dx, dy, pixel, group, tap, oy, rows, j, min(nr, j1-j))
			}
		}
	}
}

// scatterPanel adds what one tap brings from output rows first to
// first+rows-1, which dy holds, to n channels.
func (c *Conv) scatterPanel(dx, dy []float32, pixel, group, tap, first, rows, j, n int) {
	g := &c.g
	kx := tap%g.KernelW*g.DilationW - g.PadLeft // where output pixel 0 finds its input
	ky := tap/g.KernelW*g.DilationH - g.PadTop
	x0, x1 := inside(kx, g.StrideW, g.InW, g.OutW)
	y0, y1 := inside(ky, g.StrideH, g.InH, g.OutH)
	q := &c.flipped[group*c.taps+tap]
	t := tile{n: n, segs: 1, acs: 1, ldb: q.nr, ldc: g.StrideW * g.InC, add: true}
	t.even(pixel)
	depth := min(c.oc, mostDepth)
	limit := rowsPerCall(depth)
	for oy := max(y0, first); oy < min(y1, first+rows); oy++ {
		for ox := x0; ox < x1; ox += limit {
			t.m = min(limit, x1-ox)
			t.c = dx[((oy*g.StrideH+ky)*g.InW+ox*g.StrideW+kx)*g.InC+group*c.ic+j:]
			for k := 0; k < c.oc; k += depth {
				t.k = min(depth, c.oc-k)
				t.a = dy[((oy-first)*g.OutW+ox)*pixel+k:]
				t.b = q.panel(j, k)
				runTile(c.on, &t)
			}
		}
	}
}

// inside returns the range of outputs o, of outs, for which first+o*stride
// lies within n inputs.
func inside(first, stride, n, outs int) (from, to int) {
	if first < 0 {
		from = (-first + stride - 1) / stride
	}
	if first < n {
		to = min(outs, (n-1-first)/stride+1)
	}
	return min(from, to), to
}
