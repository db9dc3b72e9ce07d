package cohort

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// failer is a test, or a check of rapid.
type failer interface {
	Helper()
	Fatal(args ...any)
}

// scan is a grey picture that no other seed has.
func scan(seed, w, h int) *image.Gray {
	img := image.NewGray(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Pix[y*w+x] = uint8(seed*37 + x*3 + y*seed%11)
		}
	}
	return img
}

func pngOf(t failer, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func jpegOf(t failer, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// colored is a picture in colour.
func colored(w, h int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.SetNRGBA(x, y, color.NRGBA{uint8(x * 9), uint8(y * 7), 90, 255})
		}
	}
	return img
}

// record is what a DICOM file of these tests says of its patient.
type record struct{ id, name string }

// dicomOf writes 16-bit grey in Explicit VR Little Endian.
func dicomOf(r record, w, h int, grey func(x, y int) uint16) []byte {
	b := make([]byte, 128, 1<<12)
	b = append(b, "DICM"...)
	element := func(group, number uint16, vr string, value []byte) {
		if len(value)%2 == 1 {
			value = append(value, map[bool]byte{true: 0, false: ' '}[vr == "UI"])
		}
		b = binary.LittleEndian.AppendUint16(b, group)
		b = binary.LittleEndian.AppendUint16(b, number)
		b = append(b, vr...)
		if vr == "OW" {
			b = append(b, 0, 0)
			b = binary.LittleEndian.AppendUint32(b, uint32(len(value)))
		} else {
			b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
		}
		b = append(b, value...)
	}
	word := func(n int) []byte { return binary.LittleEndian.AppendUint16(nil, uint16(n)) }
	element(0x0002, 0x0010, "UI", []byte("1.2.840.10008.1.2.1"))
	element(0x0008, 0x0060, "CS", []byte("DX"))
	if r.name != "" {
		element(0x0010, 0x0010, "PN", []byte(r.name))
	}
	if r.id != "" {
		element(0x0010, 0x0020, "LO", []byte(r.id))
	}
	element(0x0028, 0x0002, "US", word(1))
	element(0x0028, 0x0004, "CS", []byte("MONOCHROME2"))
	element(0x0028, 0x0010, "US", word(h))
	element(0x0028, 0x0011, "US", word(w))
	element(0x0028, 0x0100, "US", word(16))
	element(0x0028, 0x0101, "US", word(16))
	element(0x0028, 0x0102, "US", word(15))
	element(0x0028, 0x0103, "US", word(0))
	var pixels []byte
	for y := range h {
		for x := range w {
			pixels = binary.LittleEndian.AppendUint16(pixels, grey(x, y))
		}
	}
	element(0x7fe0, 0x0010, "OW", pixels)
	return b
}

// ramp is a grey that differs by seed.
func ramp(seed int) func(x, y int) uint16 {
	return func(x, y int) uint16 { return uint16(x*2711 + y*seed*113 + seed) }
}

// npyOf writes a NumPy array of bytes.
func npyOf(values []byte, shape ...int) []byte {
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ", "), "[]")
	header := fmt.Sprintf("{'descr': '|u1', 'fortran_order': False, 'shape': (%s), }", dims)
	for (10+len(header)+1)%64 != 0 {
		header += " "
	}
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(header)+1), byte((len(header)+1)>>8))
	return append(append(append(b, header...), '\n'), values...)
}

// npzOf writes parts with images of 4x4 pixels: the seed and the label of each.
func npzOf(t testing.TB, parts map[string][][2]int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, part := range []string{"train", "val", "test"} {
		var images, labels []byte
		for _, s := range parts[part] {
			images = append(images, scan(s[0], 4, 4).Pix...)
			labels = append(labels, byte(s[1]))
		}
		if labels == nil {
			continue
		}
		for name, array := range map[string][]byte{"images": npyOf(images, len(labels), 4, 4), "labels": npyOf(labels, len(labels), 1)} {
			w, err := z.Create(part + "_" + name + ".npy")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Write(array); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tree writes files into a new directory.
func tree(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, files)
	return dir
}

func put(t failer, dir string, files map[string][]byte) {
	t.Helper()
	for name, b := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
