package f32

// pass is a depthwise convolution that the axes tell, or one phase of its
// gradient: out[Batch][.][.][C] from in[Batch][.][.][C].
type pass struct {
	rows, cols       convAxis
	in, out, w       []float32
	inRow, inImage   int // steps from row to row and from image to image
	outRow, outImage int
	block, blocks    int // rows of a task, and tasks of an image
	ya, yb, xa, xb   int // the outputs all of whose taps find an input
}

func (c *Conv) depthwiseForward() {
	g := &c.g
	c.pass = pass{
		rows: forwardAxis(g.InH, g.OutH, g.KernelH, g.StrideH, g.PadTop, g.DilationH),
		cols: forwardAxis(g.InW, g.OutW, g.KernelW, g.StrideW, g.PadLeft, g.DilationW),
		in:   c.x, inRow: g.InW * g.InC, inImage: g.InH * g.InW * g.InC,
		out: c.y, outRow: g.OutW * g.OutC, outImage: g.OutH * g.OutW * g.OutC,
		w: c.taken,
	}
	c.depthwisePass()
}

// depthwiseInput computes the input's gradient, phase by phase of the stride.
func (c *Conv) depthwiseInput() {
	g := &c.g
	for py := range min(g.StrideH, g.InH) {
		for px := range min(g.StrideW, g.InW) {
			c.pass = pass{
				rows: backwardAxis(g.InH, g.OutH, g.KernelH, g.StrideH, g.PadTop, g.DilationH, py),
				cols: backwardAxis(g.InW, g.OutW, g.KernelW, g.StrideW, g.PadLeft, g.DilationW, px),
				in:   c.y, inRow: g.OutW * g.OutC, inImage: g.OutH * g.OutW * g.OutC,
				out: c.x, outRow: g.InW * g.InC, outImage: g.InH * g.InW * g.InC,
				w: c.given,
			}
			c.depthwisePass()
		}
	}
}

// depthwisePass shares the rows of the result among the workers.
func (c *Conv) depthwisePass() {
	a := &c.pass
	a.ya, a.yb = a.rows.interior()
	a.xa, a.xb = a.cols.interior()
	a.blocks = 1
	if have, workers := c.g.Batch, c.p.Workers(); workers > 1 && have < 4*workers {
		a.blocks = min(a.rows.outs, (4*workers+have-1)/have)
	}
	a.block = (a.rows.outs + a.blocks - 1) / a.blocks
	a.blocks = (a.rows.outs + a.block - 1) / a.block
	c.p.Run(c.g.Batch*a.blocks, c.tasks.depthwise)
	a.in, a.out, a.w = nil, nil, nil
}

// depthwiseRows computes some rows of one image: the pixels that need all
// kernel columns row by row, the others column by column, which makes strips
// of them too.
func (c *Conv) depthwiseRows(task, _ int) {
	a := &c.pass
	image, o0 := task/a.blocks, task%a.blocks*a.block
	o1 := min(o0+a.block, a.rows.outs)
	s := strip{
		n:    c.g.InC,
		xrow: a.rows.delta * a.inRow, xcol: a.cols.delta * c.g.InC,
		wrow: a.rows.tapStep * c.g.KernelW * c.g.InC, wcol: a.cols.tapStep * c.g.InC,
	}
	y0, y1 := max(o0, a.ya), min(o1, a.yb)
	for oy := o0; oy < o1; oy++ {
		c.depthwiseStrip(&s, image, oy, a.xa, a.xb-a.xa, true)
		if oy >= y0 && oy < y1 {
			continue
		}
		for ox := range a.cols.outs {
			if ox < a.xa || ox >= a.xb {
				c.depthwiseStrip(&s, image, oy, ox, 1, true)
			}
		}
	}
	for ox := range a.cols.outs {
		if ox < a.xa || ox >= a.xb {
			c.depthwiseStrip(&s, image, y0, ox, y1-y0, false)
		}
	}
}

// stripWork bounds the multiplications of one call of assembly, which cannot
// be preempted.
const stripWork = 1 << 19

// depthwiseStrip computes m outputs from (oy, ox) on, to the right or
// downwards, which use the same kernel positions.
func (c *Conv) depthwiseStrip(s *strip, image, oy, ox, m int, right bool) {
	if m <= 0 {
		return
	}
	a := &c.pass
	i0, i1 := a.rows.taken(oy)
	j0, j1 := a.cols.taken(ox)
	ch := c.g.InC
	s.rows, s.cols = i1-i0, j1-j0
	x0, w0 := 0, 0
	if s.rows > 0 && s.cols > 0 {
		x0 = image*a.inImage + (a.rows.first+oy*a.rows.stride+i0*a.rows.delta)*a.inRow +
			(a.cols.first+ox*a.cols.stride+j0*a.cols.delta)*ch
		w0 = ((a.rows.tap0+i0*a.rows.tapStep)*c.g.KernelW + a.cols.tap0 + j0*a.cols.tapStep) * ch
	} else {
		s.rows, s.cols = 0, 0
	}
	y0 := image*a.outImage + (a.rows.start+oy*a.rows.step)*a.outRow + (a.cols.start+ox*a.cols.step)*ch
	s.xm, s.ym = a.cols.stride*ch, a.cols.step*ch
	if !right {
		s.xm, s.ym = a.rows.stride*a.inRow, a.rows.step*a.outRow
	}
	s.x = a.in
	taps := max(1, s.rows*s.cols)
	width := min(ch, max(64, stripWork/taps&^63))
	length := max(1, stripWork/(taps*width))
	for i := 0; i < m; i += length {
		s.m = min(length, m-i)
		for j := 0; j < ch; j += width {
			s.n = min(width, ch-j)
			s.x0 = x0 + i*s.xm + j
			s.w = a.w[w0+j:]
			at := y0 + i*s.ym + j
			s.y = a.out[at:]
			s.bias, s.residual = nil, nil
			if c.e.Bias != nil {
				s.bias = c.e.Bias[j:]
			}
			if c.e.Residual != nil {
				s.residual = c.e.Residual[at:]
			}
			s.clip, s.lo, s.hi = c.e.Clip, c.e.Lo, c.e.Hi
			runStrip(c.on, c.g.Exact, s)
		}
	}
}
