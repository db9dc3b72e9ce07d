package q8

import (
	"archive/zip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// goldenPath returns a file of the golden fixtures, which lie beside the
// module, or skips the test.
func goldenPath(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Skip("no go.mod above the working directory")
		}
		dir = parent
	}
	file := filepath.Join(dir, "..", "shared", "data", "golden", name)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		t.Skipf("no golden fixtures: %s is not there", name)
	}
	return file
}

// npz returns the raw little-endian elements of every member of an archive.
func npz(t *testing.T, name string) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader(goldenPath(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	members := map[string][]byte{}
	for _, f := range archive.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		r.Close()
		if err != nil || len(raw) < 10 {
			t.Fatalf("%s: %d bytes, %v", f.Name, len(raw), err)
		}
		header := 10 + int(binary.LittleEndian.Uint16(raw[8:]))
		if strings.Contains(string(raw[:header]), "'fortran_order': True") {
			t.Fatalf("%s is in Fortran order", f.Name)
		}
		members[strings.TrimSuffix(f.Name, ".npy")] = raw[header:]
	}
	return members
}

func words(raw []byte) []int32 {
	x := make([]int32, len(raw)/4)
	for i := range x {
		x[i] = int32(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return x
}

func numbers(raw []byte) []float32 {
	x := make([]float32, len(raw)/4)
	for i, w := range words(raw) {
		x[i] = math.Float32frombits(uint32(w))
	}
	return x
}

func signed(raw []byte) []int8 {
	x := make([]int8, len(raw))
	for i, v := range raw {
		x[i] = int8(v)
	}
	return x
}

func goldenJSON(t *testing.T, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile(goldenPath(t, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatal(err)
	}
}
