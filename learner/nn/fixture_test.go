package nn

import (
	"archive/zip"
	"encoding/binary"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// golden returns the path of a golden fixture, and skips the test if the data
// are not there.
func golden(t testing.TB, name string) string {
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
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
	path := filepath.Join(dir, "..", "shared", "data", "golden", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("golden fixtures are not beside the repository: %v", err)
	}
	return path
}

// array is a NumPy array; its numbers are float32, float64 or int64 there.
type array struct {
	shape  string
	values []float64
}

func (a array) float32s() []float32 {
	x := make([]float32, len(a.values))
	for i, v := range a.values {
		x[i] = float32(v)
	}
	return x
}

func (a array) ints() []int {
	x := make([]int, len(a.values))
	for i, v := range a.values {
		x[i] = int(v)
	}
	return x
}

var npyHeader = regexp.MustCompile(`'descr': '(<f4|<f8|<i8)', 'fortran_order': False, 'shape': (\([^)]*\))`)

func parseNPY(t testing.TB, r io.Reader) array {
	t.Helper()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(b), "\x93NUMPY\x01\x00") {
		t.Fatalf("not an npy 1.0 file: % x", b[:min(8, len(b))])
	}
	end := 10 + int(binary.LittleEndian.Uint16(b[8:]))
	m := npyHeader.FindSubmatch(b[:end])
	if m == nil {
		t.Fatalf("npy header %q", b[10:end])
	}
	a := array{shape: string(m[2])}
	for b = b[end:]; len(b) > 0; {
		switch string(m[1]) {
		case "<f4":
			a.values = append(a.values, float64(math.Float32frombits(binary.LittleEndian.Uint32(b))))
			b = b[4:]
		case "<f8":
			a.values = append(a.values, math.Float64frombits(binary.LittleEndian.Uint64(b)))
			b = b[8:]
		default:
			a.values = append(a.values, float64(int64(binary.LittleEndian.Uint64(b))))
			b = b[8:]
		}
	}
	return a
}

// readNPY reads a golden .npy file.
func readNPY(t testing.TB, name string) array {
	t.Helper()
	f, err := os.Open(golden(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return parseNPY(t, f)
}

// readNPZ reads a golden .npz file.
func readNPZ(t testing.TB, name string) map[string]array {
	t.Helper()
	z, err := zip.OpenReader(golden(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	all := map[string]array{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(f.Name, ".npy")] = parseNPY(t, r)
	}
	return all
}

// within fails unless max|got-want| <= tolerance * max|want|.
func within(t testing.TB, what string, got []float32, want []float64, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	var worst, largest float64
	for i, v := range got {
		d := math.Abs(float64(v) - want[i])
		if math.IsNaN(d) {
			d = math.Inf(1)
		}
		worst = max(worst, d)
		largest = max(largest, math.Abs(want[i]))
	}
	if worst > tolerance*largest {
		t.Errorf("%s: off by %.3g of %.3g, more than %g", what, worst, largest, tolerance)
	}
}
