package f32

import "github.com/bristle-fl/bristled/internal/kernel/pool"

// BackwardWeights computes the gradient of the weights, dw, in the order of
// ONNX, from the input and the gradient of the output. It overwrites dw.
func (c *Conv) BackwardWeights(p *pool.Pool, dw, x, dy []float32) {
	mustContain("dw", dw, c.weightsSize())
	mustContain("x", x, c.inSize())
	mustContain("dy", dy, c.outSize())
	c.p, c.x, c.y, c.w = p, x, dy, dw
	g := &c.g
	switch {
	case c.depthwise():
		c.depthwiseBackwardWeights()
	case g.Exact:
		c.resetTurned()
		c.lines = c.oc
		if p.Workers() > 1 {
			c.lines = (c.oc + 2*p.Workers() - 1) / (2 * p.Workers())
		}
		c.lblocks = (c.oc + c.lines - 1) / c.lines
		p.Run(g.Groups*c.lblocks, c.tasks.exactWeights)
		c.unturn()
	case c.pointwise():
		c.pointwiseWeights()
	default:
		c.planWeights()
		c.resetTurned()
		p.Run(g.Groups*c.lblocks*c.cblocks, c.tasks.weights)
		c.unturn()
	}
	c.release()
}

// pointwiseWeights is one product per group: dy' [OutC x pixels] *
// x [pixels x InC].
func (c *Conv) pointwiseWeights() {
	g := &c.g
	for group := range g.Groups {
		c.product = Product{
			M: c.oc, N: c.ic, K: g.Batch * g.OutH * g.OutW,
			A: c.y[group*c.oc:], ARow: 1, ACol: g.OutC,
			B: c.x[group*c.ic:], BRow: g.InC, BCol: 1,
			C: c.w[group*c.oc*c.ic:], LDC: c.ic,
			task: c.product.task, exactTask: c.product.exactTask,
		}
		c.product.run(c.on, c.p)
	}
	c.product.A, c.product.B, c.product.C = nil, nil, nil
}

// resetTurned makes room for the gradient in the order [OutC][tap][channel],
// which is that of ONNX if there is one tap.
func (c *Conv) resetTurned() {
	switch {
	case c.taps == 1:
		c.turned = c.w
	case c.turned == nil:
		c.turned = make([]float32, c.weightsSize())
	}
}

// unturn brings the gradient into the order of ONNX.
func (c *Conv) unturn() {
	if c.taps == 1 {
		c.turned = nil
		return
	}
	for o := range c.g.OutC {
		from, to := c.turned[o*c.depth:][:c.depth], c.w[o*c.depth:][:c.depth]
		interleave(c.on, c.taps, c.ic, from, c.ic, to, c.taps)
	}
}

// planWeights chooses the blocks of a weights' gradient: as many input
// channels as leave room for a few rows of their pixels in the second-level
// cache, or for whole images if these are small; and fewer of both kinds of
// channels if there are more workers than blocks.
func (c *Conv) planWeights() {
	g := &c.g
	c.cols = min(c.ic, 128)
	switch {
	case c.ic > 128 && g.OutH*g.OutW <= 256:
		c.cols = 32
	case c.ic%c.cols != 0:
		c.cols = 96
	}
	c.lines = c.oc
	if w := c.p.Workers(); w > 1 {
		if c.ic >= 64 && (c.ic+c.cols-1)/c.cols*g.Groups < 3*w {
			c.cols = 32
		}
		if have := (c.ic + c.cols - 1) / c.cols * g.Groups; have < 3*w {
			groups := min((c.oc+13)/14, (3*w+have-1)/have)
			c.lines = (c.oc + groups - 1) / groups
			c.lines = min(c.oc, (c.lines+13)/14*14)
		}
	}
	c.cblocks = (c.ic + c.cols - 1) / c.cols
	c.lblocks = (c.oc + c.lines - 1) / c.lines
	perRow := c.width() * pitch(c.cols)
	c.rows = max(1, min(g.OutH, (aBlock/perRow-c.span(1))/g.StrideH+1))
	c.images = 1
	if c.rows == g.OutH {
		c.images = max(1, min(g.Batch, aBlock/c.windowSize(c.rows, c.cols)))
	}
}

// sumRows is how many rows of a panel of the gradient are summed at a time
// over several images.
const sumRows = 140

// weightsBlock computes the gradient of some input channels and some output
// channels of one group: the sums run over the pixels of all images.
func (c *Conv) weightsBlock(task, worker int) {
	g := &c.g
	i0 := task % c.lblocks * c.lines
	task /= c.lblocks
	ch := task % c.cblocks * c.cols
	group := task / c.cblocks
	lines, channels := min(c.lines, c.oc-i0), min(c.cols, c.ic-ch)
	nr := panelWidth(c.on)
	size := c.windowSize(c.rows, channels)
	pixel, dsize := g.OutC, 0
	if crowded(g.OutC) && c.depth >= 128 {
		pixel = lines + 16
		dsize = c.rows * g.OutW * pixel
	}
	// The micro-kernel reads whole panels.
	scratch := c.p.Floats(worker, c.images*(size+dsize)+nr+sumRows*nr)
	dscratch := scratch[c.images*size+nr:]
	sums := dscratch[c.images*dsize:]
	dw := c.turned[(group*c.oc+i0)*c.depth+ch:]
	for image := 0; image < g.Batch; image += c.images {
		images := min(c.images, g.Batch-image)
		for oy := 0; oy < g.OutH; oy += c.rows {
			rows := min(c.rows, g.OutH-oy)
			var in convWindow
			for i := range images {
				in = c.window(scratch[i*size:(i+1)*size], image+i, oy, rows, group*c.ic+ch, channels)
				if dsize > 0 {
					space(dscratch[i*dsize:], pixel, rows*g.OutW, lines, c.rowOfDY(image+i, oy)[group*c.oc+i0:], g.OutC)
				}
			}
			t := tile{ars: 1, a7: 7, a14: 14, acs: pixel, ldb: in.across, bseg: in.down}
			// The channels of adjacent kernel positions are adjacent.
			steps, width := g.KernelW, channels
			if g.DilationW == 1 && in.pixel == c.ic {
				steps, width = 1, g.KernelW*channels
			}
			for tap := 0; tap < c.taps; tap += g.KernelW / steps {
				at := tap/g.KernelW*g.DilationH*in.row + tap%g.KernelW*g.DilationW*in.pixel
				for j := 0; j < width; j += nr {
					t.n = min(nr, width-j)
					for r := 0; r < lines; r += sumRows {
						n := min(sumRows, lines-r)
						// Some rows of a panel take in all images, in a
						// place where they stay in the first-level cache.
						to := dw[r*c.depth+tap*c.ic+j:]
						t.c, t.ldc, t.add = to, c.depth, image > 0 || oy > 0
						if images > 1 {
							t.c, t.ldc = sums, nr
							if t.add {
								space(sums, nr, n, t.n, to, c.depth)
							}
						}
						for i := range images {
							dy := c.rowOfDY(image+i, oy)[group*c.oc+i0:]
							if dsize > 0 {
								dy = dscratch[i*dsize:]
							}
							c.weightsPanel(t, n, rows, dy[r:], scratch[i*size+at+j:])
							t.add = true
						}
						if images > 1 {
							space(to, c.depth, n, t.n, sums, nr)
						}
					}
				}
			}
		}
	}
}

// rowOfDY returns the output's gradient from a row of an image on.
func (c *Conv) rowOfDY(image, oy int) []float32 {
	return c.y[(image*c.g.OutH+oy)*c.g.OutW*c.g.OutC:]
}

// weightsPanel adds the pixels of some rows to one panel of the gradient.
func (c *Conv) weightsPanel(t tile, lines, rows int, dy, x []float32) {
	g := &c.g
	dw := t.c
	t.aseg = g.OutW * t.acs
	most := max(1, mostDepth/g.OutW)
	for r := 0; r < rows; r += most {
		t.segs = min(most, rows-r)
		for q := 0; q < g.OutW; q += mostDepth {
			t.k = min(mostDepth, g.OutW-q)
			limit := rowsPerCall(t.k * t.segs)
			for i := 0; i < lines; i += limit {
				t.m = min(limit, lines-i)
				t.a = dy[r*t.aseg+q*t.acs+i:]
				t.b = x[r*t.bseg+q*t.ldb:]
				t.c = dw[i*t.ldc:]
				runTile(c.on, &t)
			}
			t.add = true
		}
	}
}
