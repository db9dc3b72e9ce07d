package nn

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/q8"
)

// Quantized returns the scale and zero point of the output's bytes, and
// whether it has any: whether the graph ends in DequantizeLinear.
func (p *Program) Quantized() (a q8.Affine, ok bool) {
	if p.outBytes == nil {
		return q8.Affine{}, false
	}
	return p.outBytes.affine, true
}

// Bytes copies the output of the last pass, as bytes, to dst: row after row
// of its last axis, without padding. It panics if the output is not
// [Program.Quantized] or dst is too short.
func (p *Program) Bytes(dst []uint8) {
	v := p.outBytes
	columns := v.columns()
	if len(dst) < v.size() {
		panic(fmt.Sprintf("nn: room for %d bytes of an output of %d", len(dst), v.size()))
	}
	for r := range v.rows() {
		copy(dst[r*columns:(r+1)*columns], v.bytes[r*v.stride():])
	}
}

// PixelTables makes the input's bytes of pixels, channel by channel: what
// QuantizeLinear makes of (p/255 - mean)/std. It is false if the program does
// not begin with QuantizeLinear over images. mean and std have one element
// per channel, or one or none for all (0 and 1).
func (p *Program) PixelTables(mean, std []float32) ([]*[256]uint8, bool) {
	if p.entry == nil {
		return nil, false
	}
	channels := p.entry.dims[len(p.entry.dims)-1]
	at := func(x []float32, c int, absent float32) float32 {
		if len(x) == 0 {
			return absent
		}
		return x[min(c, len(x)-1)]
	}
	tables := make([]*[256]uint8, channels)
	for c := range tables {
		var x [256]float32
		for i := range x {
			x[i] = (float32(i)/255 - at(mean, c, 0)) / at(std, c, 1)
		}
		tables[c] = new([256]uint8)
		q8.Quantize(tables[c][:], x[:], 1/p.entry.affine.Scale, p.entry.affine.Zero)
	}
	return tables, true
}

// ForwardPixels is [Program.Forward] of images given as bytes: every image's
// channels as planes one after another, 0 to 255, through the tables of
// [Program.PixelTables].
func (p *Program) ForwardPixels(pixels []uint8, tables []*[256]uint8) []float32 {
	v := p.entry
	channels, stride := len(tables), v.stride()
	batch := v.dims[0]
	plane := v.size() / batch / channels
	if len(pixels) != batch*channels*plane {
		panic(fmt.Sprintf("nn: %d pixels for %d images of %d planes of %d", len(pixels), batch, channels, plane))
	}
	for n := range batch {
		to := v.bytes[n*plane*stride : (n+1)*plane*stride]
		for c, table := range tables {
			from := pixels[(n*channels+c)*plane:][:plane]
			for i, q := range from {
				to[i*stride+c] = table[q]
			}
		}
	}
	p.pool.Hold()
	defer p.pool.Release()
	for _, s := range p.steps[v.maker.index+1:] {
		s.op.forward(s, p.pool)
	}
	return p.output.data
}

// findEntry notes where pixels may enter: at the bytes that are made of the
// input and of nothing else.
func (p *Program) findEntry() {
	if len(p.steps) == 0 || p.input.uses != 1 {
		return
	}
	if s := p.steps[0]; s.kind == "QuantizeLinear" && s.in[0] == p.input && s.out.last {
		p.entry = s.out
	}
}
