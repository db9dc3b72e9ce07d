package experiment

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bristle-fl/bristled/internal/wholefile"
)

// TestMain is also the process that TestKilled kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("BRISTLED_TEST_SWEEP"); dir != "" {
		f, err := Parse([]byte(longer))
		if err == nil {
			_, err = Sweep(context.Background(), f, library(), Options{Dir: dir, Resume: true, Workers: 2})
		}
		if err != nil {
			panic(err)
		}
		return
	}
	os.Exit(m.Run())
}

var longer = strings.Replace(tiny, "seeds: 2", "seeds: 8\nexplain: true", 1)

// TestKilled kills a process at work, twice, and resumes.
func TestKilled(t *testing.T) {
	want, dir := t.TempDir(), t.TempDir()
	must[Results](t)(run(t, longer, Options{Dir: want, Workers: 2}))
	for _, least := range []int{1, 9} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "BRISTLED_TEST_SWEEP="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
			if done, _ := filepath.Glob(filepath.Join(dir, "cells", "*.json")); len(done) >= least || time.Now().After(deadline) {
				break
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err == nil {
			t.Error("it had finished before it was killed")
		}
	}
	must[Results](t)(run(t, longer, Options{Dir: dir, Workers: 1, Resume: true}))
	if a, b := readTables(t, want), readTables(t, dir); a != b {
		t.Errorf("other bytes:\n%s\nwant\n%s", b, a)
	}
	for _, sub := range []string{".", "cells", "verdicts"} {
		if left := must[[]string](t)(filepath.Glob(filepath.Join(dir, sub, wholefile.Unfinished+"*"))); len(left) > 0 {
			t.Errorf("%v is left behind", left)
		}
	}
	for _, pattern := range []string{"verdicts/*/*", "cells/*.json"} {
		a, b := must[[]string](t)(filepath.Glob(filepath.Join(want, pattern))), must[[]string](t)(filepath.Glob(filepath.Join(dir, pattern)))
		if len(a) == 0 || len(a) > len(b) {
			t.Errorf("%s: %d files, want %d", pattern, len(b), len(a))
		}
		for _, path := range a {
			name, _ := filepath.Rel(want, path)
			if x, y := must[[]byte](t)(os.ReadFile(path)), must[[]byte](t)(os.ReadFile(filepath.Join(dir, name))); string(x) != string(y) {
				t.Errorf("%s differs", name)
			}
		}
	}
}
