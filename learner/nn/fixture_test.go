package nn

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/bristle-fl/bristled/learner/nn/graph"
	"github.com/bristle-fl/bristled/learner/nn/npy"
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

// array is a NumPy array whose numbers npy reads as float32 or int64.
type array struct {
	dims   []int
	values []float64
}

func arrayOf(t testing.TB, name string, x *graph.Tensor) array {
	t.Helper()
	a := array{dims: x.Dims}
	for _, v := range x.F32 {
		a.values = append(a.values, float64(v))
	}
	for _, v := range x.I64 {
		a.values = append(a.values, float64(v))
	}
	if len(a.values) != x.Len() {
		t.Fatalf("%s is an array of %v", name, x.Type)
	}
	return a
}

func (a array) extents() []int { return a.dims }

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

// readNPY reads a golden .npy file.
func readNPY(t testing.TB, name string) array {
	t.Helper()
	b, err := os.ReadFile(golden(t, name))
	if err != nil {
		t.Fatal(err)
	}
	x, err := npy.Read(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return arrayOf(t, name, x)
}

// readNPZ reads a golden .npz file.
func readNPZ(t testing.TB, name string) map[string]array {
	t.Helper()
	return readArchive(t, golden(t, name))
}

// readArchive reads any .npz file.
func readArchive(t testing.TB, path string) map[string]array {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tensors, err := npy.ReadArchive(b)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	all := make(map[string]array, len(tensors))
	for name, x := range tensors {
		all[name] = arrayOf(t, name, x)
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
