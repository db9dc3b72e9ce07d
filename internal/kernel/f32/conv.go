package f32

import (
	"fmt"
	"math"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// Conv is a convolution, forward and backward. Images are channels-last:
// x and dx are [Batch][InH][InW][InC], y and dy [Batch][OutH][OutW][OutC].
// Weights are in the order of ONNX: [OutC][InC/Groups][KernelH][KernelW].
//
// Every method panics if a slice is too short. A Conv belongs to one
// goroutine at a time and allocates nothing after the first call of each
// method.
type Conv struct {
	g      Geometry
	on     cpu.Path
	ic, oc int // channels of one group
	taps   int // kernel positions
	depth  int // products per output element: ic*taps

	panels []Packed  // of the groups, rows in the order tap, channel
	taken  []float32 // packed weights of the exact and the depthwise kind
	given  []float32 // those of the depthwise kind that BackwardInput was given
	packed bool

	gemm     Gemm      // 1x1 forward
	product  Product   // 1x1 backward, weights
	backward *Conv     // with the roles of x and y exchanged, for stride 1
	flipped  []Packed  // weights of the scatter, one per group and tap
	turned   []float32 // weights' gradient, [OutC][tap][channel]

	// The arguments of the call under way.
	p              *pool.Pool
	x, y, w        []float32
	e              Epilogue
	rows, rblocks  int // of a block of output rows, and how many there are
	cols, cblocks  int // of a block of columns, and how many there are
	lines, lblocks int // of a block of rows of the weights' gradient
	images         int // of a block of images
	pass           pass
	tasks          tasks
}

// tasks are the closures that a pool runs, made once.
type tasks struct {
	forward, exactForward       func(task, worker int)
	scatter, exactInput         func(task, worker int)
	weights, exactWeights       func(task, worker int)
	packScatter, packTurned     func(task, worker int)
	depthwise, depthwiseWeights func(task, worker int)
}

// NewConv returns a convolution. It panics if an extent, a stride or a
// dilation is not positive, a padding is negative, the channels are no
// multiple of Groups, or an image has more elements than fit an int.
func NewConv(g Geometry) *Conv { return newConv(cpu.Active(), g) }

func newConv(on cpu.Path, g Geometry) *Conv {
	g.check()
	c := &Conv{g: g, on: on, ic: g.InC / g.Groups, oc: g.OutC / g.Groups, taps: g.KernelH * g.KernelW}
	c.depth = c.ic * c.taps
	c.tasks = tasks{
		forward: c.forwardBlock, exactForward: c.forwardExactly,
		scatter: c.scatterImage, exactInput: c.inputExactly,
		weights: c.weightsBlock, exactWeights: c.weightsExactly,
		packScatter: c.packTap, packTurned: c.turnWeights,
		depthwise: c.depthwiseRows, depthwiseWeights: c.depthwiseChannels,
	}
	return c
}

func (g *Geometry) check() {
	for _, f := range []struct {
		name  string
		value int
		least int
	}{
		{"Batch", g.Batch, 1}, {"InH", g.InH, 1}, {"InW", g.InW, 1}, {"InC", g.InC, 1},
		{"OutH", g.OutH, 1}, {"OutW", g.OutW, 1}, {"OutC", g.OutC, 1},
		{"KernelH", g.KernelH, 1}, {"KernelW", g.KernelW, 1}, {"StrideH", g.StrideH, 1}, {"StrideW", g.StrideW, 1},
		{"PadTop", g.PadTop, 0}, {"PadLeft", g.PadLeft, 0},
		{"DilationH", g.DilationH, 1}, {"DilationW", g.DilationW, 1}, {"Groups", g.Groups, 1},
	} {
		if f.value < f.least {
			panic(fmt.Sprintf("f32: geometry with %s = %d; it must be at least %d", f.name, f.value, f.least))
		}
	}
	if g.InC%g.Groups != 0 || g.OutC%g.Groups != 0 {
		panic(fmt.Sprintf("f32: geometry with %d input and %d output channels in %d groups", g.InC, g.OutC, g.Groups))
	}
	mustFit(g.Batch, g.InH, g.InW, g.InC)
	mustFit(g.Batch, g.OutH, g.OutW, g.OutC)
	mustFit(g.OutC, g.InC/g.Groups, g.KernelH, g.KernelW)
	// The padded image that the last output pixel reads.
	mustFit(g.OutH, g.StrideH)
	mustFit(g.OutW, g.StrideW)
	mustFit(g.KernelH, g.DilationH)
	mustFit(g.KernelW, g.DilationW)
}

// mustFit panics if a product of positive extents, times the size of a
// number, is no int.
func mustFit(extents ...int) {
	size := 1
	for _, n := range extents {
		if n > math.MaxInt/16/size {
			panic(fmt.Sprintf("f32: geometry with too many elements: %d", extents))
		}
		size *= n
	}
}

func (c *Conv) inSize() int      { return c.g.Batch * c.g.InH * c.g.InW * c.g.InC }
func (c *Conv) outSize() int     { return c.g.Batch * c.g.OutH * c.g.OutW * c.g.OutC }
func (c *Conv) weightsSize() int { return c.g.OutC * c.depth }

// mustContain panics unless a slice holds n numbers.
func mustContain(name string, x []float32, n int) {
	if len(x) < n {
		panic(fmt.Sprintf("f32: %s has %d elements but the geometry needs %d", name, len(x), n))
	}
}

// depthwise reports whether every channel is a convolution of its own.
func (c *Conv) depthwise() bool { return c.g.Groups == c.g.InC && c.g.OutC == c.g.InC }

// pointwise reports whether the convolution is a matrix product of the pixels.
func (c *Conv) pointwise() bool {
	g := &c.g
	return c.taps == 1 && g.StrideH == 1 && g.StrideW == 1 && g.PadTop == 0 && g.PadLeft == 0 &&
		g.InH == g.OutH && g.InW == g.OutW
}

// release forgets the arguments of a call, so that they can be collected.
func (c *Conv) release() {
	c.p, c.x, c.y, c.w, c.e = nil, nil, nil, nil, Epilogue{}
}
