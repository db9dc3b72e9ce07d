package f32

import (
	"fmt"

	"github.com/bristle-fl/bristled/internal/kernel/cpu"
	"github.com/bristle-fl/bristled/internal/kernel/pool"
)

// Product is the matrix product C = A*B, or C += A*B with Accumulate, of any
// strides: for training and attention, where no matrix stays the same. The
// element (i, p) of A [M x K] is A[i*ARow+p*ACol], the element (p, j) of B
// [K x N] is B[p*BRow+j*BCol], C [M x N] is row-major with row stride LDC.
//
// With Batch > 1 it is as many products, each of which begins AStep, BStep
// and CStep elements after the one before; their results must not overlap.
// A Batch of 0 is one product.
//
// With Exact, the sums are those of the package internal/kernel: one rounding
// per multiplication and per sum, in ascending order of p.
//
// All fields may be changed between runs. A Product belongs to one goroutine
// at a time and allocates nothing after its first run.
type Product struct {
	M, N, K             int
	A                   []float32
	ARow, ACol          int
	B                   []float32
	BRow, BCol          int
	C                   []float32
	LDC                 int
	Accumulate          bool
	Batch               int
	AStep, BStep, CStep int
	Exact               bool

	on                    cpu.Path
	task, exactTask       func(task, worker int)
	p                     *pool.Pool
	depth, mblock, nblock int
	mblocks, nblocks      int
	inPlace               bool // whether B needs no packing
}

// Run computes the product. It panics if a size or stride is out of range or
// a slice is too short.
func (g *Product) Run(p *pool.Pool) { g.run(cpu.Active(), p) }

func (g *Product) run(on cpu.Path, p *pool.Pool) {
	batch := max(g.Batch, 1)
	g.check(batch)
	if g.M == 0 || g.N == 0 {
		return
	}
	if g.task == nil {
		g.task, g.exactTask = g.work, g.workExactly
	}
	g.p, g.on = p, on
	if g.Exact {
		g.mblock, g.nblock = split(p.Workers()*max(1, 4/batch), g.M, g.N, g.N, 128, g.K)
		g.mblocks, g.nblocks = (g.M+g.mblock-1)/g.mblock, 1
		p.Run(batch*g.mblocks, g.exactTask)
		g.p = nil
		return
	}
	nr := panelWidth(on)
	g.depth = evenly(g.K, packDepth)
	// Packing B is worth its time only if many rows of A use it.
	g.inPlace = g.BCol == 1 && (g.M <= 14 || g.M <= 64 && !crowded(g.BRow))
	workers := 1
	if batch < 4*p.Workers() {
		workers = p.Workers()
	}
	g.mblock, g.nblock = split(workers, g.M, g.N, nr, 1024, g.K)
	g.nblock = min(g.nblock, max(1, packColumns/nr)*nr)
	g.mblocks, g.nblocks = (g.M+g.mblock-1)/g.mblock, (g.N+g.nblock-1)/g.nblock
	p.Run(batch*g.mblocks*g.nblocks, g.task)
	g.p = nil
}

// A block of packDepth rows and packColumns columns of B, a quarter of a MiB,
// is packed at a time.
const (
	packDepth   = 256
	packColumns = 256
)

func (g *Product) check(batch int) {
	if g.M < 0 || g.N < 0 || g.K < 0 || g.Batch < 0 {
		panic(fmt.Sprintf("f32: negative size in matrix product M=%d N=%d K=%d Batch=%d", g.M, g.N, g.K, g.Batch))
	}
	if g.M == 0 || g.N == 0 {
		return
	}
	if g.LDC < g.N {
		panic(fmt.Sprintf("f32: matrix C has rows of %d but a stride of %d", g.N, g.LDC))
	}
	mustReach("A", g.M, g.K, g.last("A", g.A, g.AStep, batch), g.ARow, g.ACol)
	mustReach("B", g.K, g.N, g.last("B", g.B, g.BStep, batch), g.BRow, g.BCol)
	mustReach("C", g.M, g.N, g.last("C", g.C, g.CStep, batch), g.LDC, 1)
}

// last returns what the last product of a batch sees of a slice.
func (g *Product) last(name string, x []float32, step, batch int) []float32 {
	if batch == 1 {
		return x
	}
	if step < 0 || step > 0 && batch-1 > len(x)/step {
		panic(fmt.Sprintf("f32: matrix %s has only %d elements for a batch of %d with a step of %d", name, len(x), batch, step))
	}
	return x[(batch-1)*step:]
}

// work computes one block of one product's result.
func (g *Product) work(task, worker int) {
	one, in := task/(g.mblocks*g.nblocks), task%(g.mblocks*g.nblocks)
	i0, j0 := in/g.nblocks*g.mblock, in%g.nblocks*g.nblock
	i1, j1 := min(i0+g.mblock, g.M), min(j0+g.nblock, g.N)
	nr := panelWidth(g.on)
	rows := min(i1-i0, rowsPerCall(g.depth), max(14, aBlock/max(g.depth, 1)/14*14))
	var packed, spaced []float32
	if g.K > 0 {
		size := (j1 - j0 + nr - 1) / nr * nr * g.depth
		scratch := size
		if j1-j0 >= 128 && g.crowded() {
			scratch += max(rows*(g.depth+16), g.depth*(rows+16))
		}
		packed = g.p.Floats(worker, scratch)
		packed, spaced = packed[:size], packed[size:]
	}
	a0, b0, c0 := one*g.AStep, one*g.BStep, one*g.CStep
	t := tile{segs: 1, acs: g.ACol, ldc: g.LDC}
	t.even(g.ARow)
	for k := 0; k == 0 || k < g.K; k += g.depth {
		t.k = min(g.depth, g.K-k)
		t.add = k > 0 || g.Accumulate
		for j := j0; j < j1 && t.k > 0; j += nr {
			if n := min(nr, j1-j); !g.inPlace || n < nr {
				packPanel(g.on, packed[(j-j0)*t.k:], nr, t.k, n, g.B[b0+k*g.BRow+j*g.BCol:], g.BRow, g.BCol)
			}
		}
		for i := i0; i < i1; i += rows {
			t.m = min(rows, i1-i)
			if t.k > 0 {
				t.a = g.A[a0+i*g.ARow+k*g.ACol:]
				if len(spaced) > 0 {
					g.space(&t, spaced, rows)
				}
			}
			for j := j0; j < j1; j += nr {
				t.n = min(nr, j1-j)
				if g.inPlace && t.n == nr && t.k > 0 {
					t.b, t.ldb = g.B[b0+k*g.BRow+j:], g.BRow
				} else {
					t.b, t.ldb = packed[(j-j0)*t.k:], nr
				}
				t.c = g.C[c0+i*g.LDC+j:]
				runTile(g.on, &t)
			}
		}
		if g.K == 0 {
			return
		}
	}
}

// crowded reports whether A needs a copy with other strides.
func (g *Product) crowded() bool {
	return g.ACol == 1 && crowded(g.ARow) || g.ARow == 1 && crowded(g.ACol)
}

// space makes a tile read a copy of A, for which there is room for so many
// rows.
func (g *Product) space(t *tile, dst []float32, rows int) {
	if g.ACol == 1 {
		t.even(g.depth + 16)
		space(dst, t.ars, t.m, t.k, t.a, g.ARow)
	} else {
		t.acs = rows + 16
		space(dst, t.acs, t.k, t.m, t.a, g.ACol)
	}
	t.a = dst
}
