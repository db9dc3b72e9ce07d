package q8

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// Conv is a convolution with weights that never change. A dense layer is one
// of a single row of pixels with a window of one.
type Conv struct {
	g     Geometry
	on    cpu.Path
	xZero uint8

	inPer, outPer int // channels per group
	steps         int // of four bytes that a sum takes
	direct        bool
	band          *band          // not nil: rows are read from a copy with padding
	panels        int            // per group
	requant       []panelRequant // by group and panel
	weights       []int8         // by group and panel: steps x panel x 4
	deep          *depthwise     // not nil: one channel per group

	// The call at hand.
	p         *pool.Pool
	x, y      []uint8
	floats    []float32
	scale     []float32
	blockRows int
	parts     int // into which the panels are split
	task      func(task, worker int)
}

// NewConv returns a convolution of images with the zero point xZero, which
// padding has too, by the weights [OutC][InC/Groups][KernelH][KernelW]. An
// impossible geometry is an error that wraps [ErrGeometry]; weights or rules
// that are not as many as the geometry says, and sums that could overflow 32
// bits, are errors too.
func NewConv(g Geometry, w []int8, xZero uint8, r Requant) (*Conv, error) {
	return newConv(cpu.Active(), g, w, xZero, r)
}

func newConv(on cpu.Path, g Geometry, w []int8, xZero uint8, r Requant) (*Conv, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	c := &Conv{g: g, on: on, xZero: xZero, inPer: g.InC / g.Groups, outPer: g.OutC / g.Groups}
	taps := g.KernelH * g.KernelW
	if len(w) != g.OutC*c.inPer*taps {
		return nil, fmt.Errorf("q8: %d weights, %d channels of %d x %d numbers need %d", len(w), g.OutC, c.inPer, taps, g.OutC*c.inPer*taps)
	}
	if err := r.check(g.OutC); err != nil {
		return nil, err
	}
	bias, err := foldZero(r.Bias, w, xZero)
	if err != nil {
		return nil, err
	}
	r.Bias = bias
	c.task = c.block
	if g.Groups == g.InC && g.OutC == g.InC && g.InC > 1 {
		c.deep = newDepthwise(on, &c.g, w, &r)
		c.task = c.deepBand
		return c, nil
	}
	c.direct = taps == 1 && g.StrideH == 1 && g.StrideW == 1 && g.PadTop == 0 && g.PadLeft == 0 &&
		g.InH == g.OutH && g.InW == g.OutW && g.Groups == 1
	c.steps = taps * Stride(c.inPer) / 4
	c.panels = (c.outPer + panel - 1) / panel
	c.pack(w, &r)
	if !c.direct && g.Groups == 1 && g.DilationW == 1 {
		c.band = newBand(&c.g, Stride(g.InC), g.KernelH)
		c.task = c.bandPanels
	}
	return c, nil
}

// foldZero returns the biases less what the zero point of x adds to every
// sum, and an error if a sum could overflow.
func foldZero(bias []int32, w []int8, xZero uint8) ([]int32, error) {
	folded := make([]int32, len(bias))
	per := len(w) / len(bias)
	for i, b := range bias {
		var up, down int64
		for _, v := range w[i*per : (i+1)*per] {
			up += int64(max(v, 0))
			down += int64(min(v, 0))
		}
		f := int64(b) - int64(xZero)*(up+down)
		if f+255*up > math.MaxInt32 || f+255*down < math.MinInt32 || f > math.MaxInt32 || f < math.MinInt32 {
			return nil, fmt.Errorf("q8: the sums of output channel %d could overflow 32 bits: %d weights and a bias of %d are too much", i, per, b)
		}
		folded[i] = int32(f)
	}
	return folded, nil
}

// pack brings the weights into the order of the tiles: for every group and
// panel the steps of its columns, channels innermost.
func (c *Conv) pack(w []int8, r *Requant) {
	taps, deep := c.g.KernelH*c.g.KernelW, Stride(c.inPer)
	c.weights = make([]int8, c.g.Groups*c.panels*c.steps*panel*4)
	c.requant = make([]panelRequant, c.g.Groups*c.panels)
	for g := range c.g.Groups {
		for q := range c.panels {
			at := g*c.panels + q
			width := min(panel, c.outPer-q*panel)
			c.requant[at].set(r, g*c.outPer+q*panel, width)
			to := c.weights[at*c.steps*panel*4:]
			for j := range width {
				from := w[(g*c.outPer+q*panel+j)*c.inPer*taps:]
				for i := range c.inPer {
					for t := range taps {
						k := t*deep + i
						to[k/4*panel*4+4*j+k%4] = from[i*taps+t]
					}
				}
			}
		}
	}
}

// Forward computes the bytes y of the images x on the workers of p.
func (c *Conv) Forward(p *pool.Pool, y, x []uint8) {
	must("output", len(y), c.g.output())
	c.run(p, x, func() { c.y, c.floats = y, nil })
}

// ForwardFloat computes y = sum·scale[c], without the bytes' rounding, dense:
// OutC numbers per pixel. Sums include the bias. A depthwise convolution has
// no such form and panics.
func (c *Conv) ForwardFloat(p *pool.Pool, y []float32, x []uint8, scale []float32) {
	if c.deep != nil {
		panic("q8: the sums of a depthwise convolution are asked for")
	}
	must("output", len(y), c.g.Batch*c.g.OutH*c.g.OutW*c.g.OutC)
	must("scales", len(scale), c.g.OutC)
	c.run(p, x, func() { c.y, c.floats, c.scale = nil, y, scale })
}

func (c *Conv) run(p *pool.Pool, x []uint8, to func()) {
	must("input", len(x), c.g.input())
	c.p, c.x = p, x
	to()
	switch {
	case c.deep != nil:
		p.Run(c.g.Batch*c.deep.band.perImage, c.task)
	case c.band != nil:
		c.parts = 1
		if bands := c.g.Batch * c.band.perImage; bands < 2*p.Workers() {
			c.parts = min(p.Workers(), c.panels)
		}
		p.Run(c.g.Batch*c.band.perImage*c.parts, c.task)
	default:
		rows := c.g.Batch * c.g.OutH * c.g.OutW
		c.blockRows = blockRows(rows, c.steps, p.Workers())
		blocks := (rows + c.blockRows - 1) / c.blockRows
		c.parts = 1
		if blocks < p.Workers() {
			c.parts = min(p.Workers(), c.panels)
		}
		p.Run(blocks*c.parts*c.g.Groups, c.task)
	}
	c.p, c.x, c.y, c.floats, c.scale = nil, nil, nil, nil, nil
}

// blockBytes of rows are unfolded at a time: they stay in the second-level
// cache while the panels pass by.
const blockBytes = 192 << 10

// blockRows returns how many pixels are worked on at a time: a multiple of
// the 14 rows of a tile.
func blockRows(rows, steps, workers int) int {
	n := blockBytes / (4 * steps)
	if workers > 1 {
		n = min(n, (rows+2*workers-1)/(2*workers)+13)
	}
	return min(max(n/14*14, 14), (rows+13)/14*14)
}

// block computes the pixels of one block for one group and some panels.
func (c *Conv) block(task, worker int) {
	part := task % c.parts
	task /= c.parts
	group := task % c.g.Groups
	lo := task / c.g.Groups * c.blockRows
	rows := min(c.blockRows, c.g.Batch*c.g.OutH*c.g.OutW-lo)
	t := tile{segs: 1, steps: c.steps, ars: 4 * c.steps}
	if c.direct {
		t.a = c.x[lo*t.ars:]
	} else {
		t.a = c.p.Bytes(worker, rows*t.ars)
		c.unfold(t.a, lo, rows, group)
	}
	a := t.a
	for q := part * c.panels / c.parts; q < (part+1)*c.panels/c.parts; q++ {
		c.choose(&t, group, q)
		t.a = a
		c.rows(&t, worker, lo, rows, group*c.outPer+q*panel)
	}
}

// choose makes a tile one of a group's panel.
func (c *Conv) choose(t *tile, group, q int) {
	at := group*c.panels + q
	t.n = min(panel, c.outPer-q*panel)
	t.b = c.weights[at*c.steps*panel*4 : (at+1)*c.steps*panel*4]
	t.q = &c.requant[at]
}

// rows computes a panel's columns, from the given one, of some pixels whose
// rows the tile has.
func (c *Conv) rows(t *tile, worker, pixel, rows, column int) {
	call := min(rowsPerCall(c.steps), rows)
	a := t.a
	ldy := Stride(c.g.OutC)
	for i := 0; i < rows; i += call {
		t.m = min(call, rows-i)
		t.a = a[i*t.ars:]
		if c.floats != nil {
			t.sums = c.p.Ints(worker, call*panel)
			runTile(c.on, t)
			c.scaleSums(t.sums, pixel+i, t.m, column, t.n)
			continue
		}
		t.y, t.ldy = c.y[(pixel+i)*ldy+column:], ldy
		runTile(c.on, t)
	}
}

func (c *Conv) scaleSums(sums []int32, row, rows, column, columns int) {
	scale := c.scale[column : column+columns]
	for i := range rows {
		y := c.floats[(row+i)*c.g.OutC+column:][:columns]
		for j, s := range sums[i*panel:][:columns] {
			y[j] = float32(s) * scale[j]
		}
	}
}
