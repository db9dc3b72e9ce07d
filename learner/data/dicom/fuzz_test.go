package dicom

import (
	"testing"

	"pgregory.net/rapid"
)

func FuzzDecode(f *testing.F) {
	for _, uid := range []string{implicitLittle, explicitLittle, deflated, explicitBig, runLengths} {
		small := grayFile(uid, 2, 3, 16, 12, 2, true, "MONOCHROME1", []int{0, 5, 5, 5, 9, 4095})
		small.elements[tagWindowCenter], small.elements[tagWindowWidth] = "3", "9"
		f.Add(small.bytes())
		c := syntaxes[uid].coding
		tables := grayFile(uid, 2, 3, 8, 8, 0, false, "MONOCHROME2", []int{0, 5, 5, 5, 9, 200})
		tables.elements[tagVOILUT] = lutItem(c, []uint16{4, 0, 10}, make([]byte, 8), false)
		tables.elements[tagModalityLUT] = lutItem(c, []uint16{4, 0, 8}, []byte{1, 2, 3, 4}, true)
		tables.elements[tagPadding] = 9
		f.Add(tables.bytes())
		tables.noPreamble, tables.noMeta = true, true
		f.Add(tables.bytes())
	}
	f.Add(colorFile(explicitLittle, "YBR_FULL", 1, 1, 2, []byte{1, 2, 3, 4, 5, 6}).bytes())
	f.Add(file{uid: baseline, elements: base(8, 8, 8, 8, 7, false, "MONOCHROME2"), fragments: [][]byte{jpegStream(f, 8, 8, false)}}.bytes())
	sequence := appendElement(nil, coding{}, 0x0088_0200, "SQ", nil, true)
	sequence = appendElement(sequence, coding{}, tagItem, "", nil, true)
	f.Add(append(file{uid: explicitLittle}.bytes(), sequence...))
	f.Fuzz(func(t *testing.T, b []byte) {
		img, err := Decode(b)
		if err != nil {
			if img != nil {
				t.Fatal("a picture and an error")
			}
			shown(t, err.Error())
			return
		}
		if (img.Gray == nil) == (img.Color == nil) {
			t.Fatal("neither grey nor colour, or both")
		}
		size := img.Picture().Bounds().Size()
		n := size.X * size.Y
		if n < 1 || n > maxPixels || img.Bits < 1 || img.Bits > 16 || photometrics[img.Photometric] == 0 {
			t.Fatalf("%v", img)
		}
		if img.Gray != nil && len(img.Gray.Pix) != 2*n || img.Color != nil && len(img.Color.Pix) != 4*n {
			t.Fatalf("%v has other pixels", img)
		}
	})
}

// Whatever segments hold, what the sizes say is what comes out.
func TestPackBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.ByteRange(0, 3), 1, 400).Draw(t, "plain")
		packed := packBits(plain)
		if n := packedSize(packed, len(plain)); n != len(plain) {
			t.Fatalf("%d bytes, want %d", n, len(plain))
		}
		if n := packedSize(packed, len(plain)+500); n != len(plain) {
			t.Fatalf("%d bytes, want %d", n, len(plain))
		}
		for _, step := range []int{1, 2} {
			out := make([]byte, len(plain)*step)
			unpackBits(out, step, len(plain), packed)
			for i, v := range plain {
				if out[i*step] != v {
					t.Fatalf("byte %d is %d, want %d", i, out[i*step], v)
				}
			}
		}
		// Bytes of any kind unpack to as many as their size says.
		wild := rapid.SliceOfN(rapid.Byte(), 2, 60).Draw(t, "wild")
		if n := packedSize(wild, 1<<20); n > 0 {
			unpackBits(make([]byte, n), 1, n, wild)
		}
	})
}
