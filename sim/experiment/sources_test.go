package experiment

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bristle-fl/bristled/learner/data"
)

// clinic writes images of so many patients, a disc on the left or on the right,
// three of each patient, and a list of them.
func clinic(t *testing.T, patients int, row func(patient, image int, label string) string, head string) string {
	t.Helper()
	dir := t.TempDir()
	list := []string{head}
	for p := range patients {
		for i := range 3 {
			name := fmt.Sprintf("%d-%d.png", p, i)
			label, at := "left", 8
			if (p+i)%2 == 1 {
				label, at = "right", 20
			}
			img := image.NewGray(image.Rect(0, 0, 28, 28))
			for y := range 28 {
				for x := range 28 {
					if (x-at)*(x-at)+(y-14)*(y-14) < 20+p+i {
						img.SetGray(x, y, color.Gray{uint8(200 - p)})
					}
				}
			}
			f, err := os.Create(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(png.Encode(f, img), f.Close()); err != nil {
				t.Fatal(err)
			}
			list = append(list, row(p, i, label))
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "labels.csv"), []byte(strings.Join(list, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Patients are owners, and none is trained and tested on.
func TestImagesByPatient(t *testing.T) {
	dir := clinic(t, 10, func(p, i int, label string) string { return fmt.Sprintf("%d-%d.png,p%d,%s", p, i, p, label) }, "file,patient,label")
	f, err := Parse([]byte(`{data: {source: images, labels: labels.csv, dir: "` + dir + `"}, peers: {honest: 3},
 partition: {kind: owner, train: 3, probe: 1}, rule: mean, iterations: 20, evaluate: 10}`))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	d, err := (&Library{Workers: 2, Progress: func(string, int, int) { steps++ }}).Open(t.Context(), cells[0].Settings.Data)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"left", "right"}; !slices.Equal(d.Classes(), want) {
		t.Errorf("classes %v, want %v", d.Classes(), want)
	}
	owners := slices.Compact(slices.Sorted(slices.Values(d.pool.Owners)))
	if len(owners) != 8 || len(d.pool.Labels) != 24 || len(d.test.Labels) != 6 {
		t.Errorf("%d owners of %d samples to train on and %d to test; want 8, 24 and 6", len(owners), len(d.pool.Labels), len(d.test.Labels))
	}
	if steps < 30 {
		t.Errorf("%d steps of progress for 30 images", steps)
	}
	if err := d.Check(cells[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := RunCell(t.Context(), d, cells[0], 2, nil, nil); err != nil {
		t.Fatal(err)
	}
}

// With --data, images may lie in a folder beside other data sets, and they are
// transposed as pictures of other sources are.
func TestImagesBesideOthers(t *testing.T) {
	dir := clinic(t, 5, func(p, i int, label string) string { return fmt.Sprintf("%d-%d.png,p%d,%s", p, i, p, label) }, "file,patient,label")
	above := t.TempDir()
	if err := os.Rename(dir, filepath.Join(above, "images")); err != nil {
		t.Fatal(err)
	}
	source := Source{Source: "images", Labels: "labels.csv", Train: 100, RMS: 1}
	one, err := (&Library{Dir: above}).Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	source.Transpose = true
	two, err := (&Library{Dir: above}).Open(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	if one.Fingerprint == two.Fingerprint || len(two.pool.Labels) != 12 {
		t.Errorf("%d transposed images, and they are the same: %v", len(two.pool.Labels), one.Fingerprint == two.Fingerprint)
	}
}

// Splits of a list are kept to.
func TestImagesWithSplits(t *testing.T) {
	splits := []string{"train", "val", "test", "train"}
	dir := clinic(t, 4, func(p, i int, label string) string {
		return fmt.Sprintf("%d-%d.png,p%d,%s,%s", p, i, p, label, splits[p])
	}, "file,patient,label,split")
	d, err := (&Library{Workers: 1, Dir: dir}).Open(t.Context(), Source{Source: "images", Labels: "labels.csv", Train: 100, RMS: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(d.test.Labels) != 3 || len(d.pool.Labels) != 9 || slices.Contains(d.pool.Owners, "p2") {
		t.Errorf("%d to test, owners %v", len(d.test.Labels), d.pool.Owners)
	}
}

func TestImagesRefused(t *testing.T) {
	dir := clinic(t, 2, func(p, i int, label string) string { return fmt.Sprintf("%d-%d.png,p%d,%s", p, i, p, label) }, "file,patient,label")
	source := Source{Source: "images", Labels: "labels.csv", Train: 100, RMS: 1}
	if _, err := (&Library{}).Open(t.Context(), source); !errors.Is(err, ErrNoData) {
		t.Errorf("without a directory: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "1-1.png"), []byte("no image"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Library{Dir: dir}).Open(t.Context(), source); err == nil || !strings.Contains(err.Error(), "1 images cannot be read") {
		t.Errorf("a file that is no image: %v", err)
	}
}

func TestTranspose(t *testing.T) {
	set := data.Set{Shape: [3]int{2, 2, 3}, Samples: []data.Sample{{Pixels: []uint8{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16}, Label: 1}}}
	got := transpose(set)
	if want := []uint8{1, 4, 2, 5, 3, 6, 11, 14, 12, 15, 13, 16}; !slices.Equal(got.Samples[0].Pixels, want) || got.Shape != [3]int{2, 3, 2} {
		t.Errorf("%v of shape %v, want %v", got.Samples[0].Pixels, got.Shape, want)
	}
	if back := transpose(got); !slices.Equal(back.Samples[0].Pixels, set.Samples[0].Pixels) {
		t.Errorf("twice: %v", back.Samples[0].Pixels)
	}
}

// The network of Bristle's author for handwriting was trained on EMNIST, whose
// pictures are transposed: it tells digits apart better if ours are too.
func TestEMNISTBackbone(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data")
	if _, err := os.Stat(filepath.Join(shared, "models", "safetensors")); err != nil {
		t.Skip("there is no ../shared/data")
	}
	run := func(transposed bool) float64 {
		f, err := Parse(fmt.Appendf(nil, `{data: {source: mnist, train: 4000, test: 2000, transpose: %v, backbone: models/safetensors/bristle-transfer-mnist.safetensors},
 peers: {honest: 4}, partition: {kind: iid, train: 20}, rule: mean, iterations: 60, evaluate: 60}`, transposed))
		if err != nil {
			t.Fatal(err)
		}
		cells, err := f.Cells()
		if err != nil {
			t.Fatal(err)
		}
		d, err := (&Library{Dir: shared, Workers: 2}).Open(t.Context(), cells[0].Settings.Data)
		if err != nil {
			t.Fatal(err)
		}
		o, err := RunCell(t.Context(), d, cells[0], 2, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		return o.Cell.Mean[0]
	}
	right, wrong := run(true), run(false)
	t.Logf("transposed %.3f, upright %.3f", right, wrong)
	if right < .91 || right < wrong {
		t.Errorf("accuracy %.3f with transposed pictures and %.3f with upright ones", right, wrong)
	}
}
