package cohort

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// shared returns a path in the data beside the repository, or skips.
func shared(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no %s beside the repository: %v", name, err)
	}
	return path
}

// The counts are those of the data's own description.
func TestRealSites(t *testing.T) {
	t.Parallel()
	dir := shared(t, "cxr-sites")
	s := inspect(t, dir, "metadata.csv")
	images := map[string]int{}
	for _, class := range s.Classes {
		images[class.Name] = class.Images
	}
	if diff := cmp.Diff(map[string]int{"COVID-19": 26 + 35, "No finding": 18 + 3, "Pneumonia": 2}, images); diff != "" {
		t.Error(diff)
	}
	if s.LeftOut != 10+15 || s.Anonymous != 0 || len(s.Unreadable) != 0 || len(s.Problems) != 0 {
		t.Errorf("%d rows left out, %d anonymous, unreadable %v, problems %q", s.LeftOut, s.Anonymous, s.Unreadable, s.Problems)
	}
	store := t.TempDir()
	r := bring(t, dir, "metadata.csv", store, options(1))
	if r.Added != s.Images || r.Patients != s.Patients {
		t.Errorf("imported %+v of %d images of %d patients", r, s.Images, s.Patients)
	}
	for name, b := range contents(t, store) {
		if strings.HasSuffix(name, ".csv") && strings.Contains(b, "ANON") || strings.Contains(b, "actualmed") {
			t.Errorf("%s tells where images are from", name)
		}
	}
}

// 1213 of 1214 and 3477 of 3494 images to train with are distinct, and 8 of
// them are among those to validate with.
func TestRealNPZ(t *testing.T) {
	t.Parallel()
	s := inspect(t, shared(t, "medmnist/pneumoniamnist.npz"), "")
	if s.Images != 4708+524+624 || s.Anonymous != s.Images || len(s.Splits) != 3 {
		t.Fatalf("%d images, %d anonymous, splits %v", s.Images, s.Anonymous, s.Splits)
	}
	if diff := cmp.Diff([]Part{{Name: "0", Images: 1214, Patients: 1213}, {Name: "1", Images: 3494, Patients: 3477}}, s.Splits[0].Classes); diff != "" {
		t.Error(diff)
	}
	if len(s.Problems) != 1 || !strings.HasPrefix(s.Problems[0], "the same image is in two splits: train/") || !strings.HasSuffix(s.Problems[0], ", and 7 more") {
		t.Errorf("problems %q", s.Problems)
	}
}

func TestRealDICOM(t *testing.T) {
	t.Parallel()
	s := inspect(t, shared(t, "dicom"), "")
	want := []string{"MR_small.dcm", "MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm"}
	if len(s.Equal) != 1 || !cmp.Equal(want, s.Equal[0].Files) || s.Equal[0].Patients != 1 {
		t.Errorf("equal images %v: one image in four transfer syntaxes should be the same", s.Equal)
	}
	reasons := map[string]string{
		"MR_truncated.dcm":                          "bytes of the pixel data are missing",
		"cr_thorax_RG1_jpeg2000.dcm":                "1.2.840.10008.1.2.4.91 (JPEG 2000)",
		"CR_chest_32x32_chrJapMultiExplicitIR6.dcm": "there are no pixel data",
	}
	for _, r := range s.Unreadable {
		if reason, ok := reasons[r.File]; !ok || !strings.Contains(r.Reason, reason) {
			t.Errorf("%s: %s", r.File, r.Reason)
		}
	}
	if s.Images+len(s.Unreadable) != 11 || len(s.Unreadable) != len(reasons) {
		t.Errorf("%d images, unreadable %v", s.Images, s.Unreadable)
	}
}
