package nn

import (
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"github.com/bristle-fl/bristled/internal/kernel/q8"
)

// imageOp rounds images that come as planes to bytes of pixels.
type imageOp struct {
	affine                  q8.Affine
	batch, channels, pixels int
	s                       *step
	p                       *pool.Pool
	forth                   func(task, worker int)
}

// imageChunk is how many pixels are rounded at a time.
const imageChunk = 1 << 10

func newImageOp(batch, channels, pixels int, a q8.Affine) *imageOp {
	o := &imageOp{affine: a, batch: batch, channels: channels, pixels: pixels}
	o.forth = o.chunk
	return o
}

func (o *imageOp) perImage() int { return (o.pixels + imageChunk - 1) / imageChunk }

func (o *imageOp) forward(s *step, p *pool.Pool) {
	o.s, o.p = s, p
	p.Run(o.batch*o.perImage(), o.forth)
}

func (o *imageOp) chunk(task, worker int) {
	n, lo := task/o.perImage(), task%o.perImage()*imageChunk
	hi := min(lo+imageChunk, o.pixels)
	stride := q8.Stride(o.channels)
	to := o.s.by[(n*o.pixels+lo)*stride:][:(hi-lo)*stride]
	plane := o.p.Bytes(worker, imageChunk)[:hi-lo]
	for c := range o.channels {
		q8.Quantize(plane, o.s.x[0][(n*o.channels+c)*o.pixels+lo:][:hi-lo], 1/o.affine.Scale, o.affine.Zero)
		for i, q := range plane {
			to[i*stride+c] = q
		}
	}
}
