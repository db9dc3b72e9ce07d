package f32

// Pack takes in weights, in the order of ONNX. It has to be called before
// Forward and again whenever the weights change.
func (c *Conv) Pack(w []float32) {
	mustContain("w", w, c.weightsSize())
	c.packed = true
	if c.g.Exact || c.depthwise() {
		c.taken = c.packRows(c.taken, w)
		return
	}
	c.w = w
	c.resetPanels()
	for task := range c.g.Groups * c.panels[0].panels() {
		c.packPanels(task, 0)
	}
	c.w = nil
}

func (c *Conv) resetPanels() {
	if c.panels == nil {
		c.panels = make([]Packed, c.g.Groups)
	}
	for i := range c.panels {
		c.panels[i].reset(c.on, c.depth, c.oc)
	}
}

// packPanels packs one panel of one group.
func (c *Conv) packPanels(task, _ int) {
	per := c.panels[0].panels()
	group, j := task/per, task%per*c.panels[0].nr
	q := &c.panels[group]
	n := min(q.nr, q.N-j)
	dst := q.panel(j, 0)
	w := c.w[(group*c.oc+j)*c.depth:]
	if n < q.nr {
		clear(dst[:q.nr*q.K])
	}
	c.spread(dst, q.nr, n, w)
}

// spread writes the weights w of n output channels as rows of nr in the order
// tap, channel.
func (c *Conv) spread(dst []float32, nr, n int, w []float32) {
	if c.taps == 1 {
		interleave(c.on, n, c.ic, w, c.depth, dst, nr)
		return
	}
	// Of sixteen output channels at a time, so that what is read is still in
	// the first-level cache when the next input channel needs the rest of it.
	for j := 0; j < n; j += 16 {
		for i := range c.ic {
			interleave(c.on, min(16, n-j), c.taps, w[j*c.depth+i*c.taps:], c.depth, dst[i*nr+j:], c.ic*nr)
		}
	}
}

// packRows lays the weights of each group out as [tap][channel][OutC/Groups],
// which for a depthwise convolution is done over all groups: [tap][channel].
// It makes dst if that is nil.
func (c *Conv) packRows(dst, w []float32) []float32 {
	if dst == nil {
		dst = make([]float32, c.weightsSize())
	}
	if c.depthwise() {
		interleave(c.on, c.g.InC, c.taps, w, c.taps, dst, c.g.InC)
		return dst
	}
	for group := range c.g.Groups {
		at := group * c.oc * c.depth
		c.spread(dst[at:], c.oc, c.oc, w[at:])
	}
	return dst
}
