package f32

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// TestOpsSameOnPaths runs every operation, into another vector and into its
// operands.
func TestOpsSameOnPaths(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	parameters := [][2]float32{{-0.75, 1.5}, {1.0 / 6, 0.5}}
	for o := range opCount {
		for _, n := range vecLengths() {
			for _, p := range parameters {
				what := fmt.Sprintf("operation %d", o)
				dst, a, b := make([]float32, n), mixed(rng, n), mixed(rng, n)
				samePaths(t, what, func(on cpu.Path, x [][]float32) { elementwise(on, o, x[0], x[1], x[2], p[0], p[1]) }, dst, a, b)
				samePaths(t, what+" into a", func(on cpu.Path, x [][]float32) { elementwise(on, o, x[0], x[0], x[1], p[0], p[1]) }, a, b)
				samePaths(t, what+" into b", func(on cpu.Path, x [][]float32) { elementwise(on, o, x[1], x[0], x[1], p[0], p[1]) }, a, b)
			}
		}
	}
}

func TestArithmetic(t *testing.T) {
	a, b := []float32{1, 2, 3, -4}, []float32{2, -5, 0.5, 8}
	dst := make([]float32, 4)
	for _, test := range []struct {
		name string
		do   func()
		want []float32
	}{
		{"Add", func() { Add(dst, a, b) }, []float32{3, -3, 3.5, 4}},
		{"Sub", func() { Sub(dst, a, b) }, []float32{-1, 7, 2.5, -12}},
		{"Mul", func() { Mul(dst, a, b) }, []float32{2, -10, 1.5, -32}},
		{"Div", func() { Div(dst, a, b) }, []float32{0.5, -0.4, 6, -0.5}},
		{"AddScalar", func() { AddScalar(dst, a, 2) }, []float32{3, 4, 5, -2}},
		{"MulScalar", func() { MulScalar(dst, a, 2) }, []float32{2, 4, 6, -8}},
		{"DivScalar", func() { DivScalar(dst, a, 2) }, []float32{0.5, 1, 1.5, -2}},
		{"MulRow", func() { MulRow(dst, a, b[:2], 2) }, []float32{2, -10, 6, 20}},
		{"AddRow", func() { AddRow(dst, a, b[:2], 2) }, []float32{3, -3, 5, -9}},
		{"Affine", func() { Affine(dst, a, b[:2], b[2:], 2) }, []float32{2.5, -2, 6.5, 28}},
		{"ColumnSums", func() { ColumnSums(dst[:2], a, 2) }, []float32{4, -2}},
		{"ColumnDots", func() { ColumnDots(dst[:2], a, b, 2) }, []float32{3.5, -42}},
		{"RowSums", func() { RowSums(dst[:2], a, 2) }, []float32{3, -1}},
		{"MeanRows", func() { MeanRows(dst[:2], a, 1, 2) }, []float32{2, -1}},
		{"MeanRows of two", func() { MeanRows(dst[:2], a, 2, 2) }, []float32{1.5, -0.5}},
		{"MeanRowsGrad", func() { MeanRowsGrad(dst, a[:2], 1, 2) }, []float32{0.5, 1, 0.5, 1}},
		{"CopyBlocks", func() { CopyBlocks(dst, 2, a[1:], 1, 2, 2) }, []float32{2, 3, 3, -4}},
		{"CopyBlocks whole", func() { CopyBlocks(dst, 2, b, 2, 2, 2) }, b},
		{"CopyBlocks single", func() { CopyBlocks(dst, 3, b, 1, 2, 1) }, []float32{2, -5, 0.5, -5}},
	} {
		test.do()
		mustBeSame(t, test.name, cpu.Active(), dst, test.want)
	}
}

// TestRowsSameOnPaths covers what a row does to a matrix and sums over rows.
func TestRowsSameOnPaths(t *testing.T) {
	check := func(t rapid.TB, rng *rand.Rand, rows, cols int) {
		x, y := mixed(rng, rows*cols), mixed(rng, rows*cols)
		scale, shift := mixed(rng, cols), mixed(rng, cols)
		for o := range rowAffine + 1 {
			samePaths(t, "overRows", func(on cpu.Path, v [][]float32) { overRows(on, o, v[0], v[1], v[2], v[3], rows) },
				make([]float32, rows*cols), x, scale, shift)
		}
		samePaths(t, "columnSums", func(on cpu.Path, v [][]float32) { columnSumsOn(on, v[0], v[1], rows) }, scale, x)
		samePaths(t, "columnDots", func(on cpu.Path, v [][]float32) { columnDotsOn(on, v[0], v[1], v[2], rows) }, scale, x, y)
		samePaths(t, "rowSum", func(on cpu.Path, v [][]float32) { v[0][0] = rowSum(on, v[1]) }, make([]float32, 1), x)
		samePaths(t, "rowMax", func(on cpu.Path, v [][]float32) { v[0][0] = rowMax(on, v[1]) + 0 }, make([]float32, 1), x)
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, drawRand(t), rapid.IntRange(1, 9).Draw(t, "rows"), rapid.IntRange(1, 150).Draw(t, "cols"))
	})
	rng := rand.New(rand.NewPCG(3, 4))
	check(t, rng, 3, vecColumns+37)
	check(t, rng, vecStretch/16+5, 16)
	check(t, rng, 1, vecStretch+100)
}

// TestColumnSumsOrder holds sums over rows to their definition.
func TestColumnSumsOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	const rows, cols = 1000, 45
	x, y := numbers(rng, rows*cols), numbers(rng, rows*cols)
	sums, dots := make([]float32, cols), make([]float32, cols)
	for i, v := range x {
		sums[i%cols] += v
		dots[i%cols] += float32(v * y[i])
	}
	got := make([]float32, cols)
	ColumnSums(got, x, rows)
	mustBeSame(t, "ColumnSums", cpu.Active(), got, sums)
	ColumnDots(got, x, y, rows)
	mustBeSame(t, "ColumnDots", cpu.Active(), got, dots)
}

// TestRowSumsOrder holds sums over a row to their definition.
func TestRowSumsOrder(t *testing.T) {
	x := numbers(rand.New(rand.NewPCG(7, 8)), vecStretch+75)
	var l [16]float32
	for i, v := range x {
		l[i%16] += v
	}
	for i := range 8 {
		l[i] += l[i+8]
	}
	for i := range 4 {
		l[i] += l[i+4]
	}
	want := (l[0] + l[2]) + (l[1] + l[3])
	got := make([]float32, 1)
	RowSums(got, x, len(x))
	if got[0] != want {
		t.Errorf("RowSums is %g instead of %g", got[0], want)
	}
}

func TestVectorPanics(t *testing.T) {
	x, y := make([]float32, 3), make([]float32, 4)
	for name, call := range map[string]func(){
		"Add":        func() { Add(x, x, y) },
		"Relu":       func() { Relu(x, y) },
		"ReluGrad":   func() { ReluGrad(x, y, x) },
		"Pow":        func() { Pow(x, y, 2) },
		"PowGrad":    func() { PowGrad(x, y, x, 2) },
		"Log":        func() { Log(x, y) },
		"MulRow":     func() { MulRow(x, x, y, 1) },
		"Affine":     func() { Affine(y, y, y, x, 1) },
		"ColumnSums": func() { ColumnSums(x, y, 1) },
		"ColumnDots": func() { ColumnDots(x, x, y, 1) },
		"RowSums":    func() { RowSums(x, y, 1) },
		"Softmax":    func() { Softmax(x, y, 1, 3) },
		"LayerNorm":  func() { LayerNorm(y, y, x, y, 1, 4, 0, nil, nil) },
		"SGD":        func() { SGD(x, x, nil, SGDStep{Momentum: 0.5}) },
		"AdamW":      func() { AdamW(x, x, x, y, adamStep, 0) },
		"Permute":    func() { Permute(x, x, []int{3}, []int{1}) },
		"MaxPool":    func() { MaxPool(x, x, Geometry{}, 0, 0) },
	} {
		mustPanic(t, name, call)
	}
}

func TestVectorAllocations(t *testing.T) {
	x, y, z := make([]float32, 4000), make([]float32, 4000), make([]float32, 4000)
	row := make([]float32, 40)
	g := Geometry{Batch: 1, InH: 10, InW: 10, InC: 40, OutH: 5, OutW: 5, OutC: 40, KernelH: 2, KernelW: 2,
		StrideH: 2, StrideW: 2, DilationH: 1, DilationW: 1}
	dims, perm := []int{10, 10, 40}, []int{2, 0, 1}
	for name, call := range map[string]func(){
		"Gelu":          func() { Gelu(y[:37], x[:37]) },
		"GeluGrad":      func() { GeluGrad(y[:37], x[:37], x[:37]) },
		"Affine":        func() { Affine(y, x, row, row, 100) },
		"ColumnDots":    func() { ColumnDots(row, x, y, 100) },
		"RowSums":       func() { RowSums(row, x, 100) },
		"Softmax":       func() { Softmax(y[:37], x[:37], 1, 37) },
		"LayerNorm":     func() { LayerNorm(y, x, row, row, 100, 40, 1e-5, nil, nil) },
		"LayerNormGrad": func() { LayerNormGrad(y, row, z[:40], x, x, row, z[:100], z[:100], 100, 40) },
		"MaxPool":       func() { MaxPool(y[:1000], x, g, 0, 5) },
		"MaxPoolGrad":   func() { MaxPoolGrad(z, y[:1000], x, y[:1000], g, 0, 1) },
		"AveragePool":   func() { AveragePool(y[:1000], x, g, true, 0, 5) },
		"Permute":       func() { Permute(y, x, dims, perm) },
		"SGD":           func() { SGD(y, x, z, SGDStep{LearningRate: 1, Momentum: 0.5}) },
	} {
		if n := testing.AllocsPerRun(5, call); n > 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

// relativeError is the error of got in terms of want.
func relativeError(got float32, want float64) float64 {
	if float64(got) == want || math.Abs(want) > math.MaxFloat32 && math.IsInf(float64(got), int(math.Copysign(1, want))) {
		return 0
	}
	return math.Abs(float64(got)-want) / math.Abs(want)
}
