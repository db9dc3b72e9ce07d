package cohort

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
)

// encodePNG returns an image's pixels and nothing else: grey of 8 or 16 bits
// where the image has that, else red, green and blue of 8 bits on white.
//
// The pixels are not compressed. A sample is named by the hash of these bytes,
// so the same image must give the same bytes with every version of this
// program, and the compressor of the standard library may change.
func encodePNG(img image.Image) ([]byte, error) {
	switch img.(type) {
	case *image.Gray, *image.Gray16:
	default:
		flat := image.NewRGBA(image.Rectangle{Max: img.Bounds().Size()})
		draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Rect, img, img.Bounds().Min, draw.Over)
		img = flat
	}
	var b bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.NoCompression}
	err := encoder.Encode(&b, img)
	return b.Bytes(), err
}
