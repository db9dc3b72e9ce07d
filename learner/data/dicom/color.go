package dicom

import (
	"image"
	"image/color"
	"image/draw"
)

// color returns a picture of three samples per pixel.
func (d *dataset) color(f format) (*image.RGBA, error) {
	out := image.Rect(0, 0, f.columns, f.rows)
	if d.syntax.packing == jpegBaseline {
		img, err := d.jpeg(f)
		if err != nil {
			return nil, err
		}
		// The stream tells whether its components are red, green and blue.
		_, ybr := img.(*image.YCbCr)
		_, rgb := img.(*image.RGBA)
		if f.photometric == "RGB" && !rgb || f.photometric != "RGB" && !ybr {
			return nil, malformed("the JPEG stream is not in %s", f.photometric)
		}
		converted := image.NewRGBA(out)
		draw.Draw(converted, out, img, image.Point{}, draw.Src)
		return converted, nil
	}
	if f.photometric == "YBR_FULL_422" {
		return nil, &UnsupportedError{"YBR_FULL_422 that is not JPEG", "", "convert it to RGB with another tool"}
	}
	b, planar, err := d.samples(f)
	if err != nil {
		return nil, err
	}
	// The three samples of pixel i are at i*step, plane bytes apart.
	step, plane := 3, 1
	if planar {
		step, plane = 1, f.pixels()
	}
	converted := image.NewRGBA(out)
	for i := range f.pixels() {
		p := converted.Pix[4*i : 4*i+4 : 4*i+4]
		x, y, z := b[i*step], b[i*step+plane], b[i*step+2*plane]
		if f.photometric == "YBR_FULL" {
			x, y, z = color.YCbCrToRGB(x, y, z)
		}
		p[0], p[1], p[2], p[3] = x, y, z, 255
	}
	return converted, nil
}
