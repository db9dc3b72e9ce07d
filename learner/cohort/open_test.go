package cohort

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/bristle-fl/bristled/learner/data"
)

// openTable opens a directory of empty files with a labels file.
func openTable(t *testing.T, csv string, columns Columns, names ...string) (*Cohort, error) {
	t.Helper()
	files := map[string][]byte{"labels.csv": []byte(csv)}
	for _, name := range names {
		files[name] = nil
	}
	dir := tree(t, files)
	return Open(Source{Dir: dir, Labels: filepath.Join(dir, "labels.csv"), Columns: columns})
}

var noLines = cmpopts.IgnoreFields(Image{}, "line")

func TestOpenTable(t *testing.T) {
	two := []Image{{File: "a.png", Patient: "1", Label: 1}, {File: "b.png", Patient: "2", Label: 0}}
	for name, test := range map[string]struct {
		csv     string
		columns Columns
		want    []Image
	}{
		"plain":     {"file,patient,label\na.png,1,sick\nb.png,2,healthy\n", Columns{}, two},
		"CRLF":      {"file,patient,label\r\na.png,1,sick\r\nb.png,2,healthy\r\n", Columns{}, two},
		"no end":    {"file,patient,label\na.png,1,sick\nb.png,2,healthy", Columns{}, two},
		"BOM":       {"\xef\xbb\xbffile,patient,label\na.png,1,sick\nb.png,2,healthy\n", Columns{}, two},
		"quoted":    {"\xef\xbb\xbf\"file\",\"patient\",\"label\"\n\"a.png\",1,sick\nb.png,2,healthy\n", Columns{}, two},
		"semicolon": {"file;note, with comma;patientid;class\na.png;x,y;1;sick\nb.png;;2;healthy\n", Columns{}, two},
		"order":     {"Finding,Patient_ID,other,FILE\nsick,1,x,a.png\nhealthy,2,y,b.png\n", Columns{}, two},
		"spaces":    {"file , patient, label\n a.png ,1 , sick\nb.png,2,healthy \n", Columns{}, two},
		"first":     {"finding,label,file,patient\nx,sick,a.png,1\ny,healthy,b.png,2\n", Columns{}, two},
		"given":     {"path,who,label,diagnosis\na.png,1,x,sick\nb.png,2,y,healthy\n", Columns{File: "path", Patient: "WHO", Label: "diagnosis"}, two},
		"dots":      {"file,patient,label\n./a.png,1,sick\nx/../b.png,2,healthy\n", Columns{}, two},
		"split": {"file,patient,label,split\na.png,1,sick,train\nb.png,2,healthy,Test\n", Columns{},
			[]Image{{File: "a.png", Patient: "1", Label: 1, Split: Train}, {File: "b.png", Patient: "2", Label: 0, Split: Test}}},
		"empty split": {"file,patient,label,split\na.png,1,sick,\nb.png,2,healthy,\n", Columns{}, two},
		"split elsewhere": {"file,patient,label,split,part\na.png,1,sick,?,val\nb.png,2,healthy,?,train\n", Columns{Split: "part"},
			[]Image{{File: "a.png", Patient: "1", Label: 1, Split: Val}, {File: "b.png", Patient: "2", Label: 0, Split: Train}}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := openTable(t, test.csv, test.columns, "a.png", "b.png")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, c.Images, noLines); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"healthy", "sick"}, c.Classes); diff != "" {
				t.Error(diff)
			}
			if len(c.Unlisted) != 0 || c.LeftOut != 0 || c.Mixed != 0 {
				t.Errorf("unlisted %q, left out %d, mixed %d", c.Unlisted, c.LeftOut, c.Mixed)
			}
		})
	}
}

func TestOpenTableReports(t *testing.T) {
	c, err := openTable(t, "file,patient,label\n"+
		"one/a.png,1,sick\n"+
		"one\\b.png,1,healthy\n"+ // Windows wrote it
		"c.png,2, \n"+
		"nowhere.png,,\n"+
		"one/d.png,3,sick\n",
		Columns{}, "one/a.png", "one/b.png", "c.png", "one/d.png", "e.png", "one/.hidden", ".git/x", "two/f.png")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Images) != 3 || c.Images[1].File != "one/b.png" {
		t.Errorf("images %v", c.Images)
	}
	if c.LeftOut != 2 || c.Mixed != 1 {
		t.Errorf("%d left out, %d mixed", c.LeftOut, c.Mixed)
	}
	if diff := cmp.Diff([]string{"e.png", "two/f.png"}, c.Unlisted); diff != "" {
		t.Error(diff)
	}
}

func TestOpenTableRefuses(t *testing.T) {
	const good = "file,patient,label\na.png,1,sick\nb.png,2,healthy\n"
	for name, test := range map[string]struct {
		csv  string
		is   error
		line int    // 0: the error is about the file
		says string // besides
	}{
		"file not there":    {good + "c.png,3,sick\n", ErrNotThere, 4, "c.png: no such file or directory (correct the name"},
		"directory":         {good + "folder,3,sick\n", ErrNotThere, 4, "folder is a directory"},
		"no file":           {good + ",3,sick\n", ErrNotThere, 4, "the row names none"},
		"twice":             {good + "./a.png,1,sick\n", ErrTwice, 4, "a.png is in line 2 too"},
		"twice, backslash":  {good + "folder\\d.png,4,sick\nfolder/d.png,4,sick\n", ErrTwice, 5, "folder/d.png is in line 4"},
		"no patient":        {good + "folder/d.png, ,sick\n", ErrNoPatient, 4, "folder/d.png"},
		"parent":            {good + "../a.png,1,sick\n", ErrOutside, 4, "../a.png"},
		"parent, backslash": {good + "folder\\..\\..\\a.png,1,sick\n", ErrOutside, 4, ""},
		"absolute":          {good + "/etc/passwd,1,sick\n", ErrOutside, 4, "/etc/passwd"},
		"no label column":   {"file,patient,diagnosis\na.png,1,sick\n", ErrColumn, 1, "there is no label, class, finding (the columns are file, patient, diagnosis"},
		"no patient column": {"file,label\na.png,sick\n", ErrColumn, 1, "there is no patient, patientid, patient_id"},
		"no file column":    {"picture,patient,label\na.png,1,sick\n", ErrColumn, 1, "there is no file"},
		"fields":            {good + "folder/d.png,3\n", data.ErrFormat, 4, "2 fields, the header has 3"},
		"quote":             {good + "folder/d.png,3,\"sick\nfolder/e.png,4,x", data.ErrFormat, 5, "save the table as CSV"},
		"bare quote":        {good + "folder/d\"x.png,3,sick\n", data.ErrFormat, 4, "save the table as CSV"},
		"Latin-1":           {good + "folder/d.png,3,\xfcbel\n", data.ErrFormat, 4, "no UTF-8 text"},
		"escape":            {good + "folder/d.png,3,\x1b[2J\n", data.ErrFormat, 4, "no UTF-8 text"},
		"long":              {good + "folder/d.png,3," + strings.Repeat("x", 2000) + "\n", data.ErrFormat, 4, "1024 bytes"},
		"UTF-16":            {"\xff\xfef\x00i\x00l\x00e\x00", data.ErrFormat, 1, "in UTF-8"},
		"one class":         {"file,patient,label\na.png,1,sick\nb.png,2,sick\n", ErrOneClass, 0, `"sick" (two are needed`},
		"no rows":           {"file,patient,label\n", data.ErrEmpty, 0, "add a row for each image"},
		"no labels":         {"file,patient,label\na.png,1,\nb.png,2,\n", data.ErrEmpty, 0, "none of 2 rows has a label"},
		"nothing":           {"", data.ErrEmpty, 0, "it begins with a header"},
		"unknown split":     {"file,patient,label,split\na.png,1,sick,train\nb.png,2,healthy,holdout\n", ErrSplit, 3, `"holdout" of b.png (write train, val or test)`},
		"some splits":       {"file,patient,label,split\na.png,1,sick,\nb.png,2,healthy,test\n", ErrSplit, 2, "a.png has none while others have one"},
		"two splits":        {"file,patient,label,split\na.png,77001,sick,train\nb.png,2,healthy,test\nfolder/d.png,77001,sick,test\n", ErrTwoSplits, 4, "that of folder/d.png is in test, and by a.png of line 2 in train"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := openTable(t, test.csv, Columns{}, "a.png", "b.png", "folder/d.png", "folder/e.png")
			if !errors.Is(err, test.is) {
				t.Fatalf("error %v, want %v", err, test.is)
			}
			if !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "labels.csv: ") {
				t.Errorf("error %q does not say %q", err, test.says)
			}
			if strings.Contains(err.Error(), "77001") {
				t.Errorf("error %q names the patient", err)
			}
			row, ok := errors.AsType[*RowError](err)
			switch {
			case ok != (test.line > 0):
				t.Errorf("error %#v", err)
			case ok && (row.Line != test.line || filepath.Base(row.File) != "labels.csv"):
				t.Errorf("the error is about %s, line %d", row.File, row.Line)
			case !ok:
				if _, ok := errors.AsType[*data.FileError](err); !ok {
					t.Errorf("error %#v", err)
				}
			}
		})
	}
}

// All that is wrong is told at once, as far as anybody would read it.
func TestOpenTellsAll(t *testing.T) {
	csv := "file,patient,label\na.png,1,sick\nb.png,2,healthy\n"
	for range 15 {
		csv += "nowhere.png,3,sick\n"
	}
	_, err := openTable(t, csv, Columns{}, "a.png", "b.png")
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != mostTold+1 || lines[mostTold] != "and 5 more" || !strings.Contains(lines[1], "line 5") {
		t.Errorf("error %q", lines)
	}
}

func TestOpenGivenColumnMustBeThere(t *testing.T) {
	_, err := openTable(t, "file,patient,label,split\na.png,1,sick,\nb.png,2,healthy,\n", Columns{Split: "fold"}, "a.png", "b.png")
	if !errors.Is(err, ErrColumn) || !strings.Contains(err.Error(), "there is no fold") {
		t.Errorf("error %v", err)
	}
}

func TestOpenSourceRefuses(t *testing.T) {
	dir := tree(t, map[string][]byte{"file.txt": []byte("no npz"), "empty/.hidden": nil, "flat/a.png": nil, "one/class/a.png": nil, "two/x/a.png": nil, "two/y/b.png": nil})
	at := func(name string) string { return filepath.Join(dir, name) }
	for name, test := range map[string]struct {
		source Source
		is     error
		says   string
	}{
		"not there":         {Source{Dir: at("nowhere")}, os.ErrNotExist, "name a directory of images"},
		"no npz":            {Source{Dir: at("file.txt")}, data.ErrFormat, "file.txt"},
		"labels not there":  {Source{Dir: dir, Labels: at("nowhere.csv")}, os.ErrNotExist, "nowhere.csv: no such file or directory (name a CSV file"},
		"labels no file":    {Source{Dir: dir, Labels: at("empty")}, data.ErrFormat, "not a regular file"},
		"labels for a file": {Source{Dir: at("file.txt"), Labels: at("file.txt")}, nil, "not a directory"},
		"empty":             {Source{Dir: at("empty")}, data.ErrEmpty, "put images into one folder per class"},
		"no folders":        {Source{Dir: at("flat")}, ErrNoLabels, "or name a labels file"},
		"one class":         {Source{Dir: at("one")}, ErrOneClass, `"class"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(test.source)
			if _, ok := errors.AsType[*data.FileError](err); !ok {
				t.Fatalf("error %v", err)
			}
			if test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %v and %q", err, test.is, test.says)
			}
		})
	}
}

func TestOpenFolders(t *testing.T) {
	dir := tree(t, map[string][]byte{
		"sick/b.png":          nil,
		"sick/P7/study/IM1":   nil, // as archives export
		"healthy/a.png":       nil,
		"healthy/.thumbs/x":   nil,
		"notes.txt":           nil,
		".git/config":         nil,
		"sick/\x1b[2J.png":    nil,
		"elsewhere/c.png":     nil,
		"healthy/Thumbs\xff2": nil,
	})
	elsewhere := t.TempDir()
	if err := os.Rename(filepath.Join(dir, "elsewhere"), filepath.Join(elsewhere, "real")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(elsewhere, "real"), filepath.Join(dir, "linked")); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Source{Dir: dir})
	if !errors.Is(err, data.ErrFormat) || !strings.Contains(err.Error(), `"sick/\x1b[2J.png" (rename it`) || !strings.Contains(err.Error(), `Thumbs\xff2`) {
		t.Fatalf("error %q", err)
	}
	for _, name := range []string{"sick/\x1b[2J.png", "healthy/Thumbs\xff2"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	c, err := Open(Source{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	want := []Image{{File: "healthy/a.png", Label: 0}, {File: "linked/c.png", Label: 1}, {File: "sick/P7/study/IM1", Label: 2}, {File: "sick/b.png", Label: 2}}
	if diff := cmp.Diff(want, c.Images, noLines); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"healthy", "linked", "sick"}, c.Classes); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"notes.txt"}, c.Unlisted); diff != "" {
		t.Error(diff)
	}
}

func TestOpenNPZ(t *testing.T) {
	dir := tree(t, map[string][]byte{"set.npz": npzOf(t, map[string][][2]int{"train": {{1, 10}, {2, 2}}, "test": {{3, 10}}})})
	c, err := Open(Source{Dir: filepath.Join(dir, "set.npz")})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"2", "10"}, c.Classes); diff != "" {
		t.Error(diff)
	}
	want := []Image{{File: "train/0", Label: 1, Split: Train}, {File: "train/1", Label: 0, Split: Train}, {File: "test/0", Label: 1, Split: Test}}
	if diff := cmp.Diff(want, c.Images, noLines); diff != "" {
		t.Error(diff)
	}
}

func FuzzOpenTable(f *testing.F) {
	for _, seed := range []string{
		"file,patient,label\na.png,1,sick\nb.png,2,healthy\n",
		"\xef\xbb\xbffile;patientid;finding;split\nd\\c.png;1;x;train\nb.png;1;y;train\n",
		"file,patient,label\n\"a.png\",1,\"s\"\"ick\"\nb.png,2,\n../x,1,1\n",
		"\xff\xfef\x00", "PK\x03\x04", "file,patient,label,split\na.png,1,0,val\nb.png,1,1,test\n",
	} {
		f.Add([]byte(seed))
	}
	dir := tree(f, map[string][]byte{"a.png": nil, "b.png": nil, "d/c.png": nil})
	labels := filepath.Join(f.TempDir(), "labels.csv")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(labels, b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Open(Source{Dir: dir, Labels: labels})
		if err != nil {
			if c, ok := errors.AsType[*RowError](err); ok && (c.Line < 1 || c.File != labels) {
				t.Errorf("the error is about %s, line %d", c.File, c.Line)
			}
			return
		}
		seen, splits := map[string]bool{}, map[string]string{}
		if len(c.Classes) < 2 || len(c.Images) > 3 {
			t.Errorf("%d classes, %d images", len(c.Classes), len(c.Images))
		}
		for _, image := range c.Images {
			if _, err := os.Stat(filepath.Join(dir, image.File)); err != nil || !filepath.IsLocal(image.File) || seen[image.File] {
				t.Errorf("image %q: %v", image.File, err)
			}
			if split, ok := splits[image.Patient]; ok && split != image.Split || image.Patient == "" {
				t.Errorf("patient %q in %q and %q", image.Patient, split, image.Split)
			}
			if image.Label < 0 || image.Label >= len(c.Classes) || !graphic(c.Classes[image.Label]) {
				t.Errorf("label %d of %q", image.Label, c.Classes)
			}
			seen[image.File], splits[image.Patient] = true, image.Split
		}
		if len(c.Unlisted)+len(c.Images) > 3 {
			t.Errorf("unlisted %q", c.Unlisted)
		}
	})
}
