package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
)

// product is a matrix product to test: the sizes, and how much longer than
// its row each stride is.
type product struct {
	m, n, k          int
	padA, padB, padC int
}

// check compares the three kinds of product on every path with the
// definition: one element at a time, k ascending. What lies between the rows
// of C must stay as it was.
func (s product) check(t *testing.T, rng *rand.Rand, values func(*rand.Rand, int) []float32) {
	t.Helper()
	m, n, k := s.m, s.n, s.k
	for _, kind := range []string{"NN", "NT", "TN"} {
		rowsA, colsA, rowsB, colsB := m, k, k, n
		if kind == "TN" {
			rowsA, colsA = k, m
		}
		if kind == "NT" {
			rowsB, colsB = n, k
		}
		lda, ldb, ldc := colsA+s.padA, colsB+s.padB, n+s.padC
		a, b, c := values(rng, rowsA*lda), values(rng, rowsB*ldb), values(rng, m*ldc)

		want := slices.Clone(c)
		for i := range m {
			for j := range n {
				sum := want[i*ldc+j]
				for p := range k {
					x, y := i*lda+p, p*ldb+j
					if kind == "TN" {
						x = p*lda + i
					}
					if kind == "NT" {
						y = j*ldb + p
					}
					sum += float32(a[x] * b[y])
				}
				want[i*ldc+j] = sum
			}
		}
		for _, on := range cpu.Available() {
			got := slices.Clone(c)
			switch kind {
			case "NN":
				gemmBlocks(on, m, n, k, a, lda, 1, b, ldb, got, ldc)
			case "NT":
				gemmNT(on, m, n, k, a, lda, b, ldb, got, ldc)
			case "TN":
				gemmBlocks(on, m, n, k, a, 1, lda, b, ldb, got, ldc)
			}
			mustBeSame(t, fmt.Sprintf("%s %+v on %v", kind, s, on), got, want)
		}
	}
}

func TestGemmTails(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for m := 1; m <= 17; m++ {
		for n := 1; n <= 70; n++ {
			source := sources[rng.IntN(len(sources))]
			s := product{m, n, rng.IntN(12) + 1, rng.IntN(3), rng.IntN(3), rng.IntN(3)}
			s.check(t, rng, source.make)
		}
	}
}

func TestGemmDepths(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for k := 1; k <= 70; k++ {
		for _, source := range sources {
			product{rng.IntN(9) + 1, rng.IntN(50) + 1, k, 1, 0, 2}.check(t, rng, source.make)
		}
	}
}

// TestGemmBlocks crosses the bounds of the blocks.
func TestGemmBlocks(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	for _, s := range []product{
		{m: blockM + 3, n: 2, k: blockK + 1},
		{m: 3, n: 2*packN + 1, k: 2*blockK + 5, padB: 7},
		{m: blockM, n: 1, k: blockK},
		{m: 7, n: packN, k: 3 * blockK},
		{m: 1, n: 1, k: blockK - 1},
	} {
		for _, source := range sources {
			s.check(t, rng, source.make)
		}
	}
}

// TestGemmNearTruth compares with sums in float64, so that the definition
// itself is a matrix product.
func TestGemmNearTruth(t *testing.T) {
	const m, n, k = 13, 21, 200
	rng := rand.New(rand.NewPCG(11, 12))
	a, b, c := ordinary(rng, m*k), ordinary(rng, k*n), ordinary(rng, m*n)
	got := slices.Clone(c)
	Gemm(m, n, k, a, k, b, n, got, n)
	for i := range m {
		for j := range n {
			want, size := float64(c[i*n+j]), 0.0
			for p := range k {
				term := float64(a[i*k+p]) * float64(b[p*n+j])
				want += term
				size += math.Abs(term)
			}
			if e := math.Abs(float64(got[i*n+j]) - want); e > size*k*0x1p-24 {
				t.Errorf("C[%d,%d] = %g, want %g", i, j, got[i*n+j], want)
			}
		}
	}
}

// TestGemmKinds uses the exported functions, on whatever path is active.
func TestGemmKinds(t *testing.T) {
	// [1 2 3; 4 5 6] * [1 0; 0 1; 2 -1] = [7 -1; 16 -1]
	a, at := []float32{1, 2, 3, 4, 5, 6}, []float32{1, 4, 2, 5, 3, 6}
	b, bt := []float32{1, 0, 0, 1, 2, -1}, []float32{1, 0, 2, 0, 1, -1}
	want := []float32{107, 99, 116, 99}
	c := []float32{100, 100, 100, 100}
	Gemm(2, 2, 3, a, 3, b, 2, c, 2)
	mustBeSame(t, "Gemm", c, want)
	c = []float32{100, 100, 100, 100}
	GemmTN(2, 2, 3, at, 2, b, 2, c, 2)
	mustBeSame(t, "GemmTN", c, want)
	c = []float32{100, 100, 100, 100}
	GemmNT(2, 2, 3, a, 3, bt, 3, c, 2)
	mustBeSame(t, "GemmNT", c, want)

	// No terms, no change, no demands on the slices.
	Gemm(2, 2, 0, nil, 0, nil, 2, c, 2)
	GemmTN(0, 5, 3, nil, 0, nil, 0, nil, 0)
	GemmNT(5, 0, 3, nil, 0, nil, 0, nil, 0)
	mustBeSame(t, "empty product", c, want)
}

// TestGemmConcurrently shares the scratch of GemmNT among goroutines.
func TestGemmConcurrently(t *testing.T) {
	const m, n, k = 6, 50, 140
	rng := rand.New(rand.NewPCG(13, 14))
	a, b := ordinary(rng, m*k), ordinary(rng, n*k)
	want := make([]float32, m*n)
	GemmNT(m, n, k, a, k, b, k, want, n)
	var wg sync.WaitGroup
	results := make([][]float32, 8)
	for i := range results {
		results[i] = make([]float32, m*n)
		wg.Go(func() { GemmNT(m, n, k, a, k, b, k, results[i], n) })
	}
	wg.Wait()
	for _, got := range results {
		mustBeSame(t, "concurrent product", got, want)
	}
}

func TestGemmPanics(t *testing.T) {
	x := make([]float32, 12)
	for _, test := range []struct {
		name, message string
		call          func()
	}{
		{"negative", "negative size", func() { Gemm(-1, 2, 3, x, 3, x, 2, x, 2) }},
		{"negative of nothing", "negative size", func() { GemmTN(0, 2, -3, x, 3, x, 2, x, 2) }},
		{"stride of A", "matrix A has rows of 3 but a stride of 2", func() { Gemm(1, 2, 3, x, 2, x, 2, x, 2) }},
		{"stride of A transposed", "matrix A has rows of 2", func() { GemmTN(2, 2, 3, x, 1, x, 2, x, 2) }},
		{"stride of B", "matrix B has rows of 2", func() { Gemm(1, 2, 3, x, 3, x, 1, x, 2) }},
		{"stride of B transposed", "matrix B has rows of 3", func() { GemmNT(1, 2, 3, x, 3, x, 2, x, 2) }},
		{"stride of C", "matrix C has rows of 2", func() { Gemm(1, 2, 3, x, 3, x, 2, x, 0) }},
		{"short A", "matrix A is 5 x 3", func() { Gemm(5, 2, 3, x, 3, x, 2, x, 2) }},
		{"short A transposed", "matrix A is 3 x 5", func() { GemmTN(5, 2, 3, x, 5, x, 2, x, 2) }},
		{"short B", "matrix B is 3 x 2", func() { Gemm(2, 2, 3, x, 3, x[:5], 2, x, 2) }},
		{"short B transposed", "matrix B is 2 x 3", func() { GemmNT(2, 2, 3, x, 3, x[:5], 3, x, 2) }},
		{"short C", "matrix C is 2 x 2", func() { Gemm(2, 2, 3, x, 3, x, 2, x[:5], 4) }},
		{"empty", "slice has only 0 elements", func() { Gemm(2, 2, 3, nil, 3, x, 2, x, 2) }},
		{"overflow", "slice has only 12 elements", func() { Gemm(math.MaxInt, 2, 3, x, math.MaxInt, x, 2, x, 2) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, test.message) {
					t.Errorf("panic %q, want one with %q", got, test.message)
				}
			}()
			test.call()
		})
	}
}
