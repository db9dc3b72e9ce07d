package dicom

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// realFiles returns the folder of DICOM files beside the repository.
func realFiles(t testing.TB) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "..", "shared", "data", "dicom")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("no data beside the repository: ", err)
	}
	return dir
}

// real is what pydicom 3.0 and NumPy make of the files, with the formulas of
// PS3.3, C.11.2.1.2, in float64; grey is rounded by floor(y*65535 + 0.5), and
// the hash is over it, big-endian.
var real = []struct {
	name, syntax, photometric, modality string
	size                                image.Point
	bits                                int
	hash                                string // of lossless ones, its first half
	sum                                 int64
	first, middle, last                 uint16 // the middle is at a third of the width, half the height
}{
	{"CT_512_explicitLE_693_UNCR.dcm", explicitLittle, "MONOCHROME2", "CT", image.Pt(512, 512), 14, "a550ce40f26e889f2d79c603118807d2", 2704739721, 0, 20521, 0},
	{"CT_small.dcm", explicitLittle, "MONOCHROME2", "CT", image.Pt(128, 128), 16, "4beec18a47fea00a980b1d98c00f170b", 404365101, 1493, 48095, 24810},
	{"MR_small.dcm", explicitLittle, "MONOCHROME2", "MR", image.Pt(64, 64), 16, "c9fe143dccebc0ad851dfc41f9bb5e2e", 119016505, 45288, 16394, 43526},
	{"MR_small_RLE.dcm", runLengths, "MONOCHROME2", "MR", image.Pt(64, 64), 16, "c9fe143dccebc0ad851dfc41f9bb5e2e", 119016505, 45288, 16394, 43526},
	{"MR_small_bigendian.dcm", explicitBig, "MONOCHROME2", "MR", image.Pt(64, 64), 16, "c9fe143dccebc0ad851dfc41f9bb5e2e", 119016505, 45288, 16394, 43526},
	{"MR_small_implicit.dcm", implicitLittle, "MONOCHROME2", "MR", image.Pt(64, 64), 16, "c9fe143dccebc0ad851dfc41f9bb5e2e", 119016505, 45288, 16394, 43526},
	{"cxr_rsna_1024_jpegbaseline.dcm", baseline, "MONOCHROME2", "CR", image.Pt(1024, 1024), 8, "", 43394867925, 0, 30961, 0},
	{"cxr_rsna_1024_monochrome1_fake.dcm", baseline, "MONOCHROME1", "CR", image.Pt(1024, 1024), 8, "", 25323560235, 65535, 34574, 65535},
}

func TestRealFiles(t *testing.T) {
	dir := realFiles(t)
	for _, c := range real {
		b, err := os.ReadFile(filepath.Join(dir, c.name))
		if err != nil {
			t.Fatal(err)
		}
		kept := slices.Clone(b)
		img, err := Decode(b)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if !slices.Equal(b, kept) {
			t.Errorf("%s: reading changes the bytes", c.name)
		}
		if img.TransferSyntax != c.syntax || img.Photometric != c.photometric || img.Modality != c.modality || img.Bits != c.bits || img.Gray.Rect.Size() != c.size {
			t.Errorf("%s is %v", c.name, img)
			continue
		}
		if img.Patient == "" || !slices.Contains(img.Identifying, "PatientID") || !slices.Contains(img.Identifying, "StudyInstanceUID") || strings.Contains(img.String(), img.Patient) {
			t.Errorf("%s: the patient is not found, or shown", c.name)
		}
		var sum int64
		for y := range c.size.Y {
			for x := range c.size.X {
				sum += int64(img.Gray.Gray16At(x, y).Y)
			}
		}
		// Decoders of JPEG differ by one of 255 in some pixels: the brightest
		// of these radiographs is 254 in one and 255 in the other, which moves
		// all grey by a 255th at most.
		near, mean := 0., 0.
		if c.hash == "" {
			near, mean = 520, 257
		}
		if n := float64(c.size.X * c.size.Y); math.Abs(float64(sum)-float64(c.sum)) > mean*n {
			t.Errorf("%s: the mean is %g, want %g", c.name, float64(sum)/n, float64(c.sum)/n)
		}
		for _, p := range []struct {
			at   image.Point
			want uint16
		}{{image.Point{}, c.first}, {image.Pt(c.size.X/3, c.size.Y/2), c.middle}, {c.size.Sub(image.Pt(1, 1)), c.last}} {
			if got := img.Gray.Gray16At(p.at.X, p.at.Y).Y; math.Abs(float64(got)-float64(p.want)) > near {
				t.Errorf("%s: pixel %v is %d, want %d", c.name, p.at, got, p.want)
			}
		}
		if hash := sha256.Sum256(img.Gray.Pix); c.hash != "" && hex.EncodeToString(hash[:16]) != c.hash {
			t.Errorf("%s: the pixels have another hash", c.name)
		}
	}
}

func TestRealRefusals(t *testing.T) {
	dir := realFiles(t)
	read := func(name string) error {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := Decode(b)
		if err == nil {
			t.Errorf("%s is %v", name, img)
			return errors.New("no error")
		}
		return err
	}
	var not *UnsupportedError
	if err := read("cr_thorax_RG1_jpeg2000.dcm"); !errors.As(err, &not) || not.TransferSyntax != "1.2.840.10008.1.2.4.91" || !strings.Contains(err.Error(), "1.2.840.10008.1.2.4.91 (JPEG 2000)") {
		t.Errorf("JPEG 2000: %v", err)
	}
	var cut *TruncatedError
	if err := read("MR_truncated.dcm"); !errors.As(err, &cut) || *cut != (TruncatedError{"the pixel data", 8192, 62}) {
		t.Errorf("cut off: %v", err)
	}
	// A file that ends with the header.
	if err := read("CR_chest_32x32_chrJapMultiExplicitIR6.dcm"); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "no pixel data") {
		t.Errorf("without pixel data: %v", err)
	}
}

// No file beside the repository is left out.
func TestRealFilesAreAllTried(t *testing.T) {
	entries, err := os.ReadDir(realFiles(t))
	if err != nil {
		t.Fatal(err)
	}
	refused := []string{"cr_thorax_RG1_jpeg2000.dcm", "MR_truncated.dcm", "CR_chest_32x32_chrJapMultiExplicitIR6.dcm"}
	for _, e := range entries {
		tried := slices.Contains(refused, e.Name())
		for _, c := range real {
			tried = tried || c.name == e.Name()
		}
		if !tried {
			t.Errorf("nobody tries %s", e.Name())
		}
	}
}
