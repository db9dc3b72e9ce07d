package dicom

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"
)

func TestRefusals(t *testing.T) {
	good := func(change func(f *file)) []byte {
		f := grayFile(explicitLittle, 4, 4, 16, 12, 0, false, "MONOCHROME2", make([]int, 16))
		change(&f)
		return f.bytes()
	}
	set := func(kv ...any) []byte {
		return good(func(f *file) {
			for i := 0; i < len(kv); i += 2 {
				if kv[i+1] == nil {
					delete(f.elements, kv[i].(tag))
				} else {
					f.elements[kv[i].(tag)] = kv[i+1]
				}
			}
		})
	}
	nested := good(func(f *file) { f.pixels = nil })
	for range 100 {
		nested = appendElement(nested, coding{}, 0x0088_0200, "SQ", nil, true)
		nested = appendElement(nested, coding{}, tagItem, "", nil, true)
	}
	rgbInJPEG := colorFile(baseline, "RGB", 0, 24, 40, nil)
	rgbInJPEG.fragments = [][]byte{jpegStream(t, 40, 24, true)}
	greyAsColour := rgbInJPEG
	greyAsColour.fragments = [][]byte{jpegStream(t, 40, 24, false)}
	inJPEG := func(w, h int, fragments ...[]byte) []byte {
		return file{uid: baseline, elements: base(h, w, 8, 8, 7, false, "MONOCHROME2"), fragments: fragments}.bytes()
	}
	type kind int
	const (
		format kind = iota
		large
		truncated
		unsupported
	)
	for _, c := range []struct {
		name string
		file []byte
		kind kind
		says string
	}{
		{"nothing", nil, format, "no preamble"},
		{"text", []byte("a note about a patient, and quite a long one"), format, "no preamble"},
		{"preamble alone", append(make([]byte, 128), "DICM"...), format, "transfer syntax"},
		{"JPEG 2000", good(func(f *file) { f.uid = "1.2.840.10008.1.2.4.90" }), unsupported, "1.2.840.10008.1.2.4.90 (JPEG 2000 Lossless) cannot be read (convert it to Explicit VR Little Endian"},
		{"JPEG-LS", good(func(f *file) { f.uid = "1.2.840.10008.1.2.4.80" }), unsupported, "JPEG-LS"},
		{"JPEG lossless", good(func(f *file) { f.uid = "1.2.840.10008.1.2.4.70" }), unsupported, "JPEG Lossless"},
		{"private syntax", good(func(f *file) { f.uid = "1.2.3" }), unsupported, "1.2.3 (a private"},
		{"a syntax that is a name", good(func(f *file) { f.uid = patient }), format, "no UID"},
		{"no pixel data", good(func(f *file) { f.pixels = nil }), format, "no pixel data: the file ends behind the element (0028,0103)"},
		{"frames", set(tagFrames, "12"), unsupported, "12 frames"},
		{"no number of frames", set(tagFrames, "0"), format, "(0028,0008)"},
		{"enhanced", set(tagSharedGroups, []byte{}), unsupported, "functional groups"},
		{"palette", set(tagPhotometric, "PALETTE COLOR"), unsupported, "PALETTE COLOR"},
		{"unknown photometric", set(tagPhotometric, patient), format, "(0028,0004)"},
		{"no rows", set(tagRows, nil), format, "Rows (0028,0010) is missing"},
		{"no bytes in rows", set(tagRows, []byte{}), format, "Rows (0028,0010) is missing"},
		{"rows of 4 bytes", set(tagRows, []byte{1, 0, 0, 0}), format, "has 4 bytes, not 2"},
		{"0 columns", set(tagColumns, 0), format, "0x4"},
		{"65535 x 65535", set(tagRows, 65535, tagColumns, 65535), large, "64 megapixels"},
		{"three samples of grey", set(tagSamples, 3), format, "3 samples"},
		{"one bit", set(tagBitsAllocated, 1), unsupported, "1 x 1 bits"},
		{"32 bits", set(tagBitsAllocated, 32), unsupported, "1 x 32 bits"},
		{"no bits stored", set(tagBitsStored, 0), format, "0 bits"},
		{"17 bits stored", set(tagBitsStored, 17, tagHighBit, 16), format, "17 bits"},
		{"high bit too low", set(tagHighBit, 10), format, "12 bits up to bit 10"},
		{"high bit too high", set(tagHighBit, 16), format, "bit 16"},
		{"representation 2", set(tagRepresentation, 2), format, "representation 2"},
		{"no width", set(tagWindowCenter, "1", tagWindowWidth, "0"), format, "WindowWidth"},
		{"narrow width", set(tagWindowCenter, "1", tagWindowWidth, ".5"), format, "WindowWidth"},
		{"a width of text", set(tagWindowCenter, "1", tagWindowWidth, patient), format, "WindowWidth (0028,1051) is not a number"},
		{"infinite centre", set(tagWindowCenter, "inf", tagWindowWidth, "1"), format, "not a number"},
		{"hexadecimal centre", set(tagWindowCenter, "0x1p4", tagWindowWidth, "1"), format, "not a number"},
		{"huge centre", set(tagWindowCenter, "1e300", tagWindowWidth, "1"), format, "not a number"},
		{"unknown function", set(tagWindowCenter, "1", tagWindowWidth, "9", tagVOIFunction, patient), format, "(0028,1056)"},
		{"slope 0", set(tagRescaleSlope, "0"), format, "RescaleSlope"},
		{"intercept of text", set(tagRescaleIntercept, "x"), format, "RescaleIntercept"},
		{"padding of 4 bytes", set(tagPadding, []byte{1, 2, 3, 4}), format, "PixelPadding"},
		{"LUT without item", set(tagVOILUT, []byte{1, 2, 3, 4, 'U', 'S', 0, 0}), format, "(0028,3010)"},
		{"LUT cut off", set(tagVOILUT, lutItem(coding{}, []uint16{4, 0, 8}, make([]byte, 4), false)[:20]), format, "begin with an item"},
		{"LUT of other length", set(tagModalityLUT, lutItem(coding{}, []uint16{4, 0, 16}, make([]byte, 6), false)), format, "4 entries has 6 bytes"},
		{"LUT of 7 bits", set(tagModalityLUT, lutItem(coding{}, []uint16{4, 0, 7}, make([]byte, 4), false)), format, "7 bits"},
		{"LUT of 65536 promised", set(tagModalityLUT, lutItem(coding{}, []uint16{0, 0, 16}, make([]byte, 4), false)), format, "65536 entries has 4 bytes"},
		{"LUT without descriptor", set(tagModalityLUT, appendElement(nil, coding{}, tagItem, "", nil, false)), format, "descriptor"},
		{"pixel data short", good(func(f *file) { f.pixels = f.pixels[:22] }), truncated, "10 of 32 bytes of the pixel data are missing"},
		{"colour short", colorFile(explicitLittle, "RGB", 0, 2, 2, make([]byte, 5)).bytes(), truncated, "7 of 12 bytes"},
		{"colour of 16 bits", func() []byte {
			f := colorFile(explicitLittle, "RGB", 0, 2, 2, make([]byte, 24))
			f.elements[tagBitsAllocated] = 16
			return f.bytes()
		}(), unsupported, "3 x 16 bits"},
		{"colour of 7 bits", func() []byte {
			f := colorFile(explicitLittle, "RGB", 0, 2, 2, make([]byte, 12))
			f.elements[tagBitsStored], f.elements[tagHighBit] = 7, 6
			return f.bytes()
		}(), format, "colour of 7 bits"},
		{"planar 2", colorFile(explicitLittle, "RGB", 2, 2, 2, make([]byte, 12)).bytes(), format, "planar configuration 2"},
		{"YBR_FULL_422 that is not JPEG", colorFile(explicitLittle, "YBR_FULL_422", 0, 2, 2, make([]byte, 12)).bytes(), unsupported, "YBR_FULL_422"},
		{"RGB that is YBR in JPEG", rgbInJPEG.bytes(), format, "not in RGB"},
		{"colour that is grey in JPEG", greyAsColour.bytes(), format, "not in RGB"},
		{"grey that is colour in JPEG", inJPEG(40, 24, jpegStream(t, 40, 24, true)), format, "not in MONOCHROME2"},
		{"JPEG of another size", inJPEG(40, 25, jpegStream(t, 40, 24, false)), format, "40x24 pixels, the header 40x25"},
		{"JPEG cut off inside", inJPEG(40, 24, jpegStream(t, 40, 24, false)[:400]), format, "the JPEG stream"},
		{"no JPEG", inJPEG(40, 24, make([]byte, 100)), format, "the JPEG stream"},
		{"JPEG too short for its pixels", inJPEG(8000, 8000, make([]byte, 1000)), format, "cannot hold 8000x8000"},
		{"JPEG without fragments", inJPEG(4, 4, [][]byte{}...), format, "the JPEG stream: "},
		{"JPEG of 16 bits", file{uid: baseline, elements: base(24, 40, 16, 12, 11, false, "MONOCHROME2"), fragments: [][]byte{{}}}.bytes(), format, "12 of 16 bits"},
		{"RLE in two fragments", good(func(f *file) { f.uid, f.pixels, f.fragments = runLengths, nil, [][]byte{{1}, {2}} }), format, "2 fragments"},
		{"RLE without head", good(func(f *file) { f.uid, f.pixels, f.fragments = runLengths, nil, [][]byte{make([]byte, 60)} }), truncated, "4 of 64 bytes of the head"},
		{"RLE of one segment", good(func(f *file) {
			f.uid, f.pixels, f.fragments = runLengths, nil, [][]byte{rleFrame(make([]byte, 16))}
		}), format, "1 RLE segments"},
		{"RLE short", good(func(f *file) {
			f.uid, f.pixels, f.fragments = runLengths, nil, [][]byte{rleFrame(make([]byte, 16), make([]byte, 13))}
		}), truncated, "3 of 16 bytes"},
		{"RLE segment outside", good(func(f *file) {
			frame := rleFrame(make([]byte, 16), make([]byte, 16))
			frame[8] = 255
			f.uid, f.pixels, f.fragments = runLengths, nil, [][]byte{frame}
		}), format, "segment 2 is outside"},
		{"native without length", good(func(f *file) { f.pixels, f.fragments = nil, [][]byte{{1, 2}} }), format, "no length"},
		{"packed with length", good(func(f *file) { f.uid = runLengths }), format, "0 fragments"},
		{"a hundred levels", nested, format, "64 levels"},
		{"an element of 2 GiB", append(good(func(f *file) { f.pixels = nil }), 0x29, 0, 0x10, 0, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0x7f), truncated, "2147483647 of 2147483647 bytes of the element (0029,0010)"},
		{"half a head", append(good(func(f *file) { f.pixels = nil }), 0x29, 0, 0x10), truncated, "5 of 8 bytes"},
		{"no type", append(good(func(f *file) { f.pixels = nil }), 0x29, 0, 0x10, 0, 1, 2, 0, 0), format, "(0029,0010) has no type"},
		{"an end without a begin", append(good(func(f *file) { f.pixels = nil }), 0x88, 0, 0, 2, 'S', 'Q', 0, 0, 255, 255, 255, 255, 0xfe, 0xff, 0x0d, 0xe0, 0, 0, 0, 0), format, "not closed"},
		{"deflated, damaged", append(file{uid: deflated, elements: map[tag]any{}}.bytes()[:132+8+24], 0xff, 0xff), format, "deflated"},
	} {
		t.Run(c.name, func(t *testing.T) {
			img, err := Decode(c.file)
			if err == nil {
				t.Fatalf("there is a picture: %v", img)
			}
			shown(t, err.Error())
			var cut *TruncatedError
			var not *UnsupportedError
			ok := [...]bool{errors.Is(err, ErrFormat), errors.Is(err, ErrTooLarge), errors.As(err, &cut), errors.As(err, &not)}
			for k, is := range ok {
				if is != (kind(k) == c.kind) {
					t.Errorf("%v is of kind %v", err, ok)
				}
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q does not say %q", err, c.says)
			}
		})
	}
}

// No part of a file is a picture: what is cut off shows.
func TestTruncated(t *testing.T) {
	patterns := []int{0, 7, 7, 7, 7, 99, 3, 4095}
	files := map[string]file{"JPEG": {uid: baseline, elements: base(24, 40, 8, 8, 7, false, "MONOCHROME2"), fragments: [][]byte{jpegStream(t, 40, 24, false)}}}
	for _, uid := range []string{implicitLittle, explicitLittle, deflated, explicitBig, runLengths} {
		files[uid] = grayFile(uid, 2, 4, 16, 12, 0, false, "MONOCHROME2", patterns)
	}
	for name, f := range files {
		whole := f.bytes()
		for n := range len(whole) {
			img, err := Decode(whole[:n])
			if err == nil {
				// The deflated stream may lack its end mark and still be whole.
				if name == deflated && img.Gray.Gray16At(3, 1).Y == 65535 {
					continue
				}
				t.Fatalf("%s: the first %d of %d bytes are a picture", name, n, len(whole))
			}
			shown(t, err.Error())
			var cut *TruncatedError
			if errors.As(err, &cut) && (cut.Missing < 1 || cut.Missing > cut.Want) {
				t.Fatalf("%s: %v", name, err)
			}
			if missing := int64(len(whole) - n); (name == explicitLittle || name == implicitLittle) && missing <= 16 &&
				(!errors.As(err, &cut) || cut.Missing != missing || cut.Part != "the pixel data") {
				t.Fatalf("%s without its last %d bytes: %v", name, missing, err)
			}
		}
	}
}

// What a small file claims takes no memory.
func TestClaimsTakeNoMemory(t *testing.T) {
	huge := func(uid string, fragments ...[]byte) []byte {
		f := file{uid: uid, elements: base(8000, 8000, 16, 12, 11, false, "MONOCHROME2"), pixels: []byte{1, 2}}
		if fragments != nil {
			f.pixels, f.fragments = nil, fragments
		}
		return f.bytes()
	}
	jpegClaim := jpegStream(t, 16, 16, false)
	at := bytes.Index(jpegClaim, []byte{0xff, 0xc0})
	jpegClaim[at+5], jpegClaim[at+6], jpegClaim[at+7], jpegClaim[at+8] = 0x1f, 0x40, 0x1f, 0x40
	frames := huge(baseline, jpegClaim)
	claims := map[string][]byte{
		"native":  huge(explicitLittle),
		"RLE":     huge(runLengths, rleFrame(make([]byte, 200), make([]byte, 200))),
		"JPEG":    file{uid: baseline, elements: base(8000, 8000, 8, 8, 7, false, "MONOCHROME2"), fragments: [][]byte{jpegClaim}}.bytes(),
		"JPEG 16": frames,
		"element": append(huge(explicitLittle)[:300], 0x29, 0, 0x10, 0, 'O', 'B', 0, 0, 0xff, 0xff, 0xff, 0x7f),
	}
	for name, b := range claims {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(b)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; err == nil || took > 1<<20 {
			t.Errorf("%s: %d bytes of memory, %v", name, took, err)
		}
	}
}
