package f32

import (
	"fmt"
	"hash/crc32"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
	"pgregory.net/rapid"
)

// size draws an extent with a liking for the tails of register tiles.
func size(t *rapid.T, name string, most int) int {
	if rapid.Bool().Draw(t, name+" is small") {
		most = 33
	}
	return rapid.IntRange(0, most).Draw(t, name)
}

func TestGemmNearTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, n, k := size(t, "m", 150), size(t, "n", 150), size(t, "k", 700)
		lda, ldc := k+rapid.IntRange(0, 3).Draw(t, "lda"), n+rapid.IntRange(0, 3).Draw(t, "ldc")
		if rapid.IntRange(0, 9).Draw(t, "crowded") == 0 {
			lda = 1024
		}
		rng := drawRand(t)
		a, b := numbers(rng, m*lda), numbers(rng, k*n)
		e := drawEpilogue(t, rng, n, m*ldc)
		workers := rapid.IntRange(1, 3).Draw(t, "workers")
		want := newSums(m * ldc)
		for i := range m {
			for j := range n {
				for p := range k {
					want.add(i*ldc+j, float64(a[i*lda+p])*float64(b[p*n+j]))
				}
			}
		}
		want.finish(Epilogue{Residual: e.Residual, Clip: false}, 1)
		for i := range want.value {
			if e.Bias != nil && i%max(ldc, 1) < n {
				want.add(i, float64(e.Bias[i%ldc]))
			}
			if e.Clip {
				want.value[i] = min(max(want.value[i], float64(e.Lo)), float64(e.Hi))
			}
		}
		for _, on := range cpu.Available() {
			var g Gemm
			got := filled(m * ldc)
			g.Packed(pool.New(workers), m, a, lda, packedOn(on, k, n, b), got, ldc, e)
			for i := range got {
				if i%ldc >= n {
					if !math.IsNaN(float64(got[i])) {
						t.Fatalf("%v: element %d beyond the rows was written", on, i)
					}
					got[i] = float32(want.value[i])
				}
			}
			want.mustBeNear(t, on.String(), got)
		}
	})
}

// drawProduct draws a product with matrices of numbers.
func drawProduct(t *rapid.T, rng *rand.Rand) Product {
	draw := func(name string, low, high int) int { return rapid.IntRange(low, high).Draw(t, name) }
	g := Product{
		M: size(t, "m", 90), N: size(t, "n", 200), K: size(t, "k", 300),
		Accumulate: rapid.Bool().Draw(t, "accumulate"), Batch: draw("batch", 0, 3),
	}
	strides := func(name string, rows, cols int) (int, int) {
		switch draw(name, 0, 3) {
		case 0:
			return 1, rows + draw(name+" gap", 0, 2)
		case 1:
			return 2 * (cols + 1), 2
		}
		return cols + draw(name+" gap", 0, 2), 1
	}
	g.ARow, g.ACol = strides("A", g.M, g.K)
	g.BRow, g.BCol = strides("B", g.K, g.N)
	g.LDC = g.N + draw("ldc", 0, 2)
	g.AStep, g.BStep, g.CStep = g.M*g.ARow+g.K*g.ACol, g.K*g.BRow+g.N*g.BCol, g.M*g.LDC+1
	if draw("shared B", 0, 3) == 0 {
		g.BStep = 0
	}
	batch := max(g.Batch, 1)
	g.A, g.B, g.C = numbers(rng, batch*g.AStep+1), numbers(rng, max(batch*g.BStep, g.K*g.BRow+g.N*g.BCol)+1), numbers(rng, batch*g.CStep)
	return g
}

func TestProductNearTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := drawProduct(t, drawRand(t))
		g.Exact = rapid.IntRange(0, 4).Draw(t, "exact") == 0
		workers := rapid.IntRange(1, 3).Draw(t, "workers")
		want := newSums(len(g.C))
		touched := make([]bool, len(g.C))
		for one := range max(g.Batch, 1) {
			for i := range g.M {
				for j := range g.N {
					at := one*g.CStep + i*g.LDC + j
					touched[at] = true
					if g.Accumulate {
						want.add(at, float64(g.C[at]))
					}
					for p := range g.K {
						want.add(at, float64(g.A[one*g.AStep+i*g.ARow+p*g.ACol])*float64(g.B[one*g.BStep+p*g.BRow+j*g.BCol]))
					}
				}
			}
		}
		for i, v := range g.C {
			if !touched[i] {
				want.value[i] = float64(v)
			}
		}
		before := g.C
		for _, on := range cpu.Available() {
			g.C = append([]float32(nil), before...)
			g.run(on, pool.New(workers))
			want.mustBeNear(t, on.String(), g.C)
		}
	})
}

// TestGemmWorkers holds products to the same bits for any number of workers.
func TestGemmWorkers(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	for _, s := range [][3]int{{200, 170, 600}, {3, 300, 1000}, {1000, 40, 64}, {64, 64, 2000}} {
		m, n, k := s[0], s[1], s[2]
		a, b, bias := numbers(rng, m*k), numbers(rng, k*n), numbers(rng, n)
		for _, on := range cpu.Available() {
			for _, exact := range []bool{false, true} {
				var want [2][]float32
				for _, workers := range []int{1, 2, 3, 8} {
					var g Gemm
					got := [2][]float32{filled(m * n), filled(m * n)}
					p := pool.New(workers)
					g.Packed(p, m, a, k, packedOn(on, k, n, b), got[0], n, ReLU(bias))
					(&Product{M: m, N: n, K: k, A: a, ARow: 1, ACol: m, B: b, BRow: n, BCol: 1, C: got[1], LDC: n, Exact: exact}).run(on, p)
					if workers == 1 {
						want = got
					}
					for i := range got {
						mustBeSameBits(t, fmt.Sprintf("%v on %v with %d workers", s, on, workers), got[i], want[i])
					}
				}
			}
		}
	}
}

func TestProductExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	const m, n, k = 37, 50, 300
	a, b := numbers(rng, m*k*2), numbers(rng, k*n)
	for i, strides := range [][4]int{{k, 1, n, 1}, {1, m, n, 1}, {k, 1, 1, k}, {2 * k, 2, 1, k}} {
		c := make([]float32, m*n)
		g := Product{M: m, N: n, K: k, A: a, ARow: strides[0], ACol: strides[1], B: b, BRow: strides[2], BCol: strides[3], C: c, LDC: n, Exact: true}
		g.Run(pool.New(2))
		g.Accumulate = true
		g.Run(pool.New(1))
		want := make([]float32, m*n)
		for range 2 {
			for i := range m {
				for j := range n {
					for p := range k {
						want[i*n+j] += float32(a[i*strides[0]+p*strides[1]] * b[p*strides[2]+j*strides[3]])
					}
				}
			}
		}
		mustBeSameBits(t, fmt.Sprint("product ", i), c, want)
	}
}

// checksum is that of the bits of numbers.
func checksum(vectors ...[]float32) uint32 {
	sum := crc32.NewIEEE()
	for _, x := range vectors {
		for _, v := range x {
			bits := math.Float32bits(v)
			sum.Write([]byte{byte(bits), byte(bits >> 8), byte(bits >> 16), byte(bits >> 24)})
		}
	}
	return sum.Sum32()
}

func TestGemmAllocations(t *testing.T) {
	a, c := make([]float32, 100*1024), make([]float32, 100*200)
	b := make([]float32, 1024*200)
	for _, workers := range []int{1, 2} {
		p := pool.New(workers)
		var g Gemm
		var q Packed
		product := Product{M: 100, N: 200, K: 1024, A: a, ARow: 1024, ACol: 1, B: b, BRow: 200, BCol: 1, C: c, LDC: 200, Batch: 1}
		n := testing.AllocsPerRun(3, func() {
			q.Pack(1024, 200, b, 1, 1024)
			g.Packed(p, 100, a, 1024, &q, c, 200, ReLU(a))
			product.Run(p)
			product.Exact = !product.Exact
		})
		if n != 0 {
			t.Errorf("%d workers: %g allocations", workers, n)
		}
	}
}

func TestGemmPanics(t *testing.T) {
	p := pool.New(1)
	x := make([]float32, 100)
	var q Packed
	mustPanic(t, "negative size", func() { q.Pack(-1, 3, x, 3, 1) })
	mustPanic(t, "short B", func() { q.Pack(11, 10, x, 10, 1) })
	mustPanic(t, "negative stride", func() { q.Pack(5, 5, x, -1, 1) })
	mustPanic(t, "overflow", func() { q.Pack(5, 5, x, math.MaxInt/2, 1) })
	q.Pack(10, 10, x, 10, 1)
	var g Gemm
	mustPanic(t, "negative rows", func() { g.Packed(p, -1, x, 10, &q, x, 10, Epilogue{}) })
	mustPanic(t, "short A", func() { g.Packed(p, 11, x, 10, &q, make([]float32, 110), 10, Epilogue{}) })
	mustPanic(t, "short C", func() { g.Packed(p, 10, x, 10, &q, x[1:], 10, Epilogue{}) })
	mustPanic(t, "stride of C", func() { g.Packed(p, 10, x, 10, &q, x, 9, Epilogue{}) })
	mustPanic(t, "short bias", func() { g.Packed(p, 10, x, 10, &q, x, 10, Epilogue{Bias: x[:9]}) })
	mustPanic(t, "short residual", func() { g.Packed(p, 10, x, 10, &q, x, 10, Epilogue{Residual: x[:99]}) })
	good := Product{M: 10, N: 10, K: 10, A: x, ARow: 10, ACol: 1, B: x, BRow: 10, BCol: 1, C: x, LDC: 10}
	for name, change := range map[string]func(*Product){
		"negative size": func(g *Product) { g.K = -1 },
		"short A":       func(g *Product) { g.A = x[1:] },
		"short B":       func(g *Product) { g.BCol = 2 },
		"short C":       func(g *Product) { g.M = 11 },
		"stride of C":   func(g *Product) { g.LDC = 9 },
		"batch":         func(g *Product) { g.Batch, g.AStep = 2, 1 },
		"negative step": func(g *Product) { g.Batch, g.CStep = 2, -1 },
	} {
		bad := good
		change(&bad)
		mustPanic(t, "product: "+name, func() { bad.Run(p) })
	}
}
