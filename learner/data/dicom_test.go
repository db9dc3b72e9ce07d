package data

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/data/dicom"
)

// dicomFile writes a grey picture of 16 bits, 12 of them stored, or of a JPEG
// stream, in explicit VR little-endian.
func dicomFile(uid string, w, h int, pixels []byte) []byte {
	b := append(make([]byte, 128), "DICM"...)
	element := func(group, number int, vr string, value string) {
		if len(value)%2 == 1 {
			value += "\x00"
		}
		b = binary.LittleEndian.AppendUint16(b, uint16(group))
		b = binary.LittleEndian.AppendUint16(b, uint16(number))
		b = append(b, vr...)
		b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
		b = append(b, value...)
	}
	word := func(number, v int) {
		element(0x28, number, "US", string(binary.LittleEndian.AppendUint16(nil, uint16(v))))
	}
	packed := uid == "1.2.840.10008.1.2.4.50"
	allocated, stored := 16, 12
	if packed {
		allocated, stored = 8, 8
	}
	element(2, 0x10, "UI", uid)
	element(0x10, 0x10, "PN", "DOE^JANE")
	element(0x10, 0x20, "LO", "ID-7")
	word(2, 1)
	element(0x28, 4, "CS", "MONOCHROME2")
	word(0x10, h)
	word(0x11, w)
	word(0x100, allocated)
	word(0x101, stored)
	word(0x102, stored-1)
	word(0x103, 0)
	long := func(head string, n int) {
		b = append(b, head...)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
	}
	if !packed {
		long("\xe0\x7f\x10\x00OW\x00\x00", len(pixels))
		return append(b, pixels...)
	}
	long("\xe0\x7f\x10\x00OB\x00\x00", -1)
	long("\xfe\xff\x00\xe0", 0)
	long("\xfe\xff\x00\xe0", len(pixels))
	b = append(b, pixels...)
	long("\xfe\xff\xdd\xe0", 0)
	return b
}

// waves is a picture of 12 bits with fine and coarse structure, as
// little-endian words.
func waves(w, h int) []byte {
	var out []byte
	for y := range h {
		for x := range w {
			v := 2000 + (x*y/64)%1500 + x*400/w - y*300/h + (x+y)%9*10
			out = binary.LittleEndian.AppendUint16(out, uint16(v))
		}
	}
	return out
}

const (
	explicitLittle = "1.2.840.10008.1.2.1"
	jpegBaseline   = "1.2.840.10008.1.2.4.50"
)

// radiographs are files of 1024 x 1024 pixels.
func radiographs(t testing.TB) map[string][]byte {
	img := image.NewGray(image.Rect(0, 0, 1024, 1024))
	for i, raw := 0, waves(1024, 1024); i < len(img.Pix); i++ {
		img.Pix[i] = byte(binary.LittleEndian.Uint16(raw[2*i:]) >> 4)
	}
	var stream bytes.Buffer
	if err := jpeg.Encode(&stream, img, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"16bit": dicomFile(explicitLittle, 1024, 1024, waves(1024, 1024)),
		"jpeg":  dicomFile(jpegBaseline, 1024, 1024, stream.Bytes()),
	}
}

func TestReadDICOM(t *testing.T) {
	dir := t.TempDir()
	good := dicomFile(explicitLittle, 20, 10, waves(20, 10))
	named := write(t, filepath.Join(dir, "a.img"), good)
	bare := write(t, filepath.Join(dir, "b.DCM"), good[132:])
	nameless := write(t, filepath.Join(dir, "c.img"), good[132:])
	pretender := write(t, filepath.Join(dir, "d.dcm"), encoded(t, drawing(7, 5), "png"))
	note := write(t, filepath.Join(dir, "e.dcm"), []byte("a note of DOE^JANE"))
	for _, path := range []string{named, bare} {
		img, err := ReadImage(path)
		if err != nil || !IsDICOM(path) {
			t.Fatalf("%s: %v", path, err)
		}
		if g, ok := img.(*image.Gray16); !ok || g.Rect != image.Rect(0, 0, 20, 10) {
			t.Errorf("%s is a %T", path, img)
		}
		d, err := ReadDICOM(path)
		if err != nil || d.Patient != "ID-7" || d.TransferSyntax != explicitLittle || !bytes.Equal(d.Gray.Pix, img.(*image.Gray16).Pix) {
			t.Errorf("%s: %v, %v", path, d, err)
		}
	}
	if img, err := ReadImage(pretender); err != nil || img.Bounds().Dx() != 7 || IsDICOM(pretender) {
		t.Errorf("a PNG that is named .dcm: %v", err)
	}
	big := write(t, filepath.Join(dir, "big.dcm"), good)
	if err := os.Truncate(big, maxDICOM+1); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		path  string
		dicom bool
		err   error
		says  string
	}{
		{nameless, false, ErrFormat, "neither DICOM nor"},
		{note, true, ErrFormat, "no preamble"},
		{write(t, filepath.Join(dir, "cut"), good[:len(good)-3]), true, ErrTruncated, "3 of 400 bytes of the pixel data"},
		{write(t, filepath.Join(dir, "2000"), dicomFile("1.2.840.10008.1.2.4.91", 20, 10, nil)), true, ErrFormat, "1.2.840.10008.1.2.4.91 (JPEG 2000)"},
		{write(t, filepath.Join(dir, "giga"), dicomFile(explicitLittle, 65535, 65535, nil)), true, ErrTooLarge, "64 megapixels"},
		{big, true, ErrTooLarge, "268435457 bytes"},
		{filepath.Join(dir, "none.dcm"), false, os.ErrNotExist, "check the path"},
		{dir, false, ErrFormat, "regular"},
	} {
		_, err := ReadImage(c.path)
		var fe *FileError
		if !errors.Is(err, c.err) || !errors.As(err, &fe) || fe.Path != c.path || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "DOE") {
			t.Errorf("%s: %v", c.path, err)
		}
		if IsDICOM(c.path) != c.dicom {
			t.Errorf("%s: IsDICOM is %v", c.path, !c.dicom)
		}
		if _, err := ReadDICOM(c.path); c.dicom && (!errors.As(err, &fe) || !errors.Is(err, c.err)) {
			t.Errorf("%s: %v", c.path, err)
		}
	}
	if _, err := ReadDICOM(nameless); err != nil {
		t.Errorf("a file that is said to be DICOM: %v", err)
	}
	if _, err := ReadDICOM(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
	var not *dicom.UnsupportedError
	if _, err := ReadImage(filepath.Join(dir, "2000")); !errors.As(err, &not) {
		t.Errorf("JPEG 2000: %v", err)
	}
}

func TestReadFolderOfDICOM(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "ill", "a.dcm"), dicomFile(explicitLittle, 40, 30, waves(40, 30)))
	write(t, filepath.Join(dir, "ill", "b"), dicomFile(explicitLittle, 40, 30, waves(40, 29)))
	write(t, filepath.Join(dir, "well", "c.png"), encoded(t, drawing(40, 30), "png"))
	set, skipped, err := ReadFolder(dir, nil, [3]int{3, 8, 8}, prepareResize)
	if err != nil || len(set.Samples) != 2 || len(skipped) != 1 || !errors.Is(skipped[0], ErrTruncated) {
		t.Fatalf("%d samples, skipped %v, %v", len(set.Samples), skipped, err)
	}
	img, err := ReadImage(filepath.Join(dir, "ill", "a.dcm"))
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := Prepare(img, [3]int{3, 8, 8}, prepareResize); !bytes.Equal(set.Samples[0].Pixels, want) {
		t.Error("the sample is not the prepared picture")
	}
}

func TestReadRealDICOM(t *testing.T) {
	dir := shared(t, "dicom")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]error{"cr_thorax_RG1_jpeg2000.dcm": ErrFormat, "MR_truncated.dcm": ErrTruncated, "CR_chest_32x32_chrJapMultiExplicitIR6.dcm": ErrFormat}
	var normal, inverted []uint8
	for _, e := range entries {
		pixels, err := readPrepared(filepath.Join(dir, e.Name()), [3]int{1, 64, 64}, prepareResize)
		if want := refused[e.Name()]; !errors.Is(err, want) || err != nil && want == nil {
			t.Errorf("%s: %v, want %v", e.Name(), err, want)
		}
		switch e.Name() {
		case "cxr_rsna_1024_jpegbaseline.dcm":
			normal = pixels
		case "cxr_rsna_1024_monochrome1_fake.dcm":
			inverted = pixels
		}
	}
	if len(normal) == 0 || len(normal) != len(inverted) {
		t.Fatal("no radiographs")
	}
	for i := range normal {
		if sum := int(normal[i]) + int(inverted[i]); sum < 254 || sum > 256 {
			t.Fatalf("pixel %d is %d, and %d as MONOCHROME1", i, normal[i], inverted[i])
		}
	}
}

// BenchmarkReadDICOM1024 reads a file of 1024 x 1024 pixels and prepares it for
// a network of 224 x 224; the parts are measured alone as well.
func BenchmarkReadDICOM1024(b *testing.B) {
	dir := b.TempDir()
	for name, raw := range radiographs(b) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			b.Fatal(err)
		}
		img, err := ReadImage(path)
		if err != nil {
			b.Fatal(err)
		}
		shape := [3]int{1, 224, 224}
		b.Run(name+"/all", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := readPrepared(path, shape, prepareResize); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			for b.Loop() {
				if _, err := dicom.Decode(raw); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/resize", func(b *testing.B) {
			for b.Loop() {
				if _, err := Prepare(img, shape, prepareResize); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
