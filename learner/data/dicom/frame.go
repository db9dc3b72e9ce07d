package dicom

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/jpeg"
	"io"
)

// samples returns the samples of a picture that is no JPEG: all of a pixel
// next to each other or, if planar, in planes; those of 16 bits little-endian.
func (d *dataset) samples(f format) (b []byte, planar bool, err error) {
	if d.syntax.packing == rle {
		frame, err := d.frame()
		if err != nil {
			return nil, false, err
		}
		b, err = unpackRLE(frame, f)
		return b, true, err
	}
	if d.pixels.undefined {
		return nil, false, malformed("the pixel data have no length, which they need in the transfer syntax %s", d.uid)
	}
	b = d.pixels.value
	want := f.bytes()
	if len(b) < want {
		return nil, false, &TruncatedError{"the pixel data", int64(want), int64(want - len(b))}
	}
	// Samples of 8 bits may stand in words of 16, two in each (PS3.5, 8.1.1).
	if d.pixels.big && (f.allocated == 16 || d.pixels.vr == "OW") {
		b = swapped(b)
	}
	return b[:want], f.planar, nil
}

// frame returns the one fragment of encapsulated pixel data.
func (d *dataset) frame() ([]byte, error) {
	if len(d.fragments) != 1 {
		return nil, malformed("the frame is in %d fragments, not 1", len(d.fragments))
	}
	return d.fragments[0], nil
}

// The frame of RLE Lossless begins with the number of its segments and where
// they begin, of which there are up to 15 (PS3.5, G.5).
const (
	rleHead     = 64
	rleSegments = 15
)

// unpackRLE returns the samples of a frame of RLE Lossless (PS3.5, annex G).
// Each byte of a sample has a segment of its own, that of most weight first.
func unpackRLE(frame []byte, f format) ([]byte, error) {
	if len(frame) < rleHead {
		return nil, &TruncatedError{"the head of the RLE frame", rleHead, int64(rleHead - len(frame))}
	}
	count := f.samples * f.allocated / 8
	if n := binary.LittleEndian.Uint32(frame); n != uint32(count) {
		return nil, malformed("%d RLE segments for %d bytes per pixel", n, count)
	}
	var segments [rleSegments][]byte
	end := uint32(len(frame))
	for i := count - 1; i >= 0; i-- {
		begin := binary.LittleEndian.Uint32(frame[4+4*i:])
		if begin < rleHead || begin > end {
			return nil, malformed("the RLE segment %d is outside its frame", i+1)
		}
		segments[i], end = frame[begin:end], begin
	}
	pixels := f.pixels()
	for _, s := range segments[:count] {
		if n := packedSize(s, pixels); n < pixels {
			return nil, &TruncatedError{"the pixel data", int64(pixels), int64(pixels - n)}
		}
	}
	out := make([]byte, f.bytes())
	for i, s := range segments[:count] {
		if f.allocated == 16 {
			unpackBits(out[1-i:], 2, pixels, s)
		} else {
			unpackBits(out[i*pixels:], 1, pixels, s)
		}
	}
	return out, nil
}

// packedSize returns how many bytes a segment unpacks to, or most if there are
// more (PS3.5, G.3.2).
func packedSize(s []byte, most int) int {
	n := 0
	for len(s) >= 2 && n < most {
		switch c := int(s[0]); {
		case c < 128:
			part := min(c+1, len(s)-1)
			n += part
			s = s[1+part:]
		case c > 128:
			n += 257 - c
			s = s[2:]
		default:
			s = s[1:]
		}
	}
	return min(n, most)
}

// unpackBits unpacks n bytes of a segment that has them into every step-th
// byte of out.
func unpackBits(out []byte, step, n int, s []byte) {
	at, end := 0, n*step
	for at < end {
		c := int(s[0])
		switch {
		case c < 128:
			part := s[1:min(c+2, len(s))]
			s = s[1+len(part):]
			for _, v := range part[:min(len(part), (end-at)/step)] {
				out[at] = v
				at += step
			}
		case c > 128:
			v := s[1]
			s = s[2:]
			for range min(257-c, (end-at)/step) {
				out[at] = v
				at += step
			}
		default:
			s = s[1:]
		}
	}
}

// pixelsPerByte is the most that a byte of a baseline JPEG stream can tell: a
// block of 64 pixels takes a bit for its mean and a bit for its end.
const pixelsPerByte = 64 * 8 / 2

// jpeg decodes a frame of JPEG Baseline, whose fragments follow each other.
func (d *dataset) jpeg(f format) (image.Image, error) {
	if f.stored != 8 || f.allocated != 8 {
		return nil, malformed("%d of %d bits in a baseline JPEG stream, which has 8", f.stored, f.allocated)
	}
	size := 0
	for _, part := range d.fragments {
		size += len(part)
	}
	if size < f.pixels()/pixelsPerByte {
		return nil, malformed("a JPEG stream of %d bytes cannot hold %dx%d pixels", size, f.columns, f.rows)
	}
	stream := func() io.Reader {
		parts := make([]io.Reader, len(d.fragments))
		for i, part := range d.fragments {
			parts[i] = bytes.NewReader(part)
		}
		return io.MultiReader(parts...)
	}
	config, err := jpeg.DecodeConfig(stream())
	if err != nil {
		return nil, malformed("the JPEG stream: %v", err)
	}
	if config.Width != f.columns || config.Height != f.rows {
		return nil, malformed("the JPEG stream has %dx%d pixels, the header %dx%d", config.Width, config.Height, f.columns, f.rows)
	}
	img, err := jpeg.Decode(stream())
	if err != nil {
		return nil, malformed("the JPEG stream: %v", err)
	}
	return img, nil
}
