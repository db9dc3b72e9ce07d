package federation

import (
	"encoding/binary"
	"fmt"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// smallestNormal is the smallest float32 with a full mantissa.
const smallestNormal = 0x1p-126

// scaleMask keeps the sign, the exponent and 17 significant bits of a
// float32. A scale of 17 bits times an integer of 7 is exact in the 24 bits
// of a float32, so decoding rounds nothing and quantising the decoded row
// again finds the same scale and the same integers: what a peer relays or
// replays has the same bytes.
const scaleMask = ^uint32(0x7f)

// int8Scale returns the scale of a row whose largest magnitude is top:
// top/127 cut to 17 significant bits, or 0 when that is below the smallest
// normal float32; such a row travels as zeros.
func int8Scale(top float32) float32 {
	scale := math.Float32frombits(math.Float32bits(top/127) & scaleMask)
	if scale < smallestNormal {
		return 0
	}
	return scale
}

// quantize returns round-half-even(w/scale). The division is made in
// float64, where 24 bits over 17 never fall on a tie that is not one.
func quantize(w, scale float32) int8 {
	q := int(math.RoundToEven(float64(w) / float64(scale)))
	return int8(max(-127, min(127, q)))
}

// appendRow appends the field of one row, whose weights are finite.
func appendRow(b []byte, format RowFormat, class int, w []float32) []byte {
	size := 0
	if class > 0 {
		size += 1 + protowire.SizeVarint(uint64(class))
	}
	if format == RowsFloat32 {
		size += 1 + protowire.SizeBytes(4*len(w))
		b = protowire.AppendVarint(append(b, tagRow), uint64(size))
		b = appendVarint(b, tagRowClass, uint64(class))
		b = protowire.AppendVarint(append(b, tagRowFloat32), uint64(4*len(w)))
		for _, v := range w {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	}

	top := uint32(0) // magnitudes of finite numbers are ordered as their bits
	for _, v := range w {
		top = max(top, math.Float32bits(v)&^(1<<31))
	}
	scale := int8Scale(math.Float32frombits(top))
	if scale > 0 {
		size += 1 + 4
	}
	size += 1 + protowire.SizeBytes(len(w))
	b = protowire.AppendVarint(append(b, tagRow), uint64(size))
	b = appendVarint(b, tagRowClass, uint64(class))
	if scale > 0 {
		b = protowire.AppendFixed32(append(b, tagRowScale), math.Float32bits(scale))
	}
	b = protowire.AppendVarint(append(b, tagRowInt8), uint64(len(w)))
	start := len(b)
	b = append(b, make([]byte, len(w))...)
	if scale > 0 {
		for i, v := range w {
			b[start+i] = byte(quantize(v, scale))
		}
	}
	return b
}

// weights reads the weights of a row and appends them to w.
func (r *reader) weights(m *Manifest, w []float32) ([]float32, error) {
	switch m.Wire.Rows {
	case RowsInt8:
		return r.int8Weights(m.Backbone.Features, w)
	case RowsFloat32:
		return r.float32Weights(m.Backbone.Features, w)
	}
	return nil, fmt.Errorf("%w: the manifest's row format %q is unknown", ErrMalformed, m.Wire.Rows)
}

func (r *reader) float32Weights(features int, w []float32) ([]float32, error) {
	b, err := r.bytes(tagRowFloat32, "weights")
	if err != nil {
		return nil, err
	}
	if len(b) != 4*features {
		return nil, fmt.Errorf("%w: %d bytes of weights for %d features", ErrShape, len(b), features)
	}
	start := len(w)
	for ; len(b) > 0; b = b[4:] {
		w = append(w, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return w, checkFinite(w[start:])
}

func (r *reader) int8Weights(features int, w []float32) ([]float32, error) {
	scale := float32(0)
	if r.next(tagRowScale) {
		bits, n := protowire.ConsumeFixed32(r.b)
		if n < 0 {
			return nil, fmt.Errorf("%w: scale: %w", ErrMalformed, protowire.ParseError(n))
		}
		r.b = r.b[n:]
		scale = math.Float32frombits(bits)
		switch {
		case math.IsNaN(float64(127*scale)) || math.IsInf(float64(127*scale), 0):
			return nil, fmt.Errorf("%w: scale %v", ErrNotFinite, scale)
		case scale < smallestNormal || bits&^scaleMask != 0:
			return nil, fmt.Errorf("%w: scale %v (%#x) is not a positive normal number of 17 bits", ErrMalformed, scale, bits)
		}
	}
	b, err := r.bytes(tagRowInt8, "int8 weights")
	if err != nil {
		return nil, err
	}
	if len(b) != features {
		return nil, fmt.Errorf("%w: %d int8 weights for %d features", ErrShape, len(b), features)
	}
	top := int8(0)
	for _, v := range b {
		q := int8(v)
		if q == -128 {
			return nil, fmt.Errorf("%w: an int8 weight of -128", ErrMalformed)
		}
		top = max(top, q, -q)
		w = append(w, float32(scale*float32(q)))
	}
	if (scale > 0 && top != 127) || (scale == 0 && top != 0) {
		return nil, fmt.Errorf("%w: int8 weights up to %d with scale %v", ErrMalformed, top, scale)
	}
	return w, nil
}

func checkFinite(w []float32) error {
	for i, v := range w {
		if v-v != 0 { // NaN or infinite
			return fmt.Errorf("%w: weight %d is %v", ErrNotFinite, i, v)
		}
	}
	return nil
}
