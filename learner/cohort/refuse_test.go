package cohort

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImportConflicts(t *testing.T) {
	one, two := pngOf(t, scan(1, 8, 8)), pngOf(t, scan(2, 8, 8))
	store := t.TempDir()
	first := tree(t, map[string][]byte{"a.png": one, "b.png": two, "l.csv": []byte("file,patient,label,split\na.png,1,x,train\nb.png,2,y,test\n")})
	bring(t, first, "l.csv", store, options(1))
	for name, test := range map[string]struct{ row, reason string }{
		"patient": {"a.png,3,x,train", "of another patient"},
		"class":   {"a.png,1,z,train", "in another class"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, map[string][]byte{"a.png": one, "l.csv": []byte("file,patient,label,split\n" + test.row + "\n")})
			r := bring(t, dir, "l.csv", store, options(2))
			if r.Added != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, test.reason) || r.Images != 2 {
				t.Errorf("imported %+v", r)
			}
		})
	}
	// Within one import the first counts.
	dir := tree(t, map[string][]byte{"a.png": pngOf(t, scan(3, 8, 8)), "b.png": pngOf(t, scan(3, 8, 8)), "c.png": pngOf(t, scan(3, 8, 8)),
		"l.csv": []byte("file,patient,label,split\na.png,7,x,train\nb.png,8,x,train\nc.png,7,x,train\n")})
	if r := bring(t, dir, "l.csv", store, options(2)); r.Added != 1 || r.Known != 1 || len(r.Refused) != 1 || r.Refused[0].File != "b.png" {
		t.Errorf("imported %+v", r)
	}
	if s := inspect(t, store, ""); len(s.Problems) > 0 {
		t.Errorf("problems %q", s.Problems)
	}
}

func TestImportRefuses(t *testing.T) {
	image := pngOf(t, scan(1, 8, 8))
	dir := tree(t, map[string][]byte{
		"in/a.png": image, "in/b.png": pngOf(t, scan(2, 8, 8)), "in/l.csv": []byte("file,patient,label\na.png,1,x\nb.png,2,y\n"),
		"in/wrong.csv": []byte("file,patient,label\na.png,1,x\nnowhere.png,2,y\n"),
		"in/split.csv": []byte("file,patient,label,split\na.png,1,x,train\nb.png,2,y,test\n"),
		"in/other.csv": []byte("file,patient,label,split\na.png,9,x,train\nb.png,66660,y,test\n"),
		"full/x.txt":   nil, "loose/a.png": image,
	})
	at := func(name string) string { return filepath.Join(dir, name) }
	in := func(labels string) Source { return Source{Dir: at("in"), Labels: at("in/" + labels)} }
	start := func(t *testing.T, labels string) string {
		store := filepath.Join(t.TempDir(), "store")
		bring(t, at("in"), labels, store, options(1))
		return store
	}
	broken := func(name string, b []byte, mode os.FileMode) func(*testing.T) string {
		return func(t *testing.T) string {
			store := start(t, "l.csv")
			path := filepath.Join(store, name)
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			if b != nil {
				if err := errors.Join(os.WriteFile(path, b, 0o600), os.Chmod(path, mode)); err != nil {
					t.Fatal(err)
				}
			}
			return store
		}
	}
	fixed := func(name string) func(*testing.T) string { return func(*testing.T) string { return at(name) } }
	for name, test := range map[string]struct {
		source Source
		store  func(t *testing.T) string
		is     error
		says   string
	}{
		"a row":            {in("wrong.csv"), fixed("new"), ErrNotThere, "wrong.csv: line 3"},
		"no labels":        {Source{Dir: at("loose")}, fixed("new"), ErrNoLabels, "loose"},
		"no store":         {in("l.csv"), fixed("full"), ErrNoStore, "x.txt is in it"},
		"a file":           {in("l.csv"), fixed("full/x.txt"), nil, "x.txt"},
		"itself":           {Source{Dir: at("in"), Labels: at("in/l.csv")}, fixed("in"), nil, "lie in one another"},
		"inside":           {in("l.csv"), fixed("in/deep/store"), nil, "lie in one another"},
		"around":           {Source{Dir: at("in"), Labels: at("in/l.csv")}, fixed("."), nil, "lie in one another"},
		"key lost":         {in("l.csv"), broken(keyName, nil, 0), ErrKey, "put it back"},
		"key damaged":      {in("l.csv"), broken(keyName, []byte("abcd\n"), 0o600), ErrKey, "it is damaged"},
		"key open":         {in("l.csv"), broken(keyName, bytes.Repeat([]byte("0"), 64), 0o644), ErrKey, "chmod 600"},
		"index damaged":    {in("l.csv"), broken(indexName, []byte("nonsense"), 0o600), ErrColumn, "index.csv: line 1"},
		"splits":           {in("split.csv"), func(t *testing.T) string { return start(t, "l.csv") }, ErrSplit, "what is to be imported has splits"},
		"no splits":        {in("l.csv"), func(t *testing.T) string { return start(t, "split.csv") }, ErrSplit, "has none"},
		"patient in split": {in("other.csv"), func(t *testing.T) string { return startOther(t, image) }, ErrTwoSplits, "other.csv: line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && name == "key open" {
				t.Skip("no modes of files")
			}
			store := test.store(t)
			var before map[string]string
			if isStore(store) {
				before = contents(t, store)
			}
			_, err := Import(context.Background(), test.source, store, options(3))
			if err == nil || test.is != nil && !errors.Is(err, test.is) || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("error %v, want %v and %q", err, test.is, test.says)
			}
			if strings.Contains(err.Error(), "66660") || strings.Contains(err.Error(), "abcd") {
				t.Errorf("error %q tells too much", err)
			}
			if before != nil {
				if diff := cmp.Diff(before, contents(t, store)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	if _, err := os.Stat(at("new")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused import has made a store: %v", err)
	}
}

// startOther makes a store in which a patient is in train.
func startOther(t *testing.T, image []byte) string {
	store := filepath.Join(t.TempDir(), "store")
	dir := tree(t, map[string][]byte{"c.png": image, "l.csv": []byte("file,patient,label,split\nc.png,66660,x,train\n")})
	bring(t, dir, "l.csv", store, options(1))
	return store
}
