package cohort

import (
	"bytes"
	"encoding/binary"
	"hash/adler32"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// A sample's name must be the same with every version of this program: its
// bytes are put together by hand here, without a compressor that may change.
func TestEncodeNeverChanges(t *testing.T) {
	img := scan(1, 4, 3)
	var rows []byte
	for y := range 3 {
		rows = append(append(rows, 0), img.Pix[4*y:4*y+4]...) // filter 0
	}
	want := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		want = binary.BigEndian.AppendUint32(want, uint32(len(body)))
		body = append([]byte(kind), body...)
		want = binary.BigEndian.AppendUint32(append(want, body...), crc32.ChecksumIEEE(body))
	}
	chunk("IHDR", []byte{0, 0, 0, 4, 0, 0, 0, 3, 8, 0, 0, 0, 0})
	// zlib's header, one stored block with its length and the complement of
	// that, an empty last block, the sum.
	stored := append([]byte{0x78, 1, 0, 15, 0, 0xf0, 0xff}, rows...)
	stored = append(stored, 1, 0, 0, 0xff, 0xff)
	chunk("IDAT", binary.BigEndian.AppendUint32(stored, adler32.Checksum(rows)))
	chunk("IEND", nil)
	got, err := encodePNG(img)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%x, want %x", got, want)
	}
}

func TestEncodeOnWhite(t *testing.T) {
	clear := image.NewNRGBA(image.Rect(5, 5, 8, 7)) // not at 0, 0
	clear.SetNRGBA(6, 5, color.NRGBA{0, 0, 255, 128})
	b, err := encodePNG(clear)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	for x, want := range []color.NRGBA{{255, 255, 255, 255}, {127, 127, 255, 255}, {255, 255, 255, 255}} {
		if got := color.NRGBAModel.Convert(img.At(x, 0)); got != want {
			t.Errorf("pixel %d is %v, want %v", x, got, want)
		}
	}
	if img.Bounds() != image.Rect(0, 0, 3, 2) {
		t.Errorf("bounds %v", img.Bounds())
	}
}
