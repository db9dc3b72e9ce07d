package dicom

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"maps"
	"slices"
	"strings"
	"testing"
)

const (
	explicitBig = "1.2.840.10008.1.2.2"
	deflated    = "1.2.840.10008.1.2.1.99"
	baseline    = "1.2.840.10008.1.2.4.50"
	runLengths  = "1.2.840.10008.1.2.5"
)

// file is a DICOM file to write. Values are text, padded here, or uint16s, or
// raw bytes.
type file struct {
	uid        string
	elements   map[tag]any
	noPreamble bool
	noMeta     bool
	pixels     []byte   // in the order of the syntax already
	pixelVR    string   // OW if empty
	fragments  [][]byte // instead
}

// types are the types of what the tests write; the rest is US.
var types = map[tag]string{
	0x0002_0010: "UI", 0x0008_0060: "CS", 0x0010_0010: "PN", 0x0010_0020: "LO", 0x0028_0004: "CS", 0x0028_0008: "IS",
	0x0028_1050: "DS", 0x0028_1051: "DS", 0x0028_1052: "DS", 0x0028_1053: "DS", 0x0028_1056: "CS",
	0x0028_3000: "SQ", 0x0028_3010: "SQ", 0x0088_0200: "SQ", 0x5200_9229: "SQ", 0x0009_1010: "UN", 0x0009_1011: "OB",
}

func appendElement(b []byte, c coding, t tag, vr string, value []byte, undefined bool) []byte {
	length := uint32(len(value))
	if undefined {
		length = undefinedLength
	}
	order := binary.AppendByteOrder(binary.LittleEndian)
	if c.big {
		order = binary.BigEndian
	}
	b = order.AppendUint16(b, uint16(t>>16))
	b = order.AppendUint16(b, uint16(t))
	switch {
	case c.implicit || t>>16 == 0xfffe:
		b = order.AppendUint32(b, length)
	case short(vr):
		b = append(b, vr...)
		b = order.AppendUint16(b, uint16(length))
	default:
		b = append(b, vr[0], vr[1], 0, 0)
		b = order.AppendUint32(b, length)
	}
	return append(b, value...)
}

func valueBytes(c coding, v any) []byte {
	switch v := v.(type) {
	case string:
		if len(v)%2 == 1 {
			v += " "
		}
		return []byte(v)
	case []uint16:
		var b []byte
		for _, x := range v {
			if c.big {
				b = binary.BigEndian.AppendUint16(b, x)
			} else {
				b = binary.LittleEndian.AppendUint16(b, x)
			}
		}
		return b
	case int:
		return valueBytes(c, []uint16{uint16(v)})
	case []byte:
		return v
	}
	panic("a value of another type")
}

func (f file) bytes() []byte {
	c := syntaxes[f.uid].coding
	var set []byte
	for _, t := range slices.Sorted(maps.Keys(f.elements)) {
		vr := types[t]
		if vr == "" {
			vr = "US"
		}
		set = appendElement(set, c, t, vr, valueBytes(c, f.elements[t]), false)
	}
	switch vr := f.pixelVR; {
	case f.fragments != nil:
		set = appendElement(set, c, tagPixelData, "OB", nil, true)
		set = appendElement(set, c, tagItem, "", nil, false)
		for _, part := range f.fragments {
			set = appendElement(set, c, tagItem, "", part, false)
		}
		set = appendElement(set, c, tagSequenceEnd, "", nil, false)
	case f.pixels != nil:
		if vr == "" {
			vr = "OW"
		}
		set = appendElement(set, c, tagPixelData, vr, f.pixels, false)
	}
	if f.uid == deflated {
		var packed bytes.Buffer
		w, _ := flate.NewWriter(&packed, 9)
		_, _ = w.Write(set) // to memory
		_ = w.Close()
		set = packed.Bytes()
	}
	var b []byte
	if !f.noPreamble {
		b = append(make([]byte, 128), "DICM"...)
	}
	if !f.noMeta {
		uid := f.uid
		if len(uid)%2 == 1 {
			uid += "\x00"
		}
		b = appendElement(b, coding{}, tagTransferSyntax, "UI", []byte(uid), false)
	}
	return append(b, set...)
}

// patient is a name that must not come out anywhere.
const patient = "DOE^JANE"

// base describes a grey picture.
func base(rows, columns, allocated, stored, high int, signed bool, photometric string) map[tag]any {
	m := map[tag]any{
		tagModality: "CR", 0x0010_0010: patient, tagPatientID: "ID-7",
		tagSamples: 1, tagPhotometric: photometric, tagRows: rows, tagColumns: columns,
		tagBitsAllocated: allocated, tagBitsStored: stored, tagHighBit: high, tagRepresentation: 0,
	}
	if signed {
		m[tagRepresentation] = 1
	}
	return m
}

// grayFile writes patterns of stored bits, with noise in the bits that do not
// count.
func grayFile(uid string, rows, columns, allocated, stored, shift int, signed bool, photometric string, patterns []int) file {
	f := file{uid: uid, elements: base(rows, columns, allocated, stored, shift+stored-1, signed, photometric)}
	var low, high []byte
	for i, p := range patterns {
		noise := i * 40503 & 0xffff &^ ((1<<stored - 1) << shift)
		w := uint16(p<<shift | noise)
		low, high = append(low, byte(w)), append(high, byte(w>>8))
	}
	if allocated == 8 {
		f.pixels = slices.Clone(low)
		if len(low)%2 == 1 {
			f.pixels = append(f.pixels, 0)
		}
		if uid == explicitBig {
			f.pixels = swapped(f.pixels)
		}
	} else {
		for i := range low {
			w := uint16(high[i])<<8 | uint16(low[i])
			f.pixels = append(f.pixels, valueBytes(syntaxes[uid].coding, int(w))...)
		}
	}
	if uid == runLengths {
		f.pixels = nil
		segments := [][]byte{low}
		if allocated == 16 {
			segments = [][]byte{high, low}
		}
		f.fragments = [][]byte{rleFrame(segments...)}
	}
	return f
}

func rleFrame(segments ...[]byte) []byte {
	head := make([]byte, 64)
	binary.LittleEndian.PutUint32(head, uint32(len(segments)))
	out := head
	for i, s := range segments {
		binary.LittleEndian.PutUint32(head[4+4*i:], uint32(len(out)))
		p := packBits(s)
		if len(p)%2 == 1 {
			p = append(p, 0)
		}
		out = append(out, p...)
		head = out[:64]
	}
	return out
}

// packBits packs runs of three and more, with a byte of no meaning now and
// then.
func packBits(s []byte) []byte {
	var out []byte
	for i := 0; i < len(s); {
		run := 1
		for i+run < len(s) && s[i+run] == s[i] && run < 128 {
			run++
		}
		if run >= 3 {
			out = append(out, byte(257-run), s[i], 128)
			i += run
			continue
		}
		end := min(i+1+i%7, len(s))
		out = append(out, byte(end-i-1))
		out = append(out, s[i:end]...)
		i = end
	}
	return out
}

// jpegStream is a smooth grey or coloured picture.
func jpegStream(t testing.TB, w, h int, colour bool) []byte {
	t.Helper()
	var img image.Image
	grey, rgba := image.NewGray(image.Rect(0, 0, w, h)), image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			grey.SetGray(x, y, color.Gray{uint8(20 + 150*x/w + 60*y/h)})
			rgba.SetRGBA(x, y, color.RGBA{uint8(255 * x / w), uint8(255 * y / h), 90, 255})
		}
	}
	if img = grey; colour {
		img = rgba
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shown fails if an error or a picture shows of whom it is.
func shown(t testing.TB, texts ...string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(s, "DOE") || strings.Contains(s, "ID-7") {
			t.Errorf("the patient appears in %q", s)
		}
	}
}
