package f32

// convWindow is a view of input rows from which a micro-kernel reads what a
// kernel sees in place, padding included.
type convWindow struct {
	data         []float32
	pixel, row   int // steps from pixel to pixel and from row to row
	across, down int // steps from output to output
}

// padded reports whether some output pixel reads beyond the image.
func (c *Conv) padded() bool {
	g := &c.g
	return g.PadTop > 0 || g.PadLeft > 0 ||
		(g.OutH-1)*g.StrideH+(g.KernelH-1)*g.DilationH >= g.InH ||
		(g.OutW-1)*g.StrideW+(g.KernelW-1)*g.DilationW >= g.InW
}

// span returns how many input rows a block of output rows reads, and width
// how many input pixels a row.
func (c *Conv) span(rows int) int {
	return (rows-1)*c.g.StrideH + (c.g.KernelH-1)*c.g.DilationH + 1
}

func (c *Conv) width() int {
	return (c.g.OutW-1)*c.g.StrideW + (c.g.KernelW-1)*c.g.DilationW + 1
}

// pitch returns the step from pixel to pixel of a copy of channels channels:
// one that lets all pixels of a tile, and those of another row beside them,
// stay in the first-level cache.
func pitch(channels int) int {
	if crowded(channels) {
		return channels + 16
	}
	return channels
}

// sparse reports whether the kernel sees only every stride'th pixel: then a
// copy holds just these.
func (c *Conv) sparse() bool { return c.taps == 1 && !c.padded() }

// copied reports whether the forward product reads a copy of the input
// instead of the input.
func (c *Conv) copied() bool {
	return c.padded() || c.g.Groups > 1 || pitch(c.ic) != c.ic && c.oc > 64
}

// inPlace returns the input rows that output rows from oy on of an image read,
// if the image needs no padding.
func (c *Conv) inPlace(image, oy int) convWindow {
	g := &c.g
	w := convWindow{pixel: g.InC, row: g.InW * g.InC}
	if !c.padded() {
		w.data = c.x[(image*g.InH+oy*g.StrideH)*w.row:]
	}
	w.across, w.down = g.StrideW*w.pixel, g.StrideH*w.row
	return w
}

// windowSize returns the size of a copy of what some output rows see of some
// channels.
func (c *Conv) windowSize(rows, channels int) int {
	if c.sparse() {
		return rows * c.g.OutW * pitch(channels)
	}
	return c.span(rows) * c.width() * pitch(channels)
}

// window copies the input rows that output rows oy to oy+rows-1 of an image
// read, with their padding, as far as channels channel to channel+channels-1
// go.
func (c *Conv) window(data []float32, image, oy, rows, channel, channels int) convWindow {
	g := &c.g
	img := c.x[image*g.InH*g.InW*g.InC:][:g.InH*g.InW*g.InC]
	w := convWindow{data: data, pixel: pitch(channels)}
	if c.sparse() {
		w.row = g.OutW * w.pixel
		w.across, w.down = w.pixel, w.row
		for r := range rows {
			src := img[(oy+r)*g.StrideH*g.InW*g.InC+channel:]
			for i := range g.OutW {
				copy(data[(r*g.OutW+i)*w.pixel:][:channels], src[i*g.StrideW*g.InC:])
			}
		}
		return w
	}
	w.row = c.width() * w.pixel
	w.across, w.down = g.StrideW*w.pixel, g.StrideH*w.row
	for r := range c.span(rows) {
		c.copyRow(data[r*w.row:(r+1)*w.row], img, oy*g.StrideH-g.PadTop+r, w.pixel, channel, channels)
	}
	return w
}

// copyRow copies some channels of input row iy, with its padding.
func (c *Conv) copyRow(dst, img []float32, iy, pixel, channel, channels int) {
	g := &c.g
	width := len(dst) / pixel
	left := min(g.PadLeft, width)
	n := min(g.InW, width-left)
	if iy < 0 || iy >= g.InH || n <= 0 {
		clear(dst)
		return
	}
	clear(dst[:left*pixel])
	clear(dst[(left+n)*pixel:])
	dst = dst[left*pixel : (left+n)*pixel]
	src := img[iy*g.InW*g.InC+channel:]
	if pixel == g.InC && channels == g.InC {
		copy(dst, src)
		return
	}
	for i := range n {
		copy(dst[i*pixel:i*pixel+channels], src[i*g.InC:])
	}
}
