package cohort

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/bristle-fl/bristled/learner/data"
)

// full is a disk on which so many steps succeed, and none after them. A write
// that fails has written half.
type full struct {
	mu   sync.Mutex
	left int
}

func (f *full) step() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left--
	return f.left >= 0
}

func (f *full) disk() *disk {
	good := realDisk()
	return &disk{
		write: func(file *os.File, b []byte) error {
			if f.step() {
				return good.write(file, b)
			}
			return errors.Join(good.write(file, b[:len(b)/2]), errsDiskFull[0])
		},
		sync: func(file *os.File) error {
			if f.step() {
				return good.sync(file)
			}
			return errsDiskFull[0]
		},
		rename: func(from, to string) error {
			if f.step() {
				return good.rename(from, to)
			}
			return errsDiskFull[0]
		},
	}
}

// whole checks that whatever is in a store hangs together, and returns how many
// images it has.
func whole(t *testing.T, store string) int {
	t.Helper()
	if !isStore(store) {
		return 0
	}
	c, err := list(Source{Dir: store})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.problems {
		if !errors.Is(p, ErrOneClass) {
			t.Error(p)
		}
	}
	log, err := os.ReadFile(filepath.Join(store, auditName))
	if err != nil {
		t.Fatal(err)
	}
	logged := map[string]bool{}
	for line := range bytes.Lines(log) {
		var l auditLine
		if json.Unmarshal(line, &l) == nil && l.Outcome == outcomeStored {
			logged[l.Sample] = true
		}
	}
	for i, image := range c.Images {
		b, err := os.ReadFile(c.path(i))
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(image.File), ".png")
		if sampleFile(sha256.Sum256(b)) != image.File || !logged[name] {
			t.Errorf("%s is damaged, or in no log", image.File)
		}
	}
	return len(c.Images)
}

// An import that fails at any step leaves what was there, and the next one
// brings what is missing.
func TestImportCrashes(t *testing.T) {
	t.Parallel()
	first := tree(t, map[string][]byte{"a.png": pngOf(t, scan(1, 8, 8)), "l.csv": []byte("file,patient,label\na.png,1,x\n")})
	second := tree(t, map[string][]byte{"b.png": pngOf(t, scan(2, 8, 8)), "c.png": pngOf(t, scan(3, 8, 8)), "bad.png": nil, "l.csv": []byte("file,patient,label\nb.png,1,x\nc.png,2,y\nbad.png,2,y\n")})
	source := Source{Dir: second, Labels: filepath.Join(second, "l.csv")}
	for name, before := range map[string]int{"new": 0, "old": 1} {
		t.Run(name, func(t *testing.T) {
			start := func() string {
				store := t.TempDir()
				if before > 0 {
					bring(t, first, "l.csv", store, options(7))
				}
				return store
			}
			clean := start()
			bring(t, second, "l.csv", clean, options(7))
			want := contents(t, clean)
			delete(want, auditName)
			steps := 0
			for ; ; steps++ {
				store := start()
				o := options(7)
				o.Workers = 1
				o.disk = (&full{left: steps}).disk()
				r, err := Import(context.Background(), source, store, o)
				if err == nil {
					break
				}
				if f, ok := errors.AsType[*data.FileError](err); !ok || !errors.Is(err, ErrDiskFull) || !strings.HasPrefix(f.Path, store) {
					t.Fatalf("step %d: error %v", steps, err)
				}
				// The result is right about a store of which nobody knows yet.
				if n := whole(t, store); n < before || n > before+2 || r != nil && r.Images < n {
					t.Fatalf("step %d: %d images, %+v", steps, n, r)
				}
				if r := bring(t, second, "l.csv", store, options(7)); r.Images != before+2 || len(r.Refused) != 1 {
					t.Errorf("step %d: imported %+v", steps, r)
				}
				whole(t, store)
				auditOf(t, store) // every line is whole
				got := contents(t, store)
				delete(got, auditName)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("step %d: %s", steps, diff)
				}
			}
			// Of two samples, log and index each has something to write, sync
			// or rename; a new store has a key too.
			if steps < 11 {
				t.Errorf("only %d steps", steps)
			}
		})
	}
}

// What a crash leaves unfinished goes away, and a line that is cut off does not
// spoil the next one.
func TestImportAfterCrash(t *testing.T) {
	dir, store := ward(t), t.TempDir()
	bring(t, dir, "labels.csv", store, options(7))
	put(t, store, map[string][]byte{unfinished + "123": []byte("half")})
	path := filepath.Join(store, auditName)
	log, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(log, log[:30]...), 0o600); err != nil {
		t.Fatal(err)
	}
	bring(t, dir, "labels.csv", store, options(7))
	if lines := auditOf(t, store); len(lines) != 14 {
		t.Errorf("%d lines", len(lines))
	}
	if _, err := os.Stat(filepath.Join(store, unfinished+"123")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what was unfinished is still there: %v", err)
	}
	// What is no log is left alone.
	noise := bytes.Repeat([]byte("x"), together*maxLine+1)
	if err := os.WriteFile(path, noise, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Import(context.Background(), Source{Dir: dir, Labels: filepath.Join(dir, "labels.csv")}, store, options(7))
	if !errors.Is(err, errTail) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, noise) {
		t.Errorf("the log was changed: %v", err)
	}
}

func FuzzAuditTail(f *testing.F) {
	f.Add([]byte("{}\n{}\n{\"ti"))
	f.Add([]byte("half"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, auditName)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := (&sampleStore{dir: dir, disk: realDisk()}).openAudit()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.add(auditLine{Outcome: outcomeKnown}), a.flush(), a.file.Close()); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kept := b[:bytes.LastIndexByte(b, '\n')+1]
		if !bytes.HasPrefix(got, kept) || bytes.Count(got, []byte("\n")) != bytes.Count(kept, []byte("\n"))+1 || got[len(got)-1] != '\n' {
			t.Errorf("%q became %q", b, got)
		}
	})
}

func FuzzSecret(f *testing.F) {
	f.Add([]byte(strings.Repeat("0a", 32) + "\n"))
	f.Add([]byte("xyz"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &sampleStore{dir: t.TempDir(), disk: realDisk()}
		if err := os.WriteFile(s.path(keyName), b, 0o600); err != nil {
			t.Fatal(err)
		}
		err := s.openSecret(nil)
		digits := strings.Trim(string(b), " \t\r\n\v\f\u0085\u00a0")
		if err != nil && !errors.Is(err, ErrKey) {
			t.Fatal(err)
		}
		if err != nil && len(digits) > 3 && strings.Contains(err.Error(), digits) {
			t.Errorf("%v tells the key", err)
		}
		if err == nil && len(digits) != 64 {
			t.Errorf("%q is a key", b)
		}
	})
}
