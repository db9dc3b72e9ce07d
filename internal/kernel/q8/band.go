package q8

// band says how an image is cut into bands of output rows. A worker copies
// what a band sees of the input, with the padding around it, so that all
// windows look alike.
type band struct {
	row      int // bytes of a padded row of the input
	rows     int // output rows per band
	perImage int
}

// bandBytes of padded rows are worked on at a time: they stay in the
// second-level cache while the panels pass by.
const bandBytes = 96 << 10

// newBand cuts images of pixels of stride bytes. reach is how many rows of
// the input a window spans.
func newBand(g *Geometry, stride, reach int) *band {
	b := &band{row: ((g.OutW-1)*g.StrideW + (g.KernelW-1)*g.DilationW + 1) * stride}
	b.rows = min(max((bandBytes/b.row-reach)/g.StrideH+1, 1), g.OutH)
	b.perImage = (g.OutH + b.rows - 1) / b.rows
	if b.perImage > 1 {
		b.perImage = min((b.perImage+3)&^3, g.OutH) // as many for one worker as for another
	}
	b.rows = (g.OutH + b.perImage - 1) / b.perImage // as even as can be
	b.perImage = (g.OutH + b.rows - 1) / b.rows
	return b
}

// slack is what the assembly may read beyond a band, of channels that it then
// drops.
const slack = 32

// pad copies the input rows of a band and returns them, the image, the first
// output row and their number.
func (c *Conv) pad(b *band, task, worker int) (x []uint8, n, y0, rows int) {
	g := &c.g
	n, y0 = task/b.perImage, task%b.perImage*b.rows
	rows = max(min(b.rows, g.OutH-y0), 0)
	lines := max((rows-1)*g.StrideH+(g.KernelH-1)*g.DilationH+1, 0)
	x = c.p.Bytes(worker, lines*b.row+slack)[:lines*b.row]
	for i := range lines {
		c.padLine(x[i*b.row:(i+1)*b.row], n, y0*g.StrideH-g.PadTop+i)
	}
	return x, n, y0, rows
}

// padLine copies row iy of image n with the padding beside it.
func (c *Conv) padLine(dst []uint8, n, iy int) {
	g, stride := &c.g, Stride(c.g.InC)
	if iy < 0 || iy >= g.InH {
		fill(dst, c.xZero)
		return
	}
	line := c.x[(n*g.InH+iy)*g.InW*stride:][:g.InW*stride]
	left := min(g.PadLeft*stride, len(dst))
	fill(dst[:left], c.xZero)
	k := copy(dst[left:], line)
	fill(dst[left+k:], c.xZero)
}

// bandPanels computes one band for some panels.
func (c *Conv) bandPanels(task, worker int) {
	g, b := &c.g, c.band
	part := task % c.parts
	x, n, y0, rows := c.pad(b, task/c.parts, worker)
	t := tile{segs: g.KernelH, steps: c.steps / g.KernelH, ars: g.StrideW * Stride(g.InC), aseg: g.DilationH * b.row}
	for q := part * c.panels / c.parts; q < (part+1)*c.panels/c.parts; q++ {
		c.choose(&t, 0, q)
		for i := range rows {
			t.a = x[i*g.StrideH*b.row:]
			c.rows(&t, worker, (n*g.OutH+y0+i)*g.OutW, g.OutW, q*panel)
		}
	}
}
