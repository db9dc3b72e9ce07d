package dicom

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// stored returns the value of a pattern of bits, by the definition of two's
// complement.
func stored(pattern, bits int, signed bool) float64 {
	v := 0.
	for i := range bits {
		weight := math.Pow(2, float64(i))
		if signed && i == bits-1 {
			weight = -weight
		}
		v += weight * float64(pattern>>i&1)
	}
	return v
}

// windowed are the formulas of PS3.3, C.11.2.1.2 and C.11.2.1.3, as they stand
// there, for an output of 0 to 65535.
func windowed(function string, x, c, w float64) float64 {
	const top = 65535
	switch function {
	case "LINEAR":
		if x <= c-0.5-(w-1)/2 {
			return 0
		}
		if x > c-0.5+(w-1)/2 {
			return top
		}
		return ((x-(c-0.5))/(w-1) + 0.5) * top
	case "LINEAR_EXACT":
		if x <= c-w/2 {
			return 0
		}
		if x > c+w/2 {
			return top
		}
		return ((x-c)/w + 0.5) * top
	}
	return top / (1 + math.Exp(-4*(x-c)/w))
}

func TestGray(t *testing.T) {
	type depth struct{ allocated, stored, shift int }
	type window struct {
		function string
		c, w     float64
		text     [2]string // of centre and width
	}
	const rows, columns = 9, 7
	rng := rand.New(rand.NewPCG(4, 5))
	count := 0
	for _, uid := range []string{implicitLittle, explicitLittle, deflated, explicitBig, runLengths} {
		for _, d := range []depth{{8, 8, 0}, {8, 5, 2}, {16, 16, 0}, {16, 12, 0}, {16, 12, 4}, {16, 10, 3}, {16, 1, 0}} {
			for _, signed := range []bool{false, true} {
				for _, photometric := range []string{"MONOCHROME1", "MONOCHROME2"} {
					for _, win := range []window{
						{},
						{"LINEAR", 40, 400, [2]string{`40\300`, `400\1500`}},
						{"LINEAR", -3.5, 1, [2]string{"-3.5", "1"}},
						{"LINEAR_EXACT", 1.5e1, 60, [2]string{"+1.5E1", " 60.0 "}},
						{"LINEAR_EXACT", 3, .25, [2]string{"3", ".25"}},
						{"SIGMOID", 10, 90, [2]string{"10", "90"}},
					} {
						patterns := make([]int, rows*columns)
						for i := range patterns {
							patterns[i] = rng.IntN(1 << d.stored)
						}
						f := grayFile(uid, rows, columns, d.allocated, d.stored, d.shift, signed, photometric, patterns)
						f.elements[tagRescaleSlope], f.elements[tagRescaleIntercept] = "-0.5", "12"
						if win.function != "" {
							f.elements[tagWindowCenter], f.elements[tagWindowWidth] = win.text[0], win.text[1]
							if win.function != "LINEAR" || rng.IntN(2) == 0 {
								f.elements[tagVOIFunction] = win.function
							}
						}
						img, err := Decode(f.bytes())
						if err != nil {
							t.Fatalf("%s %v %v: %v", uid, d, win, err)
						}
						real := make([]float64, len(patterns))
						for i, p := range patterns {
							real[i] = -.5*stored(p, d.stored, signed) + 12
						}
						lo, hi := slices.Min(real), slices.Max(real)
						for i, x := range real {
							want := 65535 * (x - lo) / max(hi-lo, 1e-9)
							if win.function != "" {
								want = windowed(win.function, x, win.c, win.w)
							}
							if photometric == "MONOCHROME1" {
								want = 65535 - want
							}
							if got := float64(img.Gray.Gray16At(i%columns, i/columns).Y); math.Abs(got-want) > .501 {
								t.Fatalf("%s %v signed %v %s %v: pixel %d of %g is %g, want %g", uid, d, signed, photometric, win, i, x, got, want)
							}
						}
						if img.Patient != "ID-7" || img.Modality != "CR" || img.Bits != d.stored || img.TransferSyntax != uid ||
							img.Photometric != photometric || img.Color != nil || img.Picture() != img.Gray {
							t.Fatalf("%+v", img)
						}
						count++
					}
				}
			}
		}
	}
	if count != 5*7*2*2*6 {
		t.Errorf("%d cases", count)
	}
}

// Without a window, padding has no part in the range, and it is black, also in
// MONOCHROME1.
func TestPadding(t *testing.T) {
	for _, c := range []struct {
		name         string
		signed       bool
		value, limit any
		patterns     []int // of 12 bits
		want         []uint16
	}{
		{"none", false, nil, nil, []int{0, 100, 200, 4000}, []uint16{0, 1638, 3277, 65535}},
		{"one value", false, 4000, nil, []int{0, 100, 200, 4000}, []uint16{0, 32768, 65535, 0}},
		{"a range", false, 0, 100, []int{0, 100, 200, 400}, []uint16{0, 0, 0, 65535}},
		{"a range downwards", false, 100, 0, []int{0, 100, 200, 400}, []uint16{0, 0, 0, 65535}},
		{"signed", true, 65536 - 2000, nil, []int{4096 - 2000, 4096 - 10, 0, 10}, []uint16{0, 0, 32768, 65535}},
		{"all of it", false, 5, nil, []int{5, 5, 5, 5}, []uint16{0, 0, 0, 0}},
		{"one shade", false, nil, nil, []int{7, 7, 7, 7}, []uint16{0, 0, 0, 0}},
	} {
		for _, photometric := range []string{"MONOCHROME1", "MONOCHROME2"} {
			f := grayFile(explicitLittle, 1, 4, 16, 12, 0, c.signed, photometric, c.patterns)
			if c.value != nil {
				f.elements[tagPadding] = c.value
			}
			if c.limit != nil {
				f.elements[tagPaddingLimit] = c.limit
			}
			img, err := Decode(f.bytes())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for i, want := range c.want {
				v := int(stored(c.patterns[i], 12, c.signed))
				isPadding := c.value != nil && (v == int(int16(c.value.(int))) || c.limit != nil && min(c.value.(int), c.limit.(int)) <= v && v <= max(c.value.(int), c.limit.(int)))
				if photometric == "MONOCHROME1" && !isPadding {
					want = 65535 - want
				}
				if got := img.Gray.Gray16At(i, 0).Y; got != want {
					t.Errorf("%s, %s: pixel %d is %d, want %d", c.name, photometric, i, got, want)
				}
			}
		}
	}
}

// lutItem is the content of a sequence with one LUT.
func lutItem(c coding, descriptor []uint16, data []byte, undefined bool) []byte {
	item := appendElement(nil, c, tagLUTDescriptor, "US", valueBytes(c, descriptor), false)
	item = appendElement(item, c, tagLUTData, "OW", data, false)
	if undefined {
		item = append(item, appendElement(nil, c, tagItemEnd, "", nil, false)...)
	}
	return appendElement(nil, c, tagItem, "", item, undefined)
}

func TestLUT(t *testing.T) {
	for _, uid := range []string{implicitLittle, explicitLittle, explicitBig} {
		c := syntaxes[uid].coding
		words := valueBytes(c, []uint16{1000, 500, 250, 0})
		eight := []byte{0, 10, 20, 255}
		if c.big {
			eight = swapped(eight)
		}
		for _, undefined := range []bool{false, true} {
			voi := lutItem(c, []uint16{4, 2, 10}, words, undefined)
			modality := lutItem(c, []uint16{4, 1, 8}, eight, undefined)
			for _, k := range []struct {
				name      string
				add       map[tag]any
				want      []uint16 // of the stored values 0 to 5
				tolerance uint16
			}{
				// Entry 0 is for 2: 1000, 500, 250 and 0 of 1023.
				{"VOI", map[tag]any{tagVOILUT: voi}, []uint16{64062, 64062, 64062, 32031, 16015, 0}, 1},
				// Values become 0, 0, 10, 20, 255, 255.
				{"modality", map[tag]any{tagModalityLUT: modality}, []uint16{0, 0, 2570, 5140, 65535, 65535}, 0},
				{"modality before rescale", map[tag]any{tagModalityLUT: modality, tagRescaleSlope: "9"}, []uint16{0, 0, 2570, 5140, 65535, 65535}, 0},
				{"a window before VOI", map[tag]any{tagVOILUT: voi, tagWindowCenter: "3", tagWindowWidth: "2", tagVOIFunction: "LINEAR_EXACT"}, []uint16{0, 0, 0, 32768, 65535, 65535}, 0},
				{"rescale, then VOI", map[tag]any{tagVOILUT: voi, tagRescaleSlope: "2", tagRescaleIntercept: "0.4"}, []uint16{64062, 64062, 16015, 0, 0, 0}, 1},
				{"an empty sequence", map[tag]any{tagVOILUT: []byte{}}, []uint16{0, 13107, 26214, 39321, 52428, 65535}, 0},
			} {
				f := grayFile(uid, 1, 6, 16, 12, 0, false, "MONOCHROME2", []int{0, 1, 2, 3, 4, 5})
				for t, v := range k.add {
					f.elements[t] = v
				}
				img, err := Decode(f.bytes())
				if err != nil {
					t.Errorf("%s %s: %v", uid, k.name, err)
					continue
				}
				for i, want := range k.want {
					if got := img.Gray.Gray16At(i, 0).Y; max(got, want)-min(got, want) > k.tolerance {
						t.Errorf("%s %s: value %d becomes %d, want %d", uid, k.name, i, got, want)
					}
				}
			}
		}
	}
}

func colorFile(uid, photometric string, planar, rows, columns int, pixels []byte) file {
	f := file{uid: uid, elements: base(rows, columns, 8, 8, 7, false, photometric), pixels: pixels, pixelVR: "OB"}
	f.elements[tagSamples], f.elements[tagPlanar] = 3, planar
	return f
}

func TestColor(t *testing.T) {
	rgb := []byte{255, 0, 0, 0, 255, 0, 10, 20, 30, 200, 200, 200}
	planes := []byte{255, 0, 10, 200, 0, 255, 20, 200, 0, 0, 30, 200}
	ybr := []byte{76, 85, 255, 150, 44, 21, 18, 135, 122, 200, 128, 128}
	packed := colorFile(runLengths, "RGB", 0, 2, 2, nil)
	packed.fragments = [][]byte{rleFrame(planes[:4], planes[4:8], planes[8:])}
	words := colorFile(explicitBig, "RGB", 1, 2, 2, swapped(planes))
	words.pixelVR = "OW"
	for name, c := range map[string]struct {
		f         file
		tolerance int
	}{
		"interleaved": {colorFile(explicitLittle, "RGB", 0, 2, 2, rgb), 0},
		"planes":      {colorFile(implicitLittle, "RGB", 1, 2, 2, planes), 0},
		"big endian":  {colorFile(explicitBig, "RGB", 0, 2, 2, rgb), 0},
		"big words":   {words, 0},
		"RLE":         {packed, 0},
		"YBR_FULL":    {colorFile(explicitLittle, "YBR_FULL", 0, 2, 2, ybr), 2},
	} {
		img, err := Decode(c.f.bytes())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if img.Gray != nil || img.Picture() != img.Color {
			t.Errorf("%s: %v", name, img)
		}
		for i := range 4 {
			for k := range 3 {
				got, want := int(img.Color.Pix[4*i+k]), int(rgb[3*i+k])
				if max(got-want, want-got) > c.tolerance || img.Color.Pix[4*i+3] != 255 {
					t.Errorf("%s: pixel %d is %v, want %v", name, i, img.Color.Pix[4*i:4*i+4], rgb[3*i:3*i+3])
				}
			}
		}
	}
}

func TestJPEG(t *testing.T) {
	grey := jpegStream(t, 40, 24, false)
	whole := file{uid: baseline, elements: base(24, 40, 8, 8, 7, false, "MONOCHROME2"), fragments: [][]byte{grey}}
	parts := whole
	parts.fragments = [][]byte{grey[:100], grey[100:102], grey[102:]}
	reference, err := jpeg.Decode(bytes.NewReader(grey))
	if err != nil {
		t.Fatal(err)
	}
	lo, hi := math.Inf(1), 0.
	at := func(i int) float64 {
		v, _, _, _ := reference.At(i%40, i/40).RGBA()
		return float64(v / 257)
	}
	for i := range 24 * 40 {
		lo, hi = min(lo, at(i)), max(hi, at(i))
	}
	for _, f := range []file{whole, parts} {
		img, err := Decode(f.bytes())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 24 * 40 {
			if got, want := float64(img.Gray.Gray16At(i%40, i/40).Y), 65535*(at(i)-lo)/(hi-lo); math.Abs(got-want) > .501 {
				t.Fatalf("pixel %d is %g, want %g", i, got, want)
			}
		}
	}
	colour := colorFile(baseline, "YBR_FULL_422", 0, 24, 40, nil)
	colour.fragments = [][]byte{jpegStream(t, 40, 24, true)}
	img, err := Decode(colour.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if c := img.Color.RGBAAt(20, 12); math.Abs(float64(c.R)-127) > 6 || math.Abs(float64(c.G)-127) > 6 || math.Abs(float64(c.B)-90) > 6 || c.A != 255 {
		t.Errorf("the middle is %v", c)
	}
}

// Files without preamble, or without anything before the data set, are read if
// they begin as one.
func TestNoPreamble(t *testing.T) {
	patterns := []int{0, 1, 2, 3}
	for _, c := range []struct {
		uid    string
		noMeta bool
	}{{explicitLittle, false}, {implicitLittle, false}, {explicitBig, false}, {explicitLittle, true}, {implicitLittle, true}} {
		f := grayFile(c.uid, 2, 2, 16, 12, 0, false, "MONOCHROME2", patterns)
		f.noPreamble, f.noMeta = true, c.noMeta
		img, err := Decode(f.bytes())
		if err != nil || img.TransferSyntax != c.uid || img.Gray.Gray16At(1, 1).Y != 65535 {
			t.Errorf("%v: %v, %v", c, img, err)
		}
		if IsFile(f.bytes()) {
			t.Error("a file without preamble is said to begin as DICOM does")
		}
	}
}

// What nested and private elements hold does not count, whether their length is
// known or not.
func TestNested(t *testing.T) {
	for _, uid := range []string{implicitLittle, explicitLittle, explicitBig} {
		c := syntaxes[uid].coding
		icon := appendElement(nil, c, tagRows, "US", valueBytes(c, 5000), false)
		icon = appendElement(icon, c, tagPixelData, "OW", []byte{1, 2}, false)
		deep := appendElement(icon, c, 0x0008_1140, "SQ", appendElement(appendElement(nil, c, tagItem, "", nil, true), c, tagItemEnd, "", nil, false), true)
		deep = appendElement(deep, c, tagSequenceEnd, "", nil, false)
		open := appendElement(nil, c, tagItem, "", append(deep, appendElement(nil, c, tagItemEnd, "", nil, false)...), true)
		open = append(open, appendElement(nil, c, tagItem, "", icon, false)...)
		open = append(open, appendElement(nil, c, tagSequenceEnd, "", nil, false)...)
		// An element of unknown type is implicit and little-endian inside.
		little := coding{implicit: true}
		unknown := appendElement(nil, little, tagItem, "", appendElement(nil, little, tagRows, "", []byte{1, 0}, false), false)
		unknown = append(unknown, appendElement(nil, little, tagSequenceEnd, "", nil, false)...)

		f := grayFile(uid, 2, 2, 16, 12, 0, false, "MONOCHROME2", []int{0, 1, 2, 3})
		whole := f.bytes()
		at := len(whole) - 8 - len(appendElement(nil, c, tagPixelData, "OW", nil, false))
		add := appendElement(nil, c, 0x0009_1010, "UN", unknown, true)
		add = append(add, appendElement(nil, c, 0x0088_0200, "SQ", open, true)...)
		img, err := Decode(slices.Insert(slices.Clone(whole), at, add...))
		if err != nil || img.Gray.Bounds().Dx() != 2 || img.Gray.Gray16At(1, 1).Y != 65535 {
			t.Errorf("%s: %v, %v", uid, img, err)
		}
	}
}

func TestIdentifying(t *testing.T) {
	f := grayFile(explicitLittle, 1, 2, 8, 8, 0, false, "MONOCHROME2", []int{1, 2})
	f.elements[0x0008_0080] = "St. Elsewhere"
	f.elements[0x0008_0090] = "" // empty: there is nothing to drop
	types[0x0008_0080], types[0x0008_0090] = "LO", "PN"
	img, err := Decode(f.bytes())
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(img.Identifying, " "); got != "InstitutionName PatientName PatientID" {
		t.Errorf("identifying are %s", got)
	}
	asJSON, err := json.Marshal(struct{ Image *Image }{img})
	if err != nil {
		t.Fatal(err)
	}
	shown(t, fmt.Sprint(img), fmt.Sprintf("%+v", *img), fmt.Sprintf("%#v", img), fmt.Sprintf("%v", []any{img, *img}), string(asJSON))
}
