package f32

import "github.com/bristle-fl/bristled/internal/kernel/pool"

// Forward computes y = e(x * w) with the weights last packed. e.Residual is
// laid out like y. y must overlap neither x nor e.Residual, because it holds
// partial sums for a while. It panics if no weights were packed.
func (c *Conv) Forward(p *pool.Pool, y, x []float32, e Epilogue) {
	if !c.packed {
		panic("f32: convolution before its weights were packed")
	}
	c.checkForward(y, x, &e)
	c.p, c.x, c.y, c.e = p, x, y, e
	g := &c.g
	switch {
	case c.depthwise():
		c.depthwiseForward()
	case g.Exact:
		c.rows = c.exactRows()
		c.rblocks = (g.OutH + c.rows - 1) / c.rows
		p.Run(g.Batch*c.rblocks, c.tasks.exactForward)
	case c.pointwise():
		for group := range g.Groups {
			e := e.part(group*c.oc, group*c.oc)
			c.gemm.Packed(p, g.Batch*g.OutH*g.OutW, x[group*c.ic:], g.InC, &c.panels[group], y[group*c.oc:], g.OutC, e)
		}
	default:
		c.planForward()
		p.Run(g.Batch*g.Groups*c.rblocks*c.cblocks, c.tasks.forward)
	}
	c.release()
}

func (c *Conv) checkForward(y, x []float32, e *Epilogue) {
	mustContain("x", x, c.inSize())
	mustContain("y", y, c.outSize())
	if e.Bias != nil {
		mustContain("bias", e.Bias, c.g.OutC)
	}
	if e.Residual != nil {
		mustContain("residual", e.Residual, c.outSize())
	}
}

// part returns the epilogue of a part of the result that begins at column j
// and element at.
func (e Epilogue) part(j, at int) Epilogue {
	if e.Bias != nil {
		e.Bias = e.Bias[j:]
	}
	if e.Residual != nil {
		e.Residual = e.Residual[at:]
	}
	return e
}

// planForward chooses the blocks: rows whose input fits the second-level
// cache, and all columns, or fewer of both if there are more workers than
// such blocks.
func (c *Conv) planForward() {
	g := &c.g
	perRow := c.width() * pitch(c.ic)
	most := max(1, (aBlock/perRow-c.span(1))/g.StrideH+1)
	blocks := (g.OutH + most - 1) / most
	q := &c.panels[0]
	groups := 1
	if w := c.p.Workers(); w > 1 {
		if have := g.Batch * g.Groups; have*blocks < 4*w {
			blocks = max(blocks, min(4*w/have, (g.OutH+6)/7))
		}
		if have := g.Batch * g.Groups * blocks; have < 3*w {
			groups = min(q.panels(), (3*w+have-1)/have)
		}
	}
	c.rows = (g.OutH + blocks - 1) / blocks
	c.rblocks = (g.OutH + c.rows - 1) / c.rows
	c.cols = (q.panels() + groups - 1) / groups * q.nr
	c.cblocks = (q.N + c.cols - 1) / c.cols
}

// forwardBlock computes some rows and columns of one group of one image.
func (c *Conv) forwardBlock(task, worker int) {
	g := &c.g
	j0 := task % c.cblocks * c.cols
	task /= c.cblocks
	oy := task % c.rblocks * c.rows
	task /= c.rblocks
	group, image := task%g.Groups, task/g.Groups
	rows := min(c.rows, g.OutH-oy)
	q := &c.panels[group]
	j1 := min(j0+c.cols, q.N)

	in := c.inPlace(image, oy)
	if c.copied() {
		in = c.window(c.p.Floats(worker, c.windowSize(rows, c.ic)), image, oy, rows, group*c.ic, c.ic)
	}
	at := (image*g.OutH+oy)*g.OutW*g.OutC + group*c.oc
	for j := j0; j < j1; j += q.nr {
		c.forwardPanel(q, j, min(q.nr, j1-j), &in, rows, at+j, group*c.oc+j)
	}
}

// forwardPanel computes n columns from column j of a group, for some rows:
// the result begins at element at of y and at channel channel.
func (c *Conv) forwardPanel(q *Packed, j, n int, in *convWindow, rows, at, channel int) {
	g := &c.g
	t := tile{n: n, acs: 1, ldb: q.nr, ldc: g.OutC}
	t.even(in.across)
	m, calls := g.OutW, rows
	switch {
	case in.down == g.OutW*in.across:
		m, calls = g.OutW*rows, 1
	case g.OutW == 7 && pairsRows(c.on):
		m, calls = 7*rows, 1
		t.a7, t.a14 = in.down, 2*in.down
	}
	// Where the pixels of a kernel's row are adjacent, a row is one segment;
	// else each pixel is one and each row a sum of its own.
	outer, segs, k := 1, g.KernelH, g.KernelW*c.ic
	t.aseg = g.DilationH * in.row
	if g.DilationW > 1 || in.pixel != c.ic {
		outer, segs, k = g.KernelH, g.KernelW, c.ic
		t.aseg = g.DilationW * in.pixel
	}
	for o := range outer {
		for s := 0; s < segs; {
			for q0 := 0; q0 < k; q0 += mostDepth {
				t.k = min(mostDepth, k-q0)
				t.segs = 1
				if t.k == k {
					t.segs = min(segs-s, max(1, mostDepth/k))
				}
				done := (o*segs+s)*k + q0
				t.add = done > 0
				t.b = q.panel(j, done)
				t.bseg = t.k * q.nr
				last := done+t.k*t.segs == q.K
				from := o*g.DilationH*in.row + s*t.aseg + q0
				limit := rowsPerCall(t.k * t.segs)
				for r := range calls {
					for i := 0; i < m; i += limit {
						t.m = min(limit, m-i)
						t.a = in.data[from+r*in.down+t.row(i):]
						to := (r*m + i) * g.OutC
						t.c = c.y[at+to:]
						t.bare()
						if last {
							t.finish(&c.e, channel, at+to)
						}
						runTile(c.on, &t)
					}
				}
			}
			s += t.segs
		}
	}
}

// exactRows returns how many output rows are gathered at a time.
func (c *Conv) exactRows() int {
	return max(1, min(c.g.OutH, aBlock/(c.g.OutW*c.depth)))
}
