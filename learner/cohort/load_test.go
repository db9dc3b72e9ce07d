package cohort

import (
	"context"
	"errors"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/learner/data"
)

var small = [3]int{1, 8, 8}

// open opens a collection that is in order.
func open(t testing.TB, dir, labels string) *Cohort {
	t.Helper()
	if labels != "" {
		labels = filepath.Join(dir, labels)
	}
	c, err := Open(Source{Dir: dir, Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func load(t testing.TB, c *Cohort, shape [3]int, workers int) *Loaded {
	t.Helper()
	l, err := c.Load(context.Background(), shape, workers, nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func owned(l *Loaded) []string {
	var names []string
	for _, s := range l.Set.Samples {
		names = append(names, s.Owner)
	}
	return names
}

func TestLoad(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"a.png":      pngOf(t, scan(1, 20, 10)),
		"b.jpg":      jpegOf(t, scan(2, 16, 16)),
		"sub/c.dcm":  dicomOf(record{"other", "Doe^Jane"}, 12, 9, ramp(3)),
		"cut.png":    pngOf(t, scan(4, 20, 10))[:30],
		"text.png":   []byte("no picture"),
		"colour.png": pngOf(t, colored(8, 8)),
		"labels.csv": []byte("file,patient,label,split\nb.jpg,2,sick,train\ncut.png,9,sick,val\nsub/c.dcm,3,well,test\ntext.png,8,sick,train\na.png,2,well,train\ncolour.png,4,well,val\n"),
	})
	c := open(t, dir, "labels.csv")
	var steps [][2]int
	l, err := c.Load(context.Background(), small, 3, func(done, total int) { steps = append(steps, [2]int{done, total}) })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][2]int{{1, 6}, {2, 6}, {3, 6}, {4, 6}, {5, 6}, {6, 6}}, steps); diff != "" {
		t.Error(diff)
	}
	if len(l.Skipped) != 2 || !errors.Is(l.Skipped[0], data.ErrTruncated) || !errors.Is(l.Skipped[1], data.ErrFormat) {
		t.Errorf("skipped %v", l.Skipped)
	}
	for i, name := range []string{"cut.png", "text.png"} {
		if f, ok := errors.AsType[*data.FileError](l.Skipped[i]); !ok || f.Path != filepath.Join(dir, name) {
			t.Errorf("skipped %v", l.Skipped[i])
		}
	}
	if l.Set.Shape != small || len(l.Set.Samples) != 4 || len(l.Origins) != 4 {
		t.Fatalf("shape %v, %d samples, %d origins", l.Set.Shape, len(l.Set.Samples), len(l.Origins))
	}
	// What the list says of a patient counts, not what the DICOM file does.
	if diff := cmp.Diff([]string{"2", "3", "2", "4"}, owned(l)); diff != "" {
		t.Error(diff)
	}
	for i, want := range []struct {
		file, split string
		size        image.Point
		label       int
	}{{"b.jpg", Train, image.Pt(16, 16), 0}, {"sub/c.dcm", Test, image.Pt(12, 9), 1}, {"a.png", Train, image.Pt(20, 10), 1}, {"colour.png", Val, image.Pt(8, 8), 1}} {
		img, err := data.ReadImage(filepath.Join(dir, want.file))
		if err != nil {
			t.Fatal(err)
		}
		pixels, err := data.Prepare(img, small, "resize")
		if err != nil {
			t.Fatal(err)
		}
		sample := data.Sample{Pixels: pixels, Label: want.label, Owner: l.Set.Samples[i].Owner}
		if diff := cmp.Diff(sample, l.Set.Samples[i]); diff != "" {
			t.Errorf("%s: %s", want.file, diff)
		}
		if diff := cmp.Diff(Origin{want.file, want.split, want.size, sample.Hash(small)}, l.Origins[i]); diff != "" {
			t.Error(diff)
		}
	}
	for _, workers := range []int{0, 1, 2, 9} {
		if diff := cmp.Diff(l.Set, load(t, c, small, workers).Set); diff != "" {
			t.Errorf("%d workers: %s", workers, diff)
		}
	}
}

// In folders, a DICOM file says whose it is. Of the other files nobody does:
// each is its own patient, but the same image is not of two.
func TestLoadOwners(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"sick/1.dcm":  dicomOf(record{"P7", ""}, 8, 8, ramp(1)),
		"sick/2.dcm":  dicomOf(record{"P7", ""}, 8, 8, ramp(2)),
		"sick/3.dcm":  dicomOf(record{}, 8, 8, ramp(3)),
		"sick/4.dcm":  dicomOf(record{}, 8, 8, ramp(1)), // of P7
		"well/a.png":  pngOf(t, scan(1, 8, 8)),
		"well/b.png":  pngOf(t, scan(2, 8, 8)),
		"well/b2.png": pngOf(t, scan(2, 8, 8)),
	})
	want := []string{"P7", "P7", "of sick/3.dcm", "P7", "of well/a.png", "of well/b.png", "of well/b.png"}
	if diff := cmp.Diff(want, owned(load(t, open(t, dir, ""), small, 2))); diff != "" {
		t.Error(diff)
	}
}

func TestLoadNPZ(t *testing.T) {
	dir := tree(t, map[string][]byte{"set.npz": npzOf(t, map[string][][2]int{"train": {{1, 0}, {2, 1}}, "val": {{2, 1}}})})
	l := load(t, open(t, filepath.Join(dir, "set.npz"), ""), [3]int{1, 4, 4}, 1)
	for i, seed := range []int{1, 2, 2} {
		if diff := cmp.Diff(scan(seed, 4, 4).Pix, l.Set.Samples[i].Pixels); diff != "" {
			t.Error(diff)
		}
	}
	if diff := cmp.Diff([]string{"of train/0", "of train/1", "of train/1"}, owned(l)); diff != "" {
		t.Error(diff)
	}
	if o := l.Origins[2]; o.File != "val/0" || o.Split != Val || o.Size != image.Pt(4, 4) {
		t.Errorf("origin %v", o)
	}
}

func TestLoadRefuses(t *testing.T) {
	good, bad := pngOf(t, scan(1, 8, 8)), []byte("no picture")
	for name, test := range map[string]struct {
		files map[string][]byte
		shape [3]int
		says  string
	}{
		"nothing":   {map[string][]byte{"a/1.png": bad, "b/1.png": bad}, small, "not one of 2 images can be read"},
		"one class": {map[string][]byte{"a/1.png": good, "b/1.png": bad}, small, `no image of the class "b" can be read`},
		"shape":     {map[string][]byte{"a/1.png": good, "b/1.png": good}, [3]int{2, 8, 8}, "a shape of 2 x 8 x 8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := open(t, tree(t, test.files), "").Load(context.Background(), test.shape, 2, nil)
			if !errors.Is(err, data.ErrEmpty) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestLoadStops(t *testing.T) {
	files := map[string][]byte{}
	for i := range 40 {
		files[string(rune('a'+i%2))+"/"+string(rune('A'+i))+".png"] = pngOf(t, scan(i, 8, 8))
	}
	c := open(t, tree(t, files), "")
	ctx, cancel := context.WithCancel(context.Background())
	seen := 0
	_, err := c.Load(ctx, small, 4, func(done, _ int) {
		if seen = done; done == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || seen != 5 {
		t.Errorf("error %v after %d files", err, seen)
	}
}

func TestEach(t *testing.T) {
	for _, workers := range []int{0, 1, 3, 50} {
		for _, n := range []int{0, 1, 7, 200} {
			next := 0
			err := each(context.Background(), n, workers, func(i int) int { return i * i }, func(i, square int) error {
				if i != next || square != i*i {
					t.Fatalf("%d workers: %d and %d instead of %d", workers, i, square, next)
				}
				next++
				return nil
			})
			if err != nil || next != n {
				t.Errorf("%d workers, %d of %d: %v", workers, next, n, err)
			}
		}
	}
	wrong := errors.New("wrong")
	err := each(context.Background(), 1000, 4, func(i int) int { return i }, func(i, _ int) error {
		if i == 3 {
			return wrong
		}
		return nil
	})
	if !errors.Is(err, wrong) {
		t.Errorf("error %v", err)
	}
}
