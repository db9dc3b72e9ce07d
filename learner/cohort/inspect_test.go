package cohort

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

func inspect(t testing.TB, dir, labels string) *Sheet {
	t.Helper()
	if labels != "" {
		labels = filepath.Join(dir, labels)
	}
	s, err := Inspect(context.Background(), Source{Dir: dir, Labels: labels}, 2, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

var noThumbs = cmpopts.IgnoreUnexported(Sheet{})

func TestInspect(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"a.png":      pngOf(t, scan(1, 20, 10)),
		"b.jpg":      jpegOf(t, scan(2, 16, 16)),
		"c.dcm":      dicomOf(record{}, 16, 16, ramp(3)),
		"c2.dcm":     dicomOf(record{}, 16, 16, ramp(3)),
		"d.png":      pngOf(t, scan(4, 16, 16)),
		"cut.png":    pngOf(t, scan(5, 20, 10))[:30],
		"blank.png":  pngOf(t, scan(6, 20, 10)),
		"e.png":      pngOf(t, scan(7, 20, 10)),
		"labels.csv": []byte("file,patient,label,split\na.png,1,sick,train\nb.jpg,1,well,train\nc.dcm,2,sick,test\nc2.dcm,2,sick,test\nd.png,3,well,test\ncut.png,3,well,test\nblank.png,4,,\n"),
	})
	s := inspect(t, dir, "labels.csv")
	want := &Sheet{
		Source: dir, Labels: filepath.Join(dir, "labels.csv"), Images: 5, Patients: 3,
		PerPatient: Spread{1, 2, 2},
		Classes:    []Part{{Name: "sick", Images: 3, Patients: 2}, {Name: "well", Images: 2, Patients: 2}},
		Splits: []Part{
			{Train, 2, 1, []Part{{Name: "sick", Images: 1, Patients: 1}, {Name: "well", Images: 1, Patients: 1}}},
			{Test, 3, 2, []Part{{Name: "sick", Images: 2, Patients: 1}, {Name: "well", Images: 1, Patients: 1}}},
		},
		Sizes: []Tally{{"16x16", 4}, {"20x10", 1}}, DistinctSizes: 2,
		Formats:    []Tally{{"DICOM 1.2.840.10008.1.2.1", 2}, {"PNG", 2}, {"JPEG", 1}},
		Equal:      []Equal{{Files: []string{"c.dcm", "c2.dcm"}, Splits: []string{Test}, Classes: []string{"sick"}, Patients: 1}},
		Mixed:      [][]string{{"a.png", "b.jpg"}},
		Unreadable: []Refused{{"cut.png", "the file ends too early"}},
		Unlisted:   []string{"e.png"},
		LeftOut:    1,
		Problems:   []string{},
	}
	if diff := cmp.Diff(want, s, noThumbs); diff != "" {
		t.Error(diff)
	}
	text, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{`"images":5`, `"patients":3`, `"left_out":1`, `"problems":[]`, `"images_per_patient":{"min":1,"median":2,"max":2}`, `"distinct_sizes":2`, `"name":"sick"`, `"file":"cut.png","reason":`} {
		if !strings.Contains(string(text), field) {
			t.Errorf("no %s in %s", field, text)
		}
	}
}

func TestInspectProblems(t *testing.T) {
	one, two := pngOf(t, scan(1, 20, 10)), pngOf(t, scan(2, 20, 10))
	three, four := pngOf(t, scan(3, 20, 10)), pngOf(t, scan(4, 20, 10))
	images := map[string][]byte{"a.png": one, "b.png": two, "c.png": three, "d.png": four, "a2.png": one, "a3.png": one, "bad.png": nil}
	for name, test := range map[string]struct {
		csv  string
		want []string
	}{
		"none":         {"a.png,1,x,train\nb.png,2,y,test\n", nil},
		"same patient": {"a.png,1,x,train\na2.png,1,x,train\nb.png,2,y,test\n", nil},
		"two splits":   {"a.png,770,x,train\nb.png,2,y,test\nc.png,770,x,test\n", []string{"line 4: one patient is in two splits: that of c.png is in test, and by a.png of line 2 in train"}},
		"image in two splits": {"a.png,1,x,train\na2.png,3,x,train\na3.png,4,x,val\nb.png,2,y,test\n",
			[]string{"the same image is in two splits: a.png and a3.png", "the same image is of two patients: a.png and a2.png"}},
		"image of two patients": {"a.png,1,x,train\na2.png,3,x,train\nb.png,2,y,test\n", []string{"the same image is of two patients: a.png and a2.png"}},
		"image in two classes":  {"a.png,1,x,train\na2.png,1,y,train\nb.png,2,y,test\n", []string{"the same image is in two classes: a.png and a2.png"}},
		"row":                   {"a.png,1,x,train\nnowhere.png,1,x,train\nb.png,2,y,test\n", []string{"line 3: the file is not there: nowhere.png"}},
		"one class":             {"a.png,1,x,train\n", []string{`there is only one class, "x"`}},
		"class unreadable":      {"a.png,1,x,train\nbad.png,2,y,test\n", []string{`no image of the class "y" can be read`}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, images)
			put(t, dir, map[string][]byte{"l.csv": []byte("file,patient,label,split\n" + test.csv)})
			s := inspect(t, dir, "l.csv")
			if len(s.Problems) != len(test.want) {
				t.Fatalf("problems %q, want %q", s.Problems, test.want)
			}
			for i, want := range test.want {
				if !strings.Contains(s.Problems[i], want) || strings.Contains(s.Problems[i], "770") {
					t.Errorf("problem %q, want %q", s.Problems[i], want)
				}
			}
		})
	}
}

// Where nobody says whose an image is, the same image is one patient's.
func TestInspectAnonymous(t *testing.T) {
	dir := tree(t, map[string][]byte{"set.npz": npzOf(t, map[string][][2]int{"train": {{1, 0}, {2, 1}, {2, 1}, {3, 1}}, "test": {{4, 1}, {3, 1}}})})
	s := inspect(t, filepath.Join(dir, "set.npz"), "")
	if s.Anonymous != 6 || s.Patients != 4 || s.PerPatient != (Spread{1, 1.5, 2}) {
		t.Errorf("%d anonymous images, %d patients with %v", s.Anonymous, s.Patients, s.PerPatient)
	}
	want := []Equal{
		{[]string{"train/1", "train/2"}, []string{Train}, []string{"1"}, 1},
		{[]string{"train/3", "test/1"}, []string{Test, Train}, []string{"1"}, 1},
	}
	if diff := cmp.Diff(want, s.Equal); diff != "" {
		t.Error(diff)
	}
	var b bytes.Buffer
	if err := s.WriteContact(&b); err != nil {
		t.Error(err)
	}
	// The first image fills its square.
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []image.Point{{gap, gap + caption}, {gap + 95, gap + caption + 95}} {
		if r, _, _, _ := img.At(at.X, at.Y).RGBA(); r == math.MaxUint16 {
			t.Errorf("pixel %v is white", at)
		}
	}
	if diff := cmp.Diff([]string{"the same image is in two splits: train/3 and test/1"}, s.Problems); diff != "" {
		t.Error(diff)
	}
}

// A directory of files without folders can be looked at, if no more.
func TestInspectLoose(t *testing.T) {
	dir := tree(t, map[string][]byte{"a.dcm": dicomOf(record{"1", ""}, 8, 8, ramp(1)), "b.png": pngOf(t, scan(1, 8, 8)), "notes.txt": []byte("?")})
	s := inspect(t, dir, "")
	if s.Images != 2 || s.Patients != 2 || s.Anonymous != 1 || len(s.Unreadable) != 1 || len(s.Unlisted) != 0 {
		t.Errorf("sheet %+v", s)
	}
	if len(s.Problems) != 1 || !strings.Contains(s.Problems[0], ErrNoLabels.Error()) {
		t.Errorf("problems %q", s.Problems)
	}
}

func TestInspectPipe(t *testing.T) {
	dir := tree(t, map[string][]byte{"a/1.png": pngOf(t, scan(1, 8, 8)), "b/1.png": pngOf(t, scan(2, 8, 8))})
	if err := makePipe(filepath.Join(dir, "a", "2.png")); err != nil {
		t.Skip("no pipes here:", err)
	}
	s := inspect(t, dir, "")
	if diff := cmp.Diff([]Refused{{"a/2.png", "not the expected format: not a regular file"}}, s.Unreadable); diff != "" {
		t.Error(diff)
	}
}

// reference counts a collection without splits in another way: from the rows
// that made it.
type reference struct {
	patient, label string
	picture        int // -1: unreadable
}

func TestInspectCounts(t *testing.T) {
	t.Parallel()
	pictures := make([][]byte, 6)
	for i := range pictures {
		pictures[i] = pngOf(t, scan(i, 10+i%2, 10))
	}
	rapid.Check(t, func(t *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) reference {
			return reference{
				rapid.SampledFrom([]string{"ann", "bob", "cyn", "dan"}).Draw(t, "patient"),
				rapid.SampledFrom([]string{"x", "y", "z"}).Draw(t, "label"),
				rapid.IntRange(-1, len(pictures)-1).Draw(t, "picture"),
			}
		}), 1, 8).Draw(t, "rows")
		rows = append(rows, reference{"eve", "x", 0}, reference{"eve", "y", 1}) // two classes
		dir, err := os.MkdirTemp("", "cohort")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		csv := "file,patient,label\n"
		files := map[string][]byte{}
		readable := map[string]int{} // files by label and patient
		patients, labels, sets := map[string]int{}, map[string]int{}, map[int]map[string]bool{}
		for i, r := range rows {
			name := fmt.Sprintf("%02d.png", i)
			csv += fmt.Sprintf("%s,%s,%s\n", name, r.patient, r.label)
			if r.picture < 0 {
				files[name] = []byte("?")
				continue
			}
			files[name] = pictures[r.picture]
			readable[r.label+" "+r.patient]++
			patients[r.patient]++
			labels[r.label]++
			if sets[r.picture] == nil {
				sets[r.picture] = map[string]bool{}
			}
			sets[r.picture][name] = true
		}
		files["l.csv"] = []byte(csv)
		put(t, dir, files)
		s, err := Inspect(context.Background(), Source{Dir: dir, Labels: filepath.Join(dir, "l.csv")}, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		images := 0
		for _, class := range s.Classes {
			of := 0
			for key := range readable {
				if strings.HasPrefix(key, class.Name+" ") {
					of++
				}
			}
			if class.Images != labels[class.Name] || class.Patients != of {
				t.Errorf("class %+v, want %d images of %d patients", class, labels[class.Name], of)
			}
			images += class.Images
		}
		if s.Images != images || s.Images+len(s.Unreadable) != len(rows) || s.Patients != len(patients) || s.Anonymous != 0 {
			t.Errorf("%d images, %d unreadable, %d patients", s.Images, len(s.Unreadable), s.Patients)
		}
		counts := slices.Sorted(maps.Values(patients))
		below, above := 0, 0 // the median has as many below as above
		for _, n := range counts {
			if float64(n) < s.PerPatient.Median {
				below++
			}
			if float64(n) > s.PerPatient.Median {
				above++
			}
		}
		if s.PerPatient.Min != counts[0] || s.PerPatient.Max != counts[len(counts)-1] || 2*max(below, above) > len(counts) {
			t.Errorf("%+v of %v", s.PerPatient, counts)
		}
		found := 0
		for _, set := range sets {
			if len(set) < 2 {
				continue
			}
			found++
			if !slices.ContainsFunc(s.Equal, func(e Equal) bool {
				return len(e.Files) == len(set) && !slices.ContainsFunc(e.Files, func(f string) bool { return !set[f] })
			}) {
				t.Errorf("%v is not among %v", set, s.Equal)
			}
		}
		if found != len(s.Equal) {
			t.Errorf("%d sets of equal images, want %d", len(s.Equal), found)
		}
		sizes := 0
		for _, tally := range s.Sizes {
			sizes += tally.Images
		}
		if sizes != images {
			t.Errorf("sizes of %d images", sizes)
		}
	})
}

func TestContact(t *testing.T) {
	files := map[string][]byte{}
	for i := range 15 {
		files[fmt.Sprintf("many/%02d.png", i)] = pngOf(t, scan(i, 30, 40))
	}
	files["few/a.png"] = pngOf(t, scan(90, 30, 40))
	files["few/b.png"] = files["few/a.png"] // shown once
	s := inspect(t, tree(t, files), "")
	var b, again bytes.Buffer
	if err := s.WriteContact(&b); err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	side := inspected[1]
	if size := img.Bounds().Size(); size.X != gap+perClass*(side+gap) || size.Y != gap+2*(caption+side+gap) {
		t.Errorf("size %v", size)
	}
	// dark counts the pixels of a rectangle that are not white.
	dark := func(x, y, w, h int) (n int) {
		for py := y; py < y+h; py++ {
			for px := x; px < x+w; px++ {
				if r, g, b, _ := img.At(px, py).RGBA(); r&g&b != math.MaxUint16 {
					n++
				}
			}
		}
		return n
	}
	for row, shown := range []int{1, 12} {
		y := gap + row*(caption+side+gap)
		if dark(0, y, img.Bounds().Dx(), caption) == 0 {
			t.Errorf("class %d has no name", row)
		}
		for k := range perClass {
			if n := dark(gap+k*(side+gap), y+caption, side, side); (n > side*side/2) != (k < shown) {
				t.Errorf("class %d: image %d has %d pixels", row, k, n)
			}
		}
	}
	// The first of the class few is its image.
	want := data8(t, s.thumbs[0][0].pixels)
	for y := range side {
		for x := range side {
			if r, _, _, _ := img.At(gap+x, gap+caption+y).RGBA(); uint8(r>>8) != want[y*side+x] {
				t.Fatalf("pixel %d, %d is %d", x, y, r>>8)
			}
		}
	}
	// Some is a choice by content, not by name or order.
	renamed := map[string][]byte{"few/x.png": files["few/a.png"], "few/y.png": files["few/b.png"]}
	for i := range 15 {
		renamed[fmt.Sprintf("many/%02d.png", 14-i)] = files[fmt.Sprintf("many/%02d.png", i)]
	}
	var first bytes.Buffer
	if err := s.WriteContact(&first); err != nil {
		t.Fatal(err)
	}
	if err := inspect(t, tree(t, renamed), "").WriteContact(&again); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), again.Bytes()) {
		t.Error("other names give another contact sheet")
	}
}

// data8 is the first plane of an inspected image.
func data8(t *testing.T, pixels []uint8) []uint8 {
	t.Helper()
	n := inspected[1] * inspected[2]
	if len(pixels) != 3*n {
		t.Fatalf("%d bytes", len(pixels))
	}
	return pixels[:n]
}

func TestContactOfManyClasses(t *testing.T) {
	s := &Sheet{shape: inspected, thumbs: make([][]thumb, mostClasses+3)}
	for i := range s.thumbs {
		s.Classes = append(s.Classes, Part{Name: strings.Repeat("long", 10*i), Images: i})
		s.keepThumb(i, prepared{hash: [32]byte{byte(i)}, pixels: make([]uint8, 3*96*96)})
	}
	var b bytes.Buffer
	if err := s.WriteContact(&b); err != nil {
		t.Fatal(err)
	}
	c, err := png.DecodeConfig(&b)
	if err != nil || c.Height != gap+mostClasses*(caption+inspected[1]+gap)+caption {
		t.Errorf("%d pixels high: %v", c.Height, err)
	}
}
