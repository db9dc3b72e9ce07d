package dicom

import (
	"encoding/binary"
	"image"
	"math"
)

// gray returns a picture of one sample per pixel.
func (d *dataset) gray(f format) (*image.Gray16, error) {
	t, err := d.tones(f)
	if err != nil {
		return nil, err
	}
	var b []byte
	stride := f.columns * f.allocated / 8
	if d.syntax.packing == jpegBaseline {
		img, err := d.jpeg(f)
		if err != nil {
			return nil, err
		}
		grey, ok := img.(*image.Gray)
		if !ok {
			return nil, malformed("the JPEG stream is not in %s", f.photometric)
		}
		b, stride = grey.Pix, grey.Stride
	} else if b, _, err = d.samples(f); err != nil {
		return nil, err
	}
	table := t.table(func() []bool { return f.seen(b, stride) })
	out := image.NewGray16(image.Rect(0, 0, f.columns, f.rows))
	mask := len(table) - 1
	for y := range f.rows {
		to := out.Pix[y*out.Stride:][:2*f.columns]
		from := b[y*stride:]
		if f.allocated == 8 {
			from = from[:f.columns]
			for x, v := range from {
				binary.BigEndian.PutUint16(to[2*x:], table[int(v)>>f.shift&mask])
			}
			continue
		}
		from = from[:2*f.columns]
		for x := 0; x < len(from); x += 2 {
			v := binary.LittleEndian.Uint16(from[x:])
			binary.BigEndian.PutUint16(to[x:], table[int(v)>>f.shift&mask])
		}
	}
	return out, nil
}

// seen says of each pattern of stored bits whether the picture has it.
func (f format) seen(b []byte, stride int) []bool {
	seen := make([]bool, 1<<f.stored)
	mask := len(seen) - 1
	for y := range f.rows {
		from := b[y*stride:]
		if f.allocated == 8 {
			for _, v := range from[:f.columns] {
				seen[int(v)>>f.shift&mask] = true
			}
			continue
		}
		from = from[:2*f.columns]
		for x := 0; x < len(from); x += 2 {
			seen[int(binary.LittleEndian.Uint16(from[x:]))>>f.shift&mask] = true
		}
	}
	return seen
}

// tones says how stored values become grey.
type tones struct {
	bits     int
	signed   bool
	inverted bool
	padding  [2]int                // the least and the largest value that is no part of the picture
	modality func(v int) float64   // of a stored value
	voi      func(float64) float64 // of that, 0 black to 1 white; nil: the range of the picture
}

// tones reads how stored values become grey.
func (d *dataset) tones(f format) (tones, error) {
	t := tones{bits: f.stored, signed: f.signed, inverted: f.photometric == "MONOCHROME1"}
	var err error
	if t.padding, err = d.padding(f.signed); err != nil {
		return t, err
	}
	if t.modality, err = d.modality(f.signed); err != nil {
		return t, err
	}
	t.voi, err = d.voi(f.signed)
	return t, err
}

// value returns the stored value of a pattern of bits.
func (t tones) value(pattern int) int {
	if t.signed && pattern>>(t.bits-1) == 1 {
		return pattern - 1<<t.bits
	}
	return pattern
}

// isPadding says whether a stored value is no part of the picture.
func (t tones) isPadding(v int) bool { return t.padding[0] <= v && v <= t.padding[1] }

// table returns the grey of each pattern of stored bits.
func (t tones) table(seen func() []bool) []uint16 {
	voi := t.voi
	if voi == nil {
		lo, hi := math.Inf(1), math.Inf(-1)
		for pattern, there := range seen() {
			if v := t.value(pattern); there && !t.isPadding(v) {
				x := t.modality(v)
				lo, hi = min(lo, x), max(hi, x)
			}
		}
		voi = func(x float64) float64 {
			if x <= lo {
				return 0
			}
			return (x - lo) / (hi - lo)
		}
	}
	table := make([]uint16, 1<<t.bits)
	for pattern := range table {
		v := t.value(pattern)
		if t.isPadding(v) {
			continue
		}
		y := min(max(voi(t.modality(v)), 0), 1)
		// The conversions forbid fused multiply-add, which has other bits.
		g := uint16(float64(y*math.MaxUint16) + .5)
		if t.inverted {
			g = math.MaxUint16 - g
		}
		table[pattern] = g
	}
	return table
}

// padding returns the least and the largest of the values that are no part of
// the picture; if all are, the first is above the second.
func (d *dataset) padding(signed bool) (bounds [2]int, err error) {
	if len(d.elements[tagPadding].value) == 0 {
		return [2]int{1, 0}, nil
	}
	for i, t := range []tag{tagPadding, tagPaddingLimit} {
		if i == 1 && len(d.elements[t].value) == 0 {
			return [2]int{bounds[0], bounds[0]}, nil
		}
		if bounds[i], err = d.word(t, "PixelPaddingValue or its RangeLimit"); err != nil {
			return bounds, err
		}
		if signed {
			bounds[i] = int(int16(bounds[i]))
		}
	}
	return [2]int{min(bounds[0], bounds[1]), max(bounds[0], bounds[1])}, nil
}

// modality returns the function from stored to real values (PS3.3, C.11.1).
func (d *dataset) modality(signed bool) (func(v int) float64, error) {
	l, ok, err := d.lut(tagModalityLUT, signed)
	if err != nil {
		return nil, err
	}
	if ok {
		return func(v int) float64 { return float64(l.at(v)) }, nil
	}
	slope, given, err := d.decimal(tagRescaleSlope, "RescaleSlope")
	if err != nil {
		return nil, err
	}
	if !given {
		slope = 1
	}
	if slope == 0 {
		return nil, malformed("RescaleSlope %s is 0", tagRescaleSlope)
	}
	intercept, _, err := d.decimal(tagRescaleIntercept, "RescaleIntercept")
	if err != nil {
		return nil, err
	}
	return func(v int) float64 { return float64(slope*float64(v)) + intercept }, nil
}

// voi returns the function from real values to grey, 0 to 1, or nil if the
// file has none (PS3.3, C.11.2).
func (d *dataset) voi(signed bool) (func(float64) float64, error) {
	center, hasCenter, err := d.decimal(tagWindowCenter, "WindowCenter")
	if err != nil {
		return nil, err
	}
	width, hasWidth, err := d.decimal(tagWindowWidth, "WindowWidth")
	if err != nil {
		return nil, err
	}
	if hasCenter && hasWidth {
		return d.window(center, width)
	}
	l, ok, err := d.lut(tagVOILUT, signed)
	if err != nil || !ok {
		return nil, err
	}
	white := float64(int(1)<<l.bits - 1)
	return func(x float64) float64 {
		return float64(l.at(int(math.Round(min(max(x, math.MinInt32), math.MaxInt32))))) / white
	}, nil
}

// window returns the function of a window (PS3.3, C.11.2.1.2 and C.11.2.1.3).
func (d *dataset) window(center, width float64) (func(float64) float64, error) {
	function := d.first(tagVOIFunction)
	if width <= 0 || width < 1 && (function == "LINEAR" || function == "") {
		return nil, malformed("WindowWidth %s is less than its function allows", tagWindowWidth)
	}
	switch function {
	case "LINEAR", "":
		center, width = center-.5, width-1
	case "LINEAR_EXACT":
	case "SIGMOID":
		return func(x float64) float64 { return 1 / (1 + math.Exp(-4*(x-center)/width)) }, nil
	default:
		return nil, malformed("the VOI LUT function %s is none of LINEAR, LINEAR_EXACT and SIGMOID", tagVOIFunction)
	}
	return func(x float64) float64 {
		switch {
		case x <= center-width/2:
			return 0
		case x > center+width/2:
			return 1
		}
		return (x-center)/width + .5
	}, nil
}
